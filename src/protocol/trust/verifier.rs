//! A verifier outside this process, in place of local platform keys.

use std::{future::Future, pin::Pin};

use crate::{base::crypto::PublicKey, error::BoxError};

/// Verifies signatures in place of local platform keys, for example in a service that holds the
/// platform keys of a whole company.
///
/// Give it to [`ClientBuilder::verifier`](crate::ClientBuilder::verifier). This crate still reads
/// the signature's headers, checks its timestamp against the clock (300 seconds) and builds the
/// signed message; only the question "did this key make this signature?" goes to the verifier.
///
/// It is polled where a [`Signer`](crate::Signer) is: in the caller's tokio runtime for an async
/// call, and in a runtime kept for this purpose for a blocking call.
///
/// ```
/// use wechatpay_chain::{Client, PublicKey, Verifier};
///
/// struct Company {
///     id: String,
///     key: PublicKey,
/// }
///
/// impl Verifier for Company {
///     type Error = std::io::Error;
///
///     async fn verify(&self, serial: &str, message: &[u8], signature: &[u8]) -> Result<bool, Self::Error> {
///         // Ask the service here, for example over HTTP.
///         # let _ = (message, signature);
///         Ok(serial == self.id)
///     }
///
///     fn preferred_serial(&self) -> Option<String> {
///         Some(self.id.clone())
///     }
///
///     fn encryption_key(&self, serial: Option<&str>) -> Option<(String, PublicKey)> {
///         let is_ours = serial.is_none_or(|serial| serial == self.id);
///         is_ours.then(|| (self.id.clone(), self.key.clone()))
///     }
/// }
///
/// # fn f(company: Company) -> wechatpay_chain::Result<()> {
/// let client = Client::builder().verifier(company).build()?;
/// # Ok(())
/// # }
/// ```
pub trait Verifier: Send + Sync + 'static {
    /// The error of a failed query. It becomes the source of this crate's error.
    type Error: Into<Box<dyn std::error::Error + Send + Sync>>;

    /// Returns whether `signature` (raw RSASSA-PKCS1-v1_5 with SHA-256) over `message` was made by
    /// the platform key named `serial`. Returns `Ok(false)` for an unknown serial.
    ///
    /// # Errors
    ///
    /// Returns an error if the signature cannot be checked, for example because the service is not
    /// reachable. The call then fails: nothing unverified counts as a success.
    fn verify(
        &self,
        serial: &str,
        message: &[u8],
        signature: &[u8],
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Returns the serial or public key ID that responses should be signed with, which becomes the
    /// request's `Wechatpay-Serial`. Defaults to `None`, which sends no such header.
    fn preferred_serial(&self) -> Option<String> {
        None
    }

    /// Returns the platform key that encrypts sensitive fields, with its serial or ID: the one named
    /// by `serial`, or the preferred one if `serial` is `None`. Defaults to `None`, which makes a
    /// call that encrypts an error.
    fn encryption_key(&self, serial: Option<&str>) -> Option<(String, PublicKey)> {
        let _ = serial;
        None
    }
}

type Boxed<'a> = Pin<Box<dyn Future<Output = Result<bool, BoxError>> + Send + 'a>>;

/// [`Verifier`] as a trait object: its futures are boxed and its error type is erased.
pub(crate) trait DynVerifier: Send + Sync {
    fn verify_boxed<'a>(
        &'a self,
        serial: &'a str,
        message: &'a [u8],
        signature: &'a [u8],
    ) -> Boxed<'a>;
    fn preferred(&self) -> Option<String>;
    fn encryption(&self, serial: Option<&str>) -> Option<(String, PublicKey)>;
}

impl<V: Verifier> DynVerifier for V {
    fn verify_boxed<'a>(
        &'a self,
        serial: &'a str,
        message: &'a [u8],
        signature: &'a [u8],
    ) -> Boxed<'a> {
        Box::pin(async move {
            self.verify(serial, message, signature)
                .await
                .map_err(Into::into)
        })
    }

    fn preferred(&self) -> Option<String> {
        self.preferred_serial()
    }

    fn encryption(&self, serial: Option<&str>) -> Option<(String, PublicKey)> {
        self.encryption_key(serial)
    }
}
