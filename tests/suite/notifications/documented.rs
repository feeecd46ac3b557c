//! Every documented notification, made by other crates from the documents' tables.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use wechatpay_chain::{Notification, Notifications, Result};

use super::{
    apiv2::refund,
    generated::{Keys, NONCE, apiv2, apiv3, seal, text},
    node::{APIV2_KEY, APIV3_KEY, APPID, Sent, receiver},
};
use crate::fixtures::{
    keys::{MCHID, PLATFORM_ID, platform},
    programs,
};

const STRANGER: &str = "1900000199";

/// The lines of the documents about this version.
fn events(version: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("documents/events.jsonl");
    let text = fs::read_to_string(&path).expect("the documents");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|event| event["version"] == version)
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A value for each field of the table.
fn filled(fields: &Value) -> Value {
    let value = |field: &Value| {
        let kind = field["type"].as_str().expect("a type");
        let one = match kind.trim_end_matches("[]") {
            "object" => filled(&field["of"]),
            "integer" | "number" => json!(1),
            "boolean" => json!(true),
            _ => field["enum"].get(0).cloned().unwrap_or(json!("x")),
        };
        if kind.ends_with("[]") {
            json!([one])
        } else {
            one
        }
    };
    let mut map = Map::new();
    for field in list(fields) {
        let name = field["name"].as_str().expect("a name").replace("$n", "0");
        map.insert(name, value(field));
    }
    Value::Object(map)
}

/// Puts these texts wherever there is a field at one of the pointers; whether there was any.
fn put(resource: &mut Value, pointers: &[&str], text: &str) -> bool {
    let mut found = false;
    for pointer in pointers {
        if let Some(value) = resource.pointer_mut(pointer) {
            *value = json!(text);
            found = true;
        }
    }
    found
}

fn open_v3(
    event_type: &str,
    original_type: Option<&str>,
    resource: &Value,
) -> Result<Notification> {
    apiv3(event_type, original_type, resource, &Keys::default()).receive(&receiver())
}

/// Those that name the merchant that is told, and those that may name another besides.
const TOLD: [&str; 6] = [
    "/mchid",
    "/sp_mchid",
    "/combine_mchid",
    "/mch_id",
    "/original_data/sp_mchid",
    "/instruction/commander/mchid",
];
const ALSO: [&str; 4] = [
    "/sub_mchid",
    "/original_data/sub_mchid",
    "/sponsor_mchid",
    "/stock_creator_mchid",
];
const APPS: [&str; 4] = ["/appid", "/sp_appid", "/combine_appid", "/sub_appid"];

/// Each APIv3 notification with its types; a profit-sharing one with nothing but its own fields.
fn v3() -> Vec<(String, Option<String>, Value)> {
    let all = events("v3");
    assert_eq!(all.len(), 105);
    let sharing = all
        .iter()
        .find(|event| event["event"] == "PROFITSHARING.SUCCESS")
        .expect("profit sharing");
    let mut out = Vec::new();
    for event in &all {
        let name = event["event"].clone();
        let types = Some(list(&event["event_type"])).filter(|all| !all.is_empty());
        for event_type in types.unwrap_or(std::slice::from_ref(&name)) {
            let originals = list(&event["original_type"]).iter().map(Some);
            for original in originals.chain(event["original_type"].get(0).is_none().then_some(None))
            {
                let original = original.map(|text| text.as_str().expect("text").to_owned());
                let mut resource = filled(&event["resource"]);
                if original.as_deref() == Some("profitsharing") {
                    resource = filled(&sharing["resource"]);
                } else {
                    resource.as_object_mut().expect("fields").remove("receiver");
                }
                let event_type = event_type.as_str().expect("text").to_owned();
                out.push((event_type, original, resource));
            }
        }
    }
    out
}

