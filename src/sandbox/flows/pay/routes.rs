//! The transaction's operations: Native prepayment, query and close.

use http::StatusCode;

use super::Transaction;
use crate::sandbox::{
    checks::merchant::{check_appid, check_mchid, check_query_mchid},
    flows::{Route, v3},
    request::Ctx,
    response::{ApiResponse, HandlerResult},
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/pay/transactions/native", prepay),
    v3("GET v3/pay/transactions/id/{transaction_id}", query_by_id),
    v3("GET v3/pay/transactions/out-trade-no/{out_trade_no}", query),
    v3(
        "POST v3/pay/transactions/out-trade-no/{out_trade_no}/close",
        close,
    ),
];

fn prepay(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let mchid = &ctx.merchant.mchid;
    let code_url = format!("weixin://wxpay/bizpayurl?pr={}", ctx.world().token(9));
    // Everything is checked before an order changes.
    let new = Transaction::prepay(&fields, mchid, code_url, ctx.now)?;
    check_appid(&fields, ctx.merchant)?;

    let mut world = ctx.world();
    let transactions = &mut world.store(mchid).pay.transactions;
    if let Some(existing) = transactions.get_mut(new.out_trade_no()) {
        existing.prepay_again(new)?;
        return Ok(ApiResponse::ok(&existing.prepay_body()));
    }
    let response = ApiResponse::ok(&new.prepay_body());
    transactions.insert(new.out_trade_no().to_owned(), new);
    Ok(response)
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let mchid = &ctx.merchant.mchid;
    check_query_mchid(ctx.query("mchid")?, mchid)?;
    let mut world = ctx.world();
    let transaction = world
        .store(mchid)
        .pay
        .transactions
        .get(ctx.path("out_trade_no"));
    let transaction = transaction.ok_or_else(not_found)?;
    Ok(ApiResponse::ok(&transaction.query_body()))
}

fn query_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    let mchid = &ctx.merchant.mchid;
    check_query_mchid(ctx.query("mchid")?, mchid)?;
    let id = ctx.path("transaction_id");
    let mut world = ctx.world();
    let transactions = &world.store(mchid).pay.transactions;
    let transaction = transactions
        .find(|transaction| transaction.has_transaction_id(id))
        .ok_or_else(not_found)?;
    Ok(ApiResponse::ok(&transaction.query_body()))
}

fn close(ctx: &Ctx<'_>) -> HandlerResult {
    let mchid = &ctx.merchant.mchid;
    check_mchid(&ctx.fields(), mchid)?;
    let mut world = ctx.world();
    let transactions = &mut world.store(mchid).pay.transactions;
    transactions
        .get_mut(ctx.path("out_trade_no"))
        .ok_or_else(not_found)?
        .close()?;
    Ok(ApiResponse::no_content())
}

fn not_found() -> ApiResponse {
    ApiResponse::error(StatusCode::NOT_FOUND, "ORDER_NOT_EXIST", "订单不存在")
}
