//! What becomes of plans, bindings, batches, profit sharing, red packets, settlement accounts, coupons and code
//! payments, as a program in another language tells it.

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Options, Result,
    sandbox::{MerchantOptions, Sandbox},
};

use super::{call, ok, post, prepay, started};
use crate::sandbox::payments::orders::{SUB_MCHID, get, order, provider, with_provider};

const NONE: &Value = &Value::Null;
const SHOP: &str = "1900000109";

/// Does something to one of these.
fn act(sandbox: &Sandbox, target: &str, body: &Value) -> Value {
    ok(sandbox, "POST", target, body)
}

/// Checks that it cannot be done again.
fn refused(sandbox: &Sandbox, target: &str, body: &Value) {
    let (status, answer) = call(sandbox, "POST", target, body);
    assert_eq!(status, 400, "{target}: {answer}");
}

fn read(client: &Client, path: &str) -> Value {
    get(client, path, json!({})).unwrap()
}

fn why(reason: &str) -> Value {
    json!({ "reason": reason })
}

#[test]
fn plan_is_signed_and_cancelled() {
    let (sandbox, client) = started();
    let plan = json!({
        "appid": sandbox.appid(), "service_id": "500001", "merchant_plan_no": "plan-0001",
        "plan_name": "一节课", "plan_duration": 30, "deduction_quantity": 1,
        "total_original_price": 100, "total_actual_price": 90,
        "plan_detail_list": [
            { "plan_detail_name": "第一课", "original_price": 100, "actual_price": 90,
              "plan_discount_description": "首次优惠" },
        ],
    });
    let made = post(&client, "v3/payscore/plan/payscore-plans", plan).unwrap();
    let signed = json!({
        "appid": sandbox.appid(), "service_id": "500001", "plan_id": made["plan_id"], "openid": "o1",
        "merchant_sign_plan_no": "s1", "notify_url": "https://example.com/plans",
        "sign_plan_detail": [{ "plan_detail_no": 1, "merchant_plan_detail_no": "s1-1" }],
    });
    let signing = "v3/payscore/sign-plan/user-sign-plans";
    post(&client, signing, signed).unwrap();
    let path = format!("{signing}/merchant-sign-plan-no/s1");
    let state = || read(&client, &path)["sign_state"].clone();
    let before = state();
    act(&sandbox, "plans/s1/sign", NONE);
    let after = state();
    assert_ne!(before, after);
    refused(&sandbox, "plans/s1/sign", NONE);
    act(&sandbox, "plans/s1/cancel", NONE);
    assert_ne!(state(), after);
    let events: Vec<_> = sandbox
        .deliveries()
        .iter()
        .map(|delivery| delivery.event_type().to_owned())
        .collect();
    assert_eq!(
        events,
        ["PAYSCORE.USER_SIGN_PLAN", "PAYSCORE.USER_CANCEL_SIGN_PLAN"]
    );
}

#[test]
fn service_binding_is_approved_or_rejected() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let path = "v3/payscore/partner/service-account-applications";
    for number in ["a1", "a2"] {
        let asked = json!({
            "service_id": "500001", "appid": "wx1", "sub_mchid": SUB_MCHID, "out_apply_no": number,
            "result_notify_url": "https://example.com/bindings",
        });
        post(&client, path, asked).unwrap();
    }
    act(&sandbox, "service-bindings/a1/approve", NONE);
    act(&sandbox, "service-bindings/a2/reject", &why("资料不符"));
    refused(&sandbox, "service-bindings/a1/reject", &why("资料不符"));
    refused(&sandbox, "service-bindings/a2/approve", NONE);
    let seen = |number: &str| read(&client, &format!("{path}/{number}"));
    assert_eq!(seen("a1")["apply_state"], "APPROVED");
    let rejected = seen("a2");
    assert_eq!(rejected["apply_state"], "REJECTED");
    assert!(rejected.to_string().contains("资料不符"), "{rejected}");
}

