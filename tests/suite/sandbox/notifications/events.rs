//! What notifications say: every documented one, opened by this library and by node.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use wechatpay_chain::{
    ErrorKind, Notification, Result,
    catalog::{self, Fields, Kind},
    sandbox::{MerchantOptions, PlatformMode, Rotation, Sandbox},
};

use crate::fixtures::{
    programs,
    server::{MockResponse, Request, Server},
};

fn receiver() -> Server {
    Server::start(|_| MockResponse::plain(200, "<xml><return_code>SUCCESS</return_code></xml>"))
}

fn open(sandbox: &Sandbox, request: &Request) -> Result<Notification> {
    let notifications = sandbox.notifications_builder().build().expect("the keys");
    let headers = request.headers.iter().map(|(name, value)| (name, value));
    notifications.receive(headers, &request.body)
}

/// Sends an event and returns the request that arrived.
fn sent(sandbox: &Sandbox, receiver: &Server, event: &str, resource: Value) -> Request {
    let before = receiver.requests().len();
    let url = format!("{}notify", receiver.url());
    let delivery = sandbox.notify_to(sandbox.mchid(), event, resource, &url);
    let id = delivery
        .unwrap_or_else(|err| panic!("{event}: {err}"))
        .id()
        .to_owned();
    sandbox.settle().expect("a receiver on another thread");
    let delivery = sandbox.delivery(&id).expect("the delivery");
    assert!(delivery.is_acknowledged(), "{event}: {delivery:?}");
    let mut requests = receiver.requests();
    assert_eq!(requests.len(), before + 1, "{event}");
    requests.remove(before)
}

/// Panics unless every required field is there with its documented type. Returns how many were checked.
fn check(event: &str, fields: Fields, given: &Map<String, Value>, is_v2: bool) -> usize {
    let mut checked = 0;
    for field in fields.iter().filter(|field| field.is_required()) {
        let name = field.name();
        let value = given
            .get(name)
            .unwrap_or_else(|| panic!("{event} has no {name}: {given:?}"));
        let one = match value {
            Value::Array(items) if field.kind().is_list() => &items[0],
            one => one,
        };
        let kind = field.kind().item().unwrap_or(field.kind());
        let fits = match kind {
            Kind::Object => one.is_object(),
            Kind::Integer | Kind::Number if !is_v2 => one.is_number(),
            Kind::Boolean => one.is_boolean(),
            _ => one.as_str().is_some_and(|text| !text.is_empty()),
        };
        assert!(fits, "{event}: {name} is {one}, not {kind}");
        checked += 1;
        if let Value::Object(inner) = one {
            checked += check(event, field.fields(), inner, is_v2);
        }
    }
    checked
}

#[test]
fn each_documented_notification_arrives_and_opens() {
    let receiver = receiver();
    let sandbox = Sandbox::start().unwrap();
    let (mut checked, mut types) = (0, BTreeSet::new());
    assert_eq!(catalog::events().len(), 115);
    for event in catalog::events() {
        let is_v2 = event.version() == "v2";
        let name = format!("{}/{}", event.version(), event.name());
        let request = sent(&sandbox, &receiver, &name, json!({}));
        let notification = open(&sandbox, &request).unwrap_or_else(|err| panic!("{name}: {err}"));
        assert_eq!(notification.is_v2(), is_v2);
        assert_eq!(notification.mchid(), Some(sandbox.mchid()), "{name}");
        let resource = notification.resource_json().as_object().expect("fields");
        if is_v2 {
            let outer = notification.envelope().as_object().expect("fields");
            let is_refund = event.name() == "refund-processed";
            assert_eq!(
                notification.verification().is_verified(),
                !is_refund,
                "{name}"
            );
            checked += check(&name, event.fields(), outer, true);
            for inner in event
                .fields()
                .iter()
                .filter(|field| field.sealed().is_some())
            {
                checked += check(&name, inner.fields(), resource, true);
                assert!(!resource.is_empty(), "{name}");
            }
            continue;
        }
        let event_types = event.event_types();
        let sent_as = notification.event_type();
        assert!(
            event_types.contains(&sent_as) || event_types.is_empty() && sent_as == event.name()
        );
        let original = event.original_types().first().copied().unwrap_or_default();
        assert_eq!(notification.original_type(), original, "{name}");
        types.insert(sent_as.to_owned());
        // Its table is of several forms at once: see the next test.
        if event.name() != "TRANSACTION.SUCCESS" {
            checked += check(&name, event.fields(), resource, false);
        }
        // A page with a table gives at least one field.
        assert_eq!(resource.is_empty(), event.fields().is_empty(), "{name}");
    }
    assert_eq!(types.len(), 105);
    assert!(checked > 500, "{checked} fields");
}

