//! The request log: brief rows, filters and pages, and each exchange with its response.

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, RetryPolicy,
    sandbox::{Fault, MerchantOptions, Sandbox, SandboxEvent},
};

use super::{call, events, list, merchant, ok, prepay, started};

const NONE: &Value = &Value::Null;

fn ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

fn query(client: &Client, mchid: &str, number: &str) {
    let chain = client.chain(format!("v3/pay/transactions/out-trade-no/{number}"));
    let _ = chain.get(json!({ "query": { "mchid": mchid } }));
}

#[test]
fn brief_row_says_what_was_asked_and_how_it_ended() {
    let (sandbox, client) = started();
    prepay(&sandbox, &client, "tea-0001");
    query(&client, sandbox.mchid(), "none");
    let order = json!({ "xml": { "mch_id": sandbox.mchid(), "out_trade_no": "none" } });
    let v2 = sandbox.client_builder().apiv2_key(sandbox.apiv2_key());
    let _ = v2.build().unwrap().chain("v2/pay/orderquery").post(order);

    let rows = list(&sandbox, "brief=true");
    let expected = |at: usize, fields: Value| {
        let mut fields = fields;
        for name in ["id", "at_ms", "took_ms"] {
            assert!(rows[at][name].is_u64(), "{name}");
            fields[name] = rows[at][name].clone();
        }
        fields["mchid"] = sandbox.mchid().into();
        fields["fault"] = Value::Null;
        assert_eq!(rows[at], fields);
    };
    expected(
        0,
        json!({
            "method": "POST", "target": "/v3/pay/transactions/native",
            "path": "/v3/pay/transactions/native", "status": 200, "code": null,
            "title": "Native下单", "operation": "v3/pay/transactions/native", "answer": "stateful",
        }),
    );
    let path = "/v3/pay/transactions/out-trade-no/none";
    expected(
        1,
        json!({
            "method": "GET", "target": format!("{path}?mchid={}", sandbox.mchid()), "path": path,
            "status": 404, "code": "ORDER_NOT_EXIST", "title": "商户订单号查询",
            "operation": "v3/pay/transactions/out-trade-no/{out_trade_no}", "answer": "stateful",
        }),
    );
    // The refusal of a request without `appid`, in APIv2's words.
    assert_eq!(rows[2]["operation"], "v2/pay/orderquery");
    assert_eq!(
        (&rows[2]["status"], &rows[2]["code"]),
        (&json!(200), &json!("FAIL"))
    );
}

#[test]
fn requests_are_filtered_and_paged_from_either_side() {
    let sandbox = Sandbox::builder()
        .merchant(MerchantOptions::new("1900000111"))
        .start()
        .unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let other = merchant(&sandbox, "1900000111");
    let other = other.client_builder().build().unwrap();
    for number in 0..4 {
        prepay(&sandbox, &client, &format!("tea-000{number}"));
    }
    query(&other, "1900000111", "Coffee-1");
    let all = ids(&list(&sandbox, ""));
    assert_eq!(all.len(), 5);
    for (filter, expected) in [
        ("method=get", vec![4]),
        ("status=200", vec![0, 1, 2, 3]),
        ("status=4xx", vec![4]),
        ("status=none", vec![]),
        ("mchid=1900000111", vec![4]),
        ("text=tea-0002", vec![2]),
        ("text=coffee-1", vec![4]),
        // In the response alone.
        ("text=ORDER_NOT_EXIST", vec![4]),
        ("text=code_url&status=2xx&limit=2", vec![2, 3]),
        ("text=nowhere", vec![]),
        ("path=v3/pay/transactions/native&limit=1", vec![3]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|at: usize| all[at]).collect();
        assert_eq!(ids(&list(&sandbox, filter)), expected, "{filter}");
        let brief = list(&sandbox, &format!("{filter}&brief=true"));
        assert_eq!(ids(&brief), expected, "{filter}");
    }
    for (page, from, has_earlier, has_more) in [
        ("limit=2".to_owned(), 3..5, true, false),
        (format!("limit=2&before={}", all[3]), 1..3, true, true),
        (format!("limit=2&before={}", all[2]), 0..2, false, true),
        (
            format!("limit=9&after={}&before={}", all[0], all[3]),
            1..3,
            true,
            true,
        ),
        (
            format!("after={}&before={}", all[3], all[1]),
            1..1,
            true,
            true,
        ),
    ] {
        let answer = ok(&sandbox, "GET", &format!("requests?{page}"), NONE);
        let rows = answer["data"].as_array().unwrap();
        assert_eq!(ids(rows), all[from], "{page}");
        let has = |name: &str| answer[name].as_bool().unwrap();
        assert_eq!(
            (has("has_earlier"), has("has_more")),
            (has_earlier, has_more),
            "{page}"
        );
    }
    for wrong in [
        "status=40",
        "status=abc",
        "status=10xx",
        "before=x",
        "brief=yes",
        "mchid=1",
    ] {
        let (status, refused) = call(&sandbox, "GET", &format!("requests?{wrong}"), NONE);
        let expected = if wrong == "status=40" { 200 } else { 400 };
        let expected = if wrong == "mchid=1" { 404 } else { expected };
        assert_eq!(status, expected, "{wrong}: {refused}");
    }
}

