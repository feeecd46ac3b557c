//! What a client of APIv2 signed by mistake: signed by independent crates, and named by the sandbox.

use std::{collections::BTreeSet, io::Read};

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use sha2::Sha256;
use wechatpay_chain::sandbox::{MerchantOptions, Sandbox};

use super::{merchant, send_to};

fn sandbox() -> Sandbox {
    let other = MerchantOptions::new("1900000111");
    Sandbox::builder().merchant(other).start().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn md5(text: &str) -> String {
    hex(&Md5::digest(text))
}

fn hmac(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// Sends a body to the order query, and waits for the response.
fn query(sandbox: &Sandbox, body: &str) {
    let headers = "Content-Type: text/xml\r\n";
    let mut stream = send_to(sandbox, "POST", "/pay/orderquery", headers, body);
    stream.read_to_end(&mut Vec::new()).unwrap();
}

/// Sends these fields of an order query with a sign, and returns how the sandbox took it apart.
fn inspected(sandbox: &Sandbox, fields: &[(&str, &str)], sign: &str) -> Value {
    let fields = fields.iter().copied().chain([("sign", sign)]);
    let fields: String = fields
        .map(|(name, value)| {
            let value = value.replace('&', "&amp;").replace('<', "&lt;");
            format!("<{name}>{value}</{name}>")
        })
        .collect();
    let body = format!("<xml>{fields}</xml>");
    query(sandbox, &body);
    super::inspected(sandbox)
}

#[test]
fn wrong_text_key_or_digest_of_apiv2_is_named() {
    let sandbox = sandbox();
    let (mchid, key, apiv3) = (sandbox.mchid(), sandbox.apiv2_key(), sandbox.apiv3_key());
    let other = &merchant(&sandbox, "1900000111");
    let other = other.apiv2_key();
    // Not sorted, with capitals, an empty value and what XML and URLs escape.
    let fields = [
        ("mch_id", mchid),
        ("nonce_str", "n1"),
        ("Appid", "wx1"),
        ("attach", " 茶&<😀"),
        ("detail", ""),
    ];
    let right = format!("Appid=wx1&attach= 茶&<😀&mch_id={mchid}&nonce_str=n1");
    let hmac_fields = [&fields[..], &[("sign_type", "HMAC-SHA256")]].concat();
    let hmac_right = format!("{right}&sign_type=HMAC-SHA256");
    let inspected_md5 = |text: &str| inspected(&sandbox, &fields, &md5(text));
    let latin1: String = " 茶&<😀".bytes().map(char::from).collect();
    let mut ids = BTreeSet::new();
    let mut check = |id: &'static str, signed: &str, inspected: Value| {
        assert_eq!(inspected["found"]["id"], id, "{signed}: {inspected}");
        assert_eq!(inspected["found"]["message"], signed, "{id}");
        let right = inspected["message"].as_str().unwrap();
        let pairs = right.bytes().zip(signed.bytes());
        let at = pairs.into_iter().position(|(one, other)| one != other);
        let at = at.or_else(|| (right != signed).then(|| right.len().min(signed.len())));
        assert_eq!(inspected["found"]["difference_at"], json!(at), "{id}");
        assert!(!inspected.to_string().contains(key), "{id}");
        ids.insert(id);
    };
    for (id, before_key) in [
        (
            "order_as_sent",
            format!("mch_id={mchid}&nonce_str=n1&Appid=wx1&attach= 茶&<😀&key="),
        ),
        (
            "order_descending",
            format!("nonce_str=n1&mch_id={mchid}&attach= 茶&<😀&Appid=wx1&key="),
        ),
        (
            "empty_values",
            format!("Appid=wx1&attach= 茶&<😀&detail=&mch_id={mchid}&nonce_str=n1&key="),
        ),
        ("sign_included", format!("{right}&sign=&key=")),
        ("key_without_name", format!("{right}&")),
        ("key_without_separator", right.clone()),
        (
            "field_left_out",
            format!("Appid=wx1&attach= 茶&<😀&mch_id={mchid}&key="),
        ),
        (
            "values_encoded",
            format!(
                "Appid=wx1&attach=%20%E8%8C%B6%26%3C%F0%9F%98%80&mch_id={mchid}&nonce_str=n1&key="
            ),
        ),
        (
            "values_escaped",
            format!("Appid=wx1&attach= 茶&amp;&lt;😀&mch_id={mchid}&nonce_str=n1&key="),
        ),
        (
            "values_trimmed",
            format!("Appid=wx1&attach=茶&<😀&mch_id={mchid}&nonce_str=n1&key="),
        ),
        (
            "values_quoted",
            format!("Appid=\"wx1\"&attach=\" 茶&<😀\"&mch_id=\"{mchid}\"&nonce_str=\"n1\"&key="),
        ),
        (
            "values_latin1",
            format!("Appid=wx1&attach={latin1}&mch_id={mchid}&nonce_str=n1&key="),
        ),
        (
            "values_question_marks",
            format!("Appid=wx1&attach= ?&<??&mch_id={mchid}&nonce_str=n1&key="),
        ),
    ] {
        let inspected = inspected_md5(&format!("{before_key}{key}"));
        check(id, &format!("{before_key}●"), inspected);
    }
    let shown = format!("{right}&key=●");
    for (id, wrong_key) in [
        ("key_of_apiv3", apiv3),
        ("key_empty", ""),
        ("key_of_another", other),
    ] {
        check(
            id,
            &shown,
            inspected_md5(&format!("{right}&key={wrong_key}")),
        );
    }
    let sign = md5(&format!("{right}&key={key}"));
    let small = inspected(&sandbox, &fields, &sign.to_lowercase());
    check("sign_small_letters", &shown, small);
    let text = format!("{right}&key={key}");
    check(
        "sign_type",
        &shown,
        inspected(&sandbox, &fields, &hmac(key, &text)),
    );

    let hmac_shown = format!("{hmac_right}&key=●");
    let text = format!("{hmac_right}&key={key}");
    check(
        "sign_type",
        &hmac_shown,
        inspected(&sandbox, &hmac_fields, &md5(&text)),
    );
    let plain = hex(&Sha256::digest(&text));
    check(
        "sha256_without_hmac",
        &hmac_shown,
        inspected(&sandbox, &hmac_fields, &plain),
    );
    let of_fields = hmac(key, &hmac_right);
    check(
        "hmac_of_fields",
        &hmac_right,
        inspected(&sandbox, &hmac_fields, &of_fields),
    );
    let other_text = format!("{hmac_right}&key={other}");
    let of_another = hmac(other, &other_text);
    check(
        "key_of_another",
        &hmac_shown,
        inspected(&sandbox, &hmac_fields, &of_another),
    );

    // Sorted without regard to capitals, which is the order as sent if nothing else differs.
    let fields = [
        ("mch_id", mchid),
        ("Body", "b"),
        ("appid", "a"),
        ("nonce_str", "n1"),
    ];
    let before_key = format!("appid=a&Body=b&mch_id={mchid}&nonce_str=n1&key=");
    let inspected = inspected(&sandbox, &fields, &md5(&format!("{before_key}{key}")));
    check("order_without_case", &format!("{before_key}●"), inspected);
    assert_eq!(ids.len(), 21);
}

#[test]
fn steps_of_apiv2_say_which_of_them_fails() {
    let sandbox = sandbox();
    let (mchid, key) = (sandbox.mchid(), sandbox.apiv2_key());
    let failed = |signature: &Value| {
        let steps = signature["steps"].as_array().unwrap().iter();
        let steps = steps.filter(|step| step["ok"] == false);
        steps
            .map(|step| step["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let fields = [("mch_id", mchid), ("nonce_str", "n1")];
    let right = md5(&format!("mch_id={mchid}&nonce_str=n1&key={key}"));
    let signature = inspected(&sandbox, &fields, &right);
    assert_eq!(failed(&signature), "");
    assert_eq!(
        (&signature["scheme"], &signature["found"]),
        (&json!("MD5"), &Value::Null)
    );
    assert_eq!(signature["signed_by"], json!({ "mchid": mchid }));
    assert_eq!(
        signature["message"],
        format!("mch_id={mchid}&nonce_str=n1&key=●")
    );
    let wrong = inspected(&sandbox, &fields, &md5("x"));
    assert_eq!(
        (&*failed(&wrong), &wrong["found"]),
        ("signature", &Value::Null)
    );
    assert!(wrong["tried"].as_u64().unwrap() > 15);
    let long = "x".repeat(70_000);
    let long = inspected(&sandbox, &[("mch_id", mchid), ("attach", &long)], &md5("x"));
    assert_eq!((&long["tried"], &long["found"]), (&json!(0), &Value::Null));
    assert_eq!(failed(&inspected(&sandbox, &fields, "")), "signature");
    let unknown = inspected(&sandbox, &[("mch_id", "1900000999")], &right);
    assert_eq!(failed(&unknown), "merchant");
    let sm3 = inspected(&sandbox, &[("mch_id", mchid), ("sign_type", "SM3")], &right);
    assert_eq!(failed(&sm3), "sign_type signature");
    query(&sandbox, "{}");
    assert_eq!(failed(&super::inspected(&sandbox)), "fields");
}
