//! The start of a sandbox.

use std::{sync::Arc, thread};

use tokio::sync::oneshot;

use super::SandboxBuilder;
use crate::{
    error::{Cause, ErrorKind, Result, cause},
    sandbox::{
        control::Guard,
        handle::{MerchantOptions, Sandbox},
        journal,
        outbox::Post,
        server::{BoundListener, host::Hosts, page::Page},
        state::{SandboxState, keys::KeptKeys, random::Rng},
    },
};

impl SandboxBuilder {
    /// Starts the sandbox.
    ///
    /// # Errors
    /// Returns an error if the sandbox cannot listen on the address, start a thread or generate its
    /// keys, if a merchant ID is invalid or given twice, or if the folder of [`keys`](Self::keys) cannot be
    /// read or written. Returns an error if other machines reach the address and there is no
    /// [`control_token`](Self::control_token).
    pub fn start(self) -> Result<Sandbox> {
        self.start_server()
    }

    /// Starts the sandbox without blocking the thread. It needs no runtime of its own kind.
    ///
    /// # Errors
    /// Returns the errors of [`start`](Self::start).
    pub async fn start_async(self) -> Result<Sandbox> {
        let (started, starting) = oneshot::channel();
        // Drawing the first keys of a process takes up to a second.
        thread::Builder::new()
            .name("sandbox-start".to_owned())
            .spawn(move || {
                let _ = started.send(self.start_server());
            })
            .map_err(|err| no_thread().with_source(err).not_sent())?;
        starting.await.map_err(|_| no_thread().not_sent())?
    }

    fn start_server(self) -> Result<Sandbox> {
        let sandbox = self.started().map_err(Cause::not_sent)?;
        // With the base URIs, which are known now.
        if let Some(folder) = &sandbox.keys_folder {
            sandbox.export(folder.path())?;
        }
        Ok(sandbox)
    }

    fn started(mut self) -> cause::Result<Sandbox> {
        let guard = match &self.control_token {
            Some(token) => Guard::with_token(&token.0)?,
            None => Guard::default(),
        };
        for address in [Some(self.address), self.https, self.proxy]
            .into_iter()
            .flatten()
        {
            guard.check_address(address)?;
        }
        let hosts = Hosts::new(&self.hosts)?;
        let page = Page::new(self.page)?;
        let post = Post::new(&self.deliver_to)?;
        // The listeners come first: a port that is taken fails at once, before the slow keys, and before
        // anything is written.
        let listener = BoundListener::bind(self.address, self.https, self.proxy)?;
        self.keys.prepare()?;
        let mut rng = match self.seed {
            Some(seed) => Rng::from_seed(seed),
            None => Rng::from_system()?,
        };
        // Real ones have ten digits too.
        let drawn = format!("1{}", rng.digits(9));
        let mut kept = KeptKeys::none();
        let mut first = self.mchid.clone().unwrap_or(drawn);
        if let Some(folder) = &self.keys_folder {
            let known;
            (kept, known) = folder.platform(self.keys, &first)?;
            first = self.mchid.unwrap_or(known);
            self.further = with_kept(self.further, folder.merchants()?, &first);
        }
        let settle_after = self.settle_after.map(|after| after.as_secs());
        let mut state =
            SandboxState::new(listener.address(), self.keys, kept, rng, settle_after, post)?;
        state.guard = guard;
        state.hosts = hosts;
        state.page = page;
        let folder = self.keys_folder.as_ref();
        let first = self.first.named(first).add_to(&state, folder)?;
        for merchant in self.further {
            merchant.add_to(&state, folder)?;
        }
        let state = Arc::new(state);
        if let Some(given) = self.journal {
            let (past, journal) = given.take().ok_or_else(|| {
                Cause::config("the journal of this builder has been used by another sandbox")
            })?;
            journal::resume(&state, past, journal)?;
        }
        let server = listener.serve(Arc::clone(&state))?;
        Ok(Sandbox {
            server: Some(server),
            first,
            state,
            scope: None,
            keys_folder: self.keys_folder,
        })
    }
}

/// Adds the merchants of a folder that are neither the first one nor given.
fn with_kept(
    mut given: Vec<MerchantOptions>,
    kept: Vec<String>,
    first: &str,
) -> Vec<MerchantOptions> {
    for mchid in kept {
        if mchid != first && given.iter().all(|known| known.mchid != mchid) {
            given.push(MerchantOptions::new(mchid));
        }
    }
    given
}

fn no_thread() -> Cause {
    Cause::new(ErrorKind::Config, "cannot start a thread for the sandbox")
}
