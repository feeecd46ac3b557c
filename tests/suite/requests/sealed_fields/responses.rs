//! `decrypt_documented`: what it leaves alone, and that an error changes nothing.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use wechatpay_chain::{Client, Method, Result, catalog::Operation};

use super::{OAEP, operation};
use crate::{
    fixtures::{
        keys::{builder, merchant, platform},
        mode::{BOTH, Mode, runtime},
        programs,
    },
    requests::sensitive_fields::{encrypted_with, signing_remotely},
};

fn complaints() -> &'static Operation {
    operation(&Method::GET, "v3/merchant-service/complaints-v2")
}

/// Decrypts in either form. An error must leave the response as it was.
fn decrypt(mode: Mode, client: &Client, operation: &Operation, response: &Value) -> Result<Value> {
    let mut decrypted = response.clone();
    let result = match mode {
        Mode::Blocking => client.decrypt_documented(operation, &mut decrypted),
        Mode::Async => {
            let future = client.decrypt_documented_async(operation, response.clone());
            return runtime().block_on(future);
        }
    };
    if result.is_err() {
        assert_eq!(&decrypted, response, "changed in spite of the error");
    }
    result.map(|()| decrypted)
}

#[test]
fn absent_and_empty_values_are_left_alone() {
    let keyless = Client::builder().build().unwrap();
    for mode in BOTH {
        for response in [
            json!({}),
            json!(null),
            json!("text"),
            json!({ "data": [] }),
            json!({ "data": null, "payer_phone": "not sealed here" }),
            json!({ "data": [null, "text", {}, { "payer_phone": null }, { "payer_phone": "" }] }),
        ] {
            let decrypted = decrypt(mode, &keyless, complaints(), &response).unwrap();
            assert_eq!(decrypted.to_string(), response.to_string());
        }
    }
}

#[test]
fn error_names_the_field_and_changes_nothing() {
    if programs::missing() {
        return;
    }
    let client = builder().build().unwrap();
    let good = encrypted_with(merchant(), &OAEP, "13800000000");
    let foreign = encrypted_with(platform(), &OAEP, "13900000000");
    for mode in BOTH {
        for (bad, text) in [
            (json!(foreign), "cannot decrypt"),
            (json!("13900000000"), "(11 bytes) is not base64"),
            (
                json!(BASE64_STANDARD.encode("short")),
                "invalid RSA ciphertext: 5 bytes",
            ),
            (json!(139), "is a number: expected a string"),
            (json!(["139"]), "is an array: expected a string"),
        ] {
            let response = json!({ "data": [
                { "payer_phone": good }, { "payer_phone": bad }, { "payer_phone": good },
            ]});
            let err = decrypt(mode, &client, complaints(), &response).unwrap_err();
            assert!(err.is_decrypt(), "{err:?}");
            for text in [text, "the field is `/data/1/payer_phone`"] {
                assert!(err.to_string().contains(text), "{err}");
            }
            let all = format!("{err} {err:?}");
            assert!(!all.contains("139000") && !all.contains("138000"), "{all}");
        }
        let response = json!({ "data": [{ "payer_phone": good }] });
        let keyless = Client::builder().build().unwrap();
        assert!(
            decrypt(mode, &keyless, complaints(), &response)
                .unwrap_err()
                .is_config()
        );
        let decrypted = decrypt(mode, &client, complaints(), &response).unwrap();
        assert_eq!(decrypted["data"][0]["payer_phone"], "13800000000");
    }
}

/// A sender of responses must not learn from the errors what a ciphertext contains.
#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn invalid_pkcs1_padding_is_no_error() {
    use super::PKCS1;

    if programs::missing() {
        return;
    }
    let client = builder().build().unwrap();
    let merchants = operation(&Method::GET, "v3/merchants/{sub_mchid}");
    let good = encrypted_with(merchant(), &PKCS1, "张三");
    let mut altered = BASE64_STANDARD.decode(&good).unwrap();
    altered[200] ^= 1;
    for mode in BOTH {
        for wrong in [
            encrypted_with(merchant(), &OAEP, "张三"),
            BASE64_STANDARD.encode(&altered),
        ] {
            let response = json!({ "contact": { "name": good, "phone": wrong } });
            let decrypted = decrypt(mode, &client, merchants, &response).unwrap();
            assert_eq!(decrypted["contact"]["name"], "张三");
            assert_ne!(decrypted["contact"]["phone"], "张三");
        }
    }
}

#[test]
fn remote_signer_decrypts_if_supported() {
    // This signer returns what it is given.
    let field = BASE64_STANDARD.encode("echo");
    let response = json!({ "data": [{ "payer_phone": field }, { "payer_phone": field }] });
    for mode in BOTH {
        let decrypted = decrypt(mode, &signing_remotely(true), complaints(), &response).unwrap();
        assert_eq!(
            decrypted,
            json!({ "data": [{ "payer_phone": "echo" }, { "payer_phone": "echo" }] })
        );
        let err = decrypt(mode, &signing_remotely(false), complaints(), &response).unwrap_err();
        for text in ["Signer::decrypt", "`/data/0/payer_phone`"] {
            assert!(err.to_string().contains(text), "{err}");
        }
    }
}
