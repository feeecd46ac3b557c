use std::time::Instant;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderMap;
use zeroize::Zeroizing;

use super::{Notification, owner::Owners, v2, v3};
use crate::{
    error::{Cause, Kind, RefusedNotification, cause::Result},
    protocol::{path::Version, trust::Trust, v2::answer::is_xml},
};

/// The largest body that is taken, in bytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// What it takes to receive the notifications of one merchant, or of several with the same keys.
pub(crate) struct Receiver {
    pub(crate) trust: Trust,
    pub(crate) apiv3_key: Option<Zeroizing<[u8; 32]>>,
    pub(crate) apiv2_key: Option<Zeroizing<String>>,
    pub(crate) owners: Owners,
}

/// Verifies and opens a notification that came at `now` (seconds since 1970), for whichever of the
/// receivers it is.
///
/// # Errors
/// Each names the step that refused it.
pub(crate) async fn open(
    receivers: &[&Receiver],
    headers: &HeaderMap,
    body: &[u8],
    now: u64,
    received: Instant,
) -> Result<Notification> {
    check_size(body.len())?;
    if is_xml(body) {
        v2::open(receivers, body, received)
    } else {
        v3::open(receivers, headers, body, now, received).await
    }
}

/// Asks one receiver after another to open a notification. Where several could, because they share
/// a key, the one that it names goes before one that takes any.
///
/// # Errors
/// Where all of them refuse: that it is another's says more than that a key does not fit.
pub(super) fn first_to_open<'r>(
    receivers: impl IntoIterator<Item = &'r Receiver>,
    mut open: impl FnMut(&'r Receiver) -> Result<(Notification, Told)>,
) -> Result<Notification> {
    let (mut unnamed, mut refused) = (None, None);
    for receiver in receivers {
        match open(receiver) {
            Ok((notification, Told::ByName)) => return Ok(notification),
            Ok((notification, Told::ByKey)) => {
                unnamed.get_or_insert(notification);
            }
            Err(cause) => {
                if refused.is_none() || cause.kind() == Kind::Owner {
                    refused = Some(cause);
                }
            }
        }
    }
    let nobody = || Cause::config("there is no merchant whose notifications are taken");
    unnamed.ok_or_else(|| refused.unwrap_or_else(nobody))
}

/// How it is known which merchant a notification is for.
pub(super) enum Told {
    /// It names the merchant.
    ByName,
    /// It names nobody, and the merchant's key opened it.
    ByKey,
}

impl Told {
    pub(super) fn of(named: &Option<String>) -> Self {
        match named {
            Some(_) => Self::ByName,
            None => Self::ByKey,
        }
    }
}

/// The content of a notification that is vouched for, to go with what refuses it.
pub(super) fn refused(version: Version, body: &[u8]) -> RefusedNotification {
    RefusedNotification {
        v2: version == Version::V2,
        id: String::new(),
        event_type: String::new(),
        body: Bytes::copy_from_slice(body),
        resource: None,
    }
}

/// Refuses a body over the cap.
pub(crate) fn check_size(length: usize) -> Result<()> {
    if length <= MAX_BODY {
        return Ok(());
    }
    let message = format!("the body is {length} bytes long, over the {MAX_BODY} that are taken");
    Err(Cause::new(Kind::TooLarge, message).in_step("body"))
}

/// The bytes of a ciphertext.
pub(super) fn base64(text: &str, field: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|err| {
        let message = format!("{field} ({} bytes) is not base64", text.len());
        Cause::new(Kind::Decode, message).with_source(err)
    })
}
