//! The configuration, the requests, the notifications, the clock and the reset.

use serde_json::{Value, json};
use wechatpay_chain::{
    Certificate, Client, PrivateKey, PublicKey,
    sandbox::{MerchantOptions, PlatformMode, Sandbox},
};

use super::{call, ok, post, prepay, started};
use crate::{
    fixtures::{
        scratch::Scratch,
        server::{MockResponse, Server},
    },
    sandbox::payments::orders::get,
};

const NONE: &Value = &Value::Null;

#[test]
fn configuration_makes_a_client_of_each_merchant() {
    let certificates = MerchantOptions::new("1900000111")
        .platform_mode(PlatformMode::Certificate)
        .brand("40000001");
    let sandbox = Sandbox::builder()
        .mchid("1900000222")
        .merchant(certificates)
        .start()
        .unwrap();
    let config = ok(&sandbox, "GET", "config", NONE);
    assert_eq!(config["base_uri"], sandbox.base_uri());
    assert_eq!(config["https_base_uri"], sandbox.https_base_uri().unwrap());
    assert_eq!(config["mchid"], sandbox.mchid());
    assert_eq!(
        config["ca_certificate"],
        sandbox.ca_certificate().unwrap().to_pem()
    );
    let merchants = config["merchants"].as_array().unwrap();
    assert_eq!(merchants.len(), 2);
    assert_eq!(merchants[0]["mchid"], sandbox.mchid());
    for merchant in merchants {
        let text = |name: &str| merchant[name].as_str().unwrap_or_else(|| panic!("{name}"));
        let mut builder = Client::builder()
            .base_uri(text("base_uri"))
            .no_proxy()
            .mchid(text("mchid"))
            .serial(text("serial"))
            .private_key(PrivateKey::from_pem(text("private_key")).unwrap())
            .apiv3_key(text("apiv3_key"));
        if let Some(id) = merchant["platform_key_id"].as_str() {
            builder = builder.platform_key(id, PublicKey::from_pem(text("platform_key")).unwrap());
        }
        for certificate in merchant["platform_certificates"].as_array().unwrap() {
            let pem = certificate.as_str().unwrap();
            builder = builder.platform_certificate(Certificate::from_pem(pem).unwrap());
        }
        let chain = builder.build().unwrap();
        let chain = chain.chain("v3/security/echo");
        chain
            .post(json!({ "json": { "echo_message": "hello" } }))
            .unwrap();
        assert!(text("certificate").contains("BEGIN CERTIFICATE"));
        assert_eq!(text("apiv2_key").len(), 32);
        assert!(merchant.get("files").is_none());
    }
    let one = ok(&sandbox, "GET", "config?mchid=1900000111", NONE);
    assert_eq!(one["merchants"].as_array().unwrap().len(), 1);
    assert_eq!(one["merchants"][0]["brand_id"], "40000001");
    assert_eq!(one["merchants"][0]["platform_key"], Value::Null);
    assert!(
        one["merchants"][0]["brand_private_key"]
            .as_str()
            .unwrap()
            .contains("PRIVATE KEY")
    );
    assert_eq!(call(&sandbox, "GET", "config?mchid=1", NONE).0, 404);
}

#[test]
fn configuration_names_exported_files() {
    let (sandbox, _) = started();
    let scratch = Scratch::new();
    sandbox.export(scratch.file("export")).unwrap();
    let config = ok(&sandbox, "GET", "config", NONE);
    let merchant = &config["merchants"][0];
    for name in [
        "private_key",
        "certificate",
        "ca_certificate",
        "platform_key",
    ] {
        let path = merchant["files"][name].as_str().unwrap();
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            merchant[name],
            "{name}"
        );
    }
}

