//! The sandbox's uploads and bills.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{BillRows, Client, Media, Options, Outcome, sandbox::Sandbox};

fn sandbox() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

#[test]
fn upload_must_match_its_meta() {
    let (_sandbox, client) = sandbox();
    let image = || Media::from_bytes("微.PNG", vec![7; 70_000]);
    let upload = |media: Media| {
        client
            .chain("v3/merchant/media/upload")
            .post(Options::new().media(media))
    };
    let id: Value = upload(image()).unwrap().json().unwrap();
    assert_eq!(id["media_id"].as_str().map(str::len), Some(64));
    for (media, code) in [
        (image().meta_field("sha256", "00".repeat(32)), "PARAM_ERROR"),
        (image().filename("a.gif"), "PARAM_ERROR"),
        (image().meta(json!({})), "PARAM_ERROR"),
        (image().meta(json!([])), "PARAM_ERROR"),
        (
            Media::from_bytes("a.png", vec![0; (2 << 20) + 1]),
            "INVALID_REQUEST",
        ),
    ] {
        let err = upload(media).unwrap_err();
        assert_eq!(err.api().expect("a response").code(), code, "{err}");
        assert_eq!(err.outcome(), Outcome::Rejected);
    }
    let chain = client.chain("v3/merchant/media/upload");
    let err = chain
        .post(json!({ "json": { "filename": "a.png" } }))
        .unwrap_err();
    assert_eq!(err.api().expect("a response").code(), "PARAM_ERROR");
}

#[test]
fn bill_is_available_the_next_day_for_five_minutes() {
    let (sandbox, client) = sandbox();
    client
        .chain("v3/pay/transactions/native")
        .post(json!({ "json": {
            "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "茶, 一杯",
            "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
            "amount": { "total": 1205 },
        }}))
        .unwrap();
    sandbox.user_pays("tea-0001").unwrap();
    let order: Value = client
        .chain("v3/pay/transactions/out-trade-no/tea-0001")
        .get(json!({ "query": { "mchid": sandbox.mchid() } }))
        .unwrap()
        .json()
        .unwrap();
    let day = &order["success_time"].as_str().unwrap()[..10];
    let chain = client.chain("v3/bill/tradebill");
    let code = |day: &str| {
        let err = chain
            .download(json!({ "query": { "bill_date": day } }))
            .unwrap_err();
        err.api().expect("a response").code().to_owned()
    };
    assert_eq!(code(day), "PARAM_ERROR");
    assert_eq!(code("20190611"), "PARAM_ERROR");
    assert_eq!(code("2019-06-11"), "NO_STATEMENT_EXIST");

    sandbox.advance(Duration::from_secs(24 * 3600));
    for tar_type in [Value::Null, json!("GZIP")] {
        let options = json!({ "query": { "bill_date": day, "tar_type": tar_type } });
        let bill = chain.download(options).unwrap();
        let rows = BillRows::new(&bill.bytes()[..])
            .unwrap()
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].get("商品名称"), Some("茶, 一杯"));
        assert_eq!(rows[0].fen("应结订单金额").unwrap(), 1205);
    }
    let bill: Value = chain
        .get(json!({ "query": { "bill_date": day } }))
        .unwrap()
        .json()
        .unwrap();
    let url = bill["download_url"].as_str().unwrap();
    client.chain(url).get(()).unwrap();
    sandbox.advance(Duration::from_secs(300));
    assert_eq!(
        client.chain(url).get(()).unwrap_err().api().unwrap().code(),
        "NO_AUTH"
    );
}
