//! An embedded WeChat Pay, for tests: WeChat Pay itself has no test environment for APIv3.
//!
//! [`Sandbox::start`] runs a server inside the test's own process. It checks every request as
//! strictly as the real one, answers with the same errors, signs every answer with a platform key
//! of its own, and keeps orders in memory by their real rules. What a user would do with a phone is
//! a call on the handle: [`user_confirms`](Sandbox::user_confirms),
//! [`user_pays`](Sandbox::user_pays).
//!
//! | operations | |
//! | --- | --- |
//! | pay-score service order | create, query, cancel, modify, complete, pay, sync |
//! | Native payment | prepay, query by either number, close |
//! | bills | trade bill and fund flow bill of a day that has passed, and their files |
//! | media | image and video upload, marketing image upload |
//! | self-test | `v3/security/echo` |
//!
//! ```
//! use serde_json::json;
//! use wechatpay_chain::sandbox::Sandbox;
//!
//! # fn main() -> wechatpay_chain::Result<()> {
//! let sandbox = Sandbox::start()?;
//! let client = sandbox.client_builder().build()?;
//! client.chain("v3/pay/transactions/native").post(json!({ "json": {
//!     "appid": sandbox.appid(),
//!     "mchid": sandbox.mchid(),
//!     "description": "A cup of tea",
//!     "out_trade_no": "tea-0001",
//!     "notify_url": "https://example.com/notify",
//!     "amount": { "total": 100, "currency": "CNY" },
//! }}))?;
//!
//! sandbox.user_pays("tea-0001")?;
//!
//! let answer = client.chain("v3/pay/transactions/out-trade-no/{out_trade_no}").get(json!({
//!     "out_trade_no": "tea-0001",
//!     "query": { "mchid": sandbox.mchid() },
//! }))?;
//! let order: serde_json::Value = answer.json()?;
//! assert_eq!(order["trade_state"], "SUCCESS");
//! # Ok(())
//! # }
//! ```
//!
//! The keys are drawn afresh at each start and the ids say sandbox, so that nothing of it can be
//! mistaken for, or used as, the real thing. A client in another language takes what it needs from
//! the accessors, such as [`private_key_pem`](Sandbox::private_key_pem).

mod answer;
mod bill;
mod call;
mod check;
mod clock;
mod echo;
mod fault;
mod fields;
mod host;
mod keys;
mod media;
mod nonces;
mod record;
mod routes;
mod seal;
mod server;
mod service_order;
mod spoilt;
mod store;
mod transaction;
mod world;

pub use fault::Fault;
pub use record::RecordedRequest;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use self::{answer::Answer, keys::Keys, server::Bound, world::World};
use crate::{
    base::crypto::{PrivateKey, PublicKey},
    client::{Client, ClientBuilder, Notifications, NotificationsBuilder},
    error::{Cause, Error, Result, cause},
};

/// A running embedded WeChat Pay. Dropping it stops the server.
pub struct Sandbox {
    world: Arc<World>,
    _server: server::Server,
}

/// Options of a sandbox: see [`Sandbox::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SandboxBuilder {
    address: SocketAddr,
    mchid: String,
    appid: String,
}