#[test]
fn batch_finishes_or_is_closed_and_one_of_its_transfers_fails() {
    let (sandbox, client) = started();
    let batches = "v3/transfer/batches";
    for number in ["b1", "b2"] {
        let detail = |n: u8| {
            json!({
                "out_detail_no": format!("{number}d{n}"), "transfer_amount": 100, "transfer_remark": "奖金",
                "openid": "o1",
            })
        };
        let batch = json!({
            "appid": sandbox.appid(), "out_batch_no": number, "batch_name": "五月", "batch_remark": "奖金",
            "total_amount": 200, "total_num": 2, "transfer_detail_list": [detail(1), detail(2)],
        });
        post(&client, batches, batch).unwrap();
    }
    act(&sandbox, "batch-transfers/b1d1/fail", &why("TRANSFER_RISK"));
    act(&sandbox, "batches/b1/finish", NONE);
    act(&sandbox, "batches/b2/close", &why("OVERDUE_CLOSE"));
    refused(&sandbox, "batches/b1/close", &why("OVERDUE_CLOSE"));
    refused(&sandbox, "batches/b2/finish", NONE);
    let (status, answer) = call(&sandbox, "POST", "batches/b1/close", &why("BORED"));
    assert_eq!(status, 400, "{answer}");
    let batch = |number: &str| {
        let query = json!({ "need_query_detail": false });
        let seen = get(&client, &format!("{batches}/out-batch-no/{number}"), query);
        seen.unwrap()["transfer_batch"].clone()
    };
    let finished = batch("b1");
    assert_eq!(finished["batch_status"], "FINISHED");
    assert_eq!(finished["success_amount"], 100);
    assert_eq!(finished["fail_amount"], 100);
    let closed = batch("b2");
    assert_eq!(closed["batch_status"], "CLOSED");
    assert_eq!(closed["close_reason"], "OVERDUE_CLOSE");
}

#[test]
fn profit_sharing_finishes_fails_for_a_receiver_and_is_returned() {
    let (sandbox, client) = started();
    let shop = MerchantOptions::new(SHOP).opening_balance(0);
    sandbox.add_merchant(shop).unwrap();
    let mut tea = order(&sandbox, "tea-0001", 1000);
    tea["settle_info"] = json!({ "profit_sharing": true });
    post(&client, "v3/pay/transactions/native", tea).unwrap();
    act(&sandbox, "orders/tea-0001/pay", NONE);
    let paid = "v3/pay/transactions/out-trade-no/tea-0001";
    let paid = get(&client, paid, json!({ "mchid": sandbox.mchid() })).unwrap();
    let id = &paid["transaction_id"];
    let receiver = json!({
        "appid": sandbox.appid(), "type": "MERCHANT_ID", "account": SHOP, "name": "某某门店",
        "relation_type": "STORE",
    });
    let add = client.chain("v3/profitsharing/receivers/add");
    add.post(Options::from(json!({ "json": receiver })).encrypt(["/name"]))
        .unwrap();
    let balance = || sandbox.balance(SHOP).unwrap().available;
    let share = |number: &str, fen: u64| {
        let sharing = json!({
            "appid": sandbox.appid(), "transaction_id": id, "out_order_no": number,
            "unfreeze_unsplit": false,
            "receivers": [{ "type": "MERCHANT_ID", "account": SHOP, "amount": fen, "description": "茶" }],
        });
        post(&client, "v3/profitsharing/orders", sharing).unwrap();
    };
    let result = |number: &str| {
        let path = format!("v3/profitsharing/orders/{number}");
        let seen = get(&client, &path, json!({ "transaction_id": id })).unwrap();
        let receiver = &seen["receivers"][0];
        (receiver["result"].clone(), receiver["fail_reason"].clone())
    };
    share("s1", 200);
    act(&sandbox, "sharing-orders/s1/finish", NONE);
    assert_eq!(result("s1").0, "SUCCESS");
    assert_eq!(balance(), 200);
    share("s2", 100);
    let failure = json!({ "account": SHOP, "reason": "ACCOUNT_ABNORMAL" });
    act(&sandbox, "sharing-orders/s2/fail", &failure);
    act(&sandbox, "sharing-orders/s2/finish", NONE);
    assert_eq!(result("s2"), (json!("CLOSED"), json!("ACCOUNT_ABNORMAL")));
    assert_eq!(balance(), 200);
    refused(&sandbox, "sharing-orders/s1/fail", &failure);

    let back = json!({
        "out_order_no": "s1", "out_return_no": "r1", "return_mchid": SHOP, "amount": 50,
        "description": "退",
    });
    let back = post(&client, "v3/profitsharing/return-orders", back).unwrap();
    assert_eq!(back["result"], "PROCESSING");
    act(&sandbox, "sharing-returns/r1/finish", NONE);
    let path = "v3/profitsharing/return-orders/r1";
    let back = get(&client, path, json!({ "out_order_no": "s1" })).unwrap();
    assert_eq!(back["result"], "SUCCESS");
    assert_eq!(balance(), 150);
    refused(&sandbox, "sharing-returns/r1/finish", NONE);
}

