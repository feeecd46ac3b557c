//! Papay: contracts, and deductions under them, direct and through a service provider.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Result, catalog,
    sandbox::{Delivery, Sandbox, StateKind},
};

use super::{check_notice, check_response};
use crate::sandbox::{
    documented::every_operation::differences,
    noon::to_noon,
    payments::orders::{SP_MCHID, SUB_MCHID, code, get, order, post, provider, with_provider},
};

const PRESIGN: &str = "v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign";
const QUERY: &str =
    "v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}";
const APPLY: &str = "v3/papay/pay/transactions/apply";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A sandbox at noon, and a client.
fn started() -> (Sandbox, Client) {
    let sandbox = Sandbox::builder().opening_balance(1_000).start().unwrap();
    to_noon(&sandbox);
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

fn contract(sandbox: &Sandbox, code: &str) -> Value {
    json!({
        "appid": sandbox.appid(), "openid": "o1", "plan_id": 12535, "out_contract_code": code,
        "contract_display_account": "张三", "contract_notify_url": "https://example.com/contracts",
    })
}

/// Signs a contract, and returns how it is seen.
fn sign(sandbox: &Sandbox, client: &Client, contract: Value) -> Value {
    let code = contract["out_contract_code"].as_str().unwrap().to_owned();
    post(client, &format!("{PRESIGN}/jsapi"), contract).unwrap();
    sandbox.user_signs(&code).unwrap();
    seen(client, &code)
}

fn seen(client: &Client, code: &str) -> Value {
    get(client, &at(code), json!({})).unwrap()
}

fn at(code: &str) -> String {
    format!("v3/papay/sign/contracts/plan-id/12535/out-contract-code/{code}")
}

fn deduction(sandbox: &Sandbox, contract: &Value, number: &str, fen: u64) -> Value {
    json!({
        "appid": sandbox.appid(), "out_trade_no": number, "description": "会员",
        "transaction_notify_url": "https://example.com/deductions",
        "contract_id": contract["contract_id"], "amount": { "total": fen, "currency": "CNY" },
        "attach": "附加",
    })
}

fn available(sandbox: &Sandbox, mchid: &str) -> u64 {
    sandbox.balance(mchid).unwrap().available
}

fn last(sandbox: &Sandbox) -> Delivery {
    sandbox.deliveries().pop().expect("a notification")
}

/// The date of the day that many days after the one of this time.
fn date(client: &Client, sandbox: &Sandbox, days: u32) -> String {
    let probe = format!("date-{days}");
    sandbox.advance(DAY * days);
    let signed = sign(sandbox, client, contract(sandbox, &probe));
    signed["contract_signed_time"].as_str().unwrap()[..10].to_owned()
}

/// Panics unless a notification has the required fields of its table, those of this name aside.
fn check_without(delivery: &Delivery, event: &str, aside: &str) {
    let event = catalog::events()
        .find(|known| known.name() == event)
        .unwrap();
    let resource = delivery.resource().as_object().unwrap();
    let mut missing = differences(resource, event.fields(), event.version() == "v3", "");
    missing.retain(|difference| *difference != format!("/{aside} is missing"));
    assert!(missing.is_empty(), "{missing:?}: {resource:?}");
}

#[test]
fn contract_is_signed_by_the_user_and_terminated_by_the_merchant() {
    let (sandbox, client) = started();
    let asked = contract(&sandbox, "c1");
    for (scene, field) in [
        ("jsapi", "redirect_url"),
        ("h5", "redirect_url"),
        ("app", "miniprogram_path"),
        ("mini-program", "redirect_appid"),
    ] {
        let presigned = post(&client, &format!("{PRESIGN}/{scene}"), asked.clone()).unwrap();
        assert!(presigned[field].is_string(), "{scene}: {presigned}");
        check_response(&format!("POST {PRESIGN}/{scene}"), &presigned);
        let again = post(&client, &format!("{PRESIGN}/{scene}"), asked.clone()).unwrap();
        assert_eq!(presigned, again);
    }
    let mut other = asked.clone();
    other["contract_display_account"] = "李四".into();
    let refused = post(&client, &format!("{PRESIGN}/app"), other);
    assert_eq!(code(refused), (400, "INVALID_REQUEST".to_owned()));
    assert_eq!(
        code(get(&client, &at("c1"), json!({}))),
        (404, "RESOURCE_NOT_EXISTS".to_owned())
    );
    assert!(sandbox.user_terminates("c1").is_err());
    assert!(sandbox.deliveries().is_empty());

    let changes = sandbox.subscribe();
    sandbox.user_signs("c1").unwrap();
    assert!(sandbox.user_signs("c1").is_err() && sandbox.user_signs("c2").is_err());
    let signed = seen(&client, "c1");
    assert_eq!(signed["contract_state"], "SIGNED");
    assert_eq!(
        (&signed["openid"], &signed["plan_id"]),
        (&json!("o1"), &json!(12535))
    );
    let notice = last(&sandbox);
    assert_eq!(
        (notice.event_type(), notice.url()),
        ("ENTRUST.SIGN", "https://example.com/contracts")
    );
    assert_eq!(*notice.resource(), signed);
    check_response(&format!("GET {QUERY}"), &signed);
    // The table requires it although nothing has ended.
    check_without(&notice, "ENTRUST.SIGN", "contract_terminate_info");

    let reason = json!({ "contract_termination_remark": "用户注销" });
    let path = format!("{}/terminate", at("c1"));
    let ended = post(&client, &path, reason.clone()).unwrap();
    assert_eq!(ended["contract_state"], "TERMINATED");
    let info = &ended["contract_terminate_info"];
    assert_eq!(info["contract_termination_mode"], "MCH_API_TERMINATE");
    assert_eq!(info["contract_termination_remark"], "用户注销");
    // A merchant that missed the response asks again, and is notified once.
    assert_eq!(post(&client, &path, reason).unwrap(), ended);
    let notice = last(&sandbox);
    assert_eq!(notice.event_type(), "ENTRUST.TERMINATE");
    assert_eq!(*notice.resource(), ended);
    check_response(&format!("POST {QUERY}/terminate"), &ended);
    check_notice(&notice);
    assert_eq!(sandbox.deliveries().len(), 2);
    assert!(sandbox.user_terminates("c1").is_err());

    let mut states = Vec::new();
    while let Some(event) = changes.try_next() {
        if let wechatpay_chain::sandbox::SandboxEvent::State(change) = event {
            assert_eq!(
                (change.kind(), change.number()),
                (StateKind::Contract, "12535/c1")
            );
            states.push(change.to().to_owned());
        }
    }
    assert_eq!(states, ["SIGNED", "TERMINATED"]);
}

#[test]
fn deduction_is_paid_queried_and_refunded_like_any_order() {
    let (sandbox, client) = started();
    let contract = sign(&sandbox, &client, contract(&sandbox, "c1"));
    let asked = deduction(&sandbox, &contract, "tea-0001", 300);
    let accepted = post(&client, APPLY, asked.clone()).unwrap();
    check_response(&format!("POST {APPLY}"), &accepted);
    assert_eq!(
        accepted,
        json!({ "out_trade_no": "tea-0001", "amount": { "total": 300, "currency": "CNY" } })
    );
    assert_eq!(post(&client, APPLY, asked.clone()).unwrap(), accepted);
    let other = deduction(&sandbox, &contract, "tea-0001", 301);
    assert_eq!(
        code(post(&client, APPLY, other)),
        (403, "OUT_TRADE_NO_USED".to_owned())
    );
    assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("ACCEPT"));
    assert_eq!(available(&sandbox, sandbox.mchid()), 1_000);

    sandbox.advance(Duration::from_secs(60));
    let query = json!({ "mchid": sandbox.mchid() });
    let paid = get(&client, "v3/pay/transactions/out-trade-no/tea-0001", query).unwrap();
    assert_eq!(
        (&paid["trade_state"], &paid["trade_type"]),
        (&json!("SUCCESS"), &json!("PAP"))
    );
    assert_eq!(paid["payer"]["openid"], "o1");
    assert_eq!(available(&sandbox, sandbox.mchid()), 1_300);
    let notice = last(&sandbox);
    assert_eq!(notice.event_type(), "TRANSACTION.SUCCESS");
    assert_eq!(notice.url(), "https://example.com/deductions");
    assert_eq!(notice.resource()["transaction_id"], paid["transaction_id"]);
    assert_eq!(
        code(post(&client, APPLY, asked)),
        (400, "ORDERPAID".to_owned())
    );

    let refund = json!({
        "transaction_id": paid["transaction_id"], "out_refund_no": "tea-0001-r",
        "amount": { "refund": 100, "total": 300, "currency": "CNY" },
    });
    post(&client, "v3/refund/domestic/refunds", refund).unwrap();
    assert_eq!(available(&sandbox, sandbox.mchid()), 1_200);
    sandbox.user_terminates("c1").unwrap();
    let late = deduction(&sandbox, &contract, "tea-0002", 1);
    assert_eq!(
        code(post(&client, APPLY, late)),
        (400, "INVALID_REQUEST".to_owned())
    );
    let mut unknown = deduction(&sandbox, &contract, "tea-0003", 1);
    unknown["contract_id"] = "202001010000000000".into();
    assert_eq!(
        code(post(&client, APPLY, unknown)),
        (404, "RESOURCE_NOT_EXISTS".to_owned())
    );
    assert_eq!(sandbox.orders().len(), 1);
}

