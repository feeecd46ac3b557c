//! The operations of stocks.

use serde_json::Value;

use super::{change_stock, once, read_stock};
use crate::sandbox::{
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::marketing::busifavor::{
        read, refusals,
        stocks::{self, Budget},
    },
};

pub(super) fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let number = fields.text("out_request_no", 128)?;
    let stock = read::new_stock(&fields, &ctx.merchant.mchid, ctx.now)?;
    let body = once(ctx, number, refusals::other_stock, |w| {
        stocks::create(w, stock)
    })?;
    Ok(ApiResponse::ok(&body))
}

pub(super) fn query(ctx: &Ctx<'_>) -> HandlerResult {
    read_stock(ctx, ctx.path("stock_id"), |tables, stock| {
        Ok(stock.body(tables, ctx.now))
    })
}

pub(super) fn modify(ctx: &Ctx<'_>) -> HandlerResult {
    let number = ctx.fields().text("out_request_no", 128)?;
    change_stock(ctx, number, ctx.path("stock_id"), |tables| {
        stocks::modify(tables.stock_mut(ctx.path("stock_id"))?, &ctx.body);
        Ok(Value::Null)
    })?;
    Ok(ApiResponse::no_content())
}

pub(super) fn change_budget(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let number = fields.text("modify_budget_request_no", 128)?;
    let budget = |suffix: &str| -> Result<_, ApiResponse> {
        const LIMITS: std::ops::RangeInclusive<u64> = 0..=1_000_000_000;
        let read = |name: &str| fields.optional_integer(&format!("{name}{suffix}"), LIMITS);
        let (target, current) = (read("target_max_coupons")?, read("current_max_coupons")?);
        Ok(target.map(|target| Budget {
            target,
            current: current.unwrap_or(0),
        }))
    };
    let (all, by_day) = (budget("")?, budget("_by_day")?);
    let body = change_stock(ctx, number, ctx.path("stock_id"), |tables| {
        let stock = tables.stock_mut(ctx.path("stock_id"))?;
        if all.is_some() == by_day.is_some() {
            let message = "target_max_coupons和target_max_coupons_by_day二选一";
            return Err(refusals::invalid(message));
        }
        stocks::change_budget(stock, all, by_day)
    })?;
    Ok(ApiResponse::ok(&body))
}
