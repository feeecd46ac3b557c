//! The service order's seven operations.

use http::StatusCode;

use super::{OrderIds, ServiceOrder};
use crate::sandbox::{
    checks::{fields::Fields, merchant::check_appid},
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, v3},
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/payscore/serviceorder", create),
    v3("GET v3/payscore/serviceorder", query),
    v3(
        "POST v3/payscore/serviceorder/{out_order_no}/cancel",
        cancel,
    ),
    v3(
        "POST v3/payscore/serviceorder/{out_order_no}/modify",
        modify,
    ),
    v3(
        "POST v3/payscore/serviceorder/{out_order_no}/complete",
        complete,
    ),
    v3("POST v3/payscore/serviceorder/{out_order_no}/pay", pay),
    v3("POST v3/payscore/serviceorder/{out_order_no}/sync", sync),
];

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let mchid = &ctx.merchant.mchid;
    let ids = {
        let mut world = ctx.world();
        OrderIds {
            order_id: world.number("1000", 31),
            query_id: world.token(64),
            package: world.token(96),
        }
    };
    let order = ServiceOrder::create(&fields, ids, ctx.now)?;
    check_appid(&fields, ctx.merchant)?;

    let mut world = ctx.world();
    let orders = &mut world.store(mchid).service_orders.orders;
    if let Some(existing) = orders.get_mut(order.out_order_no()) {
        existing.apply_expiry(ctx.now);
        // A repeated request is not an error: it is how a merchant recovers from a lost response.
        if !existing.was_created_by(&ctx.body) {
            return Err(ApiResponse::invalid_request(
                "商户服务订单号已被使用，且请求参数与首次请求不一致",
            ));
        }
        return Ok(ApiResponse::ok(&existing.creation_body(mchid)));
    }
    let response = ApiResponse::ok(&order.creation_body(mchid));
    orders.insert(order.out_order_no().to_owned(), order);
    Ok(response)
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let service_id = ctx.query("service_id")?;
    let appid = ctx.query("appid")?;
    let out_order_no = ctx.optional_query("out_order_no");
    let query_id = ctx.optional_query("query_id");
    let mchid = &ctx.merchant.mchid;
    let mut world = ctx.world();
    let orders = &mut world.store(mchid).service_orders.orders;
    let order = match (out_order_no, query_id) {
        (Some(number), None) => orders.get_mut(number),
        (None, Some(id)) => orders.find_mut(|order| order.has_query_id(id)),
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
    order.apply_expiry(ctx.now);
    Ok(ApiResponse::ok(&order.body(mchid)))
}

fn cancel(ctx: &Ctx<'_>) -> HandlerResult {
    change(ctx, |order, fields, mchid| {
        order.cancel(fields)?;
        Ok(ApiResponse::ok(&order.ids_body(mchid)))
    })
}

fn modify(ctx: &Ctx<'_>) -> HandlerResult {
    change(ctx, |order, fields, mchid| {
        order.modify(fields)?;
        Ok(ApiResponse::ok(&order.body(mchid)))
    })
}

fn complete(ctx: &Ctx<'_>) -> HandlerResult {
    change(ctx, |order, fields, mchid| {
        order.complete(fields)?;
        Ok(ApiResponse::ok(&order.body(mchid)))
    })
}

fn pay(ctx: &Ctx<'_>) -> HandlerResult {
    change(ctx, |order, _, mchid| {
        order.check_collectable()?;
        Ok(ApiResponse::ok(&order.ids_body(mchid)))
    })
}

fn sync(ctx: &Ctx<'_>) -> HandlerResult {
    change(ctx, |order, fields, mchid| {
        order.sync(fields)?;
        Ok(ApiResponse::ok(&order.body(mchid)))
    })
}

/// Changes the order in the path. It must belong to the app and service in the body: otherwise it
/// counts as not found, which does not tell one service about the orders of another.
fn change(
    ctx: &Ctx<'_>,
    apply: impl FnOnce(&mut ServiceOrder, &Fields<'_>, &str) -> HandlerResult,
) -> HandlerResult {
    let fields = ctx.fields();
    let appid = fields.text("appid", 32)?;
    let service_id = fields.text("service_id", 32)?;
    let mchid = &ctx.merchant.mchid;
    let mut world = ctx.world();
    let orders = &mut world.store(mchid).service_orders.orders;
    let order = orders
        .get_mut(ctx.path("out_order_no"))
        .filter(|order| order.belongs_to(appid, service_id))
        .ok_or_else(not_found)?;
    order.apply_expiry(ctx.now);
    apply(order, &fields, mchid)
}

pub(super) fn not_found() -> ApiResponse {
    ApiResponse::error(StatusCode::NOT_FOUND, "ORDER_NOT_EXIST", "订单不存在")
}
