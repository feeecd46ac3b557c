use std::fmt;

use bytes::Bytes;

/// A notification that is WeChat Pay's but was refused: it belongs to another merchant, or it could
/// not be read.
///
/// From [`Error::refused_notification`](crate::Error::refused_notification). WeChat Pay sends such a
/// notification again and again for a day, because the answer to it is a failure. To make it stop,
/// keep the content for someone to look at and answer with
/// [`Ack::dismiss`](crate::Ack::dismiss):
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
///         // It is not known to be WeChat Pay's.
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
    /// Its ID, the same each time that it is sent; empty where it could not be read, and for APIv2.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What happened, such as `TRANSACTION.SUCCESS`; empty where it does not say.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Whether it is one of APIv2, which expects its answer in XML.
    pub fn is_v2(&self) -> bool {
        self.v2
    }

    /// The body as it came. It holds personal data where it is not encrypted: an APIv2 notification
    /// mostly is not.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The decrypted resource, as far as it could be decrypted. It holds personal data.
    pub fn resource(&self) -> Option<&[u8]> {
        self.resource.as_deref()
    }
}

/// Shows lengths alone.
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
