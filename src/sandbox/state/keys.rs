//! The sandbox's keys, generated at each start.

use std::thread;

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::random;
use crate::{
    base::crypto::{PrivateKey, PublicKey},
    error::{Cause, ErrorKind, cause::Result},
    protocol::merchant::SANDBOX_IN_HEX,
};

/// The keys of the merchant and of the platform.
pub(crate) struct Keys {
    pub(crate) merchant: PrivateKey,
    merchant_public: PublicKey,
    /// The serial of the merchant key: 40 hexadecimal digits.
    // It begins with `SANDBOX` in ASCII, so that a client can tell that it belongs to a sandbox and
    // refuse to use it with a real host.
    pub(crate) serial: String,
    pub(crate) platform: PlatformKey,
    pub(crate) apiv3: Zeroizing<String>,
}

/// The platform's private key, which signs responses, and its ID.
#[derive(Clone)]
pub(crate) struct PlatformKey {
    pub(crate) id: String,
    pub(crate) private: PrivateKey,
}

impl Keys {
    /// Generates all keys.
    pub(crate) fn generate() -> Result<Self> {
        // An RSA key takes up to a second in a debug build, and every start waits for two of them:
        // generate them in parallel.
        let platform = thread::Builder::new()
            .name("sandbox-key".to_owned())
            .spawn(PrivateKey::generate)
            .map_err(|err| {
                Cause::new(ErrorKind::Config, "cannot start a thread to generate keys")
                    .with_source(err)
            })?;
        let merchant = PrivateKey::generate()?;
        let platform = platform
            .join()
            .map_err(|_| Cause::key("cannot generate the platform key"))??;
        Ok(Self {
            merchant_public: merchant.public_key(),
            merchant,
            serial: format!(
                "{SANDBOX_IN_HEX}{}",
                random::hex(40 - SANDBOX_IN_HEX.len())?
            ),
            platform: PlatformKey {
                id: format!("PUB_KEY_ID_SANDBOX{}", random::hex(22)?),
                private: platform,
            },
            apiv3: Zeroizing::new(random::token(32)?),
        })
    }

    /// Returns whether the merchant signed this message. `signature` is in base64.
    pub(crate) fn is_signed_by_merchant(&self, message: &[u8], signature: &str) -> bool {
        STANDARD
            .decode(signature)
            .is_ok_and(|signature| self.merchant_public.verify(message, &signature))
    }

    /// Encrypts for the merchant and returns base64.
    pub(crate) fn encrypt_for_merchant(&self, plaintext: &[u8]) -> Result<String> {
        let ciphertext = self.merchant_public.encrypt_oaep(plaintext)?;
        Ok(STANDARD.encode(ciphertext))
    }
}

impl PlatformKey {
    /// Signs this message and returns base64.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<String> {
        Ok(STANDARD.encode(self.private.sign(message)?))
    }

    /// Decrypts base64 that was encrypted with the platform's public key.
    pub(crate) fn decrypt(&self, ciphertext: &str) -> Option<Vec<u8>> {
        let ciphertext = STANDARD.decode(ciphertext).ok()?;
        self.private.decrypt_oaep(&ciphertext).ok()
    }
}
