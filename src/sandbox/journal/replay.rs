//! The start of a sandbox with a journal: what happened before happens again.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};

use super::{
    Inputs, Journal, Past,
    entry::{self, Entry, New, Opened, Said},
    settle,
};
use crate::{
    error::{Cause, ErrorKind, cause::Result},
    sandbox::{
        dispatch::{pipeline, response::ApiResponse},
        state::{SandboxState, clock::real_now, random::Rng, world::World},
    },
};

/// Carries out the entries of earlier, and records from now on. The merchants have been added, and nothing
/// runs yet.
///
/// # Errors
/// Returns an error that names the entry if one cannot be read, or is of other keys.
pub(in crate::sandbox) fn resume(
    state: &Arc<SandboxState>,
    past: Past,
    journal: Box<dyn Journal>,
) -> Result<()> {
    let mut latest = None;
    for (index, entry) in past.enumerate() {
        let fail = |what: &str| failed(index, what);
        let entry = entry.map_err(|err| fail("cannot be read").with_source(err))?;
        let (time, said) = entry::read(&entry).map_err(fail)?;
        let is_first = latest.is_none();
        if is_first != matches!(said, Said::Start { new: Some(_), .. }) {
            return Err(fail(
                "is out of place: a journal begins with its first entry",
            ));
        }
        latest = Some(time);
        state.clock.hold(time);
        state.set_replaying(true);
        state.fire_due();
        let done = replay(state, said, index);
        settle(state);
        state.set_replaying(false);
        state.clock.let_go();
        done.map_err(|what| fail(&what))?;
    }
    let new = (latest.is_none()).then(|| {
        let world = state.world();
        New {
            seed: world.rng.seed(),
            settle_after: world.settle_after,
        }
    });
    let latest = real_now().max(latest.unwrap_or(0));
    let merchants = state.merchants.all();
    if new.is_none() {
        let mut world = state.world();
        for merchant in &merchants {
            world.open(merchant);
        }
        world.outbox.restart();
    }
    let inputs = Inputs {
        journal,
        latest: Mutex::new(latest),
        broken: OnceLock::new(),
    };
    let merchants = merchants.iter().map(|merchant| &**merchant);
    inputs
        .append(&Entry::start(latest, new, merchants))
        .map_err(cannot_write)?;
    state.set_inputs(inputs);
    Ok(())
}

/// Carries out an entry.
///
/// # Errors
/// Returns what is wrong with it.
fn replay(state: &Arc<SandboxState>, said: Said, index: usize) -> std::result::Result<(), String> {
    match said {
        Said::Start { new, merchants } => start(state, new, &merchants)?,
        Said::Request { arrived, status } => {
            let (_, response) = pipeline::carry_out(state, &arrived);
            let now = response.as_ref().map(ApiResponse::status);
            if now != status {
                tracing::warn!(
                    entry = index,
                    method = %arrived.parts.method,
                    path = arrived.parts.uri.path(),
                    recorded = ?status,
                    replayed = ?now,
                    "a request of the journal is answered otherwise than before"
                );
            }
        }
        Said::Send => {
            let now = state.clock.now();
            state.world().outbox.start(now);
        }
        Said::Attempt(way, attempt) => state.world().outbox.record(&way, *attempt),
        Said::End(way, ending) => state.world().outbox.end(&way, ending),
    }
    Ok(())
}

fn start(
    state: &SandboxState,
    new: Option<New>,
    merchants: &[Opened],
) -> std::result::Result<(), String> {
    for opened in merchants {
        let merchant = state.merchants.get(&opened.mchid);
        if merchant.is_none_or(|merchant| merchant.serial != opened.serial) {
            return Err(format!(
                "is of the merchant {} with the serial {}: start with the same keys, as SandboxBuilder::keys keeps \
                 them",
                opened.mchid, opened.serial
            ));
        }
    }
    let mut world = state.world();
    if let Some(new) = new {
        *world = World::new(Rng::from_seed(new.seed), new.settle_after);
    }
    for opened in merchants {
        world.add_store(&opened.mchid, opened.balance);
        for sub_mchid in &opened.partner_of {
            world.add_sub_merchant(&opened.mchid, sub_mchid, opened.balance);
        }
    }
    if new.is_none() {
        world.outbox.restart();
    }
    Ok(())
}

fn failed(index: usize, what: &str) -> Cause {
    let message = format!("the journal's entry {index} {what}");
    Cause::new(ErrorKind::Config, message)
}

fn cannot_write(err: io::Error) -> Cause {
    Cause::new(ErrorKind::Config, "the journal cannot be written").with_source(err)
}
