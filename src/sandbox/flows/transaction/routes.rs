//! The transaction's operations: Native prepayment, query and close.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use http::StatusCode;

use super::Transaction;
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{check_appid, check_mchid, check_query_mchid},
    },
    request::ApiRequest,
    response::{ApiResponse, HandlerResult},
    state::SandboxState,
};

pub(crate) fn routes() -> Router<Arc<SandboxState>> {
    Router::new()
        .route("/v3/pay/transactions/native", post(prepay))
        .route("/v3/pay/transactions/id/{transaction_id}", get(query_by_id))
        .route(
            "/v3/pay/transactions/out-trade-no/{out_trade_no}",
            get(query),
        )
        .route(
            "/v3/pay/transactions/out-trade-no/{out_trade_no}/close",
            post(close),
        )
}

async fn prepay(request: ApiRequest) -> HandlerResult {
    let body = request.json()?;
    let fields = Fields::of_body(&body);
    let state = request.state();
    let code_url = format!("weixin://wxpay/bizpayurl?pr={}", state.random_token(9)?);
    let new = Transaction::prepay(&fields, state.mchid(), code_url, state.clock.now())?;
    check_appid(&fields, state.mchid(), state.appid())?;

    // Everything is checked before the lock is taken: a refused request changes nothing.
    let mut ledger = state.ledger();
    if let Some(existing) = ledger.transactions.get_mut(new.out_trade_no()) {
        existing.prepay_again(new)?;
        return Ok(ApiResponse::ok(&existing.prepay_body()));
    }
    let response = ApiResponse::ok(&new.prepay_body());
    ledger
        .transactions
        .insert(new.out_trade_no().to_owned(), new);
    Ok(response)
}

async fn query(request: ApiRequest) -> HandlerResult {
    let state = request.state();
    check_query_mchid(request.query("mchid")?, state.mchid())?;
    let ledger = state.ledger();
    let transaction = ledger
        .transactions
        .get(request.path_param("out_trade_no"))
        .ok_or_else(not_found)?;
    Ok(ApiResponse::ok(&transaction.query_body()))
}

async fn query_by_id(request: ApiRequest) -> HandlerResult {
    let state = request.state();
    check_query_mchid(request.query("mchid")?, state.mchid())?;
    let id = request.path_param("transaction_id");
    let mut ledger = state.ledger();
    let transaction = ledger
        .transactions
        .find_mut(|transaction| transaction.has_transaction_id(id))
        .ok_or_else(not_found)?;
    Ok(ApiResponse::ok(&transaction.query_body()))
}

async fn close(request: ApiRequest) -> HandlerResult {
    let body = request.json()?;
    let state = request.state();
    check_mchid(&Fields::of_body(&body), state.mchid())?;
    let mut ledger = state.ledger();
    ledger
        .transactions
        .get_mut(request.path_param("out_trade_no"))
        .ok_or_else(not_found)?
        .close()?;
    Ok(ApiResponse::no_content())
}

fn not_found() -> ApiResponse {
    ApiResponse::error(StatusCode::NOT_FOUND, "ORDER_NOT_EXIST", "订单不存在")
}