#[test]
fn whose_each_of_apiv3_is() {
    let mut by_rule = BTreeMap::<_, usize>::new();
    for (event, original, mut resource) in v3() {
        put(&mut resource, &APPS, APPID);
        let opened = |resource: &Value| open_v3(&event, original.as_deref(), resource);
        let is_ours = |resource: &Value| {
            let opened = opened(resource).unwrap_or_else(|err| panic!("{event}: {err}"));
            assert_eq!(opened.event_type(), event);
            assert_eq!(opened.original_type(), original.as_deref().unwrap_or(""));
            assert_eq!(opened.resource_json(), resource);
            assert_eq!(opened.mchid(), Some(MCHID), "{event}");
            assert!(opened.failure().is_none());
        };
        let is_strangers = |resource: &Value| {
            let err = opened(resource).expect_err(&event);
            assert!(err.is_wrong_merchant(), "{event}: {err}");
            let refused = err.refused_notification().expect("its content");
            assert_eq!(refused.resource(), Some(resource.to_string().as_bytes()));
            assert_eq!((refused.event_type(), refused.is_v2()), (&*event, false));
        };
        if resource.get("receiver").is_some() {
            // The one who shares is never the one who is told.
            for sharer in [STRANGER, MCHID] {
                put(
                    &mut resource,
                    &["/mchid", "/sp_mchid", "/sub_mchid"],
                    sharer,
                );
                for (kind, account, ours) in [
                    ("MERCHANT_ID", MCHID, true),
                    ("MERCHANT_ID", STRANGER, false),
                    ("PERSONAL_OPENID", MCHID, false),
                ] {
                    resource["receiver"]["type"] = json!(kind);
                    resource["receiver"]["account"] = json!(account);
                    if ours {
                        is_ours(&resource);
                    } else {
                        is_strangers(&resource);
                    }
                }
            }
            *by_rule.entry("receivers").or_default() += 1;
            continue;
        }
        let told = put(&mut resource, &TOLD, MCHID);
        let also = put(&mut resource, &ALSO, STRANGER);
        is_ours(&resource);
        put(&mut resource, &TOLD, STRANGER);
        if told {
            is_strangers(&resource);
        } else {
            // It names nobody but those that we may be told of.
            is_ours(&resource);
        }
        if put(&mut resource, &ALSO, MCHID) {
            is_ours(&resource);
        }
        let rule = match (told, also) {
            (true, _) => "named",
            (false, true) => "of another",
            (false, false) => "names nobody",
        };
        *by_rule.entry(rule).or_default() += 1;
    }
    assert_eq!(
        by_rule.into_iter().collect::<Vec<_>>(),
        [
            ("named", 59),
            ("names nobody", 35),
            ("of another", 9),
            ("receivers", 5)
        ]
    );
}

#[test]
fn a_profit_sharing_one_is_the_receivers() {
    let sharer = json!({ "mchid": STRANGER, "order_id": "3008450740201411110007820472" });
    let with = |name: &str, value: Value| {
        let mut resource = sharer.clone();
        resource[name] = value;
        open_v3("TRANSACTION.SUCCESS", Some("transaction"), &resource)
    };
    let ours = json!({ "type": "MERCHANT_ID", "account": MCHID });
    let strangers = json!({ "type": "MERCHANT_ID", "account": STRANGER });
    for receivers in [
        ("receiver", ours.clone()),
        ("receivers", json!([strangers, ours])),
        (
            "receivers",
            json!([{ "type": "MERCHANT_ID", "account": 1900000109 }]),
        ),
    ] {
        let opened = with(receivers.0, receivers.1).expect("ours");
        assert_eq!(opened.mchid(), Some(MCHID));
    }
    for receivers in [
        ("receiver", strangers.clone()),
        ("receivers", json!([strangers.clone()])),
        ("receivers", json!([])),
        ("receiver", json!(null)),
        ("receiver", json!({ "account": MCHID })),
        ("receiver", json!(MCHID)),
    ] {
        let text = receivers.1.to_string();
        let err = with(receivers.0, receivers.1).expect_err(&text);
        assert!(err.is_wrong_merchant(), "{text}: {err}");
    }
    let anyone = Notifications::builder()
        .any_merchant(true)
        .platform_key(PLATFORM_ID, platform().public())
        .apiv3_key(APIV3_KEY)
        .build()
        .unwrap();
    let person = json!({ "receiver": { "type": "PERSONAL_OPENID", "account": "x" } });
    for (resource, mchid) in [
        (&person, None),
        (
            &json!({ "receiver": strangers.clone(), "mchid": MCHID }),
            Some(STRANGER),
        ),
        (&json!({ "mchid": MCHID }), Some(MCHID)),
        (&json!({}), None),
    ] {
        let sent = apiv3("X", None, resource, &Keys::default());
        assert_eq!(sent.receive(&anyone).unwrap().mchid(), mchid);
    }
    let own = json!({ "mchid": MCHID });
    let err = open_v3("TRANSACTION.SUCCESS", Some("profitsharing"), &own).unwrap_err();
    assert!(err.is_wrong_merchant(), "without receivers: {err}");
}

