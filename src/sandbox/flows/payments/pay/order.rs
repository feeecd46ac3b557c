//! A payment order and its rules, whichever version of the API it is of.

use serde_json::Value;

use super::{discount::Discount, refusals};
use crate::{
    catalog::Operation,
    sandbox::{checks::merchant::Acting, dispatch::refusal::Refusal},
};

/// How long a `prepay_id` and a `code_url` can be paid, in seconds.
pub(crate) const PREPAID_LIFETIME: u64 = 2 * 3600;
/// How long an `h5_url` can be opened, in seconds.
pub(crate) const H5_URL_LIFETIME: u64 = 5 * 60;

/// How the customer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Jsapi,
    MiniProgram,
    App,
    H5,
    Native,
    /// The cashier scans the customer's code.
    Code,
    /// A deduction under a contract.
    Deduction,
}

impl Product {
    /// Returns the product that the path of an operation of APIv3 ends with.
    pub(crate) fn of(op: &Operation) -> Self {
        let (_, product) = op.template().rsplit_once('/').unwrap_or_default();
        match product {
            "app" => Self::App,
            "h5" => Self::H5,
            "native" => Self::Native,
            "miniprogram" => Self::MiniProgram,
            // `jsapi` is a mini program's as well.
            _ => Self::Jsapi,
        }
    }

    /// Returns `trade_type`, which both versions of the API spell alike.
    pub(crate) fn trade_type(self) -> &'static str {
        match self {
            Self::Jsapi | Self::MiniProgram => "JSAPI",
            Self::App => "APP",
            Self::H5 => "MWEB",
            Self::Native => "NATIVE",
            Self::Code => "MICROPAY",
            Self::Deduction => "PAP",
        }
    }

    /// Returns whether the order is opened by a `prepay_id`, and not paid on the spot.
    pub(crate) fn is_prepaid(self) -> bool {
        !matches!(self, Self::Code | Self::Deduction)
    }
}

/// The version of the API that made an order or a refund. Its notifications are of that version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    /// `hmac`: whether the request asked for HMAC-SHA256.
    V2 {
        hmac: bool,
    },
}

/// Who pays. Each ID is of its app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Payer {
    /// In the app of the order: `openid`, or `sp_openid` of a service provider's order.
    pub(crate) openid: Option<String>,
    /// In the app of the sub-merchant.
    pub(crate) sub_openid: Option<String>,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewOrder {
    pub(crate) acting: Acting,
    pub(crate) product: Product,
    /// The app: `appid`, or `sp_appid` of a service provider's order.
    pub(crate) appid: String,
    pub(crate) sub_appid: Option<String>,
    pub(crate) out_trade_no: String,
    pub(crate) description: String,
    pub(crate) attach: Option<String>,
    /// In fen.
    pub(crate) total: u64,
    /// Whom the request names. Nobody else can pay.
    pub(crate) payer: Payer,
    pub(crate) notify_url: Option<String>,
    /// The last second in which it can be paid.
    pub(crate) expires: Option<u64>,
    /// Whether the money is frozen until it is shared.
    pub(crate) profit_sharing: bool,
    pub(crate) version: Version,
    /// The combined order that it is part of.
    pub(crate) combined: Option<PartOf>,
    /// Everything that the request said. The same again is the same order.
    pub(crate) request: Value,
}

/// A combined order, as its parts know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartOf {
    /// The merchant that made it.
    pub(crate) mchid: String,
    /// `combine_out_trade_no`
    pub(crate) number: String,
}

/// What opens the payment. Each is there for the products that use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prepaid {
    pub(crate) prepay_id: String,
    pub(crate) code_url: String,
    pub(crate) h5_url: String,
    /// When they were issued, in seconds since 1970.
    pub(crate) issued_at: u64,
}

impl Prepaid {
    pub(crate) fn has_expired(&self, now: u64) -> bool {
        now.saturating_sub(self.issued_at) >= PREPAID_LIFETIME
    }
}

/// A payment that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) transaction_id: String,
    /// In seconds since 1970.
    pub(crate) time: u64,
    pub(crate) openid: String,
    pub(crate) sub_openid: Option<String>,
    pub(crate) bank_type: &'static str,
    pub(crate) discount: Option<Discount>,
}

/// A payment that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reversal {
    pub(crate) payment: Payment,
    /// When it was taken back, in seconds since 1970.
    pub(crate) time: u64,
}

