use std::{future::Future, pin::Pin};

use crate::{base::crypto::PublicKey, error::BoxError};

/// Verifies in place of local platform keys.
pub trait Verifier: Send + Sync + 'static {
    /// What goes wrong while asking; it becomes the source of this crate's error.
    type Error: Into<Box<dyn std::error::Error + Send + Sync>>;

    /// Whether `signature` (raw RSASSA-PKCS1-v1_5, SHA-256) over `message` was made by the
    /// platform key that `serial` names. A serial that is not known is `Ok(false)`.
    fn verify(
        &self,
        serial: &str,
        message: &[u8],
        signature: &[u8],
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// The serial or public key ID that answers should be signed with, for the request's
    /// `Wechatpay-Serial`; `None` sends none.
    fn preferred_serial(&self) -> Option<String> {
        None
    }

    /// The platform key that encrypts sensitive fields, with its serial or ID: the one that
    /// `serial` names, or the one you prefer. `None`, unless told, is an error of the call that
    /// encrypts.
    fn encryption_key(&self, serial: Option<&str>) -> Option<(String, PublicKey)> {
        let _ = serial;
        None
    }
}

type Boxed<'a> = Pin<Box<dyn Future<Output = Result<bool, BoxError>> + Send + 'a>>;

/// [`Verifier`], fit for a trait object.
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
