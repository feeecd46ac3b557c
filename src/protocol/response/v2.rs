//! Judges an APIv2 response: a success, a refusal, or something that proves nothing.
//!
//! APIv2 differs from APIv3 in three ways that matter here. Its HTTP status is 200 for failures as
//! well, so success is a matter of two fields, `return_code` and `result_code`. Its failures are
//! usually unsigned. And a documented list of operations does not sign its successes either: that
//! list is consulted with the path of the request, never with anything from the response.

use std::borrow::Cow;

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::{
    outcome::{Effect, outcome_of_status, outcome_v2},
    raw::{RawResponse, request_id, retry_after},
    verification::Verification,
};
use crate::{
    base::{json, scalar::scalar, xml},
    error::{ApiError, Cause, ErrorKind, Outcome, SentError, cause::Result, value::shown},
    protocol::{
        url::path::Version,
        v2::{
            paths::{self, ResponseKind, needs_certificate},
            result_code,
            sign::{SIGN, verify},
        },
    },
};

/// The largest accepted XML, in bytes. (A bill can be larger, but it is not XML.)
const MAX_XML: usize = 4 << 20;
/// The value of `return_code` and `result_code` in a success.
pub(crate) const SUCCESS: &str = "SUCCESS";

/// Judges the APIv2 response to a request to `path`, which excludes the base URI's prefix, `v2` and
/// the query. `key` is the APIv2 key.
///
/// # Errors
/// Returns the API's error for a failure, [`ErrorKind::Verification`] if the sign of a success or of a signed
/// failure does not match, and [`ErrorKind::Decode`] if the body is not understood.
pub(crate) fn judge(
    response: &RawResponse,
    path: &str,
    key: &str,
) -> Result<Verification, SentError> {
    judge_body(response, path, key)
        .map_err(|err| err.map(|cause| cause.with_status(response.status)))
}

fn judge_body(response: &RawResponse, path: &str, key: &str) -> Result<Verification, SentError> {
    let success = response.status.is_success();
    // A table, a page or JSON is accepted only for the few paths that document it. For all others a
    // body that is not XML is an error, so an HTML page with status 200 never passes for a success.
    if success && !is_xml(&response.body) {
        match paths::response_kind(path) {
            Some(ResponseKind::Table | ResponseKind::Page) => {
                return Ok(Verification::DocumentedUnsigned);
            }
            Some(ResponseKind::Json) => return judge_json(response),
            None => {}
        }
    }
    match xml::parse(&response.body, MAX_XML) {
        Ok(fields) => judge_fields(response, path, key, &fields),
        // With 200 this is probably a broken success, so the money may have moved.
        Err(cause) if success => Err(unproven(response, cause)),
        Err(_) => Err(foreign(response, path)),
    }
}

/// Turns a cause into an error with the outcome `Unknown`: nothing vouches for the response, so it
/// proves nothing about the request.
fn unproven(response: &RawResponse, cause: Cause) -> SentError {
    cause
        .with_unverified(response.body.clone())
        .with_outcome(Outcome::Unknown)
}

