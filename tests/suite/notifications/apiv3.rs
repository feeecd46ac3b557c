//! APIv3 notifications made by node: genuine ones are accepted, altered ones are refused.

use std::{collections::HashSet, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use wechatpay_chain::{Ack, Error, Notifications, Verification, Verifier};

use super::node::{
    APIV2_KEY, APIV3_KEY, APPID, Case, Delivery, altered, envelope, genuine, now, receiver, send,
    transaction,
};
use crate::fixtures::{
    keys::{MCHID, PLATFORM_ID, builder, merchant, platform},
    programs,
};

#[test]
fn genuine_notification_is_accepted_with_and_without_a_client() {
    if programs::missing() {
        return;
    }
    let sent = genuine();
    let client = builder().build().unwrap();
    let mut map = http::HeaderMap::new();
    for (name, value) in &sent.headers {
        let name = http::HeaderName::try_from(name).unwrap();
        map.append(name, value.parse().unwrap());
    }
    let asynchronous = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(async { tokio::spawn(client.notification_async(&map, &sent.body)).await })
        .unwrap();
    for notification in [
        client.notification(&map, &sent.body),
        asynchronous,
        sent.receive(&receiver()),
        sent.receive(&client.notifications()),
    ] {
        let notification = notification.unwrap();
        assert_eq!(notification.id(), "EV-2018022511223320873");
        assert_eq!(notification.event_type(), "TRANSACTION.SUCCESS");
        assert_eq!(notification.create_time(), "2015-05-20T13:29:35+08:00");
        assert_eq!(notification.resource_type(), "encrypt-resource");
        assert_eq!(notification.summary(), "支付成功");
        assert_eq!(*notification.resource_json(), transaction());
        assert_eq!(notification.resource_text(), transaction().to_string());
        assert_eq!(notification.envelope()["resource"]["nonce"], "fdasflkja484");
        let verification = notification.verification();
        assert!(matches!(verification, Verification::Verified { .. }));
        assert_eq!(verification.serial(), Some(PLATFORM_ID));
        assert!(!notification.is_v2());
        assert!(notification.time_left() > Duration::from_secs(1));
        assert_eq!(notification.ack(), Ack::success());
        let debug = format!("{notification:?}");
        assert!(!debug.contains("oUpF8") && !debug.contains("1217752501"));
    }
}

#[test]
fn kept_notification_is_judged_by_the_time_when_it_arrived() {
    if programs::missing() {
        return;
    }
    const ARRIVED: u64 = 1_700_000_000;
    let kept = send(
        envelope(),
        &transaction().to_string(),
        platform(),
        ARRIVED - 3,
    );
    let at = |seconds: u64| std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    let headers = || kept.headers.iter().map(|(name, value)| (name, value));
    let receiver = receiver();
    assert!(kept.receive(&receiver).unwrap_err().is_clock_skew());

    let opened = receiver.receive_at(at(ARRIVED), headers(), &kept.body);
    assert_eq!(opened.unwrap().event_type(), "TRANSACTION.SUCCESS");
    let opened = receiver.receive_at_async(at(ARRIVED), headers(), &kept.body);
    let opened = tokio::runtime::Runtime::new().unwrap().block_on(opened);
    assert_eq!(opened.unwrap().event_type(), "TRANSACTION.SUCCESS");

    let late = receiver.receive_at(at(ARRIVED + 600), headers(), &kept.body);
    assert!(late.unwrap_err().is_clock_skew());
    let altered = receiver.receive_at(at(ARRIVED), headers(), b"{}");
    assert!(altered.unwrap_err().is_verification());
}

#[test]
fn resource_deserializes_into_the_requested_type() {
    if programs::missing() {
        return;
    }
    #[derive(serde::Deserialize)]
    struct Transaction {
        out_trade_no: String,
        amount: Amount,
    }
    #[derive(serde::Deserialize)]
    struct Amount {
        total: u64,
    }
    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code)]
    struct Other {
        payer: u64,
    }
    let notification = genuine().receive(&receiver()).unwrap();
    let transaction = notification.resource::<Transaction>().unwrap();
    assert_eq!(transaction.out_trade_no, "1217752501201407033233368018");
    assert_eq!(transaction.amount.total, 100);
    let err = notification.resource::<Other>().unwrap_err();
    assert!(err.is_decode());
    assert!(!format!("{err} {err:?}").contains("oUpF8"), "{err:?}");
}

