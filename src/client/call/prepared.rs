//! A signed request for someone else to send.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};

use super::sign::{SignedBody, SignedRequest};
use crate::error::{Cause, Error};

/// A signed request that was not sent: from [`Chain::prepare`](crate::Chain::prepare).
///
/// Use it to open a URL in a browser, to send the request with another HTTP client, or to inspect it
/// in a test. An APIv3 signature is valid for five minutes.
///
/// # Examples
///
/// Converting it for another HTTP client:
///
/// ```
/// # fn main() -> wechatpay_chain::Result<()> {
/// use wechatpay_chain::{Client, Method, http, json};
///
/// let client = Client::builder()
///     .mchid("1900000109")
///     .apiv2_key("0123456789abcdef0123456789abcdef")
///     .build()?;
/// let prepared = client.chain("v2/pay/orderquery").prepare(Method::POST, json!({
///     "xml": { "appid": "wx8888888888888888", "mch_id": "1900000109", "out_trade_no": "tea-0001" },
/// }))?;
/// let request = http::Request::try_from(prepared)?;
/// assert_eq!(request.uri().host(), Some("api.mch.weixin.qq.com"));
/// # Ok(())
/// # }
/// ```
pub struct PreparedRequest {
    request: Request<SignedBody>,
    url: String,
}

impl PreparedRequest {
    pub(in crate::client) fn new(signed: SignedRequest) -> Self {
        Self {
            url: format!("{}{}", signed.origin, signed.request.uri()),
            request: signed.request,
        }
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        self.request.method()
    }

    /// Returns the URL, byte for byte as it would be sent.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the headers, without `Host` and `Content-Length`: the HTTP client that sends the
    /// request sets those.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Returns the body. For a file upload, returns the part that is signed: the `meta` on APIv3, the
    /// fields before the file on APIv2.
    pub fn body(&self) -> &[u8] {
        self.request.body().signed()
    }
}

impl TryFrom<PreparedRequest> for Request<Bytes> {
    type Error = Error;

    /// Converts the request for another HTTP client. The URI is the whole URL.
    ///
    /// Unlike this crate's types, the result shows its URI and body in `Debug` output, and with them what
    /// may be personal data.
    ///
    /// # Errors
    /// Returns an error for a file upload, whose body is read while it is sent, and if the URL cannot
    /// be represented byte for byte.
    fn try_from(prepared: PreparedRequest) -> Result<Self, Error> {
        let (mut parts, body) = prepared.request.into_parts();
        let SignedBody::Bytes(body) = body else {
            return Err(Cause::request(
                "the body of a file upload is streamed and cannot be converted: send the upload \
                 with this client",
            )
            .not_sent());
        };
        // A URI that differs from the signed URL would only be refused by WeChat Pay, later.
        parts.uri = Uri::try_from(&prepared.url)
            .ok()
            .filter(|uri| *uri.to_string() == *prepared.url)
            .ok_or_else(|| {
                Cause::request("the URL cannot be represented as an http::Uri without changing it")
                    .not_sent()
            })?;
        Ok(Self::from_parts(parts, body))
    }
}

/// Shows neither the query, nor the values of headers, nor the body.
impl fmt::Debug for PreparedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path may contain an order number or an openid, and the query a signature.
        let origin = self.url.split('/').take(3).collect::<Vec<_>>().join("/");
        f.debug_struct("PreparedRequest")
            .field("method", self.method())
            .field("origin", &format_args!("{origin}"))
            .field("headers", &self.headers().keys().collect::<Vec<_>>())
            .field("body", &format_args!("{} bytes", self.body().len()))
            .finish_non_exhaustive()
    }
}
