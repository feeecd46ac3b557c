//! A notification that was verified but refused.

use std::fmt;

use bytes::Bytes;

/// A notification that WeChat Pay signed but that was refused: it belongs to another merchant, or it
/// could not be parsed.
///
/// Returned by [`Error::refused_notification`](crate::Error::refused_notification). WeChat Pay
/// repeats a refused notification for a day. To stop that, keep its content for someone to look at
/// and respond with [`Ack::dismiss`](crate::Ack::dismiss):
///
/// ```no_run
/// use wechatpay_chain::{Ack, Client};
///
/// fn hook(client: &Client, headers: &http::HeaderMap, body: &[u8]) -> Ack {
///     let err = match client.notification(headers, body) {
///         Ok(notification) => return notification.ack(),
///         Err(err) => err,
///     };
///     match err.refused_notification() {
///         Some(refused) => {
///             keep(refused.id(), refused.resource().unwrap_or(refused.body()));
///             Ack::dismiss(refused)
///         }
///         // Nothing proves that WeChat Pay sent it.
///         None => Ack::refusal(&err),
///     }
/// }
/// # fn keep(_: &str, _: &[u8]) {}
/// ```
#[derive(Clone)]
pub struct RefusedNotification {
    pub(crate) v2: bool,
    pub(crate) id: String,
    pub(crate) event_type: String,
    pub(crate) body: Bytes,
    pub(crate) resource: Option<Bytes>,
}

impl RefusedNotification {
    /// Returns the ID, which stays the same when the notification is repeated. Empty if it could not
    /// be read, and for APIv2.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the event type, such as `TRANSACTION.SUCCESS`. Empty if the notification has no
    /// event type.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Returns `true` for an APIv2 notification, which expects its response in XML.
    pub fn is_v2(&self) -> bool {
        self.v2
    }

    /// Returns the body as it arrived. It may hold personal data, above all on APIv2, where most
    /// notifications are not encrypted.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the decrypted resource, if it could be decrypted. It holds personal data.
    pub fn resource(&self) -> Option<&[u8]> {
        self.resource.as_deref()
    }
}

/// Shows lengths only, since the content holds personal data.
impl fmt::Debug for RefusedNotification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource = self.resource.as_ref().map_or(0, Bytes::len);
        f.debug_struct("RefusedNotification")
            .field("v2", &self.v2)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("resource", &format_args!("{resource} bytes"))
            .finish_non_exhaustive()
    }
}
