// REFUND.SUCCESS
// Made by `wxpay types` from the documents of 2026-11-26.

/// What the notification has.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Resource {
    /// Required.
    pub mchid: String,
    /// Required.
    pub out_trade_no: String,
    /// Required.
    pub transaction_id: String,
    /// Required.
    pub out_refund_no: String,
    /// Required.
    pub refund_id: String,
    /// Required.
    pub refund_status: ResourceRefundStatus,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_time: Option<String>,
    /// Required.
    pub user_received_account: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recv_account: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fund_source: Option<ResourceFundSource>,
    /// Required.
    pub amount: ResourceAmount,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_mchid: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_mchid: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_account: Option<ResourceRefundAccount>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub individual_auth_id: Option<String>,
}

/// A value of `refund_status`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum ResourceRefundStatus {
    #[serde(rename = "SUCCESS")]
    Success,
    #[serde(rename = "CLOSED")]
    Closed,
    #[serde(rename = "ABNORMAL")]
    Abnormal,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// A value of `fund_source`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum ResourceFundSource {
    #[serde(rename = "REFUND_SOURCE_UNSETTLED_FUNDS")]
    RefundSourceUnsettledFunds,
    #[serde(rename = "REFUND_SOURCE_RECHARGE_FUNDS")]
    RefundSourceRechargeFunds,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// The object `amount`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct ResourceAmount {
    /// Optional. In fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement_refund: Option<i64>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement_currency: Option<String>,
    /// Required. In fen.
    pub total: i64,
    /// Required.
    pub currency: String,
    /// Required. In fen.
    pub refund: i64,
    /// Required. In fen.
    pub payer_total: i64,
    /// Required.
    pub payer_currency: String,
    /// Required. In fen.
    pub payer_refund: i64,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_rate: Option<ResourceAmountExchangeRate>,
}

/// The object `amount.exchange_rate`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct ResourceAmountExchangeRate {
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ResourceAmountExchangeRateType>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<i64>,
}

/// A value of `amount.exchange_rate.type`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum ResourceAmountExchangeRateType {
    #[serde(rename = "USERPAYMENT_RATE")]
    UserpaymentRate,
    #[serde(rename = "SETTLEMENT_RATE")]
    SettlementRate,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// A value of `refund_account`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum ResourceRefundAccount {
    #[serde(rename = "REFUND_SOURCE_PARTNER_ADVANCE")]
    RefundSourcePartnerAdvance,
    #[serde(rename = "REFUND_SOURCE_SUB_MERCHANT")]
    RefundSourceSubMerchant,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}