/// Where an order stands.
// The payment is part of the state: no paid order without one, and no unpaid one with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    NotPaid,
    /// A code was scanned, and the customer has to enter the password.
    UserPaying,
    Paid(Payment),
    Closed,
    /// The cashier took it back. With a payment, that was given back.
    Revoked(Option<Reversal>),
    /// A scanned code was not paid.
    PayError,
}

/// An order, from its first request on. Its merchant's store has it by `out_trade_no`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) asked: NewOrder,
    pub(crate) created_at: u64,
    pub(crate) prepaid: Prepaid,
    /// The code that it was paid with.
    pub(crate) auth_code: Option<String>,
    pub(crate) state: State,
    /// What of its money is frozen for sharing, in fen.
    pub(crate) frozen: u64,
    /// What refunds took of it, in fen. A refund that was closed gave it back.
    pub(crate) refunded: u64,
    /// What of that was a coupon's, in fen.
    pub(crate) discount_refunded: u64,
    /// How many refunds there are, closed ones included.
    pub(crate) refunds: usize,
    /// Whether a refund succeeded.
    pub(crate) has_refund: bool,
}

impl Order {
    /// After how many seconds the merchant gets what was not shared.
    pub(super) const SHARED_WITHIN: u64 = 180 * 24 * 3600;

    /// Returns whether it is too late to share it.
    pub(crate) fn is_past_sharing(&self, now: u64) -> bool {
        let end = |payment: &Payment| payment.time.saturating_add(Self::SHARED_WITHIN);
        self.payment().is_some_and(|payment| now >= end(payment))
    }

    pub(crate) fn new(asked: NewOrder, prepaid: Prepaid, now: u64) -> Self {
        Self {
            asked,
            created_at: now,
            prepaid,
            auth_code: None,
            state: State::NotPaid,
            frozen: 0,
            refunded: 0,
            discount_refunded: 0,
            refunds: 0,
            has_refund: false,
        }
    }

    pub(crate) fn out_trade_no(&self) -> &str {
        &self.asked.out_trade_no
    }

    /// Returns the payment of an order that is paid, also if it was refunded. One that was taken back has
    /// none.
    pub(crate) fn payment(&self) -> Option<&Payment> {
        match &self.state {
            State::Paid(payment) => Some(payment),
            _ => None,
        }
    }

    /// Returns the payment, also one that was taken back.
    pub(crate) fn payment_made(&self) -> Option<&Payment> {
        match &self.state {
            State::Paid(payment) | State::Revoked(Some(Reversal { payment, .. })) => Some(payment),
            _ => None,
        }
    }

    /// Returns the ID of the order's payment, also of one that was taken back.
    pub(crate) fn transaction_id(&self) -> Option<&str> {
        Some(&self.payment_made()?.transaction_id)
    }

    /// Returns what can still be refunded, in fen.
    pub(crate) fn refundable(&self) -> u64 {
        self.asked.total.saturating_sub(self.refunded)
    }