#[test]
fn payment_has_the_form_that_is_asked_for() {
    let receiver = receiver();
    let sandbox = Sandbox::start().unwrap();
    let resource = |given: Value| {
        let request = sent(&sandbox, &receiver, "TRANSACTION.SUCCESS", given);
        let notification = open(&sandbox, &request).expect("a notification");
        (
            notification.original_type().to_owned(),
            notification.resource_json().clone(),
        )
    };
    let (kind, direct) = resource(json!({ "out_trade_no": "a", "amount": { "total": 7 } }));
    assert_eq!(
        (&*kind, &direct["out_trade_no"]),
        ("transaction", &json!("a"))
    );
    assert_eq!(direct["mchid"], sandbox.mchid());
    assert_eq!(direct["trade_state"], "SUCCESS");
    assert_eq!(direct["amount"]["total"], 7);
    assert_eq!(direct["transaction_id"].as_str().unwrap().len(), 28);
    assert!(direct["payer"]["openid"].is_string());
    assert!(direct.get("sp_mchid").is_none() && direct.get("receiver").is_none());

    let (kind, partner) = resource(json!({ "sub_mchid": "1900000199" }));
    assert_eq!(
        (&*kind, &partner["sub_mchid"]),
        ("transaction", &json!("1900000199"))
    );
    assert_eq!(partner["sp_mchid"], sandbox.mchid());

    let (_, combined) = resource(json!({ "combine_out_trade_no": "c" }));
    assert_eq!(combined["combine_mchid"], sandbox.mchid());
    assert!(combined["sub_orders"].is_array(), "{combined}");

    let (kind, sharing) = resource(json!({ "receiver": { "amount": 5 } }));
    assert_eq!(
        (&*kind, &sharing["receiver"]["amount"]),
        ("profitsharing", &json!(5))
    );
    assert_eq!(sharing["receiver"]["type"], "MERCHANT_ID");
    assert_eq!(sharing["receiver"]["account"], sandbox.mchid());
}

#[test]
fn given_fields_win_and_amounts_agree() {
    let receiver = receiver();
    let sandbox = Sandbox::start().unwrap();
    let given =
        json!({ "out_refund_no": "r", "amount": { "refund": 3, "total": 10 }, "extra": [1] });
    let request = sent(&sandbox, &receiver, "REFUND.ABNORMAL", given);
    let notification = open(&sandbox, &request).unwrap();
    let refund = notification.resource_json();
    assert_eq!(refund["out_refund_no"], "r");
    assert_eq!(refund["refund_status"], "ABNORMAL");
    assert_eq!(
        (&refund["amount"]["refund"], &refund["amount"]["total"]),
        (&json!(3), &json!(10))
    );
    assert_eq!(refund["amount"]["payer_refund"], 3);
    assert_eq!(refund["extra"], json!([1]));
    assert_eq!(notification.summary(), "退款异常");
    assert_eq!(notification.resource_type(), "encrypt-resource");
}

#[test]
fn unknown_event_is_refused_with_the_nearest() {
    let sandbox = Sandbox::start().unwrap();
    sandbox
        .redirect_notifications(Some("http://127.0.0.1:9/"))
        .unwrap();
    let refused =
        |event: &str, resource: Value| sandbox.notify(event, resource).unwrap_err().to_string();
    let text = refused("REFUND.SUCESS", json!({}));
    assert!(text.contains("`REFUND.SUCCESS`"), "{text}");
    // Also where its URL is set: otherwise the test would wait for ever.
    let shop = MerchantOptions::new("1900000110").notify_url("PROFITSHARING.SUCESS", "http://x");
    let text = sandbox.add_merchant(shop).unwrap_err().to_string();
    assert!(text.contains("`PROFITSHARING.SUCCESS`"), "{text}");
    let text = refused("v2/REFUND.SUCCESS", json!({}));
    assert!(text.contains("not documented"), "{text}");
    let text = refused("REFUND.SUCCESS", json!([1]));
    assert!(text.contains("expected an object"), "{text}");
    sandbox.redirect_notifications(None).unwrap();
    let text = refused("REFUND.SUCCESS", json!({}));
    assert!(text.contains("no URL"), "{text}");
    assert!(sandbox.deliveries().is_empty());
}

