//! Keys drawn for this run by an implementation that is not ours.

use std::sync::OnceLock;

use rsa::{
    pkcs1v15::{Signature, SigningKey, VerifyingKey},
    pkcs8::{EncodePrivateKey, EncodePublicKey},
    rand_core::UnwrapErr,
    sha2::Sha256,
    signature::{SignatureEncoding as _, Signer as _, Verifier as _},
};
use wechatpay_chain::{Client, ClientBuilder, PrivateKey, PublicKey};

/// A key pair of one side.
pub struct Pair {
    pub rsa: rsa::PrivateKey,
    private: PrivateKey,
}

impl Pair {
    pub fn draw() -> Self {
        let rsa = rsa::PrivateKey::new(&mut UnwrapErr(getrandom::SysRng), 2048).expect("a key");
        let der = rsa.to_pkcs8_der().expect("DER");
        Self {
            private: PrivateKey::from_der(der.as_bytes()).expect("a key"),
            rsa,
        }
    }

    pub fn private(&self) -> PrivateKey {
        self.private.clone()
    }

    pub fn public(&self) -> PublicKey {
        let der = self.rsa.to_public_key().to_public_key_der().expect("DER");
        PublicKey::from_der(der.as_bytes()).expect("a key")
    }

    /// What no other key has.
    pub fn modulus(&self) -> Vec<u8> {
        rsa::traits::PublicKeyParts::n(&self.rsa)
            .to_be_bytes()
            .to_vec()
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        SigningKey::<Sha256>::new(self.rsa.clone())
            .sign(message)
            .to_vec()
    }

    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::try_from(signature).is_ok_and(|signature| {
            VerifyingKey::<Sha256>::new(self.rsa.to_public_key())
                .verify(message, &signature)
                .is_ok()
        })
    }
}

pub fn merchant() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(Pair::draw)
}

pub fn platform() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(Pair::draw)
}

pub const MCHID: &str = "1900000109";
pub const SERIAL: &str = "3775B6A45ACD588826D15E583A95F5DD0000FACE";
pub const PLATFORM_ID: &str = "PUB_KEY_ID_0119000001092024000000000000";

/// A client with everything filled in, proxies off.
pub fn builder() -> ClientBuilder {
    Client::builder()
        .mchid(MCHID)
        .serial(SERIAL)
        .private_key(merchant().private())
        .platform_key(PLATFORM_ID, platform().public())
        .apiv2_key("0123456789abcdef0123456789abcdef")
        .apiv3_key("fedcba9876543210fedcba9876543210")
        .no_proxy()
        .certificate_mode(wechatpay_chain::CertificateMode::Fixed)
}
