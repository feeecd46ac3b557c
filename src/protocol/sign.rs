//! What is signed, and the Authorization header that carries the signature.

use std::{
    fmt::{self, Write as _},
    future::Future,
    pin::Pin,
    sync::Arc,
};

use arc_swap::ArcSwap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method};

use super::{merchant::check_serial, sensitive::Padding};
use crate::{
    base::crypto::{self, PrivateKey},
    error::{BoxError, Cause, Kind, cause::Result},
};

/// A signature and the serial of the certificate whose key made it.
///
/// The two travel together, so that a rotation cannot pair the wrong ones.
#[derive(Clone)]
pub struct Signature {
    serial: String,
    bytes: Vec<u8>,
}

impl Signature {
    /// `serial` is that of the merchant's API certificate, in hexadecimal; `bytes` are the raw
    /// RSASSA-PKCS1-v1_5 signature over the message, with SHA-256.
    ///
    /// A serial that cannot be one is an error of the call that is signed.
    pub fn new(serial: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            serial: serial.into(),
            bytes: bytes.into(),
        }
    }

    /// The serial of the merchant's API certificate.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The raw signature.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Shows how long the signature is, not the signature.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature")
            .field("serial", &self.serial)
            .field("bytes", &format_args!("{} bytes", self.bytes.len()))
            .finish()
    }
}

/// Signs in place of a local key: a KMS, an HSM, a signing service.
///
/// An async call polls it in its own tokio runtime. A blocking call, and a call outside tokio, poll
/// it inside a runtime that is kept for this: what it spawns runs there, and not on the thread that
/// blocking calls depend on. A blocking verb called inside it is an error. The same holds for a
/// [`Verifier`](crate::Verifier).
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
///         // Ask the service; it answers with the serial of the key that it used.
///         # let _ = message;
///         Err(std::io::Error::other("unreachable"))
///     }
/// }
/// ```
pub trait Signer: Send + Sync + 'static {
    /// What goes wrong while signing; it becomes the source of this crate's error.
    type Error: Into<Box<dyn std::error::Error + Send + Sync>>;

    /// Signs `message` with RSASSA-PKCS1-v1_5 and SHA-256.
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<Signature, Self::Error>> + Send;

    /// Opens `ciphertext` (RSA-OAEP with SHA-1 and MGF1-SHA-1) with the merchant's private key,
    /// for [`Client::decrypt`](crate::Client::decrypt). Defaults to `Ok(None)`: this signer does not
    /// decrypt.
    fn decrypt(
        &self,
        ciphertext: &[u8],
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>> + Send {
        let _ = ciphertext;
        async { Ok(None) }
    }

    /// Opens `ciphertext` (RSAES-PKCS1-v1_5) with the merchant's private key, for
    /// [`Client::decrypt_pkcs1`](crate::Client::decrypt_pkcs1). Defaults to `Ok(None)`: this signer
    /// does not decrypt it.
    ///
    /// Do so only where a wrong padding is no error that a sender of ciphertexts can see (implicit
    /// rejection, as in OpenSSL 3.2): each such error tells a part of what another ciphertext holds.
    fn decrypt_pkcs1(
        &self,
        ciphertext: &[u8],
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>> + Send {
        let _ = ciphertext;
        async { Ok(None) }
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// [`Signer`], fit for a trait object.
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

struct LocalKey {
    serial: String,
    key: PrivateKey,
}

/// The merchant's key, here or elsewhere.
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

    /// Puts another local key in place; calls under way keep the one they began with.
    pub(crate) fn rotate(&self, serial: String, key: PrivateKey) -> Result<()> {
        match &self.0 {
            Inner::Local(local) => {
                local.store(Arc::new(LocalKey { serial, key }));
                Ok(())
            }
            Inner::Remote(_) => Err(Cause::config(
                "rotate_key: this client signs with a Signer, which rotates its own keys",
            )),
        }
    }

    /// The key itself, where it is here.
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
                let local = local.load_full();
                Ok(Signature::new(&local.serial, local.key.sign(message)?))
            }
            Inner::Remote(signer) => {
                let signature = signer
                    .sign_boxed(message)
                    .await
                    .map_err(|err| Cause::new(Kind::Sign, "the signer failed").with_source(err))?;
                check_serial(&signature.serial).map_err(|what| {
                    Cause::new(Kind::Sign, format!("the signer's serial {what}"))
                })?;
                Ok(signature)
            }
        }
    }
}

impl MerchantKey {
    /// Opens a ciphertext that was made for the merchant.
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
        let opened = signer.decrypt_boxed(padding, ciphertext).await;
        let opened = opened.map_err(|err| {
            Cause::new(Kind::Decrypt, "the signer failed to decrypt").with_source(err)
        })?;
        opened.ok_or_else(|| {
            let method = match padding {
                Padding::Oaep => "decrypt",
                Padding::Pkcs1 => "decrypt_pkcs1",
            };
            Cause::new(
                Kind::Decrypt,
                format!(
                    "this client signs with a Signer that does not decrypt: implement \
                     Signer::{method}, or decrypt where the private key is"
                ),
            )
        })
    }
}

/// Who signs: the scheme's name and the field that names the signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Merchant,
    /// Paths that begin with `/brand/`.
    Brand,
}

impl Scheme {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Merchant => ("WECHATPAY2-SHA256-RSA2048", "mchid"),
            Self::Brand => ("WECHATPAY-BRAND-SHA256-RSA2048", "brand_id"),
        }
    }
}

/// The message of a request, by the rules of "如何构造请求签名串".
pub(crate) fn request_message(
    method: &Method,
    target: &str,
    timestamp: u64,
    nonce: &str,
    body: &[u8],
) -> Vec<u8> {
    let mut message = String::with_capacity(target.len() + nonce.len() + 32);
    let _ = write!(message, "{method}\n{target}\n{timestamp}\n{nonce}\n");
    let mut message = message.into_bytes();
    message.reserve_exact(body.len() + 1);
    message.extend_from_slice(body);
    message.push(b'\n');
    message
}

/// The signature of one request, as it is sent.
pub(crate) struct Authorization {
    /// The header.
    pub(crate) header: HeaderValue,
    /// What the signature covers.
    pub(crate) message: Vec<u8>,
    /// Of the key that made it.
    pub(crate) serial: String,
}

/// Signs one request.
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
        Cause::new(Kind::Sign, "the Authorization header is malformed").with_source(err)
    })?;
    header.set_sensitive(true);
    Ok(Authorization {
        header,
        message,
        serial,
    })
}
