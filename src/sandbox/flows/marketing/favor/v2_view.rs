//! What APIv2 shows of stocks and coupons.

use super::{Stock, StockState, refusals};
use crate::sandbox::{dispatch::refusal::Refusal, state::world::World, time::format_compact};

impl Stock {
    /// Returns the fields of a stock's query.
    pub(crate) fn v2_fields(&self) -> Vec<(&'static str, String)> {
        let new = &self.new;
        let status = match self.state {
            StockState::Unactivated => 1,
            StockState::Running => 4,
            StockState::Stopped => 8,
            StockState::Paused => 16,
        };
        vec![
            ("coupon_stock_id", self.stock_id.clone()),
            ("coupon_name", new.name.clone()),
            ("coupon_value", new.fen.to_string()),
            // As the documents spell it.
            ("coupon_mininumn", new.minimum.to_string()),
            ("coupon_stock_status", status.to_string()),
            ("coupon_total", new.max_coupons.to_string()),
            ("max_quota", new.max_coupons_per_user.to_string()),
            ("is_send_num", self.sent.to_string()),
            ("begin_time", new.begin.to_string()),
            ("end_time", new.end.to_string()),
            ("create_time", self.created_at.to_string()),
            ("coupon_budget", new.max_amount.to_string()),
            ("begin_time_t", format_compact(new.begin)),
            ("end_time_t", format_compact(new.end)),
            ("create_time_t", format_compact(self.created_at)),
        ]
    }
}

/// Returns the fields of a coupon's query.
///
/// # Errors
/// Refuses a coupon that this user does not have of this stock.
pub(crate) fn v2_coupon_fields(
    w: &World,
    stock: &Stock,
    (openid, coupon_id): (&str, &str),
    now: u64,
) -> Result<Vec<(&'static str, String)>, Refusal> {
    let store = w.stores.get(&stock.creator);
    let coupon = store.and_then(|store| store.favor.coupons.get(coupon_id));
    let coupon = coupon
        .filter(|coupon| coupon.openid == openid && coupon.stock_id == stock.stock_id)
        .ok_or_else(refusals::no_coupon)?;
    let used = coupon.used.as_ref().map_or(0, |used| used.fen);
    let left = stock.new.fen.saturating_sub(used);
    Ok(vec![
        ("coupon_stock_id", stock.stock_id.clone()),
        ("coupon_id", coupon_id.to_owned()),
        ("coupon_value", stock.new.fen.to_string()),
        ("coupon_mininumn", stock.new.minimum.to_string()),
        ("coupon_name", stock.new.name.clone()),
        ("coupon_state", coupon.state(now).to_owned()),
        ("coupon_desc", stock.description().to_owned()),
        ("coupon_use_value", used.to_string()),
        ("coupon_remain_value", left.to_string()),
        ("send_source", "NORMAL".to_owned()),
    ])
}
