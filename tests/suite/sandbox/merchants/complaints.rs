//! Complaints: what a merchant and its service provider see, answer and are told.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Media, Options, Result,
    sandbox::{MerchantOptions, Sandbox, SandboxEvent, StateKind},
};

use crate::{
    fixtures::server::{MockResponse, Server},
    sandbox::{
        noon::to_noon,
        payments::orders::{
            SP_MCHID, SUB_MCHID, code, get, order, partner_order, post, provider, with_provider,
        },
    },
};

const COMPLAINTS: &str = "v3/merchant-service/complaints-v2";
const CALLBACK: &str = "v3/merchant-service/complaint-notifications";

/// A sandbox with a paid order of 100 fen, and the merchant's client.
fn paid() -> (Sandbox, Client) {
    let sandbox = with_provider();
    to_noon(&sandbox);
    let client = sandbox.client_builder().build().unwrap();
    let path = "v3/pay/transactions/native";
    post(&client, path, order(&sandbox, "tea-0001", 100)).unwrap();
    sandbox.user_pays("tea-0001").unwrap();
    (sandbox, client)
}

fn detail(client: &Client, id: &str) -> Result<Value> {
    get(client, &format!("{COMPLAINTS}/{id}"), json!({}))
}

fn act(client: &Client, id: &str, action: &str, body: Value) -> Result<Value> {
    post(client, &format!("{COMPLAINTS}/{id}/{action}"), body)
}

fn history(client: &Client, id: &str, query: Value) -> Value {
    let path = format!("{COMPLAINTS}/{id}/negotiation-historys");
    get(client, &path, query).unwrap()
}

fn today(sandbox: &Sandbox, client: &Client) -> String {
    let path = "v3/pay/transactions/out-trade-no/tea-0001";
    let order = get(client, path, json!({ "mchid": sandbox.mchid() })).unwrap();
    order["success_time"].as_str().unwrap()[..10].to_owned()
}

fn actions(sandbox: &Sandbox, mchid: &str) -> Vec<String> {
    let deliveries = sandbox.deliveries();
    let about = deliveries.iter().filter(|delivery| {
        delivery.mchid() == mchid && delivery.event_type().starts_with("COMPLAINT.")
    });
    let names = about.map(|delivery| {
        let action = delivery.resource()["action_type"].as_str().unwrap();
        format!(
            "{} {action}",
            delivery.event_type().trim_start_matches("COMPLAINT.")
        )
    });
    names.collect()
}

