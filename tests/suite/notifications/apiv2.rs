//! APIv2 notifications, signed and encrypted by openssl.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use wechatpay_chain::{Ack, Error, Notifications, Verification};

use super::node::{APIV2_KEY, APIV3_KEY, APPID, Case, Delivery, receiver};
use crate::fixtures::{
    keys::{MCHID, PLATFORM_ID, platform},
    programs::{self, openssl},
};

/// Computes the MD5 or HMAC-SHA256 sign with openssl. The fields must be sorted.
fn v2_sign(fields: &[(&str, &str)], hmac: bool) -> String {
    let mut source = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        source.push_str(&format!("{name}={value}&"));
    }
    source.push_str(&format!("key={APIV2_KEY}"));
    let args: &[&str] = if hmac {
        &["dgst", "-sha256", "-hmac", APIV2_KEY, "-r"]
    } else {
        &["dgst", "-md5", "-r"]
    };
    let out = openssl(args, source.as_bytes()).expect("a digest");
    let text = String::from_utf8(out).expect("text");
    text.split(' ').next().unwrap().to_uppercase()
}

pub fn v2(fields: &[(&str, &str)], sign: &str) -> Delivery {
    let mut body = "<xml>\n".to_owned();
    for (name, value) in fields {
        body.push_str(&format!("<{name}><![CDATA[{value}]]></{name}>\n"));
    }
    body.push_str(&format!("<sign>{sign}</sign></xml>"));
    Delivery {
        headers: vec![],
        body: body.into_bytes(),
    }
}

const PAID: [(&str, &str); 9] = [
    ("appid", APPID),
    ("attach", "支付测试"),
    ("fee_type", "CNY"),
    ("mch_id", MCHID),
    ("nonce_str", "5d2b6c2a8db53831f7eda20af46e531c"),
    ("result_code", "SUCCESS"),
    ("return_code", "SUCCESS"),
    ("total_fee", "1"),
    ("transaction_id", "1004400740201409030005092168"),
];

/// The fields that a customer sees when opening `papay/entrustweb`, plus empty fields, which no sign
/// covers. A customer must not be able to replay them as a notification.
const CUSTOMER_FIELDS: [(&str, &str); 6] = [
    ("appid", APPID),
    ("change_type", ""),
    ("contract_code", "100005698"),
    ("mch_id", MCHID),
    ("plan_id", "12535"),
    ("return_code", ""),
];

#[test]
fn signed_apiv2_notification_is_accepted() {
    if programs::missing() {
        return;
    }
    let mut ids = HashSet::new();
    for hmac in [false, true] {
        let sent = v2(&PAID, &v2_sign(&PAID, hmac));
        let notification = sent.receive(&receiver()).unwrap();
        assert!(notification.is_v2());
        assert_eq!(notification.event_type(), "");
        assert_eq!(notification.resource_json()["total_fee"], "1");
        assert_eq!(notification.resource_text().as_bytes(), sent.body);
        let digest = if hmac { "HMAC-SHA256" } else { "MD5" };
        let verification = notification.verification();
        assert!(matches!(verification, Verification::Verified { .. }));
        assert_eq!(verification.serial(), Some(digest));
        assert!(notification.ack().body().contains("SUCCESS"));
        assert!(notification.fail("no").body().contains("FAIL"));
        ids.insert(notification.id().to_owned());
        let total = notification.resource::<std::collections::HashMap<String, String>>();
        assert_eq!(total.unwrap()["attach"], "支付测试");
    }
    assert_eq!(ids.len(), 1, "the content is the same: {ids:?}");
    let mut fields = PAID;
    fields[4].1 = "another nonce";
    let again = v2(&fields, &v2_sign(&fields, false))
        .receive(&receiver())
        .unwrap();
    assert!(ids.contains(again.id()));
    fields[7].1 = "2";
    let other = v2(&fields, &v2_sign(&fields, false))
        .receive(&receiver())
        .unwrap();
    assert!(!ids.contains(other.id()) && other.id().starts_with("v2-"));
}

