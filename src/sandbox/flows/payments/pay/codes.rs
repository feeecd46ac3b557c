//! What opens a payment: a `prepay_id` with its codes, or the code of a customer's wallet.

use super::order::{Prepaid, Product};
use crate::sandbox::{state::world::World, time::format_compact};

/// Returns new codes of a product around this `prepay_id`.
pub(crate) fn codes_of(w: &mut World, product: Product, prepay_id: String, now: u64) -> Prepaid {
    let code_url = match product {
        Product::Native => format!("weixin://wxpay/bizpayurl?pr={}", w.token(9)),
        _ => String::new(),
    };
    let h5_url = match product {
        Product::H5 => format!(
            "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={prepay_id}&package={}",
            w.number("", 10)
        ),
        _ => String::new(),
    };
    Prepaid {
        prepay_id,
        code_url,
        h5_url,
        issued_at: now,
    }
}

/// Returns a new `prepay_id`: 36 characters that begin with `wx` and Beijing's time.
pub(crate) fn prepay_id(w: &mut World, now: u64) -> String {
    format!(
        "wx{}{}0000",
        format_compact(now),
        w.rng.hex(16).to_lowercase()
    )
}

/// Returns whether this can be the code of a customer's wallet.
pub(crate) fn is_auth_code(text: &str) -> bool {
    let has_prefix = ["10", "11", "12", "13", "14", "15"]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    has_prefix && text.len() == 18 && text.bytes().all(|byte| byte.is_ascii_digit())
}