#[test]
fn merchant_answers_and_completes_a_complaint() {
    let (sandbox, client) = paid();
    let id = sandbox.user_complains("tea-0001", "茶是凉的").unwrap();
    let seen = detail(&client, &id).unwrap();
    assert_eq!(seen["complaint_state"], "PENDING");
    assert_eq!(seen["complaint_detail"], "茶是凉的");
    assert_eq!(seen["complainted_mchid"], sandbox.mchid());
    assert_eq!(seen["complaint_order_info"][0]["out_trade_no"], "tea-0001");
    assert_eq!(seen["complaint_order_info"][0]["amount"], 100);
    assert_eq!(seen["incoming_user_response"], true);
    assert_eq!(seen["complaint_full_refunded"], false);
    let phone = client
        .decrypt(seen["payer_phone"].as_str().unwrap())
        .unwrap();
    assert!(phone.len() == 11 && phone.starts_with("139"), "{phone}");

    let image = Media::from_bytes("tea.png", b"a warm tea".to_vec());
    let chain = client.chain("v3/merchant-service/images/upload");
    let image: Value = chain
        .post(Options::new().media(image))
        .unwrap()
        .json()
        .unwrap();
    let reply = json!({
        "complainted_mchid": sandbox.mchid(), "response_content": "已换一杯",
        "response_images": [image["media_id"]],
    });
    for (field, value) in [
        ("complainted_mchid", json!(SP_MCHID)),
        ("response_content", json!("")),
        ("response_content", json!("茶".repeat(201))),
        ("response_images", json!(["no-such-image"])),
        (
            "response_images",
            json!([
                image["media_id"],
                image["media_id"],
                image["media_id"],
                image["media_id"],
                image["media_id"]
            ]),
        ),
    ] {
        let mut wrong = reply.clone();
        wrong[field] = value;
        let refused = act(&client, &id, "response", wrong);
        assert_eq!(code(refused), (400, "PARAM_ERROR".to_owned()), "{field}");
    }
    act(&client, &id, "response", reply.clone()).unwrap();
    let seen = detail(&client, &id).unwrap();
    assert_eq!(seen["complaint_state"], "PROCESSING");
    assert_eq!(seen["incoming_user_response"], false);

    let complete = json!({ "complainted_mchid": sandbox.mchid() });
    act(&client, &id, "complete", complete.clone()).unwrap();
    assert_eq!(
        detail(&client, &id).unwrap()["complaint_state"],
        "PROCESSED"
    );
    for (action, body) in [("complete", &complete), ("response", &reply)] {
        let refused = act(&client, &id, action, body.clone());
        assert_eq!(code(refused), (400, "INVALID_REQUEST".to_owned()));
    }
    sandbox.user_complains_again(&id, "还是凉的").unwrap();
    let seen = detail(&client, &id).unwrap();
    assert_eq!(seen["user_complaint_times"], 2);
    sandbox.user_withdraws_complaint(&id).unwrap();
    assert!(sandbox.user_asks_again(&id, "有人吗").is_err());

    let steps = history(&client, &id, json!({}));
    assert_eq!(steps["total_count"], 5);
    let types: Vec<_> = steps["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["operate_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "USER_REVOKE_COMPLAINT",
            "USER_CONTINUE_COMPLAINT",
            "MERCHANT_CONFIRM_COMPLETE",
            "MERCHANT_RESPONSE",
            "USER_CREATE_COMPLAINT",
        ]
    );
    let page = history(&client, &id, json!({ "limit": 1, "offset": 3 }));
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(page.get("total_count"), None);
    let step = &page["data"][0];
    assert_eq!(step["operate_details"], "已换一杯");
    // The image in the history can be downloaded, and its response is not signed.
    let url = step["image_list"][0].as_str().unwrap();
    let path = url.strip_prefix(&sandbox.base_uri()).unwrap();
    let file = client.chain(path).get(json!({})).unwrap();
    assert_eq!(file.bytes().as_ref(), b"a warm tea");
    assert!(file.headers().get("wechatpay-signature").is_none());
}

#[test]
fn sub_merchant_sees_the_image_that_its_provider_answered_with() {
    let (sandbox, client) = paid();
    let sub = MerchantOptions::new(SUB_MCHID);
    let sub = sandbox
        .add_merchant(sub)
        .unwrap()
        .client_builder()
        .build()
        .unwrap();
    let image = Media::from_bytes("tea.jpg", b"a warm tea".to_vec());
    let chain = provider(&sandbox).chain("v3/merchant-service/images/upload");
    let image: Value = chain
        .post(Options::new().media(image))
        .unwrap()
        .json()
        .unwrap();
    let download = |client: &Client| {
        let chain = client.chain("v3/merchant-service/images/{media_id}");
        chain.get(json!({ "media_id": image["media_id"] })).unwrap()
    };
    assert_eq!(download(&sub).bytes().as_ref(), b"a warm tea");
    // A stranger gets the made-up file of any other ID.
    assert_ne!(download(&client).bytes().as_ref(), b"a warm tea");
}

