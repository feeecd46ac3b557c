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
        handle::acts::orders::OrderKind,
        state::world::{Store, World},
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
        self.change_order(order_no, |world, mchid, kind| match kind {
            OrderKind::Payment => engine::pay(world, mchid, order_no, Payer::default(), now),
            OrderKind::Combined => combine::pay(world, mchid, order_no, &Payer::default(), now),
            OrderKind::Service => service_order::pay(world, mchid, order_no, now),
        })
    }

    /// Ends the time in which the user can pay an order, or confirm a service order, for good. The number is
    /// found as [`user_pays`](Self::user_pays) finds it.
    ///
    /// A payment or a combined order is then as after its `time_expire`: it stays `NOTPAY` until the merchant
    /// closes it, nobody can pay it, and the same request again gets no new codes. A service order in `CREATED`
    /// becomes `EXPIRED`, as after 30 days.
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
    /// sandbox.order_expires("tea-0001")?;
    /// assert!(sandbox.user_pays("tea-0001").is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such order, if several merchants have one, if it does not wait for the
    /// user, if it has expired, or if it is a code payment, a deduction or part of a combined order.
    pub fn order_expires(&self, order_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        self.change_order(order_no, |world, mchid, kind| match kind {
            OrderKind::Payment => engine::expire(world, mchid, order_no, now),
            OrderKind::Combined => combine::expire(world, mchid, order_no, now),
            OrderKind::Service => service_order::expire(world, mchid, order_no),
        })
    }

    /// Returns the state of an order, by the merchant's number. Returns `None` if there is no such order, or if
    /// several merchants have one.
    ///
    /// A transaction or a combined order is in `NOTPAY`, `USERPAYING`, `SUCCESS`, `REFUND`, `CLOSED`,
    /// `REVOKED` or `PAYERROR`, or in `ACCEPT`, in which a deduction waits. A service order is in `CREATED`,
    /// `DOING/USER_CONFIRM`, `DOING/MCH_COMPLETE`, `DONE`, `REVOKED` or `EXPIRED`.
    pub fn order_state(&self, order_no: &str) -> Option<String> {
        let world = self.state.world();
        let (mchid, kind) = self.find_order(&world, order_no).ok()?;
        let store = world.stores.get(&mchid)?;
        Some(match kind {
            OrderKind::Payment => {
                let order = store.pay.transactions.get(order_no)?;
                order.trade_state().to_owned()
            }
            OrderKind::Combined => {
                let order = store.combine.orders.get(order_no)?;
                order.trade_state(&world).to_owned()
            }
            OrderKind::Service => store.service_orders.orders.get(order_no)?.state(),
        })
    }

    /// Returns the merchant that has this order, and its kind.
    ///
    /// # Errors
    /// Returns an error if no merchant has it, or if several have.
    pub(in crate::sandbox) fn find_order(
        &self,
        world: &World,
        order_no: &str,
    ) -> Result<(String, OrderKind)> {
        let kind = |store: &Store| OrderKind::of(store, order_no);
        let mchid = self.only_merchant(world, "order", order_no, |store| kind(store).is_some())?;
        let kind = world.stores.get(&mchid).and_then(kind);
        Ok((mchid, kind.unwrap_or(OrderKind::Payment)))
    }

    fn change_order(
        &self,
        order_no: &str,
        change: impl FnOnce(&mut World, &str, OrderKind) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        self.check_may_act()?;
        let mut world = self.state.world();
        let (mchid, kind) = self.find_order(&world, order_no)?;
        change(&mut world, &mchid, kind).map_err(Refusal::into_error)
    }
}
