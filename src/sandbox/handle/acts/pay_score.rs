//! What a user does with service orders, and with the permission for a service.

use crate::sandbox::handle::Sandbox;
use crate::{
    error::Result,
    sandbox::{flows::agreements::service_order, state::world::Store},
};

impl Sandbox {
    /// Confirms a service order as the user: `CREATED` becomes `DOING/USER_CONFIRM`. The merchant is notified.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// client.chain("v3/payscore/serviceorder").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "service_id": "500001",
    ///     "out_order_no": "bike-0001",
    ///     "service_introduction": "Bike",
    ///     "time_range": { "start_time": "OnAccept" },
    ///     "risk_fund": { "name": "DEPOSIT", "amount": 10_000 },
    ///     "notify_url": "https://example.com/notify",
    /// }}))?;
    /// sandbox.user_confirms("bike-0001")?;
    ///
    /// client.chain("v3/payscore/serviceorder/{out_order_no}/complete").post(json!({
    ///     "out_order_no": "bike-0001",
    ///     "json": {
    ///         "appid": sandbox.appid(),
    ///         "service_id": "500001",
    ///         "post_payments": [{ "name": "Ride", "amount": 350 }],
    ///         "total_amount": 350,
    ///     },
    /// }))?;
    /// sandbox.user_pays("bike-0001")?;
    /// assert_eq!(sandbox.order_state("bike-0001").as_deref(), Some("DONE"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such order or its state does not allow it.
    pub fn user_confirms(&self, out_order_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        let has_order = |store: &Store| store.service_orders.orders.get(out_order_no).is_some();
        self.change("service order", out_order_no, has_order, |world, mchid| {
            service_order::confirm(world, mchid, out_order_no, now)
        })
    }

    /// Pays a completed service order as the user, also if a payment has the same number.
    pub(in crate::sandbox) fn user_pays_service_order(&self, out_order_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        let has_order = |store: &Store| store.service_orders.orders.get(out_order_no).is_some();
        self.change("service order", out_order_no, has_order, |world, mchid| {
            service_order::pay(world, mchid, out_order_no, now)
        })
    }

    /// Expires a service order that the user has not confirmed, also if a payment has the same number.
    pub(in crate::sandbox) fn service_order_expires(&self, out_order_no: &str) -> Result<()> {
        let has_order = |store: &Store| store.service_orders.orders.get(out_order_no).is_some();
        self.change("service order", out_order_no, has_order, |world, mchid| {
            service_order::expire(world, mchid, out_order_no)
        })
    }

    /// Opens a pay-score service as a user, on the page of a pre-authorization: `UNBINDUSER` or `UNAVAILABLE`
    /// becomes `AVAILABLE`. The merchant is notified, and learns the `openid`.
    ///
    /// The page opens for an hour. A user who closed the service opens it again after another
    /// pre-authorization.
    ///
    /// ```
    /// use wechatpay_chain::{Value, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// client.chain("v3/payscore/permissions").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "service_id": "500001",
    ///     "authorization_code": "member-0001",
    ///     "notify_url": "https://example.com/notify",
    /// }}))?;
    ///
    /// sandbox.user_opens_permission("member-0001")?;
    ///
    /// let query = "v3/payscore/permissions/authorization-code/{authorization_code}";
    /// let permission: Value = client.chain(query).get(json!({
    ///     "authorization_code": "member-0001",
    ///     "query": { "service_id": "500001" },
    /// }))?.json()?;
    /// assert_eq!(permission["authorization_state"], "AVAILABLE");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such permission, if it is open, and if the page no longer opens.
    pub fn user_opens_permission(&self, authorization_code: &str) -> Result<()> {
        let now = self.state.clock.now();
        let has_it = has_permission(authorization_code);
        self.change("permission", authorization_code, has_it, |world, mchid| {
            service_order::open_permission(world, mchid, authorization_code, now)
        })
    }

    /// Closes a pay-score service as its user: `AVAILABLE` becomes `UNAVAILABLE`. The merchant is notified.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// client.chain("v3/payscore/permissions").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "service_id": "500001",
    ///     "authorization_code": "member-0001",
    ///     "notify_url": "https://example.com/notify",
    /// }}))?;
    /// sandbox.user_opens_permission("member-0001")?;
    ///
    /// sandbox.user_closes_permission("member-0001")?;
    ///
    /// let events = sandbox.deliveries();
    /// assert_eq!(events[1].event_type(), "PAYSCORE.USER_CLOSE_SERVICE");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such permission or it is not open.
    pub fn user_closes_permission(&self, authorization_code: &str) -> Result<()> {
        let now = self.state.clock.now();
        let has_it = has_permission(authorization_code);
        self.change("permission", authorization_code, has_it, |world, mchid| {
            service_order::close_permission(world, mchid, authorization_code, now)
        })
    }

    /// Returns the `query_id` of a service order, which the confirmation page passes to the
    /// merchant's own page. Returns `None` if there is no such order, or if several merchants have one.
    pub fn query_id(&self, out_order_no: &str) -> Option<String> {
        let world = self.state.world();
        let has_order = |store: &Store| store.service_orders.orders.get(out_order_no).is_some();
        let mchid = self
            .only_merchant(&world, "service order", out_order_no, has_order)
            .ok()?;
        let order = world
            .stores
            .get(&mchid)?
            .service_orders
            .orders
            .get(out_order_no)?;
        Some(order.query_id().to_owned())
    }
}

fn has_permission(authorization_code: &str) -> impl Fn(&Store) -> bool {
    move |store| {
        let permissions = &store.service_orders.permissions;
        permissions.get(authorization_code).is_some()
    }
}