#[test]
fn later_deduction_needs_a_notice_and_can_fail_and_be_tried_again() {
    let (sandbox, client) = started();
    let contract = sign(&sandbox, &client, contract(&sandbox, "c1"));
    let id = contract["contract_id"].as_str().unwrap();
    let (notify, fail_notify) = (
        format!("v3/papay/contracts/{id}/notify"),
        format!("v3/papay/contracts/{id}/fail-notify"),
    );
    let ids = json!({ "mchid": sandbox.mchid(), "appid": sandbox.appid() });
    let mut told = ids.clone();
    told["deduct_duration"] = json!({ "count": 1, "unit": "DAY" });
    told["estimated_amount"] = json!({ "amount": 300, "currency": "CNY" });
    let deduct =
        |number: &str, fen| post(&client, APPLY, deduction(&sandbox, &contract, number, fen));
    let limited = (403, "RULE_LIMIT".to_owned());

    sandbox.advance(DAY);
    assert_eq!(code(deduct("tea-0001", 300)), limited);
    assert_eq!(post(&client, &notify, told.clone()).unwrap(), Value::Null);
    assert_eq!(
        code(post(&client, &notify, told.clone())),
        (400, "INVALID_REQUEST".to_owned())
    );
    assert_eq!(code(deduct("tea-0001", 300)), limited);
    sandbox.advance(DAY);
    assert_eq!(code(deduct("tea-0001", 300)), limited);
    sandbox.advance(DAY);
    assert_eq!(code(deduct("tea-0001", 301)), limited);
    assert!(sandbox.orders().is_empty());

    deduct("tea-0001", 300).unwrap();
    assert_eq!(code(deduct("tea-0002", 300)), limited);
    let nothing_failed = post(&client, &fail_notify, ids.clone());
    assert_eq!(code(nothing_failed), (400, "INVALID_REQUEST".to_owned()));
    sandbox.user_fails("tea-0001").unwrap();
    let notice = last(&sandbox);
    assert_eq!(notice.event_type(), "TRANSACTION.FAIL");
    assert_eq!(notice.resource()["trade_state"], "PAYERROR");
    assert_eq!(notice.resource()["payer"]["openid"], "o1");
    assert_eq!(post(&client, &fail_notify, ids).unwrap(), Value::Null);
    deduct("tea-0001", 300).unwrap();
    sandbox.user_pays("tea-0001").unwrap();
    // One deduction for each notice.
    assert_eq!(code(deduct("tea-0003", 1)), limited);
    assert_eq!(available(&sandbox, sandbox.mchid()), 1_300);
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(available(&sandbox, sandbox.mchid()), 1_300);
}

