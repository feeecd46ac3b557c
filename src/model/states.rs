//! The names of events and states, as WeChat Pay writes them.

/// The types of the most common APIv3 notifications:
/// [`Notification::event_type`](crate::Notification::event_type) returns one.
///
/// `catalog::events`, of the feature `documents`, has all 115 documented notifications.
///
/// ```
/// use wechatpay_chain::model::event;
///
/// fn is_about_a_refund(event_type: &str) -> bool {
///     matches!(event_type, event::REFUND_SUCCESS | event::REFUND_ABNORMAL | event::REFUND_CLOSED)
/// }
/// assert!(is_about_a_refund("REFUND.CLOSED"));
/// ```
pub mod event {
    /// A customer paid. A profit-sharing notification can have this type, too: its
    /// [`original_type`](crate::Notification::original_type) is `profitsharing`.
    pub const TRANSACTION_SUCCESS: &str = "TRANSACTION.SUCCESS";
    /// A deduction of a contract failed.
    pub const TRANSACTION_FAIL: &str = "TRANSACTION.FAIL";
    /// A refund arrived.
    pub const REFUND_SUCCESS: &str = "REFUND.SUCCESS";
    /// A refund cannot reach the customer's account: the merchant has to act.
    pub const REFUND_ABNORMAL: &str = "REFUND.ABNORMAL";
    /// A refund was closed; no money moved.
    pub const REFUND_CLOSED: &str = "REFUND.CLOSED";
    /// A transfer to a user's balance ended: it succeeded, failed or was cancelled.
    pub const TRANSFER_FINISHED: &str = "MCHTRANSFER.BILL.FINISHED";
    /// A receiver got its part of a payment.
    pub const PROFIT_SHARING_SUCCESS: &str = "PROFITSHARING.SUCCESS";
    /// A receiver returned its part of a payment.
    pub const PROFIT_SHARING_RETURN: &str = "PROFITSHARING.RETURN";
    /// A customer confirmed a pay-score order.
    pub const PAYSCORE_USER_CONFIRM: &str = "PAYSCORE.USER_CONFIRM";
    /// A customer paid a pay-score order.
    pub const PAYSCORE_USER_PAID: &str = "PAYSCORE.USER_PAID";
    /// A customer authorized a pay-score service.
    pub const PAYSCORE_USER_OPEN_SERVICE: &str = "PAYSCORE.USER_OPEN_SERVICE";
    /// A customer withdrew the authorization of a pay-score service.
    pub const PAYSCORE_USER_CLOSE_SERVICE: &str = "PAYSCORE.USER_CLOSE_SERVICE";
    /// A customer signed a contract of papay.
    pub const ENTRUST_SIGN: &str = "ENTRUST.SIGN";
    /// A contract of papay ended.
    pub const ENTRUST_TERMINATE: &str = "ENTRUST.TERMINATE";
    /// A customer signed a contract, in the products whose pages call it `PAPAY`.
    pub const PAPAY_SIGN: &str = "PAPAY.SIGN";
    /// A contract ended, in the products whose pages call it `PAPAY`.
    pub const PAPAY_TERMINATE: &str = "PAPAY.TERMINATE";
    /// A customer complained.
    pub const COMPLAINT_CREATE: &str = "COMPLAINT.CREATE";
    /// A complaint changed its state.
    pub const COMPLAINT_STATE_CHANGE: &str = "COMPLAINT.STATE_CHANGE";
    /// A customer used a coupon.
    pub const COUPON_USE: &str = "COUPON.USE";
}

/// The states of a payment: [`Transaction::trade_state`](crate::model::Transaction::trade_state).
///
/// ```
/// use wechatpay_chain::model::trade_state;
///
/// /// Whether the money arrived. It may have been refunded since.
/// fn was_paid(state: &str) -> bool {
///     matches!(state, trade_state::SUCCESS | trade_state::REFUND)
/// }
/// assert!(!was_paid("USERPAYING"));
/// ```
pub mod trade_state {
    /// Paid.
    pub const SUCCESS: &str = "SUCCESS";
    /// Paid, and at least partly refunded.
    pub const REFUND: &str = "REFUND";
    /// Not paid yet.
    pub const NOTPAY: &str = "NOTPAY";
    /// Closed before it was paid.
    pub const CLOSED: &str = "CLOSED";
    /// Reversed. Code payments only.
    pub const REVOKED: &str = "REVOKED";
    /// The customer is entering the password. Code payments only.
    pub const USERPAYING: &str = "USERPAYING";
    /// The payment failed.
    pub const PAYERROR: &str = "PAYERROR";
    /// Accepted; the deduction of a contract is under way.
    pub const ACCEPT: &str = "ACCEPT";
}

/// How a customer pays: [`Transaction::trade_type`](crate::model::Transaction::trade_type).
///
/// ```
/// use wechatpay_chain::model::trade_type;
///
/// assert_eq!(trade_type::H5, "MWEB");
/// ```
pub mod trade_type {
    /// A page inside WeChat, or a mini program.
    pub const JSAPI: &str = "JSAPI";
    /// A QR code that the customer scans.
    pub const NATIVE: &str = "NATIVE";
    /// Another app.
    pub const APP: &str = "APP";
    /// A browser outside WeChat.
    pub const H5: &str = "MWEB";
    /// A code on the customer's phone that the merchant scans.
    pub const MICROPAY: &str = "MICROPAY";
    /// The customer's face.
    pub const FACEPAY: &str = "FACEPAY";
}

/// The states of a refund: [`Refund::status`](crate::model::Refund::status).
///
/// ```
/// use wechatpay_chain::model::refund_status;
///
/// assert_eq!(refund_status::ABNORMAL, "ABNORMAL");
/// ```
pub mod refund_status {
    /// The customer has the money.
    pub const SUCCESS: &str = "SUCCESS";
    /// Closed; no money moved.
    pub const CLOSED: &str = "CLOSED";
    /// Under way.
    pub const PROCESSING: &str = "PROCESSING";
    /// It cannot reach the customer's account. The merchant chooses another one, with
    /// `v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund`.
    pub const ABNORMAL: &str = "ABNORMAL";
}

/// The states of a transfer: [`TransferBill::state`](crate::model::TransferBill::state).
///
/// ```
/// use wechatpay_chain::model::transfer_state;
///
/// /// Whether nothing more will happen to a transfer.
/// fn is_final(state: &str) -> bool {
///     matches!(state, transfer_state::SUCCESS | transfer_state::FAIL | transfer_state::CANCELLED)
/// }
/// assert!(!is_final("TRANSFERING"));
/// ```
pub mod transfer_state {
    /// Accepted.
    pub const ACCEPTED: &str = "ACCEPTED";
    /// Under way. The same number with the same parameters may be sent again.
    pub const PROCESSING: &str = "PROCESSING";
    /// The user has to confirm it.
    pub const WAIT_USER_CONFIRM: &str = "WAIT_USER_CONFIRM";
    /// The user has confirmed it; the money is on its way.
    pub const TRANSFERING: &str = "TRANSFERING";
    /// The user has the money.
    pub const SUCCESS: &str = "SUCCESS";
    /// Failed; [`fail_reason`](crate::model::TransferBill::fail_reason) says why.
    pub const FAIL: &str = "FAIL";
    /// Being cancelled.
    pub const CANCELING: &str = "CANCELING";
    /// Cancelled; no money moved.
    pub const CANCELLED: &str = "CANCELLED";
}
