//! Payment orders of all products, direct and through a service provider.

pub(crate) mod engine;
pub(crate) mod notice;
pub(crate) mod order;
pub(crate) mod read;
pub(crate) mod refusals;
mod routes;
mod view;

pub(crate) use order::Version;
pub(crate) use routes::ROUTES;

use order::Order;

use crate::sandbox::state::bounded_map::BoundedMap;

/// How many orders of a merchant are kept.
const MAX_ORDERS: usize = 10_000;

/// The orders of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_trade_no`.
    pub(crate) transactions: BoundedMap<Order>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            transactions: BoundedMap::new(MAX_ORDERS),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
