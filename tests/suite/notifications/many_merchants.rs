//! One receiver for several merchants.

use serde_json::{Value, json};
use wechatpay_chain::{
    CertificateMode, Client, Notification, Notifications, RetryPolicy, Verifier,
};

use super::{
    apiv2::refund,
    generated::{Keys, apiv2, apiv3},
    node::Delivery,
    unknown_key::{self, certificates},
};
use crate::fixtures::{
    keys::{Pair, merchant, platform},
    programs,
    server::{MockResponse, Server},
};

const ONE: &str = "1900000101";
const TWO: &str = "1900000102";
/// Has the keys of `TWO`.
const THREE: &str = "1900000103";
/// A merchant that is not configured.
const OTHER: &str = "1900000199";

const PLATFORM_ONE: &str = "PUB_KEY_ID_0119000001012024000000000000";
const PLATFORM_TWO: &str = "PUB_KEY_ID_0119000001022024000000000000";

fn key(mchid: &str) -> String {
    let mchid = if mchid == THREE { TWO } else { mchid };
    mchid.repeat(4)[..32].to_owned()
}

fn platform_of(mchid: &str) -> &'static str {
    if mchid == ONE {
        PLATFORM_ONE
    } else {
        PLATFORM_TWO
    }
}

fn client(mchid: &str) -> Client {
    Client::builder()
        .mchid(mchid)
        .platform_key(platform_of(mchid), platform().public())
        .apiv3_key(key(mchid))
        .apiv2_key(key(mchid))
        .no_proxy()
        .certificate_mode(CertificateMode::Fixed)
        .build()
        .unwrap()
}

fn all() -> Notifications {
    let without_client = Notifications::builder()
        .mchid(THREE)
        .platform_key(PLATFORM_TWO, platform().public())
        .apiv3_key(key(THREE))
        .apiv2_key(key(THREE))
        .build()
        .unwrap();
    let clients = [ONE, TWO].map(|mchid| Notifications::from(client(mchid)));
    Notifications::all([Notifications::all(clients), without_client])
}

/// An APIv3 notification encrypted with this merchant's key.
fn v3(to: &str, resource: &Value) -> Delivery {
    let apiv3_key = key(to);
    let keys = Keys {
        apiv3: &apiv3_key,
        serial: platform_of(to),
        platform: platform(),
    };
    apiv3("TRANSACTION.SUCCESS", Some("transaction"), resource, &keys)
}

fn v2(to: &str, fields: Value) -> Delivery {
    let mut fields = fields.as_object().expect("fields").clone();
    fields.insert("return_code".to_owned(), json!("SUCCESS"));
    apiv2(&fields, &key(to))
}

fn owner(notification: &Notification) -> &str {
    notification.mchid().expect("a merchant")
}

#[test]
fn each_notification_is_opened_for_its_merchant() {
    let all = all();
    for mchid in [ONE, TWO, THREE] {
        let sent = v3(mchid, &json!({ "mchid": mchid }));
        assert_eq!(owner(&sent.receive(&all).unwrap()), mchid);
        for name in ["mch_id", "combine_mch_id"] {
            let sent = v2(mchid, json!({ name: mchid }));
            assert_eq!(owner(&sent.receive(&all).unwrap()), mchid, "{name}");
        }
    }
    // A notification without a merchant belongs to the first merchant whose key decrypts it.
    for (to, mchid) in [(ONE, ONE), (TWO, TWO), (THREE, TWO)] {
        let complaint = v3(
            to,
            &json!({ "complaint_id": "200201820200101080076610000" }),
        );
        assert_eq!(owner(&complaint.receive(&all).unwrap()), mchid);
        let nameless = v2(to, json!({ "total_fee": "1" }));
        assert_eq!(owner(&nameless.receive(&all).unwrap()), mchid);
    }
    let shared = json!({ "mchid": OTHER, "receivers": [
        { "type": "MERCHANT_ID", "account": OTHER }, { "type": "MERCHANT_ID", "account": THREE },
    ] });
    assert_eq!(owner(&v3(THREE, &shared).receive(&all).unwrap()), THREE);
}

#[test]
fn apiv2_refund_belongs_to_the_merchant_whose_key_decrypts_it() {
    if programs::missing() {
        return;
    }
    let all = all();
    for mchid in [ONE, TWO, THREE] {
        let sent = refund("<root><refund_id>1</refund_id></root>", &key(mchid));
        let of = |named: &str| {
            sent.clone().body(|body| {
                let text = String::from_utf8(std::mem::take(body)).unwrap();
                *body = text
                    .replace(crate::fixtures::keys::MCHID, named)
                    .into_bytes();
            })
        };
        assert_eq!(owner(&of(mchid).receive(&all).unwrap()), mchid);
        let err = of(OTHER).receive(&all).unwrap_err();
        assert!(err.is_wrong_merchant(), "{err}");
        assert!(err.refused_notification().is_some());
        // The fields outside the ciphertext are not authenticated, so they cannot select the merchant.
        let other = if mchid == ONE { TWO } else { ONE };
        assert!(of(other).receive(&all).unwrap_err().is_decrypt());
    }
}