#[test]
fn event_goes_to_its_configured_url() {
    let receiver = receiver();
    let url = |path: &str| format!("{}{path}", receiver.url());
    let sandbox = Sandbox::builder()
        .notify_url("COUPON.USE", url("coupons"))
        .notify_url("*", url("others"))
        .start()
        .unwrap();
    for event in ["COUPON.USE", "REFUND.SUCCESS"] {
        sandbox.notify(event, json!({})).unwrap();
        sandbox.settle().unwrap();
    }
    let paths: Vec<_> = receiver
        .requests()
        .iter()
        .map(|request| request.target.clone())
        .collect();
    assert_eq!(paths, ["/coupons", "/others"]);
}

#[test]
fn notification_does_not_open_with_the_keys_of_another_merchant_or_sandbox() {
    let receiver = receiver();
    let (sandbox, other) = (Sandbox::start().unwrap(), Sandbox::start().unwrap());
    let shop = sandbox
        .add_merchant(MerchantOptions::new("1900000109"))
        .unwrap();
    let request = sent(&sandbox, &receiver, "REFUND.SUCCESS", json!({}));
    let err = open(&other, &request).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::UnknownKey);
    let headers = request.headers.iter().map(|(name, value)| (name, value));
    let by_shop = shop.notifications_builder().build().unwrap();
    let err = by_shop.receive(headers, &request.body).unwrap_err();
    assert!(err.to_string().contains("decrypt"), "{err}");
}

/// Opens notifications with node's crypto, which is OpenSSL's, and returns their clear texts.
const NODE: &str = "
    return input.all.map(({ headers, body }) => {
        if (!body.startsWith('<')) {
            const message = `${headers['wechatpay-timestamp']}\\n${headers['wechatpay-nonce']}\\n${body}\\n`;
            const verifies = crypto.createVerify('RSA-SHA256').update(message)
                .verify(input.platform, headers['wechatpay-signature'], 'base64');
            if (!verifies) throw new Error('signature');
            const { resource } = JSON.parse(body);
            const clear = JSON.parse(gcm(resource.nonce, resource.associated_data, resource.ciphertext));
            for (const name of ['phone_number', 'user_name']) {
                if (clear[name]) clear[name] = crypto.privateDecrypt({ key: input.merchant,
                    padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
                    Buffer.from(clear[name], 'base64')).toString();
            }
            return clear;
        }
        const fields = xml(body);
        if (fields.req_info) {
            const key = crypto.createHash('md5').update(input.apiv2).digest('hex');
            const cipher = crypto.createDecipheriv('aes-256-ecb', key, null);
            const text = Buffer.concat([cipher.update(fields.req_info, 'base64'), cipher.final()]).toString();
            return { ...xml(text), sign_type: 'none' };
        }
        const text = Object.keys(fields).filter(name => name !== 'sign' && fields[name]).sort()
            .map(name => `${name}=${fields[name]}`).join('&') + `&key=${input.apiv2}`;
        const hash = fields.sign.length === 64
            ? crypto.createHmac('sha256', input.apiv2) : crypto.createHash('md5');
        if (hash.update(text).digest('hex').toUpperCase() !== fields.sign) throw new Error('sign');
        const clear = fields.event_ciphertext && JSON.parse(
            gcm(fields.event_nonce, fields.event_associated_data || '', fields.event_ciphertext));
        return { ...fields, ...clear, sign_type: fields.sign.length === 64 ? 'HMAC-SHA256' : 'MD5' };
    });
    function gcm(nonce, aad, base64) {
        const bytes = Buffer.from(base64, 'base64');
        const cipher = crypto.createDecipheriv('aes-256-gcm', input.apiv3, nonce);
        cipher.setAAD(Buffer.from(aad));
        cipher.setAuthTag(bytes.subarray(-16));
        return Buffer.concat([cipher.update(bytes.subarray(0, -16)), cipher.final()]).toString();
    }
    function xml(text) {
        const fields = {};
        const element = /<(\\w+)>(?:<!\\[CDATA\\[(.*?)\\]\\]>|([^<]*))<\\/\\1>/gs;
        for (const [, name, data, plain] of text.replace(/^<(xml|root)>/, '').matchAll(element))
            fields[name] = data ?? plain;
        return fields;
    }";

#[test]
fn one_notification_of_each_kind_opens_in_node() {
    if programs::missing() {
        return;
    }
    let receiver = receiver();
    let sandbox = Sandbox::start().unwrap();
    let kinds = [
        (
            "TRANSACTION.SUCCESS",
            json!({ "description": "茶 \"&<" }),
            "description",
            "茶 \"&<",
        ),
        (
            "MEMBERCARD.ACCEPT_CARD",
            json!({ "phone_number": "13800138000" }),
            "phone_number",
            "13800138000",
        ),
        (
            "MCHTRANSFER.QQWALLETBILL.FINISHED",
            json!({ "user_name": "张三" }),
            "user_name",
            "张三",
        ),
        // Without an original type, so without associated data.
        (
            "PAPAY.SIGN",
            json!({ "contract_id": "c" }),
            "contract_id",
            "c",
        ),
        (
            "transaction-success",
            json!({ "attach": "a&b<c>" }),
            "sign_type",
            "MD5",
        ),
        (
            "transaction-success",
            json!({ "sign_type": "HMAC-SHA256" }),
            "sign_type",
            "HMAC-SHA256",
        ),
        (
            "transactions-risk-occurred",
            json!({}),
            "sign_type",
            "HMAC-SHA256",
        ),
        (
            "CHECK.SUCCESS",
            json!({ "goods_name": "茶" }),
            "goods_name",
            "茶",
        ),
        (
            "refund-processed",
            json!({ "out_refund_no": "r" }),
            "out_refund_no",
            "r",
        ),
    ];
    let all: Vec<_> = kinds
        .iter()
        .map(|(event, given, ..)| {
            let request = sent(&sandbox, &receiver, event, given.clone());
            let headers = request
                .headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), Value::from(value.as_str())));
            let headers: Map<_, _> = headers.collect();
            json!({ "headers": headers, "body": String::from_utf8(request.body).expect("text") })
        })
        .collect();
    let clear = programs::node(
        NODE,
        &json!({
            "all": all, "platform": sandbox.platform_key_pem(),
            "merchant": sandbox.private_key_pem().unwrap(),
            "apiv3": sandbox.apiv3_key(), "apiv2": sandbox.apiv2_key(),
        }),
    );
    for (at, (event, _, field, expected)) in kinds.iter().enumerate() {
        assert_eq!(clear[at][field], *expected, "{event}: {}", clear[at]);
    }
}

