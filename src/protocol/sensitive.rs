//! Sensitive fields: personal data, encrypted for WeChat Pay.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer};

use super::trust::Trust;
use crate::error::{Cause, Kind, cause::Result};

/// How a text is padded before RSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// OAEP with SHA-1 and MGF1-SHA-1: what APIv3 asks for.
    Oaep,
    /// PKCS#1 v1.5: what some old overseas APIs ask for.
    Pkcs1,
}

/// A text encrypted for WeChat Pay, and by which of its keys.
///
/// It displays and serializes as the base64 of its ciphertext, so it goes into a JSON body as it
/// is. The request that carries it must name the key: `Wechatpay-Serial` is
/// [`serial`](Encrypted::serial). [`Options::encrypt`](crate::Options::encrypt) does both.
///
/// ```no_run
/// # fn main() -> wechatpay_chain::Result<()> {
/// # let client = wechatpay_chain::Client::builder().build()?;
/// use serde_json::json;
/// use wechatpay_chain::Options;
///
/// let name = client.encrypt("张三")?;
/// let options = Options::from(json!({ "json": { "appid": "wx8888888888888888", "name": &name } }))
///     .header("Wechatpay-Serial", name.serial());
/// client.chain("v3/profitsharing/receivers/add").post(options)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Encrypted {
    ciphertext: String,
    serial: String,
}

impl Encrypted {
    /// Encrypts with the key that `serial` names, or the preferred one.
    pub(crate) fn new(
        trust: &Trust,
        serial: Option<&str>,
        padding: Padding,
        text: &str,
    ) -> Result<Self> {
        let (serial, key) = trust.encryption_key(serial)?;
        let ciphertext = match padding {
            Padding::Oaep => key.encrypt_oaep(text.as_bytes())?,
            Padding::Pkcs1 => key.encrypt_pkcs1(text.as_bytes())?,
        };
        Ok(Self {
            ciphertext: STANDARD.encode(ciphertext),
            serial,
        })
    }

    /// The ciphertext, in base64.
    pub fn as_str(&self) -> &str {
        &self.ciphertext
    }

    /// The serial or public key ID of the key that encrypted it: the request's `Wechatpay-Serial`.
    pub fn serial(&self) -> &str {
        &self.serial
    }
}

impl fmt::Display for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ciphertext)
    }
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted")
            .field(
                "ciphertext",
                &format_args!("{} bytes", self.ciphertext.len()),
            )
            .field("serial", &self.serial)
            .finish()
    }
}

impl AsRef<str> for Encrypted {
    fn as_ref(&self) -> &str {
        &self.ciphertext
    }
}

impl From<Encrypted> for String {
    fn from(encrypted: Encrypted) -> Self {
        encrypted.ciphertext
    }
}

impl Serialize for Encrypted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.ciphertext)
    }
}

/// The bytes of a sensitive field as it came.
pub(crate) fn ciphertext(base64: &str) -> Result<Vec<u8>> {
    STANDARD.decode(base64.trim()).map_err(|err| {
        Cause::new(
            Kind::Decrypt,
            format!(
                "the field to decrypt ({} bytes) is not base64",
                base64.len()
            ),
        )
        .with_source(err)
    })
}

/// The text of a sensitive field, once it is open.
pub(crate) fn plaintext(padding: Padding, bytes: Vec<u8>) -> Result<String> {
    // An error about text that is not UTF-8 would tell a wrong padding from a right one, which
    // decrypting PKCS#1 v1.5 takes care not to.
    if padding == Padding::Pkcs1 {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    // The source would show the bytes.
    String::from_utf8(bytes).map_err(|err| {
        Cause::new(
            Kind::Decrypt,
            format!(
                "the decrypted field ({} bytes) is not UTF-8",
                err.as_bytes().len()
            ),
        )
    })
}
