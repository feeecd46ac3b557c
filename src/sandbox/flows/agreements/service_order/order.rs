//! A service order and its rules.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    charge::Charge,
    parts::{ON_ACCEPT, Start, read_location, read_time_range},
};
use crate::sandbox::{
    checks::{fields::Fields, merchant::Acting},
    dispatch::{refusal::Refusal, response::ApiResponse},
    state::{StateKind, changes::Stateful},
    time::{format_compact, parse_compact},
};

/// After how many seconds in `CREATED` an order is `EXPIRED`.
pub(super) const CONFIRMATION_PERIOD: u64 = 30 * 24 * 3600;
/// The largest amount, in fen.
pub(super) const MAX_AMOUNT: u64 = 100_000_000;

/// A service order, from its creation on.
#[derive(Clone, Debug)]
pub(crate) struct ServiceOrder {
    pub(super) acting: Acting,
    /// The body of the creation. The same body again is the same order.
    pub(super) request: Map<String, Value>,
    pub(super) out_order_no: String,
    pub(super) appid: String,
    pub(super) sub_appid: Option<String>,
    pub(super) service_id: String,
    pub(super) ids: OrderIds,
    /// The most that it can cost, in fen.
    pub(super) risk_amount: u64,
    pub(super) created_at: u64,
    pub(super) state: OrderState,
    pub(super) time_range: Map<String, Value>,
    pub(super) location: Option<Value>,
    pub(super) charge: Charge,
    /// Whether the money is frozen until it is shared.
    pub(super) profit_sharing: bool,
    /// The bodies of the completion, the modification and the cancellation: the same again changes nothing.
    pub(super) completion: Option<Map<String, Value>>,
    pub(super) modification: Option<Map<String, Value>>,
    pub(super) cancellation: Option<Map<String, Value>>,
    pub(super) user: User,
    pub(super) payment: Option<Payment>,
}

impl Stateful for ServiceOrder {
    const KIND: StateKind = StateKind::ServiceOrder;

    fn state_name(&self) -> Cow<'static, str> {
        self.state().into()
    }
}

/// The IDs that WeChat Pay gives an order.
#[derive(Clone, Debug)]
pub(super) struct OrderIds {
    pub(super) order_id: String,
    pub(super) query_id: String,
    pub(super) package: String,
    /// The `out_trade_no` of the payment. It is WeChat Pay's, and not the merchant's `out_order_no`.
    pub(super) out_trade_no: String,
    /// The user, as long as nobody is named.
    pub(super) someone: String,
}

/// The user of an order or of a permission. Each ID is of its app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct User {
    pub(super) openid: Option<String>,
    /// In the app of the sub-merchant.
    pub(super) sub_openid: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderState {
    Created,
    Confirmed,
    Completed,
    Done,
    Revoked,
    Expired,
}

#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub(super) paid_type: &'static str,
    pub(super) paid_time: String,
    pub(super) transaction_id: Option<String>,
}

impl ServiceOrder {
    pub(crate) fn out_order_no(&self) -> &str {
        &self.out_order_no
    }

    pub(crate) fn query_id(&self) -> &str {
        &self.ids.query_id
    }

    pub(super) fn has_query_id(&self, query_id: &str) -> bool {
        self.ids.query_id == query_id
    }

    /// Returns whether the user can use the service without having confirmed this order.
    pub(super) fn needs_no_confirmation(&self) -> bool {
        self.state != OrderState::Created
    }

    /// Returns whether this is the request that created the order.
    pub(super) fn was_created_like(&self, other: &Self) -> bool {
        self.request == other.request && self.acting == other.acting
    }

    /// Returns whether the order belongs to this app and this service, as far as they are named.
    pub(super) fn belongs_to(&self, appid: Option<&str>, service_id: Option<&str>) -> bool {
        appid.is_none_or(|appid| self.appid == appid)
            && service_id.is_none_or(|service_id| self.service_id == service_id)
    }

