//! What a customer does on a phone, and what came of an order.

use crate::sandbox::handle::Sandbox;
use crate::{
    error::Result,
    sandbox::{
        dispatch::refusal::Refusal,
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
    /// Pays an order as the user: a transaction (by its `out_trade_no`), a combined order (by its
    /// `combine_out_trade_no`) or a completed service order (by its `out_order_no`). If a merchant has the same
    /// number for several of them, the first kind in this list is meant. The merchant gets the money and is
    /// notified.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// client.chain("v3/pay/transactions/native").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "mchid": sandbox.mchid(),
    ///     "description": "Tea",
    ///     "out_trade_no": "tea-0001",
    ///     "notify_url": "https://example.com/notify",
    ///     "amount": { "total": 100 },
    /// }}))?;
    ///
    /// sandbox.user_pays("tea-0001")?;
    /// assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("SUCCESS"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such order, if several merchants have one, or if its state does not allow
    /// it.
    pub fn user_pays(&self, order_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        self.check_may_act()?;
        let mut world = self.state.world();
        let mchid = self.only_merchant(&world, "order", order_no, |store| {
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
            service_order::pay(&mut world, &mchid, order_no, now).map_err(Refusal::into_error)?;
        }
        Ok(())
    }

    /// Returns the state of an order, by the merchant's number. Returns `None` if there is no such order, or if
    /// several merchants have one.
    ///
    /// A transaction or a combined order is in `NOTPAY`, `USERPAYING`, `SUCCESS`, `REFUND`, `CLOSED`,
    /// `REVOKED` or `PAYERROR`, or in `ACCEPT`, in which a deduction waits. A service order is in `CREATED`,
    /// `DOING/USER_CONFIRM`, `DOING/MCH_COMPLETE`, `DONE`, `REVOKED` or `EXPIRED`.
    pub fn order_state(&self, order_no: &str) -> Option<String> {
        let world = self.state.world();
        let mchid = self
            .only_merchant(&world, "order", order_no, |store| {
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
        let order = store.service_orders.orders.get(order_no)?;
        Some(order.state())
    }
}

fn has_order(store: &Store, order_no: &str) -> bool {
    store.pay.transactions.get(order_no).is_some()
        || store.combine.orders.get(order_no).is_some()
        || store.service_orders.orders.get(order_no).is_some()
}
