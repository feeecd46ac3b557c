//! What the lists are of.

use std::borrow::Cow;

use crate::sandbox::{
    OrderKind, Sandbox,
    flows::{
        agreements::service_order::ServiceOrder,
        payments::{combine::CombinedOrder, pay::order::Order, refund::Refund},
        payouts::transfer::Bill,
    },
    state::world::{Store, World},
};

/// One of a list.
#[derive(Clone, Copy)]
pub(in super::super) enum Item<'a> {
    Payment(&'a Order),
    Combined(&'a CombinedOrder),
    Service(&'a ServiceOrder),
    Refund(&'a Refund),
    Transfer(&'a Bill),
}

/// An item with the merchant whose store has it.
pub(super) type Owned<'a> = (&'a str, Item<'a>);

impl<'a> Item<'a> {
    /// Returns the order of this kind and number.
    pub(super) fn order(store: &'a Store, kind: OrderKind, number: &str) -> Option<Self> {
        match kind {
            OrderKind::Payment => store.pay.transactions.get(number).map(Self::Payment),
            OrderKind::Combined => store.combine.orders.get(number).map(Self::Combined),
            OrderKind::Service => store.service_orders.orders.get(number).map(Self::Service),
        }
    }

    /// Returns the kind, if it is an order.
    pub(super) fn order_kind(self) -> Option<OrderKind> {
        match self {
            Self::Payment(_) => Some(OrderKind::Payment),
            Self::Combined(_) => Some(OrderKind::Combined),
            Self::Service(_) => Some(OrderKind::Service),
            Self::Refund(_) | Self::Transfer(_) => None,
        }
    }

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Refund(_) => "refund",
            Self::Transfer(_) => "transfer",
            order => order.order_kind().map_or("", OrderKind::name),
        }
    }

    /// Returns the merchant's number.
    pub(super) fn number(self) -> &'a str {
        match self {
            Self::Payment(order) => order.out_trade_no(),
            Self::Combined(order) => &order.number,
            Self::Service(order) => order.out_order_no(),
            Self::Refund(refund) => &refund.asked.out_refund_no,
            Self::Transfer(bill) => &bill.new.out_bill_no,
        }
    }

    /// Returns the state as the API names it.
    pub(super) fn state(self, world: &World) -> Cow<'static, str> {
        match self {
            Self::Payment(order) => order.trade_state().into(),
            Self::Combined(order) => order.trade_state(world).into(),
            Self::Service(order) => order.state().into(),
            Self::Refund(refund) => refund.status.as_str().into(),
            Self::Transfer(bill) => bill.state().into(),
        }
    }

    pub(super) fn created_at(self, world: &World) -> u64 {
        match self {
            Self::Payment(order) => order.created_at,
            // Its parts were made with it.
            Self::Combined(order) => order.orders(world).next().map_or(0, |part| part.created_at),
            Self::Service(order) => order.created_at(),
            Self::Refund(refund) => refund.created_at,
            Self::Transfer(bill) => bill.created_at,
        }
    }

    /// Returns what names it among all: a number alone is each merchant's and each kind's own.
    pub(super) fn id(self, mchid: &str) -> String {
        format!("{mchid}/{}/{}", self.kind(), self.number())
    }
}

/// Returns the payments, combined orders and service orders of a merchant.
pub(in super::super) fn orders(store: &Store) -> Vec<Item<'_>> {
    let payments = store.pay.transactions.iter().map(Item::Payment);
    let combined = store.combine.orders.iter().map(Item::Combined);
    let services = store.service_orders.orders.iter().map(Item::Service);
    payments.chain(combined).chain(services).collect()
}

pub(in super::super) fn service_orders(store: &Store) -> Vec<Item<'_>> {
    let orders = store.service_orders.orders.iter();
    orders.map(Item::Service).collect()
}

pub(in super::super) fn refunds(store: &Store) -> Vec<Item<'_>> {
    store.refund.refunds.iter().map(Item::Refund).collect()
}

pub(in super::super) fn transfers(store: &Store) -> Vec<Item<'_>> {
    store.transfer.bills.iter().map(Item::Transfer).collect()
}

/// Returns the items of all merchants that the handle is about, oldest first.
pub(super) fn all<'a>(
    sandbox: &Sandbox,
    world: &'a World,
    items: fn(&'a Store) -> Vec<Item<'a>>,
) -> Vec<Owned<'a>> {
    let stores = world.stores.iter();
    let stores = stores.filter(|(mchid, _)| sandbox.is_meant(mchid));
    let of_store = |(mchid, store): (&'a String, &'a Store)| {
        let items = items(store).into_iter();
        items.map(|item| (mchid.as_str(), item))
    };
    let mut all: Vec<_> = stores.flat_map(of_store).collect();
    all.sort_by_key(|(_, item)| item.created_at(world));
    all
}
