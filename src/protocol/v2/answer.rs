//! What an APIv2 answer means: good, refused, or not to be believed.

use std::borrow::Cow;

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::{
    paths::{self, Form, needs_certificate},
    result_code,
    sign::{SIGN, verify},
};
use crate::{
    base::{json, scalar::scalar, xml},
    error::{ApiError, Cause, Kind, Outcome, SentError, cause::Result},
    protocol::{
        answer::{Answer, Verification, request_id, retry_after},
        path::{Version, shown},
        refusal::{Effect, outcome_of_status, outcome_v2},
    },
};

/// How many bytes of XML an answer may have. Bills are no XML.
const MAX_XML: usize = 4 << 20;
pub(crate) const SUCCESS: &str = "SUCCESS";

/// Judges a whole APIv2 answer to a request to `path`, which is without the base URI's own prefix,
/// without `v2` and without the query. `key` is the APIv2 key.
///
/// # Errors
/// What the API answered with, if that is a failure; [`Kind::Signature`] for a success, or a
/// signed failure, whose sign does not match; [`Kind::Decode`] for what is not understood.
pub(crate) fn judge(answer: &Answer, path: &str, key: &str) -> Result<Verification, SentError> {
    judge_body(answer, path, key).map_err(|err| err.map(|cause| cause.with_status(answer.status)))
}

fn judge_body(answer: &Answer, path: &str, key: &str) -> Result<Verification, SentError> {
    let success = answer.status.is_success();
    if success && !is_xml(&answer.body) {
        match paths::form(path) {
            Some(Form::Table | Form::Page) => return Ok(Verification::DocumentedUnsigned),
            Some(Form::Json) => return judge_json(answer),
            None => {}
        }
    }
    match xml::parse(&answer.body, MAX_XML) {
        Ok(fields) => judge_fields(answer, path, key, &fields),
        Err(cause) if success => Err(unproven(answer, cause)),
        Err(_) => Err(foreign(answer, path)),
    }
}

/// Nothing vouches for what the answer says, so it says nothing of the request.
fn unproven(answer: &Answer, cause: Cause) -> SentError {
    cause
        .with_unverified(answer.body.clone())
        .with_outcome(Outcome::Unknown)
}

fn judge_fields(
    answer: &Answer,
    path: &str,
    key: &str,
    fields: &Map<String, Value>,
) -> Result<Verification, SentError> {
    let code = |name| plain(fields, name).map_err(|cause| unproven(answer, cause));
    let Some(return_code) = code("return_code")? else {
        let cause = Cause::new(
            Kind::Decode,
            "the answer has no `return_code`: it is not one of APIv2",
        );
        return Err(unproven(answer, cause));
    };
    let result_code = code("result_code")?;
    let good = answer.status.is_success()
        && return_code == SUCCESS
        && result_code.is_none_or(|code| code == SUCCESS);
    let signed = code(SIGN)?.is_some();
    let documented_unsigned = paths::is_unsigned(path);

    let verified = match verify(fields, key) {
        Ok(sign_type) => Some(sign_type),
        Err(cause) if !documented_unsigned && (good || signed) => {
            return Err(unproven(answer, cause));
        }
        Err(_) => None,
    };
    if good && result_code.is_none() && result_code::is_required(path) {
        let cause = Cause::new(
            Kind::Decode,
            "the response has no `result_code`, which the documents require: whether the request \
             succeeded is not known",
        );
        return Err(unproven(answer, cause));
    }
    if good {
        return Ok(match verified {
            Some(sign_type) => Verification::Verified {
                serial: sign_type.name().to_owned(),
            },
            None => Verification::DocumentedUnsigned,
        });
    }
    let failed = result_code.filter(|_| return_code == SUCCESS);
    let (code, message) = code_and_message(fields, failed.unwrap_or(return_code));
    let outcome = if answer.status.is_success() {
        let effect = Effect::of(Version::V2, &Method::POST, path);
        outcome_v2(effect, &code, &message)
    } else {
        Outcome::Unknown
    };
    Err(failure(answer, &code, &message, verified.is_some()).with_outcome(outcome))
}

/// The code and the message of a failure; `failed` is the code where it has none of its own.
pub(crate) fn code_and_message<'f>(
    fields: &'f Map<String, Value>,
    failed: &'f str,
) -> (Cow<'f, str>, Cow<'f, str>) {
    let text = |name: &str| fields.get(name).and_then(scalar).unwrap_or_default();
    let code = first([text("err_code"), text("error_code")]);
    let message = first([text("err_code_des"), text("return_msg")]);
    (code.unwrap_or(failed.into()), message.unwrap_or_default())
}

