//! Operations without a flow: answered from their table, and from what was sent before.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{Client, Method, catalog, sandbox::Sandbox};

use crate::fixtures::programs;

const APPLY: &str = "v3/apply4subject/applyment";

fn start() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox
        .client_builder()
        .encrypt_documented(true)
        .build()
        .unwrap();
    (sandbox, client)
}

fn application(code: &str, phone: &str) -> Value {
    json!({ "json": {
        "business_code": code,
        "contact_info": { "name": "张三", "mobile": phone, "id_card_number": "320311770706001" },
        "subject_info": {
            "subject_type": "SUBJECT_TYPE_ENTERPRISE",
            "business_license_info": {
                "licence_number": "914201123033363296",
                "licence_copy": "media",
                "merchant_name": "茶馆",
                "legal_person": "张三",
                "company_address": "深圳",
                "licence_valid_date": "[\"1970-01-01\",\"forever\"]",
            },
        },
        "identification_info": {
            "identification_name": "张三",
            "identification_type": "IDENTIFICATION_TYPE_IDCARD",
            "identification_number": "320311770706001",
            "identification_valid_date": "[\"1970-01-01\",\"forever\"]",
            "identification_front_copy": "media",
        },
    }})
}

#[test]
fn same_number_gets_the_same_answer_and_other_parameters_are_refused() {
    let (_sandbox, client) = start();
    let apply = |code, phone| client.chain(APPLY).post(application(code, phone));
    let first = apply("b-1", "13800138000").unwrap();
    assert_eq!(first.headers()["sandbox-answer"], "shaped");
    let first: Value = first.json().unwrap();
    // The sealed fields are encrypted anew, and are the same all the same.
    let again: Value = apply("b-1", "13800138000").unwrap().json().unwrap();
    assert_eq!(first, again);
    let other: Value = apply("b-2", "13800138000").unwrap().json().unwrap();
    assert_ne!(first["applyment_id"], other["applyment_id"]);

    let err = apply("b-1", "13800138001").unwrap_err();
    let api = err.api().unwrap();
    assert_eq!(
        (api.status().as_u16(), api.code()),
        (400, "INVALID_REQUEST")
    );
    assert!(
        api.message().contains("不一致") && api.is_verified(),
        "{err}"
    );
}

#[test]
fn unknown_path_names_the_nearest_after_the_signature() {
    let (sandbox, client) = start();
    let err = client.chain("v3/certificate").get(json!({})).unwrap_err();
    let api = err.api().unwrap();
    assert_eq!(
        (api.status().as_u16(), api.code()),
        (404, "RESOURCE_NOT_EXISTS")
    );
    assert!(
        api.message().contains("v3/certificates") && api.is_verified(),
        "{err}"
    );
    let stranger = Sandbox::start().unwrap();
    let stranger = stranger
        .client_builder()
        .base_uri(sandbox.base_uri())
        .build()
        .unwrap();
    let err = stranger.chain("v3/certificate").get(json!({})).unwrap_err();
    assert_eq!(err.status().map(|status| status.as_u16()), Some(401));
}

#[test]
fn statement_is_signed_by_its_hash() {
    let (sandbox, client) = start();
    let statement = client.chain("v3/global/statements").get(json!({
        "query": { "date": "20180608", "mchid": sandbox.mchid() },
    }));
    let statement = statement.unwrap();
    assert!(statement.headers().contains_key("wechatpay-statement-sha1"));
    assert!(!statement.bytes().is_empty());
}

#[test]
fn made_up_download_url_leads_to_a_file_with_the_hash() {
    let (sandbox, client) = start();
    let asked = json!({ "query": { "bill_date": "20180608" } });
    let bill = || {
        client
            .chain("v3/funds-to-oversea/bill-download-url")
            .get(asked.clone())
    };
    // The same response twice: its URL works both times.
    for _ in 0..2 {
        let bill: Value = bill().unwrap().json().unwrap();
        let url = bill["download_url"].as_str().unwrap();
        let token = url.strip_prefix(&format!(
            "{}v3/billdownload/file?token=",
            sandbox.base_uri()
        ));
        let token = token.unwrap_or_else(|| panic!("{url}"));
        let file = client
            .chain("v3/billdownload/file")
            .get(json!({ "query": { "token": token } }));
        assert_eq!(bill["hash_value"], programs::sha1(file.unwrap().bytes()));
        sandbox.advance(Duration::from_secs(301));
    }
}

#[test]
fn sealed_fields_of_a_response_open_and_a_query_returns_what_was_sent() {
    let (sandbox, client) = start();
    let rename = "v3/aggracct-bc/wb-channel/bank-channel-account/rename";
    let sent = client.chain(rename).post(json!({ "json": {
        "out_request_no": "rename-1",
        "mchid": sandbox.mchid(),
        "bal_account_no": "6222021234567890123",
        "change_scene": "SUBJECT_INFO_RENAME",
    }}));
    let sent: Value = sent.unwrap().json().unwrap();
    let by_id = format!("{rename}/{{application_id}}");
    let op = catalog::find(&Method::GET, &by_id).unwrap();
    let queried = |id: &Value| -> Value {
        let query = json!({ "mchid": sandbox.mchid(), "bal_account_no": "6222021234567890123" });
        let found = client
            .chain(&by_id)
            .get(json!({ "application_id": id, "query": query }));
        let mut found = found.unwrap().json().unwrap();
        client.decrypt_documented(op, &mut found).unwrap();
        found
    };
    let found = queried(&sent["application_id"]);
    assert_eq!(found["bal_account_no"], "6222021234567890123");
    assert_eq!(found["out_request_no"], "rename-1");
    // Of another application, the number is made up.
    assert_ne!(queried(&"7".into())["out_request_no"], "rename-1");
}

// Its fields are padded with PKCS#1 v1.5, which AWS-LC does not decrypt.
#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn sealed_fields_of_an_apiv2_response_open() {
    let (sandbox, client) = start();
    let info = "v2/secsvc/getrealnameinfo";
    let asked = json!({ "xml": {
        "version": "1.0", "mch_id": sandbox.mchid(), "appid": sandbox.appid(), "openid": "o1",
        "cert_serialno": sandbox.serial(), "access_token": "token", "timestamp": 1_528_425_296,
        "cert_sign": "sign", "sign_type": "HMAC-SHA256",
    }});
    let found = client.chain(info).post(asked).unwrap();
    let mut found: Value = found.xml().unwrap().into();
    let sealed = found["encrypted_real_name"].clone();
    let op = catalog::find(&Method::POST, info).unwrap();
    client.decrypt_documented(op, &mut found).unwrap();
    assert_ne!(found["encrypted_real_name"], sealed);
}
