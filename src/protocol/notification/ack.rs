//! The acknowledgement of a notification: what the merchant's server responds.

use std::borrow::Cow;

use http::StatusCode;

use crate::{
    error::{Error, ErrorKind, RefusedNotification},
    protocol::url::path::Version,
};

/// The acknowledgement of a notification: the response to send, for any web framework.
///
/// WeChat Pay expects it within five seconds. A success is 204 without a body, and stops the
/// notification. A failure is 4xx or 5xx with `{"code":"FAIL","message":"…"}`, and WeChat Pay sends
/// the notification again later, for a little more than a day. For APIv2 both are XML with status
/// 200. An `Ack` converts into an [`http::Response`].
///
/// ```
/// use wechatpay_chain::Ack;
///
/// assert_eq!(Ack::success().status(), 204);
///
/// let ack = Ack::fail("the database is not reachable");
/// assert_eq!(ack.status(), 500);
/// assert_eq!(ack.body(), r#"{"code":"FAIL","message":"the database is not reachable"}"#);
/// assert_eq!(ack.content_type(), Some("application/json"));
/// ```
///
/// Official page: "通知规则".
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an acknowledgement does nothing unless it is sent as the response"]
pub struct Ack {
    version: Version,
    status: StatusCode,
    /// The reason of a failure; `None` is a success.
    reason: Option<Cow<'static, str>>,
    body: String,
}

impl Ack {
    /// Acknowledges a notification that was handled. WeChat Pay stops sending it.
    pub fn success() -> Self {
        Self::new(StatusCode::NO_CONTENT, None)
    }

    /// Reports that a notification was not handled. WeChat Pay sends it again later.
    ///
    /// `reason` is sent to WeChat Pay, truncated to 256 characters.
    pub fn fail(reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        if let Some((end, _)) = reason.char_indices().nth(256) {
            reason.truncate(end);
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Some(reason.into()))
    }

    /// Returns the acknowledgement for an error of a notification or of its handler.
    ///
    /// It names the step that failed and no details, because anyone may have sent the request.
    /// WeChat Pay sends a genuine notification again later. To stop one that will be refused every
    /// time, use [`dismiss`](Ack::dismiss).
    pub fn refusal(err: &Error) -> Self {
        let (status, reason) = match err.kind() {
            // A probe must be refused: acknowledging one shows WeChat Pay a merchant that does not verify.
            ErrorKind::Verification | ErrorKind::UnknownKey | ErrorKind::Probe => {
                (StatusCode::UNAUTHORIZED, "signature refused")
            }
            ErrorKind::ClockSkew => (StatusCode::UNAUTHORIZED, "timestamp refused"),
            ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body too large"),
            ErrorKind::Decode => (StatusCode::BAD_REQUEST, "body not understood"),
            ErrorKind::Decrypt => (StatusCode::BAD_REQUEST, "decryption failed"),
            ErrorKind::WrongMerchant => (StatusCode::BAD_REQUEST, "not this merchant's"),
            ErrorKind::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timed out"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "not handled"),
        };
        Self::new(status, Some(reason.into()))
    }

    /// Acknowledges a genuine notification that was refused, so that WeChat Pay stops sending it.
    ///
    /// Save its content first: see [`RefusedNotification`].
    pub fn dismiss(refused: &RefusedNotification) -> Self {
        let version = if refused.is_v2() {
            Version::V2
        } else {
            Version::V3
        };
        Self::success().of(version)
    }

    /// Returns the same acknowledgement in APIv2's format: XML with status 200.
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

    /// Returns `true` if this reports success.
    pub fn is_success(&self) -> bool {
        self.reason.is_none()
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> StatusCode {
        match self.version {
            Version::V3 => self.status,
            // APIv2's documents use 200 for both results; only the body tells them apart.
            Version::V2 => StatusCode::OK,
        }
    }

    /// Returns the value of `Content-Type`, or `None` if there is no body.
    pub fn content_type(&self) -> Option<&'static str> {
        match self.version {
            Version::V2 => Some("text/xml; charset=utf-8"),
            Version::V3 => (!self.body.is_empty()).then_some("application/json"),
        }
    }

    /// Returns the body.
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
    // The reason may contain anything; control characters and U+FFFE are not allowed in XML at all,
    // not even escaped.
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
    fn reason_is_escaped_in_json_and_xml() {
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
    fn ack_converts_into_a_response() {
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