#[test]
fn list_has_the_complaints_of_its_days_in_pages() {
    let (sandbox, client) = paid();
    let day = today(&sandbox, &client);
    let list = |query: Value| get(&client, COMPLAINTS, query);
    let mut ids = vec![sandbox.user_complains("tea-0001", "茶是凉的").unwrap()];
    for n in 2..=4 {
        let number = format!("tea-000{n}");
        post(
            &client,
            "v3/pay/transactions/native",
            order(&sandbox, &number, 100),
        )
        .unwrap();
        sandbox.user_pays(&number).unwrap();
        sandbox.advance(Duration::from_secs(1));
        ids.push(sandbox.user_complains(&number, "茶是凉的").unwrap());
    }
    let first = list(json!({ "begin_date": day, "end_date": day, "limit": 3 })).unwrap();
    assert_eq!(
        (first["total_count"].as_u64(), first["limit"].as_u64()),
        (Some(4), Some(3))
    );
    let rest =
        list(json!({ "begin_date": day, "end_date": day, "limit": 3, "offset": 3 })).unwrap();
    assert_eq!(rest.get("total_count"), None);
    let found = [&first, &rest]
        .into_iter()
        .flat_map(|page| page["data"].as_array().unwrap());
    let found: Vec<_> = found
        .map(|complaint| complaint["complaint_id"].as_str().unwrap().to_owned())
        .collect();
    ids.reverse();
    assert_eq!(found, ids);
    assert!(first["data"][0]["payer_phone"].is_string());
    let empty = list(json!({ "begin_date": "2019-01-01", "end_date": "2019-01-31" })).unwrap();
    assert_eq!(
        (&empty["data"], empty["total_count"].as_u64()),
        (&json!([]), Some(0))
    );

    for query in [
        json!({ "begin_date": "2019-01-02", "end_date": "2019-01-01" }),
        json!({ "begin_date": "2019-01-01", "end_date": "2019-02-01" }),
        json!({ "begin_date": "2019-1-1", "end_date": "2019-01-01" }),
        json!({ "begin_date": "2019-01-01", "end_date": "20190101" }),
        json!({ "begin_date": "2019-01-01" }),
        json!({ "begin_date": "2019-01-01", "end_date": "2019-01-01", "limit": 51 }),
        json!({ "begin_date": "2019-01-01", "end_date": "2019-01-01", "limit": 0 }),
        json!({ "begin_date": "2019-01-01", "end_date": "2019-01-01", "offset": -1 }),
    ] {
        assert_eq!(
            code(list(query.clone())),
            (400, "PARAM_ERROR".to_owned()),
            "{query}"
        );
    }
    let query = json!({ "begin_date": day, "end_date": day, "complainted_mchid": SUB_MCHID });
    assert_eq!(code(list(query)), (403, "NO_AUTH".to_owned()));
}

#[test]
fn provider_sees_and_answers_the_complaints_of_its_sub_merchants() {
    let (sandbox, client) = paid();
    let provider = provider(&sandbox);
    let path = "v3/pay/partner/transactions/native";
    post(&provider, path, partner_order("sub-0001")).unwrap();
    sandbox.user_pays("sub-0001").unwrap();
    let own = sandbox.user_complains("tea-0001", "茶是凉的").unwrap();
    let of_sub = sandbox.user_complains("sub-0001", "茶是凉的").unwrap();

    let seen = detail(&provider, &of_sub).unwrap();
    assert_eq!(seen["complainted_mchid"], SUB_MCHID);
    let day = today(&sandbox, &client);
    for (named, count) in [(None, 1), (Some(SUB_MCHID), 1), (Some(SP_MCHID), 0)] {
        let mut query = json!({ "begin_date": day, "end_date": day });
        if let Some(named) = named {
            query["complainted_mchid"] = named.into();
        }
        let list = get(&provider, COMPLAINTS, query).unwrap();
        assert_eq!(list["total_count"], count, "{named:?}");
    }
    let reply = json!({ "complainted_mchid": SUB_MCHID, "response_content": "已换一杯" });
    act(&provider, &of_sub, "response", reply.clone()).unwrap();
    assert_eq!(
        detail(&provider, &of_sub).unwrap()["complaint_state"],
        "PROCESSING"
    );

    for refused in [
        detail(&provider, &own),
        detail(&client, &of_sub),
        detail(&client, "2000"),
        act(&client, &of_sub, "response", reply.clone()),
        act(
            &client,
            &of_sub,
            "complete",
            json!({ "complainted_mchid": SUB_MCHID }),
        ),
        act(
            &client,
            &of_sub,
            "update-refund-progress",
            json!({ "action": "APPROVE" }),
        ),
    ] {
        assert_eq!(code(refused), (403, "NO_AUTH".to_owned()));
    }
}

