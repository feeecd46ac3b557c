//! The operations of what one merchant pays another one for a coupon.

use serde_json::json;

use super::{once, stock_id};
use crate::sandbox::{
    checks::fields::Fields,
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        marketing::busifavor::{
            Receipt, refusals,
            subsidy::{self, NewReceipt},
        },
        payments::pay::read::MAX_TOTAL,
    },
};

pub(super) fn pay_subsidy(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let new = receipt(ctx, &fields, "out_subsidy_no")?;
    let body = once(ctx, new.out_no, refusals::other_request, |w| {
        subsidy::pay(w, &ctx.merchant.mchid, &new, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

pub(super) fn return_subsidy(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let new = receipt(ctx, &fields, "out_subsidy_return_no")?;
    let refund_id = fields.text("refund_id", 32)?;
    let body = once(ctx, new.out_no, refusals::other_request, |w| {
        subsidy::give_back(w, &ctx.merchant.mchid, &new, refund_id, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

fn receipt<'a>(
    ctx: &Ctx<'_>,
    fields: &Fields<'a>,
    number: &str,
) -> Result<NewReceipt<'a>, ApiResponse> {
    Ok(NewReceipt {
        stock_id: stock_id(ctx, fields)?,
        code: fields.text("coupon_code", 128)?,
        transaction_id: fields.text("transaction_id", 32)?,
        payer: fields.text("payer_merchant", 32)?,
        payee: fields.text("payee_merchant", 32)?,
        fen: fields.integer("amount", 1..=MAX_TOTAL)?,
        description: fields.text("description", 1024)?,
        out_no: fields.text(number, 128)?,
    })
}

pub(super) fn list_receipts(ctx: &Ctx<'_>) -> HandlerResult {
    let (stock_id, code) = (ctx.query("stock_id")?, ctx.query("coupon_code")?);
    let out_no = ctx.optional_query("out_subsidy_no");
    let mut world = ctx.world();
    let receipts = world.store(&ctx.merchant.mchid).busifavor.receipts.iter();
    let asked = receipts.filter(|receipt| {
        receipt.stock_id == stock_id
            && receipt.code == code
            && out_no.is_none_or(|out_no| out_no == receipt.out_no)
    });
    let list: Vec<_> = asked.map(Receipt::body).collect();
    Ok(ApiResponse::ok(&json!({ "pay_receipt_list": list })))
}

pub(super) fn query_receipt(ctx: &Ctx<'_>) -> HandlerResult {
    let mut world = ctx.world();
    let receipts = &world.store(&ctx.merchant.mchid).busifavor.receipts;
    let receipt = receipts.get(ctx.path("subsidy_receipt_id"));
    Ok(ApiResponse::ok(
        &receipt.ok_or_else(refusals::no_receipt)?.body(),
    ))
}

pub(super) fn query_return(ctx: &Ctx<'_>) -> HandlerResult {
    let mut world = ctx.world();
    let returns = &world.store(&ctx.merchant.mchid).busifavor.returns;
    let returned = returns.get(ctx.path("subsidy_return_receipt_id"));
    Ok(ApiResponse::ok(
        &returned.ok_or_else(refusals::no_receipt)?.body(),
    ))
}
