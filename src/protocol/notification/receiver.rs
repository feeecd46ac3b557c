//! The receivers of notifications, and which of them a notification is for.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use zeroize::Zeroizing;

use super::{Notification, owner::Owners};
use crate::{
    error::{Cause, ErrorKind, RefusedNotification, cause::Result},
    protocol::{trust::Trust, url::path::Version},
};

/// The largest accepted body, in bytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// The keys and the merchants of one receiver of notifications: a merchant, or several with the same
/// keys.
pub(crate) struct Receiver {
    pub(crate) trust: Trust,
    pub(crate) apiv3_key: Option<Zeroizing<[u8; 32]>>,
    pub(crate) apiv2_key: Option<Zeroizing<String>>,
    pub(crate) owners: Owners,
}

/// Tries the receivers one after another. If several can open the notification because they share a
/// key, one that the notification names is preferred to one that accepts any.
///
/// # Errors
/// Returns an error if all refuse. "For another merchant" is preferred to "wrong key", because it
/// was found with the right key and says more.
pub(super) fn first_to_open<'r>(
    receivers: impl IntoIterator<Item = &'r Receiver>,
    mut open: impl FnMut(&'r Receiver) -> Result<(Notification, MatchedBy)>,
) -> Result<Notification> {
    let (mut unnamed, mut refused) = (None, None);
    for receiver in receivers {
        match open(receiver) {
            Ok((notification, MatchedBy::Name)) => return Ok(notification),
            // Kept, not returned: a later receiver may be the one that the notification names.
            Ok((notification, MatchedBy::Key)) => {
                unnamed.get_or_insert(notification);
            }
            Err(cause) => {
                if refused.is_none() || cause.kind() == ErrorKind::WrongMerchant {
                    refused = Some(cause);
                }
            }
        }
    }
    let no_receiver = || Cause::config("no merchant is configured to receive notifications");
    unnamed.ok_or_else(|| refused.unwrap_or_else(no_receiver))
}

/// How the merchant of a notification was found.
pub(super) enum MatchedBy {
    /// The notification names it.
    Name,
    /// The notification names no merchant, and this one's key decrypts it.
    Key,
}

impl MatchedBy {
    pub(super) fn of(named: &Option<String>) -> Self {
        match named {
            Some(_) => Self::Name,
            None => Self::Key,
        }
    }
}

/// Returns the content of a verified notification, to accompany the error that refuses it.
pub(super) fn refused(version: Version, body: &[u8]) -> RefusedNotification {
    RefusedNotification {
        v2: version == Version::V2,
        id: String::new(),
        event_type: String::new(),
        body: Bytes::copy_from_slice(body),
        resource: None,
    }
}

/// Checks the size of a body.
pub(crate) fn check_size(length: usize) -> Result<()> {
    if length <= MAX_BODY {
        return Ok(());
    }
    let message = format!("the body is too large: {length} bytes, the limit is {MAX_BODY}");
    Err(Cause::new(ErrorKind::TooLarge, message).in_step("body"))
}

/// Decodes a ciphertext.
pub(super) fn base64(text: &str, field: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|err| {
        let message = format!("invalid {field} ({} bytes): expected base64", text.len());
        Cause::new(ErrorKind::Decode, message).with_source(err)
    })
}