#[test]
fn red_packet_is_opened_once() {
    let (sandbox, _) = started();
    let client = sandbox.merchant().https_client_builder().unwrap();
    let client = client.build().unwrap();
    let call_v2 = |path: &str, fields: Value| -> Value {
        let path = format!("v2/mmpaymkttransfers/{path}");
        let options = json!({ "security": true, "xml": fields });
        client
            .chain(path)
            .post(options)
            .unwrap()
            .xml()
            .unwrap()
            .into()
    };
    let packet = json!({
        "wxappid": sandbox.appid(), "mch_id": sandbox.mchid(), "mch_billno": "hb1", "send_name": "茶馆",
        "re_openid": "o1", "total_amount": 100, "total_num": 1, "wishing": "新年好",
        "client_ip": "127.0.0.1", "act_name": "新年", "remark": "茶",
    });
    call_v2("sendredpack", packet);
    let status = || {
        let query = json!({
            "appid": sandbox.appid(), "mch_id": sandbox.mchid(), "mch_billno": "hb1", "bill_type": "MCHT",
        });
        call_v2("gethbinfo", query)["status"].clone()
    };
    assert_eq!(status(), "SENT");
    act(&sandbox, "red-packets/hb1/open", NONE);
    assert_eq!(status(), "RECEIVED");
    refused(&sandbox, "red-packets/hb1/open", NONE);
}

#[test]
fn change_of_a_settlement_account_fails_or_succeeds() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let base = format!("v3/apply4sub/sub_merchants/{SUB_MCHID}");
    let change = || {
        let account = json!({
            "account_type": "ACCOUNT_TYPE_PRIVATE", "account_bank": "招商银行",
            "bank_address_code": "110000", "account_number": "6222021234567890123",
        });
        let options = Options::from(json!({ "json": account })).encrypt_documented();
        let chain = client.chain(format!("{base}/modify-settlement"));
        let change: Value = chain.post(options).unwrap().json().unwrap();
        change["application_no"].as_str().unwrap().to_owned()
    };
    let seen = |number: &str| read(&client, &format!("{base}/application/{number}"));
    let first = change();
    let fail = format!("settlement-changes/{first}/fail");
    act(&sandbox, &fail, &why("卡号有误"));
    let failed = seen(&first);
    assert_eq!(failed["verify_result"], "AUDIT_FAIL");
    assert_eq!(failed["verify_fail_reason"], "卡号有误");
    refused(&sandbox, &fail, &why("卡号有误"));
    let second = change();
    let succeed = format!("settlement-changes/{second}/succeed");
    act(&sandbox, &succeed, NONE);
    assert_eq!(seen(&second)["verify_result"], "AUDIT_SUCCESS");
    refused(&sandbox, &succeed, NONE);
}

