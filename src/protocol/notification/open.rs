//! Opens a notification: APIv3 in JSON, APIv2 in XML.

use std::time::Instant;

use http::HeaderMap;

use super::{
    Notification,
    receiver::{Receiver, check_size},
    v2, v3,
};
use crate::{error::cause::Result, protocol::response::v2::is_xml};

/// Verifies and decrypts a notification received at `now` (seconds since 1970), for the receiver it
/// is meant for.
///
/// # Errors
/// Every error names the step that failed.
pub(crate) async fn open(
    receivers: &[&Receiver],
    headers: &HeaderMap,
    body: &[u8],
    now: u64,
    received: Instant,
) -> Result<Notification> {
    check_size(body.len())?;
    // The body decides, not the headers: an APIv3 notification is never XML, and one that pretends to
    // be APIv2 still has to pass APIv2's check, with a key that its sender does not have.
    if is_xml(body) {
        v2::open(receivers, body, received)
    } else {
        v3::open(receivers, headers, body, now, received).await
    }
}
