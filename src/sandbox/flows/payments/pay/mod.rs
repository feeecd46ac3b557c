//! Payment orders of all products, direct and through a service provider.

pub(crate) mod codes;
pub(crate) mod discount;
pub(crate) mod engine;
pub(crate) mod notice;
pub(crate) mod order;
pub(crate) mod read;
pub(crate) mod refusals;
mod routes;
mod view;

pub(crate) use order::Version;
pub(crate) use routes::ROUTES;

use std::borrow::Cow;

use order::Order;

use crate::sandbox::{
    dispatch::refusal::Refusal,
    state::{StateKind, bounded_map::BoundedMap, changes::Stateful},
};

/// How many orders of a merchant are kept.
const MAX_ORDERS: usize = 10_000;

impl Stateful for Order {
    const KIND: StateKind = StateKind::Payment;

    fn state_name(&self) -> Cow<'static, str> {
        self.trade_state().into()
    }
}

/// The orders of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_trade_no`.
    pub(crate) transactions: BoundedMap<Order>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            transactions: BoundedMap::watched(MAX_ORDERS),
        }
    }
}

impl Tables {
    /// Returns the order with this number, of either version of the API.
    pub(crate) fn order(&self, out_trade_no: &str) -> Result<&Order, Refusal> {
        let order = self.transactions.get(out_trade_no);
        order.ok_or_else(refusals::not_found)
    }

    /// Like [`order`](Self::order), to change it.
    pub(crate) fn order_mut(&mut self, out_trade_no: &str) -> Result<&mut Order, Refusal> {
        let order = self.transactions.get_mut(out_trade_no);
        order.ok_or_else(refusals::not_found)
    }
}

#[cfg(test)]
pub(crate) mod tests;
