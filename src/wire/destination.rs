use std::{sync::Arc, time::Duration};

use super::ClientIdentity;
use crate::protocol::url::host::Origin;

/// Where one attempt goes, and how it may get there.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) origin: Origin,
    /// The client certificate to show in TLS.
    pub(crate) identity: Option<Arc<ClientIdentity>>,
    /// The limit on everything up to a ready connection: DNS, TCP, proxy and TLS.
    pub(crate) connect_timeout: Option<Duration>,
    /// Whether to use a new connection, and never one that has served a request before.
    pub(crate) fresh_connection: bool,
}
