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

fn prepaid_from(request: &Value, code: &str, now: u64) -> Result<Transaction, Answer> {
    let fields = Fields::body(request.as_object().unwrap());
    Transaction::prepay(&fields, "1230000109", code.to_owned(), now)
}

fn prepaid() -> Transaction {
    prepaid_from(&request(), "one", NOW).unwrap()
}

fn pay(transaction: &mut Transaction, now: u64) -> Result<(), Answer> {
    transaction.pay("4200".to_owned(), "o1".to_owned(), now)
}

fn code(result: Result<(), Answer>) -> (u16, String) {
    let answer = result.expect_err("refused");
    let code = answer.value()["code"].as_str().unwrap().to_owned();
    (answer.status().as_u16(), code)
}

#[test]
fn prepaid_then_paid() {
    let mut transaction = prepaid();
    let view = transaction.view();
    assert_eq!(view["trade_state"], "NOTPAY");
    assert_eq!(view["attach"], "自定义数据");
    assert!(view.get("transaction_id").is_none());
    assert!(!transaction.has_transaction_id("4200"));

    pay(&mut transaction, NOW + 10).unwrap();
    let view = transaction.view();
    assert_eq!(view["trade_state"], "SUCCESS");
    assert_eq!(view["success_time"], "2018-06-08T10:35:06+08:00");
    assert_eq!(view["amount"]["payer_total"], 100);
    assert_eq!(view["payer"]["openid"], "o1");
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
fn closed_is_closed() {
    let mut transaction = prepaid();
    transaction.close().unwrap();
    transaction.close().unwrap();
    assert_eq!(transaction.state(), "CLOSED");
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
fn the_same_prepayment_again_is_the_same_and_another_is_refused() {
    let mut transaction = prepaid();
    let again = prepaid_from(&request(), "two", NOW + 60).unwrap();
    transaction.prepay_again(again).unwrap();
    assert_eq!(transaction.prepayment()["code_url"], "one");

    let mut other = request();
    other["amount"]["total"] = 101.into();
    let other = prepaid_from(&other, "three", NOW).unwrap();
    assert_eq!(
        code(transaction.prepay_again(other)),
        (403, "OUT_TRADE_NO_USED".to_owned())
    );
}

#[test]
fn a_code_lives_two_hours_and_prepaying_again_draws_another() {
    let mut transaction = prepaid();
    let later = NOW + PREPAY_LIFE;
    assert_eq!(code(pay(&mut transaction, later)).1, "INVALID_REQUEST");
    assert_eq!(transaction.state(), "NOTPAY");
    let again = prepaid_from(&request(), "two", later).unwrap();
    transaction.prepay_again(again).unwrap();
    assert_eq!(transaction.prepayment()["code_url"], "two");
    pay(&mut transaction, later + 1).unwrap();
}

#[test]
fn after_time_expire_it_cannot_be_paid() {
    let mut body = request();
    body["time_expire"] = "2018-06-08T10:44:56+08:00".into();
    let mut transaction = prepaid_from(&body, "one", NOW).unwrap();
    assert_eq!(code(pay(&mut transaction, NOW + 601)).1, "INVALID_REQUEST");
    pay(&mut transaction, NOW + 600).unwrap();
}

#[test]
fn prepayment_names_the_field_at_fault() {
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
        let answer = prepaid_from(&body, "one", NOW)
            .err()
            .expect(pointer)
            .value();
        assert_eq!(answer["code"], "PARAM_ERROR");
        assert_eq!(answer["detail"]["field"], pointer);
        assert_eq!(answer["detail"]["value"], value);
    }
    for time in ["2018-06-08 10:44:56", "2018-06-08T10:34:56+08:00"] {
        let mut body = request();
        body["time_expire"] = time.into();
        let answer = prepaid_from(&body, "one", NOW).err().expect(time).value();
        assert_eq!(answer["detail"]["field"], "/time_expire");
    }
}
