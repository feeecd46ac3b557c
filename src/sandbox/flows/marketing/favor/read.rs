//! Reads a stock from the fields of a request.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::{MAX_ITEMS, NewStock, Validity, refusals};
use crate::sandbox::{
    checks::fields::Fields, dispatch::response::ApiResponse, flows::payments::pay::read::MAX_TOTAL,
    time::parse_rfc3339,
};

/// How many coupons a stock can have.
const COUPONS: RangeInclusive<u64> = 1..=1_000_000_000;
/// How many of them a user can have.
const COUPONS_PER_USER: RangeInclusive<u64> = 1..=60;
/// What a coupon can take off, in fen.
const AMOUNT: RangeInclusive<u64> = 1..=100_000;

/// Reads the body of a new stock.
pub(super) fn new_stock(fields: &Fields<'_>, now: u64) -> Result<NewStock, ApiResponse> {
    let begin = time(fields, "available_begin_time")?;
    let end = time(fields, "available_end_time")?;
    if end <= begin || end <= now {
        let issue = "must be in the future and after available_begin_time";
        return Err(fields.error("available_end_time", issue));
    }
    if fields.text("stock_type", 32)? != "NORMAL" {
        return Err(fields.error("stock_type", "must be NORMAL: others are not open"));
    }
    let rule = fields.object("stock_use_rule")?;
    let max_coupons = rule.integer("max_coupons", COUPONS)?;
    let max_amount = rule.integer("max_amount", 1..=MAX_TOTAL)?;
    let use_rule = fields.object("coupon_use_rule")?;
    let value = use_rule.object("fixed_normal_coupon")?;
    let fen = value.integer("coupon_amount", AMOUNT)?;
    let minimum = value.integer("transaction_minimum", 1..=MAX_TOTAL)?;
    // With a coupon of the whole order, nothing would be left to pay.
    if minimum < fen {
        return Err(value.error("transaction_minimum", "must be at least coupon_amount"));
    }
    if fen.checked_mul(max_coupons) != Some(max_amount) {
        return Err(refusals::wrong_budget().into());
    }
    let by_day = rule.optional_integer("max_amount_by_day", 0..=MAX_TOTAL)?;
    let mut merchants = texts(&use_rule, "available_merchants", 50)?;
    if merchants.is_empty() {
        merchants.push(fields.text("belong_merchant", 20)?.to_owned());
    }
    fields.optional_text("comment", 60)?;
    if let Some(pattern) = fields.optional_object("pattern_info")? {
        pattern.optional_text("description", 3000)?;
    }
    Ok(NewStock {
        name: fields.text("stock_name", 20)?.to_owned(),
        begin,
        end,
        max_coupons,
        max_amount,
        // Zero is no limit: the recorded request has it.
        max_amount_by_day: by_day.filter(|fen| *fen > 0),
        max_coupons_per_user: rule.integer("max_coupons_per_user", COUPONS_PER_USER)?,
        no_cash: fields.optional_bool("no_cash")?.unwrap_or(false),
        fen,
        minimum,
        goods_tags: texts(&use_rule, "goods_tag", 50)?,
        items: texts(&use_rule, "available_items", MAX_ITEMS)?,
        merchants,
        validity: validity(&use_rule)?,
        request: Value::Object(fields.as_map().clone()),
    })
}

fn validity(use_rule: &Fields<'_>) -> Result<Validity, ApiResponse> {
    let Some(time) = use_rule.optional_object("coupon_available_time")? else {
        return Ok(Validity::default());
    };
    let mut validity = Validity {
        from_next_day: time.optional_bool("second_day_available")?.unwrap_or(false),
        seconds: time
            .optional_integer("available_time_after_receive", 0..=525_600)?
            .filter(|minutes| *minutes > 0)
            .map(|minutes| minutes * 60),
        ..Validity::default()
    };
    if let Some(fixed) = time.optional_object("fix_available_time")? {
        let days = fixed.as_map().get("available_week_day");
        let days = days.and_then(Value::as_array).into_iter().flatten();
        validity.week_days = days.filter_map(Value::as_u64).collect();
        if validity.week_days.iter().any(|day| *day > 6) {
            return Err(fixed.error("available_week_day", "must be numbers from 0 to 6"));
        }
        let begin = fixed.optional_integer("begin_time", 0..=86_399)?;
        let end = fixed.optional_integer("end_time", 0..=86_399)?;
        if begin.is_some() || end.is_some() {
            validity.seconds_of_day = Some((begin.unwrap_or(0), end.unwrap_or(86_399)));
        }
    }
    Ok(validity)
}

fn time(fields: &Fields<'_>, name: &str) -> Result<u64, ApiResponse> {
    let text = fields.text(name, 32)?;
    let issue = "输入时间格式错误: must be a time such as 2015-05-20T13:29:35+08:00";
    parse_rfc3339(text).ok_or_else(|| fields.error(name, issue))
}

/// Returns a list of at most `max` texts, which may be absent.
pub(in crate::sandbox::flows::marketing) fn texts(
    fields: &Fields<'_>,
    name: &str,
    max: usize,
) -> Result<Vec<String>, ApiResponse> {
    let list = match fields.as_map().get(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= max => list,
        Some(_) => {
            return Err(fields.error(name, &format!("must be a list of at most {max} texts")));
        }
    };
    let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
    let texts: Option<Vec<_>> = texts.collect();
    texts.ok_or_else(|| fields.error(name, "must be a list of texts"))
}