fn judge_fields(
    response: &RawResponse,
    path: &str,
    key: &str,
    fields: &Map<String, Value>,
) -> Result<Verification, SentError> {
    let code = |name| plain(fields, name).map_err(|cause| unproven(response, cause));
    let Some(return_code) = code("return_code")? else {
        let cause = Cause::new(
            ErrorKind::Decode,
            "the response has no `return_code`: it is not from APIv2",
        );
        return Err(unproven(response, cause));
    };
    let result_code = code("result_code")?;
    // A success may lack `result_code` (see below), but must not have another one.
    let success = response.status.is_success()
        && return_code == SUCCESS
        && result_code.is_none_or(|code| code == SUCCESS);
    // Whether there is a sign, valid or not. From here on only the path of the request decides whether
    // one is needed.
    let signed = code(SIGN)?.is_some();
    let documented_unsigned = paths::is_unsigned(path);

    // The sign is checked whenever it could matter. A failure without one is normal; a failure with
    // one that does not match has been tampered with or was made for another merchant.
    let verified = match verify(fields, key) {
        Ok(sign_type) => Some(sign_type),
        Err(cause) if !documented_unsigned && (success || signed) => {
            return Err(unproven(response, cause));
        }
        Err(_) => None,
    };
    // The sign does not protect the boundary between fields (see `v2::sign`), so `result_code=FAIL`
    // could be hidden inside another field's value. Requiring the field where the documents do closes
    // that gap.
    if success && result_code.is_none() && result_code::is_required(path) {
        let cause = Cause::new(
            ErrorKind::Decode,
            "the response has no `result_code`, which the documents require: it is not known whether \
             the request succeeded",
        );
        return Err(unproven(response, cause));
    }
    if success {
        // A documented unsigned response may still be signed, and then it counts as verified.
        return Ok(match verified {
            Some(sign_type) => Verification::Verified {
                serial: sign_type.name().to_owned(),
            },
            None => Verification::DocumentedUnsigned,
        });
    }
    // `return_code` reports the communication, `result_code` the operation. The second one says more,
    // but exists only if the first one is a success.
    let failed = result_code.filter(|_| return_code == SUCCESS);
    let (code, message) = code_and_message(fields, failed.unwrap_or(return_code));
    let outcome = if response.status.is_success() {
        let effect = Effect::of(Version::V2, &Method::POST, path);
        outcome_v2(effect, &code, &message)
    } else {
        // APIv2 sends all its failures with 200, so something on the way is involved.
        Outcome::Unknown
    };
    Err(failure(response, &code, &message, verified.is_some()).with_outcome(outcome))
}

/// Returns the code and the message of a failure. `fallback` is the code if the fields have none.
pub(crate) fn code_and_message<'f>(
    fields: &'f Map<String, Value>,
    fallback: &'f str,
) -> (Cow<'f, str>, Cow<'f, str>) {
    let text = |name: &str| fields.get(name).and_then(scalar).unwrap_or_default();
    // Bills use `error_code`; everything else uses `err_code`.
    let code = first([text("err_code"), text("error_code")]);
    let message = first([text("err_code_des"), text("return_msg")]);
    (code.unwrap_or(fallback.into()), message.unwrap_or_default())
}

/// Returns the text of a field that the judgement depends on, or `None` if it is absent or empty.
///
/// # Errors
/// Returns an error if the field contains elements or occurs twice. Treating it as absent would be
/// wrong: a failure whose `result_code` is read as absent would pass for a success.
pub(crate) fn plain<'f>(fields: &'f Map<String, Value>, name: &str) -> Result<Option<&'f str>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(Cause::new(
            ErrorKind::Decode,
            format!("the field `{name}` of the response contains elements or occurs twice"),
        )),
    }
}

/// Judges the response of `appauth/getaccesstoken`, the only operation that uses JSON. It is a read,
/// so a refusal is always `Rejected`.
fn judge_json(response: &RawResponse) -> Result<Verification, SentError> {
    let json: Value = json::parse(&response.body).map_err(|fault| {
        let cause = Cause::new(
            ErrorKind::Decode,
            format!(
                "the response ({} bytes) is not JSON: {fault}",
                response.body.len()
            ),
        );
        unproven(response, cause)
    })?;
    if json.get("access_token").is_some_and(Value::is_string) {
        return Ok(Verification::DocumentedUnsigned);
    }
    // WeChat's APIs spell these fields in several ways. Whichever is present is the code.
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
            Err(failure(response, &code, &message, false).with_outcome(Outcome::Rejected))
        }
        None => {
            let cause = Cause::new(
                ErrorKind::Decode,
                "the response has neither an `access_token` nor a code",
            );
            Err(unproven(response, cause))
        }
    }
}

/// Returns the error of a response with an HTTP error, which APIv2 itself never sends.
fn foreign(response: &RawResponse, path: &str) -> SentError {
    let message = format!(
        "{}: not a response of the API ({} bytes): {}",
        response.status.as_u16(),
        response.body.len(),
        certificate_hint(response, path).unwrap_or("something on the way sent it"),
    );
    let effect = Effect::of(Version::V2, &Method::POST, path);
    let outcome = outcome_of_status(effect, response.status);
    Cause::new(ErrorKind::Api, message)
        .with_api(api(response, "", "", false))
        .with_outcome(outcome)
}

