//! A page of a list.

use serde_json::Value;

use super::{
    can,
    item::{Item, all},
    row::{row, service_row},
};
use crate::sandbox::{
    control::{call::Call, routes::page},
    dispatch::response::{ApiResponse, HandlerResult},
    state::world::Store,
};

/// The fields that `?text=` is looked for in.
const TEXTS: [&str; 9] = [
    "number",
    "description",
    "openid",
    "transaction_id",
    "order",
    "refund_id",
    "order_id",
    "transfer_bill_no",
    "reason",
];

/// Answers with a page of the items of all merchants that are meant, as far as the query allows.
pub(in super::super) fn list(
    call: &Call<'_>,
    items: for<'a> fn(&'a Store) -> Vec<Item<'a>>,
    is_service: bool,
) -> HandlerResult {
    let now = call.state.clock.now();
    let world = &*call.state.world();
    let show = |mchid: &str, item: Item<'_>| match item {
        Item::Service(order) if is_service => service_row(world, mchid, order, now),
        item => row(world, mchid, item, now),
    };
    let all = all(&call.sandbox, world, items);
    let wanted = Wanted::of(call);
    let acts = |mchid: &str, item: Item<'_>| match item {
        Item::Service(order) if is_service => can::service_acts(order),
        item => can::acts(world, mchid, item, now),
    };
    // Rows are made last: a page of 10,000 orders asks for those that can be paid with each event.
    let is_wanted = |(_, (mchid, item)): &(usize, (&str, Item<'_>))| {
        wanted.has_state(&item.state(world))
            && wanted.has_act(|| acts(mchid, *item))
            && wanted.has_text(|| show(mchid, *item))
    };
    let items: Vec<_> = all.iter().copied().enumerate().filter(is_wanted).collect();
    // Found among all: the state of an order may have changed since it was on a page.
    let behind = |after: &str| {
        let at = all.iter().position(|(mchid, item)| item.id(mchid) == after);
        match at {
            Some(at) => Ok(items.partition_point(|(index, _)| *index <= at)),
            None => Err(ApiResponse::bad_parameter(&format!(
                "invalid after {after:.128}: the sandbox has no such id, or no longer"
            ))),
        }
    };
    page(call, &items, behind, |(_, (mchid, item))| {
        show(mchid, *item)
    })
}

/// What the query asks for.
struct Wanted<'a> {
    states: Option<Vec<&'a str>>,
    act: Option<&'a str>,
    text: Option<String>,
}

impl<'a> Wanted<'a> {
    fn of(call: &'a Call<'_>) -> Self {
        Self {
            states: call
                .query("state")
                .map(|states| states.split(',').collect()),
            act: call.query("can"),
            text: call.query("text").map(str::to_lowercase),
        }
    }

    fn has_state(&self, state: &str) -> bool {
        let states = self.states.as_ref();
        states.is_none_or(|states| states.contains(&state))
    }

    fn has_act(&self, acts: impl FnOnce() -> Vec<&'static str>) -> bool {
        self.act.is_none_or(|act| acts().contains(&act))
    }

    fn has_text(&self, row: impl FnOnce() -> Value) -> bool {
        self.text.as_ref().is_none_or(|text| {
            let row = row();
            let mut texts = TEXTS.iter().filter_map(|name| row[*name].as_str());
            texts.any(|own| own.to_lowercase().contains(text))
        })
    }
}
