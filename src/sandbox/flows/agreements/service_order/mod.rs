//! A pay-score service order and its rules.
//!
//! | state | ends when |
//! | --- | --- |
//! | `CREATED` | the user confirms, the merchant cancels (`REVOKED`), or 30 days pass (`EXPIRED`) |
//! | `DOING/USER_CONFIRM` | the merchant completes or cancels the order |
//! | `DOING/MCH_COMPLETE` | the user pays, or the merchant syncs a payment made elsewhere |
//! | `DONE`, `REVOKED`, `EXPIRED` | final |

mod charge;
mod routes;
mod user;
mod view;

pub(crate) use routes::ROUTES;
pub(crate) use user::{confirm, pay};

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Map, Value};

use self::charge::Charge;
use crate::sandbox::{
    checks::fields::Fields,
    dispatch::response::ApiResponse,
    state::{StateKind, bounded_map::BoundedMap, changes::Stateful},
    time::{format_compact, parse_compact},
};

/// How many orders of a merchant are kept.
const MAX_ORDERS: usize = 10_000;

/// After how many seconds in `CREATED` an order is `EXPIRED`.
const CONFIRMATION_PERIOD: u64 = 30 * 24 * 3600;
/// The largest amount, in fen.
const MAX_AMOUNT: u64 = 100_000_000;
/// A `start_time` that stands for the moment of the confirmation.
const ON_ACCEPT: &str = "OnAccept";
const RISK_NAMES: [&str; 4] = ["DEPOSIT", "ADVANCE", "CASH_DEPOSIT", "ESTIMATE_ORDER_COST"];

/// The service orders of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_order_no`.
    pub(crate) orders: BoundedMap<ServiceOrder>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            orders: BoundedMap::watched(MAX_ORDERS),
        }
    }
}

/// A service order, from its creation on.
#[derive(Clone, Debug)]
pub(crate) struct ServiceOrder {
    /// The body of the creation. The same body again is the same order.
    request: Map<String, Value>,
    out_order_no: String,
    appid: String,
    service_id: String,
    ids: OrderIds,
    risk_amount: u64,
    created_at: u64,
    state: OrderState,
    time_range: Map<String, Value>,
    location: Option<Value>,
    charge: Charge,
    /// The body of the completion, and of the modification: the same again changes nothing.
    completion: Option<Map<String, Value>>,
    modification: Option<Map<String, Value>>,
    openid: Option<String>,
    payment: Option<Payment>,
}

impl Stateful for ServiceOrder {
    const KIND: StateKind = StateKind::ServiceOrder;

    fn state_name(&self) -> Cow<'static, str> {
        self.state().into()
    }
}

/// The IDs that WeChat Pay gives an order.
#[derive(Clone, Debug)]
pub(crate) struct OrderIds {
    pub(crate) order_id: String,
    pub(crate) query_id: String,
    pub(crate) package: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderState {
    Created,
    Confirmed,
    Completed,
    Done,
    Revoked,
    Expired,
}

#[derive(Clone, Debug)]
struct Payment {
    paid_type: &'static str,
    paid_time: String,
    transaction_id: Option<String>,
}

impl ServiceOrder {
    /// Creates an order.
    pub(crate) fn create(
        fields: &Fields<'_>,
        ids: OrderIds,
        now: u64,
    ) -> Result<Self, ApiResponse> {
        let out_order_no = fields.merchant_order_number("out_order_no", 1)?;
        let appid = fields.text("appid", 32)?;
        let service_id = fields.text("service_id", 32)?;
        fields.text("service_introduction", 20)?;
        let charge = Charge::read_estimate(fields)?;
        let time_range = fields.object("time_range")?;
        check_start(&time_range)?;
        check_end(&time_range)?;
        let location = read_location(fields)?;
        let risk_fund = fields.object("risk_fund")?;
        if !RISK_NAMES.contains(&risk_fund.text("name", 64)?) {
            return Err(risk_fund.error("name", "must be one of the documented risk names"));
        }
        let risk_amount = risk_fund.integer("amount", 1..=MAX_AMOUNT)?;
        risk_fund.optional_text("description", 30)?;
        fields.optional_text("attach", 256)?;
        fields.notify_url()?;
        let openid = fields.optional_text("openid", 128)?;
        let needs_confirmation = fields.optional_bool("need_user_confirm")?.unwrap_or(true);
        // Without the confirmation page, nothing else tells who the user is.
        if !needs_confirmation && openid.is_none_or(str::is_empty) {
            return Err(fields.error("openid", "is required if need_user_confirm is false"));
        }

        let mut order = Self {
            request: fields.as_map().clone(),
            out_order_no: out_order_no.to_owned(),
            appid: appid.to_owned(),
            service_id: service_id.to_owned(),
            ids,
            risk_amount,
            created_at: now,
            state: OrderState::Created,
            time_range: time_range.as_map().clone(),
            location,
            charge,
            completion: None,
            modification: None,
            openid: openid.map(str::to_owned),
            payment: None,
        };
        if !needs_confirmation {
            order.start_service(now);
        }
        Ok(order)
    }

