//! The sandbox's keys and numbers, drawn afresh at each start.

use std::thread;

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    base::crypto::{PrivateKey, PublicKey, digest, random},
    error::{Cause, Kind, cause::Result},
    protocol::merchant::SANDBOX_IN_HEX,
};

pub(super) struct Keys {
    pub(super) merchant: PrivateKey,
    merchant_public: PublicKey,
    /// 40 hexadecimal digits that begin with those of `SANDBOX` in ASCII.
    pub(super) serial: String,
    pub(super) platform: PlatformKey,
    pub(super) apiv3: Zeroizing<String>,
}

/// The key that answers are signed with, and its id.
#[derive(Clone)]
pub(super) struct PlatformKey {
    pub(super) id: String,
    pub(super) private: PrivateKey,
}

impl Keys {
    /// Draws all of them; the two RSA keys side by side, since each takes its time.
    pub(super) fn draw() -> Result<Self> {
        let platform = thread::Builder::new()
            .name("sandbox-key".to_owned())
            .spawn(PrivateKey::generate)
            .map_err(|err| {
                Cause::new(Kind::Config, "no thread to draw keys on").with_source(err)
            })?;
        let merchant = PrivateKey::generate()?;
        let platform = platform
            .join()
            .map_err(|_| Cause::key("drawing the platform's key failed"))??;
        Ok(Self {
            merchant_public: merchant.public_key(),
            merchant,
            serial: format!("{SANDBOX_IN_HEX}{}", hex(40 - SANDBOX_IN_HEX.len())?),
            platform: PlatformKey {
                id: format!("PUB_KEY_ID_SANDBOX{}", hex(22)?),
                private: platform,
            },
            apiv3: Zeroizing::new(token(32)?),
        })
    }

    /// Whether the merchant signed this message.
    pub(super) fn merchant_signed(&self, message: &[u8], signature: &str) -> bool {
        STANDARD
            .decode(signature)
            .is_ok_and(|signature| self.merchant_public.verify(message, &signature))
    }

    /// For the merchant's eyes, in base64.
    pub(super) fn encrypt_for_merchant(&self, plaintext: &[u8]) -> Result<String> {
        let ciphertext = self.merchant_public.encrypt_oaep(plaintext)?;
        Ok(STANDARD.encode(ciphertext))
    }
}

impl PlatformKey {
    /// The signature over this message, in base64.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String> {
        Ok(STANDARD.encode(self.private.sign(message)?))
    }

    /// Opens what was encrypted for the platform.
    pub(super) fn decrypt(&self, ciphertext: &str) -> Option<Vec<u8>> {
        let ciphertext = STANDARD.decode(ciphertext).ok()?;
        self.private.decrypt_oaep(&ciphertext).ok()
    }
}

/// So many upper-case hexadecimal digits.
pub(super) fn hex(digits: usize) -> Result<String> {
    let mut bytes = vec![0; digits.div_ceil(2)];
    random(&mut bytes)?;
    let mut text = digest::hex_upper(&bytes);
    text.truncate(digits);
    Ok(text)
}

/// So many letters and digits. Close to evenly drawn, which is enough for an id.
pub(super) fn token(length: usize) -> Result<String> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    drawn_from(LETTERS, length)
}

/// So many decimal digits.
pub(super) fn digits(length: usize) -> Result<String> {
    drawn_from(b"0123456789", length)
}

fn drawn_from(letters: &[u8], length: usize) -> Result<String> {
    let mut bytes = vec![0; length];
    random(&mut bytes)?;
    let pick = |byte: &u8| letters.get(usize::from(*byte) % letters.len());
    Ok(bytes
        .iter()
        .filter_map(pick)
        .map(|b| char::from(*b))
        .collect())
}
