use std::time::Instant;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use zeroize::Zeroizing;

use super::{Notification, owner::Owners};
use crate::{
    error::{Cause, Kind, cause::Result},
    protocol::{trust::Trust, v2::answer::is_xml},
};

/// The largest body that is taken, in bytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// What it takes to receive.
pub(crate) struct Receiver {
    pub(crate) trust: Trust,
    pub(crate) apiv3_key: Option<Zeroizing<[u8; 32]>>,
    pub(crate) apiv2_key: Option<Zeroizing<String>>,
    pub(crate) owners: Owners,
}

impl Receiver {
    /// Verifies and opens a notification that came at `now` (seconds since 1970).
    ///
    /// # Errors
    /// Each names the step that refused it.
    pub(crate) async fn open(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: u64,
        received: Instant,
    ) -> Result<Notification> {
        check_size(body.len())?;
        if is_xml(body) {
            self.open_v2(body, received)
        } else {
            self.open_v3(headers, body, now, received).await
        }
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