impl Sandbox {
    /// Starts a sandbox on 127.0.0.1 and a free port, on a thread of its own.
    ///
    /// # Errors
    /// When no port, thread or key is to be had.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// A sandbox with options of its own.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            mchid: "1230000109".to_owned(),
            appid: "wxd678efh567hg6787".to_owned(),
        }
    }

    /// A client's builder with all of it filled in and proxies off: the merchant, both keys, the
    /// APIv3 key and the base URI.
    pub fn client_builder(&self) -> ClientBuilder {
        Client::builder()
            .mchid(self.mchid())
            .serial(self.serial())
            .private_key(self.private_key())
            .platform_key(self.platform_key_id(), self.platform_key())
            .apiv3_key(self.apiv3_key())
            .base_uri(self.base_uri())
            .no_proxy()
    }

    /// A builder of [`Notifications`] with the merchant, the platform's key and
    /// the APIv3 key filled in. A builder of their own refuses a sandbox's keys.
    ///
    /// ```
    /// use wechatpay_chain::{Notifications, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// sandbox.notifications_builder().build()?;
    ///
    /// let own = Notifications::builder()
    ///     .mchid(sandbox.mchid())
    ///     .platform_key(sandbox.platform_key_id(), sandbox.platform_key())
    ///     .apiv3_key(sandbox.apiv3_key());
    /// assert!(own.build().unwrap_err().is_config());
    /// # Ok(())
    /// # }
    /// ```
    pub fn notifications_builder(&self) -> NotificationsBuilder {
        Notifications::builder()
            .mchid(self.mchid())
            .platform_key(self.platform_key_id(), self.platform_key())
            .apiv3_key(self.apiv3_key())
            .of_sandbox()
    }

    /// Where it listens, as a base URI: `http://127.0.0.1:49152/`.
    pub fn base_uri(&self) -> String {
        format!("http://{}/", self.world.address)
    }

    /// The one merchant it knows.
    pub fn mchid(&self) -> &str {
        self.world.mchid()
    }

    /// The app that is bound to the merchant.
    pub fn appid(&self) -> &str {
        self.world.appid()
    }

    /// The serial of the merchant's key.
    pub fn serial(&self) -> &str {
        &self.world.keys.serial
    }

    /// The merchant's key, to sign requests with.
    pub fn private_key(&self) -> PrivateKey {
        self.world.keys.merchant.clone()
    }

    /// The same as PKCS#8 PEM.
    ///
    /// # Errors
    /// When the crypto library does not hand it out.
    pub fn private_key_pem(&self) -> Result<String> {
        let pem = self
            .world
            .keys
            .merchant
            .to_pkcs8_pem()
            .map_err(Cause::not_sent)?;
        Ok(pem.as_str().to_owned())
    }

    /// The id of the platform's key: `PUB_KEY_ID_SANDBOX…`.
    pub fn platform_key_id(&self) -> &str {
        &self.world.keys.platform.id
    }

    /// The platform's public key, to verify answers with.
    pub fn platform_key(&self) -> PublicKey {
        self.world.keys.platform.private.public_key()
    }

    /// The same as PEM.
    pub fn platform_public_key_pem(&self) -> String {
        self.platform_key().to_pem()
    }

    /// The merchant's APIv3 key: 32 letters and digits.
    pub fn apiv3_key(&self) -> &str {
        &self.world.keys.apiv3
    }

    /// The user confirms a service order: `CREATED` becomes `DOING/USER_CONFIRM`.
    ///
    /// # Errors
    /// When there is no such order, or its state does not allow it.
    pub fn user_confirms(&self, out_order_no: &str) -> Result<()> {
        let openid = self.draw_openid().map_err(Cause::not_sent)?;
        let now = self.world.clock.now();
        let mut ledger = self.world.ledger();
        let Some(order) = ledger.service_orders.get_mut(out_order_no) else {
            return Err(unknown(out_order_no));
        };
        order.settle(now);
        order
            .confirm(openid, now)
            .map_err(|answer| refused(&answer))
    }

    /// The user pays a transaction (by its `out_trade_no`) or a completed service order (by its
    /// `out_order_no`). Where both have this number, it is the transaction.
    ///
    /// # Errors
    /// When there is no such order, or its state does not allow it.
    pub fn user_pays(&self, order_no: &str) -> Result<()> {
        let number = self.world.draw_number("4200", 28);
        let transaction_id = number.map_err(|answer| refused(&answer))?;
        let openid = self.draw_openid().map_err(Cause::not_sent)?;
        let now = self.world.clock.now();
        let mut ledger = self.world.ledger();
        let paid = if let Some(transaction) = ledger.transactions.get_mut(order_no) {
            transaction.pay(transaction_id, openid, now)
        } else if let Some(order) = ledger.service_orders.get_mut(order_no) {
            order.settle(now);
            order.pay(transaction_id, now)
        } else {
            return Err(unknown(order_no));
        };
        paid.map_err(|answer| refused(&answer))
    }

    /// The state of a transaction (`NOTPAY`, `SUCCESS`, `CLOSED`) or of a service order (`CREATED`,
    /// `DOING/USER_CONFIRM`, `DOING/MCH_COMPLETE`, `DONE`, `REVOKED`, `EXPIRED`), by the merchant's
    /// number; `None` where there is no such order.
    pub fn order_state(&self, order_no: &str) -> Option<String> {
        let mut ledger = self.world.ledger();
        if let Some(transaction) = ledger.transactions.get(order_no) {
            return Some(transaction.state().to_owned());
        }
        let order = ledger.service_orders.get_mut(order_no)?;
        order.settle(self.world.clock.now());
        Some(order.state())
    }

    /// The `query_id` that the confirmation page hands back to the merchant's own page.
    pub fn query_id(&self, out_order_no: &str) -> Option<String> {
        let ledger = self.world.ledger();
        let order = ledger.service_orders.get(out_order_no)?;
        Some(order.query_id().to_owned())
    }

    /// Moves the time ahead for what expires or is scheduled. Signatures carry the real time
    /// whatever this says.
    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by);
    }

    /// The requests that arrived, the oldest first; the latest 1,000 of them.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world.requests().all()
    }

    /// Forgets them.
    pub fn clear_requests(&self) {
        self.world.requests().clear();
    }

    /// Lets something go wrong with the next request. Each fault is for one request; several wait
    /// their turn.
    pub fn inject(&self, fault: Fault) {
        self.inject_at("", fault);
    }

    /// The same for the next request whose path begins with `path`.
    pub fn inject_at(&self, path: &str, fault: Fault) {
        self.world.faults().add(path.to_owned(), fault);
    }

    /// Forgets the faults that still wait.
    pub fn clear_faults(&self) {
        self.world.faults().clear();
    }

    fn draw_openid(&self) -> cause::Result<String> {
        Ok(format!("oSANDBOX{}", keys::token(20)?))
    }
}

