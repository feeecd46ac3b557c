//! The operations of service orders, of merchants and of service providers for theirs.

use super::{
    order::{OrderIds, ServiceOrder},
    permission::check_user,
    user::{keep, not_found},
};
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{Acting, acting_for, acting_for_query, check_appid},
    },
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, v3},
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/payscore/serviceorder", create),
    v3("POST v3/payscore/servicepayondeliveryorder", create),
    v3(
        "POST v3/payscore/serviceorder/direct-complete",
        create_completed,
    ),
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
    v3(
        "POST v3/payscore/serviceorder/{out_order_no}/send-prepaidmessage",
        send_message,
    ),
    v3(
        "POST v3/payscore/serviceorder/{out_order_no}/send-pendingmessage",
        send_message,
    ),
    v3("POST v3/payscore/partner/serviceorder", create),
    v3("POST v3/payscore/partner/servicepayondeliveryorder", create),
    v3(
        "POST v3/payscore/partner/serviceorder/direct-complete",
        create_completed,
    ),
    v3("GET v3/payscore/partner/serviceorder", query),
    v3(
        "POST v3/payscore/partner/serviceorder/{out_order_no}/cancel",
        cancel,
    ),
    v3(
        "POST v3/payscore/partner/serviceorder/{out_order_no}/modify",
        modify,
    ),
    v3(
        "POST v3/payscore/partner/serviceorder/{out_order_no}/complete",
        complete,
    ),
    v3(
        "POST v3/payscore/partner/serviceorder/{out_order_no}/pay",
        pay,
    ),
    v3(
        "POST v3/payscore/partner/serviceorder/{out_order_no}/sync",
        sync,
    ),
    v3(
        "POST v3/payscore/partner/serviceorder/{out_order_no}/send-prepaidmessage",
        send_message,
    ),
    v3(
        "POST v3/payscore/partner/serviceorder/{out_order_no}/send-pendingmessage",
        send_message,
    ),
];

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let order = created(ctx, &ctx.fields(), ServiceOrder::create)?;
    Ok(ApiResponse::ok(&order.creation_body()))
}

fn create_completed(ctx: &Ctx<'_>) -> HandlerResult {
    let order = created(ctx, &ctx.fields(), ServiceOrder::create_completed)?;
    Ok(answer(ctx, &order, ServiceOrder::body))
}

