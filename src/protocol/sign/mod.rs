//! Signing with the merchant's key: a request's message, the Authorization header that carries the
//! signature, and the parameters that open a payment ([`pay_params`]).

pub(crate) mod pay_params;

use std::{
    fmt::{self, Write as _},
    future::Future,
    pin::Pin,
    sync::Arc,
};

use arc_swap::ArcSwap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method};

use super::{merchant::check_serial, trust::sensitive::Padding};
use crate::{
    base::crypto::{self, PrivateKey},
    error::{BoxError, Cause, ErrorKind, cause::Result},
};

/// A signature and the serial of the merchant certificate whose key made it.
///
/// A [`Signer`] returns it. The two travel together so that a signature can never be sent under the
/// wrong serial while keys are rotated.
///
/// ```
/// use wechatpay_chain::Signature;
///
/// let signature = Signature::new("3775B6A45ACD588826D15E583A95F5DD0000FACE", [0; 256]);
/// assert_eq!(signature.bytes().len(), 256); // RSA-2048
/// ```
#[derive(Clone)]
pub struct Signature {
    serial: String,
    bytes: Vec<u8>,
}

impl Signature {
    /// Creates a signature from the serial of the merchant's API certificate, in hexadecimal, and the
    /// raw bytes of an RSASSA-PKCS1-v1_5 signature with SHA-256.
    ///
    /// An invalid serial is reported by the call that is signed.
    pub fn new(serial: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            serial: serial.into(),
            bytes: bytes.into(),
        }
    }

    /// Returns the serial of the merchant's API certificate.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Returns the raw signature.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Shows the signature's length, not the signature.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature")
            .field("serial", &self.serial)
            .field("bytes", &format_args!("{} bytes", self.bytes.len()))
            .finish()
    }
}

/// Signs in place of a local private key: with a KMS, an HSM or a signing service.
///
/// Give it to [`ClientBuilder::signer`](crate::ClientBuilder::signer).
///
/// An async call polls it in the caller's tokio runtime. A blocking call, and a call outside tokio,
/// polls it inside a separate runtime kept for this purpose, so that what it spawns does not run on
/// the thread that blocking calls depend on. A blocking verb called inside a signer is an error
/// instead of a deadlock. The same holds for a [`Verifier`](crate::Verifier).
///
/// ```
/// use wechatpay_chain::{Signature, Signer};
///
/// struct Remote;
///
/// impl Signer for Remote {
///     type Error = std::io::Error;
///
///     async fn sign(&self, message: &[u8]) -> Result<Signature, Self::Error> {
///         // Ask the service. It has to return the serial of the key that it used.
///         # let _ = message;
///         Err(std::io::Error::other("unreachable"))
///     }
/// }
/// ```
///
/// A whole program is `examples/remote_signer.rs`. Official page: "如何生成请求签名".
pub trait Signer: Send + Sync + 'static {
    /// The error of a failed signing. It becomes the source of this crate's error.
    type Error: Into<Box<dyn std::error::Error + Send + Sync>>;

    /// Signs `message` with RSASSA-PKCS1-v1_5 and SHA-256.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no signature. The call then fails with nothing sent.
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<Signature, Self::Error>> + Send;

    /// Decrypts `ciphertext` (RSA-OAEP with SHA-1 and MGF1-SHA-1) with the merchant's private key, for
    /// [`Client::decrypt`](crate::Client::decrypt). Defaults to `Ok(None)`, which means that this
    /// signer does not decrypt.
    ///
    /// # Errors
    ///
    /// Returns an error if the ciphertext cannot be decrypted.
    fn decrypt(
        &self,
        ciphertext: &[u8],
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>> + Send {
        let _ = ciphertext;
        async { Ok(None) }
    }

    /// Decrypts `ciphertext` (RSAES-PKCS1-v1_5) with the merchant's private key, for
    /// [`Client::decrypt_pkcs1`](crate::Client::decrypt_pkcs1). Defaults to `Ok(None)`, which means
    /// that this signer does not decrypt it.
    ///
    /// Implement it only with implicit rejection, as in OpenSSL 3.2: a wrong padding must yield
    /// random bytes, not an error. An attacker who can send ciphertexts and tell the two apart can
    /// decrypt other ciphertexts (Bleichenbacher's attack).
    ///
    /// # Errors
    ///
    /// Returns an error if the key cannot be used at all.
    fn decrypt_pkcs1(
        &self,
        ciphertext: &[u8],
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>> + Send {
        let _ = ciphertext;
        async { Ok(None) }
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// [`Signer`] as a trait object: its futures are boxed and its error type is erased.
trait DynSigner: Send + Sync {
    fn sign_boxed<'a>(&'a self, message: &'a [u8]) -> Boxed<'a, Signature>;
    fn decrypt_boxed<'a>(
        &'a self,
        padding: Padding,
        ciphertext: &'a [u8],
    ) -> Boxed<'a, Option<Vec<u8>>>;
}

impl<S: Signer> DynSigner for S {
    fn sign_boxed<'a>(&'a self, message: &'a [u8]) -> Boxed<'a, Signature> {
        Box::pin(async move { self.sign(message).await.map_err(Into::into) })
    }

    fn decrypt_boxed<'a>(
        &'a self,
        padding: Padding,
        ciphertext: &'a [u8],
    ) -> Boxed<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            match padding {
                Padding::Oaep => self.decrypt(ciphertext).await,
                Padding::Pkcs1 => self.decrypt_pkcs1(ciphertext).await,
            }
            .map_err(Into::into)
        })
    }
}