#[test]
fn scheduled_deduction_happens_on_its_day_and_ends_the_contract() {
    let (sandbox, client) = started();
    let day = date(&client, &sandbox, 0);
    let mut asked = contract(&sandbox, "c1");
    asked["deduct_schedule"] = json!({
        "estimated_deduct_date": day, "description": "会员",
        "estimated_deduct_amount": { "total": 300, "currency": "CNY" },
    });
    let today = post(&client, &format!("{PRESIGN}/h5"), asked.clone());
    assert_eq!(code(today), (400, "PARAM_ERROR".to_owned()));

    // What it is called the day after tomorrow, another sandbox knows.
    let (other, other_client) = started();
    asked["deduct_schedule"]["estimated_deduct_date"] = date(&other_client, &other, 2).into();
    let signed = sign(&sandbox, &client, asked.clone());
    assert_eq!(signed["deduct_schedule"]["schedule_state"], "NO_SCHEDULED");
    let id = signed["contract_id"].as_str().unwrap();
    let schedule = |fen| {
        let body = json!({
            "appid": sandbox.appid(), "schedule_amount": { "total": fen, "currency": "CNY" },
        });
        post(
            &client,
            &format!("v3/papay/pay/schedules/contract-id/{id}/schedule"),
            body,
        )
    };
    let deduct = |number: &str| post(&client, APPLY, deduction(&sandbox, &signed, number, 300));
    assert_eq!(code(schedule(300)), (400, "INVALID_REQUEST".to_owned()));
    sandbox.advance(DAY);
    assert_eq!(code(schedule(299)), (403, "RULE_LIMIT".to_owned()));
    let scheduled = schedule(300).unwrap();
    let of_day = &asked["deduct_schedule"]["estimated_deduct_date"];
    check_response(
        "POST v3/papay/pay/schedules/contract-id/{contract_id}/schedule",
        &scheduled,
    );
    assert_eq!(scheduled["schedule_state"], "SCHEDULED");
    assert_eq!(&scheduled["deduct_start_date"], of_day);
    assert_eq!(&scheduled["deduct_end_date"], of_day);
    assert_eq!(code(schedule(300)), (400, "INVALID_REQUEST".to_owned()));
    let path = format!("v3/papay/pay/schedules/contract-id/{id}");
    assert_eq!(get(&client, &path, json!({})).unwrap(), scheduled);

    assert_eq!(code(deduct("tea-0001")), (403, "RULE_LIMIT".to_owned()));
    sandbox.advance(DAY);
    deduct("tea-0001").unwrap();
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(
        get(&client, &path, json!({})).unwrap()["schedule_state"],
        "PAID"
    );
    let ended = seen(&client, "c1");
    assert_eq!(ended["contract_state"], "TERMINATED");
    assert_eq!(&ended["deduct_schedule"]["deduct_date"], of_day);
    let events = sandbox.deliveries();
    let events: Vec<_> = events.iter().map(Delivery::event_type).collect();
    // The first one is of the contract that told the date.
    assert_eq!(
        events[1..],
        ["ENTRUST.SIGN", "TRANSACTION.SUCCESS", "ENTRUST.TERMINATE"]
    );
    let ended = last(&sandbox);
    check_notice(&ended);
    let amount = &ended.resource()["deduct_schedule"]["deduct_amount"];
    assert_eq!(*amount, json!({ "amount": 300, "currency": "CNY" }));
}

