//! What customers and WeChat Pay do.

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{MerchantOptions, Sandbox};

use super::{call, ok, order, post, prepay, started};
use crate::sandbox::payments::orders::get;

const NONE: &Value = &Value::Null;

#[test]
fn order_is_paid_refunded_and_complained_about() {
    let (sandbox, client) = started();
    prepay(&sandbox, &client, "tea-0001");
    prepay(&sandbox, &client, "tea|0002");
    let failed = ok(&sandbox, "POST", "orders/tea%7C0002/fail", NONE);
    assert_eq!(failed, json!({ "state": "NOTPAY" }));
    let paid = ok(&sandbox, "POST", "orders/tea-0001/pay", NONE);
    assert_eq!(paid, json!({ "state": "SUCCESS" }));
    let (status, again) = call(&sandbox, "POST", "orders/tea-0001/pay", NONE);
    assert_eq!((status, &again["code"]), (400, &json!("ORDERPAID")));

    for number in ["r-1", "r-2", "r-3"] {
        let refund = json!({
            "out_trade_no": "tea-0001", "out_refund_no": number,
            "amount": { "refund": 10, "total": 100, "currency": "CNY" },
        });
        post(&client, "v3/refund/domestic/refunds", refund).unwrap();
    }
    ok(&sandbox, "POST", "refunds/r-1/succeed", NONE);
    ok(&sandbox, "POST", "refunds/r-2/fail", NONE);
    ok(
        &sandbox,
        "POST",
        "refunds/r-3/fail",
        &json!({ "status": "CLOSED" }),
    );
    let wrong = call(
        &sandbox,
        "POST",
        "refunds/r-3/fail",
        &json!({ "status": "LOST" }),
    );
    assert_eq!(wrong.0, 400);
    let status = |number| {
        let refund = get(
            &client,
            &format!("v3/refund/domestic/refunds/{number}"),
            json!({}),
        );
        refund.unwrap()["status"].clone()
    };
    assert_eq!(
        ["r-1", "r-2", "r-3"].map(status),
        ["SUCCESS", "ABNORMAL", "CLOSED"]
    );

    let complaint = json!({ "text": "The tea was cold", "refund": 20 });
    let id = ok(&sandbox, "POST", "orders/tea-0001/complain", &complaint);
    let id = id["complaint_id"].as_str().unwrap();
    ok(&sandbox, "POST", &format!("complaints/{id}/withdraw"), NONE);
    let orders = ok(&sandbox, "GET", "orders", NONE);
    let expected = json!({
        "mchid": sandbox.mchid(), "number": "tea|0002", "kind": "payment", "state": "NOTPAY",
        "total": 100,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(orders["data"][1][name], *value, "{name}");
    }
}

#[test]
fn transfer_is_confirmed_or_fails() {
    let (sandbox, client) = started();
    let bills = "v3/fund-app/mch-transfer/transfer-bills";
    for number in ["t1", "t2", "t3"] {
        let bill = json!({
            "appid": sandbox.appid(), "out_bill_no": number, "openid": "o1", "transfer_amount": 100,
            "transfer_remark": "奖金", "transfer_scene_id": "1000",
            "transfer_scene_report_infos": [{ "info_type": "活动名称", "info_content": "新会员" }],
        });
        post(&client, bills, bill).unwrap();
    }
    ok(&sandbox, "POST", "transfers/t1/confirm", NONE);
    ok(&sandbox, "POST", "transfers/t1/succeed", NONE);
    let (status, refused) = call(
        &sandbox,
        "POST",
        "transfers/t2/fail",
        &json!({ "reason": "x" }),
    );
    assert_eq!(status, 400);
    let reasons = refused["message"].as_str().unwrap();
    assert!(reasons.contains("PAYEE_ACCOUNT_ABNORMAL"), "{reasons}");
    for number in ["t2", "t3"] {
        ok(
            &sandbox,
            "POST",
            &format!("transfers/{number}/confirm"),
            NONE,
        );
    }
    ok(&sandbox, "POST", "transfers/t2/fail", NONE);
    let reason = json!({ "reason": "MCH_CANCEL" });
    ok(&sandbox, "POST", "transfers/t3/fail", &reason);
    let seen = |number: &str| {
        let bill = get(&client, &format!("{bills}/out-bill-no/{number}"), json!({})).unwrap();
        (bill["state"].clone(), bill["fail_reason"].clone())
    };
    assert_eq!(seen("t1"), (json!("SUCCESS"), Value::Null));
    assert_eq!(seen("t2"), (json!("FAIL"), json!("PAYEE_ACCOUNT_ABNORMAL")));
    assert_eq!(seen("t3"), (json!("FAIL"), json!("MCH_CANCEL")));
}

#[test]
fn permission_is_opened_and_closed() {
    let (sandbox, client) = started();
    let asked = json!({
        "appid": sandbox.appid(), "service_id": "500001", "authorization_code": "member-0001",
        "notify_url": "https://example.com/permissions",
    });
    post(&client, "v3/payscore/permissions", asked).unwrap();
    ok(&sandbox, "POST", "permissions/member-0001/open", NONE);
    assert_eq!(
        call(&sandbox, "POST", "permissions/member-0001/open", NONE).0,
        400
    );
    ok(&sandbox, "POST", "permissions/member-0001/close", NONE);
}

#[test]
fn order_of_one_merchant_is_named_by_its_mchid() {
    let sandbox = Sandbox::builder()
        .merchant(MerchantOptions::new("1900000111"))
        .start()
        .unwrap();
    for merchant in sandbox.merchants() {
        let client = merchant.client_builder().build().unwrap();
        let mut order = order(&sandbox, "tea-0001", 100);
        order["mchid"] = merchant.mchid().into();
        post(&client, "v3/pay/transactions/native", order).unwrap();
    }
    let (status, refused) = call(&sandbox, "POST", "orders/tea-0001/pay", NONE);
    assert_eq!(status, 400);
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.contains("1900000111") && message.contains("?mchid="),
        "{message}"
    );
    let paid = ok(
        &sandbox,
        "POST",
        "orders/tea-0001/pay?mchid=1900000111",
        NONE,
    );
    assert_eq!(paid, json!({ "state": "SUCCESS" }));
    let state = |mchid: &str| {
        let orders = ok(&sandbox, "GET", &format!("orders?mchid={mchid}"), NONE);
        assert_eq!(orders["data"].as_array().unwrap().len(), 1);
        orders["data"][0]["state"].clone()
    };
    assert_eq!(state("1900000111"), "SUCCESS");
    assert_eq!(state(sandbox.mchid()), "NOTPAY");
}