    /// Returns when the order expires if it waits for the user, in seconds since 1970.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        let at = self.created_at.saturating_add(CONFIRMATION_PERIOD);
        (self.state == OrderState::Created).then_some(at)
    }

    /// Expires the order if its time has come.
    pub(super) fn apply_expiry(&mut self, now: u64) {
        if self.expires_at().is_some_and(|at| now >= at) {
            self.state = OrderState::Expired;
        }
    }

    /// Expires the order before its time.
    pub(super) fn expire(&mut self) -> Result<(), Refusal> {
        self.check_confirmable()?;
        self.state = OrderState::Expired;
        Ok(())
    }

    /// Checks that the order waits for the user's confirmation.
    pub(crate) fn check_confirmable(&self) -> Result<(), Refusal> {
        self.require_state(&[OrderState::Created])
    }

    /// Confirms the order as the user, which starts the service.
    pub(super) fn confirm(&mut self, now: u64) -> Result<(), Refusal> {
        self.check_confirmable()?;
        self.start_service(now);
        Ok(())
    }

    /// Cancels the order.
    pub(super) fn cancel(&mut self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        fields.text("reason", 50)?;
        // A merchant that missed the first response sends the same request again.
        if self.cancellation.as_ref() == Some(fields.as_map()) {
            return Ok(());
        }
        self.require_state(&[OrderState::Created, OrderState::Confirmed])?;
        self.state = OrderState::Revoked;
        self.cancellation = Some(fields.as_map().clone());
        // A cancelled order charges nothing, and its queries say so.
        self.charge.total = Some(0);
        Ok(())
    }

    /// Completes the service: the merchant states what the user has to pay.
    pub(super) fn complete(&mut self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        let charge = Charge::read_final(fields, self.risk_amount)?;
        let time_range = fields.optional_object("time_range")?;
        let time_range = time_range.map(|range| read_time_range(&range, Start::Optional));
        let time_range = time_range.transpose()?;
        let location = read_location(fields)?;
        fields.optional_text("complete_time", 64)?;
        let is_repeated = self.completion.as_ref() == Some(fields.as_map());
        if is_repeated && matches!(self.state, OrderState::Completed | OrderState::Done) {
            return Ok(());
        }
        self.require_state(&[OrderState::Confirmed])?;
        self.read_payment_options(fields)?;
        // The completion may give the end alone: the start stays.
        self.time_range.extend(time_range.into_iter().flatten());
        self.location = location.or(self.location.take());
        self.completion = Some(fields.as_map().clone());
        self.request_payment(charge);
        Ok(())
    }

    /// Lowers the amount that the user has to pay.
    pub(super) fn modify(&mut self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        let charge = Charge::read_final(fields, self.risk_amount)?;
        fields.text("reason", 50)?;
        let is_repeated = self.modification.as_ref() == Some(fields.as_map());
        if is_repeated && matches!(self.state, OrderState::Completed | OrderState::Done) {
            return Ok(());
        }
        self.require_state(&[OrderState::Completed])?;
        // The user agreed to the first amount: it may only fall.
        if charge.total >= self.charge.total {
            return Err(
                fields.total_amount_error("修改后的金额必须小于原金额", "must be less than before")
            );
        }
        self.modification = Some(fields.as_map().clone());
        self.request_payment(charge);
        Ok(())
    }

    /// Checks that the user can be told what the service will cost, before the merchant completes it.
    pub(super) fn check_message(&self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        Charge::read_final(fields, self.risk_amount)?;
        fields.text("prepaid_time", 64)?;
        Ok(self.require_state(&[OrderState::Confirmed])?)
    }

    /// Checks that the payment can be collected again, which the merchant asks for. The sandbox
    /// collects nothing on its own: see [`pay`](Self::pay).
    pub(crate) fn check_collectable(&self) -> Result<(), Refusal> {
        self.require_state(&[OrderState::Completed])
    }

    /// Pays the order as the user.
    pub(super) fn pay(&mut self, transaction_id: String, now: u64) -> Result<(), Refusal> {
        self.require_state(&[OrderState::Completed])?;
        self.state = OrderState::Done;
        // `NEWTON`: WeChat Pay collected the money. `MCH` below: the merchant did.
        self.payment = Some(Payment {
            paid_type: "NEWTON",
            paid_time: format_compact(now),
            transaction_id: Some(transaction_id),
        });
        Ok(())
    }

    /// Records that the user paid the merchant elsewhere.
    pub(super) fn sync(&mut self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        if fields.text("type", 32)? != "Order_Paid" {
            return Err(fields.error("type", "must be Order_Paid"));
        }
        let detail = fields.object("detail")?;
        let Some(paid_at) = parse_compact(detail.text("paid_time", 64)?) else {
            let issue = "must be a time in the format yyyyMMddHHmmss or yyyyMMdd";
            return Err(detail.error("paid_time", issue));
        };
        detail.optional_integer("paid_amount", 0..=MAX_AMOUNT)?;
        self.require_state(&[OrderState::Completed])?;
        self.state = OrderState::Done;
        self.payment = Some(Payment {
            paid_type: "MCH",
            paid_time: format_compact(paid_at),
            transaction_id: None,
        });
        Ok(())
    }

    /// Returns the state with its description, such as `DOING/USER_CONFIRM`.
    pub(crate) fn state(&self) -> String {
        match self.state.description() {
            Some(description) => format!("{}/{description}", self.state.name()),
            None => self.state.name().to_owned(),
        }
    }

    pub(super) fn start_service(&mut self, now: u64) {
        self.state = OrderState::Confirmed;
        let someone = &self.ids.someone;
        self.user.openid.get_or_insert_with(|| someone.clone());
        // `OnAccept` becomes the time of the confirmation.
        if let Some(start) = self.time_range.get_mut("start_time") {
            if *start == ON_ACCEPT {
                *start = format_compact(now).into();
            }
        }
    }

    pub(super) fn read_payment_options(&mut self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        fields.optional_text("goods_tag", 32)?;
        self.profit_sharing = fields.optional_bool("profit_sharing")?.unwrap_or(false);
        Ok(())
    }

    /// Asks the user for this charge. A total of 0 needs no payment.
    pub(super) fn request_payment(&mut self, charge: Charge) {
        self.state = if charge.total == Some(0) {
            OrderState::Done
        } else {
            OrderState::Completed
        };
        self.charge = charge;
    }

    /// Checks that the order is in one of these states.
    fn require_state(&self, states: &[OrderState]) -> Result<(), Refusal> {
        if states.contains(&self.state) {
            return Ok(());
        }
        // A final state has its own code, so that a client can tell "too late" from "too early".
        let (code, message) = match self.state {
            OrderState::Done => ("ORDER_DONE", "订单已完成"),
            OrderState::Revoked => ("ORDER_CANCELED", "单据已取消"),
            _ => ("INVALID_ORDER_STATE", "单据状态错误"),
        };
        let message = format!("{message}: {} is {}", self.out_order_no, self.state());
        Err(Refusal::new(400, code, code, message))
    }
}

impl OrderState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Confirmed | Self::Completed => "DOING",
            Self::Done => "DONE",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
        }
    }

    pub(super) fn description(self) -> Option<&'static str> {
        match self {
            Self::Confirmed => Some("USER_CONFIRM"),
            Self::Completed => Some("MCH_COMPLETE"),
            _ => None,
        }
    }
}
