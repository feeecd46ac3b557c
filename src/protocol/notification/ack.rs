use std::borrow::Cow;

use http::StatusCode;

use crate::{
    error::{Error, Kind, RefusedNotification},
    protocol::path::Version,
};

/// The answer to a notification, for any web framework.
///
/// By "通知规则": a success is 204 without a body; a failure, which asks for the notification
/// again, is 4xx or 5xx with `{"code":"FAIL","message":"…"}`. APIv2's are XML, with 200.
///
/// ```
/// use wechatpay_chain::Ack;
///
/// assert_eq!(Ack::success().status(), 204);
///
/// let again = Ack::fail("the database is away");
/// assert_eq!(again.status(), 500);
/// assert_eq!(again.body(), r#"{"code":"FAIL","message":"the database is away"}"#);
/// assert_eq!(again.content_type(), Some("application/json"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it is the answer to the notification"]
pub struct Ack {
    version: Version,
    status: StatusCode,
    /// Why not; none is a success.
    reason: Option<Cow<'static, str>>,
    body: String,
}

impl Ack {
    /// It was taken: WeChat Pay sends it no more.
    pub fn success() -> Self {
        Self::new(StatusCode::NO_CONTENT, None)
    }

    /// It was not taken: WeChat Pay sends it again, later. `reason` is seen by WeChat Pay; of a
    /// long one, the first 256 characters.
    pub fn fail(reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        if let Some((end, _)) = reason.char_indices().nth(256) {
            reason.truncate(end);
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Some(reason.into()))
    }

    /// What to answer where a notification was refused, or its handler failed. It tells which step
    /// refused it, and nothing more: anyone may have sent it.
    ///
    /// It asks for the notification again. Of one that is genuine, and will be refused each time,
    /// [`dismiss`](Ack::dismiss) asks for no more.
    pub fn refusal(err: &Error) -> Self {
        let (status, reason) = match err.kind() {
            Kind::Signature | Kind::UnknownKey | Kind::Probe => {
                (StatusCode::UNAUTHORIZED, "signature refused")
            }
            Kind::ClockSkew => (StatusCode::UNAUTHORIZED, "timestamp refused"),
            Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body too large"),
            Kind::Decode => (StatusCode::BAD_REQUEST, "body not understood"),
            Kind::Decrypt => (StatusCode::BAD_REQUEST, "decryption failed"),
            Kind::Owner => (StatusCode::BAD_REQUEST, "not this merchant's"),
            Kind::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "out of time"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "not handled"),
        };
        Self::new(status, Some(reason.into()))
    }

    /// Says that a notification was taken which is WeChat Pay's but was refused here, so that it
    /// stops coming: see [`RefusedNotification`]. Keep its content first.
    pub fn dismiss(refused: &RefusedNotification) -> Self {
        let version = if refused.is_v2() {
            Version::V2
        } else {
            Version::V3
        };
        Self::success().of(version)
    }

    /// The same answer as APIv2 takes it: XML, with 200.
    ///
    /// ```
    /// # use wechatpay_chain::Ack;
    /// assert_eq!(
    ///     Ack::success().v2().body(),
    ///     "<xml><return_code>SUCCESS</return_code><return_msg>OK</return_msg></xml>"
    /// );
    /// ```
    pub fn v2(self) -> Self {
        self.of(Version::V2)
    }

    pub(crate) fn of(mut self, version: Version) -> Self {
        self.version = version;
        self.body = match (version, &self.reason) {
            (Version::V3, None) => String::new(),
            (Version::V3, Some(reason)) => {
                serde_json::json!({ "code": "FAIL", "message": reason }).to_string()
            }
            (Version::V2, None) => xml("SUCCESS", "OK"),
            (Version::V2, Some(reason)) => xml("FAIL", reason),
        };
        self
    }

    fn new(status: StatusCode, reason: Option<Cow<'static, str>>) -> Self {
        let bare = Self {
            version: Version::V3,
            status,
            reason,
            body: String::new(),
        };
        bare.of(Version::V3)
    }

    /// Whether it says that the notification was taken.
    pub fn is_success(&self) -> bool {
        self.reason.is_none()
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self.version {
            Version::V3 => self.status,
            Version::V2 => StatusCode::OK,
        }
    }

    /// The `Content-Type`; none where there is no body.
    pub fn content_type(&self) -> Option<&'static str> {
        match self.version {
            Version::V2 => Some("text/xml; charset=utf-8"),
            Version::V3 => (!self.body.is_empty()).then_some("application/json"),
        }
    }

    /// The body.
    pub fn body(&self) -> &str {
        &self.body
    }
}

impl<B: From<String>> From<Ack> for http::Response<B> {
    fn from(ack: Ack) -> Self {
        let (status, content_type) = (ack.status(), ack.content_type());
        let mut response = Self::new(B::from(ack.body));
        *response.status_mut() = status;
        if let Some(content_type) = content_type {
            let content_type = http::HeaderValue::from_static(content_type);
            response
                .headers_mut()
                .insert(http::header::CONTENT_TYPE, content_type);
        }
        response
    }
}

fn xml(code: &str, message: &str) -> String {
    let mut out = format!("<xml><return_code>{code}</return_code><return_msg>");
    for c in message.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push_str("</return_msg></xml>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_breaks_out_of_neither_form() {
        let ack = Ack::fail("\"</return_msg>\n& \u{0}]]>");
        let json = serde_json::from_str::<serde_json::Value>(ack.body()).unwrap();
        assert_eq!(json["message"], "\"</return_msg>\n& \u{0}]]>");
        let ack = ack.v2();
        assert_eq!(
            ack.body(),
            "<xml><return_code>FAIL</return_code>\
             <return_msg>\"&lt;/return_msg&gt; &amp;  ]]&gt;</return_msg></xml>"
        );
        assert_eq!((ack.status().as_u16(), ack.is_success()), (200, false));
        assert!(Ack::fail("长".repeat(1000)).body().len() < 1000);
    }

    #[test]
    fn it_becomes_a_response() {
        let response = http::Response::<Vec<u8>>::from(Ack::success());
        assert_eq!(response.status(), 204);
        assert!(response.headers().is_empty() && response.body().is_empty());
        let response = http::Response::<String>::from(Ack::success().v2());
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()["content-type"],
            "text/xml; charset=utf-8"
        );
    }
}