#[test]
fn service_provider_deducts_for_its_sub_merchant() {
    let sandbox = with_provider();
    to_noon(&sandbox);
    let client = provider(&sandbox);
    let before = available(&sandbox, SUB_MCHID);
    let presign = "v3/papay/scheduled-deduct-sign/partner/contracts/pre-entrust-sign/mini-program";
    let asked = json!({
        "sp_appid": "wx1", "sub_mchid": SUB_MCHID, "sub_appid": "wx2", "sub_openid": "o2",
        "plan_id": 12535, "out_contract_code": "c1", "contract_display_account": "张三",
        "contract_notify_url": "https://example.com/contracts",
    });
    let mut of_stranger = asked.clone();
    of_stranger["sub_mchid"] = "1900000999".into();
    assert_eq!(
        code(post(&client, presign, of_stranger)),
        (403, "NO_AUTH".to_owned())
    );
    post(&client, presign, asked).unwrap();
    sandbox.user_signs("c1").unwrap();
    let path = "v3/papay/sign/partner/contracts/plan-id/12535/out-contract-code/c1";
    let query = json!({ "sub_mchid": SUB_MCHID });
    let contract = get(&client, path, query.clone()).unwrap();
    let of_provider = QUERY.replace("/contracts/", "/partner/contracts/");
    check_response(&format!("GET {of_provider}"), &contract);
    assert_eq!(contract["sp_mchid"], SP_MCHID);
    assert_eq!(
        (&contract["sub_mchid"], &contract["sub_openid"]),
        (&json!(SUB_MCHID), &json!("o2"))
    );
    assert_eq!(*last(&sandbox).resource(), contract);
    assert_eq!(last(&sandbox).mchid(), SP_MCHID);
    // Not the direct merchant's.
    assert!(get(&client, &at("c1"), json!({})).is_err());

    let id = contract["contract_id"].as_str().unwrap();
    let notice = json!({
        "sp_mchid": SP_MCHID, "sp_appid": "wx1", "sub_mchid": SUB_MCHID,
        "estimated_amount": { "amount": 300 },
    });
    post(
        &client,
        &format!("v3/partner-papay/contracts/{id}/notify"),
        notice,
    )
    .unwrap();
    sandbox.advance(DAY * 8);
    let deduction = json!({
        "sp_appid": "wx1", "sub_mchid": SUB_MCHID, "out_trade_no": "tea-0001",
        "description": "会员", "transaction_notify_url": "https://example.com/deductions",
        "contract_id": id, "amount": { "total": 300 },
    });
    post(
        &client,
        "v3/papay/pay/partner/transactions/apply",
        deduction,
    )
    .unwrap();
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(available(&sandbox, SUB_MCHID), before + 300);
    assert_eq!(last(&sandbox).resource()["payer"]["sub_openid"], "o2");

    let mut reason = query;
    reason["contract_termination_remark"] = "到期".into();
    let ended = post(&client, &format!("{path}/terminate"), reason).unwrap();
    assert_eq!(ended["contract_state"], "TERMINATED");
}