#[test]
fn merchant_and_provider_are_told_at_their_registered_url() {
    let (sandbox, client) = paid();
    let receiver = Server::start(|_| MockResponse::plain(204, ""));
    let url = format!("{}complaints", receiver.url());
    let missing = (400, "RESOURCE_NOT_EXISTS".to_owned());
    assert_eq!(code(get(&client, CALLBACK, json!({}))), missing);
    let put = |url: &str| {
        client
            .chain(CALLBACK)
            .put(json!({ "json": { "url": url } }))
    };
    let delete = || client.chain(CALLBACK).delete(json!({}));
    assert_eq!(code(put(&url)), missing);
    assert_eq!(code(delete()), missing);
    for wrong in ["http://example.com/a", "ftp://127.0.0.1/", "complaints", ""] {
        let refused = post(&client, CALLBACK, json!({ "url": wrong }));
        assert_eq!(code(refused), (400, "PARAM_ERROR".to_owned()), "{wrong}");
    }
    let created = post(&client, CALLBACK, json!({ "url": "https://example.com/a" })).unwrap();
    assert_eq!(
        created,
        json!({ "mchid": sandbox.mchid(), "url": "https://example.com/a" })
    );
    let again = post(&client, CALLBACK, json!({ "url": "https://example.com/a" })).unwrap();
    assert_eq!(again, created);
    let other = post(&client, CALLBACK, json!({ "url": url }));
    assert_eq!(code(other), (400, "INVALID_REQUEST".to_owned()));
    assert_eq!(put(&url).unwrap().json::<Value>().unwrap()["url"], url);
    assert_eq!(get(&client, CALLBACK, json!({})).unwrap()["url"], url);

    let id = sandbox.user_complains("tea-0001", "茶是凉的").unwrap();
    sandbox.user_asks_again(&id, "有人吗").unwrap();
    let reply = json!({ "complainted_mchid": sandbox.mchid(), "response_content": "在" });
    act(&client, &id, "response", reply).unwrap();
    act(
        &client,
        &id,
        "complete",
        json!({ "complainted_mchid": sandbox.mchid() }),
    )
    .unwrap();
    sandbox.user_complains_again(&id, "还是凉的").unwrap();
    sandbox.settle().unwrap();
    assert_eq!(
        actions(&sandbox, sandbox.mchid()),
        [
            "CREATE CREATE_COMPLAINT",
            "STATE_CHANGE USER_RESPONSE",
            "STATE_CHANGE MERCHANT_RESPONSE",
            "STATE_CHANGE MERCHANT_CONFIRM_COMPLETE",
            "STATE_CHANGE CONTINUE_COMPLAINT",
        ]
    );
    // The library opens what arrived.
    let notifications = sandbox.notifications_builder().build().unwrap();
    let requests = receiver.requests();
    assert_eq!(requests.len(), 5);
    for request in &requests {
        let headers = request.headers.iter().map(|(name, value)| (name, value));
        let opened = notifications.receive(headers, &request.body).unwrap();
        let resource: Value = opened.resource().unwrap();
        assert_eq!(resource["complaint_id"], id.as_str());
    }

    // A provider is told about its sub-merchants, and nobody after the URL is deleted.
    let provider = provider(&sandbox);
    post(&provider, CALLBACK, json!({ "url": url })).unwrap();
    let path = "v3/pay/partner/transactions/native";
    post(&provider, path, partner_order("sub-0001")).unwrap();
    sandbox.user_pays("sub-0001").unwrap();
    let of_sub = sandbox.user_complains("sub-0001", "茶是凉的").unwrap();
    assert_eq!(actions(&sandbox, SP_MCHID), ["CREATE CREATE_COMPLAINT"]);
    provider.chain(CALLBACK).delete(json!({})).unwrap();
    sandbox.user_asks_again(&of_sub, "有人吗").unwrap();
    assert_eq!(actions(&sandbox, SP_MCHID).len(), 1);
    assert_eq!(actions(&sandbox, sandbox.mchid()).len(), 5);
}

