//! Coupons of merchants: WeChat Pay keeps them in the users' wallets, and the merchant honours them.
//!
//! A coupon is `SENDED` → `USED`, and back when it is returned; `SENDED` → `DEACTIVATED`, or `EXPIRED` by
//! time. Its code is WeChat Pay's, comes with the request that sends it, or is one that was uploaded.

mod codes;
mod coupons;
mod read;
mod refusals;
mod routes;
mod stocks;
mod subsidy;
mod view;

pub(crate) use routes::ROUTES;

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{callback::Callback, once::Once};
use crate::sandbox::state::{
    StateKind,
    bounded_map::BoundedMap,
    changes::{Changes, Stateful},
    world::Store,
};

/// How many stocks of a merchant are kept.
const MAX_STOCKS: usize = 1_000;
/// How many coupons, uploaded codes and receipts of a merchant are kept, of each.
const MAX_COUPONS: usize = 10_000;

/// What one merchant has of it.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// The stocks that it made, by `stock_id`.
    stocks: BoundedMap<Stock>,
    /// Their coupons, by `stock_id` and code.
    coupons: BoundedMap<Coupon>,
    /// The codes that were uploaded for them, likewise.
    codes: BoundedMap<Code>,
    /// What it paid for coupons, by `subsidy_receipt_id`.
    receipts: BoundedMap<Receipt>,
    /// What of that came back, by `subsidy_return_receipt_id`.
    returns: BoundedMap<ReturnReceipt>,
    /// What its requests were answered, by operation and number.
    answers: Once<Value>,
    callback: Option<Callback>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            stocks: BoundedMap::new(MAX_STOCKS),
            coupons: BoundedMap::watched(MAX_COUPONS),
            codes: BoundedMap::new(MAX_COUPONS),
            receipts: BoundedMap::new(MAX_COUPONS),
            returns: BoundedMap::new(MAX_COUPONS),
            answers: Once::default(),
            callback: None,
        }
    }
}

impl Tables {
    /// Moves the changes of states since the last time to the others.
    pub(crate) fn take_changes(&mut self, mchid: &str, changes: &mut Changes) {
        self.coupons.take_changes(mchid, changes);
    }
}

/// A stock of coupons.
#[derive(Clone, Debug)]
struct Stock {
    stock_id: String,
    /// The merchant that made it. Its store has all of it.
    creator: String,
    /// The merchant that honours the coupons.
    belong: String,
    created_at: u64,
    /// What the request said, with later changes.
    body: Map<String, Value>,
    mode: CodeMode,
    /// The first and the last second in which coupons are sent and used.
    begin: u64,
    end: u64,
    validity: Validity,
    max_coupons: u64,
    max_coupons_by_day: Option<u64>,
    max_coupons_per_user: u64,
    /// What a coupon is worth in fen, as far as that is fixed.
    fen: u64,
    /// How many were sent.
    sent: u64,
}

/// Where the codes of coupons come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CodeMode {
    WechatPay,
    /// From the request that sends a coupon.
    Api,
    /// From uploads.
    Upload,
}

/// When a coupon can be used, within the time of its stock.
#[derive(Clone, Debug, Default)]
struct Validity {
    /// For how many days, the first one included.
    days: Option<u64>,
    seconds: Option<u64>,
    /// After how many midnights it begins.
    wait_days: u64,
    /// On which days of the week, 0 being Sunday, and at which seconds of a day. At all if there are none.
    week_days: Vec<u64>,
    hours: Vec<(u64, u64)>,
    /// The only periods, if there are any.
    periods: Vec<(u64, u64)>,
}

/// A coupon of a user.
#[derive(Clone, Debug)]
struct Coupon {
    code: String,
    stock_id: String,
    openid: String,
    appid: String,
    /// The merchant that sent it, and the number of its request.
    sender: String,
    send_request_no: String,
    received_at: u64,
    /// The first and the last second in which it can be used.
    begin: u64,
    end: u64,
    state: State,
    /// Whether its end has passed.
    has_expired: bool,
    /// The `out_trade_no` that it is associated with.
    associated: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Sended,
    Used { request_no: String, at: u64 },
    Deactivated,
}

impl Coupon {
    /// Returns the state as the API names it.
    fn state(&self, now: u64) -> &'static str {
        match self.state {
            State::Used { .. } => "USED",
            State::Deactivated => "DEACTIVATED",
            State::Sended if self.has_expired || now > self.end => "EXPIRED",
            State::Sended => "SENDED",
        }
    }
}

impl Stateful for Coupon {
    const KIND: StateKind = StateKind::MerchantCoupon;

    fn state_name(&self) -> Cow<'static, str> {
        // A timer marks the end, which is when the state changes.
        self.state(0).into()
    }
}

/// A code that was uploaded.
#[derive(Clone, Debug)]
struct Code {
    stock_id: String,
    code: String,
    uploaded_at: u64,
    /// When a coupon got it.
    dispatched_at: Option<u64>,
}

/// What a merchant paid to another one that honoured a coupon.
#[derive(Clone, Debug)]
struct Receipt {
    id: String,
    out_no: String,
    stock_id: String,
    code: String,
    transaction_id: String,
    payer: String,
    payee: String,
    fen: u64,
    description: String,
    at: u64,
    /// What came back of it, in fen.
    returned: u64,
}

/// What came back of a receipt with a refund.
#[derive(Clone, Debug)]
struct ReturnReceipt {
    id: String,
    out_no: String,
    receipt: Receipt,
    refund_id: String,
    fen: u64,
    description: String,
    at: u64,
}

/// Returns the key of a coupon or a code.
fn key(stock_id: &str, code: &str) -> String {
    format!("{stock_id}/{code}")
}

fn callback(store: &mut Store) -> &mut Option<Callback> {
    &mut store.busifavor.callback
}

#[cfg(test)]
mod tests;
