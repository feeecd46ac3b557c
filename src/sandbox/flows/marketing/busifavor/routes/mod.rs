//! The operations of coupons of merchants.

mod codes;
mod coupons;
mod stocks;
mod subsidy;

use serde_json::{Value, json};

use super::{Stock, Tables, callback, refusals, stocks::creator_of};
use crate::sandbox::{
    checks::fields::Fields,
    dispatch::{
        refusal::Refusal,
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, marketing::callback as callbacks, v3},
    state::world::World,
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/marketing/busifavor/stocks", stocks::create),
    v3(
        "GET v3/marketing/busifavor/stocks/{stock_id}",
        stocks::query,
    ),
    v3(
        "PATCH v3/marketing/busifavor/stocks/{stock_id}",
        stocks::modify,
    ),
    v3(
        "PATCH v3/marketing/busifavor/stocks/{stock_id}/budget",
        stocks::change_budget,
    ),
    v3(
        "POST v3/marketing/busifavor/stocks/{stock_id}/couponcodes",
        codes::upload,
    ),
    v3(
        "GET v3/marketing/busifavor/stocks/{stock_id}/couponcodes",
        codes::list_codes,
    ),
    v3(
        "GET v3/marketing/busifavor/stocks/{stock_id}/couponcodes/{coupon_code}",
        codes::query_code,
    ),
    v3(
        "DELETE v3/marketing/busifavor/stocks/{stock_id}/couponcodes/{coupon_code}",
        codes::delete_code,
    ),
    v3("POST v3/marketing/busifavor/coupons/send", coupons::send),
    v3(
        "POST v3/marketing/busifavor/coupons/use",
        coupons::use_coupon,
    ),
    v3(
        "POST v3/marketing/busifavor/coupons/return",
        coupons::give_back,
    ),
    v3(
        "POST v3/marketing/busifavor/coupons/deactivate",
        coupons::deactivate,
    ),
    v3(
        "POST v3/marketing/busifavor/coupons/associate",
        coupons::associate,
    ),
    v3(
        "POST v3/marketing/busifavor/coupons/disassociate",
        coupons::disassociate,
    ),
    v3(
        "GET v3/marketing/busifavor/users/{openid}/coupons",
        coupons::list,
    ),
    v3(
        "GET v3/marketing/busifavor/users/{openid}/coupons/{coupon_code}/appids/{appid}",
        coupons::query_coupon,
    ),
    v3(
        "POST v3/marketing/busifavor/subsidy/pay-receipts",
        subsidy::pay_subsidy,
    ),
    v3(
        "GET v3/marketing/busifavor/subsidy/pay-receipts",
        subsidy::list_receipts,
    ),
    v3(
        "GET v3/marketing/busifavor/subsidy/pay-receipts/{subsidy_receipt_id}",
        subsidy::query_receipt,
    ),
    v3(
        "POST v3/marketing/busifavor/subsidy/return-receipts",
        subsidy::return_subsidy,
    ),
    v3(
        "GET v3/marketing/busifavor/subsidy/return-receipts/{subsidy_return_receipt_id}",
        subsidy::query_return,
    ),
    v3("GET v3/marketing/busifavor/callbacks", |ctx| {
        callbacks::get(ctx, callback)
    }),
    v3("POST v3/marketing/busifavor/callbacks", |ctx| {
        callbacks::set(ctx, callback)
    }),
];

/// Answers a request under a number of the merchant's: the same one again as before, a new one with what
/// `change` returns.
fn once(
    ctx: &Ctx<'_>,
    number: &str,
    differs: fn() -> Refusal,
    change: impl FnOnce(&mut World) -> Result<Value, Refusal>,
) -> Result<Value, ApiResponse> {
    let asked = json!([ctx.parts.uri.path(), ctx.body]);
    // Each operation has numbers of its own.
    let number = format!("{} {number}", ctx.op);
    let mchid = &ctx.merchant.mchid;
    let mut world = ctx.world();
    let answers = &world.store(mchid).busifavor.answers;
    if let Some(answer) = answers.answered(&number, &asked, differs)? {
        return Ok(answer);
    }
    let answer = change(&mut world)?;
    let answers = &mut world.store(mchid).busifavor.answers;
    answers.keep(&number, asked, answer.clone());
    Ok(answer)
}

/// Reads `stock_id`, and checks that there is one that the merchant may act on.
fn stock_id<'a>(ctx: &Ctx<'_>, fields: &Fields<'a>) -> Result<&'a str, ApiResponse> {
    let stock_id = fields.text("stock_id", 20)?;
    creator_of(&ctx.world(), &ctx.merchant.mchid, stock_id)?;
    Ok(stock_id)
}

/// Changes what belongs to a stock, once for each number.
fn change_stock(
    ctx: &Ctx<'_>,
    number: &str,
    stock_id: &str,
    change: impl FnOnce(&mut Tables) -> Result<Value, Refusal>,
) -> Result<Value, ApiResponse> {
    once(ctx, number, refusals::other_request, |w| {
        let creator = creator_of(w, &ctx.merchant.mchid, stock_id)?;
        change(&mut w.store(&creator).busifavor)
    })
}

/// Answers with what `read` returns of a stock.
fn read_stock(
    ctx: &Ctx<'_>,
    stock_id: &str,
    read: impl FnOnce(&Tables, &Stock) -> Result<Value, ApiResponse>,
) -> HandlerResult {
    let world = ctx.world();
    let creator = creator_of(&world, &ctx.merchant.mchid, stock_id)?;
    let store = world.stores.get(&creator).ok_or_else(refusals::no_stock)?;
    let tables = &store.busifavor;
    Ok(ApiResponse::ok(&read(tables, tables.stock(stock_id)?)?))
}
