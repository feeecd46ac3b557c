//! Native prepayment, and what any transaction is asked and told.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use http::StatusCode;

use super::{
    super::{
        answer::{Answer, Answered},
        call::Call,
        fields::Fields,
        world::World,
    },
    Transaction, check_mchid,
};

pub(in crate::sandbox) fn routes() -> Router<Arc<World>> {
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

async fn prepay(call: Call) -> Answered {
    let body = call.json()?;
    let fields = Fields::body(&body);
    let world = call.world();
    let code_url = format!("weixin://wxpay/bizpayurl?pr={}", world.draw_token(9)?);
    let prepaid = Transaction::prepay(&fields, world.mchid(), code_url, world.clock.now())?;
    world.check_appid(&fields)?;

    let mut ledger = world.ledger();
    if let Some(known) = ledger.transactions.get_mut(prepaid.out_trade_no()) {
        known.prepay_again(prepaid)?;
        return Ok(Answer::ok(&known.prepayment()));
    }
    let answer = Answer::ok(&prepaid.prepayment());
    ledger
        .transactions
        .insert(prepaid.out_trade_no().to_owned(), prepaid);
    Ok(answer)
}

async fn query(call: Call) -> Answered {
    check_query(&call)?;
    let ledger = call.world().ledger();
    let known = ledger.transactions.get(call.param("out_trade_no"));
    Ok(Answer::ok(&known.ok_or_else(not_found)?.view()))
}

async fn query_by_id(call: Call) -> Answered {
    check_query(&call)?;
    let id = call.param("transaction_id");
    let mut ledger = call.world().ledger();
    let known = ledger
        .transactions
        .find_mut(|transaction| transaction.has_transaction_id(id));
    Ok(Answer::ok(&known.ok_or_else(not_found)?.view()))
}

async fn close(call: Call) -> Answered {
    let body = call.json()?;
    check_mchid(&Fields::body(&body), call.world().mchid())?;
    let mut ledger = call.world().ledger();
    let known = ledger.transactions.get_mut(call.param("out_trade_no"));
    known.ok_or_else(not_found)?.close()?;
    Ok(Answer::no_content())
}

fn check_query(call: &Call) -> Result<(), Answer> {
    let mchid = call.query("mchid")?;
    if mchid == call.world().mchid() {
        return Ok(());
    }
    Err(Answer::param_error(
        "mchid",
        &mchid.into(),
        "is not the merchant that signed the request",
        "query",
    ))
}

fn not_found() -> Answer {
    Answer::error(StatusCode::NOT_FOUND, "ORDER_NOT_EXIST", "订单不存在")
}