/// Returns what to do if the server in front of the API asks for a client certificate, which it does
/// with an HTML page.
fn certificate_hint(response: &RawResponse, path: &str) -> Option<&'static str> {
    if response.status != StatusCode::BAD_REQUEST {
        return None;
    }
    // The words are at the beginning; the rest of a page of any size is not searched.
    let page = String::from_utf8_lossy(&response.body[..response.body.len().min(4096)]);
    // The texts of nginx for its internal statuses 496 and 495.
    if page.contains("No required SSL certificate was sent") {
        return Some(
            "this path requires the merchant's API certificate: give the builder a \
             `client_identity`, and the call the option `security: true` (Options::mutual_tls)",
        );
    }
    if page.contains("The SSL certificate error") {
        return Some(
            "the client certificate was not accepted: the `client_identity` must be the merchant's own \
             API certificate (apiclient_cert), and must not have expired",
        );
    }
    needs_certificate(path).then_some(
        "this path requires the merchant's API certificate: give the builder a `client_identity`, and \
         the call the option `security: true` (Options::mutual_tls)",
    )
}

fn failure(response: &RawResponse, code: &str, message: &str, verified: bool) -> Cause {
    let mut text = format!("{}: {}", shown(code), shown(message));
    if let Some(id) = request_id(&response.headers) {
        text.push_str(&format!(" (Request-ID {})", shown(id)));
    }
    Cause::new(ErrorKind::Api, text).with_api(api(response, code, message, verified))
}

fn api(response: &RawResponse, code: &str, message: &str, verified: bool) -> ApiError {
    ApiError {
        status: response.status,
        code: code.to_owned(),
        message: message.to_owned(),
        detail: None,
        headers: response.headers.clone(),
        request_id: request_id(&response.headers).map(str::to_owned),
        body: response.body.clone(),
        verified,
        retry_after: retry_after(&response.headers),
    }
}

/// Returns the first text that is not empty.
fn first<T: AsRef<str>, const N: usize>(texts: [T; N]) -> Option<T> {
    texts.into_iter().find(|text| !text.as_ref().is_empty())
}