#[test]
fn payment_signs_the_contract_that_was_requested_with_it() {
    let (sandbox, client) = started();
    let path = "v3/pay/transactions/jsapi-with-contract";
    let info = json!({
        "plan_id": "12535", "contract_mchid": sandbox.mchid(), "contract_appid": sandbox.appid(),
        "contract_code": "c1", "request_serial": "1000", "contract_display_account": "张三",
        "contract_notify_url": "https://example.com/contracts",
    });
    let mut asked = order(&sandbox, "tea-0001", 300);
    asked["payer"] = json!({ "openid": "o1" });
    asked["contract_info"] = info;
    let mut of_other = asked.clone();
    of_other["contract_info"]["contract_mchid"] = "1900000999".into();
    assert_eq!(
        code(post(&client, path, of_other)),
        (400, "PARAM_ERROR".to_owned())
    );
    let prepaid = post(&client, path, asked.clone()).unwrap();
    assert!(prepaid["prepay_id"].is_string());
    assert_eq!(post(&client, path, asked).unwrap(), prepaid);
    assert!(sandbox.user_signs("c1").is_err());
    assert!(get(&client, &at("c1"), json!({})).is_err());

    sandbox.user_pays("tea-0001").unwrap();
    let contract = seen(&client, "c1");
    assert_eq!(
        (&contract["contract_state"], &contract["openid"]),
        (&json!("SIGNED"), &json!("o1"))
    );
    let events = sandbox.deliveries();
    let events: Vec<_> = events.iter().map(Delivery::event_type).collect();
    assert_eq!(events, ["TRANSACTION.SUCCESS", "ENTRUST.SIGN"]);
    post(
        &client,
        APPLY,
        deduction(&sandbox, &contract, "tea-0002", 300),
    )
    .unwrap();
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(available(&sandbox, sandbox.mchid()), 1_600);
}