/// Creates the order of these fields, or returns the one that the same fields created.
pub(super) fn created(
    ctx: &Ctx<'_>,
    fields: &Fields<'_>,
    create: fn(&Fields<'_>, Acting, OrderIds, u64) -> Result<ServiceOrder, ApiResponse>,
) -> Result<ServiceOrder, ApiResponse> {
    let acting = acting(ctx, fields)?;
    let ids = {
        let mut world = ctx.world();
        OrderIds {
            order_id: world.number("1000", 31),
            query_id: world.token(64),
            package: world.token(96),
            out_trade_no: world.number("1000", 32),
            someone: world.openid(),
        }
    };
    let order = create(fields, acting, ids, ctx.now)?;
    check_appid(fields, ctx.merchant)?;

    let mut world = ctx.world();
    let orders = &world.store(&order.acting.mchid).service_orders.orders;
    if let Some(existing) = orders.get(order.out_order_no()) {
        // A repeated request is not an error: it is how a merchant recovers from a lost response.
        if !existing.was_created_like(&order) {
            return Err(ApiResponse::invalid_request(
                "商户服务订单号已被使用，且请求参数与首次请求不一致",
            ));
        }
        return Ok(existing.clone());
    }
    if order.needs_no_confirmation() {
        let (service_id, appid) = (&order.service_id, &order.appid);
        check_user(&world, &order.acting, service_id, appid, &order.user)?;
    }
    keep(&mut world, order.clone());
    Ok(order)
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let service_id = ctx.query("service_id")?;
    let acting = acting_by_query(ctx)?;
    let appid = match acting.sp_mchid {
        None => Some(ctx.query("appid")?),
        Some(_) => None,
    };
    let out_order_no = ctx.optional_query("out_order_no");
    let query_id = ctx.optional_query("query_id");
    let mut world = ctx.world();
    let orders = &world.store(&acting.mchid).service_orders.orders;
    let order = match (out_order_no, query_id) {
        (Some(number), None) => orders.get(number),
        (None, Some(id)) => orders.find(|order| order.has_query_id(id)),
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
        .filter(|order| order.acting == acting && order.belongs_to(appid, Some(service_id)))
        .ok_or_else(not_found)?;
    Ok(ApiResponse::ok(&order.body()))
}

fn cancel(ctx: &Ctx<'_>) -> HandlerResult {
    let order = changed(ctx, ServiceOrder::cancel)?;
    Ok(answer(ctx, &order, ServiceOrder::ids_body))
}

fn modify(ctx: &Ctx<'_>) -> HandlerResult {
    let order = changed(ctx, ServiceOrder::modify)?;
    Ok(answer(ctx, &order, ServiceOrder::body))
}

fn complete(ctx: &Ctx<'_>) -> HandlerResult {
    let order = changed(ctx, ServiceOrder::complete)?;
    Ok(answer(ctx, &order, ServiceOrder::body))
}

fn pay(ctx: &Ctx<'_>) -> HandlerResult {
    let order = changed(ctx, |order, _| Ok(order.check_collectable()?))?;
    Ok(answer(ctx, &order, ServiceOrder::ids_body))
}

fn sync(ctx: &Ctx<'_>) -> HandlerResult {
    let order = changed(ctx, ServiceOrder::sync)?;
    Ok(answer(ctx, &order, ServiceOrder::body))
}

/// Tells the user what the service costs. Nobody sees it: the order stays as it is.
fn send_message(ctx: &Ctx<'_>) -> HandlerResult {
    changed(ctx, |order, fields| order.check_message(fields))?;
    Ok(ApiResponse::no_content())
}

/// Returns the response with this body. Service providers get none.
fn answer(
    ctx: &Ctx<'_>,
    order: &ServiceOrder,
    body: fn(&ServiceOrder) -> serde_json::Value,
) -> ApiResponse {
    match ctx.is_partner() {
        false => ApiResponse::ok(&body(order)),
        true => ApiResponse::no_content(),
    }
}

/// Changes the order in the path, and returns it. It must belong to the app and service in the body:
/// otherwise it counts as not found, which does not tell one service about the orders of another.
// The pipeline refuses a request without them, where they are required.
fn changed(
    ctx: &Ctx<'_>,
    apply: impl FnOnce(&mut ServiceOrder, &Fields<'_>) -> Result<(), ApiResponse>,
) -> Result<ServiceOrder, ApiResponse> {
    let fields = ctx.fields();
    let acting = acting(ctx, &fields)?;
    let appid = fields.optional_text("appid", 32)?;
    let service_id = fields.optional_text("service_id", 32)?;
    let mut world = ctx.world();
    let orders = &mut world.store(&acting.mchid).service_orders.orders;
    let order = orders
        .get_mut(ctx.path("out_order_no"))
        .filter(|order| order.acting == acting && order.belongs_to(appid, service_id))
        .ok_or_else(not_found)?;
    apply(order, &fields)?;
    Ok(order.clone())
}

/// Returns whose order or permission a request is about. The operations of service providers are about a
/// sub-merchant, and those of merchants take no `sub_mchid`.
pub(super) fn acting(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<Acting, ApiResponse> {
    let acting = acting_for(ctx, fields)?;
    Ok(match ctx.is_partner() {
        true => acting,
        false => acting.signer_alone(),
    })
}

/// Like [`acting`], by the values of the query.
pub(super) fn acting_by_query(ctx: &Ctx<'_>) -> Result<Acting, ApiResponse> {
    let acting = acting_for_query(ctx)?;
    Ok(match ctx.is_partner() {
        true => acting,
        false => acting.signer_alone(),
    })
}