impl SandboxBuilder {
    /// Listens on this address. One that is not loopback lets other machines in.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The merchant ID; else `1230000109`, as in the official documents.
    pub fn mchid(mut self, mchid: impl Into<String>) -> Self {
        self.mchid = mchid.into();
        self
    }

    /// The app bound to the merchant; else `wxd678efh567hg6787`, as in the official documents.
    pub fn appid(mut self, appid: impl Into<String>) -> Self {
        self.appid = appid.into();
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the address, a thread or a key is not to be had.
    pub fn start(self) -> Result<Sandbox> {
        self.started().map_err(Cause::not_sent)
    }

    fn started(self) -> cause::Result<Sandbox> {
        let bound = Bound::bind(self.address)?;
        let world = World::new(Keys::draw()?, bound.address, self.mchid, self.appid);
        let world = Arc::new(world);
        let routes = routes::routes(Arc::clone(&world));
        Ok(Sandbox {
            _server: bound.serve(Arc::clone(&world), routes)?,
            world,
        })
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.world.address)
            .finish_non_exhaustive()
    }
}

fn unknown(order_no: &str) -> Error {
    Cause::request(format!("the sandbox has no order {order_no}")).not_sent()
}

/// What a merchant would have been answered, as an error of the handle.
fn refused(answer: &Answer) -> Error {
    let value = answer.value();
    let text = |name: &str| value.get(name).and_then(|text| text.as_str()).unwrap_or("");
    let message = format!(
        "{} {}: {}",
        answer.status().as_u16(),
        text("code"),
        text("message")
    );
    Cause::request(message).not_sent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handle_may_be_shared_between_threads() {
        fn is<T: Send + Sync + 'static>() {}
        is::<Sandbox>();
        is::<SandboxBuilder>();
        is::<Fault>();
        is::<RecordedRequest>();
    }
}
