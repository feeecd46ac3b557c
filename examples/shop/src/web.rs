//! The routes.

use axum::{
    Form, Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::Markup;
use serde::Deserialize;

use crate::{Customer, Error, OrderState, Result, Shop, jobs, notify, pages};

/// Returns the shop's router, and starts its jobs.
///
/// Call it inside a tokio runtime.
pub fn app(shop: Shop) -> Router {
    tokio::spawn(jobs::run(shop.clone()));
    Router::new()
        .route("/", get(teas))
        .route("/orders", post(order))
        .route("/orders/{number}", get(show))
        .route("/orders/{number}/state", get(state))
        .route("/orders/{number}/pay", post(pay))
        .route("/orders/{number}/refund", post(refund))
        .route("/orders/{number}/refunds/{refund}/arrive", post(arrive))
        .route("/books", get(books))
        .route("/books/{day}", get(reconcile))
        .route("/next-day", post(next_day))
        .route("/wechatpay/notify", post(notify::hook))
        .with_state(shop)
}

/// Runs what blocks, a query of the database or a call, on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Error::Refused("This did not work. Try again.")),
    }
}

async fn teas(State(shop): State<Shop>) -> Markup {
    pages::teas(is_sandbox(&shop))
}

#[derive(Deserialize)]
struct NewOrder {
    tea: usize,
}

async fn order(State(shop): State<Shop>, Form(new): Form<NewOrder>) -> Result<Redirect> {
    let number = blocking(move || shop.order(new.tea)).await?;
    Ok(Redirect::to(&format!("/orders/{number}")))
}

async fn show(State(shop): State<Shop>, Path(number): Path<String>) -> Result<Markup> {
    let sandbox = is_sandbox(&shop);
    blocking(move || {
        let order = shop.find(&number)?;
        let refunds = shop.store.refunds(&number)?;
        Ok(pages::order(&order, &refunds, sandbox))
    })
    .await
}

/// What the page asks for every two seconds. It reads the database alone: the notification fills it, and
/// the follow-up if none arrives.
async fn state(State(shop): State<Shop>, Path(number): Path<String>) -> Result<Response> {
    let order = blocking(move || shop.store.order(&number)).await?;
    let state = match order.map(|order| order.state) {
        Some(OrderState::New) => "NEW",
        Some(OrderState::Paid) => "PAID",
        Some(OrderState::Closed) | None => "CLOSED",
    };
    Ok(state.into_response())
}

#[derive(Deserialize)]
struct NewRefund {
    fen: i64,
}

async fn refund(
    State(shop): State<Shop>,
    Path(number): Path<String>,
    Form(new): Form<NewRefund>,
) -> Result<Redirect> {
    let back = format!("/orders/{number}");
    blocking(move || shop.refund(&number, new.fen)).await?;
    Ok(Redirect::to(&back))
}

async fn pay(State(shop): State<Shop>, Path(number): Path<String>) -> Result<Redirect> {
    let back = format!("/orders/{number}");
    blocking(move || shop.customer_pays(&number)).await?;
    Ok(Redirect::to(&back))
}

async fn arrive(
    State(shop): State<Shop>,
    Path((number, refund)): Path<(String, String)>,
) -> Result<Redirect> {
    blocking(move || shop.refund_arrives(&refund)).await?;
    Ok(Redirect::to(&format!("/orders/{number}")))
}

async fn books(State(shop): State<Shop>) -> Result<Markup> {
    let sandbox = is_sandbox(&shop);
    blocking(move || Ok(pages::books(&shop.store.orders()?, sandbox))).await
}

async fn reconcile(State(shop): State<Shop>, Path(day): Path<String>) -> Result<Markup> {
    blocking(move || Ok(pages::reconciled(&day, &shop.reconcile(&day)?))).await
}

async fn next_day(State(shop): State<Shop>) -> Result<Redirect> {
    blocking(move || shop.next_day()).await?;
    Ok(Redirect::to("/books"))
}

fn is_sandbox(shop: &Shop) -> bool {
    matches!(shop.customer, Customer::Sandbox(_))
}