/// Returns whether the body begins like XML of the API. An HTML page does not.
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

    fn judge(response: &RawResponse, path: &str, key: &str) -> Result<Verification> {
        Ok(super::judge(response, path, key)?)
    }

    fn response(status: u16, body: impl Into<Bytes>) -> RawResponse {
        let mut headers = HeaderMap::new();
        headers.insert("request-id", "0812".parse().unwrap());
        RawResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: body.into(),
            decoding: Default::default(),
            signed_message: Vec::new(),
        }
    }

    fn xml_of(fields: Value, signed: Option<(&str, SignType)>) -> String {
        let Value::Object(mut fields) = fields else {
            panic!("{fields} is not an object")
        };
        if let Some((key, sign_type)) = signed {
            let sign = sign(&fields, key, sign_type).unwrap();
            fields.insert("sign".to_owned(), sign.into());
        }
        xml::write(&fields).unwrap()
    }

    fn success_fields() -> Value {
        json!({"return_code": "SUCCESS", "result_code": "SUCCESS", "prepay_id": "wx<1>"})
    }

    fn refused(code: &str) -> Value {
        json!({
            "return_code": "SUCCESS", "result_code": "FAIL", "err_code": code,
            "err_code_des": "余额不足",
        })
    }

    #[test]
    fn success_requires_a_valid_sign() {
        for (sign_type, serial) in [
            (SignType::Md5, "MD5"),
            (SignType::HmacSha256, "HMAC-SHA256"),
        ] {
            let body = xml_of(success_fields(), Some((KEY, sign_type)));
            let serial = serial.to_owned();
            assert_eq!(
                judge(&response(200, body), ORDER, KEY).unwrap(),
                Verification::Verified { serial }
            );
        }
        let altered = xml_of(success_fields(), Some((KEY, SignType::Md5))).replace("wx", "wy");
        for body in [
            xml_of(success_fields(), None),
            xml_of(success_fields(), Some(("another key", SignType::Md5))),
            altered,
        ] {
            let err = judge(&response(200, body.clone()), ORDER, KEY).unwrap_err();
            assert!(err.is_verification(), "{err}");
            assert_eq!(err.outcome(), Outcome::Unknown);
            assert_eq!(err.unverified_body(), Some(body.as_bytes()));
            assert!(err.api().is_none());
        }
    }

    #[test]
    fn certificate_pages_say_which_options_to_give() {
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
            // Not listed in the documents, but the server asks anyway.
            (
                ORDER,
                &none,
                400,
                &["`security: true`", "`client_identity`"],
            ),
            (ORDER, &other, 400, &["something on the way sent it"]),
            (refund, &other, 502, &["something on the way sent it"]),
        ] {
            let err = judge(&response(status, page.clone()), path, KEY).unwrap_err();
            let text = err.to_string();
            assert!(hints.iter().all(|hint| text.contains(hint)), "{text}");
            // Anything on the way could have sent it.
            assert_eq!(err.outcome(), Outcome::Unknown);
        }
    }

    #[test]
    fn nested_or_repeated_code_is_a_decode_error() {
        let transfer = "/mmpaymkttransfers/promotion/transfers";
        let twice = "<result_code>FAIL</result_code><result_code>SUCCESS</result_code>";
        let nested = "<result_code><a>FAIL</a></result_code>";
        let sign = "<result_code>SUCCESS</result_code><sign>A</sign><sign>B</sign>";
        for path in [ORDER, transfer, BILL] {
            for field in [twice, nested, sign] {
                let body = format!("<xml><return_code>SUCCESS</return_code>{field}</xml>");
                let err = judge(&response(200, body.clone()), path, KEY).unwrap_err();
                assert!(err.is_decode(), "{path} {body}: {err}");
                assert_eq!(err.outcome(), Outcome::Unknown);
                assert_eq!(err.unverified_body(), Some(body.as_bytes()));
            }
            let body = "<xml><return_code>SUCCESS</return_code>\
                        <return_code>FAIL</return_code></xml>";
            let err = judge(&response(200, body), path, KEY).unwrap_err();
            assert!(err.is_decode() && err.outcome() == Outcome::Unknown);
        }
    }

    #[test]
    fn refusal_with_a_hidden_code_is_a_signature_error() {
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
        let err = judge(&response(200, genuine), ORDER, KEY).unwrap_err();
        assert_eq!(err.outcome(), Outcome::Rejected);
        // With a path that requires a `result_code`, and with one that does not.
        for path in [ORDER, "/pay/queryexchagerate"] {
            let err = judge(&response(200, hidden.clone()), path, KEY).unwrap_err();
            assert!(err.is_verification(), "{err}");
            assert_eq!(err.outcome(), Outcome::Unknown);
            assert_eq!(err.unverified_body(), Some(hidden.as_bytes()));
        }
    }

    #[test]
    fn success_without_a_required_result_code_is_unknown() {
        let bare = json!({ "return_code": "SUCCESS", "mch_id": "1" });
        let signed = xml_of(bare.clone(), Some((KEY, SignType::Md5)));
        let unsigned = xml_of(bare, None);
        let transfer = "/mmpaymkttransfers/promotion/transfers";
        // This path has a capital, so the documents write it as a variable.
        let add = "/secapi/mch/addInstitutionsub";
        for (path, body) in [
            (ORDER, &signed),
            (add, &signed),
            (transfer, &signed),
            (transfer, &unsigned),
        ] {
            let err = judge(&response(200, body.clone()), path, KEY).unwrap_err();
            assert!(err.is_decode(), "{path}: {err}");
            assert_eq!(err.outcome(), Outcome::Unknown);
        }
        for path in [
            "/pay/queryexchagerate",
            "/pay/downloadfundflow",
            "/not/documented",
        ] {
            judge(&response(200, signed.clone()), path, KEY).unwrap();
        }
    }

    #[test]
    fn failure_has_its_code_and_the_outcome_of_that_code() {
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
            let err = judge(&response(200, body.clone()), ORDER, KEY).unwrap_err();
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
            assert!(err.unverified_body().is_none());
        }
        let body = "<xml><return_code>FAIL</return_code><return_msg>签名错误</return_msg></xml>";
        let err = judge(&response(200, body), ORDER, KEY).unwrap_err();
        assert_eq!(err.api().unwrap().code(), "FAIL");
        assert_eq!(err.api().unwrap().message(), "签名错误");
        assert_eq!(err.outcome(), Outcome::Rejected);
    }

    #[test]
    fn failure_with_a_wrong_sign_is_unknown() {
        let body = xml_of(refused("NOTENOUGH"), Some(("another key", SignType::Md5)));
        let err = judge(&response(200, body), ORDER, KEY).unwrap_err();
        assert!(err.is_verification());
        assert_eq!(err.outcome(), Outcome::Unknown);
    }

    #[test]
    fn documented_unsigned_responses_need_no_sign() {
        let transfer = "/mmpaymkttransfers/promotion/transfers";
        for signed in [None, Some(("another key", SignType::Md5))] {
            let body = xml_of(success_fields(), signed);
            assert_eq!(
                judge(&response(200, body), transfer, KEY).unwrap(),
                Verification::DocumentedUnsigned
            );
        }
        let body = xml_of(success_fields(), Some((KEY, SignType::Md5)));
        assert!(
            judge(&response(200, body), transfer, KEY)
                .unwrap()
                .is_verified()
        );
        let err = judge(
            &response(200, xml_of(refused("SYSTEMERROR"), None)),
            transfer,
            KEY,
        );
        assert_eq!(err.unwrap_err().outcome(), Outcome::Unknown);
    }

    #[test]
    fn bill_is_a_table_and_its_failure_is_xml() {
        for body in [
            &b"\xef\xbb\xbf\xe4\xba\xa4\xe6\x98\x93"[..],
            b"\x1f\x8b\x08",
            b"",
        ] {
            assert_eq!(
                judge(&response(200, body), BILL, KEY).unwrap(),
                Verification::DocumentedUnsigned
            );
            assert!(
                judge(&response(200, body), ORDER, KEY)
                    .unwrap_err()
                    .is_decode()
            );
        }
        let body = "<xml><return_code>FAIL</return_code><return_msg>No Bill Exist</return_msg>\
                    <error_code>20002</error_code></xml>";
        let err = judge(&response(200, body), BILL, KEY).unwrap_err();
        assert_eq!(err.api().unwrap().code(), "20002");
        assert_eq!(err.api().unwrap().message(), "No Bill Exist");
        assert_eq!(err.outcome(), Outcome::Rejected);
    }

    #[test]
    fn access_token_is_judged_as_json() {
        let token = |body: &'static str| judge(&response(200, body), TOKEN, KEY);
        assert_eq!(
            token(r#"{"access_token":"A","openid":"o"}"#).unwrap(),
            Verification::DocumentedUnsigned
        );
        let err = token(r#"{"errcode":40029,"errmsg":"invalid code"}"#).unwrap_err();
        assert_eq!(err.api().unwrap().code(), "40029");
        assert_eq!(err.api().unwrap().message(), "invalid code");
        assert_eq!(err.outcome(), Outcome::Rejected);
        assert!(token("{}").unwrap_err().is_decode());
        assert!(token("<html></html>").unwrap_err().is_decode());
        let err = token("<xml><return_code>FAIL</return_code></xml>").unwrap_err();
        assert!(err.is_api());
    }

    #[test]
    fn responses_of_something_else_are_not_from_the_api() {
        for (status, body, outcome) in [
            (502, "<html>Bad Gateway</html>", Outcome::Unknown),
            (403, "", Outcome::Rejected),
            (429, "slow down", Outcome::Rejected),
            (404, "<html></html>", Outcome::Unknown),
        ] {
            let err = judge(&response(status, body), ORDER, KEY).unwrap_err();
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
            let err = judge(&response(200, body), ORDER, KEY).unwrap_err();
            assert!(err.is_decode(), "{err}");
            assert_eq!(err.outcome(), Outcome::Unknown);
            assert_eq!(err.unverified_body(), Some(body.as_bytes()));
        }
        let body = xml_of(success_fields(), Some((KEY, SignType::Md5)));
        let err = judge(&response(500, body), ORDER, KEY).unwrap_err();
        assert!(err.is_api());
        assert_eq!(err.outcome(), Outcome::Unknown);
    }
}
