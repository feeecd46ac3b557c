//! What the documents say about a request in the log, and its sealed fields.

use serde_json::{Value, json};
use wechatpay_chain::{Client, Media, Options};

use super::{latest, prepay, started};

fn row<'v>(documents: &'v Value, name: &str) -> &'v Value {
    let rows = documents["fields"].as_array().unwrap();
    let mut named = rows.iter().filter(|row| row["name"] == name);
    named.next().unwrap_or_else(|| panic!("no {name}"))
}

fn problems(documents: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let problems = documents["problems"].as_array().unwrap().iter();
    problems
        .map(|problem| {
            assert!(problem["message"].is_string() && problem["message_zh"].is_string());
            (text(&problem["field"]), text(&problem["kind"]))
        })
        .collect()
}

#[test]
fn documented_fields_are_shown_with_values_and_problems() {
    let (sandbox, client) = started();
    let order = json!({
        "appid": sandbox.appid(), "mchid": sandbox.mchid(), "descripton": "<b>tea</b>",
        "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
        "amount": { "total": "100" },
        "detail": { "goods_detail": [{ "merchant_goods_id": "1", "quantity": 1, "unit_price": 1.5 }] },
    });
    let _ = client
        .chain("v3/pay/transactions/native")
        .post(json!({ "json": order }));
    let documents = latest(&sandbox)["documents"].clone();
    assert_eq!(documents["title"], "Native下单");
    assert_eq!(documents["template"], "v3/pay/transactions/native");
    assert_eq!(documents["method"], "POST");
    let appid = json!({
        "name": "appid", "place": "body", "type": "string", "required": true, "is_given": true,
        "value": sandbox.appid(),
    });
    assert_eq!(row(&documents, "appid"), &appid);
    let total = row(&documents, "amount.total");
    assert_eq!(
        (&total["type"], &total["value"]),
        (&json!("integer"), &json!("100"))
    );
    let absent = row(&documents, "description");
    assert_eq!(
        (&absent["required"], &absent["is_given"]),
        (&json!(true), &json!(false))
    );
    let price = row(&documents, "detail.goods_detail[].unit_price");
    assert!(price["type"] == "integer" && price.get("value").is_none());
    let named = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    let found = problems(&documents);
    // The first is what the sandbox refused.
    assert_eq!(found[0], named("amount.total", "refused"));
    for expected in [
        named("descripton", "unknown"),
        named("amount.total", "type"),
        named("detail.goods_detail[].unit_price", "type"),
    ] {
        assert!(found.contains(&expected), "{expected:?}: {found:?}");
    }
    let response = documents["response_fields"].as_array().unwrap();
    assert!(response.iter().any(|row| row["name"] == "code_url"));

    // With what the page of another product has.
    prepay(&sandbox, &client, "tea-0002");
    let found = problems(&latest(&sandbox)["documents"]);
    let unknown = ["payer.openid", "scene_info.h5_info"];
    assert_eq!(found, unknown.map(|name| named(name, "unknown")));
}

#[test]
fn variables_queries_uploads_and_apiv2_are_read() {
    let (sandbox, client) = started();
    let get = |query: Value| {
        let chain = client.chain("v3/pay/transactions/out-trade-no/<out_trade_no>");
        let _ = chain.get(json!({ "out_trade_no": "tea/1", "query": query }));
        latest(&sandbox)["documents"].clone()
    };
    let documents = get(json!({ "mchid": sandbox.mchid() }));
    let number = row(&documents, "out_trade_no");
    assert_eq!(
        (&number["place"], &number["value"]),
        (&json!("path"), &json!("tea/1"))
    );
    let mchid = row(&documents, "mchid");
    assert_eq!(
        (&mchid["place"], &mchid["value"]),
        (&json!("query"), &json!(sandbox.mchid()))
    );
    assert_eq!(problems(&documents), []);
    let documents = get(json!({ "mchld": "1" }));
    assert!(problems(&documents).contains(&("mchld".to_owned(), "unknown".to_owned())));

    let media = Options::new().media(Media::from_bytes("a.png", "png"));
    client
        .chain("v3/merchant/media/upload")
        .post(media)
        .unwrap();
    let documents = latest(&sandbox)["documents"].clone();
    assert_eq!(row(&documents, "meta.filename")["value"], "a.png");
    assert_eq!(problems(&documents), []);

    let v2 = sandbox.client_builder().apiv2_key(sandbox.apiv2_key());
    let v2: Client = v2.build().unwrap();
    let query = json!({ "xml": { "appid": sandbox.appid(), "mch_id": sandbox.mchid(), "out_trade_no": "x" } });
    let _ = v2.chain("v2/pay/orderquery").post(query);
    let documents = latest(&sandbox)["documents"].clone();
    assert_eq!(documents["template"], "v2/pay/orderquery");
    assert_eq!(row(&documents, "out_trade_no")["value"], "x");
    assert_eq!(problems(&documents), []);

    let _ = client.chain("v3/no/such").get(());
    let shown = latest(&sandbox);
    assert_eq!(shown["documents"], Value::Null);
    assert_eq!(shown["decrypted"], json!({ "request": {}, "response": {} }));
}

#[test]
fn sealed_fields_of_both_sides_are_opened() {
    let (sandbox, client) = started();
    let add = |options: Options| {
        let _ = client.chain("v3/profitsharing/receivers/add").post(options);
        latest(&sandbox)["decrypted"]["request"].clone()
    };
    let receiver = json!({
        "appid": sandbox.appid(), "type": "MERCHANT_ID", "account": "1900000110",
        "relation_type": "STORE", "name": "茶叶店",
    });
    let options = || Options::from(json!({ "json": receiver }));
    assert_eq!(
        add(options().encrypt(["/name"])),
        json!({ "name": "茶叶店" })
    );
    // In clear text there is nothing to open.
    assert_eq!(add(options()), json!({ "name": null }));

    prepay(&sandbox, &client, "tea-0001");
    sandbox.user_pays("tea-0001").unwrap();
    let id = sandbox.user_complains("tea-0001", "cold").unwrap();
    let chain = client.chain("v3/merchant-service/complaints-v2/{complaint_id}");
    let complaint: Value = chain
        .get(json!({ "complaint_id": id }))
        .unwrap()
        .json()
        .unwrap();
    let sealed = complaint["payer_phone"].as_str().unwrap();
    let decrypted = latest(&sandbox)["decrypted"]["response"].clone();
    assert_eq!(
        decrypted,
        json!({ "payer_phone": client.decrypt(sealed).unwrap() })
    );
}
