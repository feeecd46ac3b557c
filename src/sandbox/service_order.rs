//! A pay-score service order and its rules.
//!
//! `CREATED` → the user confirms → `DOING/USER_CONFIRM` → complete → `DOING/MCH_COMPLETE` → paid,
//! or synced as paid elsewhere → `DONE`; cancelled from the first two → `REVOKED`; 30 days in the
//! first → `EXPIRED`.

mod charge;
mod routes;

pub(super) use routes::routes;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    clock::{self, compact},
    fields::Fields,
};
use charge::Charge;

/// After so long in `CREATED`, in seconds, an order is `EXPIRED`.
const UNCONFIRMED: u64 = 30 * 24 * 3600;

pub(super) struct ServiceOrder {
    /// The request as it came: the same again is the same order.
    request: Map<String, Value>,
    out_order_no: String,
    appid: String,
    service_id: String,
    ids: Ids,
    risk_amount: u64,
    created: u64,
    state: State,
    time_range: Map<String, Value>,
    location: Option<Value>,
    charge: Charge,
    completed_by: Option<Map<String, Value>>,
    modified_by: Option<Map<String, Value>>,
    openid: Option<String>,
    payment: Option<Payment>,
}

/// The numbers that WeChat Pay draws for an order.
pub(super) struct Ids {
    pub(super) order_id: String,
    pub(super) query_id: String,
    pub(super) package: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Created,
    Confirmed,
    Completed,
    Done,
    Revoked,
    Expired,
}

struct Payment {
    paid_type: &'static str,
    paid_time: String,
    transaction_id: Option<String>,
}

impl ServiceOrder {
    /// The order that this request creates.
    pub(super) fn create(fields: &Fields<'_>, ids: Ids, now: u64) -> Result<Self, Answer> {
        let out_order_no = fields.own_number("out_order_no", 1)?;
        let appid = fields.text("appid", 32)?;
        let service_id = fields.text("service_id", 32)?;
        fields.text("service_introduction", 20)?;
        let charge = Charge::read(fields)?;
        let time_range = fields.object("time_range")?;
        check_start(&time_range)?;
        check_end(&time_range)?;
        let location = read_location(fields)?;
        let risk_fund = fields.object("risk_fund")?;
        if !RISKS.contains(&risk_fund.text("name", 64)?) {
            return Err(risk_fund.error("name", "must be one of the documented risk names"));
        }
        let risk_amount = risk_fund.integer("amount", 1..=MAX_AMOUNT)?;
        risk_fund.optional_text("description", 30)?;
        fields.optional_text("attach", 256)?;
        fields.notify_url()?;
        let openid = fields.optional_text("openid", 128)?;
        let confirms = fields.optional_bool("need_user_confirm")?.unwrap_or(true);
        if !confirms && openid.is_none_or(str::is_empty) {
            return Err(fields.error("openid", "is required where need_user_confirm is false"));
        }

        let mut order = Self {
            request: fields.raw().clone(),
            out_order_no: out_order_no.to_owned(),
            appid: appid.to_owned(),
            service_id: service_id.to_owned(),
            ids,
            risk_amount,
            created: now,
            state: State::Created,
            time_range: time_range.raw().clone(),
            location,
            charge,
            completed_by: None,
            modified_by: None,
            openid: openid.map(str::to_owned),
            payment: None,
        };
        if !confirms {
            order.begin(now);
        }
        Ok(order)
    }

    pub(super) fn out_order_no(&self) -> &str {
        &self.out_order_no
    }

    pub(super) fn query_id(&self) -> &str {
        &self.ids.query_id
    }

    pub(super) fn has_query_id(&self, query_id: &str) -> bool {
        self.ids.query_id == query_id
    }

    /// Whether this request is the one that made the order.
    pub(super) fn was_made_by(&self, request: &Map<String, Value>) -> bool {
        self.request == *request
    }

    /// Whether the order is of this app and service.
    pub(super) fn belongs_to(&self, appid: &str, service_id: &str) -> bool {
        self.appid == appid && self.service_id == service_id
    }

    /// Lets time do what it does.
    pub(super) fn settle(&mut self, now: u64) {
        if self.state == State::Created && now.saturating_sub(self.created) >= UNCONFIRMED {
            self.state = State::Expired;
        }
    }