/// A notification's name, its fields, and what is sealed in one of them.
type Documented = (String, Map<String, Value>, Option<(String, Value)>);

fn v2() -> Vec<Documented> {
    let each = |event: Value| {
        let Value::Object(mut fields) = filled(&event["fields"]) else {
            unreachable!()
        };
        let sealed = list(&event["fields"])
            .iter()
            .find(|field| ["req_info", "event_ciphertext"].contains(&name(field)))
            .map(|field| (name(field).to_owned(), filled(&field["of"])));
        fields.remove("sign");
        for name in ["mch_id", "combine_mch_id"] {
            fields.entry(name).and_modify(|value| *value = json!(MCHID));
        }
        for name in ["appid", "combine_appid"] {
            fields.entry(name).and_modify(|value| *value = json!(APPID));
        }
        (
            event["event"].as_str().expect("a name").to_owned(),
            fields,
            sealed,
        )
    };
    events("v2").into_iter().map(each).collect()
}

fn name(field: &Value) -> &str {
    field["name"].as_str().expect("a name")
}

#[test]
fn each_of_apiv2_opens() {
    let all = v2();
    assert_eq!(all.len(), 10);
    let mut without_return_code = 0;
    for (event, mut fields, sealed) in all {
        if sealed.as_ref().is_some_and(|(name, _)| name == "req_info") {
            continue; // Its turn is below.
        }
        if let Some((_, inside)) = &sealed {
            fields["event_nonce"] = json!(NONCE);
            fields["event_associated_data"] = json!("transaction");
            fields["event_ciphertext"] = json!(seal(APIV3_KEY, &inside.to_string(), "transaction"));
        }
        for name in ["result_code", "return_code", "trade_state"] {
            fields
                .entry(name)
                .and_modify(|value| *value = json!("SUCCESS"));
        }
        without_return_code += usize::from(!fields.contains_key("return_code"));
        let opened = apiv2(&fields, APIV2_KEY).receive(&receiver());
        let opened = opened.unwrap_or_else(|err| panic!("{event}: {err}"));
        assert!(opened.is_v2() && opened.verification().is_verified());
        assert_eq!(opened.mchid(), Some(MCHID));
        assert_eq!(
            opened.failure().is_some(),
            event.ends_with(".FAIL"),
            "{event}"
        );
        match &sealed {
            Some((_, inside)) => {
                assert_eq!(
                    (opened.resource_json(), opened.event_type()),
                    (inside, &*event)
                );
                assert_eq!(opened.resource_text(), inside.to_string());
                assert_eq!(opened.create_time(), "x");
            }
            None => assert_eq!(
                opened.resource_json()["mch_id"],
                fields_text(&fields, "mch_id")
            ),
        }

        for name in ["mch_id", "combine_mch_id"] {
            fields
                .entry(name)
                .and_modify(|value| *value = json!(STRANGER));
        }
        let err = apiv2(&fields, APIV2_KEY)
            .receive(&receiver())
            .expect_err(&event);
        assert!(err.is_wrong_merchant(), "{event}: {err}");
        let refused = err.refused_notification().expect("its content");
        assert!(refused.is_v2() && refused.resource().is_some());
    }
    assert_eq!(without_return_code, 6);
}

