//! Judges responses of APIv2.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Map;
use wechatpay_chain::{
    Outcome, Result, Verification,
    fuzz::{
        is_unsigned_v2, judge_v2, parse_xml, requires_result_code, sign_v2, verify_v2, write_xml,
    },
};

use crate::{check_error, draw::Draw, request::APIV2_KEY};

const PATHS: [&str; 6] = [
    "/pay/unifiedorder",
    "/pay/downloadbill",
    "/appauth/getaccesstoken",
    "/mmpaymkttransfers/promotion/transfers",
    "/papay/entrustweb",
    "/secapi/pay/refund",
];
const STATUS: [u16; 6] = [200, 204, 401, 404, 429, 502];
const HEADERS: [&str; 3] = ["request-id", "retry-after", "content-type"];

/// Judges any response of APIv2, and one whose fields are drawn and signed.
pub fn response(data: &[u8]) {
    let mut draw = Draw::new(data);
    let path = *draw.one(&PATHS);
    let status = *draw.one(&STATUS);
    let mut headers = HeaderMap::new();
    for _ in 0..draw.byte() % 4 {
        let name = HeaderName::from_static(draw.one::<&str>(&HEADERS));
        if let Ok(value) = HeaderValue::from_bytes(draw.bytes()) {
            headers.append(name, value);
        }
    }
    let body = draw.rest();
    let verification = judged(path, status, &headers, body);
    if let Ok(verification) = &verification {
        assert!((200..300).contains(&status));
        match verification {
            Verification::Verified { .. } => {
                let fields = parse_xml(body, body.len()).expect("XML");
                verify_v2(&fields, APIV2_KEY).expect("a sign that matches");
            }
            Verification::DocumentedUnsigned => assert!(is_unsigned_v2(path)),
            // A hash that another response named, or an unsigned call: APIv2 has neither.
            other => panic!("{other:?}"),
        }
    }
    signed(path, status, &headers, &mut draw);
}

fn signed(path: &str, status: u16, headers: &HeaderMap, draw: &mut Draw<'_>) {
    let hmac = *draw.one(&[false, true]);
    let mut fields = Map::new();
    while !draw.is_empty() {
        fields.insert(draw.text(), draw.text().into());
    }
    fields.insert("return_code".to_owned(), "SUCCESS".into());
    let Ok(sign) = sign_v2(&fields, APIV2_KEY, hmac) else {
        return;
    };
    fields.insert("sign".to_owned(), sign.into());
    let Ok(body) = write_xml(&fields) else {
        return;
    };
    let result = fields.get("result_code").and_then(|code| code.as_str());
    let is_success = status < 300
        && match result {
            None | Some("") => !requires_result_code(path),
            Some(code) => code == "SUCCESS",
        }
        && (verify_v2(&fields, APIV2_KEY).is_ok() || is_unsigned_v2(path));
    let judged = judged(path, status, headers, body.as_bytes());
    assert_eq!(judged.is_ok(), is_success);
}

fn judged(path: &str, status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Verification> {
    let status = StatusCode::from_u16(status).expect("a status");
    let verification = judge_v2(path, status, headers, body, APIV2_KEY);
    if let Err(err) = &verification {
        check_error(err);
        assert!(matches!(
            err.outcome(),
            Outcome::Rejected | Outcome::Unknown
        ));
        assert!(err.api().is_some() || status.is_success(), "{err}");
    }
    verification
}