fn v2(client: &Client, path: &str, fields: &Value) -> Result<Value> {
    let options = match path.starts_with("papay/") {
        true => json!({ "nonceless": true, "xml": fields }),
        false => json!({ "xml": fields }),
    };
    let response = client.chain(format!("v2/{path}")).post(options)?;
    assert_eq!(response.headers()["sandbox-answer"], "stateful");
    Ok(response.xml()?.into())
}

fn v2_code(result: Result<Value>) -> String {
    result
        .unwrap_err()
        .api()
        .expect("refused")
        .code()
        .to_owned()
}

#[test]
fn apiv2_signs_deducts_and_terminates_with_notices_of_its_own() {
    let sandbox = Sandbox::builder()
        .opening_balance(1_000)
        .notify_url("pap-contract-state-changed", "https://example.com/ended")
        .start()
        .unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let ids = json!({ "appid": sandbox.appid(), "mch_id": sandbox.mchid() });
    let with = |more: Value| {
        let mut fields = ids.clone();
        fields
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        fields
    };
    let asked = with(json!({
        "plan_id": "12535", "contract_code": "c1", "request_serial": "1000",
        "contract_display_account": "张三", "notify_url": "https://example.com/contracts",
        "version": "1.0", "timestamp": "1414488825",
    }));
    let presigned = v2(&client, "papay/preentrustweb", &asked).unwrap();
    let mut later = asked.clone();
    later["timestamp"] = "1414488826".into();
    let again = v2(&client, "papay/preentrustweb", &later).unwrap();
    assert_eq!(presigned["pre_entrustweb_id"], again["pre_entrustweb_id"]);
    let of_nobody = v2(&client, "papay/partner/preentrustweb", &asked).unwrap_err();
    assert!(of_nobody.to_string().contains("sub_mch_id"), "{of_nobody}");
    let mut page = asked.clone();
    page["clientip"] = "127.0.0.1".into();
    page["contract_code"] = "c2".into();
    let page = client
        .chain("v2/papay/h5entrustweb")
        .get(json!({ "nonceless": true, "query": page }))
        .unwrap();
    assert!(
        page.xml().unwrap()["redirect_url"]
            .as_str()
            .unwrap()
            .starts_with("https://")
    );

    sandbox.user_signs("c1").unwrap();
    let query = with(json!({ "plan_id": "12535", "contract_code": "c1", "version": "1.0" }));
    let contract = v2(&client, "papay/querycontract", &query).unwrap();
    assert_eq!(
        (&contract["contract_state"], &contract["request_serial"]),
        (&json!("0"), &json!("1000"))
    );
    let signed = last(&sandbox);
    assert_eq!(signed.url(), "https://example.com/contracts");
    assert_eq!(signed.resource()["change_type"], "ADD");
    check_without(&signed, "pap-contract-state-changed", "sign");

    let deduction = |number: &str| {
        with(json!({
            "body": "会员", "out_trade_no": number, "total_fee": 300, "trade_type": "PAP",
            "spbill_create_ip": "127.0.0.1", "notify_url": "https://example.com/deductions",
            "contract_id": contract["contract_id"],
        }))
    };
    v2(&client, "pay/pappayapply", &deduction("tea-0001")).unwrap();
    let number = with(json!({ "out_trade_no": "tea-0001" }));
    let state = || v2(&client, "pay/paporderquery", &number).unwrap()["trade_state"].clone();
    assert_eq!(state(), "ACCEPT");
    sandbox.user_fails("tea-0001").unwrap();
    assert_eq!(state(), "PAYERROR");
    let failed = last(&sandbox);
    let shown = ["result_code", "err_code", "contract_id"].map(|name| &failed.resource()[name]);
    assert_eq!(
        shown,
        [
            &json!("FAIL"),
            &json!("NOTENOUGH"),
            &contract["contract_id"]
        ]
    );
    v2(&client, "pay/pappayapply", &deduction("tea-0001")).unwrap();
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(state(), "SUCCESS");
    let paid = last(&sandbox);
    assert_eq!(paid.resource()["trade_type"], "PAP");
    check_without(&paid, "transaction-success", "sign");
    assert_eq!(available(&sandbox, sandbox.mchid()), 1_300);

    let end = with(json!({
        "contract_id": contract["contract_id"], "contract_termination_remark": "到期", "version": "1.0",
    }));
    let ended = v2(&client, "papay/deletecontract", &end).unwrap();
    assert_eq!(ended["contract_code"], "c1");
    let notice = last(&sandbox);
    assert_eq!(notice.url(), "https://example.com/ended");
    let shown = ["change_type", "contract_termination_mode"].map(|name| &notice.resource()[name]);
    assert_eq!(shown, [&json!("DELETE"), &json!("3")]);
    let late = v2(&client, "pay/pappayapply", &deduction("tea-0002"));
    assert_eq!(v2_code(late), "CONTRACT_NOT_EXIST");
    assert_eq!(
        v2(&client, "papay/querycontract", &query).unwrap()["contract_state"],
        "1"
    );
}

