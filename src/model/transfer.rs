//! A transfer from a merchant to a user.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A transfer to a user's balance: the resource of its notification, and the response of placing,
/// cancelling or querying it.
///
/// A field that a form does not have is `None`. `Debug` does not show who receives it.
///
/// Follows *发起转账*, *商户单号查询转账单* and *商家转账回调通知*.
///
/// ```
/// use wechatpay_chain::{json, model::{TransferBill, transfer_state}};
///
/// # fn main() -> Result<(), serde_json::Error> {
/// let bill: TransferBill = serde_json::from_value(json!({
///     "out_bill_no": "bonus-0001",
///     "state": "WAIT_USER_CONFIRM",
///     "package_info": "…", // for `wx.requestMerchantTransfer`
/// }))?;
/// assert_eq!(bill.state, transfer_state::WAIT_USER_CONFIRM);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TransferBill {
    /// The merchant's number of the transfer.
    pub out_bill_no: String,
    /// The state: one of [`transfer_state`](super::transfer_state), or one that WeChat Pay added since.
    pub state: String,
    /// WeChat Pay's number of the transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_bill_no: Option<String>,
    /// What the front end needs to let the user confirm the transfer. The response of placing it has this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_info: Option<String>,
    /// The amount, in fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_amount: Option<i64>,
    /// Why it failed, as a code of WeChat Pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_reason: Option<String>,
    /// When it was placed, in RFC 3339. [`BeijingTime`](super::BeijingTime) parses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_time: Option<String>,
    /// When its state changed last, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_time: Option<String>,
    /// The user's ID below the merchant's app ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<String>,
    /// The merchant's app ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    /// The merchant's ID, as a notification calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mchid: Option<String>,
    /// The merchant's ID, as a query calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mch_id: Option<String>,
}

impl fmt::Debug for TransferBill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferBill")
            .field("out_bill_no", &self.out_bill_no)
            .field("transfer_bill_no", &self.transfer_bill_no)
            .field("state", &self.state)
            .field("transfer_amount", &self.transfer_amount)
            .field("fail_reason", &self.fail_reason)
            .finish_non_exhaustive()
    }
}