#[test]
fn request_is_returned_with_its_response() {
    let (sandbox, client) = started();
    prepay(&sandbox, &client, "tea-0001");
    let id = ids(&list(&sandbox, ""))[0];
    let shown = ok(&sandbox, "GET", &format!("requests/{id}"), NONE);
    let recorded = &sandbox.requests()[0];
    let response = &shown["response"];
    assert_eq!(response["status"], 200);
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert!(body["code_url"].as_str().unwrap().starts_with("weixin://"));
    assert_eq!(
        response["body_length"],
        recorded.response_body().unwrap().len()
    );
    assert_eq!(response["is_cut"], false);
    let headers = recorded.response_headers().unwrap();
    let signature = headers["wechatpay-signature"].to_str().unwrap();
    assert_eq!(response["headers"]["wechatpay-signature"], signature);
    assert_eq!(shown["headers"]["content-type"], "application/json");
    for (wrong, status) in [("x", 400), ("99", 404), ("18446744073709551616", 400)] {
        assert_eq!(
            call(&sandbox, "GET", &format!("requests/{wrong}"), NONE).0,
            status
        );
    }
    sandbox.reset();
    assert_eq!(
        call(&sandbox, "GET", &format!("requests/{id}"), NONE).0,
        404
    );
}

#[test]
fn exchange_shows_the_fault_and_what_was_sent_with_it() {
    let (sandbox, _) = started();
    let client = sandbox.client_builder().retry(RetryPolicy::none());
    let client = client.build().unwrap();
    let events = sandbox.subscribe();
    for fault in [
        Fault::Hangup,
        Fault::LostResponse,
        Fault::Cut(5),
        Fault::Flood(3 << 20),
        Fault::BadSignature,
    ] {
        sandbox.inject(fault);
        query(&client, sandbox.mchid(), "none");
    }
    let row = |row: &Value| (row["fault"].clone(), row["status"].clone());
    let expected = [
        (json!("hangup"), NONE.clone()),
        (json!("lost_response"), NONE.clone()),
        (json!("cut"), json!(404)),
        (json!("flood"), json!(200)),
        (json!("bad_signature"), json!(404)),
    ];
    let rows = list(&sandbox, "brief=true");
    assert_eq!(rows.iter().map(row).collect::<Vec<_>>(), expected);
    let response = |at: usize| {
        let id = &rows[at]["id"];
        ok(&sandbox, "GET", &format!("requests/{id}"), NONE)["response"].clone()
    };
    assert_eq!((response(0), response(1)), (Value::Null, Value::Null));
    let cut = response(2);
    assert_eq!(
        (&cut["body"], &cut["is_cut"]),
        (&json!("{\"cod"), &json!(true))
    );
    let flood = response(3);
    assert_eq!(
        (&flood["body_length"], &flood["is_cut"]),
        (&json!(3 << 20), &json!(true))
    );
    // Subscribers learn of each, also if its connection was closed.
    let answered = std::iter::from_fn(|| events.try_next());
    let answered = answered.filter(|event| matches!(event, SandboxEvent::Answered(_)));
    assert_eq!(answered.count(), 5);
}

#[test]
fn brief_events_have_no_headers_and_bodies() {
    let (sandbox, client) = started();
    let mut reader = events::subscribe(&sandbox, "events?brief=true");
    prepay(&sandbox, &client, "tea-0001");
    sandbox.user_pays("tea-0001").unwrap();
    let row = &list(&sandbox, "brief=true")[0];
    let (name, mut request) = events::next(&mut reader);
    assert_eq!((&*name, &request["status"]), ("request", NONE));
    for field in ["took_ms", "status", "answer"] {
        request[field] = row[field].clone();
    }
    assert_eq!(&request, row);
    assert_eq!(events::next(&mut reader).0, "state");
    assert_eq!(
        events::next(&mut reader),
        ("answered".to_owned(), row.clone())
    );
    assert_eq!(events::next(&mut reader).0, "state");
    let (name, delivery) = events::next(&mut reader);
    assert_eq!(
        (&*name, &delivery["state"]),
        ("delivery", &json!("not_sent"))
    );
    let brief = &ok(&sandbox, "GET", "notifications?brief=true", NONE)["data"][0];
    assert_eq!(&delivery, brief);
    assert!(brief.get("body").is_none() && brief.get("resource").is_none());
}
