use super::driver::{block_on, poll_once};
use crate::{client::Client, error::Result, protocol::sensitive::Padding, wire::InRuntime};

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
        self.opened(self.decrypting(Padding::Oaep, ciphertext))
    }

    /// As [`decrypt`](Client::decrypt), for a field that is padded by PKCS#1 v1.5: the personal data
    /// in the answers of a few old APIs, whose pages say so (face authentication, overseas).
    ///
    /// **Success proves nothing.** A ciphertext that was altered, or made for another key, gives a
    /// text of no meaning and no error (*implicit rejection*): an error would let an attacker who
    /// sends many of them learn what another one holds. Decrypt only what came in a verified answer.
    ///
    /// ```no_run
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// # let answer = serde_json::json!({});
    /// let name = client.decrypt_pkcs1(answer["user_name"].as_str().unwrap_or_default())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where the client has no private key or its signer does not implement
    /// [`Signer::decrypt_pkcs1`](crate::Signer::decrypt_pkcs1), and where the field is not base64 of
    /// as many bytes as the key has. Always with the feature `aws-lc-rs`, whose library has no
    /// implicit rejection; the error gives the command of openssl that does it.
    pub fn decrypt_pkcs1(&self, ciphertext: &str) -> Result<String> {
        self.opened(self.decrypting(Padding::Pkcs1, ciphertext))
    }

    fn opened(&self, future: InRuntime<String>) -> Result<String> {
        if self.root().core().signs_locally() {
            poll_once(future)
        } else {
            block_on(future)
        }
    }
}