/// A genuine failure must reach the merchant, marked as a failure.
#[test]
fn apiv2_failure_is_reported_as_a_failure() {
    if programs::missing() {
        return;
    }
    let receive = |changes: &[(&'static str, &'static str)]| {
        let mut fields = PAID.to_vec();
        for change in changes {
            fields.retain(|(name, _)| *name != change.0);
            fields.push(*change);
        }
        fields.sort_unstable();
        v2(&fields, &v2_sign(&fields, true))
            .receive(&receiver())
            .unwrap()
    };
    assert!(receive(&[]).failure().is_none());
    assert!(receive(&[("trade_state", "SUCCESS")]).failure().is_none());
    for (changes, code, message) in [
        (&[("result_code", "FAIL")][..], "FAIL", ""),
        (
            &[
                ("result_code", "FAIL"),
                ("err_code", "NOTENOUGH"),
                ("err_code_des", "余额不足"),
            ],
            "NOTENOUGH",
            "余额不足",
        ),
        (
            &[("return_code", "FAIL"), ("return_msg", "no")],
            "FAIL",
            "no",
        ),
        (&[("trade_state", "PAY_FAIL")], "PAY_FAIL", ""),
    ] {
        let notification = receive(changes);
        let failure = notification.failure().expect(code);
        assert_eq!((failure.code(), failure.message()), (code, message));
        assert!(failure.is_verified());
        assert_eq!(failure.body(), notification.resource_bytes());
        assert!(notification.ack().is_success());
    }
}

/// The sign covers no empty fields, and nothing covers the fields next to a refund's `req_info`.
#[test]
fn unsigned_additions_do_not_change_the_id() {
    if programs::missing() {
        return;
    }
    let with = |sent: &Delivery, more: &str| {
        let body = String::from_utf8(sent.body.clone()).unwrap();
        let sent = Delivery {
            headers: vec![],
            body: body
                .replace("</xml>", &format!("{more}</xml>"))
                .into_bytes(),
        };
        sent.receive(&receiver()).unwrap().id().to_owned()
    };
    let paid = v2(&PAID, &v2_sign(&PAID, false));
    let refunded = refund(REFUND, APIV2_KEY);
    for (sent, more) in [
        (&paid, "<device_info></device_info>"),
        (&paid, "<z/>"),
        (&refunded, "<z/>"),
        (&refunded, "<device_info>1</device_info>"),
    ] {
        assert_eq!(with(sent, more), with(sent, ""), "{more}");
    }
    assert_ne!(with(&paid, ""), with(&refunded, ""));
}

/// A field can be hidden in the value of the one before it: the signed text `k=v&k=v` stays the same.
#[test]
fn field_hidden_in_another_value_is_detected() {
    if programs::missing() {
        return;
    }
    let sign = v2_sign(&PAID, false);
    for hidden in 1..PAID.len() {
        let mut fields = PAID.to_vec();
        let (name, value) = fields.remove(hidden);
        let before = format!("{}&amp;{name}={value}", fields[hidden - 1].1);
        let mut body = "<xml>".to_owned();
        fields[hidden - 1].1 = &before;
        for (name, value) in &fields {
            body.push_str(&format!("<{name}>{value}</{name}>"));
        }
        body.push_str(&format!("<sign>{sign}</sign></xml>"));
        let sent = Delivery {
            headers: vec![],
            body: body.into_bytes(),
        };
        let err = sent.receive(&receiver()).unwrap_err();
        // Without a `return_code` of SUCCESS or the mark of a notification, receiving fails before the
        // sign is checked.
        let is_kind = ["return_code", "total_fee"].contains(&name);
        assert!(err.is_verification() || is_kind, "{name}: {err}");
    }
}

