//! The merchant's orders and bills.

use super::bounded_map::BoundedMap;
use crate::sandbox::flows::{
    bill::BillFile, service_order::ServiceOrder, transaction::Transaction,
};

/// How many orders of each kind are kept.
const MAX_ORDERS: usize = 10_000;
/// How many bill files are kept.
const MAX_BILLS: usize = 100;

/// The orders and bills of the sandbox.
// One lock covers all of them, so that a change to several is seen as a whole or not at all.
pub(crate) struct Ledger {
    /// By `out_order_no`.
    pub(crate) service_orders: BoundedMap<ServiceOrder>,
    /// By `out_trade_no`.
    pub(crate) transactions: BoundedMap<Transaction>,
    /// By the token in their download URL.
    pub(crate) bills: BoundedMap<BillFile>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            service_orders: BoundedMap::new(MAX_ORDERS),
            transactions: BoundedMap::new(MAX_ORDERS),
            bills: BoundedMap::new(MAX_BILLS),
        }
    }
}
