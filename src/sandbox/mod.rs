//! An embedded WeChat Pay for tests. WeChat Pay itself has no test environment for APIv3.
//!
//! [`Sandbox::start`] runs a server inside the test's own process. The server checks every request
//! as strictly as WeChat Pay does, returns the same errors, signs every response with its own
//! platform key, and keeps orders and money in memory by WeChat Pay's rules. What a customer does on a
//! phone is a method of the handle, such as [`user_pays`](Sandbox::user_pays).
//!
//! | flow | operations |
//! | --- | --- |
//! | payments | JSAPI, mini program, APP, H5, Native, code payment; direct and of service providers |
//! | combined orders | prepay of each product, queries, close |
//! | refunds | in parts, queries, abnormal refunds; those of e-commerce platforms |
//! | pay-score service orders | create, query, cancel, modify, complete, pay, sync, messages; of a merchant and of a service provider |
//! | pay-score permissions | pre-authorize, query, terminate; of a merchant and of a service provider |
//! | pay-score plans | create, query, stop; sign, query, cancel, their service orders; the same |
//! | pay-score services | applications that bind a sub-merchant |
//! | papay | contracts: sign, query, terminate; pre-notices, schedules, deductions; paying and signing at once |
//! | profit sharing | receivers, orders, unfreezing, returns, amounts, ratio; the receiver's notification; also of e-commerce platforms and brands |
//! | merchant transfers | create, query, cancel; authorizations, and transfers under one without a confirmation; of a merchant and of a service provider |
//! | batch transfers | create, queries of the batch and of each transfer |
//! | applications of merchants | of special merchants and of e-commerce platforms: submit, query, revoke; settlement accounts: query, change |
//! | complaints | list, detail, history, answers, completion, refunds that customers ask for, the URL of the notifications; of a merchant and of its sub-merchants |
//! | balances | of a merchant and of its sub-merchants, now and at the end of a day |
//! | receipts | of merchant transfers, of batches and of their transfers, and their files |
//! | bills | trade, fund flow and profit sharing of a past day, also of one sub-merchant or of all; their files |
//! | media | images, videos, marketing images, images of complaints and their download |
//! | coupons of WeChat Pay | stocks, sending, paying with one, refunds, files of what was used, callbacks |
//! | coupons of merchants | stocks, uploaded codes, sending, use, return, deactivation, orders, subsidies, callbacks |
//! | platform certificates | their list: see [`platform_mode`] and [`rotate_certificates`] |
//! | self-test | `v3/security/echo` |
//! | APIv2 | payments, refunds, bills, profit sharing, coupons, red packets, transfers to users and to bank cards, papay, `uploadmedia` |
//!
//! [`platform_mode`]: Sandbox::platform_mode
//! [`rotate_certificates`]: Sandbox::rotate_certificates
//!
//! Every other documented operation is checked against its table of fields and answered in its documented
//! shape: with the request's own values, and the same answer for the same request. The header
//! `Sandbox-Answer` says `stateful` for a flow, and `shaped` for such an answer.
//! [`respond`](Sandbox::respond) scripts the answer of any operation. A path that is not documented gets a
//! 404 that names the nearest one.
//!
//! Paths that begin with `/brand/` are signed by a brand, with a key of its own. The sandbox verifies that:
//! see [`Merchant::brand_client_builder`]. It has no documents of them.
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
//! A test is three lines. `order_tea` stands for the program:
//!
//! ```
//! # use wechatpay_chain::{Client, json, sandbox::Sandbox};
//! # fn order_tea(client: &Client, appid: &str, mchid: &str) -> wechatpay_chain::Result<()> {
//! #     client.chain("v3/pay/transactions/native").post(json!({ "json": {
//! #         "appid": appid,
//! #         "mchid": mchid,
//! #         "description": "A cup of tea",
//! #         "out_trade_no": "tea-0001",
//! #         "notify_url": "https://example.com/notify",
//! #         "amount": { "total": 100 },
//! #     }}))?;
//! #     Ok(())
//! # }
//! # fn main() -> wechatpay_chain::Result<()> {
//! let sandbox = Sandbox::start()?;
//! order_tea(&sandbox.client_builder().build()?, sandbox.appid(), sandbox.mchid())?;
//! sandbox.user_pays("tea-0001")?;
//! # Ok(())
//! # }
//! ```
//!
//! In async code:
//!
//! ```
//! # use wechatpay_chain::{Client, json, sandbox::Sandbox};
//! # async fn order_tea(client: &Client, appid: &str, mchid: &str) -> wechatpay_chain::Result<()> {
//! #     client.chain("v3/pay/transactions/native").post_async(json!({ "json": {
//! #         "appid": appid,
//! #         "mchid": mchid,
//! #         "description": "A cup of tea",
//! #         "out_trade_no": "tea-0001",
//! #         "notify_url": "https://example.com/notify",
//! #         "amount": { "total": 100 },
//! #     }})).await?;
//! #     Ok(())
//! # }
//! # #[tokio::main]
//! # async fn main() -> wechatpay_chain::Result<()> {
//! let sandbox = Sandbox::start_async().await?;
//! order_tea(&sandbox.client_builder().build()?, sandbox.appid(), sandbox.mchid()).await?;
//! sandbox.user_pays("tea-0001")?;
//! # Ok(())
//! # }
//! ```
//!
//! # Notifications
//!
//! What happens to payments, refunds, transfers and their authorizations, service orders, plans, permissions,
//! bindings and contracts is posted to the `notify_url` of the request: signed, encrypted, and repeated on
//! WeChat Pay's schedule until it is acknowledged.
//! [`advance`](Sandbox::advance) moves the clock of the schedule, [`settle`](Sandbox::settle) waits for
//! what is on its way, and [`deliveries`](Sandbox::deliveries) tells what the receiver responded.
//! [`notify`](Sandbox::notify) sends any of the documented notifications, also those that no flow
//! sends. Nothing leaves this machine: a URL of another host is only
//! reached if [`deliver_to`](SandboxBuilder::deliver_to) allows it, and
//! [`redirect_notifications`](Sandbox::redirect_notifications) sends everything to one URL. What a receiver
//! of profit sharing is told goes to the URL of its own merchant:
//! [`MerchantOptions::notify_url`]. What happens to coupons and complaints goes to the URL that the merchant
//! set with `v3/marketing/favor/callbacks`, `v3/marketing/busifavor/callbacks` or
//! `v3/merchant-service/complaint-notifications`.
//!
//! | to test | call |
//! | --- | --- |
//! | a receiver that was down | [`advance`](Sandbox::advance), [`resend`](Sandbox::resend) |
//! | the same notification twice, at the same time | [`duplicate`](Sandbox::duplicate) |
//! | notifications out of order | [`hold_deliveries`](Sandbox::hold_deliveries), [`release_deliveries`](Sandbox::release_deliveries) |
//! | signature probes, wrong keys, old timestamps | [`inject_delivery`](Sandbox::inject_delivery) |
//! | what happens meanwhile, states included | [`subscribe`](Sandbox::subscribe) |
//!
//! ```
//! use std::time::Duration;
//!
//! use wechatpay_chain::{json, sandbox::{DeliveryState, Sandbox}};
//!
//! # fn main() -> wechatpay_chain::Result<()> {
//! let sandbox = Sandbox::start()?;
//! // Nobody listens there, so the notification is sent again after 15 seconds, and so on.
//! sandbox.redirect_notifications(Some("http://127.0.0.1:9/notify"))?;
//! let id = sandbox.notify("REFUND.SUCCESS", json!({}))?.id().to_owned();
//! sandbox.advance(Duration::from_secs(25 * 3600));
//! sandbox.settle()?;
//!
//! let delivery = sandbox.delivery(&id).unwrap();
//! assert_eq!(delivery.attempts().len(), 16);
//! assert_eq!(delivery.state(), &DeliveryState::GivenUp);
//! # Ok(())
//! # }
//! ```
//!
//! # Over HTTP
//!
//! Programs in other languages use the handle over HTTP, below `/_sandbox/v1/`: `POST
//! orders/{out_trade_no}/pay`, `GET notifications`, `POST faults` and so on. `GET openapi.json` describes all
//! endpoints, and `GET config` returns what a client needs. Other machines need a
//! [`control_token`](SandboxBuilder::control_token).
//!
//! # Keys
//!
//! RSA keys are drawn once per process. IDs, serials and secrets are each sandbox's own, and the IDs of keys
//! contain the word sandbox: they cannot be mistaken for real keys or used in place of them. A client in
//! another language reads what it needs from the files that [`export`](Sandbox::export) writes, and
//! [`keys`](SandboxBuilder::keys) starts again with them. A program whose host is a constant goes through
//! [`proxy_uri`](Sandbox::proxy_uri). Refunds, red packets and transfers of APIv2 need the
//! merchant's API certificate, and so HTTPS: [`Merchant::https_client_builder`].
//!
//! # A sandbox that goes on
//!
//! A sandbox is gone with its process. One with a [`journal`](SandboxBuilder::journal) is not: the next
//! process has the same orders, money and notifications, also after a kill.

// From the outside in: a test holds the handle; the server passes each request through the pipeline of
// checks to a flow, or to the shaped answers; flows read and change the state, and put notifications into
// the outbox.

mod checks;
mod control;
mod dispatch;
mod faults;
mod flows;
mod handle;
mod journal;
mod outbox;
mod server;
mod shaped;
mod state;

mod v2;

use crate::base::time;

pub use faults::{Fault, Injection};
pub use flows::{
    payments::refund::RefundFailure,
    platform::trust::{PlatformMode, Rotation},
};
pub use handle::{
    Balance, Merchant, MerchantOptions, OrderKind, OrderSummary, Sandbox, SandboxBuilder, Snapshot,
};
pub use journal::Journal;
pub use outbox::{
    Attempt, Delivery, DeliveryFault, DeliveryState, Release, SandboxEvent, Subscription,
};
pub use server::page::PageFile;
pub use shaped::Scripted;
pub use state::{RecordedRequest, StateChange, StateKind};
