//! Sensitive fields: personal data that is encrypted with a platform key.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer};

use super::Trust;
use crate::{
    base::crypto::PublicKey,
    error::{Cause, ErrorKind, cause::Result},
};

/// The padding of a text before RSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// OAEP with SHA-1 and MGF1-SHA-1, required by APIv3. (With SHA-256, WeChat Pay refuses the field.)
    Oaep,
    /// PKCS#1 v1.5, required by some old overseas APIs.
    Pkcs1,
}

/// A text encrypted with a platform key, and the name of that key.
///
/// [`Client::encrypt`](crate::Client::encrypt) returns it. It displays and serializes as its
/// ciphertext in base64, so it can be put into a JSON body directly. The request that carries it
/// must name the key in the header `Wechatpay-Serial`, whose value is
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
///
/// Official page: "敏感信息加解密".
#[derive(Clone, PartialEq, Eq)]
pub struct Encrypted {
    ciphertext: String,
    serial: String,
}

impl Encrypted {
    /// Encrypts with the key named by `serial`, or with the preferred one.
    pub(crate) fn new(
        trust: &Trust,
        serial: Option<&str>,
        padding: Padding,
        text: &str,
    ) -> Result<Self> {
        let key = EncryptionKey::new(trust, serial)?;
        Ok(Self {
            ciphertext: key.encrypt(padding, text)?,
            serial: key.serial,
        })
    }

    /// Returns the ciphertext in base64.
    pub fn as_str(&self) -> &str {
        &self.ciphertext
    }

    /// Returns the serial or public key ID of the key that encrypted the text, which is the value for
    /// the request's `Wechatpay-Serial`.
    pub fn serial(&self) -> &str {
        &self.serial
    }
}

impl fmt::Display for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ciphertext)
    }
}

/// Shows the length of the ciphertext, not the ciphertext.
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

/// The platform key that encrypts all fields of one request, which can name one key only.
pub(crate) struct EncryptionKey {
    serial: String,
    key: PublicKey,
}

impl EncryptionKey {
    /// Returns the key named by `serial`, or the preferred one.
    pub(crate) fn new(trust: &Trust, serial: Option<&str>) -> Result<Self> {
        let (serial, key) = trust.encryption_key(serial)?;
        Ok(Self { serial, key })
    }

    pub(crate) fn serial(&self) -> &str {
        &self.serial
    }

    /// Returns the ciphertext of a text, in base64.
    pub(crate) fn encrypt(&self, padding: Padding, text: &str) -> Result<String> {
        let ciphertext = match padding {
            Padding::Oaep => self.key.encrypt_oaep(text.as_bytes())?,
            Padding::Pkcs1 => self.key.encrypt_pkcs1(text.as_bytes())?,
        };
        Ok(STANDARD.encode(ciphertext))
    }

    /// Returns `true` if this may be a ciphertext that was made with the key: base64 of as many bytes as
    /// the key has. No text that the key can encrypt is that long.
    #[cfg(feature = "documents")]
    pub(crate) fn may_have_made(&self, text: &str) -> bool {
        let size = self.key.bits().div_ceil(8);
        STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == size)
    }
}

/// Decodes the base64 of a received sensitive field.
pub(crate) fn ciphertext(base64: &str) -> Result<Vec<u8>> {
    // A field copied from a document or a database often has a line break at its end.
    STANDARD.decode(base64.trim()).map_err(|err| {
        Cause::new(
            ErrorKind::Decrypt,
            format!(
                "the field to decrypt ({} bytes) is not base64",
                base64.len()
            ),
        )
        .with_source(err)
    })
}

/// Returns the decrypted bytes of a sensitive field as text.
pub(crate) fn plaintext(padding: Padding, bytes: Vec<u8>) -> Result<String> {
    // PKCS#1 v1.5 decrypts a wrong padding to random bytes instead of failing (implicit rejection).
    // An error for bytes that are not UTF-8 would tell the two apart after all, and give an
    // attacker who can send ciphertexts the oracle that implicit rejection removes.
    if padding == Padding::Pkcs1 {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    // No source: `FromUtf8Error` contains the decrypted bytes, and its Debug shows them.
    String::from_utf8(bytes).map_err(|err| {
        Cause::new(
            ErrorKind::Decrypt,
            format!(
                "the decrypted field ({} bytes) is not UTF-8",
                err.as_bytes().len()
            ),
        )
    })
}
