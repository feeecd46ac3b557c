//! What a test sees of a notification: what was sent, when, and what came back.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A notification and its attempts so far: see [`Sandbox::deliveries`](crate::sandbox::Sandbox::deliveries).
///
/// It is a copy, and does not change while the notification is sent.
#[derive(Clone)]
pub struct Delivery {
    pub(super) id: String,
    pub(super) mchid: String,
    pub(super) event_type: String,
    pub(super) url: String,
    pub(super) is_v2: bool,
    pub(super) resource: Value,
    pub(super) body: Bytes,
    pub(super) attempts: Vec<Attempt>,
    pub(super) state: DeliveryState,
    /// About how many bytes it takes.
    pub(super) bytes: usize,
}

/// What comes next for a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryState {
    /// It is sent by the sandbox's clock after this time. Zero if it is on its way.
    Waiting {
        /// The time until the next attempt.
        due_in: Duration,
    },
    /// It waits for [`release_deliveries`](crate::sandbox::Sandbox::release_deliveries).
    Held,
    /// The receiver acknowledged it.
    Acknowledged,
    /// The receiver did not acknowledge the last attempt of the schedule.
    GivenUp,
    /// It cannot be sent, for this reason.
    NotSent(String),
}

/// One attempt to deliver a notification.
#[derive(Clone)]
pub struct Attempt {
    pub(in crate::sandbox) at: u64,
    pub(in crate::sandbox) sent: HeaderMap,
    pub(in crate::sandbox) status: Option<StatusCode>,
    pub(in crate::sandbox) headers: HeaderMap,
    pub(in crate::sandbox) body: Bytes,
    pub(in crate::sandbox) took: Duration,
    pub(in crate::sandbox) error: Option<String>,
    pub(in crate::sandbox) fault: Option<DeliveryFault>,
}

/// A fault of a notification: see [`Sandbox::inject_delivery`](crate::sandbox::Sandbox::inject_delivery).
///
/// The receiver must refuse each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeliveryFault {
    /// WeChat Pay's own test of whether a merchant verifies signatures: a signature that begins with
    /// `WECHATPAY/SIGNTEST/`. APIv3 only.
    Probe,
    /// A signature by a key that is not the platform's, with the platform key's ID. On APIv2 the sign, or
    /// the encryption of a refund, is made with another key.
    WrongKey,
    /// A signature over another body. On APIv2, a wrong sign, or a damaged ciphertext of a refund.
    BadSignature,
    /// The ID of a platform key that does not exist. APIv3 only.
    UnknownSerial,
    /// A timestamp ten minutes old, with a valid signature. APIv3 only.
    StaleTimestamp,
    /// A resource that is encrypted with another APIv3 key. The signature is valid. APIv3 only.
    WrongApiv3Key,
}

/// The order in which held notifications are released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Release {
    /// As they were created.
    #[default]
    InOrder,
    /// The latest first.
    Reversed,
    /// In a random order, which [`seed`](crate::sandbox::SandboxBuilder::seed) repeats.
    Shuffled,
}

/// By their number in a journal: only add at the end.
const FAULTS: [DeliveryFault; 6] = [
    DeliveryFault::Probe,
    DeliveryFault::WrongKey,
    DeliveryFault::BadSignature,
    DeliveryFault::UnknownSerial,
    DeliveryFault::StaleTimestamp,
    DeliveryFault::WrongApiv3Key,
];

impl DeliveryFault {
    pub(crate) fn number(self) -> Option<u64> {
        let at = FAULTS.iter().position(|fault| *fault == self)?;
        Some(at as u64)
    }

    pub(crate) fn from_number(number: u64) -> Option<Self> {
        FAULTS.get(usize::try_from(number).ok()?).copied()
    }

    pub(super) fn applies_to_v2(self) -> bool {
        matches!(self, Self::WrongKey | Self::BadSignature)
    }
}

impl Delivery {
    /// Returns the ID, which is the same for each attempt. On APIv3 it is the notification's `id`. A
    /// notification of APIv2 carries none.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the merchant whose keys the notification is made with.
    pub fn mchid(&self) -> &str {
        &self.mchid
    }

    /// Returns the `event_type`. Empty for most notifications of APIv2.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Returns the URL that it is for.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the API version, `v2` or `v3`.
    pub const fn version(&self) -> &'static str {
        if self.is_v2 { "v2" } else { "v3" }
    }

    /// Returns the resource before it was encrypted. For APIv2 these are the fields, without the sign, or
    /// those in a refund's `req_info`.
    pub fn resource(&self) -> &Value {
        &self.resource
    }

    /// Returns the body that is sent. It is the same for each attempt without a fault. It is empty if the
    /// notification is for a merchant that the sandbox does not have, whose keys would encrypt it.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the attempts, oldest first.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Returns what comes next.
    pub fn state(&self) -> &DeliveryState {
        &self.state
    }

    /// Returns whether the receiver acknowledged it.
    pub fn is_acknowledged(&self) -> bool {
        self.state == DeliveryState::Acknowledged
    }
}

impl Attempt {
    /// Returns when the attempt was due by the sandbox's clock, in seconds since 1970.
    // Not when it left: after a long `advance` several attempts leave at once, each for its own time.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Returns the headers of the request.
    pub fn sent_headers(&self) -> &HeaderMap {
        &self.sent
    }

    /// Returns the status of the response, or `None` if none arrived.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns the headers of the response, at most 4 kB of them.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the first 64 kB of the body of the response.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns how long the receiver took, in real time.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Returns why no response arrived. `timeout` if it took five seconds.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Returns the fault that this attempt was sent with. It never counts as acknowledged.
    pub fn fault(&self) -> Option<DeliveryFault> {
        self.fault
    }
}

/// Does not show the resource or the body, which a failed assertion would print into a log.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("version", &self.version())
            .field("url", &self.url)
            .field("attempts", &self.attempts)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("at", &self.at)
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("took", &self.took)
            .field("error", &self.error)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}
