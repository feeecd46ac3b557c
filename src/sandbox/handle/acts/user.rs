//! What a customer does on a phone, and what came of an order.

use super::only_merchant;
use crate::sandbox::handle::Sandbox;
use crate::{
    error::{Cause, Error, Result},
    sandbox::{
        dispatch::{refusal::Refusal, response::ApiResponse},
        flows::{
            agreements::service_order,
            payments::{
                combine,
                pay::engine::{self, Payer},
            },
        },
        state::world::Store,
    },
};

impl Sandbox {
    /// Confirms a service order as the user: `CREATED` becomes `DOING/USER_CONFIRM`. The merchant is notified.
    ///
    /// # Errors
    /// Returns an error if there is no such order or its state does not allow it.
    pub fn user_confirms(&self, out_order_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        let mut world = self.state.world();
        let has_order = |store: &Store| store.service_orders.orders.get(out_order_no).is_some();
        let mchid = only_merchant(&world, "service order", out_order_no, has_order)?;
        service_order::confirm(&mut world, &mchid, out_order_no, now)
            .map_err(|response| refusal(&response))?;
        Ok(())
    }

    /// Pays an order as the user: a transaction (by its `out_trade_no`), a combined order (by its
    /// `combine_out_trade_no`) or a completed service order (by its `out_order_no`). If several have this
    /// number, the first of these is paid. The merchant gets the money and is notified.
    ///
    /// # Errors
    /// Returns an error if there is no such order or its state does not allow it.
    pub fn user_pays(&self, order_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        let mut world = self.state.world();
        let mchid = only_merchant(&world, "order", order_no, |store| {
            has_order(store, order_no)
        })?;
        let store = world.store(&mchid);
        if store.pay.transactions.get(order_no).is_some() {
            engine::pay(&mut world, &mchid, order_no, Payer::default(), now)
                .map_err(Refusal::into_error)?;
        } else if store.combine.orders.get(order_no).is_some() {
            combine::pay(&mut world, &mchid, order_no, &Payer::default(), now)
                .map_err(Refusal::into_error)?;
        } else {
            service_order::pay(&mut world, &mchid, order_no, now)
                .map_err(|response| refusal(&response))?;
        }
        Ok(())
    }

    /// Returns the state of an order, by the merchant's number. Returns `None` if there is no such order.
    ///
    /// A transaction or a combined order is in `NOTPAY`, `USERPAYING`, `SUCCESS`, `REFUND`, `CLOSED`,
    /// `REVOKED` or `PAYERROR`, or in `ACCEPT`, in which a deduction waits. A service order is in `CREATED`, `DOING/USER_CONFIRM`,
    /// `DOING/MCH_COMPLETE`, `DONE`, `REVOKED` or `EXPIRED`.
    pub fn order_state(&self, order_no: &str) -> Option<String> {
        let mut world = self.state.world();
        let mchid = only_merchant(&world, "order", order_no, |store| {
            has_order(store, order_no)
        })
        .ok()?;
        let store = world.stores.get(&mchid)?;
        if let Some(transaction) = store.pay.transactions.get(order_no) {
            return Some(transaction.trade_state().to_owned());
        }
        if let Some(combined) = store.combine.orders.get(order_no) {
            return Some(combined.trade_state(&world).to_owned());
        }
        let store = world.store(&mchid);
        let order = store.service_orders.orders.get_mut(order_no)?;
        order.apply_expiry(self.state.clock.now());
        Some(order.state())
    }

    /// Returns the `query_id` of a service order, which the confirmation page passes to the
    /// merchant's own page. Returns `None` if there is no such order.
    pub fn query_id(&self, out_order_no: &str) -> Option<String> {
        let world = self.state.world();
        let mut stores = world.stores.values();
        let order = stores.find_map(|store| store.service_orders.orders.get(out_order_no))?;
        Some(order.query_id().to_owned())
    }
}

fn has_order(store: &Store, order_no: &str) -> bool {
    store.pay.transactions.get(order_no).is_some()
        || store.combine.orders.get(order_no).is_some()
        || store.service_orders.orders.get(order_no).is_some()
}

/// Returns the response that a merchant would have received as an error of the handle.
// The orders know one kind of refusal, for both: the rules are the same whether a request or the
// user breaks them.
fn refusal(response: &ApiResponse) -> Error {
    let body = response.body_json();
    let text = |name: &str| body.get(name).and_then(|text| text.as_str()).unwrap_or("");
    let message = format!(
        "{} {}: {}",
        response.status().as_u16(),
        text("code"),
        text("message")
    );
    Cause::request(message).not_sent()
}