    /// Returns `NOTPAY`, `ACCEPT`, `USERPAYING`, `SUCCESS`, `REFUND`, `CLOSED`, `REVOKED` or `PAYERROR`.
    // An expired `prepay_id` closes nothing: the order stays `NOTPAY` until the merchant closes it.
    pub(crate) fn trade_state(&self) -> &'static str {
        match &self.state {
            State::NotPaid if self.asked.product == Product::Deduction => "ACCEPT",
            State::NotPaid => "NOTPAY",
            State::UserPaying => "USERPAYING",
            State::Paid(_) if self.has_refund => "REFUND",
            State::Paid(_) => "SUCCESS",
            State::Closed => "CLOSED",
            State::Revoked(_) => "REVOKED",
            State::PayError => "PAYERROR",
        }
    }

    /// Returns `trade_state_desc`.
    pub(crate) fn trade_state_desc(&self) -> &'static str {
        match self.trade_state() {
            "NOTPAY" => "订单未支付",
            "ACCEPT" => "已接收，等待扣款",
            "USERPAYING" => "需要用户输入支付密码",
            "SUCCESS" => "支付成功",
            "REFUND" => "订单发生过退款，退款详情请查询退款单",
            "CLOSED" => "订单已关闭",
            "REVOKED" => "订单已撤销",
            _ => "支付失败，请重新下单支付",
        }
    }

    /// Handles a second request under the same number.
    ///
    /// The same request gets the same codes, or new ones if the old ones have expired. A different request
    /// is refused: otherwise the merchant could expect another amount than the customer is asked for.
    pub(crate) fn prepay_again(&mut self, new: &NewOrder, codes: Prepaid) -> Result<(), Refusal> {
        match &self.state {
            State::Paid(_) => Err(refusals::paid()),
            State::Closed => Err(refusals::closed()),
            State::Revoked(_) => Err(refusals::revoked()),
            _ if self.asked.product != new.product || self.asked.request != new.request => {
                Err(refusals::number_used())
            }
            State::PayError => Err(refusals::pay_error()),
            // New codes of an order that nobody can pay would be of no use.
            _ if self.is_overdue(codes.issued_at) => Err(refusals::overdue()),
            State::NotPaid | State::UserPaying => {
                if self.prepaid.has_expired(codes.issued_at) {
                    self.prepaid = codes;
                }
                Ok(())
            }
        }
    }

    /// Checks that this payer can pay now.
    pub(crate) fn check_payable(&self, payer: &Payer, now: u64) -> Result<(), Refusal> {
        self.check_unpaid()?;
        if self.asked.product.is_prepaid() && self.prepaid.has_expired(now) {
            return Err(refusals::prepaid_expired());
        }
        if self.is_overdue(now) {
            return Err(refusals::overdue());
        }
        let differs = |named: &Option<String>, pays: &Option<String>| matches!((named, pays), (Some(named), Some(pays)) if named != pays);
        let named = &self.asked.payer;
        if differs(&named.openid, &payer.openid) || differs(&named.sub_openid, &payer.sub_openid) {
            return Err(refusals::other_payer());
        }
        Ok(())
    }

    /// Closes the order for the merchant. Closing a closed one again succeeds.
    // A merchant that missed the first response closes again.
    pub(crate) fn close(&mut self) -> Result<(), Refusal> {
        match &self.state {
            State::Paid(_) => Err(refusals::paid()),
            State::Revoked(_) => Err(refusals::revoked()),
            State::UserPaying => Err(refusals::user_paying()),
            State::NotPaid | State::PayError | State::Closed => {
                self.state = State::Closed;
                Ok(())
            }
        }
    }

    /// Marks that the customer did not pay a scanned code or a deduction. Other orders stay as they are:
    /// there, the customer can try again.
    pub(crate) fn fail(&mut self) -> Result<(), Refusal> {
        self.check_unpaid()?;
        let is_final = self.asked.product == Product::Deduction;
        if is_final || self.state == State::UserPaying {
            self.state = State::PayError;
        }
        Ok(())
    }

    /// Ends the time in which the customer can pay, as if `time_expire` had passed. The order stays `NOTPAY`
    /// until the merchant closes it.
    // Not the time of its codes: the same request would get new ones.
    pub(crate) fn expire(&mut self, now: u64) -> Result<(), Refusal> {
        self.check_expirable(now)?;
        self.asked.expires = Some(now.saturating_sub(1));
        Ok(())
    }

    /// Checks that the order waits for a customer who opens it.
    pub(crate) fn check_expirable(&self, now: u64) -> Result<(), Refusal> {
        self.check_unpaid()?;
        if !self.asked.product.is_prepaid() {
            return Err(refusals::does_not_expire());
        }
        match self.is_overdue(now) {
            true => Err(refusals::overdue()),
            false => Ok(()),
        }
    }

    /// Checks that nobody has paid the order, and that nothing has ended it.
    pub(crate) fn check_unpaid(&self) -> Result<(), Refusal> {
        match &self.state {
            State::NotPaid | State::UserPaying => Ok(()),
            State::Paid(_) => Err(refusals::paid()),
            State::Closed => Err(refusals::closed()),
            State::Revoked(_) => Err(refusals::revoked()),
            State::PayError => Err(refusals::pay_error()),
        }
    }

    /// Returns the last second in which the customer can pay it, if it waits for one and expires.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        self.check_unpaid().ok()?;
        let of_codes = (self.asked.product.is_prepaid())
            .then(|| self.prepaid.issued_at.saturating_add(PREPAID_LIFETIME - 1));
        let ends = self.asked.expires.into_iter().chain(of_codes);
        ends.min()
    }

    /// Returns whether the customer's time to pay is over.
    fn is_overdue(&self, now: u64) -> bool {
        self.asked.expires.is_some_and(|expires| now > expires)
    }
}
