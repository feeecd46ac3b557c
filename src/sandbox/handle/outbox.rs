//! Notifications: what was delivered, and how.

use std::sync::{Arc, mpsc};

use serde_json::Value;
use tokio::sync::oneshot;

use super::Sandbox;
use crate::{
    error::{Cause, Error, Result},
    sandbox::{
        dispatch::refusal::{Refusal, no_merchant},
        outbox::{self, Delivery, DeliveryFault, Release, Subscription},
        state::{SandboxState, merchant::Merchant},
    },
    wire::check_may_block,
};

impl Sandbox {
    /// Sends the first merchant a documented notification, by the name of its page or its event type. The
    /// required fields that `resource` lacks are filled in from the event's table.
    ///
    /// It goes to the URL that [`notify_url`](crate::sandbox::SandboxBuilder::notify_url) set for this event
    /// or for `*`, or to that of [`redirect_notifications`](Self::redirect_notifications). Both versions have
    /// a `TRANSACTION.SUCCESS`: `v2/TRANSACTION.SUCCESS` is that of APIv2. Fields that WeChat Pay encrypts
    /// are given in the clear.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// sandbox.redirect_notifications(Some("http://127.0.0.1:9/notify"))?;
    /// let delivery = sandbox.notify("REFUND.CLOSED", json!({ "out_refund_no": "tea-0001-1" }))?;
    /// assert_eq!(delivery.resource()["refund_status"], "CLOSED");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such event, if `resource` is not an object, or if no URL is set.
    pub fn notify(&self, event: &str, resource: impl Into<Value>) -> Result<Delivery> {
        let merchant = Arc::clone(&self.first);
        let url = match merchant.url_of(event) {
            Some(url) => url.to_owned(),
            None => self.redirected().ok_or_else(|| {
                refused(format!(
                    "no URL for the event {event:.64}: set one with notify_url of the builder or with \
                     redirect_notifications, or give it to notify_to"
                ))
            })?,
        };
        self.notify_merchant(&merchant, event, resource.into(), url)
    }

    /// Sends a merchant a documented notification at this URL, like [`notify`](Self::notify).
    ///
    /// # Errors
    /// Returns an error if there is no such merchant or event, or if `resource` is not an object.
    pub fn notify_to(
        &self,
        mchid: &str,
        event: &str,
        resource: impl Into<Value>,
        url: &str,
    ) -> Result<Delivery> {
        let merchant = self.state.merchants.get(mchid);
        let merchant = merchant.ok_or_else(|| no_merchant(mchid).into_error())?;
        self.notify_merchant(&merchant, event, resource.into(), url.to_owned())
    }

    /// Returns the notifications and their attempts so far, oldest first. The sandbox keeps the latest
    /// 10,000.
    ///
    /// A test of a handler needs no server: what was sent is kept, whether or not anybody listened.
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
    ///     "description": "A cup of tea",
    ///     "out_trade_no": "tea-0001",
    ///     "notify_url": "http://127.0.0.1:9/paid",
    ///     "amount": { "total": 100 },
    /// }}))?;
    /// sandbox.user_pays("tea-0001")?;
    /// sandbox.settle()?;
    ///
    /// let delivery = &sandbox.deliveries()[0];
    /// let sent = delivery.attempts()[0].sent_headers();
    /// let notification = client.notification(sent, delivery.body())?;
    /// assert_eq!(notification.resource_json()["out_trade_no"], "tea-0001");
    /// # Ok(())
    /// # }
    /// ```
    pub fn deliveries(&self) -> Vec<Delivery> {
        outbox::make_bodies(&self.state);
        let now = self.state.clock.now();
        self.state.world().outbox.views(now)
    }

    /// Returns a notification by its [ID](Delivery::id).
    pub fn delivery(&self, id: &str) -> Option<Delivery> {
        outbox::make_bodies(&self.state);
        let now = self.state.clock.now();
        self.state.world().outbox.view(id, now)
    }

    /// Sends a notification again, now and then by its schedule from the start, whatever came of it.
    ///
    /// # Errors
    /// Returns an error if there is no such notification.
    pub fn resend(&self, id: &str) -> Result<()> {
        let now = self.state.clock.now();
        self.change_outbox(id, |outbox| outbox.resend(id, now))
    }

    /// Sends a notification once more, at once and beside its schedule: the receiver may get both at the
    /// same time. A held one gets a copy that is held, too.
    ///
    /// # Errors
    /// Returns an error if there is no such notification.
    pub fn duplicate(&self, id: &str) -> Result<()> {
        self.change_outbox(id, |outbox| outbox.duplicate(id))
    }

    /// Holds notifications until [`release_deliveries`](Self::release_deliveries). Those on their way arrive.
    pub fn hold_deliveries(&self) {
        self.state.world().outbox.hold();
    }

    /// Returns whether notifications are held.
    pub fn holds_deliveries(&self) -> bool {
        self.state.world().outbox.is_held()
    }

    /// Sends the notifications that were held, one after another in this order.
    pub fn release_deliveries(&self, order: Release) {
        let now = self.state.clock.now();
        let mut world = self.state.world();
        let world_ref = &mut *world;
        world_ref.outbox.admit(now);
        world_ref.outbox.release(order, now, &mut world_ref.rng);
    }

    /// Adds a fault for the next notification. It is sent with the fault first, which the receiver must
    /// refuse, and then truly, whatever the receiver responded. Each fault is for one notification.
    pub fn inject_delivery(&self, fault: DeliveryFault) {
        self.state.world().outbox.add_fault(fault);
    }

