//! Notifications: what WeChat Pay posts to the merchant.

pub(crate) mod ack;
pub(crate) mod headers;
pub(crate) mod memory;
pub(crate) mod open;
pub(crate) mod owner;
pub(crate) mod receiver;
pub(crate) mod replay;
mod v2;
mod v3;

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use self::ack::Ack;
use super::{response::verification::Verification, url::path::Version};
use crate::{
    base::json,
    error::{ApiError, Cause, ErrorKind},
};

/// The time in which WeChat Pay expects the acknowledgement.
pub(crate) const BUDGET: Duration = Duration::from_secs(5);

/// A notification that was verified, decrypted, and is for a configured merchant.
///
/// [`Client::notification`](crate::Client::notification) and
/// [`Notifications`](crate::Notifications) return it. Respond with an [`Ack`] within five seconds.
/// The same notification can arrive several times and out of order: see
/// [`once`](Notification::once).
///
/// Amounts in its resource are in fen (分).
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
///         (event, kind) => println!("not handled: {event} of {kind}"),
///     }
///     notification.ack()
/// }
/// ```
///
/// Official page: "通知规则".
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
    /// Returns the notification's ID, which is the same each time it is sent. APIv2 has no IDs; for it
    /// this is `v2-` and a digest of the notification's content.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the configured merchant that the notification is for.
    ///
    /// If the notification names no merchant, this is the one whose key decrypted it. Returns `None`
    /// if notifications of any merchant are accepted and none is named.
    ///
    /// A partner's notifications are for the partner. The merchant that it acts for is in `sub_mchid`
    /// of the [resource](Notification::resource_json).
    pub fn mchid(&self) -> Option<&str> {
        self.mchid.as_deref()
    }

    /// Returns the failure that an APIv2 notification reports, for example a failed deduction
    /// (`result_code` is `FAIL`).
    ///
    /// Such a notification is genuine: handle it as a failed payment and acknowledge it. Returns
    /// `None` for APIv3, where the state of the resource tells.
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

    /// Returns what happened, for example `TRANSACTION.SUCCESS`. Empty for most notifications of
    /// APIv2.
    ///
    /// It does not tell what the [resource](Notification::resource_json) is: `TRANSACTION.SUCCESS` is
    /// used for payments and for profit sharing. [`original_type`](Notification::original_type) does.
    pub fn event_type(&self) -> &str {
        match self.version {
            Version::V3 => self.text("event_type"),
            Version::V2 => self.signed("event_type"),
        }
    }

    /// Returns what the resource is, for example `transaction`, `refund` or `profitsharing`. Empty for
    /// APIv2, and if the notification does not tell.
    pub fn original_type(&self) -> &str {
        match self.version {
            Version::V3 => self.envelope["resource"]["original_type"]
                .as_str()
                .unwrap_or_default(),
            Version::V2 => "",
        }
    }

    /// Returns the time at which the notification was created, in RFC 3339 as received. Empty for most
    /// notifications of APIv2.
    pub fn create_time(&self) -> &str {
        match self.version {
            Version::V3 => self.text("create_time"),
            Version::V2 => self.signed("event_create_time"),
        }
    }

    /// Returns the type of the encrypted resource, `encrypt-resource`. Empty for APIv2.
    pub fn resource_type(&self) -> &str {
        self.text("resource_type")
    }

    /// Returns a short description for people. Empty for APIv2.
    pub fn summary(&self) -> &str {
        self.text("summary")
    }

    /// Returns `true` for a notification of APIv2.
    pub fn is_v2(&self) -> bool {
        self.version == Version::V2
    }

    /// Returns how the notification was verified: by which platform key, or for APIv2 by which digest.
    ///
    /// A refund notification of APIv2 is documented as unsigned. It is authenticated only by its
    /// encryption with the APIv2 key.
    pub fn verification(&self) -> &Verification {
        &self.verification
    }

    /// Returns the whole body before decryption. For APIv2 these are its fields.
    pub fn envelope(&self) -> &Value {
        &self.envelope
    }

    /// Returns the decrypted resource, for example a transaction or a refund.
    ///
    /// For APIv2 these are the fields of the body, the fields in a refund's `req_info` (all values are
    /// strings), or the JSON in `event_ciphertext`.
    pub fn resource_json(&self) -> &Value {
        &self.resource_json
    }

    /// Deserializes the resource into your own type.
    ///
    /// # Errors
    ///
    /// Returns an error if the resource does not match the type. The error names the position, not
    /// the value.
    pub fn resource<T: DeserializeOwned>(&self) -> crate::Result<T> {
        // From the text for APIv3: going through `Value` would lose the precision of large numbers.
        let read = match self.version {
            Version::V3 => json::parse(&self.resource),
            Version::V2 => T::deserialize(&self.resource_json).map_err(json::JsonError::from),
        };
        read.map_err(|fault| {
            Cause::new(
                ErrorKind::Decode,
                format!("the notification's resource does not match the requested type: {fault}"),
            )
            .not_sent()
        })
    }

    /// Returns the decrypted text of the resource: JSON, or XML for most notifications of APIv2.
    ///
    /// The JSON may contain half of an escaped surrogate pair. serde_json refuses that, while
    /// [`resource`](Self::resource) reads it as U+FFFD.
    pub fn resource_text(&self) -> &str {
        // It was checked to be UTF-8 when it was parsed.
        std::str::from_utf8(&self.resource).unwrap_or_default()
    }

    /// Returns the bytes of [`resource_text`](Notification::resource_text).
    pub fn resource_bytes(&self) -> &[u8] {
        &self.resource
    }

    /// Returns how much is left of the five seconds in which WeChat Pay expects the acknowledgement.
    /// Afterwards it sends the notification again.
    pub fn time_left(&self) -> Duration {
        BUDGET.saturating_sub(self.received.elapsed())
    }

    /// Returns the acknowledgement of success, in the format of this notification's API version.
    pub fn ack(&self) -> Ack {
        Ack::success().of(self.version)
    }

    /// Returns the acknowledgement of a failure. WeChat Pay receives `reason` and sends the notification
    /// again later.
    pub fn fail(&self, reason: impl Into<String>) -> Ack {
        Ack::fail(reason).of(self.version)
    }

    /// Returns a field of APIv3's envelope.
    fn text(&self, field: &str) -> &str {
        match self.version {
            Version::V3 => self.envelope[field].as_str().unwrap_or_default(),
            Version::V2 => "",
        }
    }

    /// Returns a field of APIv2's envelope if the envelope is signed. Next to the `req_info` of an
    /// unsigned refund, anyone could have added it.
    fn signed(&self, field: &str) -> &str {
        match self.verification {
            Verification::Verified { .. } => self.envelope[field].as_str().unwrap_or_default(),
            _ => "",
        }
    }
}

/// Does not show the resource or the envelope, which contain personal data.
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