    pub(crate) fn out_order_no(&self) -> &str {
        &self.out_order_no
    }

    pub(crate) fn query_id(&self) -> &str {
        &self.ids.query_id
    }

    pub(crate) fn has_query_id(&self, query_id: &str) -> bool {
        self.ids.query_id == query_id
    }

    /// Returns whether this is the request that created the order.
    pub(crate) fn was_created_by(&self, request: &Map<String, Value>) -> bool {
        self.request == *request
    }

    /// Returns whether the order belongs to this app and service.
    pub(crate) fn belongs_to(&self, appid: &str, service_id: &str) -> bool {
        self.appid == appid && self.service_id == service_id
    }

    /// Expires the order if its time has come.
    // Every access calls this first. No timer runs: the clock jumps when a test advances it.
    pub(crate) fn apply_expiry(&mut self, now: u64) {
        if self.state == OrderState::Created
            && now.saturating_sub(self.created_at) >= CONFIRMATION_PERIOD
        {
            self.state = OrderState::Expired;
        }
    }

    /// Confirms the order as the user, which starts the service.
    pub(crate) fn confirm(&mut self, openid: String, now: u64) -> Result<(), ApiResponse> {
        self.require_state(&[OrderState::Created])?;
        // The creation may have named the user already.
        self.openid.get_or_insert(openid);
        self.start_service(now);
        Ok(())
    }

    /// Cancels the order.
    pub(crate) fn cancel(&mut self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        fields.text("reason", 50)?;
        self.require_state(&[OrderState::Created, OrderState::Confirmed])?;
        self.state = OrderState::Revoked;
        // A cancelled order charges nothing, and its queries say so.
        self.charge.total = Some(0);
        Ok(())
    }

    /// Completes the service: the merchant states what the user has to pay.
    pub(crate) fn complete(&mut self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        let charge = Charge::read_final(fields, self.risk_amount)?;
        let time_range = fields.optional_object("time_range")?;
        if let Some(time_range) = &time_range {
            if time_range.has("start_time") {
                check_start(time_range)?;
            }
            check_end(time_range)?;
        }
        let location = read_location(fields)?;
        fields.optional_bool("profit_sharing")?;
        fields.optional_text("goods_tag", 32)?;
        // A merchant that missed the first response sends the same request again.
        let is_repeated = self.completion.as_ref() == Some(fields.as_map());
        if is_repeated && matches!(self.state, OrderState::Completed | OrderState::Done) {
            return Ok(());
        }
        self.require_state(&[OrderState::Confirmed])?;
        if let Some(time_range) = time_range {
            // The completion may give the end alone: the start stays.
            self.time_range.extend(time_range.as_map().clone());
        }
        self.location = location.or(self.location.take());
        self.completion = Some(fields.as_map().clone());
        self.request_payment(charge);
        Ok(())
    }

