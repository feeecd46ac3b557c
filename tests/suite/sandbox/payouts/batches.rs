//! Batch transfers of older merchants.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{Client, Options, Result, sandbox::Sandbox};

const BATCHES: &str = "v3/transfer/batches";

fn batch(sandbox: &Sandbox, number: &str) -> Value {
    json!({
        "appid": sandbox.appid(), "out_batch_no": number, "batch_name": "五月", "batch_remark": "奖金",
        "total_amount": 250_100, "total_num": 2, "notify_url": "http://127.0.0.1:9/notify",
        "transfer_detail_list": [
            { "out_detail_no": "d1", "transfer_amount": 100, "transfer_remark": "奖金", "openid": "o1" },
            { "out_detail_no": "d2", "transfer_amount": 250_000, "transfer_remark": "奖金", "openid": "o2",
              "user_name": "张三" },
        ],
    })
}

fn create(client: &Client, batch: Value) -> Result<Value> {
    let options = Options::from(json!({ "json": batch }));
    let sealed = options.encrypt(["/transfer_detail_list/1/user_name"]);
    client.chain(BATCHES).post(sealed)?.json()
}

fn get(client: &Client, path: &str, query: Value) -> Value {
    let chain = client.chain(format!("{BATCHES}/{path}"));
    let options = match query {
        Value::Null => json!({}),
        query => json!({ "query": query }),
    };
    chain.get(options).unwrap().json().unwrap()
}

#[test]
fn batch_pays_its_users_and_reports_each() {
    let sandbox = Sandbox::builder().opening_balance(300_000).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let created = create(&client, batch(&sandbox, "b1")).unwrap();
    assert_eq!(created["batch_status"], "ACCEPTED");
    assert_eq!(create(&client, batch(&sandbox, "b1")).unwrap(), created);
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().frozen, 250_100);
    sandbox.batch_transfer_fails("d1", "TRANSFER_RISK").unwrap();
    sandbox.advance(Duration::from_secs(60));
    let details = json!({ "need_query_detail": true, "detail_status": "FAIL" });
    let seen = get(&client, "out-batch-no/b1", details);
    let summary = &seen["transfer_batch"];
    assert_eq!(summary["batch_status"], "FINISHED");
    assert_eq!(
        (&summary["success_amount"], &summary["fail_num"]),
        (&json!(250_000), &json!(1))
    );
    assert_eq!(seen["transfer_detail_list"][0]["out_detail_no"], "d1");
    assert_eq!(seen["transfer_detail_list"].as_array().unwrap().len(), 1);
    let failed = get(
        &client,
        "out-batch-no/b1/details/out-detail-no/d1",
        Value::Null,
    );
    assert_eq!(failed["fail_reason"], "TRANSFER_RISK");
    let paid = get(
        &client,
        "out-batch-no/b1/details/out-detail-no/d2",
        Value::Null,
    );
    let name = paid["user_name"].as_str().unwrap();
    assert_eq!(client.decrypt(name).unwrap(), "张三");
    let (batch_id, id) = (&created["batch_id"], &paid["detail_id"]);
    let path = format!(
        "batch-id/{}/details/detail-id/{}",
        batch_id.as_str().unwrap(),
        id.as_str().unwrap()
    );
    assert_eq!(get(&client, &path, Value::Null)["transfer_amount"], 250_000);
    let path = format!("batch-id/{}", batch_id.as_str().unwrap());
    let by_id = get(&client, &path, json!({ "need_query_detail": false }));
    assert_eq!(by_id["transfer_batch"], *summary);

    let balance = sandbox.balance(sandbox.mchid()).unwrap();
    assert_eq!((balance.available, balance.frozen), (50_000, 0));
    let [notice] = &sandbox.deliveries()[..] else {
        panic!("one notification");
    };
    assert_eq!(notice.event_type(), "MCHTRANSFER.BATCH.FINISHED");
    assert_eq!(notice.resource()["success_num"], 1);
}

#[test]
fn names_of_a_batch_are_opened_last_and_numbers_of_identity_cards_never() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    // None of the names is sealed, which only opening them can tell.
    for (field, value) in [
        ("/total_amount", json!(250_101)),
        ("/total_num", json!(3)),
        ("/transfer_detail_list/0/out_detail_no", json!("d2")),
        ("/batch_name", json!("")),
        ("/transfer_detail_list/1/user_name", json!("open")),
    ] {
        let mut changed = batch(&sandbox, "b1");
        *changed.pointer_mut(field).unwrap() = value;
        changed["transfer_detail_list"][0]["user_name"] = "open".into();
        let request = json!({
            "headers": { "Wechatpay-Serial": sandbox.platform_key_id() }, "json": changed,
        });
        let err = client.chain(BATCHES).post(request).unwrap_err();
        let message = err.api().expect(field).message().to_owned();
        let is_opened = message == "请确认待处理的消息是否为加密后的密文";
        assert_eq!(
            is_opened,
            field.ends_with("user_name"),
            "{field}: {message}"
        );
    }
    let mut changed = batch(&sandbox, "b1");
    changed["transfer_detail_list"][1]["user_id_card"] = "open".into();
    create(&client, changed).unwrap();
}

#[test]
fn batch_that_does_not_add_up_is_refused() {
    let sandbox = Sandbox::builder().opening_balance(300_000).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    for (field, value) in [
        ("/total_amount", json!(250_101)),
        ("/total_num", json!(3)),
        ("/transfer_detail_list/0/out_detail_no", json!("d2")),
        ("/transfer_detail_list/0/transfer_amount", json!(1.5)),
        ("/out_batch_no", json!("b-1")),
    ] {
        let mut changed = batch(&sandbox, "b1");
        *changed.pointer_mut(field).unwrap() = value;
        let err = create(&client, changed).expect_err(field);
        assert_eq!(err.api().expect(field).code(), "PARAM_ERROR", "{field}");
    }
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().frozen, 0);
    create(&client, batch(&sandbox, "b1")).unwrap();
    let poor = create(&client, batch(&sandbox, "b2")).unwrap_err();
    assert_eq!(poor.api().unwrap().code(), "NOT_ENOUGH");
    sandbox.batch_closes("b1", "OVERDUE_CLOSE").unwrap();
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().available, 300_000);
    assert_eq!(
        sandbox.deliveries()[0].event_type(),
        "MCHTRANSFER.BATCH.CLOSED"
    );
    assert!(sandbox.batch_closes("b1", "OVERDUE_CLOSE").is_err());
}
