//! Notifications: what WeChat Pay tells the merchant by itself.

mod ack;
mod headers;
mod memory;
mod owner;
mod receiver;
mod replay;
mod v2;
mod v3;

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::{
    ack::Ack,
    memory::MemoryGuard,
    replay::{Admission, Fence, ReplayGuard},
};
pub(crate) use self::{
    headers::collect,
    owner::Owners,
    receiver::{MAX_BODY, Receiver, check_size},
};

use super::{answer::Verification, path::Version};
use crate::error::{Cause, Kind};

/// How soon WeChat Pay wants its answer.
pub(crate) const BUDGET: Duration = Duration::from_secs(5);

/// A notification that verified, opened, and belongs to a merchant that is configured.
///
/// From [`Client::notification`](crate::Client::notification) or
/// [`Notifications`](crate::Notifications). The same one
/// can arrive more than once and out of order: see [`once`](Notification::once). It is answered
/// with an [`Ack`], within five seconds. By "通知规则".
///
/// ```no_run
/// use wechatpay_chain::{Ack, Client};
///
/// fn hook(client: &Client, headers: &http::HeaderMap, body: &[u8]) -> Ack {
///     let notification = match client.notification(headers, body) {
///         Ok(notification) => notification,
///         Err(err) => return Ack::refusal(&err),
///     };
///     match notification.event_type() {
///         "TRANSACTION.SUCCESS" => {
///             let transaction = notification.resource_json();
///             println!("paid: {}", transaction["out_trade_no"]);
///         }
///         other => println!("not handled: {other}"),
///     }
///     notification.ack()
/// }
/// ```
pub struct Notification {
    version: Version,
    id: String,
    envelope: Value,
    resource: Vec<u8>,
    resource_json: Value,
    verification: Verification,
    received: Instant,
}

impl Notification {
    /// Its ID, the same each time that it is sent. APIv2 has none: there it is `v2-` and a digest
    /// of what the notification says.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What happened, such as `TRANSACTION.SUCCESS`; empty for APIv2, which does not say.
    pub fn event_type(&self) -> &str {
        self.text("event_type")
    }

    /// When it was made, as it was written (RFC 3339); empty for APIv2.
    pub fn create_time(&self) -> &str {
        self.text("create_time")
    }

    /// The kind of resource: `encrypt-resource`; empty for APIv2.
    pub fn resource_type(&self) -> &str {
        self.text("resource_type")
    }

    /// A few words on it, for people; empty for APIv2.
    pub fn summary(&self) -> &str {
        self.text("summary")
    }

    /// Whether it is one of APIv2.
    pub fn is_v2(&self) -> bool {
        self.version == Version::V2
    }

    /// By which platform key it verified (APIv2: by which digest). A refund notification of APIv2
    /// is documented as unsigned: nothing but its encryption vouches for it.
    pub fn verification(&self) -> &Verification {
        &self.verification
    }

    /// The whole body as it came, before decryption; of APIv2, its fields.
    pub fn envelope(&self) -> &Value {
        &self.envelope
    }

    /// What it is about, decrypted: a transaction, a refund … For APIv2 the fields, or those in
    /// `req_info` of a refund; every value is a string there.
    pub fn resource_json(&self) -> &Value {
        &self.resource_json
    }

    /// The resource as a type of yours.
    ///
    /// # Errors
    /// Where it has not that shape; the error tells the place, not the value.
    pub fn resource<T: DeserializeOwned>(&self) -> crate::Result<T> {
        let read = match self.version {
            Version::V3 => serde_json::from_slice(&self.resource),
            Version::V2 => T::deserialize(&self.resource_json),
        };
        // serde's own words quote the value, which may be a person's.
        read.map_err(|err| {
            Cause::new(
                Kind::Decode,
                format!(
                    "the notification's resource has not the shape that is asked for: a {:?} error \
                     at line {}, column {}",
                    err.classify(),
                    err.line(),
                    err.column()
                ),
            )
            .not_sent()
        })
    }

    /// The resource's text as it was decrypted: JSON, or XML for APIv2.
    pub fn resource_text(&self) -> &str {
        // Seen to be UTF-8 when it was read.
        std::str::from_utf8(&self.resource).unwrap_or_default()
    }

    /// The bytes of [`resource_text`](Notification::resource_text).
    pub fn resource_bytes(&self) -> &[u8] {
        &self.resource
    }

    /// How much is left of the five seconds in which WeChat Pay wants its answer; after them it
    /// sends the notification again.
    pub fn time_left(&self) -> Duration {
        BUDGET.saturating_sub(self.received.elapsed())
    }

    /// The answer that says it was taken.
    pub fn ack(&self) -> Ack {
        Ack::success().of(self.version)
    }

    /// The answer that asks for it again, later. `reason` is seen by WeChat Pay.
    pub fn fail(&self, reason: impl Into<String>) -> Ack {
        Ack::fail(reason).of(self.version)
    }

    fn text(&self, field: &str) -> &str {
        match self.version {
            Version::V3 => self.envelope[field].as_str().unwrap_or_default(),
            Version::V2 => "",
        }
    }
}

/// Shows neither the resource nor the envelope.
impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification")
            .field("id", &self.id)
            .field("event_type", &self.event_type())
            .field("verification", &self.verification)
            .field("resource", &format_args!("{} bytes", self.resource.len()))
            .finish_non_exhaustive()
    }
}
