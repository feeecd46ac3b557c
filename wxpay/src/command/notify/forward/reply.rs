//! What a receiver replied.

use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};
use wechatpay_chain::http::{HeaderMap, Response, StatusCode};

use super::super::message::{excerpt, is_hop_by_hop};
use crate::{
    output::{Output, Style},
    text::{t, tf},
};

/// How many characters of a body are shown.
const SHOWN: usize = 300;
/// How long WeChat Pay waits for a reply.
const PATIENCE: Duration = Duration::from_secs(5);

/// The reply of a receiver.
#[derive(Clone, Debug)]
pub(in super::super) struct Reply {
    pub(in super::super) status: StatusCode,
    pub(in super::super) headers: HeaderMap,
    pub(in super::super) body: Bytes,
    pub(in super::super) took: Duration,
}

impl Reply {
    pub(super) fn new(response: Response<Bytes>, took: Duration) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
            took,
        }
    }

    /// Returns whether WeChat Pay takes this as an acknowledgement: any success of APIv3, and for APIv2 the
    /// word in the body.
    pub(in super::super) fn is_acknowledgement(&self, is_v2: bool) -> bool {
        let body = String::from_utf8_lossy(&self.body);
        self.status.is_success() && (!is_v2 || is_success_xml(&body))
    }

    /// Returns the headers without those of the connection.
    pub(in super::super) fn own_headers(&self) -> HeaderMap {
        let own = self.headers.iter();
        own.filter(|(name, _)| !is_hop_by_hop(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    pub(in super::super) fn json(&self, is_v2: bool) -> Value {
        json!({
            "status": self.status.as_u16(),
            "took_ms": millis(self.took),
            "acknowledged": self.is_acknowledgement(is_v2),
            "body": cut(&self.body),
        })
    }

    /// Prints the reply on a line of its own, below the notification, and what is wrong with it.
    pub(in super::super) fn show(&self, is_v2: bool, output: &Output) {
        let is_acknowledgement = self.is_acknowledgement(is_v2);
        let status = self.status.as_u16();
        let body = cut(&self.body);
        show(status, &body, millis(self.took), is_acknowledgement, output);
        if self.took > PATIENCE {
            let seconds = self.took.as_secs();
            output.warn(tf!(
                "the receiver took {seconds} s: WeChat Pay waits 5 s, and then sends it again",
                "接收方用时 {seconds} 秒: 微信支付只等待5秒, 之后会重发"
            ));
        }
        if !is_acknowledgement && self.status.is_success() {
            output.warn(t(
                "this is no acknowledgement of APIv2, whose body is <xml><return_code>SUCCESS</return_code>…</xml>",
                "这不是APIv2的成功应答, 应为 <xml><return_code>SUCCESS</return_code>…</xml>",
            ));
        }
    }
}

/// Prints what a receiver replied: status, time, and the beginning of the body.
pub(in super::super) fn show(
    status: u16,
    body: &str,
    took_ms: u64,
    is_acknowledgement: bool,
    output: &Output,
) {
    let style = match is_acknowledgement {
        true => Style::Good,
        false => Style::Error,
    };
    let took = Style::Faint.paint(format_args!("{took_ms} ms"));
    output.line(
        format!(
            "  → {} {took} {}",
            style.paint(status),
            excerpt(body, SHOWN)
        )
        .trim_end(),
    );
}

/// Returns the beginning of a body, as text.
fn cut(body: &[u8]) -> String {
    let most = body.len().min(SHOWN * 4);
    excerpt(&String::from_utf8_lossy(&body[..most]), SHOWN)
}

fn is_success_xml(body: &str) -> bool {
    let Ok(document) = roxmltree::Document::parse(body) else {
        return false;
    };
    let mut fields = document.root_element().children();
    fields
        .find(|field| field.has_tag_name("return_code"))
        .is_some_and(|field| field.text().map(str::trim) == Some("SUCCESS"))
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgement_depends_on_the_version() {
        let reply = |status: u16, body: &'static str| Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from(body),
            took: Duration::ZERO,
        };
        let success = "<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>";
        assert!(reply(204, "").is_acknowledgement(false));
        assert!(!reply(500, success).is_acknowledgement(false));
        assert!(reply(200, success).is_acknowledgement(true));
        assert!(!reply(200, "{\"code\":\"SUCCESS\"}").is_acknowledgement(true));
        let fail = "<xml><return_code>FAIL</return_code></xml>";
        assert!(!reply(200, fail).is_acknowledgement(true));
    }
}
