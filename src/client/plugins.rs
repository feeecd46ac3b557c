//! Signers and verifiers that the program provides.
//!
//! They are the program's code, so they never run on the background thread, where a slow one would
//! delay every blocking call in the process, and never inside the library's runtime.

use std::fmt;

use crate::{
    base::crypto::PublicKey,
    error::BoxError,
    protocol::{
        sign::{Signature, Signer},
        trust::verifier::Verifier,
    },
    wire::{run_user_code, run_user_future},
};

/// A signer or verifier that runs outside the background runtime.
///
/// Provided methods of the traits must be forwarded too: the default would hide the program's own.
pub(super) struct Plugin<P>(pub(super) P);

impl<S: Signer> Signer for Plugin<S> {
    type Error = BoxError;

    async fn sign(&self, message: &[u8]) -> Result<Signature, BoxError> {
        run_user_future(self.0.sign(message))
            .await?
            .map_err(Into::into)
    }

    async fn decrypt(&self, ciphertext: &[u8]) -> Result<Option<Vec<u8>>, BoxError> {
        run_user_future(self.0.decrypt(ciphertext))
            .await?
            .map_err(Into::into)
    }

    async fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Option<Vec<u8>>, BoxError> {
        run_user_future(self.0.decrypt_pkcs1(ciphertext))
            .await?
            .map_err(Into::into)
    }
}

impl<V: Verifier> Verifier for Plugin<V> {
    type Error = BoxError;

    async fn verify(
        &self,
        serial: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, BoxError> {
        run_user_future(self.0.verify(serial, message, signature))
            .await?
            .map_err(Into::into)
    }

    fn preferred_serial(&self) -> Option<String> {
        run_user_code(|| self.0.preferred_serial())
    }

    fn encryption_key(&self, serial: Option<&str>) -> Option<(String, PublicKey)> {
        run_user_code(|| self.0.encryption_key(serial))
    }
}

impl<P> fmt::Debug for Plugin<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").finish_non_exhaustive()
    }
}
