//! Encrypts and decrypts single sensitive fields.

use std::sync::Arc;

#[cfg(feature = "documents")]
use serde_json::Value;

use super::{Call, Client};
#[cfg(feature = "documents")]
use crate::{
    catalog::Operation,
    client::core::Core,
    error::cause,
    protocol::documents::{Ciphertext, ciphertexts, in_field, put},
};
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

    /// The async form of [`decrypt_documented`](Client::decrypt_documented): takes the response's body and
    /// returns it with its sealed fields decrypted. Feature `documents`.
    ///
    /// # Errors
    /// Returns the errors of `decrypt_documented`. The body is then dropped: clone it first to keep it.
    #[cfg(feature = "documents")]
    pub fn decrypt_documented_async(
        &self,
        operation: &Operation,
        mut response: Value,
    ) -> Call<Value> {
        let core = Arc::clone(self.root.core_arc());
        let sealed = ciphertexts(operation, &response);
        Call::new(async move {
            let texts = open(&core, sealed).await.map_err(Cause::not_sent)?;
            put(&mut response, texts);
            Ok(response)
        })
    }

    /// Returns the texts of the sealed fields in the response, each with its pointer.
    #[cfg(feature = "documents")]
    pub(crate) fn opening(
        &self,
        operation: &Operation,
        response: &Value,
    ) -> Call<Vec<(String, String)>> {
        let core = Arc::clone(self.root.core_arc());
        let sealed = ciphertexts(operation, response);
        Call::new(async move { open(&core, sealed).await.map_err(Cause::not_sent) })
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

/// Opens all ciphertexts, or none.
#[cfg(feature = "documents")]
async fn open(
    core: &Core,
    sealed: cause::Result<Vec<Ciphertext>>,
) -> cause::Result<Vec<(String, String)>> {
    let sealed = sealed?;
    let mut texts = Vec::with_capacity(sealed.len());
    for Ciphertext {
        pointer,
        padding,
        bytes,
    } in sealed
    {
        let opened = core.merchant_key()?.decrypt(padding, &bytes).await;
        let text = opened.and_then(|bytes| sensitive::plaintext(padding, bytes));
        match text {
            Ok(text) => texts.push((pointer, text)),
            Err(err) => return Err(in_field(err, &pointer)),
        }
    }
    Ok(texts)
}