    /// Sends all notifications to this URL, in place of their own. `None` ends that.
    ///
    /// # Errors
    /// Returns an error if the URL is not one of this machine, nor of a host that
    /// [`deliver_to`](crate::sandbox::SandboxBuilder::deliver_to) allows.
    pub fn redirect_notifications(&self, url: Option<&str>) -> Result<()> {
        self.redirect_from(None, url).map(drop)
    }

    /// Redirects the notifications, only if they are redirected to `from` so far if that is given. Returns where
    /// they were redirected to.
    pub(in crate::sandbox) fn redirect_from(
        &self,
        from: Option<&str>,
        url: Option<&str>,
    ) -> Result<Option<String>> {
        self.check_may_act()?;
        if let Some(url) = url {
            self.state.post.check(url).map_err(refused)?;
        }
        let mut world = self.state.world();
        let before = world.outbox.redirect().map(str::to_owned);
        if from.is_none() || from == before.as_deref() {
            world.outbox.redirect_to(url.map(str::to_owned));
        }
        Ok(before)
    }

    /// Waits until no notification is due or on its way. What the receiver refused is due later: first
    /// [`advance`](Self::advance).
    ///
    /// It blocks the thread, so the receiver must run on another: in async code, use
    /// [`settle_async`](Self::settle_async).
    ///
    /// # Errors
    /// Returns an error if it is called where blocking could deadlock.
    pub fn settle(&self) -> Result<()> {
        check_may_block().map_err(Cause::not_sent)?;
        let (done, settled) = mpsc::channel();
        let state = Arc::clone(&self.state);
        self.server()?.runtime().spawn(async move {
            wait_settled(&state).await;
            let _ = done.send(());
        });
        settled.recv().map_err(|_| ended())
    }

    /// The async form of [`settle`](Self::settle). It needs no runtime of a particular kind.
    ///
    /// # Errors
    /// Returns an error if the sandbox's server has ended.
    pub async fn settle_async(&self) -> Result<()> {
        let (done, settled) = oneshot::channel();
        let state = Arc::clone(&self.state);
        self.server()?.runtime().spawn(async move {
            wait_settled(&state).await;
            let _ = done.send(());
        });
        settled.await.map_err(|_| ended())
    }

    /// Returns the events from now on: requests, their responses, changes of states, and attempts to deliver
    /// notifications.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use wechatpay_chain::{json, sandbox::{Sandbox, SandboxEvent}};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let events = sandbox.subscribe();
    /// let client = sandbox.client_builder().build()?;
    /// let _ = client.chain("v3/security/echo").post(json!({ "json": { "mchid": "1" } }));
    ///
    /// let Some(SandboxEvent::Request(request)) = events.next_within(Duration::from_secs(5)) else {
    ///     panic!("no request");
    /// };
    /// assert_eq!(request.path(), "/v3/security/echo");
    ///
    /// client.chain("v3/pay/transactions/native").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "mchid": sandbox.mchid(),
    ///     "description": "A cup of tea",
    ///     "out_trade_no": "tea-0001",
    ///     "notify_url": "https://example.com/notify",
    ///     "amount": { "total": 100 },
    /// }}))?;
    /// sandbox.user_pays("tea-0001")?;
    /// let mut states = Vec::new();
    /// while let Some(event) = events.try_next() {
    ///     if let SandboxEvent::State(change) = event {
    ///         states.push(change.to().to_owned());
    ///     }
    /// }
    /// assert_eq!(states, ["NOTPAY", "SUCCESS"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self) -> Subscription {
        self.state.post.subscribe()
    }

    fn notify_merchant(
        &self,
        merchant: &Merchant,
        event: &str,
        resource: Value,
        url: String,
    ) -> Result<Delivery> {
        self.check_may_act()?;
        let now = self.state.clock.now();
        let maker = outbox::Maker {
            merchant,
            origin: &self.state.origin(),
            now,
            rng: self.state.world().rng.fork(),
        };
        // Made without the lock: sealed fields take RSA.
        let notice = maker.notice(event, resource, url);
        let notice = notice.map_err(Cause::not_sent)?;
        let id = self.state.world().notify(notice);
        self.delivery(&id).ok_or_else(|| no_delivery(&id))
    }

    fn redirected(&self) -> Option<String> {
        let world = self.state.world();
        world.outbox.redirect().map(str::to_owned)
    }

    fn change_outbox(
        &self,
        id: &str,
        change: impl FnOnce(&mut outbox::Outbox) -> bool,
    ) -> Result<()> {
        self.check_may_act()?;
        let now = self.state.clock.now();
        let changed = {
            let mut world = self.state.world();
            world.outbox.admit(now);
            change(&mut world.outbox)
        };
        if changed {
            Ok(())
        } else {
            Err(no_delivery(id))
        }
    }
}

async fn wait_settled(state: &SandboxState) {
    state.run_due();
    state.wake();
    loop {
        // Made before the check, so that it notices what happens after it.
        let changed = state.post.changed();
        let now = state.clock.now();
        // What waits then is never sent.
        let is_broken = state.inputs().is_some_and(|inputs| inputs.is_broken());
        if is_broken || state.world().outbox.is_settled(now) {
            return;
        }
        changed.await;
    }
}

fn refused(message: String) -> Error {
    Cause::request(message).not_sent()
}

fn no_delivery(id: &str) -> Error {
    Refusal::not_found(format!(
        "the sandbox has no notification {id:.64}: `deliveries`, or GET notifications, lists those that it keeps"
    ))
    .into_error()
}

pub(super) fn ended() -> Error {
    refused("the sandbox's server has ended".to_owned())
}