#[test]
fn each_alteration_has_its_own_error() {
    if programs::missing() {
        return;
    }
    let original = genuine();
    let resource = transaction().to_string();
    let set = |name: &str, value: &str| original.clone().set(name, value);
    let other = |field: &str, value: Value| {
        let mut resource = transaction();
        resource[field] = value;
        send(envelope(), &resource.to_string(), platform(), now())
    };
    let with_resource = |resource: &str| send(envelope(), resource, platform(), now());
    let in_resource = |field: &str, value: Value| altered(|all| all["resource"][field] = value);
    let signature = |sent: &Delivery| sent.headers[4].1.clone();
    let cases: Vec<Case> = vec![
        (
            original.clone().without("Wechatpay-Signature"),
            Error::is_verification,
            "headers: Wechatpay-Signature is missing",
        ),
        (
            original.clone().without("Wechatpay-Timestamp"),
            Error::is_verification,
            "headers: Wechatpay-Timestamp is missing",
        ),
        (
            original.clone().without("Wechatpay-Nonce"),
            Error::is_verification,
            "headers: Wechatpay-Nonce is missing",
        ),
        (
            original.clone().without("Wechatpay-Serial"),
            Error::is_verification,
            "headers: Wechatpay-Serial is missing",
        ),
        (
            Delivery {
                headers: vec![],
                ..original.clone()
            },
            Error::is_verification,
            "headers: it has no Wechatpay-… headers",
        ),
        (
            original.clone().with("wechatpay-nonce", "x"),
            Error::is_verification,
            "headers: Wechatpay-Nonce is given more than once",
        ),
        (
            set("Wechatpay-Nonce", ""),
            Error::is_verification,
            "headers: Wechatpay-Nonce is empty",
        ),
        (
            set("Wechatpay-Nonce", "a\nb"),
            Error::is_verification,
            "headers: Wechatpay-Nonce (3 bytes) contains a control",
        ),
        (
            set("Wechatpay-Signature", &"A".repeat(4096)),
            Error::is_verification,
            "headers: Wechatpay-Signature (4096 bytes) is too long",
        ),
        (
            set("Wechatpay-Timestamp", "soon"),
            Error::is_verification,
            "time: invalid Wechatpay-Timestamp \"soon\": expected seconds",
        ),
        (
            send(envelope(), &resource, platform(), now() - 400),
            Error::is_clock_skew,
            "s behind this machine's clock",
        ),
        (
            send(envelope(), &resource, platform(), now() + 400),
            Error::is_clock_skew,
            "s ahead of this machine's clock",
        ),
        (
            set(
                "Wechatpay-Signature",
                &format!("WECHATPAY/SIGNTEST/{}", signature(&original)),
            ),
            Error::is_probe,
            "signature: the signature is a probe by WeChat Pay",
        ),
        (
            set("Wechatpay-Signature", "not base64!"),
            Error::is_verification,
            "signature: Wechatpay-Signature is not base64",
        ),
        (
            set("Wechatpay-Serial", "PUB_KEY_ID_OTHER"),
            Error::is_verification,
            "signature: signed by the public key PUB_KEY_ID_OTHER, which is not configured (trusted: ",
        ),
        (
            send(envelope(), &resource, merchant(), now()),
            Error::is_verification,
            "signature: the signature by serial PUB_KEY_ID_0119000001092024000000000000 does not match the body",
        ),
        (
            original.clone().body(|body| {
                body.pop();
            }),
            Error::is_verification,
            "signature: the signature by serial PUB_KEY_ID_0119000001092024000000000000 does not match the body",
        ),
        (
            original.clone().body(|body| body.extend(b" \n ")),
            Error::is_verification,
            "signature: the signature by serial PUB_KEY_ID_0119000001092024000000000000 does not match the body",
        ),
        (
            original
                .clone()
                .body(|body| body.resize(1024 * 1024 + 1, b' ')),
            Error::is_too_large,
            "body: the body is too large: 1048577 bytes",
        ),
        (
            send(json!("{\"id\":"), "", platform(), now()),
            Error::is_decode,
            "body: the body (6 bytes) is not JSON: unexpected end",
        ),
        (
            send(json!("[]"), "", platform(), now()),
            Error::is_decode,
            "body: the body is an array: expected a JSON object",
        ),
        (
            altered(|all| {
                all.as_object_mut().unwrap().remove("id");
            }),
            Error::is_decode,
            "body: `id` is missing",
        ),
        (
            altered(|all| all["id"] = json!("i".repeat(129))),
            Error::is_decode,
            "body: invalid `id`: 129 bytes long",
        ),
        (
            altered(|all| all["event_type"] = json!(7)),
            Error::is_decode,
            "body: `event_type` is a number: expected a string",
        ),
        (
            altered(|all| {
                all.as_object_mut().unwrap().remove("resource");
            }),
            Error::is_decode,
            "body: `resource` is missing",
        ),
        (
            in_resource("algorithm", json!("AEAD_SM4_GCM")),
            Error::is_decode,
            "body: unsupported `resource.algorithm` \"AEAD_SM4_GCM\"",
        ),
        (
            in_resource("ciphertext", json!("***")),
            Error::is_decode,
            "body: invalid `resource.ciphertext` (3 bytes): expected base64",
        ),
        (
            in_resource("ciphertext", json!("c2hvcnQ=")),
            Error::is_decrypt,
            "decryption: invalid AES-256-GCM ciphertext: 5 bytes",
        ),
        (
            in_resource("ciphertext", json!(STANDARD.encode([7; 64]))),
            Error::is_decrypt,
            "decryption: cannot decrypt the AES-256-GCM ciphertext",
        ),
        (
            send(nonce_of_eleven(), &resource, platform(), now()),
            Error::is_decrypt,
            "decryption: invalid AES-256-GCM nonce: 11 bytes",
        ),
        (
            with_resource("not JSON"),
            Error::is_decode,
            "resource: the resource (8 bytes) is not JSON",
        ),
        (
            with_resource("\"text\""),
            Error::is_decode,
            "resource: the resource is a string",
        ),
        (
            other("mchid", json!("1900000110")),
            Error::is_wrong_merchant,
            "owner: its `mchid` is \"1900000110\"",
        ),
        (
            other("sp_mchid", json!(1900000111)),
            Error::is_wrong_merchant,
            "owner: its `sp_mchid` is \"1900000111\"",
        ),
        (
            other("combine_mchid", json!([])),
            Error::is_wrong_merchant,
            "owner: its `combine_mchid` is an array",
        ),
        (
            other("appid", json!("wx0000000000000000")),
            Error::is_wrong_merchant,
            "owner: its `appid` is \"wx0000000000000000\"",
        ),
    ];
    let receiver = receiver();
    let mut texts = HashSet::new();
    for (sent, is_kind, text) in cases {
        let err = sent.receive(&receiver).expect_err(text);
        let message = err.to_string();
        assert!(
            message.starts_with("notification, ") && message.contains(text),
            "{message}"
        );
        assert!(is_kind(&err), "{err:?}");
        assert!(texts.insert(message.clone()), "duplicate text: {message}");
        assert!(!format!("{err:?}").contains("oUpF8"));
        let ack = Ack::refusal(&err);
        assert!(
            !ack.is_success() && ack.status().as_u16() >= 400,
            "{message}"
        );
    }
    assert!(texts.len() >= 30, "{}", texts.len());
    let clone = receiver.clone();
    original
        .receive(&clone)
        .expect("the unaltered notification");
}

