//! HTTPS: its address, the certificate authority, and the merchants' client certificates.

use super::{Merchant, Sandbox};
use crate::{
    Transport,
    base::crypto::Certificate,
    client::{ClientBuilder, Identity},
    error::{Cause, Result},
};

impl Sandbox {
    /// Returns the base URI of the sandbox over HTTPS, such as `https://127.0.0.1:49153/`.
    ///
    /// The first call starts to listen on a second port and draws the keys for it, which takes up to a
    /// second. Clients must trust [`ca_certificate`](Self::ca_certificate).
    /// [`Merchant::https_client_builder`] has both set.
    ///
    /// # Errors
    /// Returns an error if the sandbox cannot listen or generate its keys.
    pub fn https_base_uri(&self) -> Result<String> {
        self.merchant().https_base_uri()
    }

    /// Returns the certificate of the sandbox's certificate authority, which issued the certificate of its
    /// server and those of the merchants.
    ///
    /// # Errors
    /// Returns an error if its key cannot be generated.
    pub fn ca_certificate(&self) -> Result<Certificate> {
        let authority = self.state.platform.authority().map_err(Cause::not_sent)?;
        Ok(authority.certificate.clone())
    }
}

impl Merchant {
    /// Returns the merchant's API certificate, `apiclient_cert.pem`. Its key is the merchant key, and its
    /// serial is [`serial`](Self::serial).
    ///
    /// # Errors
    /// Returns an error if the key of the certificate authority cannot be generated.
    pub fn client_certificate(&self) -> Result<Certificate> {
        let issued = self
            .state
            .platform
            .authority()
            .and_then(|authority| authority.issue_to_merchant(&self.merchant));
        issued.map_err(Cause::not_sent)
    }

    /// Returns a client builder like [`client_builder`](Self::client_builder) for the sandbox over HTTPS,
    /// with the merchant's API certificate for calls with the option `security`.
    ///
    /// # Errors
    /// Returns an error if the sandbox cannot listen or generate its keys.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.merchant().https_client_builder()?.build()?;
    /// client.chain("v2/pay/unifiedorder").post(json!({ "xml": {
    ///     "appid": sandbox.appid(),
    ///     "mch_id": sandbox.mchid(),
    ///     "body": "A cup of tea",
    ///     "out_trade_no": "tea-0001",
    ///     "total_fee": 100,
    ///     "spbill_create_ip": "127.0.0.1",
    ///     "notify_url": "https://example.com/notify",
    ///     "trade_type": "NATIVE",
    ///     "product_id": "tea",
    /// }}))?;
    /// sandbox.user_pays("tea-0001")?;
    /// client.chain("v2/secapi/pay/refund").post(json!({ "security": true, "xml": {
    ///     "appid": sandbox.appid(),
    ///     "mch_id": sandbox.mchid(),
    ///     "out_trade_no": "tea-0001",
    ///     "out_refund_no": "tea-0001-r",
    ///     "total_fee": 100,
    ///     "refund_fee": 100,
    /// }}))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn https_client_builder(&self) -> Result<ClientBuilder> {
        let authority = self.state.platform.authority().map_err(Cause::not_sent)?;
        let certificate = self.client_certificate()?.to_pem();
        // A proxy from the environment cannot reach a sandbox on this machine.
        let transport = Transport::builder()
            .no_proxy()
            .root_certificate(authority.certificate.clone());
        Ok(self
            .keyed_client_builder()
            .base_uri(self.https_base_uri()?)
            .transport(transport.build()?)
            .client_identity(Identity::from_pem(&certificate, &self.private_key_pem()?)?))
    }

    pub(super) fn https_base_uri(&self) -> Result<String> {
        let address = self.state.https_address().map_err(Cause::not_sent)?;
        Ok(format!("https://{address}/"))
    }
}
