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
    receiver::{MAX_BODY, Receiver, check_size, open},
};

use super::{answer::Verification, path::Version};
use crate::{
    base::json,
    error::{ApiError, Cause, Kind},
};

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
///     match (notification.event_type(), notification.original_type()) {
///         ("TRANSACTION.SUCCESS", "transaction") => {
///             let transaction = notification.resource_json();
///             println!("paid: {}", transaction["out_trade_no"]);
///         }
///         (event, of) => println!("not handled: {event} of {of}"),
///     }
///     notification.ack()
/// }
/// ```
pub struct Notification {
    version: Version,
    id: String,
    mchid: Option<String>,
    envelope: Value,
    resource: Vec<u8>,
    resource_json: Value,
    verification: Verification,
    failure: Option<ApiError>,
    received: Instant,
}

impl Notification {
    /// Its ID, the same each time that it is sent. APIv2 has none: there it is `v2-` and a digest
    /// of what the notification says.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The merchant that it is for, of those that are configured. Some notifications name none: then
    /// it is the one whose key opened it. `None` where any merchant's are taken and none is named.
    ///
    /// A partner's notifications are for the partner: the merchant that it acts for is in
    /// `sub_mchid` of the [resource](Notification::resource_json).
    pub fn mchid(&self) -> Option<&str> {
        self.mchid.as_deref()
    }

    /// The failure that an APIv2 notification tells of, such as a deduction that failed
    /// (`result_code` is `FAIL`). Such a notification is genuine: handle it as a failure, and
    /// acknowledge it. `None` for APIv3, where the resource's own state says it.
    ///
    /// ```
    /// # use wechatpay_chain::{Ack, Notification};
    /// fn handle(notification: &Notification) -> Ack {
    ///     match notification.failure() {
    ///         Some(failure) => println!("not paid: {} {}", failure.code(), failure.message()),
    ///         None => println!("paid: {}", notification.resource_json()["out_trade_no"]),
    ///     }
    ///     notification.ack()
    /// }
    /// # let _ = handle;
    /// ```
    pub fn failure(&self) -> Option<&ApiError> {
        self.failure.as_ref()
    }

    /// What happened, such as `TRANSACTION.SUCCESS`; empty for most of APIv2, which does not say.
    ///
    /// It does not say what the [resource](Notification::resource_json) is: `TRANSACTION.SUCCESS` is
    /// a payment's and a profit sharing's. [`original_type`](Notification::original_type) does.
    pub fn event_type(&self) -> &str {
        match self.version {
            Version::V3 => self.text("event_type"),
            Version::V2 => self.signed("event_type"),
        }
    }

    /// What the resource is, such as `transaction`, `refund` or `profitsharing`; empty for APIv2, and
    /// where it does not say.
    pub fn original_type(&self) -> &str {
        match self.version {
            Version::V3 => self.envelope["resource"]["original_type"]
                .as_str()
                .unwrap_or_default(),
            Version::V2 => "",
        }
    }

    /// When it was made, as it was written (RFC 3339); empty for most of APIv2.
    pub fn create_time(&self) -> &str {
        match self.version {
            Version::V3 => self.text("create_time"),
            Version::V2 => self.signed("event_create_time"),
        }
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
    /// `req_info` of a refund, where every value is a string, or the JSON in `event_ciphertext`.
    pub fn resource_json(&self) -> &Value {
        &self.resource_json
    }

    /// The resource as a type of yours.
    ///
    /// # Errors
    /// Where it has not that shape; the error tells the place, not the value.
    pub fn resource<T: DeserializeOwned>(&self) -> crate::Result<T> {
        let read = match self.version {
            Version::V3 => json::parse(&self.resource),
            Version::V2 => T::deserialize(&self.resource_json).map_err(json::Fault::from),
        };
        read.map_err(|fault| {
            Cause::new(
                Kind::Decode,
                format!("the notification's resource has not the shape that is asked for: {fault}"),
            )
            .not_sent()
        })
    }

    /// The resource's text as it was decrypted: JSON, or XML for most of APIv2. JSON may hold half
    /// an escaped surrogate pair, which serde_json refuses and [`resource`](Self::resource) reads as
    /// U+FFFD.
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

    /// A field of APIv3's envelope.
    fn text(&self, field: &str) -> &str {
        match self.version {
            Version::V3 => self.envelope[field].as_str().unwrap_or_default(),
            Version::V2 => "",
        }
    }

    /// A field of APIv2's, where it is signed: beside a refund's `req_info`, anyone could add it.
    fn signed(&self, field: &str) -> &str {
        match self.verification {
            Verification::Verified { .. } => self.envelope[field].as_str().unwrap_or_default(),
            _ => "",
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