#[test]
fn refused_genuine_notification_gives_its_content() {
    if programs::missing() {
        return;
    }
    let content = |sent: &Delivery| {
        let err = sent.receive(&receiver()).unwrap_err();
        let debug = format!("{err:?}");
        assert!(
            !debug.contains("oUpF8") && !debug.contains("customer"),
            "{debug}"
        );
        err.refused_notification().cloned()
    };
    let mut foreign = transaction();
    foreign["mchid"] = json!("1900000110");
    for resource in [
        foreign.to_string(),
        "the customer's".to_owned(),
        "[]".to_owned(),
    ] {
        let sent = send(envelope(), &resource, platform(), now());
        let refused = content(&sent).expect("the content");
        assert_eq!(refused.id(), "EV-2018022511223320873");
        assert_eq!(refused.event_type(), "TRANSACTION.SUCCESS");
        assert_eq!(refused.resource(), Some(resource.as_bytes()));
        assert_eq!(refused.body(), sent.body);
        assert_eq!(Ack::dismiss(&refused), Ack::success());
    }
    for undecodable in [
        send(json!("the customer's"), "", platform(), now()),
        altered(|all| all["resource"]["algorithm"] = json!("AEAD_SM4_GCM")),
        altered(|all| all["resource"]["ciphertext"] = json!(STANDARD.encode([7; 64]))),
        altered(|all| all["id"] = json!("i".repeat(129))),
    ] {
        let refused = content(&undecodable).expect("the content");
        assert_eq!(
            (refused.resource(), refused.body()),
            (None, &*undecodable.body)
        );
    }
    let forged = send(envelope(), &foreign.to_string(), merchant(), now());
    let no_headers = Delivery {
        headers: vec![],
        ..forged.clone()
    };
    let old = send(envelope(), &foreign.to_string(), platform(), now() - 400);
    for unverified in [forged, no_headers, old] {
        assert!(content(&unverified).is_none());
    }
}

/// An envelope with a nonce of eleven bytes. The API requires twelve; node accepts any length.
fn nonce_of_eleven() -> Value {
    let mut envelope = envelope();
    envelope["resource"]["nonce"] = json!("elevenbytes");
    envelope
}

