use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Map;

use super::{check_error, draw::Draw, sent::APIV2_KEY};
use crate::{
    Outcome,
    base::xml,
    error::SentError,
    protocol::{
        answer::{Answer, Verification},
        v2::{
            answer::judge,
            paths, result_code,
            sign::{SIGN, SignType, sign, verify},
        },
    },
};

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

/// Judges any answer of APIv2, and one of fields that are drawn and signed.
pub fn answer(data: &[u8]) {
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
    let verification = judged(path, status, &headers, Bytes::copy_from_slice(body));
    if let Ok(verification) = &verification {
        assert!((200..300).contains(&status));
        match verification {
            Verification::Verified { .. } => {
                let fields = xml::parse(body, body.len()).expect("XML");
                verify(&fields, APIV2_KEY).expect("a sign");
            }
            Verification::DocumentedUnsigned => assert!(paths::is_unsigned(path)),
            Verification::NamedFile { .. } => panic!("no response named it"),
            Verification::Unsigned => panic!("APIv2 is never unsigned"),
        }
    }
    signed(path, status, &headers, &mut draw);
}

fn signed(path: &str, status: u16, headers: &HeaderMap, draw: &mut Draw<'_>) {
    let sign_type = *draw.one(&[SignType::Md5, SignType::HmacSha256]);
    let mut fields = Map::new();
    while !draw.is_empty() {
        fields.insert(draw.text(), draw.text().into());
    }
    fields.insert("return_code".to_owned(), "SUCCESS".into());
    let Ok(good) = sign(&fields, APIV2_KEY, sign_type) else {
        return;
    };
    fields.insert(SIGN.to_owned(), good.into());
    let Ok(body) = xml::write(&fields) else {
        return;
    };
    let result = fields.get("result_code").and_then(|code| code.as_str());
    let is_good = status < 300
        && match result {
            None | Some("") => !result_code::is_required(path),
            Some(code) => code == "SUCCESS",
        }
        && (verify(&fields, APIV2_KEY).is_ok() || paths::is_unsigned(path));
    match judged(path, status, headers, body.into()) {
        Ok(_) => assert!(is_good),
        Err(_) => assert!(!is_good),
    }
}

fn judged(
    path: &str,
    status: u16,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Verification, SentError> {
    let answer = Answer {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: headers.clone(),
        body,
        coded: Default::default(),
        signed: Vec::new(),
    };
    let verification = judge(&answer, path, APIV2_KEY);
    if let Err(err) = &verification {
        check_error(err);
        assert!(matches!(
            err.outcome(),
            Outcome::Rejected | Outcome::Unknown
        ));
        let is_success = answer.status.is_success();
        assert!(err.cause().api().is_some() || is_success, "{err}");
    }
    verification
}
