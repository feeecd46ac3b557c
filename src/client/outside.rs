//! Signers and verifiers as the program gives them, called as its own code is.

use std::fmt;

use crate::{
    base::crypto::PublicKey,
    error::BoxError,
    protocol::{
        sign::{Signature, Signer},
        trust::Verifier,
    },
    wire::{outside, outside_now},
};

/// A signer or a verifier that never runs inside the background runtime. Methods that the traits
/// provide must be passed on too.
pub(super) struct Outside<P>(pub(super) P);

impl<S: Signer> Signer for Outside<S> {
    type Error = BoxError;

    async fn sign(&self, message: &[u8]) -> Result<Signature, BoxError> {
        outside(self.0.sign(message)).await?.map_err(Into::into)
    }

    async fn decrypt(&self, ciphertext: &[u8]) -> Result<Option<Vec<u8>>, BoxError> {
        outside(self.0.decrypt(ciphertext))
            .await?
            .map_err(Into::into)
    }

    async fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Option<Vec<u8>>, BoxError> {
        outside(self.0.decrypt_pkcs1(ciphertext))
            .await?
            .map_err(Into::into)
    }
}

impl<V: Verifier> Verifier for Outside<V> {
    type Error = BoxError;

    async fn verify(
        &self,
        serial: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, BoxError> {
        outside(self.0.verify(serial, message, signature))
            .await?
            .map_err(Into::into)
    }

    fn preferred_serial(&self) -> Option<String> {
        outside_now(|| self.0.preferred_serial())
    }

    fn encryption_key(&self, serial: Option<&str>) -> Option<(String, PublicKey)> {
        outside_now(|| self.0.encryption_key(serial))
    }
}

impl<P> fmt::Debug for Outside<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").finish_non_exhaustive()
    }
}