#[test]
fn refund_that_the_customer_asks_for_is_decided_and_arrives() {
    let (sandbox, client) = paid();
    let url = "http://127.0.0.1:9/complaints";
    post(&client, CALLBACK, json!({ "url": url })).unwrap();
    let plain = sandbox.user_complains("tea-0001", "茶是凉的").unwrap();
    let refused = act(
        &client,
        &plain,
        "update-refund-progress",
        json!({ "action": "APPROVE" }),
    );
    let err = refused.unwrap_err();
    assert_eq!(
        err.api().unwrap().message(),
        "非极速退款单据, 不能对本单据进行退款进度更新"
    );
    sandbox.user_withdraws_complaint(&plain).unwrap();

    let id = sandbox
        .user_asks_for_refund("tea-0001", 100, "退款")
        .unwrap();
    let seen = detail(&client, &id).unwrap();
    assert_eq!(
        (
            seen["problem_type"].as_str(),
            seen["apply_refund_amount"].as_u64()
        ),
        (Some("REFUND"), Some(100))
    );
    let wrong = act(
        &client,
        &id,
        "update-refund-progress",
        json!({ "action": "MAYBE" }),
    );
    assert_eq!(code(wrong).1, "PARAM_ERROR");
    let approve = json!({ "action": "APPROVE", "launch_refund_day": 0 });
    act(&client, &id, "update-refund-progress", approve.clone()).unwrap();
    assert_eq!(
        detail(&client, &id).unwrap()["complaint_state"],
        "PROCESSING"
    );
    let twice = act(&client, &id, "update-refund-progress", approve);
    assert_eq!(code(twice), (400, "INVALID_REQUEST".to_owned()));

    let refund = json!({
        "out_trade_no": "tea-0001", "out_refund_no": "tea-0001-1",
        "amount": { "refund": 100, "total": 100, "currency": "CNY" },
    });
    post(&client, "v3/refund/domestic/refunds", refund).unwrap();
    assert_eq!(
        detail(&client, &id).unwrap()["complaint_full_refunded"],
        false
    );
    sandbox.refund_succeeds("tea-0001-1").unwrap();
    let seen = detail(&client, &id).unwrap();
    assert_eq!(
        (&seen["complaint_state"], &seen["complaint_full_refunded"]),
        (&json!("PROCESSED"), &json!(true))
    );
    let last = actions(&sandbox, sandbox.mchid()).pop();
    assert_eq!(last.as_deref(), Some("STATE_CHANGE REFUND_SUCCESS"));
}

#[test]
fn customer_who_waits_is_answered_at_once() {
    let (sandbox, client) = paid();
    let id = sandbox.user_complains("tea-0001", "机器卡住了").unwrap();
    let message = json!({
        "complainted_mchid": sandbox.mchid(), "idempotent_id": "a1",
        "message": { "blocks": [{ "type": "TEXT", "text": { "text": "马上来" } }], "sender_identity": "MACHINE" },
    });
    let send = |body: &Value| act(&client, &id, "response-immediate-service", body.clone());
    assert_eq!(code(send(&message)), (400, "INVALID_REQUEST".to_owned()));
    sandbox.user_waits_for_answer(&id).unwrap();
    assert_eq!(
        detail(&client, &id).unwrap()["need_immediate_service"],
        true
    );
    let first = send(&message).unwrap();
    assert_eq!(send(&message).unwrap(), first);
    let mut other = message.clone();
    other["message"]["sender_identity"] = "MANUAL".into();
    assert_eq!(code(send(&other)), (400, "INVALID_REQUEST".to_owned()));
    let steps = history(&client, &id, json!({ "limit": 1 }));
    assert_eq!(steps["data"][0]["log_id"], first["log_id"]);
    assert_eq!(steps["data"][0]["normal_message"], message["message"]);
    assert_eq!(steps["total_count"], 2);
}

#[test]
fn snapshot_has_the_complaints() {
    let (sandbox, client) = paid();
    let before = sandbox.snapshot();
    let id = sandbox.user_complains("tea-0001", "茶是凉的").unwrap();
    sandbox.restore(&before).unwrap();
    assert_eq!(code(detail(&client, &id)), (403, "NO_AUTH".to_owned()));
}

#[test]
fn subscriber_sees_each_state_of_a_complaint() {
    let (sandbox, client) = paid();
    let events = sandbox.subscribe();
    let id = sandbox.user_complains("tea-0001", "茶是凉的").unwrap();
    sandbox.user_asks_again(&id, "有人吗").unwrap();
    let reply = json!({ "complainted_mchid": sandbox.mchid(), "response_content": "在" });
    act(&client, &id, "response", reply).unwrap();
    sandbox.user_withdraws_complaint(&id).unwrap();
    let mut seen = Vec::new();
    while let Some(event) = events.try_next() {
        let SandboxEvent::State(change) = event else {
            continue;
        };
        assert_eq!(
            (change.kind(), change.number()),
            (StateKind::Complaint, &*id)
        );
        seen.push(change.to().to_owned());
    }
    assert_eq!(seen, ["PENDING", "PROCESSING", "PROCESSED"]);
}
