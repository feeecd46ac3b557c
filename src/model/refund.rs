//! A refund.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A refund: the resource of a refund notification, and the response of a refund and its query.
///
/// The notification has `refund_status` where the response has `status`; both are read into
/// [`status`](Self::status). A field that a form does not have is `None`. `Debug` does not show the account.
///
/// Follows *退款结果通知* and *查询单笔退款*.
///
/// ```
/// use wechatpay_chain::{json, model::{Refund, refund_status}};
///
/// # fn main() -> Result<(), serde_json::Error> {
/// let refund: Refund = serde_json::from_value(json!({
///     "out_trade_no": "tea-0001",
///     "out_refund_no": "tea-0001-r1",
///     "refund_status": "SUCCESS", // of a notification
///     "amount": { "total": 100, "refund": 40, "payer_total": 100, "payer_refund": 40 },
/// }))?;
/// assert_eq!(refund.status, refund_status::SUCCESS);
/// assert_eq!(refund.amount.refund, 40);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Refund {
    /// The merchant's number of the refund.
    pub out_refund_no: String,
    /// The state: one of [`refund_status`](super::refund_status), or one that WeChat Pay added since.
    #[serde(alias = "refund_status")]
    pub status: String,
    /// The amounts.
    pub amount: RefundAmount,
    /// WeChat Pay's number of the refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<String>,
    /// The merchant's number of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_trade_no: Option<String>,
    /// WeChat Pay's number of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// The way back to the customer, such as `ORIGINAL` or `BALANCE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The customer's account, in words. Personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_received_account: Option<String>,
    /// When it was asked for, in RFC 3339. [`BeijingTime`](super::BeijingTime) parses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_time: Option<String>,
    /// When it arrived, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_time: Option<String>,
    /// The merchant's ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mchid: Option<String>,
    /// The service provider's merchant ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_mchid: Option<String>,
    /// The sub-merchant's ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_mchid: Option<String>,
}

impl fmt::Debug for Refund {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refund")
            .field("out_refund_no", &self.out_refund_no)
            .field("refund_id", &self.refund_id)
            .field("out_trade_no", &self.out_trade_no)
            .field("status", &self.status)
            .field("success_time", &self.success_time)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// The amounts of a [`Refund`], in fen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefundAmount {
    /// The price of the order.
    pub total: i64,
    /// What this refund returns.
    pub refund: i64,
    /// What the customer paid for the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_total: Option<i64>,
    /// What the customer gets: the refund less its share of coupons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_refund: Option<i64>,
    /// What the merchant's account is charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement_refund: Option<i64>,
    /// The currency: `CNY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}
