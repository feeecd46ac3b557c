//! The operations of uploaded codes.

use serde_json::Value;

use super::{change_stock, read_stock};
use crate::sandbox::{
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::marketing::{
        busifavor::{
            codes::{self, MAX_UPLOAD},
            key, refusals, view,
        },
        favor::texts,
        page::Page,
    },
};

pub(super) fn upload(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let number = fields.text("upload_request_no", 128)?;
    let list = texts(&fields, "coupon_code_list", MAX_UPLOAD)?;
    let stock_id = ctx.path("stock_id");
    let body = change_stock(ctx, number, stock_id, |tables| {
        codes::upload(tables, stock_id, &list, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

pub(super) fn list_codes(ctx: &Ctx<'_>) -> HandlerResult {
    let stock_id = ctx.path("stock_id");
    let status = ctx.optional_query("status");
    read_stock(ctx, stock_id, |tables, _| {
        let page = Page::read(ctx, 200)?;
        let codes = tables.codes.iter().filter(|code| code.stock_id == stock_id);
        let bodies = codes.map(|code| view::code_body(tables, code, ctx.now));
        let is_asked = |body: &Value| status.is_none_or(|status| body["code_status"] == status);
        let mut body = page.body(bodies.filter(is_asked).collect());
        body["stock_id"] = stock_id.into();
        Ok(body)
    })
}

pub(super) fn query_code(ctx: &Ctx<'_>) -> HandlerResult {
    let (stock_id, code) = (ctx.path("stock_id"), ctx.path("coupon_code"));
    read_stock(ctx, stock_id, |tables, stock| {
        let code = tables.codes.get(&key(stock_id, code));
        let code = code.ok_or_else(refusals::no_coupon)?;
        Ok(view::code_detail(tables, stock, code, ctx.now))
    })
}

pub(super) fn delete_code(ctx: &Ctx<'_>) -> HandlerResult {
    let number = ctx.query("delete_request_no")?;
    let (stock_id, code) = (ctx.path("stock_id"), ctx.path("coupon_code"));
    let body = change_stock(ctx, number, stock_id, |tables| {
        codes::delete(tables, stock_id, code, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}
