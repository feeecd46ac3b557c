//! The row of an order, a refund or a transfer in its list.

use serde_json::{Value, json};

use super::{can, item::Item};
use crate::sandbox::{
    checks::merchant::Acting,
    flows::{
        agreements::service_order::ServiceOrder,
        payments::{
            combine::CombinedOrder,
            pay::order::{Order, Version},
            refund::{Refund, Status},
        },
        payouts::transfer::Bill,
    },
    state::world::World,
};

/// Returns what each item shows in its list. What does not apply is left out.
pub(super) fn row(world: &World, mchid: &str, item: Item<'_>, now: u64) -> Value {
    let mut row = json!({
        "id": item.id(mchid),
        "mchid": mchid,
        "number": item.number(),
        "kind": item.kind(),
        "state": item.state(world),
        "currency": "CNY",
        "created_at": item.created_at(world),
    });
    if let Some(sp_mchid) = acting(item).and_then(|acting| acting.sp_mchid.as_deref()) {
        row["sp_mchid"] = sp_mchid.into();
        row["sub_mchid"] = mchid.into();
    }
    let own = match item {
        Item::Payment(order) => payment(order, now),
        Item::Combined(order) => combined(world, order, now),
        Item::Service(order) => service_order(world, mchid, order),
        Item::Refund(refund) => self::refund(refund),
        Item::Transfer(bill) => transfer(bill),
    };
    if let (Value::Object(row), Value::Object(own)) = (&mut row, own) {
        // `null` stands for what does not apply, except for a total that is not known yet.
        let is_shown = |(name, value): &(String, Value)| name == "total" || !value.is_null();
        row.extend(own.into_iter().filter(is_shown));
    }
    row["can"] = can::acts(world, mchid, item, now).into();
    row
}

/// Returns the row of a service order as an endpoint of its own shows it.
pub(super) fn service_row(world: &World, mchid: &str, order: &ServiceOrder, now: u64) -> Value {
    let mut row = row(world, mchid, Item::Service(order), now);
    row["can"] = can::service_acts(order).into();
    row
}

fn acting(item: Item<'_>) -> Option<&Acting> {
    match item {
        Item::Payment(order) => Some(&order.asked.acting),
        Item::Combined(_) => None,
        Item::Service(order) => Some(order.acting()),
        Item::Refund(refund) => Some(&refund.asked.acting),
        Item::Transfer(bill) => Some(bill.acting()),
    }
}

fn payment(order: &Order, now: u64) -> Value {
    let asked = &order.asked;
    let payment = order.payment_made();
    let openid = payment.map(|payment| &payment.openid);
    let named = asked
        .payer
        .openid
        .as_ref()
        .or(asked.payer.sub_openid.as_ref());
    let part_of = asked.combined.as_ref();
    json!({
        "total": asked.total,
        "refunded": order.refunded,
        "trade_type": asked.product.trade_type(),
        "version": version(order),
        "description": asked.description,
        "expires_at": order.expires_at(),
        "is_expired": order.expires_at().is_some_and(|at| at < now),
        "paid_at": payment.map(|payment| payment.time),
        "openid": openid.or(named),
        "transaction_id": order.transaction_id(),
        "part_of": part_of.map(|whole| json!({ "mchid": whole.mchid, "number": whole.number })),
    })
}

fn combined(world: &World, order: &CombinedOrder, now: u64) -> Value {
    let parts = || order.orders(world);
    let first = parts().next().map(|part| payment(part, now));
    let mut row = first.unwrap_or_default();
    row["total"] = order.total(world).into();
    row["refunded"] = parts().map(|part| part.refunded).sum::<u64>().into();
    row["transaction_id"] = order.transaction_id.as_deref().into();
    row["part_of"] = Value::Null;
    let part = |(mchid, number): &(String, String)| json!({ "mchid": mchid, "number": number });
    row["parts"] = order.parts.iter().map(part).collect();
    row
}

fn service_order(world: &World, mchid: &str, order: &ServiceOrder) -> Value {
    let body = order.body();
    let store = world.stores.get(mchid);
    let deduction = store.and_then(|store| store.pay.transactions.get(order.payment_number()));
    let payment = deduction.and_then(Order::payment_made);
    json!({
        "total": order.total(),
        "refunded": deduction.map_or(0, |order| order.refunded),
        "risk_amount": order.risk_amount(),
        "description": body["service_introduction"],
        "service_id": body["service_id"],
        "order_id": body["order_id"],
        "expires_at": order.expires_at(),
        "paid_at": payment.map(|payment| payment.time),
        "openid": body["openid"],
        "transaction_id": payment.map(|payment| &payment.transaction_id),
    })
}

fn refund(refund: &Refund) -> Value {
    json!({
        "amount": refund.asked.fen,
        "order": refund.out_trade_no,
        "refund_id": refund.refund_id,
        "transaction_id": refund.transaction_id,
        "reason": refund.asked.reason,
        "succeeded_at": match refund.status {
            Status::Success(time) => Some(time),
            _ => None,
        },
    })
}

fn transfer(bill: &Bill) -> Value {
    json!({
        "amount": bill.new.amount,
        "transfer_bill_no": bill.transfer_bill_no,
        "openid": bill.new.openid,
        "description": bill.new.remark,
        "fail_reason": bill.fail_reason(),
    })
}

fn version(order: &Order) -> &'static str {
    match order.asked.version {
        Version::V3 => "v3",
        Version::V2 { .. } => "v2",
    }
}
