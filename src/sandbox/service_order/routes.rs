//! The service order's seven operations.

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
    Ids, ServiceOrder,
};

pub(in crate::sandbox) fn routes() -> Router<Arc<World>> {
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

async fn create(call: Call) -> Answered {
    let body = call.json()?;
    let fields = Fields::body(&body);
    let world = call.world();
    let ids = Ids {
        order_id: world.draw_number("1000", 31)?,
        query_id: world.draw_token(64)?,
        package: world.draw_token(96)?,
    };
    let now = world.clock.now();
    let order = ServiceOrder::create(&fields, ids, now)?;
    world.check_appid(&fields)?;

    let mut ledger = world.ledger();
    if let Some(known) = ledger.service_orders.get_mut(order.out_order_no()) {
        known.settle(now);
        if !known.was_made_by(&body) {
            return Err(Answer::invalid_request(
                "商户服务订单号已被使用，且请求参数与首次请求不一致",
            ));
        }
        return Ok(Answer::ok(&known.creation(world.mchid())));
    }
    let answer = Answer::ok(&order.creation(world.mchid()));
    ledger
        .service_orders
        .insert(order.out_order_no().to_owned(), order);
    Ok(answer)
}

async fn query(call: Call) -> Answered {
    let service_id = call.query("service_id")?;
    let appid = call.query("appid")?;
    let out_order_no = call.optional_query("out_order_no");
    let query_id = call.optional_query("query_id");
    let world = call.world();
    let mut ledger = world.ledger();
    let order = match (out_order_no, query_id) {
        (Some(number), None) => ledger.service_orders.get_mut(number),
        (None, Some(id)) => ledger
            .service_orders
            .find_mut(|order| order.has_query_id(id)),
        _ => {
            return Err(Answer::param_error(
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
    order.settle(world.clock.now());
    Ok(Answer::ok(&order.view(world.mchid())))
}

async fn cancel(call: Call) -> Answered {
    change(&call, |order, fields, mchid| {
        order.cancel(fields)?;
        Ok(Answer::ok(&order.numbers(mchid)))
    })
}

async fn modify(call: Call) -> Answered {
    change(&call, |order, fields, mchid| {
        order.modify(fields)?;
        Ok(Answer::ok(&order.view(mchid)))
    })
}

async fn complete(call: Call) -> Answered {
    change(&call, |order, fields, mchid| {
        order.complete(fields)?;
        Ok(Answer::ok(&order.view(mchid)))
    })
}

async fn pay(call: Call) -> Answered {
    change(&call, |order, _, mchid| {
        order.collect()?;
        Ok(Answer::ok(&order.numbers(mchid)))
    })
}

async fn sync(call: Call) -> Answered {
    change(&call, |order, fields, mchid| {
        order.sync(fields)?;
        Ok(Answer::ok(&order.view(mchid)))
    })
}

/// Finds the order that the path names and the body's app and service own, and changes it.
fn change(
    call: &Call,
    how: impl FnOnce(&mut ServiceOrder, &Fields<'_>, &str) -> Answered,
) -> Answered {
    let body = call.json()?;
    let fields = Fields::body(&body);
    let appid = fields.text("appid", 32)?;
    let service_id = fields.text("service_id", 32)?;
    let world = call.world();
    let mut ledger = world.ledger();
    let order = ledger
        .service_orders
        .get_mut(call.param("out_order_no"))
        .filter(|order| order.belongs_to(appid, service_id))
        .ok_or_else(not_found)?;
    order.settle(world.clock.now());
    how(order, &fields, world.mchid())
}

fn not_found() -> Answer {
    Answer::error(StatusCode::NOT_FOUND, "ORDER_NOT_EXIST", "订单不存在")
}
