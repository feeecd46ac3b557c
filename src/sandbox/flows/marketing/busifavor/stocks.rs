//! What happens to stocks.

use serde_json::{Map, Value, json};

use super::{Stock, Tables, refusals};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::marketing::days::{DAY, midnight_after, second_of_day, week_day},
    state::world::World,
    time::format_rfc3339,
};

/// Makes a stock, and returns the response.
pub(super) fn create(w: &mut World, mut stock: Stock) -> Result<Value, Refusal> {
    let creator = stock.creator.clone();
    if stock.belong != creator && !w.may_act_for(&creator, &stock.belong) {
        return Err(refusals::wrong_merchant());
    }
    // Real ones have 16 digits, of which the first are the merchant's.
    stock.stock_id = w.number("12", 16);
    let body = json!({
        "stock_id": stock.stock_id, "create_time": format_rfc3339(stock.created_at),
    });
    let stocks = &mut w.store(&creator).busifavor.stocks;
    stocks.insert(stock.stock_id.clone(), stock);
    Ok(body)
}

/// Changes what users see of a stock, and how it is sent.
pub(super) fn modify(stock: &mut Stock, changes: &Map<String, Value>) {
    for (name, value) in changes {
        if name != "out_request_no" {
            merge(stock.body.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Puts the fields of an object into another one. What is not named stays.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// How many coupons a stock has in all or on a day, as a merchant changes it.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    pub(super) target: u64,
    /// What the merchant believes it to be.
    pub(super) current: u64,
}

/// Changes how many coupons a stock has in all, and on a day. Returns the response.
pub(super) fn change_budget(
    stock: &mut Stock,
    all: Option<Budget>,
    by_day: Option<Budget>,
) -> Result<Value, Refusal> {
    if let Some(budget) = all {
        if budget.current != stock.max_coupons {
            let now = stock.max_coupons;
            return Err(refusals::invalid(format!(
                "当前批次最大发放个数与实际不一致: it is {now}"
            )));
        }
        if budget.target < stock.sent {
            let sent = stock.sent;
            return Err(refusals::invalid(format!(
                "目标批次最大发放个数小于已发放个数: {sent} were sent"
            )));
        }
        stock.max_coupons = budget.target;
    }
    if let Some(budget) = by_day {
        if Some(budget.current) != stock.max_coupons_by_day {
            return Err(refusals::invalid("当前单天发放上限个数与实际不一致"));
        }
        stock.max_coupons_by_day = Some(budget.target);
    }
    let mut body = json!({ "max_coupons": stock.max_coupons });
    if let Some(by_day) = stock.max_coupons_by_day {
        body["max_coupons_by_day"] = by_day.into();
    }
    Ok(body)
}

impl Stock {
    /// Returns the first and the last second of a coupon that is sent now.
    // A guess where the days are concerned: a day after it was received is taken for a midnight.
    pub(super) fn times_of_coupon(&self, now: u64) -> (u64, u64) {
        let Self { validity, .. } = self;
        let begin = match validity.wait_days {
            0 => now,
            days => midnight_after(now).saturating_add((days - 1) * DAY),
        };
        let end = match (validity.seconds, validity.days) {
            (Some(seconds), _) => begin.saturating_add(seconds),
            (None, Some(days)) => midnight_after(begin).saturating_add((days - 1) * DAY) - 1,
            (None, None) => self.end,
        };
        (begin.max(self.begin), end.min(self.end))
    }

    /// Returns whether the time of the week allows the use of a coupon.
    pub(super) fn is_open(&self, now: u64) -> bool {
        let Self { validity, .. } = self;
        let holds = |periods: &[(u64, u64)], at: u64| {
            periods.is_empty()
                || periods
                    .iter()
                    .any(|(begin, end)| (*begin..=*end).contains(&at))
        };
        let days = &validity.week_days;
        (days.is_empty() || days.contains(&week_day(now)))
            && holds(&validity.hours, second_of_day(now))
            && holds(&validity.periods, now)
    }
}

/// Returns the creator of a stock.
///
/// # Errors
/// Refuses a stock that does not exist, and one that the signer neither made nor honours.
pub(super) fn creator_of(w: &World, signer: &str, stock_id: &str) -> Result<String, Refusal> {
    let mut stores = w.stores.values();
    let stock = stores.find_map(|store| store.busifavor.stocks.get(stock_id));
    let stock = stock.ok_or_else(refusals::no_stock)?;
    let is_theirs = |mchid: &String| mchid == signer || w.may_act_for(signer, mchid);
    match [&stock.creator, &stock.belong].into_iter().any(is_theirs) {
        true => Ok(stock.creator.clone()),
        false => Err(refusals::not_yours()),
    }
}

impl Tables {
    pub(super) fn stock(&self, stock_id: &str) -> Result<&Stock, Refusal> {
        self.stocks.get(stock_id).ok_or_else(refusals::no_stock)
    }

    pub(super) fn stock_mut(&mut self, stock_id: &str) -> Result<&mut Stock, Refusal> {
        self.stocks.get_mut(stock_id).ok_or_else(refusals::no_stock)
    }
}
