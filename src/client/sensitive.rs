//! Encrypts and decrypts single sensitive fields.

use std::sync::Arc;

use super::{Call, Client};
use crate::{
    error::{Cause, Result},
    protocol::trust::sensitive::{self, Encrypted, Padding},
};

impl Client {
    /// Encrypts a sensitive field for WeChat Pay (RSA-OAEP with SHA-1), such as a name, an ID number or a
    /// phone number.
    ///
    /// The key is the WeChat Pay public key if there is one, or else the valid platform certificate that
    /// expires last. [`Options::encrypt`](crate::Options::encrypt) encrypts fields in place and names the
    /// key in the request. Follows "敏感信息加解密".
    ///
    /// # Errors
    /// Returns an error if there is no key, or if the text is too long for it. A 2048-bit key encrypts at
    /// most 214 bytes.
    pub fn encrypt(&self, text: &str) -> Result<Encrypted> {
        Encrypted::new(self.root.core().trust(), None, Padding::Oaep, text).map_err(Cause::not_sent)
    }

    /// Like [`encrypt`](Client::encrypt), with PKCS#1 v1.5 padding. Use it only for the old overseas APIs
    /// whose documents require it. [`decrypt_pkcs1`](Client::decrypt_pkcs1) is its counterpart.
    ///
    /// # Errors
    /// Like [`encrypt`](Client::encrypt); a 2048-bit key encrypts at most 245 bytes.
    pub fn encrypt_pkcs1(&self, text: &str) -> Result<Encrypted> {
        Encrypted::new(self.root.core().trust(), None, Padding::Pkcs1, text)
            .map_err(Cause::not_sent)
    }

    /// The async form of [`decrypt`](Client::decrypt).
    pub fn decrypt_async(&self, ciphertext: &str) -> Call<String> {
        self.decrypting(Padding::Oaep, ciphertext)
    }

    /// The async form of [`decrypt_pkcs1`](Client::decrypt_pkcs1).
    pub fn decrypt_pkcs1_async(&self, ciphertext: &str) -> Call<String> {
        self.decrypting(Padding::Pkcs1, ciphertext)
    }

    fn decrypting(&self, padding: Padding, ciphertext: &str) -> Call<String> {
        let core = Arc::clone(self.root.core_arc());
        let ciphertext = sensitive::ciphertext(ciphertext);
        Call::new(async move {
            let opened = async {
                let key = core.merchant_key()?;
                let opened = key.decrypt(padding, &ciphertext?).await?;
                sensitive::plaintext(padding, opened)
            };
            opened.await.map_err(Cause::not_sent)
        })
    }
}
