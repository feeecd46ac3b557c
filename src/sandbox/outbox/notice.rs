//! What a notification says, before it is encrypted and signed.

use serde_json::{Map, Value};

/// A notification to a merchant.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// The merchant whose keys it is made with.
    pub(crate) mchid: String,
    pub(crate) url: String,
    pub(crate) content: Content,
}

/// The content of a notification, by the version of the API.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    V3 {
        event_type: String,
        /// Empty if the documents name none.
        original_type: &'static str,
        summary: &'static str,
        /// The resource, in the clear.
        resource: Value,
    },
    /// `nonce_str` and the sign are added. The sign is HMAC-SHA256 if `sign_type` or `algorithm` says so.
    V2 {
        fields: Map<String, Value>,
        /// The encrypted part of a refund's notification, in the clear. Such a notification has no sign.
        req_info: Option<Map<String, Value>>,
    },
}

impl Notice {
    pub(crate) fn is_v2(&self) -> bool {
        matches!(self.content, Content::V2 { .. })
    }
}
