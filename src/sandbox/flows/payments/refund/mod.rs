//! Refunds, in parts or whole: `PROCESSING` → `SUCCESS`, `CLOSED` or `ABNORMAL`, and from there again.

mod engine;
mod notice;
pub(crate) mod refusals;
mod routes;
mod view;

pub(crate) use routes::ROUTES;

pub(crate) use engine::{find_refund, refund, refund_fails, refund_succeeds, refunds_of};

use std::borrow::Cow;

use serde_json::Value;

use super::pay::{Version, discount::DiscountBack};
use crate::sandbox::{
    checks::merchant::Acting,
    state::{StateKind, bounded_map::BoundedMap, changes::Stateful},
};

/// How many refunds of a merchant are kept.
const MAX_REFUNDS: usize = 10_000;

/// The refunds of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_refund_no`.
    pub(crate) refunds: BoundedMap<Refund>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            refunds: BoundedMap::watched(MAX_REFUNDS),
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewRefund {
    pub(crate) acting: Acting,
    /// WeChat Pay's number of the order, or the merchant's. One suffices; with both, the first counts.
    pub(crate) transaction_id: Option<String>,
    pub(crate) out_trade_no: Option<String>,
    pub(crate) out_refund_no: String,
    pub(crate) reason: Option<String>,
    /// What the customer gets back, in fen.
    pub(crate) fen: u64,
    /// The order's total as the merchant knows it, in fen.
    pub(crate) total: Option<u64>,
    pub(crate) notify_url: Option<String>,
    pub(crate) version: Version,
    /// Everything that the request said. The same again is the same refund.
    pub(crate) request: Value,
}

/// A refund, from its first request on. Its merchant's store has it by `out_refund_no`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refund {
    pub(crate) asked: NewRefund,
    pub(crate) refund_id: String,
    pub(crate) transaction_id: String,
    pub(crate) out_trade_no: String,
    /// The order's total, in fen.
    pub(crate) total: u64,
    pub(crate) created_at: u64,
    pub(crate) status: Status,
    /// What of the order the customer paid, in fen.
    pub(crate) payer_total: u64,
    /// What of the order the merchant received, in fen.
    pub(crate) settlement_total: u64,
    /// What of the refund was a coupon's.
    pub(crate) discount: Option<DiscountBack>,
    /// What of it was frozen for sharing, in fen.
    pub(crate) from_frozen: u64,
    /// Where the money goes.
    pub(crate) user_received_account: String,
}

impl Refund {
    /// Returns whether it has neither succeeded nor failed.
    pub(crate) fn is_processing(&self) -> bool {
        self.status == Status::Processing
    }

    /// Returns what goes back to the coupon, in fen.
    pub(crate) fn discount_refund(&self) -> u64 {
        self.discount.as_ref().map_or(0, |back| back.fen)
    }

    /// Returns what the customer gets back, in fen.
    pub(crate) fn payer_refund(&self) -> u64 {
        self.asked.fen.saturating_sub(self.discount_refund())
    }

    /// Returns what the merchant gives back, in fen.
    pub(crate) fn settlement_refund(&self) -> u64 {
        let unfunded = self.discount.as_ref().filter(|back| !back.of.is_funded);
        let fen = self.asked.fen;
        fen.saturating_sub(unfunded.map_or(0, |back| back.fen))
    }
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Processing,
    /// The customer has the money since this time, in seconds since 1970.
    Success(u64),
    /// The customer's bank refused the money. The merchant asks for it to be sent elsewhere.
    Abnormal,
    /// The merchant has the money again.
    Closed,
}

impl Status {
    /// Returns whether nothing more will happen to the refund.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Success(_) | Self::Closed)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Success(_) => "SUCCESS",
            Self::Abnormal => "ABNORMAL",
            Self::Closed => "CLOSED",
        }
    }
}

impl Stateful for Refund {
    const KIND: StateKind = StateKind::Refund;

    fn state_name(&self) -> Cow<'static, str> {
        self.status.as_str().into()
    }
}

/// How a refund fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefundFailure {
    /// The customer's bank refuses the money, such as for a closed account: `ABNORMAL`. The merchant can
    /// ask for another account.
    Abnormal,
    /// WeChat Pay gives up, and the merchant has the money again: `CLOSED`.
    Closed,
}

/// Which refund is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefundNumber<'a> {
    /// WeChat Pay's `refund_id`.
    Ours(&'a str),
    /// The merchant's `out_refund_no`.
    Merchants(&'a str),
}

#[cfg(test)]
mod tests;
