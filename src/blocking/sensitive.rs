//! Decrypting sensitive fields, blocking.

use super::driver::poll_or_block;
use crate::{
    client::{Call, Client},
    error::Result,
};

impl Client {
    /// Decrypts a sensitive field of a response or notification with the merchant's private key
    /// (base64 of RSA-OAEP with SHA-1).
    ///
    /// With a local key this does no I/O; with a remote [`Signer`](crate::Signer) it blocks like a
    /// blocking verb.
    ///
    /// # Errors
    /// Returns an error if the client has no private key, if its signer does not decrypt, or if the field
    /// was encrypted for another key or altered.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// # let response = wechatpay_chain::json!({});
    /// let name = client.decrypt(response["user_name"].as_str().unwrap_or_default())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn decrypt(&self, ciphertext: &str) -> Result<String> {
        self.drive(self.decrypt_async(ciphertext))
    }

    /// Like [`decrypt`](Client::decrypt), for a field with PKCS#1 v1.5 padding: the personal data in the
    /// responses of a few old APIs, whose pages say so (face authentication, overseas).
    ///
    /// **Success proves nothing.** A ciphertext that was altered, or made for another key, decrypts to
    /// random text and not to an error (*implicit rejection*). An error would let an attacker who sends
    /// many ciphertexts find out what another one contains. Decrypt only what arrived in a verified
    /// response.
    ///
    /// # Errors
    /// Returns an error if the client has no private key, if its signer does not implement
    /// [`Signer::decrypt_pkcs1`](crate::Signer::decrypt_pkcs1), or if the field is not base64 of as many
    /// bytes as the key has. Always returns an error with the feature `aws-lc-rs`, which has no implicit
    /// rejection; the error contains the openssl command that decrypts the field.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// # let response = wechatpay_chain::json!({});
    /// let name = client.decrypt_pkcs1(response["user_name"].as_str().unwrap_or_default())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn decrypt_pkcs1(&self, ciphertext: &str) -> Result<String> {
        self.drive(self.decrypt_pkcs1_async(ciphertext))
    }

    fn drive(&self, call: Call<String>) -> Result<String> {
        poll_or_block(self.root().core().signs_locally(), call)
    }
}