    /// The user confirms, which begins the service.
    pub(super) fn confirm(&mut self, openid: String, now: u64) -> Result<(), Answer> {
        self.must_be(&[State::Created])?;
        self.openid.get_or_insert(openid);
        self.begin(now);
        Ok(())
    }

    pub(super) fn cancel(&mut self, fields: &Fields<'_>) -> Result<(), Answer> {
        fields.text("reason", 50)?;
        self.must_be(&[State::Created, State::Confirmed])?;
        self.state = State::Revoked;
        self.charge.total = Some(0);
        Ok(())
    }

    /// The merchant says what is to be paid.
    pub(super) fn complete(&mut self, fields: &Fields<'_>) -> Result<(), Answer> {
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
        let again = self.completed_by.as_ref() == Some(fields.raw());
        if again && matches!(self.state, State::Completed | State::Done) {
            return Ok(());
        }
        self.must_be(&[State::Confirmed])?;
        if let Some(time_range) = time_range {
            self.time_range.extend(time_range.raw().clone());
        }
        self.location = location.or(self.location.take());
        self.completed_by = Some(fields.raw().clone());
        self.demand(charge);
        Ok(())
    }

    /// The merchant asks for less.
    pub(super) fn modify(&mut self, fields: &Fields<'_>) -> Result<(), Answer> {
        let charge = Charge::read_final(fields, self.risk_amount)?;
        fields.text("reason", 50)?;
        let again = self.modified_by.as_ref() == Some(fields.raw());
        if again && matches!(self.state, State::Completed | State::Done) {
            return Ok(());
        }
        self.must_be(&[State::Completed])?;
        if charge.total >= self.charge.total {
            return Err(fields.refuse_amount("修改后的金额必须小于原金额", "must be lowered"));
        }
        self.modified_by = Some(fields.raw().clone());
        self.demand(charge);
        Ok(())
    }

    /// The merchant asks WeChat Pay to try the collection again.
    pub(super) fn collect(&self) -> Result<(), Answer> {
        self.must_be(&[State::Completed])
    }

    /// The user pays what the order comes to.
    pub(super) fn pay(&mut self, transaction_id: String, now: u64) -> Result<(), Answer> {
        self.must_be(&[State::Completed])?;
        self.state = State::Done;
        self.payment = Some(Payment {
            paid_type: "NEWTON",
            paid_time: compact(now),
            transaction_id: Some(transaction_id),
        });
        Ok(())
    }

    /// The merchant says that it was paid elsewhere.
    pub(super) fn sync(&mut self, fields: &Fields<'_>) -> Result<(), Answer> {
        if fields.text("type", 32)? != "Order_Paid" {
            return Err(fields.error("type", "must be Order_Paid"));
        }
        let detail = fields.object("detail")?;
        let paid_time = detail.text("paid_time", 14)?;
        if paid_time.len() != 14 || clock::parse_compact(paid_time).is_none() {
            return Err(detail.error("paid_time", "must be a time as yyyyMMddHHmmss"));
        }
        self.must_be(&[State::Completed])?;
        self.state = State::Done;
        self.payment = Some(Payment {
            paid_type: "MCH",
            paid_time: paid_time.to_owned(),
            transaction_id: None,
        });
        Ok(())
    }

    /// The state, with what it is doing: `DOING/USER_CONFIRM`.
    pub(super) fn state(&self) -> String {
        match self.state.description() {
            Some(description) => format!("{}/{description}", self.state.name()),
            None => self.state.name().to_owned(),
        }
    }

    /// The order's numbers, as cancel and pay answer them.
    pub(super) fn numbers(&self, mchid: &str) -> Value {
        json!({
            "appid": self.appid,
            "mchid": mchid,
            "out_order_no": self.out_order_no,
            "service_id": self.service_id,
            "order_id": self.ids.order_id,
        })
    }

    /// What creation answers: the order, and what opens the confirmation page.
    pub(super) fn creation(&self, mchid: &str) -> Value {
        let mut view = self.view(mchid);
        view["package"] = self.ids.package.as_str().into();
        view
    }

