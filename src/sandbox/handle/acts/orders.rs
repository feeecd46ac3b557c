//! The orders that a sandbox has, as a test lists them.

use crate::sandbox::handle::Sandbox;
use crate::sandbox::state::world::{Store, World};

/// An order of a merchant's: see [`Sandbox::orders`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSummary {
    mchid: String,
    number: String,
    kind: OrderKind,
    state: String,
    total: Option<u64>,
}

/// What kind of order it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrderKind {
    /// A payment of any product. The parts of a combined order are payments, too.
    Payment,
    /// A combined order.
    Combined,
    /// A service order of pay-score.
    Service,
}

impl OrderKind {
    /// Returns the kind of the order of this number: the first that the merchant has.
    pub(in crate::sandbox) fn of(store: &Store, number: &str) -> Option<Self> {
        if store.pay.transactions.get(number).is_some() {
            Some(Self::Payment)
        } else if store.combine.orders.get(number).is_some() {
            Some(Self::Combined)
        } else {
            let order = store.service_orders.orders.get(number);
            order.map(|_| Self::Service)
        }
    }

    /// Returns the name in what the endpoints return.
    pub(in crate::sandbox) fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Combined => "combined",
            Self::Service => "service",
        }
    }
}

impl OrderSummary {
    /// Returns the merchant whose order it is: of a service provider's, the sub-merchant.
    pub fn mchid(&self) -> &str {
        &self.mchid
    }

    /// Returns the merchant's number: `out_trade_no`, `combine_out_trade_no` or `out_order_no`.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Returns the kind of order.
    pub fn kind(&self) -> OrderKind {
        self.kind
    }

    /// Returns the state, as [`order_state`](Sandbox::order_state) does.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Returns the total in fen, or `None` for a service order: its total is known at its end.
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

impl Sandbox {
    /// Returns the orders of all merchants, by merchant ID: payments, combined orders and service orders,
    /// each oldest first. The sandbox keeps the latest 10,000 of each kind and merchant.
    pub fn orders(&self) -> Vec<OrderSummary> {
        let world = self.state.world();
        let mchids = world.stores.keys().filter(|mchid| self.is_meant(mchid));
        mchids.flat_map(|mchid| of(&world, mchid)).collect()
    }
}

fn of(world: &World, mchid: &str) -> Vec<OrderSummary> {
    let Some(store) = world.stores.get(mchid) else {
        return Vec::new();
    };
    let summary = |number: &str, kind, state: &str, total| OrderSummary {
        mchid: mchid.to_owned(),
        number: number.to_owned(),
        kind,
        state: state.to_owned(),
        total,
    };
    let payments = store.pay.transactions.iter().map(|order| {
        let (state, total) = (order.trade_state(), order.asked.total);
        summary(order.out_trade_no(), OrderKind::Payment, state, Some(total))
    });
    let combined = store.combine.orders.iter().map(|order| {
        let (state, total) = (order.trade_state(world), order.total(world));
        summary(&order.number, OrderKind::Combined, state, Some(total))
    });
    let services = store.service_orders.orders.iter().map(|order| {
        let number = order.out_order_no();
        summary(number, OrderKind::Service, &order.state(), None)
    });
    payments.chain(combined).chain(services).collect()
}
