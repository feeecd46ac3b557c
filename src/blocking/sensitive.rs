//! Decrypting sensitive fields, blocking.

#[cfg(feature = "documents")]
use serde_json::Value;

use super::driver::poll_or_block;
#[cfg(feature = "documents")]
use crate::{catalog::Operation, protocol::documents::put};
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

    /// Decrypts the sealed fields of a response in place, as the documents of its operation list them.
    /// Feature `documents`.
    ///
    /// Each field is decrypted with its documented padding, as [`decrypt`](Client::decrypt) and
    /// [`decrypt_pkcs1`](Client::decrypt_pkcs1) do, and the warning there applies: with PKCS#1 v1.5
    /// padding, success proves nothing. `null`, empty strings and absent fields are left alone. So is
    /// everything on an error: either all fields are decrypted or none.
    ///
    /// # Errors
    /// Returns the errors of those methods, with the JSON Pointer of the field, and one if a sealed field
    /// is not a string. A response without sealed fields needs no key.
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "sandbox", doc = "```")]
    #[cfg_attr(not(feature = "sandbox"), doc = "```ignore")]
    /// use wechatpay_chain::{Method, Options, Value, catalog, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// let echo = catalog::find(&Method::POST, "v3/security/echo").unwrap();
    /// let options = json!({ "json": { "echo_message": "hello", "encrypted_echo_message": "张三" } });
    /// let response = client
    ///     .chain(echo.template())
    ///     .post(Options::from(options).encrypt_documented())?;
    ///
    /// let mut body: Value = response.json()?;
    /// client.decrypt_documented(echo, &mut body)?;
    /// assert_eq!(body["encrypted_echo_message"], "张三");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Official page: "敏感信息加解密".
    #[cfg(feature = "documents")]
    pub fn decrypt_documented(&self, operation: &Operation, response: &mut Value) -> Result<()> {
        let texts = self.drive(self.opening(operation, response))?;
        put(response, texts);
        Ok(())
    }

    fn drive<T>(&self, call: Call<T>) -> Result<T> {
        poll_or_block(self.root().core().signs_locally(), call)
    }
}