    /// The whole order.
    pub(super) fn view(&self, mchid: &str) -> Value {
        let mut view = self.numbers(mchid);
        let asked = |name: &str| self.request.get(name).cloned();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                view[name] = value;
            }
        };
        put("service_introduction", asked("service_introduction"));
        put("state", Some(self.state.name().into()));
        put(
            "state_description",
            self.state.description().map(Value::from),
        );
        put("total_amount", self.charge.total.map(Value::from));
        put("post_payments", self.charge.payments.clone());
        put("post_discounts", self.charge.discounts.clone());
        put("risk_fund", asked("risk_fund"));
        put("time_range", Some(self.time_range.clone().into()));
        put("location", self.location.clone());
        put("attach", asked("attach"));
        put("notify_url", asked("notify_url"));
        put("openid", self.openid.clone().map(Value::from));
        let collects = self.charge.total.map(|total| total > 0);
        put("need_collection", collects.map(Value::from));
        put("collection", self.collection());
        view
    }

    fn collection(&self) -> Option<Value> {
        let total = self.charge.total.filter(|total| *total > 0)?;
        let Some(payment) = &self.payment else {
            return Some(json!({
                "state": "USER_PAYING",
                "total_amount": total,
                "paying_amount": total,
                "paid_amount": 0,
            }));
        };
        let mut detail = json!({
            "seq": 1,
            "amount": total,
            "paid_type": payment.paid_type,
            "paid_time": payment.paid_time,
        });
        if let Some(id) = &payment.transaction_id {
            detail["transaction_id"] = id.as_str().into();
        }
        Some(json!({
            "state": "USER_PAID",
            "total_amount": total,
            "paying_amount": 0,
            "paid_amount": total,
            "details": [detail],
        }))
    }

    fn begin(&mut self, now: u64) {
        self.state = State::Confirmed;
        if self.time_range.get("start_time") == Some(&ON_ACCEPT.into()) {
            self.time_range
                .insert("start_time".to_owned(), compact(now).into());
        }
    }

    /// Asks for this amount; nothing to pay is paid.
    fn demand(&mut self, charge: Charge) {
        self.state = if charge.total == Some(0) {
            State::Done
        } else {
            State::Completed
        };
        self.charge = charge;
    }

    fn must_be(&self, states: &[State]) -> Result<(), Answer> {
        if states.contains(&self.state) {
            return Ok(());
        }
        let (code, message) = match self.state {
            State::Done => ("ORDER_DONE", "订单已完成"),
            State::Revoked => ("ORDER_CANCELED", "单据已取消"),
            _ => ("INVALID_ORDER_STATE", "单据状态错误"),
        };
        let message = format!("{message}: {} is {}", self.out_order_no, self.state());
        Err(Answer::error(StatusCode::BAD_REQUEST, code, &message))
    }
}

impl State {
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

const MAX_AMOUNT: u64 = 100_000_000;
const ON_ACCEPT: &str = "OnAccept";
const RISKS: [&str; 4] = ["DEPOSIT", "ADVANCE", "CASH_DEPOSIT", "ESTIMATE_ORDER_COST"];

fn check_start(time_range: &Fields<'_>) -> Result<(), Answer> {
    let start = time_range.text("start_time", 14)?;
    if start != ON_ACCEPT && clock::parse_compact(start).is_none() {
        return Err(time_range.error("start_time", "must be OnAccept, yyyyMMddHHmmss or yyyyMMdd"));
    }
    time_range.optional_text("start_time_remark", 20)?;
    Ok(())
}

fn check_end(time_range: &Fields<'_>) -> Result<(), Answer> {
    time_range.optional_text("end_time_remark", 20)?;
    let Some(end) = time_range.optional_text("end_time", 14)? else {
        return Ok(());
    };
    let Some(end) = clock::parse_compact(end) else {
        return Err(time_range.error("end_time", "must be yyyyMMddHHmmss or yyyyMMdd"));
    };
    let start = time_range.raw().get("start_time").and_then(Value::as_str);
    match start.and_then(clock::parse_compact) {
        Some(start) if start > end => Err(time_range.error("end_time", "is before start_time")),
        _ => Ok(()),
    }
}

fn read_location(fields: &Fields<'_>) -> Result<Option<Value>, Answer> {
    let Some(location) = fields.optional_object("location")? else {
        return Ok(None);
    };
    location.optional_text("start_location", 50)?;
    location.optional_text("end_location", 50)?;
    Ok(Some(location.raw().clone().into()))
}

#[cfg(test)]
mod tests;
