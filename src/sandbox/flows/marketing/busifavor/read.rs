//! Reads a stock from the fields of a request.

use serde_json::Value;

use super::{CodeMode, Stock, Validity};
use crate::sandbox::{
    checks::fields::Fields, dispatch::response::ApiResponse, flows::payments::pay::read::MAX_TOTAL,
    time::parse_rfc3339,
};

/// Reads the body of a new stock. It has no ID yet.
pub(super) fn new_stock(
    fields: &Fields<'_>,
    creator: &str,
    now: u64,
) -> Result<Stock, ApiResponse> {
    let use_rule = fields.object("coupon_use_rule")?;
    let time = use_rule.object("coupon_available_time")?;
    let begin = read_time(&time, "available_begin_time")?;
    let end = read_time(&time, "available_end_time")?;
    if end <= begin || end <= now {
        let issue = "must be in the future and after available_begin_time";
        return Err(time.error("available_end_time", issue));
    }
    fields.optional_text("comment", 20)?;
    fields.text("goods_name", 15)?;
    fields.text("stock_name", 21)?;
    let send_rule = fields.object("stock_send_rule")?;
    let mode = match fields.text("coupon_code_mode", 128)? {
        "WECHATPAY_MODE" => CodeMode::WechatPay,
        "MERCHANT_API" => CodeMode::Api,
        "MERCHANT_UPLOAD" => CodeMode::Upload,
        _ => {
            let issue = "must be WECHATPAY_MODE, MERCHANT_API or MERCHANT_UPLOAD";
            return Err(fields.error("coupon_code_mode", issue));
        }
    };
    Ok(Stock {
        stock_id: String::new(),
        creator: creator.to_owned(),
        belong: fields.text("belong_merchant", 15)?.to_owned(),
        created_at: now,
        body: fields.as_map().clone(),
        mode,
        begin,
        end,
        validity: validity(&time)?,
        max_coupons: send_rule.integer("max_coupons", 1..=1_000_000_000)?,
        max_coupons_by_day: send_rule.optional_integer("max_coupons_by_day", 1..=1_000_000_000)?,
        max_coupons_per_user: send_rule.integer("max_coupons_per_user", 1..=100)?,
        fen: value(fields, &use_rule)?,
        sent: 0,
    })
}

/// Reads what a coupon is worth, by the kind of stock.
fn value(fields: &Fields<'_>, use_rule: &Fields<'_>) -> Result<u64, ApiResponse> {
    let (name, amount) = match fields.text("stock_type", 32)? {
        "NORMAL" => ("fixed_normal_coupon", "discount_amount"),
        "DISCOUNT" => ("discount_coupon", "discount_percent"),
        "EXCHANGE" => ("exchange_coupon", "exchange_price"),
        _ => return Err(fields.error("stock_type", "must be NORMAL, DISCOUNT or EXCHANGE")),
    };
    let rule = use_rule.object(name)?;
    let max = if name == "discount_coupon" {
        100
    } else {
        MAX_TOTAL
    };
    let amount = rule.integer(amount, 0..=max)?;
    rule.integer("transaction_minimum", 0..=MAX_TOTAL)?;
    Ok(if name == "fixed_normal_coupon" {
        amount
    } else {
        0
    })
}

fn validity(time: &Fields<'_>) -> Result<Validity, ApiResponse> {
    let days = |name| time.optional_integer(name, 0..=365);
    let seconds = time.optional_integer("available_second_after_receive", 0..=31_536_000)?;
    let mut validity = Validity {
        days: days("available_day_after_receive")?.filter(|days| *days > 0),
        seconds: seconds.filter(|seconds| *seconds > 0),
        wait_days: days("wait_days_after_receive")?.unwrap_or(0),
        ..Validity::default()
    };
    if let Some(week) = time.optional_object("available_week")? {
        let listed = week.as_map().get("week_day").and_then(Value::as_array);
        let listed = listed.into_iter().flatten().filter_map(Value::as_u64);
        validity.week_days = listed.collect();
        if validity.week_days.iter().any(|day| *day > 6) {
            return Err(week.error("week_day", "must be numbers from 0 to 6"));
        }
        for hours in week.objects("available_day_time", 10)? {
            let begin = hours.optional_integer("begin_time", 0..=86_399)?;
            let end = hours.optional_integer("end_time", 0..=86_399)?;
            validity
                .hours
                .push((begin.unwrap_or(0), end.unwrap_or(86_399)));
        }
    }
    // As the documents spell it.
    for period in time.objects("irregulary_avaliable_time", 10)? {
        let begin = read_time(&period, "begin_time")?;
        validity
            .periods
            .push((begin, read_time(&period, "end_time")?));
    }
    Ok(validity)
}

/// Reads a time.
pub(super) fn read_time(fields: &Fields<'_>, name: &str) -> Result<u64, ApiResponse> {
    let issue = "must be a time such as 2015-05-20T13:29:35+08:00";
    parse_rfc3339(fields.text(name, 32)?).ok_or_else(|| fields.error(name, issue))
}
