use super::driver::{block_on, poll_once};
use crate::{client::Client, error::Result};

impl Client {
    /// Decrypts a sensitive field of an answer or a notification with the merchant's private key
    /// (base64 of RSA-OAEP with SHA-1). With a local key it does no I/O; with a remote
    /// [`Signer`](crate::Signer) it waits as a blocking verb does.
    ///
    /// ```no_run
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// # let answer = serde_json::json!({});
    /// let name = client.decrypt(answer["user_name"].as_str().unwrap_or_default())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where the client has no private key or its signer does not decrypt, and where the field
    /// does not open: it was encrypted for another key, or altered.
    pub fn decrypt(&self, ciphertext: &str) -> Result<String> {
        let future = self.decrypting(ciphertext);
        if self.root().core().signs_locally() {
            poll_once(future)
        } else {
            block_on(future)
        }
    }
}
