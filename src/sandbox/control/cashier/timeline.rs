//! What happened to an order, in its order: states, refunds, notifications and their attempts.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
};

use serde_json::{Value, json};

use super::item::Item;
use crate::sandbox::{
    StateKind,
    checks::merchant::Acting,
    control::{routes, view},
    flows::payments::{
        pay::order::Order,
        refund::{Refund, refunds_of},
    },
    outbox::{Content, Notice},
    state::{changes::Past, world::World},
};

/// How many entries a timeline has. Of more, the oldest are left out.
const MAX_ENTRIES: usize = 1_000;

/// The entries so far, and what a request or a notification must name to be one.
#[derive(Default)]
pub(super) struct Timeline<'a> {
    entries: Vec<Entry>,
    numbers: HashSet<Cow<'a, str>>,
    /// The merchants that sign for the order.
    mchids: BTreeSet<&'a str>,
}

/// What is shown, when it was, and its place among those of the same millisecond.
type Entry = (u64, Rank, Value);

/// What causes comes before what it causes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    State,
    Refund,
    Delivery,
    Attempt,
}

impl<'a> Timeline<'a> {
    /// Returns what the world knows: all but the requests.
    pub(super) fn of(world: &'a World, mchid: &'a str, item: Item<'a>, now: u64) -> Self {
        let mut timeline = Self::default();
        timeline.add_merchants(mchid, None);
        timeline.numbers.insert(item.number().into());
        match item {
            Item::Payment(order) => timeline.add_payment(world, order),
            Item::Combined(order) => {
                timeline.number(order.transaction_id.as_deref());
                order
                    .orders(world)
                    .for_each(|part| timeline.add_payment(world, part));
            }
            Item::Service(order) => {
                timeline.add_merchants(mchid, Some(order.acting()));
                timeline.number(Some(order.order_id()));
                if let Some(store) = world.stores.get(mchid) {
                    let past = store.service_orders.orders.past(item.number());
                    timeline.add_states(StateKind::ServiceOrder, item.number(), past);
                    if let Some(payment) = store.pay.transactions.get(order.payment_number()) {
                        timeline.add_payment(world, payment);
                    }
                }
            }
            Item::Refund(_) | Item::Transfer(_) => {}
        }
        timeline.add_deliveries(world, now);
        timeline
    }

    /// Returns the entries, oldest first, and how many were left out.
    pub(super) fn finish(mut self) -> (Value, usize) {
        self.entries.sort_by_key(|(at, rank, _)| (*at, *rank));
        let left_out = self.entries.len().saturating_sub(MAX_ENTRIES);
        let entries = self.entries.into_iter().skip(left_out);
        (entries.map(|(_, _, shown)| shown).collect(), left_out)
    }

    fn number(&mut self, number: Option<&'a str>) {
        // An order that nothing opens has an empty `prepay_id`.
        let number = number.filter(|number| !number.is_empty());
        self.numbers.extend(number.map(Cow::from));
    }

    fn add_merchants(&mut self, mchid: &'a str, acting: Option<&'a Acting>) {
        self.mchids.insert(mchid);
        self.mchids
            .extend(acting.and_then(|acting| acting.sp_mchid.as_deref()));
    }

    fn add_payment(&mut self, world: &'a World, order: &'a Order) {
        let acting = &order.asked.acting;
        self.add_merchants(&acting.mchid, Some(acting));
        if let Some(whole) = &order.asked.combined {
            self.add_merchants(&whole.mchid, None);
            self.number(Some(&whole.number));
        }
        self.number(Some(order.out_trade_no()));
        self.number(order.transaction_id());
        self.number(Some(&order.prepaid.prepay_id));
        let Some(store) = world.stores.get(&acting.mchid) else {
            return;
        };
        let number = order.out_trade_no();
        self.add_states(
            StateKind::Payment,
            number,
            store.pay.transactions.past(number),
        );
        for refund in refunds_of(world, order) {
            self.number(Some(&refund.asked.out_refund_no));
            self.number(Some(&refund.refund_id));
            self.add_refund(
                refund,
                store.refund.refunds.past(&refund.asked.out_refund_no),
            );
        }
    }

    fn add_states(&mut self, kind: StateKind, number: &str, past: &[Past]) {
        for (from, to) in steps(past) {
            let shown = json!({
                "kind": "state", "at_ms": to.at_ms, "of": kind.name(), "number": number,
                "from": from, "to": to.state,
            });
            self.entries.push((to.at_ms, Rank::State, shown));
        }
    }

    fn add_refund(&mut self, refund: &Refund, past: &[Past]) {
        for (from, to) in steps(past) {
            let shown = json!({
                "kind": "refund", "at_ms": to.at_ms, "number": refund.asked.out_refund_no,
                "amount": refund.asked.fen, "from": from, "to": to.state,
            });
            self.entries.push((to.at_ms, Rank::Refund, shown));
        }
    }

    /// Adds the notifications that name one of the numbers, with their attempts.
    fn add_deliveries(&mut self, world: &World, now: u64) {
        let parcels = world.outbox.parcels();
        let about = parcels.filter(|(_, parcel)| self.is_named_by(&parcel.notice()));
        let ids: Vec<_> = about
            .map(|(_, parcel)| (parcel.id(), parcel.created()))
            .collect();
        for (id, created) in ids {
            let Some(delivery) = world.outbox.view(id, now) else {
                continue;
            };
            let at_ms = world.queued_at(id).unwrap_or(created.saturating_mul(1_000));
            let shown = json!({
                "kind": "delivery", "at_ms": at_ms, "id": id, "event_type": delivery.event_type(),
                "version": delivery.version(), "state": view::delivery_state(delivery.state()),
            });
            self.entries.push((at_ms, Rank::Delivery, shown));
            for (index, attempt) in delivery.attempts().iter().enumerate() {
                // The first one is due in the second in which the notification is queued.
                let at_ms = attempt.at().saturating_mul(1_000).max(at_ms);
                let shown = json!({
                    "kind": "attempt", "at_ms": at_ms, "id": id, "attempt": index,
                    "status": attempt.status().map(|status| status.as_u16()),
                    "error": attempt.error(),
                    "fault": attempt.fault().map(routes::delivery_fault_name),
                });
                self.entries.push((at_ms, Rank::Attempt, shown));
            }
        }
    }

    fn is_named_by(&self, notice: &Notice) -> bool {
        if !self.mchids.contains(notice.mchid.as_str()) {
            return false;
        }
        match &notice.content {
            Content::V3 { resource, .. } => self.is_in(resource),
            Content::V2 { fields, req_info } => {
                let mut values = fields
                    .values()
                    .chain(req_info.iter().flat_map(|map| map.values()));
                values.any(|value| self.is_in(value))
            }
        }
    }

    fn is_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.numbers.contains(text.as_str()),
            Value::Array(items) => items.iter().any(|item| self.is_in(item)),
            Value::Object(map) => map.values().any(|value| self.is_in(value)),
            _ => false,
        }
    }
}

/// Returns each state with the one before.
fn steps(past: &[Past]) -> impl Iterator<Item = (Option<&str>, &Past)> {
    let before = past.iter().map(|past| Some(&*past.state));
    [None].into_iter().chain(before).zip(past)
}
