//! The client: a chain, a call, an answer.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod builder;
mod call;
mod certificates;
mod chain;
mod core;
mod download;
mod exchange;
mod failover;
mod identity;
mod index;
mod intake;
mod notification;
mod notifications_builder;
mod outside;
mod pay_params;
mod prepared;
mod receive;
mod refresher;
mod response;
mod sensitive;
mod sink;
mod upload;
mod watch;

pub use self::{
    builder::ClientBuilder,
    call::Call,
    chain::Chain,
    identity::Identity,
    intake::SinkFile,
    notification::Notifications,
    notifications_builder::NotificationsBuilder,
    pay_params::{PayParamsBuilder, PayParamsFor},
    prepared::PreparedRequest,
    refresher::{CertificateMode, CertificateRefresh},
    response::Response,
};

use std::{fmt, ops::Index, sync::Arc};

use self::core::Core;
use crate::{
    base::crypto::PrivateKey,
    error::{Cause, Result, cause},
    protocol::{merchant::check_serial, trust::Own},
};

/// A client for one merchant: the root of every chain.
///
/// Cheap to clone and to share between threads and runtimes; a chain taken from it keeps working
/// after the client itself is dropped.
///
/// ```no_run
/// use serde_json::json;
/// use wechatpay_chain::{Client, PrivateKey, PublicKey};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let client = Client::builder()
///     .mchid("1900000109")
///     .serial("3775B6A45ACD588826D15E583A95F5DD00000000")
///     .private_key(PrivateKey::from_pem_file("apiclient_key.pem")?)
///     .platform_key(
///         "PUB_KEY_ID_0119000001092024000000000000",
///         PublicKey::from_pem_file("pub_key.pem")?,
///     )
///     .build()?;
///
/// let answer = client
///     .chain("v3/pay/transactions/out-trade-no/{out_trade_no}")
///     .get(json!({ "out_trade_no": "1217752501201407033233368018", "query": { "mchid": "1900000109" } }))?;
/// println!("{}", answer.text()?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    root: Arc<Chain>,
}

impl Client {
    /// Begins a client's configuration.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    fn new(core: Core) -> Self {
        Self {
            root: Arc::new(Chain::root(Arc::new(core))),
        }
    }

    pub(crate) fn root(&self) -> &Chain {
        &self.root
    }

    /// A chain that begins with one segment: see [`Chain::seg`].
    pub fn seg(&self, segment: impl AsRef<str>) -> Chain {
        self.root.seg(segment)
    }

    /// A chain that begins with a path: see [`Chain::chain`].
    pub fn chain(&self, path: impl AsRef<str>) -> Chain {
        self.root.chain(path)
    }

    /// Puts another private key in place of the merchant's own, with its certificate's serial.
    /// Calls that are under way finish with the key they began with.
    ///
    /// # Errors
    /// If the client has no local key, if the serial is not valid, if the serial or the key is that
    /// of a trusted platform key, and if the serial is a sandbox's while the client's requests do not
    /// go to one.
    pub fn rotate_key(&self, serial: impl Into<String>, key: PrivateKey) -> Result<()> {
        self.rotate(serial.into(), key).map_err(Cause::not_sent)
    }

    fn rotate(&self, serial: String, key: PrivateKey) -> cause::Result<()> {
        check_serial(&serial)
            .map_err(|what| Cause::config(format!("rotate_key: the serial {what}")))?;
        let core = self.root.core();
        let merchant_key = core.merchant_key()?;
        let own = Own {
            serial: serial.clone(),
            key: key.public_key(),
        };
        let store = core.trust().store();
        core.setup()
            .guard
            .take_own(own, store, || merchant_key.rotate(serial, key))
    }
}

impl Index<&'static str> for Client {
    type Output = Chain;

    /// A chain by a literal path, kept in the client: the second look-up of a path costs no
    /// allocation. A path that is put together at run time goes through [`Client::chain`], which
    /// keeps nothing; here it does not compile:
    ///
    /// ```compile_fail
    /// # fn f(client: &wechatpay_chain::Client, id: &str) {
    /// let path = format!("v3/certificates/{id}");
    /// client[path.as_str()].get(());
    /// # }
    /// ```
    fn index(&self, path: &'static str) -> &Chain {
        &self.root[path]
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(self.root.core()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_may_be_shared() {
        fn shared<T: Clone + Send + Sync + 'static>() {}
        fn moved<T: Send + 'static>() {}
        shared::<Client>();
        shared::<Chain>();
        moved::<Call>();
        moved::<PreparedRequest>();
        moved::<Response>();
    }

    #[test]
    fn a_dropped_client_frees_everything() {
        let client = Client::builder().build().unwrap();
        let core = Arc::downgrade(client.root.core_arc());
        let chain = client["v3/a"]["b"].seg("c");
        drop(client.clone()["v3/a"]["{d}"].clone());
        drop(client);
        assert!(core.upgrade().is_some(), "a chain keeps its client's core");
        drop(chain);
        assert_eq!(core.strong_count(), 0);
    }
}