#[test]
fn order_is_paid_with_a_coupon() {
    let (sandbox, client) = started();
    let stock = json!({
        "stock_name": "新会员", "comment": "零售", "belong_merchant": sandbox.mchid(),
        "stock_type": "NORMAL", "no_cash": true, "out_request_no": "s1",
        "available_begin_time": "2020-01-01T00:00:00+08:00",
        "available_end_time": "2099-01-01T00:00:00+08:00",
        "stock_use_rule": {
            "max_coupons": 10, "max_amount": 300, "max_coupons_per_user": 2,
            "natural_person_limit": false, "prevent_api_abuse": true,
        },
        "pattern_info": { "description": "每单限用一张" },
        "coupon_use_rule": {
            "coupon_available_time": {},
            "fixed_normal_coupon": { "coupon_amount": 30, "transaction_minimum": 100 },
        },
    });
    let made = post(&client, "v3/marketing/favor/coupon-stocks", stock).unwrap();
    let id = made["stock_id"].as_str().unwrap();
    let creator = json!({ "stock_creator_mchid": sandbox.mchid() });
    post(
        &client,
        &format!("v3/marketing/favor/stocks/{id}/start"),
        creator,
    )
    .unwrap();
    let send = json!({
        "stock_id": id, "out_request_no": "n1", "appid": sandbox.appid(),
        "stock_creator_mchid": sandbox.mchid(),
    });
    let sent = post(&client, "v3/marketing/favor/users/o1/coupons", send).unwrap();
    let coupon = json!({ "coupon_id": sent["coupon_id"] });
    prepay(&sandbox, &client, "tea-0001");
    prepay(&sandbox, &client, "tea-0002");
    let paid = act(&sandbox, "orders/tea-0001/pay-with-coupon", &coupon);
    assert_eq!(paid, json!({ "state": "SUCCESS" }));
    let path = "v3/pay/transactions/out-trade-no/tea-0001";
    let paid = get(&client, path, json!({ "mchid": sandbox.mchid() })).unwrap();
    assert_eq!(paid["amount"]["payer_total"], 70);
    assert_eq!(paid["promotion_detail"][0]["coupon_id"], sent["coupon_id"]);
    // It pays once.
    refused(&sandbox, "orders/tea-0002/pay-with-coupon", &coupon);
}

#[test]
fn code_payment_waits_for_the_password() {
    let (sandbox, client) = started();
    let pay = |number: &str| -> Result<Value> {
        let code = act(&sandbox, "auth-codes", NONE);
        let mut order = order(&sandbox, number, 100_000);
        order["payer"] = json!({ "auth_code": code["auth_code"] });
        order["scene_info"] = json!({ "store_info": { "id": "1" } });
        post(&client, "v3/pay/transactions/codepay", order)
    };
    let state = |number: &str| sandbox.order_state(number).unwrap();
    for (number, verb, expected) in [
        ("tea-0001", "enter-password", "SUCCESS"),
        ("tea-0002", "fail", "PAYERROR"),
    ] {
        let _ = pay(number);
        assert_eq!(state(number), "USERPAYING");
        let answer = act(&sandbox, &format!("orders/{number}/{verb}"), NONE);
        assert_eq!(answer, json!({ "state": expected }));
        refused(&sandbox, &format!("orders/{number}/enter-password"), NONE);
    }
}

#[test]
fn transfer_is_cancelled_and_authorization_agreed_to_and_ended() {
    let (sandbox, client) = started();
    let bills = "v3/fund-app/mch-transfer/transfer-bills";
    let scene = json!([{ "info_type": "活动名称", "info_content": "新会员" }]);
    let bill = json!({
        "appid": sandbox.appid(), "out_bill_no": "t1", "openid": "o1", "transfer_amount": 100,
        "transfer_remark": "奖金", "transfer_scene_id": "1000", "transfer_scene_report_infos": scene,
    });
    post(&client, bills, bill).unwrap();
    let path = format!("{bills}/out-bill-no/t1");
    post(&client, &format!("{path}/cancel"), json!({})).unwrap();
    assert_eq!(read(&client, &path)["state"], "CANCELING");
    act(&sandbox, "transfers/t1/cancel", NONE);
    assert_eq!(read(&client, &path)["state"], "CANCELLED");
    refused(&sandbox, "transfers/t1/cancel", NONE);

    let authorizations = "v3/fund-app/mch-transfer/user-confirm-authorization";
    let authorization = json!({
        "out_authorization_no": "u1", "appid": sandbox.appid(), "openid": "o1", "transfer_scene_id": "1000",
        "user_display_name": "张三", "authorization_notify_url": "https://example.com/authorizations",
    });
    post(&client, authorizations, authorization).unwrap();
    let path = format!("{authorizations}/out-authorization-no/u1");
    let state = || read(&client, &path)["state"].clone();
    act(&sandbox, "authorizations/u1/agree", NONE);
    assert_eq!(state(), "TAKING_EFFECT");
    refused(&sandbox, "authorizations/u1/agree", NONE);
    act(&sandbox, "authorizations/u1/end", NONE);
    assert_eq!(state(), "CLOSED");
    refused(&sandbox, "authorizations/u1/end", NONE);
}

