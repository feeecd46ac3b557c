//! The client: the root of every chain.

use std::{fmt, ops::Index, sync::Arc};

use super::{Call, Chain, ClientBuilder, core::Core};
use crate::{
    base::crypto::PrivateKey,
    error::{Cause, Result, cause},
    protocol::{
        merchant::check_serial,
        sign::Signature,
        trust::{guard::MerchantCredentials, store::TrustStore},
    },
};

/// A client for one merchant, from which all chains start.
///
/// It is cheap to clone, and to share between threads and runtimes. A chain keeps working after its
/// client is dropped.
///
/// # Examples
///
/// ```no_run
/// use wechatpay_chain::{Client, PrivateKey, PublicKey, json};
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
/// let response = client
///     .chain("v3/pay/transactions/out-trade-no/{out_trade_no}")
///     .get(json!({ "out_trade_no": "1217752501201407033233368018", "query": { "mchid": "1900000109" } }))?;
/// println!("{}", response.text()?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(super) root: Arc<Chain>,
}

impl Client {
    /// Returns a builder.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(super) fn new(core: Core) -> Self {
        Self {
            root: Arc::new(Chain::root(Arc::new(core))),
        }
    }

    pub(crate) fn root(&self) -> &Chain {
        &self.root
    }

    /// Returns a chain that starts with one segment; see [`Chain::seg`].
    pub fn seg(&self, segment: impl AsRef<str>) -> Chain {
        self.root.seg(segment)
    }

    /// Returns a chain that starts with a path; see [`Chain::chain`].
    pub fn chain(&self, path: impl AsRef<str>) -> Chain {
        self.root.chain(path)
    }

    /// The async form of [`sign`](Client::sign).
    pub fn sign_async(&self, message: impl AsRef<[u8]>) -> Call<Signature> {
        let core = Arc::clone(self.root.core_arc());
        let message = message.as_ref().to_vec();
        Call::new(async move {
            let signed = async { core.merchant_key()?.sign(&message).await };
            signed.await.map_err(Cause::not_sent)
        })
    }

    /// Replaces the merchant's private key and the serial of its certificate. Calls that have started
    /// finish with the key they started with.
    ///
    /// # Errors
    /// Returns an error if the client has no local key, if the serial is invalid, if the serial or the
    /// key is that of a trusted platform key, or if the serial is a sandbox's and the client's requests
    /// do not go to a sandbox.
    pub fn rotate_key(&self, serial: impl Into<String>, key: PrivateKey) -> Result<()> {
        self.rotate(serial.into(), key).map_err(Cause::not_sent)
    }

    fn rotate(&self, serial: String, key: PrivateKey) -> cause::Result<()> {
        // The same checks as in `build()`, in the same order.
        check_serial(&serial)
            .map_err(|what| Cause::config(format!("rotate_key: invalid serial {what}")))?;
        let core = self.root.core();
        let merchant_key = core.merchant_key()?;
        let own = MerchantCredentials {
            serial: serial.clone(),
            key: key.public_key(),
        };
        let trusted = || {
            let store = core.trust().store();
            store.map(TrustStore::all).unwrap_or_default()
        };
        core.setup()
            .guard
            .take_own(own, trusted, || merchant_key.rotate(serial, key))
    }
}

impl Index<&'static str> for Client {
    type Output = Chain;

    /// Returns the chain of a literal path. The client keeps it, so the second lookup of a path does
    /// not allocate.
    ///
    /// Pass a path that is built at run time to [`Client::chain`], which keeps nothing. As an index it
    /// does not compile, because every distinct path would be kept forever:
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
    fn dropped_client_frees_its_core() {
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
