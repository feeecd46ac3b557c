//! URLs that a customer's browser opens: prepared and signed, never sent by the library.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use wechatpay_chain::{Method, Options};

use crate::fixtures::{apiv2, keys, mode::runtime, programs::openssl};

/// Computes the sign with openssl: fields sorted by name, empty fields omitted, the key last.
fn sign_by_openssl(fields: &BTreeMap<String, String>) -> String {
    let filled = fields
        .iter()
        .filter(|(name, value)| *name != "sign" && !value.is_empty());
    let joined = filled.map(|(name, value)| format!("{name}={value}&"));
    let message = joined.collect::<String>() + "key=" + apiv2::KEY;
    let hmac = ["dgst", "-r", "-sha256", "-hmac", apiv2::KEY];
    let args: &[&str] = match fields.get("sign_type").map(String::as_str) {
        Some("HMAC-SHA256") => &hmac,
        _ => &["dgst", "-r", "-md5"],
    };
    let printed = openssl(args, message.as_bytes()).expect("a digest");
    let printed = String::from_utf8(printed).expect("hexadecimal");
    printed
        .split_whitespace()
        .next()
        .expect("a digest")
        .to_uppercase()
}

/// Splits a URL into its base and the decoded fields of its query.
fn fields(url: &str) -> (String, BTreeMap<String, String>) {
    let (base, query) = url.split_once('?').expect("a query");
    let decode = |text| {
        percent_decode_str(text)
            .decode_utf8()
            .expect("UTF-8")
            .into_owned()
    };
    let pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').expect("a pair"));
    let fields = pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    (base.to_owned(), fields)
}

/// The documented pages: path, query and base URI.
fn pages() -> [(&'static str, Value, &'static str); 4] {
    let contract = json!({
        "appid": "wxcbda96de0b165486", "mch_id": keys::MCHID, "plan_id": "12535",
        "contract_code": "100000", "request_serial": 1000,
        "contract_display_account": "微信 代扣+&=100%", "version": "1.0",
        "notify_url": "https://www.example.com/notify", "timestamp": 1414488825, "return_web": 1,
    });
    let mut partner = contract.clone();
    partner["sub_mch_id"] = json!("1900000100");
    partner["sub_appid"] = json!("");
    let mut h5 = contract.clone();
    h5["sign_type"] = json!("HMAC-SHA256");
    let code = json!({
        "mch_id": keys::MCHID, "appid": "wxd678efh567hg6787", "response_type": "code",
        "redirect_uri": "https://www.example.com/back?a=1&b=二", "scope": "pay_identity",
        "state": "STATE", "sign_type": "HMAC-SHA256",
    });
    let api = "https://api.mch.weixin.qq.com/";
    [
        ("papay/entrustweb", contract, api),
        ("papay/partner/entrustweb", partner, api),
        ("papay/h5entrustweb", h5, api),
        ("appauth/authindex", code, "https://payapp.weixin.qq.com/"),
    ]
}

#[test]
fn browser_url_carries_the_fields_and_a_sign_matching_openssl() {
    let client = keys::builder().build().unwrap();
    for (path, query, base) in pages() {
        let chain = client.chain(format!("v2/{path}"));
        for nonceless in [false, true] {
            let options = json!({ "query": query, "nonceless": nonceless, "base_uri": base });
            let prepared = chain.prepare(Method::GET, &options).unwrap();
            assert!(prepared.body().is_empty());
            assert!(!prepared.headers().contains_key("authorization"));
            let (url_base, mut found) = fields(prepared.url());
            assert_eq!(url_base, format!("{base}{path}"));
            let sign = sign_by_openssl(&found);
            assert_eq!(found.remove("sign"), Some(sign), "{path}");
            let nonce = found.remove("nonce_str");
            assert_eq!(nonce.is_none(), nonceless || path.contains("h5"), "{path}");
            let given = query.as_object().unwrap().iter();
            let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
            let given = given.map(|(name, value)| (name.clone(), text(value)));
            assert_eq!(found, given.collect(), "{path}");

            let call = chain.prepare_async(Method::GET, &options);
            let (_, found) = fields(runtime().block_on(call).unwrap().url());
            assert_eq!(found["sign"], sign_by_openssl(&found), "{path}");
        }
    }
}

#[test]
fn typed_setters_and_path_query_give_the_same_url() {
    let client = keys::builder().build().unwrap();
    let (path, query, _) = pages().into_iter().next().unwrap();
    let chain = client.chain(format!("v2/{path}"));
    let options = json!({ "query": query, "nonceless": true });
    let url = chain
        .prepare(Method::GET, options)
        .unwrap()
        .url()
        .to_owned();
    let typed = Options::new().query(query).without_nonce(true);
    assert_eq!(chain.prepare(Method::GET, typed).unwrap().url(), url);
    let (_, given) = url.split_once('?').unwrap();
    let (given, _) = given.split_once("&sign=").unwrap();
    let with_query = client.chain(format!("v2/{path}?{given}"));
    let options = Options::new().without_nonce(true);
    assert_eq!(with_query.prepare(Method::GET, options).unwrap().url(), url);
}

#[test]
fn page_of_another_merchant_is_not_signed() {
    let client = keys::builder().build().unwrap();
    let query = json!({ "mch_id": "1900000100", "appid": "wxcbda96de0b165486" });
    let chain = client.chain("v2/papay/entrustweb");
    let err = chain
        .prepare(Method::GET, json!({ "query": query }))
        .unwrap_err();
    assert!(
        err.is_request() && err.to_string().contains("`mch_id`"),
        "{err}"
    );
}
