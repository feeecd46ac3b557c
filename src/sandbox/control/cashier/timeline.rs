//! What happened to an order, in its order: requests, states, refunds, notifications and their attempts.

use std::collections::{BTreeSet, HashSet};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::item::Item;
use crate::sandbox::{
    RecordedRequest, StateKind,
    checks::merchant::Acting,
    control::{
        inspect::{brief, mchid},
        view,
    },
    flows::payments::{
        pay::order::Order,
        refund::{Refund, refunds_of},
    },
    outbox::{Content, Notice},
    state::{SandboxState, changes::Past, world::World},
};

/// How many entries a timeline has. Of more, the oldest are left out.
const MAX_ENTRIES: usize = 1_000;
/// How many of them are requests.
// Otherwise, a merchant that queries for hours would leave no room for the payment.
const MAX_REQUESTS: usize = 500;
/// How much of a request's body is searched for numbers.
const MAX_SEARCHED: usize = 64 << 10;

/// The entries so far, and what a request or a notification must name to be one.
#[derive(Default)]
pub(super) struct Timeline {
    entries: Vec<Entry>,
    numbers: HashSet<String>,
    /// The merchants that sign for the order.
    mchids: BTreeSet<String>,
}

/// What is shown, when it was, and its place among those of the same millisecond.
type Entry = (u64, Rank, Value);

/// What causes comes before what it causes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Request,
    State,
    Refund,
    Delivery,
    Attempt,
}

impl Timeline {
    /// Returns what the world knows: all but the requests.
    pub(super) fn of(world: &World, mchid: &str, item: Item<'_>, now: u64) -> Self {
        let mut timeline = Self::default();
        timeline.add_merchants(mchid, None);
        timeline.number(Some(item.number()));
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

    /// Adds the requests of the log, and returns the entries, oldest first, with how many were left out.
    // The log has its own lock: the world must not be locked.
    pub(super) fn finish(mut self, state: &SandboxState) -> (Value, usize) {
        let mut requests = state.requests().all();
        requests.retain(|request| self.is_about(request));
        let too_old = requests.len().saturating_sub(MAX_REQUESTS);
        for request in requests.iter().skip(too_old) {
            let mut shown = brief(request);
            shown["kind"] = "request".into();
            shown["at_ms"] = request.clock_at().into();
            self.entries
                .push((request.clock_at(), Rank::Request, shown));
        }
        self.entries.sort_by_key(|(at, rank, _)| (*at, *rank));
        let too_many = self.entries.len().saturating_sub(MAX_ENTRIES);
        let entries = self.entries.into_iter().skip(too_many);
        let entries = entries.map(|(_, _, shown)| shown).collect();
        (entries, too_old + too_many)
    }

    fn number(&mut self, number: Option<&str>) {
        // An order that nothing opens has an empty `prepay_id`.
        let number = number.filter(|number| !number.is_empty());
        self.numbers.extend(number.map(str::to_owned));
    }

    fn add_merchants(&mut self, mchid: &str, acting: Option<&Acting>) {
        self.mchids.insert(mchid.to_owned());
        self.mchids
            .extend(acting.and_then(|acting| acting.sp_mchid.clone()));
    }

    fn add_payment(&mut self, world: &World, order: &Order) {
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
                let mut shown = view::brief_attempt(attempt);
                shown["kind"] = "attempt".into();
                shown["at_ms"] = at_ms.into();
                shown["id"] = id.into();
                shown["attempt"] = index.into();
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

    /// Returns whether a request names one of the numbers, in its target or its body.
    fn is_about(&self, request: &RecordedRequest) -> bool {
        let target: Vec<u8> = percent_decode_str(request.target()).collect();
        let body = request.body();
        let body = body.get(..MAX_SEARCHED).unwrap_or(body);
        let is_named = [&target, body]
            .into_iter()
            .any(|text| self.has_number(text));
        // Another merchant may have the same number. What cannot be read names nobody.
        is_named && mchid(request).is_none_or(|mchid| self.mchids.contains(&*mchid))
    }

    fn has_number(&self, text: &[u8]) -> bool {
        let is_end = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"_-|*@".contains(byte);
        let mut words = text
            .split(is_end)
            .filter_map(|word| std::str::from_utf8(word).ok());
        words.any(|word| self.numbers.contains(word))
    }
}

/// Returns each state with the one before.
fn steps(past: &[Past]) -> impl Iterator<Item = (Option<&str>, &Past)> {
    let before = past.iter().map(|past| Some(&*past.state));
    [None].into_iter().chain(before).zip(past)
}