/// The text of a field that the judgement depends on; nothing where it is absent or empty.
///
/// # Errors
/// Where it holds elements or occurs twice. That is not the same as absent: a failure whose
/// `result_code` is read as absent would pass for a success.
pub(crate) fn plain<'f>(fields: &'f Map<String, Value>, name: &str) -> Result<Option<&'f str>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(Cause::new(
            Kind::Decode,
            format!("the field `{name}` of the response holds elements or occurs twice"),
        )),
    }
}

/// `appauth/getaccesstoken`, the one operation that answers in JSON. It reads and moves no money.
fn judge_json(answer: &Answer) -> Result<Verification, SentError> {
    let json: Value = json::parse(&answer.body).map_err(|fault| {
        let cause = Cause::new(
            Kind::Decode,
            format!(
                "the response ({} bytes) is not JSON: {fault}",
                answer.body.len()
            ),
        );
        unproven(answer, cause)
    })?;
    if json.get("access_token").is_some_and(Value::is_string) {
        return Ok(Verification::DocumentedUnsigned);
    }
    let text = |name: &str| json.get(name).and_then(scalar).unwrap_or_default();
    match first([
        text("errcode"),
        text("err_code"),
        text("retcode"),
        text("return_code"),
    ]) {
        Some(code) => {
            let message = first([
                text("errmsg"),
                text("err_code_des"),
                text("retmsg"),
                text("return_msg"),
            ]);
            let message = message.unwrap_or_default();
            Err(failure(answer, &code, &message, false).with_outcome(Outcome::Rejected))
        }
        None => {
            let cause = Cause::new(
                Kind::Decode,
                "the answer has neither an `access_token` nor a code",
            );
            Err(unproven(answer, cause))
        }
    }
}

/// An answer with an HTTP error, which APIv2 itself never gives: something on the way wrote it.
fn foreign(answer: &Answer, path: &str) -> SentError {
    let message = format!(
        "{}: not a response of the API ({} bytes): {}",
        answer.status.as_u16(),
        answer.body.len(),
        certificate_hint(answer, path).unwrap_or("something on the way wrote it"),
    );
    let effect = Effect::of(Version::V2, &Method::POST, path);
    let outcome = outcome_of_status(effect, answer.status);
    Cause::new(Kind::Api, message)
        .with_api(api(answer, "", "", false))
        .with_outcome(outcome)
}

/// What to do where the server in front of the API asks for a client certificate. Its page is in HTML.
fn certificate_hint(answer: &Answer, path: &str) -> Option<&'static str> {
    if answer.status != StatusCode::BAD_REQUEST {
        return None;
    }
    let page = String::from_utf8_lossy(&answer.body[..answer.body.len().min(4096)]);
    // nginx's own words for its statuses 496 and 495.
    if page.contains("No required SSL certificate was sent") {
        return Some(
            "this path asks for the merchant's API certificate, and none was shown: give the builder \
             a `client_identity`, and the call the option `security: true` (Options::mutual_tls)",
        );
    }
    if page.contains("The SSL certificate error") {
        return Some(
            "the client certificate was not accepted: the `client_identity` has to be the merchant's \
             own API certificate (apiclient_cert), and in force",
        );
    }
    needs_certificate(path).then_some(
        "this path asks for the merchant's API certificate: where the call had no `security: true` \
         (Options::mutual_tls), give that, and the builder a `client_identity`",
    )
}

fn failure(answer: &Answer, code: &str, message: &str, verified: bool) -> Cause {
    let mut text = format!("{}: {}", shown(code), shown(message));
    if let Some(id) = request_id(&answer.headers) {
        text.push_str(&format!(" (Request-ID {})", shown(id)));
    }
    Cause::new(Kind::Api, text).with_api(api(answer, code, message, verified))
}

fn api(answer: &Answer, code: &str, message: &str, verified: bool) -> ApiError {
    ApiError {
        status: answer.status,
        code: code.to_owned(),
        message: message.to_owned(),
        detail: None,
        request_id: request_id(&answer.headers).map(str::to_owned),
        body: answer.body.clone(),
        verified,
        retry_after: retry_after(&answer.headers),
    }
}

/// The first that is not empty.
fn first<T: AsRef<str>, const N: usize>(texts: [T; N]) -> Option<T> {
    texts.into_iter().find(|text| !text.as_ref().is_empty())
}

