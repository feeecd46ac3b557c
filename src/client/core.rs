//! What all chains of one client share.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use zeroize::Zeroizing;

use super::{Identity, call::failover::Failover, platform_keys::Refresher};
use crate::{
    error::{Cause, cause::Result},
    protocol::{
        notification::receiver::Receiver,
        request::Setup,
        retry::{Budget, RetryPolicy},
        sign::MerchantKey,
        trust::Trust,
    },
    wire::Transport,
};

// Chains hold the core, and the core holds no chain: otherwise the chains that the index keeps would
// keep each other alive, and a dropped client would never be freed.
pub(crate) struct Core {
    pub(super) setup: Setup,
    pub(super) mchid: Option<String>,
    pub(super) brand_id: Option<String>,
    pub(super) key: Option<MerchantKey>,
    // Shared with `receiver`, so that a key downloaded for a response also verifies notifications.
    pub(super) trust: Trust,
    pub(super) refresher: Refresher,
    pub(super) apiv2_key: Option<Zeroizing<String>>,
    pub(super) identity: Option<Identity>,
    pub(super) apiv3_key: Option<Zeroizing<[u8; 32]>>,
    pub(super) receiver: Arc<Receiver>,
    pub(super) transport: Transport,
    pub(super) retry: RetryPolicy,
    // Per client and not per call: when WeChat Pay is down, calls that each retry a little add up to a
    // multiple of the load.
    pub(super) budget: Budget,
    pub(super) failover: Failover,
    pub(super) max_response: usize,
}

impl Core {
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn merchant_key(&self) -> Result<&MerchantKey> {
        self.key.as_ref().ok_or_else(|| {
            Cause::config(
                "missing merchant key, which signs APIv3 requests: set `serial` and `private_key`, \
                 or a `signer`, on the client builder",
            )
        })
    }

    pub(super) fn apiv2_key(&self) -> Result<&str> {
        self.apiv2_key
            .as_ref()
            .map(|key| key.as_str())
            .ok_or_else(|| {
                Cause::config(
                    "missing `apiv2_key`, which signs APIv2 requests and verifies their responses: \
                     set it on the client builder",
                )
            })
    }

    /// Returns `true` if signing never waits, because the key is local.
    pub(crate) fn signs_locally(&self) -> bool {
        // A client without a key fails at once, which is not waiting either.
        self.key
            .as_ref()
            .is_none_or(|key| key.local_key().is_some())
    }
}

/// Returns the current time in seconds since 1970.
pub(super) fn now() -> u64 {
    unix_seconds(SystemTime::now())
}

/// Returns a time in seconds since 1970.
pub(super) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        // A clock before 1970 is certainly wrong. WeChat Pay refuses the signature and says why, which
        // tells the user more than a panic here would.
        .map_or(0, |since| since.as_secs())
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys are only shown to be there: a `Debug` of a client ends up in logs.
        let configured = |given: bool| if given { "set" } else { "not set" };
        f.debug_struct("Core")
            .field("mchid", &self.mchid)
            .field("base_uri", &self.setup.base.origin)
            .field("private_key", &configured(self.key.is_some()))
            .field("apiv2_key", &configured(self.apiv2_key.is_some()))
            .field("apiv3_key", &configured(self.apiv3_key.is_some()))
            .finish_non_exhaustive()
    }
}