#[test]
fn complaint_goes_on_until_it_is_processed_and_after() {
    let (sandbox, client) = started();
    prepay(&sandbox, &client, "tea-0001");
    act(&sandbox, "orders/tea-0001/pay", NONE);
    let text = |text: &str| json!({ "text": text });
    let made = act(
        &sandbox,
        "orders/tea-0001/complain",
        &text("The tea was cold"),
    );
    let id = made["complaint_id"].as_str().unwrap();
    let path = format!("v3/merchant-service/complaints-v2/{id}");
    let state = || read(&client, &path)["complaint_state"].clone();
    act(
        &sandbox,
        &format!("complaints/{id}/ask-again"),
        &text("Still cold"),
    );
    act(&sandbox, &format!("complaints/{id}/wait"), NONE);
    let complete = json!({ "complainted_mchid": sandbox.mchid() });
    post(&client, &format!("{path}/complete"), complete).unwrap();
    assert_eq!(state(), "PROCESSED");
    refused(&sandbox, &format!("complaints/{id}/wait"), NONE);
    act(
        &sandbox,
        &format!("complaints/{id}/complain-again"),
        &text("Cold again"),
    );
    assert_ne!(state(), "PROCESSED");
    let history = get(&client, &format!("{path}/negotiation-historys"), json!({})).unwrap();
    let history = history.to_string();
    for said in ["Still cold", "Cold again"] {
        assert!(history.contains(said), "{history}");
    }
}

#[test]
fn application_that_fails_is_submitted_again() {
    let (sandbox, client) = started();
    let applications = "v3/applyment4sub/applyment/";
    let submit = || {
        let application = json!({
            "business_code": "tea_1",
            "contact_info": {
                "contact_type": "LEGAL", "contact_name": "Zhang San", "mobile_phone": "13900000000",
                "contact_email": "tea@example.com",
            },
            "subject_info": {
                "subject_type": "SUBJECT_TYPE_MICRO",
                "micro_biz_info": { "micro_biz_type": "MICRO_TYPE_STORE" },
                "identity_info": {
                    "id_doc_type": "IDENTIFICATION_TYPE_OVERSEA_PASSPORT",
                    "id_doc_info": {
                        "id_doc_copy": "media-id", "id_doc_name": "Zhang San", "id_doc_number": "E1",
                        "doc_period_begin": "2020-01-01", "doc_period_end": "2030-01-01",
                    },
                },
            },
            "business_info": {
                "merchant_shortname": "Tea house", "service_phone": "0758888",
                "sales_info": { "sales_scenes_type": ["SALES_SCENES_STORE"] },
            },
            "settlement_info": {},
            "bank_account_info": {
                "bank_account_type": "BANK_ACCOUNT_TYPE_PERSONAL", "account_name": "Zhang San",
                "account_bank": "招商银行", "bank_address_code": "110000",
            },
        });
        let sealed = Options::from(json!({ "json": application })).encrypt_documented();
        client.chain(applications).post(sealed).unwrap();
    };
    let state = || {
        let path = "v3/applyment4sub/applyment/business_code/tea_1";
        read(&client, path)["applyment_state"].clone()
    };
    submit();
    assert_eq!(state(), "APPLYMENT_STATE_AUDITING");
    act(&sandbox, "applications/tea_1/fail", NONE);
    assert_eq!(state(), "APPLYMENT_STATE_EDITTING");
    refused(&sandbox, "applications/tea_1/fail", NONE);
    submit();
    assert_eq!(state(), "APPLYMENT_STATE_AUDITING");
}