#[test]
fn notification_of_an_unknown_merchant_is_refused() {
    let all = all();
    for err in [
        v3(ONE, &json!({ "mchid": TWO })).receive(&all).unwrap_err(),
        v3(TWO, &json!({ "mchid": OTHER }))
            .receive(&all)
            .unwrap_err(),
        v2(TWO, json!({ "mch_id": OTHER }))
            .receive(&all)
            .unwrap_err(),
    ] {
        assert!(err.is_wrong_merchant(), "{err}");
        assert!(err.refused_notification().is_some());
    }
    for err in [
        v3(OTHER, &json!({ "mchid": ONE }))
            .receive(&all)
            .unwrap_err(),
        v3("1900000104", &json!({})).receive(&all).unwrap_err(),
    ] {
        assert!(err.is_decrypt(), "{err}");
        assert!(err.refused_notification().is_some());
    }
    for err in [
        v2(ONE, json!({ "mch_id": TWO })).receive(&all).unwrap_err(),
        v2(OTHER, json!({ "mch_id": OTHER }))
            .receive(&all)
            .unwrap_err(),
        // A key that one merchant trusts does not verify another merchant's notification.
        {
            let apiv3_key = key(ONE);
            let keys = Keys {
                apiv3: &apiv3_key,
                serial: PLATFORM_ONE,
                platform: merchant(),
            };
            let sent = apiv3("X", None, &json!({ "mchid": ONE }), &keys);
            sent.receive(&all).unwrap_err()
        },
    ] {
        assert!(err.is_verification(), "{err}");
        assert!(err.refused_notification().is_none());
    }
    let foreign = v3(TWO, &json!({ "mchid": TWO })).set("Wechatpay-Serial", PLATFORM_ONE);
    assert!(foreign.receive(&all).unwrap_err().is_decrypt());
    let none = Notifications::all(Vec::<Notifications>::new());
    assert!(v3(ONE, &json!({})).receive(&none).unwrap_err().is_config());
    assert!(v2(ONE, json!({})).receive(&none).unwrap_err().is_config());
}

#[test]
fn large_body_without_a_merchant_is_refused() {
    let all = Notifications::all((0..100).map(|n| client(&format!("19000002{n:02}"))));
    let sent = |to: &str, size: usize| v2(to, json!({ "attach": "a".repeat(size) })).receive(&all);
    assert_eq!(owner(&sent("1900000277", 100).unwrap()), "1900000277");
    let err = sent("1900000277", 500_000).unwrap_err();
    assert!(
        err.is_wrong_merchant() && err.to_string().contains("100 keys"),
        "{err}"
    );
    let named = v2(
        "1900000277",
        json!({ "mch_id": "1900000277", "attach": "a".repeat(500_000) }),
    );
    assert_eq!(owner(&named.receive(&all).unwrap()), "1900000277");
}

/// Both merchants learn the new certificate, although the first one's verifier suffices.
#[test]
fn notified_merchant_downloads_the_certificate() {
    if programs::missing() {
        return;
    }
    let pair = Pair::generate();
    let body = certificates(&pair);
    let server = Server::start(move |_| MockResponse::signed(200, body.as_str()));
    let client = |mchid: &str, mode| {
        crate::fixtures::keys::builder()
            .mchid(mchid)
            .base_uri(server.url())
            .retry(RetryPolicy::none())
            .certificate_mode(mode)
            .build()
            .unwrap()
    };
    let other_key = Notifications::builder()
        .mchid(ONE)
        .apiv3_key(key(ONE))
        .verifier(AcceptsAll)
        .build()
        .unwrap();
    let own = client(TWO, CertificateMode::OnDemand);
    let all = Notifications::all([other_key, own.notifications()]);
    let keys = Keys {
        serial: unknown_key::SERIAL,
        platform: &pair,
        ..Keys::default()
    };
    let sent = apiv3("X", None, &json!({ "mchid": TWO }), &keys);
    for _ in 0..2 {
        assert_eq!(owner(&sent.receive(&all).unwrap()), TWO);
    }
    assert_eq!(server.requests().len(), 1);
    let undecryptable = apiv3(
        "X",
        None,
        &json!({ "mchid": TWO }),
        &Keys {
            apiv3: &key(OTHER),
            ..keys
        },
    );
    assert!(undecryptable.receive(&all).unwrap_err().is_decrypt());
    assert_eq!(server.requests().len(), 1, "every merchant knows the key");
}

/// A verifier of another merchant that accepts everything.
struct AcceptsAll;

impl Verifier for AcceptsAll {
    type Error = std::convert::Infallible;

    async fn verify(&self, _: &str, _: &[u8], _: &[u8]) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

#[test]
fn sandbox_keys_are_refused_outside_a_sandbox() {
    for id in [
        "PUB_KEY_ID_SANDBOX0123456789",
        "53414E44424F580123456789ABCDEF0123456789",
        "53414e44424f580123456789abcdef0123456789",
    ] {
        let err = Notifications::builder()
            .mchid(ONE)
            .platform_key(id, platform().public())
            .apiv3_key(key(ONE))
            .build()
            .unwrap_err();
        assert!(
            err.is_config() && err.to_string().contains("sandbox"),
            "{err}"
        );
    }
    let sandbox = wechatpay_chain::sandbox::Sandbox::start().unwrap();
    sandbox.notifications_builder().build().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let _ = Notifications::all([client]);
}