fn fields_text(fields: &Map<String, Value>, name: &str) -> Value {
    fields.get(name).cloned().unwrap_or(Value::Null)
}

#[test]
fn a_documented_refund_opens() {
    if programs::missing() {
        return;
    }
    let all = v2();
    let (_, _, sealed) = all
        .iter()
        .find(|(event, ..)| event == "refund-processed")
        .expect("a refund");
    let (_, inside) = sealed.as_ref().expect("sealed");
    let mut xml = "<root>".to_owned();
    for (name, value) in inside.as_object().expect("fields") {
        xml.push_str(&format!("<{name}>{}</{name}>", text(value)));
    }
    xml.push_str("</root>");
    let opened = refund(&xml, APIV2_KEY).receive(&receiver()).unwrap();
    assert_eq!(opened.resource_json()["refund_status"], "SUCCESS");
    assert_eq!(opened.mchid(), Some(MCHID));
    assert_eq!(opened.event_type(), "");
}

fn event(changes: &[(&str, Value)]) -> Sent {
    let (_, mut fields, _) = v2()
        .into_iter()
        .find(|(event, ..)| event == "CHECK.SUCCESS")
        .expect("an event");
    fields["event_nonce"] = json!(NONCE);
    fields["event_associated_data"] = json!("");
    fields["event_ciphertext"] = json!(seal(APIV3_KEY, "{\"state\":\"x\"}", ""));
    for (name, value) in changes {
        fields[*name] = value.clone();
    }
    apiv2(&fields, APIV2_KEY)
}

#[test]
fn an_event_that_does_not_open_says_why() {
    event(&[]).receive(&receiver()).expect("it opens");
    for (changes, message) in [
        (
            ("event_algorithm", json!("AEAD_SM4_GCM")),
            "body: unsupported `event_algorithm` \"AEAD_SM4_GCM\"",
        ),
        (
            ("event_ciphertext", json!("***")),
            "body: invalid `event_ciphertext` (3 bytes): expected base64",
        ),
        (
            ("event_ciphertext", json!(STANDARD.encode([7; 64]))),
            "decryption: cannot decrypt the AES-256-GCM ciphertext",
        ),
        (
            ("event_associated_data", json!("other")),
            "decryption: cannot decrypt the AES-256-GCM ciphertext",
        ),
        (
            ("event_nonce", json!("elevenbytes")),
            "decryption: invalid AES-256-GCM nonce: 11 bytes",
        ),
        (
            ("event_ciphertext", json!(seal(APIV3_KEY, "<xml/>", ""))),
            "resource: the event (6 bytes) is not JSON",
        ),
    ] {
        let err = event(&[changes]).receive(&receiver()).expect_err(message);
        assert!(err.to_string().contains(message), "{err}");
        let refused = err.refused_notification().expect("its content");
        assert_eq!(refused.event_type(), "CHECK.SUCCESS");
    }
}

/// Encrypted afresh for each sending, it has another text; its ID is the same.
#[test]
fn an_event_sent_again_is_the_same() {
    let id = |changes: &[(&str, Value)]| {
        let opened = event(changes).receive(&receiver()).expect("it opens");
        opened.id().to_owned()
    };
    let again = seal(APIV3_KEY, "{\"state\": \"x\"}", "");
    let other = ("event_ciphertext", json!(again));
    assert_eq!(id(&[]), id(std::slice::from_ref(&other)));
    assert_eq!(id(&[]), id(&[("nonce_str", json!("another"))]));
    assert_ne!(id(&[]), id(&[("event_id", json!("another"))]));
    // Without an ID there is only the text, and no empty field that anyone adds counts as one.
    let none = ("event_id", json!(""));
    assert_ne!(id(std::slice::from_ref(&none)), id(&[none, other]));
}
