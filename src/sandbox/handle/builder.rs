//! Options of a sandbox, and its start.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use super::Sandbox;
use crate::{
    error::{Cause, Result, cause},
    sandbox::{
        flows,
        server::BoundListener,
        state::{SandboxState, keys::Keys},
    },
};

/// A builder for a [`Sandbox`] with options: see [`Sandbox::builder`].
///
/// ```
/// use wechatpay_chain::sandbox::Sandbox;
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let sandbox = Sandbox::builder().mchid("1900000109").start()?;
/// assert_eq!(sandbox.mchid(), "1900000109");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SandboxBuilder {
    address: SocketAddr,
    mchid: String,
    appid: String,
}

impl SandboxBuilder {
    /// Sets the address to listen on. Defaults to 127.0.0.1 and a free port.
    ///
    /// An address that is not loopback lets other machines in.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Sets the merchant ID. Defaults to `1230000109`, as in the official documents.
    pub fn mchid(mut self, mchid: impl Into<String>) -> Self {
        self.mchid = mchid.into();
        self
    }

    /// Sets the app that is bound to the merchant. Defaults to `wxd678efh567hg6787`, as in the
    /// official documents.
    pub fn appid(mut self, appid: impl Into<String>) -> Self {
        self.appid = appid.into();
        self
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// Returns an error if the sandbox cannot listen on the address, start a thread or generate its
    /// keys.
    pub fn start(self) -> Result<Sandbox> {
        self.start_server().map_err(Cause::not_sent)
    }

    pub(super) fn new() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            mchid: "1230000109".to_owned(),
            appid: "wxd678efh567hg6787".to_owned(),
        }
    }

    fn start_server(self) -> cause::Result<Sandbox> {
        // The listener comes first: a port that is taken fails at once, before the slow keys.
        let listener = BoundListener::bind(self.address)?;
        let keys = Keys::generate()?;
        let state = SandboxState::new(keys, listener.address, self.mchid, self.appid);
        let state = Arc::new(state);
        let routes = flows::routes(Arc::clone(&state));
        Ok(Sandbox {
            _server: listener.serve(Arc::clone(&state), routes)?,
            state,
        })
    }
}
