//! One order with all that belongs to it.

use qrcode::{Color, QrCode};
use serde_json::{Value, json};

use super::{item::Item, row::row, timeline::Timeline};
use crate::sandbox::{
    OrderKind,
    control::call::Call,
    dispatch::{
        refusal::Refusal,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        payments::{
            pay::order::{Order, Version},
            phone,
            refund::{Refund, refunds_of},
        },
        v2,
    },
    state::world::World,
};

/// Answers with the order of a number: of the kind that `?kind=` names, or else the first one.
pub(in super::super) fn order(call: &Call<'_>) -> HandlerResult {
    let (mut shown, timeline) = {
        let now = call.state.clock.now();
        let mut world = call.state.world_quietly();
        // What was queued a moment ago is a notification already.
        world.outbox.admit(now);
        let (mchid, item) = find(call, &world)?;
        let shown = whole(&world, &mchid, item, now);
        (shown, Timeline::of(&world, &mchid, item, now))
    };
    let (entries, left_out) = timeline.finish(call.state);
    shown["timeline"] = entries;
    shown["timeline_left_out"] = left_out.into();
    Ok(ApiResponse::ok(&shown))
}

fn find<'a>(call: &Call<'_>, world: &'a World) -> Result<(String, Item<'a>), ApiResponse> {
    let number = call.number();
    let (mchid, found) = call.sandbox.find_order(world, number)?;
    let kind = kind(call)?.unwrap_or(found);
    let store = world.stores.get(&mchid);
    match store.and_then(|store| Item::order(store, kind, number)) {
        Some(item) => Ok((mchid, item)),
        None => {
            let message = format!("the number is not one of a {} order", kind.name());
            Err(Refusal::not_found(message).into())
        }
    }
}

/// Returns the row of an order with what it has beside it.
fn whole(world: &World, mchid: &str, item: Item<'_>, now: u64) -> Value {
    let mut shown = row(world, mchid, item, now);
    if let Some(parameters) = parameters(world, item) {
        shown["parameters"] = parameters;
    }
    shown["resource"] = resource(world, item);
    let refunds = refunds(world, mchid, item).into_iter();
    let refunds = refunds.map(|(mchid, refund)| row(world, mchid, Item::Refund(refund), now));
    shown["refunds"] = refunds.collect();
    shown
}

fn kind(call: &Call<'_>) -> Result<Option<OrderKind>, ApiResponse> {
    let kinds = [OrderKind::Payment, OrderKind::Combined, OrderKind::Service];
    let Some(given) = call.query("kind") else {
        return Ok(None);
    };
    match kinds.into_iter().find(|kind| kind.name() == given) {
        Some(kind) => Ok(Some(kind)),
        None => Err(ApiResponse::bad_parameter(&format!(
            "invalid kind {given:.32}: expected payment, combined or service"
        ))),
    }
}

/// Returns what opens the payment, or the page of a service order's confirmation, if something does.
fn parameters(world: &World, item: Item<'_>) -> Option<Value> {
    let order = match item {
        Item::Payment(order) => order,
        Item::Combined(order) => order.orders(world).next()?,
        Item::Service(order) => return Some(json!({ "package": order.package() })),
        Item::Refund(_) | Item::Transfer(_) => return None,
    };
    let mut parameters = phone::parameters(order)?;
    if let Some(qr) = parameters["code_url"].as_str().and_then(qr) {
        parameters["qr"] = qr;
    }
    Some(parameters)
}

/// Returns the rows of a QR code: `1` for a dark module. The margin is not part of it.
fn qr(text: &str) -> Option<Value> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let colors = code.into_colors();
    let module = |color: &Color| color.select('1', '0');
    let row = |row: &[Color]| row.iter().map(module).collect::<String>();
    Some(colors.chunks(width).map(row).collect::<Vec<_>>().into())
}

/// Returns what the documented query returns, of the version of the API that made the order.
fn resource(world: &World, item: Item<'_>) -> Value {
    match item {
        Item::Payment(order) => match order.asked.version {
            Version::V3 => order.found_body(),
            Version::V2 { .. } => v2::query_fields(order).into(),
        },
        Item::Combined(order) => order.body(world),
        Item::Service(order) => order.body(),
        Item::Refund(_) | Item::Transfer(_) => Value::Null,
    }
}

/// Returns the refunds of an order, with their merchants.
fn refunds<'a>(world: &'a World, mchid: &str, item: Item<'a>) -> Vec<(&'a str, &'a Refund)> {
    let payments: Vec<&Order> = match item {
        Item::Payment(order) => vec![order],
        Item::Combined(order) => order.orders(world).collect(),
        Item::Service(order) => {
            let store = world.stores.get(mchid);
            let payment = store.and_then(|s| s.pay.transactions.get(order.payment_number()));
            payment.into_iter().collect()
        }
        Item::Refund(_) | Item::Transfer(_) => Vec::new(),
    };
    let refunds = payments
        .into_iter()
        .flat_map(|order| refunds_of(world, order));
    let mut refunds: Vec<_> = refunds
        .map(|refund| (refund.asked.acting.mchid.as_str(), refund))
        .collect();
    refunds.sort_by_key(|(_, refund)| refund.created_at);
    refunds
}
