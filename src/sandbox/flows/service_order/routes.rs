//! The service order's seven operations.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use http::StatusCode;

use super::{OrderIds, ServiceOrder};
use crate::sandbox::{
    checks::{fields::Fields, merchant::check_appid},
    request::ApiRequest,
    response::{ApiResponse, HandlerResult},
    state::SandboxState,
};

pub(crate) fn routes() -> Router<Arc<SandboxState>> {
    Router::new()
        .route("/v3/payscore/serviceorder", get(query).post(create))
        .route(
            "/v3/payscore/serviceorder/{out_order_no}/cancel",
            post(cancel),
        )
        .route(
            "/v3/payscore/serviceorder/{out_order_no}/modify",
            post(modify),
        )
        .route(
            "/v3/payscore/serviceorder/{out_order_no}/complete",
            post(complete),
        )
        .route("/v3/payscore/serviceorder/{out_order_no}/pay", post(pay))
        .route("/v3/payscore/serviceorder/{out_order_no}/sync", post(sync))
}

async fn create(request: ApiRequest) -> HandlerResult {
    let body = request.json()?;
    let fields = Fields::of_body(&body);
    let state = request.state();
    let ids = OrderIds {
        order_id: state.random_number("1000", 31)?,
        query_id: state.random_token(64)?,
        package: state.random_token(96)?,
    };
    let now = state.clock.now();
    let order = ServiceOrder::create(&fields, ids, now)?;
    check_appid(&fields, state.mchid(), state.appid())?;

    let mut ledger = state.ledger();
    if let Some(existing) = ledger.service_orders.get_mut(order.out_order_no()) {
        existing.apply_expiry(now);
        // A repeated request is not an error: it is how a merchant recovers from a lost response.
        if !existing.was_created_by(&body) {
            return Err(ApiResponse::invalid_request(
                "商户服务订单号已被使用，且请求参数与首次请求不一致",
            ));
        }
        return Ok(ApiResponse::ok(&existing.creation_body(state.mchid())));
    }
    let response = ApiResponse::ok(&order.creation_body(state.mchid()));
    ledger
        .service_orders
        .insert(order.out_order_no().to_owned(), order);
    Ok(response)
}

async fn query(request: ApiRequest) -> HandlerResult {
    let service_id = request.query("service_id")?;
    let appid = request.query("appid")?;
    let out_order_no = request.optional_query("out_order_no");
    let query_id = request.optional_query("query_id");
    let state = request.state();
    let mut ledger = state.ledger();
    let order = match (out_order_no, query_id) {
        (Some(number), None) => ledger.service_orders.get_mut(number),
        (None, Some(id)) => ledger
            .service_orders
            .find_mut(|order| order.has_query_id(id)),
        // Both or neither.
        _ => {
            return Err(ApiResponse::param_error(
                "out_order_no",
                &out_order_no.into(),
                "exactly one of out_order_no and query_id is required",
                "query",
            ));
        }
    };
    let order = order
        .filter(|order| order.belongs_to(appid, service_id))
        .ok_or_else(not_found)?;
    order.apply_expiry(state.clock.now());
    Ok(ApiResponse::ok(&order.body(state.mchid())))
}

async fn cancel(request: ApiRequest) -> HandlerResult {
    change(&request, |order, fields, mchid| {
        order.cancel(fields)?;
        Ok(ApiResponse::ok(&order.ids_body(mchid)))
    })
}

async fn modify(request: ApiRequest) -> HandlerResult {
    change(&request, |order, fields, mchid| {
        order.modify(fields)?;
        Ok(ApiResponse::ok(&order.body(mchid)))
    })
}

async fn complete(request: ApiRequest) -> HandlerResult {
    change(&request, |order, fields, mchid| {
        order.complete(fields)?;
        Ok(ApiResponse::ok(&order.body(mchid)))
    })
}

async fn pay(request: ApiRequest) -> HandlerResult {
    change(&request, |order, _, mchid| {
        order.check_collectable()?;
        Ok(ApiResponse::ok(&order.ids_body(mchid)))
    })
}

async fn sync(request: ApiRequest) -> HandlerResult {
    change(&request, |order, fields, mchid| {
        order.sync(fields)?;
        Ok(ApiResponse::ok(&order.body(mchid)))
    })
}

/// Changes the order in the path. It must belong to the app and service in the body: otherwise it
/// counts as not found, which does not tell one service about the orders of another.
fn change(
    request: &ApiRequest,
    apply: impl FnOnce(&mut ServiceOrder, &Fields<'_>, &str) -> HandlerResult,
) -> HandlerResult {
    let body = request.json()?;
    let fields = Fields::of_body(&body);
    let appid = fields.text("appid", 32)?;
    let service_id = fields.text("service_id", 32)?;
    let state = request.state();
    let mut ledger = state.ledger();
    let order = ledger
        .service_orders
        .get_mut(request.path_param("out_order_no"))
        .filter(|order| order.belongs_to(appid, service_id))
        .ok_or_else(not_found)?;
    order.apply_expiry(state.clock.now());
    apply(order, &fields, state.mchid())
}

fn not_found() -> ApiResponse {
    ApiResponse::error(StatusCode::NOT_FOUND, "ORDER_NOT_EXIST", "订单不存在")
}
