//! What can be done with an order, a refund or a transfer now.
//!
//! The names are those of the endpoints: `pay` is `POST orders/{out_trade_no}/pay`. What is offered is what the
//! rules of the flows allow, so that an act that is offered succeeds, and every other is refused.

use super::item::Item;
use crate::sandbox::{
    OrderKind,
    dispatch::refusal::Refusal,
    flows::{
        agreements::service_order::ServiceOrder,
        payments::{
            combine,
            pay::{
                engine::{self, Payer},
                order::Order,
            },
        },
    },
    state::world::World,
};

type Check = (&'static str, Result<(), Refusal>);

/// Returns the acts below `orders/`, or those of a refund or a transfer.
pub(super) fn acts(world: &World, mchid: &str, item: Item<'_>, now: u64) -> Vec<&'static str> {
    // The endpoints find the first kind of this number: what else has it cannot be named there.
    let is_hidden = item.order_kind().is_some_and(|kind| {
        let store = world.stores.get(mchid);
        store.and_then(|store| OrderKind::of(store, item.number())) != Some(kind)
    });
    if is_hidden {
        return Vec::new();
    }
    match item {
        Item::Payment(order) => allowed(payment(order, now)),
        Item::Combined(order) => {
            let payer = combine::payer_of(world, order, &Payer::default(), now);
            allowed([
                ("pay", payer.map(drop)),
                ("expire", combine::check_expirable(world, order, now)),
            ])
        }
        Item::Service(order) => allowed([
            ("pay", order.check_collectable()),
            ("expire", order.check_confirmable()),
        ]),
        Item::Refund(refund) if refund.is_processing() => vec!["succeed", "fail"],
        Item::Refund(_) => Vec::new(),
        Item::Transfer(bill) => bill.acts().to_vec(),
    }
}

/// Returns the acts below `service-orders/`.
pub(super) fn service_acts(order: &ServiceOrder) -> Vec<&'static str> {
    allowed([
        ("confirm", order.check_confirmable()),
        ("pay", order.check_collectable()),
        ("expire", order.check_confirmable()),
    ])
}

fn payment(order: &Order, now: u64) -> [Check; 4] {
    let payable = engine::check_payable(order, now);
    let waiting = engine::check_waiting(order);
    [
        ("pay", payable.clone()),
        ("enter-password", waiting.and(payable)),
        ("fail", order.check_unpaid()),
        ("expire", engine::check_expirable(order, now)),
    ]
}

fn allowed<const N: usize>(checks: [Check; N]) -> Vec<&'static str> {
    let allowed = checks.into_iter().filter(|(_, check)| check.is_ok());
    allowed.map(|(act, _)| act).collect()
}