#[test]
fn requests_are_listed_by_path_and_page_but_not_those_to_the_endpoints() {
    let (sandbox, client) = started();
    for number in 0..5 {
        prepay(&sandbox, &client, &format!("tea-000{number}"));
        let path = format!("v3/pay/transactions/out-trade-no/tea-000{number}");
        client
            .chain(path)
            .get(json!({ "query": { "mchid": sandbox.mchid() } }))
            .unwrap();
    }
    let list = |query: &str| ok(&sandbox, "GET", &format!("requests{query}"), NONE);
    let all = list("");
    let data = all["data"].as_array().unwrap();
    assert_eq!((data.len(), &all["has_more"]), (10, &json!(false)));
    assert_eq!(data[0]["path"], "/v3/pay/transactions/native");
    assert_eq!(data[0]["status"], 200);
    let body: Value = serde_json::from_str(data[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["out_trade_no"], "tea-0000");
    assert_eq!(data[0]["headers"]["content-type"], "application/json");

    let template = "v3/pay/transactions/out-trade-no/{out_trade_no}";
    let queries = list(&format!("?path={template}"));
    assert_eq!(queries["data"].as_array().unwrap().len(), 5);
    assert_eq!(queries["data"][4], data[9]);
    let latest = list("?limit=2");
    assert_eq!(latest["data"], json!([data[8], data[9]]));
    let after = list(&format!("?limit=3&after={}", data[4]["id"]));
    assert_eq!(after["data"], json!([data[5], data[6], data[7]]));
    assert_eq!(after["has_more"], true);
    let rest = list(&format!("?after={}", data[7]["id"]));
    assert_eq!(
        (&rest["data"], &rest["has_more"]),
        (&json!([data[8], data[9]]), &json!(false))
    );
    for wrong in ["?limit=0", "?limit=1001", "?limit=x", "?after=x"] {
        assert_eq!(
            call(&sandbox, "GET", &format!("requests{wrong}"), NONE).0,
            400,
            "{wrong}"
        );
    }
}

#[test]
fn notifications_are_redirected_until_that_ends() {
    let (sandbox, _) = started();
    let receiver = Server::start(|_| MockResponse::plain(204, ""));
    let wanted = json!({ "event_type": "REFUND.CLOSED" });
    let redirect = |url: Value| call(&sandbox, "POST", "notifications/redirect", &url);
    let url = format!("{}all", receiver.url());
    assert_eq!(redirect(json!({ "url": url })).0, 200);
    let sent = ok(&sandbox, "POST", "notifications", &wanted);
    sandbox.settle().unwrap();
    let delivery = sandbox.delivery(sent["id"].as_str().unwrap()).unwrap();
    assert!(delivery.is_acknowledged());
    assert_eq!(delivery.url(), url);

    let elsewhere = json!({ "url": "http://shop.example.com/" });
    assert_eq!(redirect(elsewhere).0, 400);
    // Who ends it may not be the one who has it now.
    let ended = redirect(json!({ "from": "http://127.0.0.1:9/" }));
    assert_eq!(ended, (200, json!({ "before": url })));
    let ended = redirect(json!({ "from": url }));
    assert_eq!(ended, (200, json!({ "before": url })));
    assert_eq!(redirect(json!({})), (200, json!({})));
    let (status, refused) = call(&sandbox, "POST", "notifications", &wanted);
    assert_eq!(status, 400, "{refused}");
}

#[test]
fn notifications_are_sent_listed_and_sent_again() {
    let (sandbox, _) = started();
    let receiver =
        Server::start(|_| MockResponse::plain(500, r#"{"code":"FAIL"}"#).header("X-Shop", "tea"));
    let url = format!("{}notify", receiver.url());
    let resource = json!({ "out_refund_no": "r-1" });
    let wanted = json!({ "event_type": "REFUND.CLOSED", "resource": resource, "url": url });
    let sent = ok(&sandbox, "POST", "notifications", &wanted);
    assert_eq!(sent["resource"]["out_refund_no"], "r-1");
    let id = sent["id"].as_str().unwrap();
    sandbox.settle().unwrap();
    let listed = ok(&sandbox, "GET", "notifications", NONE);
    let delivery = &listed["data"][0];
    assert_eq!(
        (&delivery["id"], &delivery["state"]),
        (&sent["id"], &json!("waiting"))
    );
    assert_eq!(delivery["url"], url);
    let attempt = &delivery["attempts"][0];
    assert_eq!(
        (&attempt["status"], &attempt["body"]),
        (&json!(500), &json!(r#"{"code":"FAIL"}"#))
    );
    assert_eq!(attempt["headers"]["x-shop"], "tea");
    assert!(attempt["sent_headers"]["wechatpay-signature"].is_string());
    assert!(attempt["at"].is_u64() && attempt["took_ms"].is_u64());

    let alone = ok(&sandbox, "GET", &format!("notifications/{id}"), NONE);
    assert_eq!(&alone, delivery);
    assert_eq!(call(&sandbox, "GET", "notifications/x", NONE).0, 404);

    ok(
        &sandbox,
        "POST",
        &format!("notifications/{id}/resend"),
        NONE,
    );
    sandbox.settle().unwrap();
    ok(
        &sandbox,
        "POST",
        &format!("notifications/{id}/duplicate"),
        NONE,
    );
    sandbox.settle().unwrap();
    assert_eq!(sandbox.delivery(id).unwrap().attempts().len(), 3);
    assert_eq!(
        call(&sandbox, "POST", "notifications/x/resend", NONE).0,
        404
    );

    let second = ok(&sandbox, "POST", "notifications", &wanted);
    let page = ok(&sandbox, "GET", &format!("notifications?after={id}"), NONE);
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
    assert_eq!(page["data"][0]["id"], second["id"]);
    let latest = ok(&sandbox, "GET", "notifications?limit=1", NONE);
    assert_eq!(latest["data"][0]["id"], second["id"]);
    assert_eq!(call(&sandbox, "GET", "notifications?after=x", NONE).0, 400);

    for (wrong, expected) in [
        (json!({ "event_type": "REFUND.CLOSED" }), "no URL"),
        (
            json!({ "event_type": "REFUND.CLOSE", "url": url }),
            "REFUND.CLOSED",
        ),
    ] {
        let (status, refused) = call(&sandbox, "POST", "notifications", &wrong);
        let message = refused["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(expected), "{message}");
    }
}

#[test]
fn notification_is_of_the_merchant_that_is_named() {
    let sandbox = Sandbox::builder()
        .merchant(MerchantOptions::new("1900000111").partner_of(["1900000112"]))
        .start()
        .unwrap();
    let wanted = json!({ "event_type": "REFUND.SUCCESS", "url": "http://127.0.0.1:9/n" });
    let sent = ok(&sandbox, "POST", "notifications?mchid=1900000111", &wanted);
    assert_eq!(sent["mchid"], "1900000111");
    let (status, refused) = call(&sandbox, "POST", "notifications?mchid=1900000112", &wanted);
    assert_eq!(status, 404, "a sub-merchant has no keys: {refused}");
    let listed = |mchid: &str| {
        let listed = ok(
            &sandbox,
            "GET",
            &format!("notifications?mchid={mchid}"),
            NONE,
        );
        listed["data"].as_array().unwrap().len()
    };
    assert_eq!((listed("1900000111"), listed(sandbox.mchid())), (1, 0));
}

#[test]
fn clock_moves_ahead_and_reset_returns_to_the_start() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    prepay(&sandbox, &client, "tea-0001");
    sandbox.user_pays("tea-0001").unwrap();
    let refund = json!({
        "out_trade_no": "tea-0001", "out_refund_no": "r-1",
        "amount": { "refund": 10, "total": 100, "currency": "CNY" },
    });
    post(&client, "v3/refund/domestic/refunds", refund).unwrap();
    let now = |by: u64| {
        let body = json!({ "advance_s": by });
        ok(&sandbox, "POST", "clock", &body)["now"]
            .as_u64()
            .unwrap()
    };
    let start = now(0);
    let status = || {
        let refund = get(&client, "v3/refund/domestic/refunds/r-1", json!({}));
        refund.unwrap()["status"].clone()
    };
    assert_eq!(status(), "PROCESSING");
    assert!(now(60) >= start + 60);
    assert_eq!(status(), "SUCCESS");
    assert!(now(86_400) >= start + 86_460);
    let clock = ok(&sandbox, "GET", "clock", NONE);
    assert_eq!(clock["ahead_s"], 86_460);
    assert!(clock["now"].as_u64().unwrap() >= start + 86_460);
    ok(&sandbox, "POST", "reset", NONE);
    assert_eq!(sandbox.orders(), []);
    assert!(now(0) < start + 86_400);
    assert!(sandbox.requests().is_empty());
}

#[test]
fn held_notifications_wait_for_their_release() {
    let (sandbox, _) = started();
    let receiver = Server::start(|_| MockResponse::plain(204, ""));
    let is_held = || ok(&sandbox, "GET", "notifications/held", NONE)["is_held"].clone();
    assert_eq!(is_held(), json!(false));
    ok(&sandbox, "POST", "notifications/hold", NONE);
    assert_eq!(is_held(), json!(true));

    let wanted = json!({ "event_type": "REFUND.CLOSED", "url": receiver.url() });
    let sent = ok(&sandbox, "POST", "notifications", &wanted);
    let path = format!("notifications/{}", sent["id"].as_str().unwrap());
    sandbox.settle().unwrap();
    assert_eq!(ok(&sandbox, "GET", &path, NONE)["state"], "held");

    let release = |order: &str| {
        let body = json!({ "order": order });
        call(&sandbox, "POST", "notifications/release", &body)
    };
    let (status, refused) = release("sorted");
    let message = refused["message"].as_str().unwrap();
    assert!(status == 400 && message.contains("reversed"), "{message}");
    assert_eq!(is_held(), json!(true));
    assert_eq!(release("reversed").0, 200);
    sandbox.settle().unwrap();
    assert_eq!(is_held(), json!(false));
    assert_eq!(ok(&sandbox, "GET", &path, NONE)["state"], "acknowledged");
}