#[test]
fn service_order_is_confirmed_and_paid_though_a_payment_has_its_number() {
    let (sandbox, client) = started();
    prepay(&sandbox, &client, "bike-0001");
    let created = json!({
        "out_order_no": "bike-0001", "appid": sandbox.appid(), "service_id": "500001",
        "service_introduction": "单车", "time_range": { "start_time": "OnAccept" },
        "post_payments": [{ "name": "骑行", "description": "每小时3.5元" }],
        "risk_fund": { "name": "DEPOSIT", "amount": 10_000 },
        "notify_url": "https://example.com/payscore",
    });
    post(&client, "v3/payscore/serviceorder", created).unwrap();
    ok(&sandbox, "POST", "service-orders/bike-0001/confirm", NONE);
    let completion = json!({
        "appid": sandbox.appid(), "service_id": "500001", "total_amount": 300,
        "post_payments": [{ "name": "骑行", "amount": 300 }],
    });
    let complete = "v3/payscore/serviceorder/bike-0001/complete";
    post(&client, complete, completion).unwrap();
    ok(&sandbox, "POST", "service-orders/bike-0001/pay", NONE);
    let orders = ok(&sandbox, "GET", "orders", NONE);
    let states = |kind: &str| {
        let mut orders = orders["data"].as_array().unwrap().iter();
        orders.find(|order| order["kind"] == kind).unwrap()["state"].clone()
    };
    assert_eq!(
        (states("payment"), states("service")),
        (json!("NOTPAY"), json!("DONE"))
    );
}

#[test]
fn contract_is_signed_and_terminated() {
    let (sandbox, client) = started();
    let contract = json!({
        "appid": sandbox.appid(), "openid": "o1", "plan_id": 12535, "out_contract_code": "tea-club",
        "contract_display_account": "张三", "contract_notify_url": "https://example.com/contracts",
    });
    let sign = "v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/jsapi";
    post(&client, sign, contract).unwrap();
    let path = "v3/papay/sign/contracts/plan-id/12535/out-contract-code/tea-club";
    let state = || get(&client, path, json!({})).unwrap()["contract_state"].clone();
    ok(&sandbox, "POST", "contracts/tea-club/sign", NONE);
    assert_eq!(state(), "SIGNED");
    ok(&sandbox, "POST", "contracts/tea-club/terminate", NONE);
    assert_eq!(state(), "TERMINATED");
}

#[test]
fn application_advances_is_rejected_and_passes() {
    let (sandbox, client) = started();
    let apply = |number: &str| {
        let application = json!({
            "out_request_no": number, "organization_type": "2", "merchant_shortname": "Tea house",
            "account_info": {}, "contact_info": {}, "sales_scene_info": {},
        });
        post(&client, "v3/ecommerce/applyments/", application).unwrap();
    };
    apply("tea_1");
    let advanced = ok(&sandbox, "POST", "applications/tea_1/advance", NONE);
    assert_eq!(advanced, json!({ "state": "ACCOUNT_NEED_VERIFY" }));
    let passed = ok(&sandbox, "POST", "applications/tea_1/pass", NONE);
    let sub_mchid = passed["sub_mchid"].as_str().unwrap();
    // The new sub-merchant is one that can be named.
    ok(&sandbox, "GET", &format!("orders?mchid={sub_mchid}"), NONE);

    apply("tea_2");
    let body = json!({ "field": "store_name", "reason": "There is no such store" });
    ok(&sandbox, "POST", "applications/tea_2/reject", &body);
    let wrong = json!({ "field": "no_such", "reason": "x" });
    assert_eq!(
        call(&sandbox, "POST", "applications/tea_2/reject", &wrong).0,
        400
    );
    apply("tea_3");
    ok(&sandbox, "POST", "applications/tea_3/cancel", NONE);
    assert_eq!(
        call(&sandbox, "POST", "applications/tea_3/pass", NONE).0,
        400
    );
}
