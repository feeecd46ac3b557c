//! Coupons of WeChat Pay: a merchant makes a stock, sends its coupons to users, and WeChat Pay takes them
//! off what a user pays.
//!
//! A stock is `unactivated` → `running` ⇄ `paused` → `stoped` at its end. A coupon is `SENDED` → `USED` by a
//! payment, → `EXPIRED` by time. A refund of the whole order makes it `SENDED` again. A stock with funds
//! (`no_cash: false`) sets its budget aside in its creator's account when it starts.

mod flow_file;
mod read;
mod refusals;
mod routes;
mod rules;
mod usage;
mod v2_view;
mod view;

pub(super) use read::texts;
pub(crate) use routes::ROUTES;
pub(crate) use rules::{NewCoupon, find, send};
pub(crate) use usage::{given_back, pay_with};
pub(crate) use v2_view::v2_coupon_fields;

use std::borrow::Cow;

use serde_json::Value;

use super::{callback::Callback, once::Once};
use crate::sandbox::state::{
    StateKind,
    bounded_map::BoundedMap,
    changes::{Changes, Stateful},
    world::Store,
};

/// How many stocks of a merchant are kept.
const MAX_STOCKS: usize = 1_000;
/// How many coupons of a merchant's stocks are kept, and how many rows of their use.
const MAX_COUPONS: usize = 10_000;

/// How many goods a stock can be for.
const MAX_ITEMS: usize = 500;

/// What one merchant has of it, as the creator of stocks.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `stock_id`.
    stocks: BoundedMap<Stock>,
    /// By `coupon_id`.
    pub(crate) coupons: BoundedMap<Coupon>,
    /// What was paid with coupons and refunded, by WeChat Pay's number of the payment or the refund.
    flow: BoundedMap<FlowRow>,
    /// The stocks that requests made, by `out_request_no`.
    created: Once<String>,
    /// The coupons that requests sent, by `out_request_no`.
    sent: Once<String>,
    callback: Option<Callback>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            stocks: BoundedMap::watched(MAX_STOCKS),
            coupons: BoundedMap::watched(MAX_COUPONS),
            flow: BoundedMap::new(MAX_COUPONS),
            created: Once::default(),
            sent: Once::default(),
            callback: None,
        }
    }
}

/// A stock that a merchant asks for.
#[derive(Clone, Debug, PartialEq)]
struct NewStock {
    name: String,
    /// The first and the last second in which coupons are sent and used.
    begin: u64,
    end: u64,
    max_coupons: u64,
    /// In fen, as all amounts.
    max_amount: u64,
    max_amount_by_day: Option<u64>,
    max_coupons_per_user: u64,
    no_cash: bool,
    /// What a coupon takes off.
    fen: u64,
    /// The smallest order that it can be used for.
    minimum: u64,
    /// The tags and the goods of which an order needs one. Any order will do if there are none.
    goods_tags: Vec<String>,
    items: Vec<String>,
    /// The merchants that it can be used at.
    merchants: Vec<String>,
    validity: Validity,
    /// Everything that the request said. The same again is the same stock.
    request: Value,
}

/// When a coupon can be used, within the time of its stock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Validity {
    /// From the midnight after it was sent.
    from_next_day: bool,
    /// For how many seconds.
    seconds: Option<u64>,
    /// On which days of the week, 0 being Sunday. On all if there are none.
    week_days: Vec<u64>,
    /// The first and the last second of a day.
    seconds_of_day: Option<(u64, u64)>,
}

/// A stock of coupons.
#[derive(Clone, Debug)]
pub(crate) struct Stock {
    stock_id: String,
    creator: String,
    new: NewStock,
    created_at: u64,
    state: StockState,
    /// When it was started, paused and restarted last.
    started_at: Option<u64>,
    paused_at: Option<u64>,
    restarted_at: Option<u64>,
    stopped_at: Option<u64>,
    /// How many coupons were sent.
    sent: u64,
    /// What is set aside for it in the creator's account, in fen.
    reserved: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StockState {
    Unactivated,
    Running,
    Paused,
    Stopped,
}

impl StockState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unactivated => "unactivated",
            Self::Running => "running",
            Self::Paused => "paused",
            // As the documents spell it.
            Self::Stopped => "stoped",
        }
    }
}

/// A coupon of a user.
#[derive(Clone, Debug)]
pub(crate) struct Coupon {
    pub(crate) coupon_id: String,
    pub(crate) stock_id: String,
    creator: String,
    /// The merchant that sent it.
    sender: String,
    appid: String,
    openid: String,
    sent_at: u64,
    /// The first and the last second in which it can be used.
    begin: u64,
    end: u64,
    /// The payment that used it.
    used: Option<Used>,
    /// Whether its end has passed.
    has_expired: bool,
}

/// A payment with a coupon.
#[derive(Clone, Debug)]
struct Used {
    at: u64,
    mchid: String,
    transaction_id: String,
    fen: u64,
    goods: Vec<Value>,
}

impl Coupon {
    /// Returns the state as the API names it.
    pub(crate) fn state(&self, now: u64) -> &'static str {
        match self.used {
            Some(_) => "USED",
            None if self.has_expired || now > self.end => "EXPIRED",
            None => "SENDED",
        }
    }
}

impl Stateful for Stock {
    const KIND: StateKind = StateKind::CouponStock;

    fn state_name(&self) -> Cow<'static, str> {
        self.state.as_str().into()
    }
}

impl Stateful for Coupon {
    const KIND: StateKind = StateKind::Coupon;

    fn state_name(&self) -> Cow<'static, str> {
        // A timer marks the end, which is when the state changes.
        self.state(0).into()
    }
}

impl Tables {
    /// Moves the changes of states since the last time to the others.
    pub(crate) fn take_changes(&mut self, mchid: &str, changes: &mut Changes) {
        self.stocks.take_changes(mchid, changes);
        self.coupons.take_changes(mchid, changes);
    }
}

/// A row of the files of what was used and refunded.
#[derive(Clone, Debug)]
struct FlowRow {
    is_refund: bool,
    stock_id: String,
    coupon_id: String,
    /// What of the coupon was used or went back, in fen.
    fen: u64,
    /// The order's total, in fen.
    total: u64,
    transaction_id: String,
    at: u64,
    mchid: String,
    device: String,
    goods: Vec<Value>,
}

fn callback(store: &mut Store) -> &mut Option<Callback> {
    &mut store.favor.callback
}

#[cfg(test)]
mod tests;
