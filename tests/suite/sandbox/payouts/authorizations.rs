//! Transfers that a user need not confirm each time.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client,
    sandbox::{MerchantOptions, Sandbox},
};

use crate::sandbox::payments::orders::{code, get, post};

const BASE: &str = "v3/fund-app/mch-transfer";
const NOTIFY: &str = "http://127.0.0.1:9/notify";

fn started() -> (Sandbox, Client) {
    let builder = Sandbox::builder().opening_balance(10_000);
    let sandbox = builder.start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

fn authorization(sandbox: &Sandbox, number: &str) -> Value {
    json!({
        "out_authorization_no": number, "appid": sandbox.appid(), "openid": "o1",
        "transfer_scene_id": "1000", "user_display_name": "王小明",
        "authorization_notify_url": NOTIFY,
    })
}

/// Returns a transfer without its user.
fn transfer(sandbox: &Sandbox, number: &str, more: Value) -> Value {
    let mut transfer = json!({
        "appid": sandbox.appid(), "out_bill_no": number, "transfer_amount": 300,
        "transfer_remark": "奖金", "transfer_scene_id": "1000",
        "transfer_scene_report_infos": [{ "info_type": "活动名称", "info_content": "新会员" }],
    });
    let fields = transfer.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    transfer
}

fn query(client: &Client, number: &str) -> Value {
    let path = format!("{BASE}/user-confirm-authorization/out-authorization-no/{number}");
    get(client, &path, json!({ "is_display_authorization": true })).unwrap()
}

#[test]
fn user_who_agreed_once_gets_transfers_without_confirming_them() {
    let (sandbox, client) = started();
    let create = format!("{BASE}/user-confirm-authorization");
    let asked = authorization(&sandbox, "u1");
    let created = post(&client, &create, asked.clone()).unwrap();
    assert_eq!(created["state"], "WAIT_USER_CONFIRM");
    assert_eq!(post(&client, &create, asked).unwrap(), created);
    let mut other = authorization(&sandbox, "u1");
    other["openid"] = "o2".into();
    let used = code(post(&client, &create, other));
    assert_eq!(used, (400, "INVALID_REQUEST".to_owned()));

    let at_once = format!("{BASE}/transfer-bills/transfer");
    let under = |number: &str| transfer(&sandbox, number, json!({ "out_authorization_no": "u1" }));
    let early = code(post(&client, &at_once, under("t1")));
    assert_eq!(early, (403, "NO_AUTH".to_owned()));
    sandbox.user_authorizes_transfers("u1").unwrap();
    assert!(sandbox.user_authorizes_transfers("u1").is_err());
    let seen = query(&client, "u1");
    assert_eq!(seen["state"], "TAKING_EFFECT");
    assert_eq!(seen["transfer_scene_id"], "1000");

    let made = post(&client, &at_once, under("t1")).unwrap();
    assert_eq!(
        (&made["state"], &made["openid"]),
        (&json!("TRANSFERING"), &json!("o1"))
    );
    assert_eq!(post(&client, &at_once, under("t1")).unwrap(), made);
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().available, 9_700);
    // By WeChat Pay's number, and not for another scene.
    let id = json!({ "authorization_id": seen["authorization_id"] });
    post(&client, &at_once, transfer(&sandbox, "t2", id.clone())).unwrap();
    let mut scene = transfer(&sandbox, "t3", id);
    scene["transfer_scene_id"] = "1002".into();
    assert_eq!(code(post(&client, &at_once, scene)).1, "NO_AUTH");

    sandbox.user_ends_authorization("u1").unwrap();
    assert_eq!(
        query(&client, "u1")["close_info"]["close_reason"],
        "USER_CLOSE"
    );
    assert_eq!(code(post(&client, &at_once, under("t4"))).1, "NO_AUTH");
    // What was made before is still the same transfer.
    let again = post(&client, &at_once, under("t1")).unwrap();
    assert_eq!(again["transfer_bill_no"], made["transfer_bill_no"]);
    let events: Vec<_> = sandbox
        .deliveries()
        .iter()
        .map(|delivery| delivery.event_type().to_owned())
        .collect();
    assert_eq!(
        events,
        [
            "MCHTRANSFER.AUTHORIZATION.CONFIRMED",
            "MCHTRANSFER.AUTHORIZATION.CLOSED",
        ]
    );
}

#[test]
fn confirmed_transfer_can_bring_its_authorization() {
    let (sandbox, client) = started();
    let both = format!("{BASE}/transfer-bills/pre-transfer-with-authorization");
    let info = json!({
        "user_display_name": "王小明", "out_authorization_no": "u1",
        "authorization_notify_url": NOTIFY,
    });
    let asked = json!({ "openid": "o1", "authorization_info": info });
    // More than there is: neither is made.
    let mut poor = transfer(&sandbox, "t1", asked.clone());
    poor["transfer_amount"] = 10_001.into();
    assert_eq!(code(post(&client, &both, poor)).1, "NOT_ENOUGH");
    assert!(sandbox.user_authorizes_transfers("u1").is_err());

    let made = post(&client, &both, transfer(&sandbox, "t1", asked)).unwrap();
    assert_eq!(made["state"], "WAIT_USER_CONFIRM");
    assert_eq!(made["out_authorization_no"], "u1");
    sandbox.user_confirms_transfer("t1").unwrap();
    assert_eq!(query(&client, "u1")["state"], "TAKING_EFFECT");
    let close = format!("{BASE}/user-confirm-authorization/out-authorization-no/u1/close");
    let closed: Value = client.chain(&close).post(()).unwrap().json().unwrap();
    assert_eq!(closed["close_info"]["close_reason"], "CLOSE_VIA_MCH_API");
    let again: Value = client.chain(&close).post(()).unwrap().json().unwrap();
    assert_eq!(again, closed);
}

#[test]
fn provider_transfers_for_its_sub_merchant_under_its_authorization() {
    let provider = MerchantOptions::new("1900000109").partner_of(["1900000110"]);
    let builder = Sandbox::builder().mchid("1900000108").merchant(provider);
    let sandbox = builder.start().unwrap();
    let provider = sandbox.merchants().pop().unwrap();
    let client = provider.client_builder().build().unwrap();
    let mut asked = authorization(&sandbox, "u1");
    asked["notify_url"] = NOTIFY.into();
    asked
        .as_object_mut()
        .unwrap()
        .remove("authorization_notify_url");
    let create = format!("{BASE}/partner/user-confirm-authorizations");
    post(&client, &create, asked).unwrap();
    sandbox.user_authorizes_transfers("u1").unwrap();
    let seen = get(&client, &format!("{create}/u1"), json!({})).unwrap();
    let under = json!({
        "sub_mchid": "1900000110", "authorization_id": seen["authorization_id"],
    });
    let at_once = format!("{BASE}/partner/transfer-bills/transfer");
    let made = post(&client, &at_once, transfer(&sandbox, "t1", under)).unwrap();
    assert_eq!(made["sub_mchid"], "1900000110");
    let balance = sandbox.balance("1900000110").unwrap();
    assert_eq!(balance.frozen, 300);
    // Another merchant's authorization does not count.
    let stranger = sandbox.client_builder().build().unwrap();
    let under = json!({ "authorization_id": seen["authorization_id"] });
    let at_once = format!("{BASE}/transfer-bills/transfer");
    let refused = code(post(&stranger, &at_once, transfer(&sandbox, "t2", under)));
    assert_eq!(refused.1, "NOT_FOUND");
}