/// A private key and its serial, replaced together so that no request sees half of a rotation.
struct LocalKey {
    serial: String,
    key: PrivateKey,
}

/// The merchant's key, either in this process or behind a [`Signer`].
#[derive(Clone)]
pub(crate) struct MerchantKey(Inner);

#[derive(Clone)]
enum Inner {
    Local(Arc<ArcSwap<LocalKey>>),
    Remote(Arc<dyn DynSigner>),
}

impl MerchantKey {
    pub(crate) fn local(serial: String, key: PrivateKey) -> Self {
        Self(Inner::Local(Arc::new(ArcSwap::from_pointee(LocalKey {
            serial,
            key,
        }))))
    }

    pub(crate) fn remote(signer: impl Signer) -> Self {
        Self(Inner::Remote(Arc::new(signer)))
    }

    /// Replaces the local key. A signature that is being made keeps the key it began with.
    pub(crate) fn rotate(&self, serial: String, key: PrivateKey) -> Result<()> {
        match &self.0 {
            Inner::Local(local) => {
                local.store(Arc::new(LocalKey { serial, key }));
                Ok(())
            }
            Inner::Remote(_) => Err(Cause::config(
                "rotate_key: this client signs with a `signer`, which rotates its own keys",
            )),
        }
    }

    /// Returns the local key and its serial, or `None` with a signer.
    pub(crate) fn local_key(&self) -> Option<(String, PrivateKey)> {
        match &self.0 {
            Inner::Local(local) => {
                let local = local.load();
                Some((local.serial.clone(), local.key.clone()))
            }
            Inner::Remote(_) => None,
        }
    }

    pub(crate) async fn sign(&self, message: &[u8]) -> Result<Signature> {
        match &self.0 {
            Inner::Local(local) => {
                // One load for both: the serial and the key must be of the same rotation.
                let local = local.load_full();
                Ok(Signature::new(&local.serial, local.key.sign(message)?))
            }
            Inner::Remote(signer) => {
                let signature = signer.sign_boxed(message).await.map_err(|err| {
                    Cause::new(ErrorKind::Signing, "the signer failed").with_source(err)
                })?;
                // It goes into a header between quotes, so a signer must not be able to inject others.
                check_serial(&signature.serial).map_err(|what| {
                    Cause::new(
                        ErrorKind::Signing,
                        format!("the signer returned an invalid serial {what}"),
                    )
                })?;
                Ok(signature)
            }
        }
    }

