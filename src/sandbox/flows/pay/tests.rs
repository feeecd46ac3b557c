//! The transaction's rules, without a server.

use serde_json::json;

use super::*;

const NOW: u64 = 1_528_425_296;

fn request() -> Value {
    json!({
        "appid": "wxd678efh567hg6787",
        "mchid": "1230000109",
        "description": "Image形象店-深圳腾大-QQ公仔",
        "out_trade_no": "1217752501201407033233368018",
        "notify_url": "https://www.weixin.qq.com/wxpay/pay.php",
        "amount": { "total": 100, "currency": "CNY" },
        "attach": "自定义数据",
    })
}

fn prepaid_from(request: &Value, code: &str, now: u64) -> Result<Transaction, ApiResponse> {
    let fields = Fields::of_body(request.as_object().unwrap());
    Transaction::prepay(&fields, "1230000109", code.to_owned(), now)
}

fn prepaid() -> Transaction {
    prepaid_from(&request(), "one", NOW).unwrap()
}

fn pay(transaction: &mut Transaction, now: u64) -> Result<(), ApiResponse> {
    transaction.pay("4200".to_owned(), "o1".to_owned(), now)
}

fn code(result: Result<(), ApiResponse>) -> (u16, String) {
    let error = result.expect_err("refused");
    let code = error.body_json()["code"].as_str().unwrap().to_owned();
    (error.status().as_u16(), code)
}

#[test]
fn prepaid_transaction_can_be_paid_once() {
    let mut transaction = prepaid();
    let body = transaction.query_body();
    assert_eq!(body["trade_state"], "NOTPAY");
    assert_eq!(body["attach"], "自定义数据");
    assert!(body.get("transaction_id").is_none());
    assert!(!transaction.has_transaction_id("4200"));

    pay(&mut transaction, NOW + 10).unwrap();
    let body = transaction.query_body();
    assert_eq!(body["trade_state"], "SUCCESS");
    assert_eq!(body["success_time"], "2018-06-08T10:35:06+08:00");
    assert_eq!(body["amount"]["payer_total"], 100);
    assert_eq!(body["payer"]["openid"], "o1");
    assert!(transaction.has_transaction_id("4200"));

    assert_eq!(
        code(pay(&mut transaction, NOW)),
        (400, "ORDERPAID".to_owned())
    );
    assert_eq!(code(transaction.close()), (400, "ORDERPAID".to_owned()));
    assert_eq!(
        code(transaction.prepay_again(prepaid())),
        (400, "ORDERPAID".to_owned())
    );
}

#[test]
fn closed_transaction_refuses_everything_but_close() {
    let mut transaction = prepaid();
    transaction.close().unwrap();
    transaction.close().unwrap();
    assert_eq!(transaction.trade_state(), "CLOSED");
    assert_eq!(
        code(pay(&mut transaction, NOW)),
        (400, "ORDER_CLOSED".to_owned())
    );
    assert_eq!(
        code(transaction.prepay_again(prepaid())),
        (400, "ORDER_CLOSED".to_owned())
    );
}

#[test]
fn repeated_prepayment_must_have_the_same_parameters() {
    let mut transaction = prepaid();
    let again = prepaid_from(&request(), "two", NOW + 60).unwrap();
    transaction.prepay_again(again).unwrap();
    assert_eq!(transaction.prepay_body()["code_url"], "one");

    let mut other = request();
    other["amount"]["total"] = 101.into();
    let other = prepaid_from(&other, "three", NOW).unwrap();
    assert_eq!(
        code(transaction.prepay_again(other)),
        (403, "OUT_TRADE_NO_USED".to_owned())
    );
}

#[test]
fn code_url_expires_and_prepaying_again_renews_it() {
    let mut transaction = prepaid();
    let later = NOW + CODE_URL_LIFETIME;
    assert_eq!(code(pay(&mut transaction, later)).1, "INVALID_REQUEST");
    assert_eq!(transaction.trade_state(), "NOTPAY");
    let again = prepaid_from(&request(), "two", later).unwrap();
    transaction.prepay_again(again).unwrap();
    assert_eq!(transaction.prepay_body()["code_url"], "two");
    pay(&mut transaction, later + 1).unwrap();
}

#[test]
fn transaction_cannot_be_paid_after_time_expire() {
    let mut body = request();
    body["time_expire"] = "2018-06-08T10:44:56+08:00".into();
    let mut transaction = prepaid_from(&body, "one", NOW).unwrap();
    assert_eq!(code(pay(&mut transaction, NOW + 601)).1, "INVALID_REQUEST");
    pay(&mut transaction, NOW + 600).unwrap();
}

#[test]
fn prepayment_error_names_the_invalid_field() {
    for (pointer, value) in [
        ("/mchid", json!("1900000109")),
        ("/out_trade_no", json!("12345")),
        ("/out_trade_no", json!("中文中文中文")),
        ("/description", json!("")),
        ("/notify_url", json!("ftp://example.com")),
        ("/amount/total", json!(0)),
        ("/amount/total", json!(-1)),
        ("/amount/total", json!(1.5)),
        ("/amount/total", json!("100")),
        ("/amount/currency", json!("XYZ")),
    ] {
        let mut body = request();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        let error = prepaid_from(&body, "one", NOW)
            .err()
            .expect(pointer)
            .body_json();
        assert_eq!(error["code"], "PARAM_ERROR");
        // The wire names the field in the message, and not in `detail` as the documents do.
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(pointer), "{message}");
    }
    for time in ["2018-06-08 10:44:56", "2018-06-08T10:34:56+08:00"] {
        let mut body = request();
        body["time_expire"] = time.into();
        let error = prepaid_from(&body, "one", NOW)
            .err()
            .expect(time)
            .body_json();
        assert_eq!(error["detail"]["field"], "/time_expire");
    }
}
