//! The fields that the documents mark as sealed, found by the library and opened by openssl.

mod every_operation;
mod requests;
mod responses;

use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::Value;
use wechatpay_chain::{
    Method,
    catalog::{self, Operation, Sealing},
};

use super::sensitive_fields::{OAEP, PKCS1};
use crate::fixtures::{
    keys::Pair,
    programs::{TempFile, openssl},
};

const RECEIVERS: &str = "v3/profitsharing/receivers/add";

fn operation(method: &Method, template: &str) -> &'static Operation {
    catalog::find(method, template).expect("a documented operation")
}

/// The options of openssl for a documented padding.
fn padding(sealing: Sealing) -> &'static [&'static str] {
    match sealing {
        Sealing::RsaOaep => &OAEP,
        Sealing::RsaPkcs1 => &PKCS1,
        other => panic!("{other:?} is not RSA"),
    }
}

/// Opens ciphertexts with openssl, with the key in one file.
struct Opener(TempFile);

impl Opener {
    fn new(pair: &Pair) -> Self {
        let pem = pair.rsa.to_pkcs8_pem(LineEnding::LF).expect("PEM");
        Self(TempFile::new(pem.as_bytes()))
    }

    fn open(&self, padding: &[&str], base64: &Value) -> String {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let text = base64.as_str().expect("a string");
        let bytes = BASE64_STANDARD.decode(text).expect("base64");
        let args = [&["pkeyutl", "-decrypt", "-inkey", self.0.path()], padding];
        let text = openssl(&args.concat(), &bytes).expect("openssl decrypts it");
        String::from_utf8(text).expect("UTF-8")
    }
}
