//! The outcome of rejections whose code or message suggests a different one.

use std::collections::BTreeMap;

use serde_json::json;
use wechatpay_chain::{Client, Error, Options, Outcome};

use crate::fixtures::{
    apiv2, keys,
    mode::BOTH,
    server::{MockResponse, Server},
};

fn post(path: &str, response: MockResponse) -> Error {
    let server = Server::start(move |_| response.clone());
    let client = server.client();
    let [blocking, asynchronous] = BOTH.map(|mode| mode.post(&client.chain(path), ()).unwrap_err());
    assert_eq!(blocking.outcome(), asynchronous.outcome());
    blocking
}

fn signed(status: u16, code: &str, message: &str) -> MockResponse {
    let body = json!({ "code": code, "message": message }).to_string();
    MockResponse::signed(status, body)
}

fn v2(fields: &[(&str, &str)], key: bool) -> MockResponse {
    let mut fields = fields
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect::<BTreeMap<_, _>>();
    if key {
        let sign = apiv2::sign(&fields, "MD5");
        fields.insert("sign".to_owned(), sign);
    }
    let body = fields
        .iter()
        .map(|(name, text)| format!("<{name}>{text}</{name}>"))
        .collect::<String>();
    MockResponse::plain(200, format!("<xml>{body}</xml>"))
}

const NATIVE: &str = "v3/pay/transactions/native";
const CLOSE: &str = "v3/pay/transactions/out-trade-no/x/close";
const TRANSFER: &str = "v3/fund-app/mch-transfer/transfer-bills";

#[test]
fn codes_about_an_earlier_request_are_unknown_except_on_close() {
    for (code, message) in [
        ("ORDERPAID", "该订单已支付"),
        ("OUT_TRADE_NO_USED", "商户订单号重复"),
        ("ORDER_CLOSED", "订单已关闭"),
        ("INVALID_REQUEST", "请求重入时，参数与首次请求时不一致"),
    ] {
        let err = post(NATIVE, signed(400, code, message));
        assert_eq!(err.outcome(), Outcome::Unknown, "{err}");
        assert_eq!(err.api().unwrap().code(), code);
        let err = post(CLOSE, signed(400, code, message));
        assert_eq!(err.outcome(), Outcome::Rejected, "{err}");
    }
    let err = post(
        NATIVE,
        signed(400, "INVALID_REQUEST", "appid 与 mchid 不匹配"),
    );
    assert_eq!(err.outcome(), Outcome::Rejected, "{err}");
}

#[test]
fn apiv2_error_codes_have_their_outcome() {
    let failed = |code| {
        v2(
            &[
                ("return_code", "SUCCESS"),
                ("result_code", "FAIL"),
                ("err_code", code),
                ("err_code_des", "x"),
            ],
            true,
        )
    };
    for (path, code, outcome) in [
        ("v2/pay/unifiedorder", "ORDERPAID", Outcome::Unknown),
        ("v2/pay/micropay", "OUT_TRADE_NO_USED", Outcome::Unknown),
        ("v2/pay/unifiedorder", "NOTENOUGH", Outcome::Rejected),
        ("v2/pay/closeorder", "ORDERPAID", Outcome::Rejected),
        ("v2/secapi/pay/reverse", "ORDERREVERSED", Outcome::Rejected),
        (
            "v2/mmpaymkttransfers/promotion/transfers",
            "NOTENOUGH",
            Outcome::Unknown,
        ),
        ("v2/pay/downloadbill", "20002", Outcome::Rejected),
        ("v2/pay/unifiedorder", "20002", Outcome::Unknown),
    ] {
        let server = Server::start(move |_| failed(code));
        for mode in BOTH {
            let chain = server.client().chain(path);
            let xml = json!({ "xml": { "mch_id": keys::MCHID } });
            let err = mode.post(&chain, xml).unwrap_err();
            assert_eq!(err.outcome(), outcome, "{path}: {err}");
        }
    }
}

#[test]
fn payouts_are_rejected_only_by_listed_codes() {
    for (status, code, outcome) in [
        (400, "PARAM_ERROR", Outcome::Rejected),
        (400, "NOT_ENOUGH", Outcome::Unknown),
        (400, "ALREADY_EXISTS", Outcome::Unknown),
        (429, "FREQUENCY_LIMITED", Outcome::Unknown),
    ] {
        let err = post(TRANSFER, signed(status, code, "x"));
        assert_eq!(err.outcome(), outcome, "{err}");
    }
    let err = post(TRANSFER, MockResponse::plain(403, "<html></html>"));
    assert_eq!(err.outcome(), Outcome::Unknown, "{err}");
}

#[test]
fn signed_error_without_a_code_is_unknown() {
    for status in [400, 401, 403, 404, 429] {
        for body in ["", "{}", r#"{"code_url":"weixin://x"}"#, "<html></html>"] {
            let err = post(NATIVE, MockResponse::signed(status, body));
            assert_eq!(err.outcome(), Outcome::Unknown, "{status} {body}: {err}");
        }
    }
}

#[test]
fn missing_apiv2_key_is_an_error_before_sending() {
    let server = Server::start(|_| v2(&[("return_code", "SUCCESS")], true));
    let client = Client::builder()
        .mchid(keys::MCHID)
        .base_uri(server.url())
        .no_proxy()
        .build()
        .unwrap();
    for path in ["v2/pay/unifiedorder", "v2/pay/downloadbill"] {
        for mode in BOTH {
            let body = Options::new().body("<xml></xml>");
            let err = mode.post(&client.chain(path), body).unwrap_err();
            assert!(err.is_config(), "{err:?}");
            assert!(err.to_string().contains("apiv2_key"), "{err}");
            assert_eq!(err.outcome(), Outcome::NotSent);
        }
    }
    assert_eq!(server.requests().len(), 0, "a request was sent");
}