/// Whether the body begins as the API's XML does; a page's HTML does not.
pub(crate) fn is_xml(body: &[u8]) -> bool {
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    body.starts_with(b"<xml") || body.starts_with(b"<?xml")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::{
        error::Result,
        protocol::v2::sign::{SignType, sign},
    };

    const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
    const ORDER: &str = "/pay/unifiedorder";
    const BILL: &str = "/pay/downloadbill";
    const TOKEN: &str = "/appauth/getaccesstoken";

    fn judge(answer: &Answer, path: &str, key: &str) -> Result<Verification> {
        Ok(super::judge(answer, path, key)?)
    }

    fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("request-id", "0812".parse().unwrap());
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: body.into(),
            coded: Default::default(),
            signed: Vec::new(),
        }
    }

    fn xml_of(fields: Value, signed: Option<(&str, SignType)>) -> String {
        let Value::Object(mut fields) = fields else {
            panic!("{fields} is no object")
        };
        if let Some((key, sign_type)) = signed {
            let sign = sign(&fields, key, sign_type).unwrap();
            fields.insert("sign".to_owned(), sign.into());
        }
        xml::write(&fields).unwrap()
    }

    fn good() -> Value {
        json!({"return_code": "SUCCESS", "result_code": "SUCCESS", "prepay_id": "wx<1>"})
    }

    fn refused(code: &str) -> Value {
        json!({
            "return_code": "SUCCESS", "result_code": "FAIL", "err_code": code,
            "err_code_des": "余额不足",
        })
    }

    #[test]
    fn a_success_needs_its_sign() {
        for (sign_type, serial) in [
            (SignType::Md5, "MD5"),
            (SignType::HmacSha256, "HMAC-SHA256"),
        ] {
            let body = xml_of(good(), Some((KEY, sign_type)));
            let serial = serial.to_owned();
            assert_eq!(
                judge(&answer(200, body), ORDER, KEY).unwrap(),
                Verification::Verified { serial }
            );
        }
        let altered = xml_of(good(), Some((KEY, SignType::Md5))).replace("wx", "wy");
        for body in [
            xml_of(good(), None),
            xml_of(good(), Some(("another key", SignType::Md5))),
            altered,
        ] {
            let err = judge(&answer(200, body.clone()), ORDER, KEY).unwrap_err();
            assert!(err.is_signature(), "{err}");
            assert_eq!(err.outcome(), Outcome::Unknown);
            assert_eq!(err.unverified(), Some(body.as_bytes()));
            assert!(err.api().is_none());
        }
    }

    #[test]
    fn a_page_that_asks_for_the_certificate_says_what_to_give() {
        let page = |words: &str| {
            format!(
                "<html>\r\n<head><title>{words}</title></head>\r\n<center>nginx</center></html>"
            )
        };
        let none = page("400 No required SSL certificate was sent");
        let refused = page("400 The SSL certificate error");
        let other = page("400 Bad Request");
        let refund = "/secapi/pay/refund";
        for (path, page, status, hints) in [
            (
                refund,
                &none,
                400,
                &["`security: true`", "`client_identity`"][..],
            ),
            (
                refund,
                &refused,
                400,
                &["was not accepted", "`client_identity`"],
            ),
            (
                refund,
                &other,
                400,
                &["`security: true`", "`client_identity`"],
            ),
            // The documents do not list it; the server asks all the same.
            (
                ORDER,
                &none,
                400,
                &["`security: true`", "`client_identity`"],
            ),
            (ORDER, &other, 400, &["something on the way wrote it"]),
            (refund, &other, 502, &["something on the way wrote it"]),
        ] {
            let err = judge(&answer(status, page.clone()), path, KEY).unwrap_err();
            let text = err.to_string();
            assert!(hints.iter().all(|hint| text.contains(hint)), "{text}");
            // Anything on the way could have written it.
            assert_eq!(err.outcome(), Outcome::Unknown);
        }
    }

    #[test]
    fn a_code_that_is_no_plain_text_is_no_success() {
        let transfer = "/mmpaymkttransfers/promotion/transfers";
        let twice = "<result_code>FAIL</result_code><result_code>SUCCESS</result_code>";
        let nested = "<result_code><a>FAIL</a></result_code>";
        let sign = "<result_code>SUCCESS</result_code><sign>A</sign><sign>B</sign>";
        for path in [ORDER, transfer, BILL] {
            for field in [twice, nested, sign] {
                let body = format!("<xml><return_code>SUCCESS</return_code>{field}</xml>");
                let err = judge(&answer(200, body.clone()), path, KEY).unwrap_err();
                assert!(err.is_decode(), "{path} {body}: {err}");
                assert_eq!(err.outcome(), Outcome::Unknown);
                assert_eq!(err.unverified(), Some(body.as_bytes()));
            }
            let body = "<xml><return_code>SUCCESS</return_code>\
                        <return_code>FAIL</return_code></xml>";
            let err = judge(&answer(200, body), path, KEY).unwrap_err();
            assert!(err.is_decode() && err.outcome() == Outcome::Unknown);
        }
    }

    #[test]
    fn a_refusal_whose_code_was_hidden_is_no_success() {
        let refusal = json!({ "return_code": "SUCCESS", "result_code": "FAIL", "nonce_str": "n",
            "mch_id": "1", "err_code": "NOTENOUGH" });
        let sign = sign(refusal.as_object().unwrap(), KEY, SignType::Md5).unwrap();
        let body = |rest: &str| {
            format!(
                "<xml><err_code>NOTENOUGH</err_code><mch_id>1</mch_id>{rest}\
                 <return_code>SUCCESS</return_code><sign>{sign}</sign></xml>"
            )
        };
        let genuine = body("<nonce_str>n</nonce_str><result_code>FAIL</result_code>");
        let hidden = body("<nonce_str>n&amp;result_code=FAIL</nonce_str>");
        let err = judge(&answer(200, genuine), ORDER, KEY).unwrap_err();
        assert_eq!(err.outcome(), Outcome::Rejected);
        // Both where the table requires a `result_code` and where it does not.
        for path in [ORDER, "/pay/queryexchagerate"] {
            let err = judge(&answer(200, hidden.clone()), path, KEY).unwrap_err();
            assert!(err.is_signature(), "{err}");
            assert_eq!(err.outcome(), Outcome::Unknown);
            assert_eq!(err.unverified(), Some(hidden.as_bytes()));
        }
    }

    #[test]
    fn a_success_has_the_result_code_that_its_table_requires() {
        let bare = json!({ "return_code": "SUCCESS", "mch_id": "1" });
        let signed = xml_of(bare.clone(), Some((KEY, SignType::Md5)));
        let unsigned = xml_of(bare, None);
        let transfer = "/mmpaymkttransfers/promotion/transfers";
        // Its path has a capital; the documents write it as a variable.
        let add = "/secapi/mch/addInstitutionsub";
        for (path, body) in [
            (ORDER, &signed),
            (add, &signed),
            (transfer, &signed),
            (transfer, &unsigned),
        ] {
            let err = judge(&answer(200, body.clone()), path, KEY).unwrap_err();
            assert!(err.is_decode(), "{path}: {err}");
            assert_eq!(err.outcome(), Outcome::Unknown);
        }
        for path in [
            "/pay/queryexchagerate",
            "/pay/downloadfundflow",
            "/not/documented",
        ] {
            judge(&answer(200, signed.clone()), path, KEY).unwrap();
        }
    }

    #[test]
    fn a_failure_gives_its_code_and_the_outcome_that_the_code_stands_for() {
        for (body, code, outcome, verified) in [
            (
                xml_of(refused("NOTENOUGH"), Some((KEY, SignType::Md5))),
                "NOTENOUGH",
                Outcome::Rejected,
                true,
            ),
            (
                xml_of(refused("NOTENOUGH"), None),
                "NOTENOUGH",
                Outcome::Rejected,
                false,
            ),
            (
                xml_of(refused("SYSTEMERROR"), None),
                "SYSTEMERROR",
                Outcome::Unknown,
                false,
            ),
            (
                xml_of(refused("BRAND_NEW"), None),
                "BRAND_NEW",
                Outcome::Unknown,
                false,
            ),
            (xml_of(refused(""), None), "FAIL", Outcome::Unknown, false),
        ] {
            let err = judge(&answer(200, body.clone()), ORDER, KEY).unwrap_err();
            assert!(err.is_api());
            assert_eq!(err.outcome(), outcome);
            assert_eq!(
                err.to_string(),
                format!("{code}: 余额不足 (Request-ID 0812)")
            );
            let api = err.api().unwrap();
            assert_eq!((api.code(), api.message()), (code, "余额不足"));
            assert_eq!(api.is_verified(), verified);
            assert_eq!(api.body(), body.as_bytes());
            assert!(err.unverified().is_none());
        }
        let body = "<xml><return_code>FAIL</return_code><return_msg>签名错误</return_msg></xml>";
        let err = judge(&answer(200, body), ORDER, KEY).unwrap_err();
        assert_eq!(err.api().unwrap().code(), "FAIL");
        assert_eq!(err.api().unwrap().message(), "签名错误");
        assert_eq!(err.outcome(), Outcome::Rejected);
    }

    #[test]
    fn a_failure_with_a_sign_that_does_not_match_is_not_believed() {
        let body = xml_of(refused("NOTENOUGH"), Some(("another key", SignType::Md5)));
        let err = judge(&answer(200, body), ORDER, KEY).unwrap_err();
        assert!(err.is_signature());
        assert_eq!(err.outcome(), Outcome::Unknown);
    }

    #[test]
    fn the_documented_unsigned_answers_are_taken_without_a_sign() {
        let transfer = "/mmpaymkttransfers/promotion/transfers";
        for signed in [None, Some(("another key", SignType::Md5))] {
            let body = xml_of(good(), signed);
            assert_eq!(
                judge(&answer(200, body), transfer, KEY).unwrap(),
                Verification::DocumentedUnsigned
            );
        }
        let body = xml_of(good(), Some((KEY, SignType::Md5)));
        assert!(
            judge(&answer(200, body), transfer, KEY)
                .unwrap()
                .is_verified()
        );
        let err = judge(
            &answer(200, xml_of(refused("SYSTEMERROR"), None)),
            transfer,
            KEY,
        );
        assert_eq!(err.unwrap_err().outcome(), Outcome::Unknown);
    }

    #[test]
    fn a_bill_is_a_table_and_its_failure_is_xml() {
        for body in [
            &b"\xef\xbb\xbf\xe4\xba\xa4\xe6\x98\x93"[..],
            b"\x1f\x8b\x08",
            b"",
        ] {
            assert_eq!(
                judge(&answer(200, body), BILL, KEY).unwrap(),
                Verification::DocumentedUnsigned
            );
            assert!(
                judge(&answer(200, body), ORDER, KEY)
                    .unwrap_err()
                    .is_decode()
            );
        }
        let body = "<xml><return_code>FAIL</return_code><return_msg>No Bill Exist</return_msg>\
                    <error_code>20002</error_code></xml>";
        let err = judge(&answer(200, body), BILL, KEY).unwrap_err();
        assert_eq!(err.api().unwrap().code(), "20002");
        assert_eq!(err.api().unwrap().message(), "No Bill Exist");
        assert_eq!(err.outcome(), Outcome::Rejected);
    }

    #[test]
    fn the_access_token_comes_as_json() {
        let judged = |body: &'static str| judge(&answer(200, body), TOKEN, KEY);
        assert_eq!(
            judged(r#"{"access_token":"A","openid":"o"}"#).unwrap(),
            Verification::DocumentedUnsigned
        );
        let err = judged(r#"{"errcode":40029,"errmsg":"invalid code"}"#).unwrap_err();
        assert_eq!(err.api().unwrap().code(), "40029");
        assert_eq!(err.api().unwrap().message(), "invalid code");
        assert_eq!(err.outcome(), Outcome::Rejected);
        assert!(judged("{}").unwrap_err().is_decode());
        assert!(judged("<html></html>").unwrap_err().is_decode());
        let err = judged("<xml><return_code>FAIL</return_code></xml>").unwrap_err();
        assert!(err.is_api());
    }

    #[test]
    fn what_something_else_wrote_is_not_taken_for_the_api() {
        for (status, body, outcome) in [
            (502, "<html>Bad Gateway</html>", Outcome::Unknown),
            (403, "", Outcome::Rejected),
            (429, "slow down", Outcome::Rejected),
            (404, "<html></html>", Outcome::Unknown),
        ] {
            let err = judge(&answer(status, body), ORDER, KEY).unwrap_err();
            assert!(err.is_api());
            assert_eq!(err.outcome(), outcome);
            assert_eq!(err.api().unwrap().code(), "");
            assert!(
                err.to_string()
                    .starts_with(&format!("{status}: not a response of the API"))
            );
        }
        for body in [
            "<html></html>",
            "",
            "{}",
            "<xml><a>1</a></xml>",
            "<xml></xml>",
            "\u{0}",
        ] {
            let err = judge(&answer(200, body), ORDER, KEY).unwrap_err();
            assert!(err.is_decode(), "{err}");
            assert_eq!(err.outcome(), Outcome::Unknown);
            assert_eq!(err.unverified(), Some(body.as_bytes()));
        }
        let body = xml_of(good(), Some((KEY, SignType::Md5)));
        let err = judge(&answer(500, body), ORDER, KEY).unwrap_err();
        assert!(err.is_api());
        assert_eq!(err.outcome(), Outcome::Unknown);
    }
}
