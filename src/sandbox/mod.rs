//! An embedded WeChat Pay for tests. WeChat Pay itself has no test environment for APIv3.
//!
//! [`Sandbox::start`] runs a server inside the test's own process. The server checks every request
//! as strictly as WeChat Pay does, returns the same errors, signs every response with its own
//! platform key, and keeps orders in memory by WeChat Pay's rules. What a customer does on a phone
//! is a method of the handle: [`user_confirms`](Sandbox::user_confirms),
//! [`user_pays`](Sandbox::user_pays).
//!
//! | flow | operations |
//! | --- | --- |
//! | pay-score service order | create, query, cancel, modify, complete, pay, sync |
//! | Native payment | prepay, query by either number, close |
//! | bills | trade bill and fund flow bill of a past day, and their files |
//! | media | image and video upload, marketing image upload |
//! | self-test | `v3/security/echo` |
//! | APIv2 | orders, code payments and their reversal, refunds, bills, profit sharing, red packets, transfers to users |
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
//! let response = client.chain("v3/pay/transactions/out-trade-no/{out_trade_no}").get(json!({
//!     "out_trade_no": "tea-0001",
//!     "query": { "mchid": sandbox.mchid() },
//! }))?;
//! let order: serde_json::Value = response.json()?;
//! assert_eq!(order["trade_state"], "SUCCESS");
//! # Ok(())
//! # }
//! ```
//!
//! RSA keys are drawn once per process. IDs, serials and secrets are each sandbox's own, and the IDs of keys
//! contain the word sandbox: they cannot be mistaken for real keys or used in place of them. A client in another language reads what it needs from
//! accessors such as [`private_key_pem`](Sandbox::private_key_pem).

// From the outside in: a test holds the handle; the server passes each request through the pipeline of
// checks to a flow; flows read and change the state, and put notifications into the outbox.
#![allow(dead_code)] // Some of what the flows share waits for its first user.

mod checks;
mod faults;
mod flows;
mod handle;
mod outbox;
mod pipeline;
mod refusal;
mod request;
mod response;
mod server;
mod shaped;
mod state;
mod time;
mod v2;

pub use faults::{Fault, Injection};
pub use flows::{
    refund::RefundFailure,
    trust::{PlatformMode, Rotation},
};
pub use handle::{
    Balance, Merchant, MerchantOptions, OrderKind, OrderSummary, Sandbox, SandboxBuilder, Snapshot,
};
pub use outbox::{
    Attempt, Delivery, DeliveryFault, DeliveryState, Release, SandboxEvent, Subscription,
};
pub use shaped::Scripted;
pub use state::RecordedRequest;