#[test]
fn any_flipped_bit_in_the_body_is_detected() {
    if programs::missing() {
        return;
    }
    let sent = genuine();
    let receiver = receiver();
    for at in (0..sent.body.len()).step_by(17) {
        let sent = sent.clone().body(|body| body[at] ^= 1);
        assert!(sent.receive(&receiver).unwrap_err().is_verification());
    }
}

#[test]
fn associated_data_may_be_empty_missing_or_null() {
    if programs::missing() {
        return;
    }
    for data in [Some(json!("")), Some(json!(null)), None] {
        let sent = altered(|all| match data {
            Some(data) => all["resource"]["associated_data"] = data,
            None => {
                let resource = all["resource"].as_object_mut().unwrap();
                resource.remove("associated_data");
            }
        });
        sent.receive(&receiver()).unwrap();
    }
}

#[test]
fn accepted_merchants_are_configurable() {
    if programs::missing() {
        return;
    }
    let other = |mchid: &str| {
        let resource = json!({ "sp_mchid": mchid, "sub_mchid": "1900000199", "sp_appid": APPID });
        send(envelope(), &resource.to_string(), platform(), now())
    };
    let own = builder().build().unwrap();
    let more = builder().notification_mchid("1900000110").build().unwrap();
    other(MCHID).receive(&own.notifications()).unwrap();
    assert!(
        other("1900000110")
            .receive(&own.notifications())
            .unwrap_err()
            .is_wrong_merchant()
    );
    other(MCHID).receive(&more.notifications()).unwrap();
    other("1900000110").receive(&more.notifications()).unwrap();
    let app = builder()
        .notification_appid("wx1111111111111111")
        .build()
        .unwrap();
    assert!(
        other(MCHID)
            .receive(&app.notifications())
            .unwrap_err()
            .is_wrong_merchant()
    );
    let complaint = json!({ "complaint_id": "200201820200101080076610000" });
    send(envelope(), &complaint.to_string(), platform(), now())
        .receive(&app.notifications())
        .expect("a resource that names no merchant");
}

#[test]
fn invalid_receiver_configurations_are_errors() {
    if programs::missing() {
        return;
    }
    let builder = Notifications::builder;
    let key = || platform().public();
    for (built, text) in [
        (
            builder()
                .apiv3_key(APIV3_KEY)
                .platform_key("A", key())
                .build(),
            "missing `mchid`",
        ),
        (
            builder().mchid("abc").build(),
            "invalid mchid \"abc\": expected digits only",
        ),
        (
            builder().mchid(MCHID).any_merchant(true).build(),
            "exclude each other",
        ),
        (
            builder().mchid(MCHID).appid("").build(),
            "invalid appid: expected an app ID",
        ),
        (
            builder().mchid(MCHID).build(),
            "missing `apiv3_key` and `apiv2_key`",
        ),
        (
            builder().mchid(MCHID).apiv2_key("").build(),
            "invalid apiv2_key: it is empty",
        ),
        (
            builder().mchid(MCHID).apiv3_key("short").build(),
            "invalid apiv3_key: it is 5 bytes long",
        ),
        (
            builder().mchid(MCHID).apiv3_key(APIV3_KEY).build(),
            "no key to verify",
        ),
        (
            builder()
                .mchid(MCHID)
                .apiv3_key(APIV3_KEY)
                .platform_key("a b", key())
                .build(),
            "invalid platform key ID \"a b\"",
        ),
        (
            builder()
                .mchid(MCHID)
                .apiv3_key(APIV3_KEY)
                .platform_key("A", key())
                .verifier(Remote)
                .build(),
            "give either the verifier or the keys",
        ),
    ] {
        let err = built.unwrap_err();
        assert!(err.is_config() && err.to_string().contains(text), "{err}");
    }
    let v2 = builder()
        .any_merchant(true)
        .apiv2_key(APIV2_KEY)
        .build()
        .unwrap();
    let err = genuine().receive(&v2).unwrap_err();
    assert!(
        err.is_config() && err.to_string().contains("`apiv3_key`"),
        "{err}"
    );
    assert_eq!(Ack::refusal(&err).status(), 500);
}

struct Remote;

impl Verifier for Remote {
    type Error = std::io::Error;

    async fn verify(
        &self,
        serial: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Self::Error> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(serial == PLATFORM_ID && !message.is_empty() && signature.len() == 256)
    }
}

#[test]
fn notification_waits_for_a_remote_verifier() {
    if programs::missing() {
        return;
    }
    let receiver = Notifications::builder()
        .mchid(MCHID)
        .apiv3_key(APIV3_KEY)
        .verifier(Remote)
        .build()
        .unwrap();
    genuine().receive(&receiver).unwrap();
    let err = genuine()
        .set("Wechatpay-Serial", "B")
        .receive(&receiver)
        .unwrap_err();
    assert!(err.is_verification(), "{err}");
}
