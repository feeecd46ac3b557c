//! The handle of one control request.

use std::sync::Arc;

use super::{Sandbox, outbox::ended};
use crate::{
    error::Result,
    sandbox::{
        dispatch::refusal::{Refusal, no_merchant},
        server::Server,
        state::SandboxState,
    },
};

impl Sandbox {
    /// Returns a handle of a sandbox that runs, without its server. It is about the merchant or sub-merchant
    /// `mchid`: only its orders are found.
    pub(in crate::sandbox) fn of_request(
        state: &Arc<SandboxState>,
        mchid: Option<&str>,
    ) -> Result<Self, Refusal> {
        let merchants = &state.merchants;
        let named = mchid.and_then(|mchid| merchants.get(mchid));
        if let (Some(mchid), None) = (mchid, &named) {
            let is_sub_merchant = state.world().stores.contains_key(mchid);
            if !is_sub_merchant {
                return Err(no_merchant(mchid));
            }
        }
        let first = named.or_else(|| merchants.first());
        Ok(Self {
            server: None,
            state: Arc::clone(state),
            first: first.ok_or_else(|| no_merchant(""))?,
            keys_folder: None,
            scope: mchid.map(str::to_owned),
        })
    }

    /// Returns the server, for what only the handle of a test can do.
    pub(super) fn server(&self) -> Result<&Server> {
        self.server.as_ref().ok_or_else(ended)
    }
}
