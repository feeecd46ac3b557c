//! A day of the sandbox's clock that lasts for a whole test.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wechatpay_chain::sandbox::Sandbox;

const DAY: u64 = 24 * 3600;

/// Moves the sandbox's clock to the next noon but one in Beijing: no midnight falls into a test.
pub fn to_noon(sandbox: &Sandbox) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let of_day = (now.as_secs() + 8 * 3600) % DAY;
    sandbox.advance(Duration::from_secs(DAY + DAY / 2 - of_day));
}
