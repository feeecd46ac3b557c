//! Payment orders of all products, direct and through a service provider.

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

use crate::sandbox::state::{StateKind, bounded_map::BoundedMap, changes::Stateful};

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

#[cfg(test)]
pub(crate) mod tests;
