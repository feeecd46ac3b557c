//! Sensitive fields, one at a time.

use std::sync::Arc;

use super::Client;
use crate::{
    error::{Cause, Result},
    protocol::sensitive::{self, Encrypted, Padding},
    wire::InRuntime,
};

impl Client {
    /// Encrypts a sensitive field for WeChat Pay (RSA-OAEP with SHA-1): a name, an ID number, a
    /// phone number. The key is the WeChat Pay public key if one is configured, else the platform
    /// certificate in force that ends last.
    ///
    /// [`Options::encrypt`](crate::Options::encrypt) does it in place, and names the key in the
    /// request. By "敏感信息加解密".
    ///
    /// # Errors
    /// Where there is no key to encrypt with, or the text is too long for it: a key of 2048 bits
    /// takes 214 bytes.
    pub fn encrypt(&self, text: &str) -> Result<Encrypted> {
        Encrypted::new(self.root.core().trust(), None, Padding::Oaep, text).map_err(Cause::not_sent)
    }

    /// As [`encrypt`](Client::encrypt), padded by PKCS#1 v1.5: for the old overseas APIs that say
    /// so, and for no other. [`decrypt_pkcs1`](Client::decrypt_pkcs1) is its counterpart.
    ///
    /// # Errors
    /// As [`encrypt`](Client::encrypt); a key of 2048 bits takes 245 bytes.
    pub fn encrypt_pkcs1(&self, text: &str) -> Result<Encrypted> {
        Encrypted::new(self.root.core().trust(), None, Padding::Pkcs1, text)
            .map_err(Cause::not_sent)
    }

    /// The future of [`decrypt`](Client::decrypt).
    ///
    /// # Errors
    /// As [`decrypt`](Client::decrypt).
    pub fn decrypt_async(
        &self,
        ciphertext: &str,
    ) -> impl Future<Output = Result<String>> + Send + 'static + use<> {
        self.decrypting(Padding::Oaep, ciphertext)
    }

    /// The future of [`decrypt_pkcs1`](Client::decrypt_pkcs1).
    ///
    /// # Errors
    /// As [`decrypt_pkcs1`](Client::decrypt_pkcs1).
    pub fn decrypt_pkcs1_async(
        &self,
        ciphertext: &str,
    ) -> impl Future<Output = Result<String>> + Send + 'static + use<> {
        self.decrypting(Padding::Pkcs1, ciphertext)
    }

    pub(crate) fn decrypting(&self, padding: Padding, ciphertext: &str) -> InRuntime<String> {
        let core = Arc::clone(self.root.core_arc());
        let ciphertext = sensitive::ciphertext(ciphertext);
        InRuntime::new(async move {
            let opened = async {
                let key = core.merchant_key()?;
                let opened = key.decrypt(padding, &ciphertext?).await?;
                sensitive::plaintext(padding, opened)
            };
            opened.await.map_err(Cause::not_sent)
        })
    }
}
