use super::driver::poll_or_block;
use crate::{client::Client, error::Result, protocol::sign::Signature};

impl Client {
    /// Signs a message with the merchant's key: RSASSA-PKCS1-v1_5 with SHA-256, the only scheme of APIv3.
    ///
    /// Calls sign themselves, and so do the parameters that open a payment. This is for messages that a
    /// front end or another program sends, and for tools. Follows "签名生成".
    ///
    /// With a local key this does no I/O; with a remote [`Signer`](crate::Signer) it blocks like a
    /// blocking verb.
    ///
    /// # Errors
    /// Returns an error if the client has no private key and no signer, or if signing fails.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// let message = "wx8888888888888888\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\nprepay_id=wx2014\n";
    /// let signature = client.sign(message)?;
    /// println!("{} bytes by {}", signature.bytes().len(), signature.serial());
    /// # Ok(())
    /// # }
    /// ```
    pub fn sign(&self, message: impl AsRef<[u8]>) -> Result<Signature> {
        let is_local = self.root().core().signs_locally();
        poll_or_block(is_local, self.sign_async(message))
    }
}