#[test]
fn paid_order_notifies_the_url_of_its_request() {
    let receiver = receiver();
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let request = json!({ "json": {
        "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "A cup of tea",
        "out_trade_no": "tea-0001", "notify_url": format!("{}paid", receiver.url()),
        "amount": { "total": 100, "currency": "CNY" },
    }});
    client
        .chain("v3/pay/transactions/native")
        .post(request)
        .unwrap();
    sandbox.user_pays("tea-0001").unwrap();
    sandbox.settle().unwrap();
    let request = receiver.only_request();
    assert_eq!(request.path(), "/paid");
    let notification = client
        .notification(
            request.headers.iter().map(|(name, value)| (name, value)),
            &request.body,
        )
        .unwrap();
    assert_eq!(notification.event_type(), "TRANSACTION.SUCCESS");
    let paid = notification.resource_json();
    assert_eq!(
        (&paid["out_trade_no"], &paid["amount"]["total"]),
        (&json!("tea-0001"), &json!(100))
    );
    let query = json!({ "out_trade_no": "tea-0001", "query": { "mchid": sandbox.mchid() } });
    let order = client
        .chain("v3/pay/transactions/out-trade-no/{out_trade_no}")
        .get(query)
        .unwrap();
    let order: Value = order.json().unwrap();
    assert_eq!(order["transaction_id"], paid["transaction_id"]);
    let [delivery] = &sandbox.deliveries()[..] else {
        panic!("one notification");
    };
    assert_eq!(delivery.id(), notification.id());
}

#[test]
fn notification_is_signed_by_the_key_of_the_mode() {
    let receiver = receiver();
    let sandbox = Sandbox::builder()
        .platform_mode(PlatformMode::Certificate)
        .start()
        .unwrap();
    let mchid = sandbox.mchid().to_owned();
    let mut serials = BTreeSet::new();
    for change in [None, Some(Rotation::New)] {
        if let Some(effective) = change {
            sandbox.rotate_certificates(&mchid, effective).unwrap();
        }
        let request = sent(&sandbox, &receiver, "REFUND.SUCCESS", json!({}));
        open(&sandbox, &request).expect("the effective certificate");
        let serial = request.header("wechatpay-serial").unwrap();
        assert!(!serial.starts_with("PUB_KEY_ID"), "{serial}");
        serials.insert(serial.to_owned());
    }
    assert_eq!(serials.len(), 2);
    sandbox
        .platform_mode(&mchid, PlatformMode::PublicKey)
        .unwrap();
    let request = sent(&sandbox, &receiver, "REFUND.SUCCESS", json!({}));
    open(&sandbox, &request).expect("the public key");
    assert_eq!(
        request.header("wechatpay-serial"),
        Some(sandbox.platform_key_id())
    );
}
