//! A payment transaction and its rules: `NOTPAY` → `SUCCESS` or `CLOSED`.

mod routes;
mod view;

pub(super) use routes::ROUTES;
pub(super) use view::PaidTransaction;

use http::StatusCode;
use serde_json::{Map, Value};

use crate::sandbox::{
    checks::{fields::Fields, merchant::check_mchid},
    response::ApiResponse,
    state::bounded_map::BoundedMap,
    time::parse_rfc3339,
};

/// How many transactions of a merchant are kept.
const MAX_ORDERS: usize = 10_000;

/// How long a `code_url` can be paid, in seconds.
const CODE_URL_LIFETIME: u64 = 2 * 3600;
/// The largest amount, in fen.
const MAX_TOTAL: u64 = 10_000_000_000;

/// The transactions of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_trade_no`.
    pub(crate) transactions: BoundedMap<Transaction>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            transactions: BoundedMap::new(MAX_ORDERS),
        }
    }
}

/// A transaction, from its prepayment on.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    /// The body of the prepayment. The same body again is the same transaction.
    request: Map<String, Value>,
    out_trade_no: String,
    /// In fen.
    total: u64,
    /// The last second in which it can be paid.
    time_expire: Option<u64>,
    code_url: String,
    code_url_issued_at: u64,
    trade_state: TradeState,
}

#[derive(Clone, Debug, PartialEq)]
enum TradeState {
    NotPaid,
    // The payment is part of the state: no paid transaction without one, and no unpaid one with it.
    Paid(Payment),
    Closed,
}

#[derive(Clone, Debug, PartialEq)]
struct Payment {
    transaction_id: String,
    time: u64,
    openid: String,
}

impl Transaction {
    /// Creates the transaction of a Native prepayment.
    pub(crate) fn prepay(
        fields: &Fields<'_>,
        mchid: &str,
        code_url: String,
        now: u64,
    ) -> Result<Self, ApiResponse> {
        fields.text("appid", 32)?;
        check_mchid(fields, mchid)?;
        fields.text("description", 127)?;
        let out_trade_no = fields.merchant_order_number("out_trade_no", 6)?;
        fields.optional_text("attach", 128)?;
        fields.optional_text("goods_tag", 32)?;
        fields.notify_url()?;
        fields.optional_bool("support_fapiao")?;
        Ok(Self {
            request: fields.as_map().clone(),
            out_trade_no: out_trade_no.to_owned(),
            total: read_total(fields)?,
            time_expire: read_time_expire(fields, now)?,
            code_url,
            code_url_issued_at: now,
            trade_state: TradeState::NotPaid,
        })
    }

    pub(crate) fn out_trade_no(&self) -> &str {
        &self.out_trade_no
    }

    /// Returns whether this is the transaction's ID. An unpaid transaction has none.
    pub(crate) fn has_transaction_id(&self, id: &str) -> bool {
        matches!(&self.trade_state, TradeState::Paid(payment) if payment.transaction_id == id)
    }

    /// Handles a second prepayment under the same number.
    ///
    /// The same request gets the same code, or a new one if the old one has expired. A different
    /// request is refused: otherwise the merchant could expect another amount than the code charges.
    pub(crate) fn prepay_again(&mut self, again: Self) -> Result<(), ApiResponse> {
        match &self.trade_state {
            TradeState::Paid(_) => Err(already_paid()),
            TradeState::Closed => Err(already_closed()),
            TradeState::NotPaid if self.request != again.request => Err(ApiResponse::error(
                StatusCode::FORBIDDEN,
                "OUT_TRADE_NO_USED",
                "商户订单号重复：请求重入时，参数与首次请求时不一致",
            )),
            TradeState::NotPaid => {
                if self.code_url_has_expired(again.code_url_issued_at) {
                    self.code_url = again.code_url;
                    self.code_url_issued_at = again.code_url_issued_at;
                }
                Ok(())
            }
        }
    }

    /// Pays the transaction: the user scans the code.
    pub(crate) fn pay(
        &mut self,
        transaction_id: String,
        openid: String,
        now: u64,
    ) -> Result<(), ApiResponse> {
        match &self.trade_state {
            TradeState::Paid(_) => return Err(already_paid()),
            TradeState::Closed => return Err(already_closed()),
            TradeState::NotPaid => {}
        }
        if self.code_url_has_expired(now) {
            return Err(ApiResponse::invalid_request(
                "二维码已过期，请重新下单 (a code_url expires after 2 hours)",
            ));
        }
        if self.time_expire.is_some_and(|expire| now > expire) {
            return Err(ApiResponse::invalid_request(
                "订单已过期 (time_expire has passed)",
            ));
        }
        self.trade_state = TradeState::Paid(Payment {
            transaction_id,
            time: now,
            openid,
        });
        Ok(())
    }

    /// Closes the transaction for the merchant. Closing a closed one again succeeds.
    pub(crate) fn close(&mut self) -> Result<(), ApiResponse> {
        match &self.trade_state {
            TradeState::Paid(_) => Err(already_paid()),
            // A merchant that missed the first response closes again.
            TradeState::NotPaid | TradeState::Closed => {
                self.trade_state = TradeState::Closed;
                Ok(())
            }
        }
    }

    /// Returns `NOTPAY`, `SUCCESS` or `CLOSED`.
    // An expired code does not close the transaction: it stays `NOTPAY` until the merchant closes it.
    pub(crate) fn trade_state(&self) -> &'static str {
        match &self.trade_state {
            TradeState::NotPaid => "NOTPAY",
            TradeState::Paid(_) => "SUCCESS",
            TradeState::Closed => "CLOSED",
        }
    }

    fn code_url_has_expired(&self, now: u64) -> bool {
        now.saturating_sub(self.code_url_issued_at) >= CODE_URL_LIFETIME
    }
}

/// Reads `amount` and returns its total in fen.
fn read_total(fields: &Fields<'_>) -> Result<u64, ApiResponse> {
    let amount = fields.object("amount")?;
    let total = amount.integer("total", 1..=MAX_TOTAL)?;
    if amount.optional_text("currency", 16)?.unwrap_or("CNY") != "CNY" {
        return Err(amount.error("currency", "must be CNY"));
    }
    Ok(total)
}

/// Reads `time_expire`, which must be in the future.
fn read_time_expire(fields: &Fields<'_>, now: u64) -> Result<Option<u64>, ApiResponse> {
    let Some(text) = fields.optional_text("time_expire", 64)? else {
        return Ok(None);
    };
    match parse_rfc3339(text) {
        None => Err(fields.error(
            "time_expire",
            "must be a time such as 2018-06-08T10:34:56+08:00",
        )),
        Some(time) if time <= now => Err(fields.error("time_expire", "must be in the future")),
        Some(time) => Ok(Some(time)),
    }
}

fn already_paid() -> ApiResponse {
    ApiResponse::error(StatusCode::BAD_REQUEST, "ORDERPAID", "该订单已支付")
}

fn already_closed() -> ApiResponse {
    ApiResponse::error(StatusCode::BAD_REQUEST, "ORDER_CLOSED", "订单已关闭")
}

#[cfg(test)]
mod tests;