    /// Lowers the amount that the user has to pay.
    pub(crate) fn modify(&mut self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
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

    /// Checks that the payment can be collected again, which the merchant asks for. The sandbox
    /// collects nothing on its own: see [`pay`](Self::pay).
    pub(crate) fn check_collectable(&self) -> Result<(), ApiResponse> {
        self.require_state(&[OrderState::Completed])
    }

    /// Pays the order as the user.
    pub(crate) fn pay(&mut self, transaction_id: String, now: u64) -> Result<(), ApiResponse> {
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
    pub(crate) fn sync(&mut self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        if fields.text("type", 32)? != "Order_Paid" {
            return Err(fields.error("type", "must be Order_Paid"));
        }
        let detail = fields.object("detail")?;
        let paid_time = detail.text("paid_time", 14)?;
        // `parse_compact` also takes a date alone.
        if paid_time.len() != 14 || parse_compact(paid_time).is_none() {
            return Err(detail.error("paid_time", "must be a time in the format yyyyMMddHHmmss"));
        }
        self.require_state(&[OrderState::Completed])?;
        self.state = OrderState::Done;
        self.payment = Some(Payment {
            paid_type: "MCH",
            paid_time: paid_time.to_owned(),
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

    fn start_service(&mut self, now: u64) {
        self.state = OrderState::Confirmed;
        // `OnAccept` becomes the time of the confirmation.
        if self.time_range.get("start_time") == Some(&ON_ACCEPT.into()) {
            self.time_range
                .insert("start_time".to_owned(), format_compact(now).into());
        }
    }

    /// Asks the user for this charge. A total of 0 needs no payment.
    fn request_payment(&mut self, charge: Charge) {
        self.state = if charge.total == Some(0) {
            OrderState::Done
        } else {
            OrderState::Completed
        };
        self.charge = charge;
    }

    /// Checks that the order is in one of these states.
    fn require_state(&self, states: &[OrderState]) -> Result<(), ApiResponse> {
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
        Err(ApiResponse::error(StatusCode::BAD_REQUEST, code, &message))
    }
}

impl OrderState {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Confirmed | Self::Completed => "DOING",
            Self::Done => "DONE",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
        }
    }

    fn description(self) -> Option<&'static str> {
        match self {
            Self::Confirmed => Some("USER_CONFIRM"),
            Self::Completed => Some("MCH_COMPLETE"),
            _ => None,
        }
    }
}

/// Checks `start_time`: when the service starts.
fn check_start(time_range: &Fields<'_>) -> Result<(), ApiResponse> {
    let start = time_range.text("start_time", 14)?;
    if start != ON_ACCEPT && parse_compact(start).is_none() {
        return Err(time_range.error(
            "start_time",
            "must be OnAccept or a time in the format yyyyMMddHHmmss or yyyyMMdd",
        ));
    }
    time_range.optional_text("start_time_remark", 20)?;
    Ok(())
}

/// Checks `end_time`, which is optional and may not be before the start.
fn check_end(time_range: &Fields<'_>) -> Result<(), ApiResponse> {
    time_range.optional_text("end_time_remark", 20)?;
    let Some(end) = time_range.optional_text("end_time", 14)? else {
        return Ok(());
    };
    let Some(end) = parse_compact(end) else {
        return Err(time_range.error(
            "end_time",
            "must be a time in the format yyyyMMddHHmmss or yyyyMMdd",
        ));
    };
    let start = time_range
        .as_map()
        .get("start_time")
        .and_then(Value::as_str);
    match start.and_then(parse_compact) {
        Some(start) if start > end => {
            Err(time_range.error("end_time", "must not be before start_time"))
        }
        _ => Ok(()),
    }
}

fn read_location(fields: &Fields<'_>) -> Result<Option<Value>, ApiResponse> {
    let Some(location) = fields.optional_object("location")? else {
        return Ok(None);
    };
    location.optional_text("start_location", 50)?;
    location.optional_text("end_location", 50)?;
    Ok(Some(location.as_map().clone().into()))
}

#[cfg(test)]
mod tests;