#[test]
fn apiv2_pays_and_signs_at_once() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let mut asked = json!({
        "appid": sandbox.appid(), "mch_id": sandbox.mchid(), "contract_appid": sandbox.appid(),
        "contract_mchid": sandbox.mchid(), "out_trade_no": "tea-0001", "body": "会员",
        "notify_url": "https://example.com/payments", "total_fee": 300, "trade_type": "NATIVE",
        "spbill_create_ip": "127.0.0.1", "plan_id": 12535, "contract_code": "c1",
        "request_serial": 1000, "contract_display_account": "张三",
        "contract_notify_url": "https://example.com/contracts",
    });
    let created = v2(&client, "pay/contractorder", &asked).unwrap();
    assert_eq!(created["contract_result_code"], "SUCCESS");
    assert!(created["code_url"].is_string());
    asked["contract_mchid"] = "1900000999".into();
    let refused = v2(&client, "pay/contractorder", &asked).unwrap_err();
    assert!(refused.to_string().contains("contract_mchid"), "{refused}");

    sandbox.user_pays("tea-0001").unwrap();
    let changes: Vec<_> = sandbox
        .deliveries()
        .iter()
        .map(|delivery| delivery.resource()["change_type"].clone())
        .collect();
    assert_eq!(changes, [Value::Null, "ADD".into()]);
    // The contract's operations are for either version.
    assert_eq!(seen(&client, "c1")["contract_state"], "SIGNED");
    let payment = json!({
        "appid": sandbox.appid(), "mch_id": sandbox.mchid(), "out_trade_no": "tea-0001",
    });
    let other = v2(&client, "pay/paporderquery", &payment);
    assert_eq!(v2_code(other), "INVALID_REQUEST");
}