    /// Decrypts a ciphertext that was made for the merchant.
    pub(crate) async fn decrypt(&self, padding: Padding, ciphertext: &[u8]) -> Result<Vec<u8>> {
        let signer = match &self.0 {
            Inner::Remote(signer) => signer,
            Inner::Local(local) => {
                let local = local.load_full();
                return match padding {
                    Padding::Oaep => local.key.decrypt_oaep(ciphertext),
                    Padding::Pkcs1 => local.key.decrypt_pkcs1(ciphertext),
                };
            }
        };
        let decrypted = signer.decrypt_boxed(padding, ciphertext).await;
        let decrypted = decrypted.map_err(|err| {
            Cause::new(ErrorKind::Decrypt, "the signer failed to decrypt").with_source(err)
        })?;
        decrypted.ok_or_else(|| {
            let method = match padding {
                Padding::Oaep => "decrypt",
                Padding::Pkcs1 => "decrypt_pkcs1",
            };
            Cause::new(
                ErrorKind::Decrypt,
                format!(
                    "this client's `signer` does not decrypt: implement Signer::{method}, or decrypt \
                     where the private key is"
                ),
            )
        })
    }
}

/// Who signs a request: a merchant or a brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// All other paths.
    Merchant,
    /// Paths that begin with `/brand/`.
    Brand,
}

impl Scheme {
    /// Returns the scheme's name and the name of the field with the ID.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Merchant => ("WECHATPAY2-SHA256-RSA2048", "mchid"),
            Self::Brand => ("WECHATPAY-BRAND-SHA256-RSA2048", "brand_id"),
        }
    }
}

/// Returns the message that a request's signature covers, by "如何构造请求签名串": five lines, each
/// ended by `\n`.
///
/// `target` and `body` are the bytes that are sent. Building them twice, once to sign and once to
/// send, is the classic cause of a `SIGN_ERROR`.
pub(crate) fn request_message(
    method: &Method,
    target: &str,
    timestamp: u64,
    nonce: &str,
    body: &[u8],
) -> Vec<u8> {
    let mut message = String::with_capacity(target.len() + nonce.len() + 32);
    // Writing to a string cannot fail.
    let _ = write!(message, "{method}\n{target}\n{timestamp}\n{nonce}\n");
    let mut message = message.into_bytes();
    // A body can have megabytes; growing by doubling would take twice the memory.
    message.reserve_exact(body.len() + 1);
    message.extend_from_slice(body);
    message.push(b'\n');
    message
}

/// The signature of one request.
pub(crate) struct Authorization {
    /// The value of the Authorization header.
    pub(crate) header: HeaderValue,
    /// The bytes that the signature covers.
    pub(crate) message: Vec<u8>,
    /// The serial of the key that made it.
    pub(crate) serial: String,
}

/// Signs one request, with a fresh nonce and the time `now` (seconds since 1970).
///
/// Every attempt is signed again: WeChat Pay refuses an old timestamp and a repeated nonce.
pub(crate) async fn authorization(
    key: &MerchantKey,
    scheme: Scheme,
    id: &str,
    (method, target, body): (&Method, &str, &[u8]),
    now: u64,
) -> Result<Authorization> {
    let nonce = crypto::nonce()?;
    let message = request_message(method, target, now, &nonce, body);
    let Signature { serial, bytes } = key.sign(&message).await?;
    let (name, field) = scheme.words();
    let mut header = format!(
        "{name} {field}=\"{id}\",serial_no=\"{serial}\",timestamp=\"{now}\",nonce_str=\"{nonce}\",signature=\""
    );
    STANDARD.encode_string(bytes, &mut header);
    header.push('"');
    let mut header = HeaderValue::try_from(header).map_err(|err| {
        Cause::new(ErrorKind::Signing, "the Authorization header is malformed").with_source(err)
    })?;
    // Keeps the value out of Debug output and out of HTTP/2 header compression.
    header.set_sensitive(true);
    Ok(Authorization {
        header,
        message,
        serial,
    })
}
