//! The operations that the sandbox implements with states, one room per purpose, one module per flow.
//!
//! In a flow with orders, `mod.rs` has the order with its states and rules, and `routes.rs` has the
//! operations that read and change it. The rules know nothing of paths or locks, so the tests beside
//! them run without a server.

pub(super) mod agreements;
pub(super) mod files;
pub(super) mod marketing;
pub(super) mod merchants;
pub(super) mod payments;
pub(super) mod payouts;
pub(super) mod platform;
pub(super) mod v2;

use std::{collections::HashMap, sync::OnceLock};

use crate::catalog::{self, Operation};
use crate::sandbox::{
    dispatch::{request::Ctx, response::HandlerResult},
    v2::{V2Ctx, V2Result},
};

/// What answers an operation.
// A function of its request, without `async`: the state is behind a lock, and nothing waits.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    V3(fn(&Ctx<'_>) -> HandlerResult),
    V2(fn(&V2Ctx<'_>) -> V2Result),
}

/// An operation with its handler.
pub(crate) struct Route {
    /// The operation as the catalogue writes it: `POST v3/pay/transactions/native`.
    pub(crate) op: &'static str,
    pub(crate) handler: Handler,
    pub(crate) rules: Rules,
}

/// Who checks the fields of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// The pipeline checks them against the table, before the handler.
    Documented,
    /// The handler alone: the table is the union of several pages, which the flow tells apart.
    Own,
}

pub(crate) const fn v3(op: &'static str, handler: fn(&Ctx<'_>) -> HandlerResult) -> Route {
    Route {
        op,
        handler: Handler::V3(handler),
        rules: Rules::Documented,
    }
}

pub(crate) const fn v2(op: &'static str, handler: fn(&V2Ctx<'_>) -> V2Result) -> Route {
    Route {
        op,
        handler: Handler::V2(handler),
        rules: Rules::Documented,
    }
}

impl Route {
    /// Leaves the fields to the handler.
    pub(crate) const fn own_rules(mut self) -> Self {
        self.rules = Rules::Own;
        self
    }
}

/// Returns the route of an operation, if it has a flow.
pub(crate) fn find(op: &Operation) -> Option<&'static Route> {
    static ROUTES: OnceLock<HashMap<Operation, &'static Route>> = OnceLock::new();
    let routes = ROUTES.get_or_init(|| {
        let named: HashMap<_, _> = all().map(|route| (route.op, route)).collect();
        catalog::all()
            .iter()
            .filter_map(|op| Some((*op, *named.get(op.to_string().as_str())?)))
            .collect()
    });
    routes.get(op).copied()
}

fn all() -> impl Iterator<Item = &'static Route> {
    let rooms: [&[&[Route]]; 8] = [
        agreements::ROUTES,
        files::ROUTES,
        marketing::ROUTES,
        merchants::ROUTES,
        payments::ROUTES,
        payouts::ROUTES,
        platform::ROUTES,
        &[v2::ROUTES],
    ];
    rooms.into_iter().flatten().copied().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::Method;

    use super::*;

    #[test]
    fn routes_are_documented_operations_and_each_has_one_handler() {
        let documented: BTreeSet<_> = catalog::all().iter().map(|op| op.to_string()).collect();
        let mut seen = BTreeSet::new();
        for route in all() {
            assert!(
                documented.contains(route.op),
                "{} is not documented",
                route.op
            );
            assert!(seen.insert(route.op), "{} has two handlers", route.op);
            let is_v2 = matches!(route.handler, Handler::V2(_));
            assert_eq!(route.op.contains(" v2/"), is_v2, "{}", route.op);
        }
        let native = catalog::find(&Method::POST, "v3/pay/transactions/native").unwrap();
        assert_eq!(find(native).unwrap().op, native.to_string());
    }
}