#[test]
fn attach_may_contain_a_query_string() {
    if programs::missing() {
        return;
    }
    let mut ids = HashSet::new();
    for attach in [
        "type=1&out_trade_no=5",
        "a=1&mch_id=2&return_code=FAIL&b=",
        "a&b",
    ] {
        let mut fields = PAID;
        fields[1].1 = attach;
        let paid = v2(&fields, &v2_sign(&fields, true)).receive(&receiver());
        let paid = paid.unwrap_or_else(|err| panic!("{attach}: {err}"));
        assert_eq!(paid.resource_json()["attach"], attach);
        ids.insert(paid.id().to_owned());
    }
    assert_eq!(ids.len(), 3);
}

/// Undocumented names are not checked, so moving such a field into another value is not detected. The
/// ID stays the same, so a replay guard still recognizes the notification.
#[test]
fn moved_undocumented_field_does_not_change_the_id() {
    if programs::missing() {
        return;
    }
    let mut fields = PAID.to_vec();
    fields.insert(5, ("nonce_undocumented", "7"));
    let sign = v2_sign(&fields, false);
    let original = v2(&fields, &sign).receive(&receiver()).unwrap();
    fields.remove(5);
    let moved = format!("{}&nonce_undocumented=7", fields[4].1);
    fields[4].1 = &moved;
    let moved = v2(&fields, &sign).receive(&receiver()).unwrap();
    assert_eq!(original.id(), moved.id());
}

pub fn refund(xml: &str, key: &str) -> Delivery {
    let md5 = openssl(&["dgst", "-md5", "-r"], key.as_bytes()).unwrap();
    let hex = md5[..32]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let ciphertext = openssl(&["enc", "-aes-256-ecb", "-K", &hex], xml.as_bytes()).unwrap();
    refund_body(&STANDARD.encode(ciphertext))
}

fn refund_body(req_info: &str) -> Delivery {
    let body = format!(
        "<xml><return_code>SUCCESS</return_code><appid><![CDATA[{APPID}]]></appid>\
         <mch_id>{MCHID}</mch_id><nonce_str>TeqClE3i0mvn3DrK</nonce_str>\
         <req_info><![CDATA[{req_info}]]></req_info></xml>"
    );
    Delivery {
        headers: vec![],
        body: body.into_bytes(),
    }
}

const REFUND: &str = "<root>\n<out_refund_no><![CDATA[131811191610442717309]]></out_refund_no>\n\
     <refund_fee><![CDATA[3960]]></refund_fee>\n<refund_status><![CDATA[SUCCESS]]></refund_status>\n\
     <refund_recv_accout><![CDATA[支付用户的零钱]]></refund_recv_accout>\n</root>";

#[test]
fn apiv2_refund_is_decrypted() {
    if programs::missing() {
        return;
    }
    let notification = refund(REFUND, APIV2_KEY).receive(&receiver()).unwrap();
    assert_eq!(notification.resource_json()["refund_fee"], "3960");
    assert_eq!(
        notification.resource_json()["refund_recv_accout"],
        "支付用户的零钱"
    );
    assert_eq!(notification.resource_text(), REFUND);
    assert_eq!(notification.envelope()["mch_id"], MCHID);
    assert_eq!(
        *notification.verification(),
        Verification::DocumentedUnsigned
    );
    let again = refund(REFUND, APIV2_KEY).receive(&receiver()).unwrap();
    assert_eq!(again.id(), notification.id());
}

#[test]
fn refused_apiv2_notification_gives_its_content() {
    if programs::missing() {
        return;
    }
    let mut fields = PAID;
    fields[3].1 = "1900000110";
    let ciphertext = "<root><mch_id>1900000112</mch_id></root>";
    for (sent, resource) in [
        (v2(&fields, &v2_sign(&fields, false)), None),
        (refund(ciphertext, APIV2_KEY), Some(ciphertext)),
    ] {
        let err = sent.receive(&receiver()).unwrap_err();
        let refused = err.refused_notification().expect("the content");
        assert!(refused.is_v2());
        assert_eq!(refused.body(), sent.body);
        let resource = resource.map_or(&*sent.body, str::as_bytes);
        assert_eq!(refused.resource(), Some(resource));
        assert_eq!(Ack::dismiss(refused), Ack::success().v2());
        assert!(!format!("{err:?}").contains("支付测试"));
    }
    let forged = v2(&fields, &v2_sign(&PAID, false));
    let err = forged.receive(&receiver()).unwrap_err();
    assert!(err.refused_notification().is_none());
}

