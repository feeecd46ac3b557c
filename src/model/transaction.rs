//! A payment.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A payment: the resource of a payment notification, and the response of an order query.
///
/// It serves direct merchants, whose IDs are [`appid`](Self::appid) and [`mchid`](Self::mchid), and
/// service providers, whose IDs begin with `sp_` and `sub_`. A field that a form does not have is `None`.
/// `Debug` shows neither the payer nor the merchant's texts.
///
/// Follows *支付成功回调通知* and *商户订单号查询订单*.
///
/// ```
/// use wechatpay_chain::{json, model::{Transaction, trade_state}};
///
/// # fn main() -> Result<(), serde_json::Error> {
/// let order: Transaction = serde_json::from_value(json!({
///     "mchid": "1900000109",
///     "out_trade_no": "tea-0001",
///     "trade_state": "SUCCESS",
///     "amount": { "total": 100, "payer_total": 90, "currency": "CNY" },
///     "payer": { "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
/// }))?;
/// assert_eq!(order.trade_state, trade_state::SUCCESS);
/// assert_eq!(order.total(), Some(100)); // the price; the customer paid 90, and a coupon the rest
/// assert!(!format!("{order:?}").contains("oUpF8"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transaction {
    /// The merchant's order number, which was given when the order was placed.
    pub out_trade_no: String,
    /// The state: one of [`trade_state`](super::trade_state), or one that WeChat Pay added since.
    pub trade_state: String,
    /// The state in words, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trade_state_desc: Option<String>,
    /// WeChat Pay's number of the payment. `None` until there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// How the customer pays: one of [`trade_type`](super::trade_type).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trade_type: Option<String>,
    /// When it was paid, in RFC 3339. [`BeijingTime`](super::BeijingTime) parses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_time: Option<String>,
    /// The merchant's app ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    /// The merchant's ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mchid: Option<String>,
    /// The service provider's app ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_appid: Option<String>,
    /// The service provider's merchant ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_mchid: Option<String>,
    /// The sub-merchant's app ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_appid: Option<String>,
    /// The sub-merchant's ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_mchid: Option<String>,
    /// The bank that paid, as a code of WeChat Pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_type: Option<String>,
    /// What the merchant attached to the order. It comes back unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach: Option<String>,
    /// The amounts. `None` while there are none, as for an order that is not paid yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<TransactionAmount>,
    /// Who paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<Payer>,
}

impl Transaction {
    /// Returns the price of the order in fen, which is what the merchant asked for.
    ///
    /// Compare it with the amount in your own records before you deliver.
    pub fn total(&self) -> Option<i64> {
        self.amount.as_ref()?.total
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("out_trade_no", &self.out_trade_no)
            .field("transaction_id", &self.transaction_id)
            .field("trade_state", &self.trade_state)
            .field("trade_type", &self.trade_type)
            .field("success_time", &self.success_time)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// The amounts of a [`Transaction`], in fen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TransactionAmount {
    /// The price of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// What the customer paid: the price less coupons of WeChat Pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_total: Option<i64>,
    /// The currency of the price: `CNY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The currency in which the customer paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_currency: Option<String>,
}

/// Who paid a [`Transaction`]. `Debug` shows no ID.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Payer {
    /// The customer's ID below the merchant's app ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<String>,
    /// The customer's ID below the service provider's app ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_openid: Option<String>,
    /// The customer's ID below the sub-merchant's app ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_openid: Option<String>,
}

impl fmt::Debug for Payer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payer").finish_non_exhaustive()
    }
}