#[test]
fn each_apiv2_alteration_has_its_own_error() {
    if programs::missing() {
        return;
    }
    let with = |at: usize, value: &'static str| {
        let mut fields = PAID;
        fields[at].1 = value;
        let sign = v2_sign(&fields, false);
        v2(&fields, &sign)
    };
    let text = |body: &str| Delivery {
        headers: vec![],
        body: body.into(),
    };
    let mut changed = PAID;
    changed[7].1 = "2";
    let cases: Vec<Case> = vec![
        (
            v2(&changed, &v2_sign(&PAID, false)),
            Error::is_verification,
            "signature: the sign (MD5) does not match",
        ),
        (
            v2(&changed, &v2_sign(&PAID, true)),
            Error::is_verification,
            "signature: the sign (HMAC-SHA256) does not match",
        ),
        (
            v2(&PAID, ""),
            Error::is_verification,
            "signature: the fields have no `sign`",
        ),
        (
            with(3, "1900000110"),
            Error::is_wrong_merchant,
            "owner: its `mch_id` is \"1900000110\"",
        ),
        (
            with(0, "wx0"),
            Error::is_wrong_merchant,
            "owner: its `appid` is \"wx0\"",
        ),
        (
            text("<xml><return_code>FAIL</return_code><req_info>x</req_info></xml>"),
            Error::is_decode,
            "body: its return_code is \"FAIL\"",
        ),
        (
            text(
                "<xml><return_code>SUCCESS</return_code><return_code>FAIL</return_code>\
                 <req_info>x</req_info></xml>",
            ),
            Error::is_decode,
            "body: the field `return_code` of the response contains elements or occurs twice",
        ),
        (
            v2(&CUSTOMER_FIELDS, &v2_sign(&CUSTOMER_FIELDS, false)),
            Error::is_decode,
            "body: it has none of the fields that distinguish a notification from a request",
        ),
        (
            text("<xml><a>"),
            Error::is_decode,
            "body: invalid XML at byte 8",
        ),
        (
            text(
                "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml>&e;</xml>",
            ),
            Error::is_decode,
            "document types are not supported",
        ),
        (
            text("<xml><req_info>x</req_info></xml>"),
            Error::is_decode,
            "body: its return_code is \"\"",
        ),
        (
            refund_body("***"),
            Error::is_decode,
            "body: invalid `req_info` (3 bytes): expected base64",
        ),
        (
            refund_body("c2hvcnQ="),
            Error::is_decrypt,
            "decryption: invalid AES-256-ECB ciphertext: 5 bytes",
        ),
        (
            refund_body(&STANDARD.encode([7; 64])),
            Error::is_decrypt,
            "decryption: cannot decrypt the AES-256-ECB ciphertext",
        ),
        (
            refund("<other></other>", APIV2_KEY),
            Error::is_decode,
            "resource: invalid XML at byte 0: unexpected root element `<other>`",
        ),
        (
            refund("<root><mch_id>1900000112</mch_id></root>", APIV2_KEY),
            Error::is_wrong_merchant,
            "owner: its `mch_id` is \"1900000112\"",
        ),
    ];
    let mut texts = HashSet::new();
    for (sent, is_kind, text) in cases {
        let err = sent.receive(&receiver()).expect_err(text);
        assert!(err.to_string().contains(text), "{err}");
        assert!(is_kind(&err), "{err:?}");
        assert!(texts.insert(err.to_string()), "duplicate text: {err}");
    }
    let v3_only = Notifications::builder()
        .mchid(MCHID)
        .platform_key(PLATFORM_ID, platform().public())
        .apiv3_key(APIV3_KEY)
        .build()
        .unwrap();
    let err = v2(&PAID, "x").receive(&v3_only).unwrap_err();
    assert!(
        err.is_config() && err.to_string().contains("`apiv2_key`"),
        "{err}"
    );
}
