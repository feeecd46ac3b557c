//! The WeChat Pay client for Rust in which the URL is the API.
//!
//! A path becomes a chain, the chain ends in an HTTP verb, the verb takes one options map; signing,
//! sending and verifying happen inside. It mirrors the official PHP SDK, so that a documented PHP
//! sample ports line by line: the README has the tables.
//!
#![cfg_attr(feature = "sandbox", doc = "```")]
#![cfg_attr(not(feature = "sandbox"), doc = "```ignore")]
//! use serde_json::{Value, json};
//! use wechatpay_chain::sandbox::Sandbox;
//!
//! # fn main() -> wechatpay_chain::Result<()> {
//! // The embedded WeChat Pay. For the real one: Client::builder().mchid(…).serial(…) and so on.
//! let sandbox = Sandbox::start()?;
//! let client = sandbox.client_builder().build()?;
//!
//! let opts = json!({ "json": {
//!     "appid": sandbox.appid(),
//!     "mchid": sandbox.mchid(),
//!     "description": "A cup of tea",
//!     "out_trade_no": "tea-0001",
//!     "notify_url": "https://example.com/notify",
//!     "amount": { "total": 100 }, // fen
//! }});
//! // Three ways to write a chain; each verb has an async twin, such as `post_async`.
//! client["v3/pay/transactions/native"].post(&opts)?;
//! client.chain("v3/pay/transactions/native").post(&opts)?;
//! let answer = client.seg("v3").seg("pay").seg("transactions").seg("native").post(&opts)?;
//!
//! let order: Value = answer.json()?;
//! assert!(order["code_url"].as_str().unwrap().starts_with("weixin://"));
//! # Ok(())
//! # }
//! ```
//!
//! # Where to begin
//!
//! - [`Client::builder`]: the merchant, the keys, where to go.
//! - [`Chain`]: how a path is written. [`Options`]: what a verb takes.
//! - [`Response`], and [`Error`] with its [`Outcome`]: whether money may have moved.
//! - [`Call`]: what an async verb returns, and what dropping it means.
//! - [`Notifications`]: what WeChat Pay tells by itself.
//! - [`catalog`]: the documented operations; [`path!`] checks a path at compile time.
//!
//! # Features
//!
//! | feature | |
//! | --- | --- |
//! | `ring` (default) | crypto and TLS by ring |
//! | `aws-lc-rs` | the same by aws-lc-rs; with both on, it is aws-lc-rs that serves |
//! | `axum` | [`Notification`] as an extractor for axum's handlers |
//! | `pkcs12` | `Identity::from_pkcs12`: the client certificate from `apiclient_cert.p12` |
//! | `sandbox` | `sandbox`, an embedded WeChat Pay to test against |
//!
//! One of the first two must be on. The public API is the same with either.
//!
//! # Logs and metrics
//!
//! Through the `tracing` crate, under targets that begin with `wechatpay_chain`. Each call that
//! was begun, its retries included, is one span at DEBUG, `wechatpay.call`:
//!
//! | field | |
//! | --- | --- |
//! | `http.request.method` | `GET`, `POST` … |
//! | `url.template` | the path as it was written, `v3/pay/transactions/id/{transaction_id}` |
//! | `http.response.status_code` | of the last answer, where one came |
//! | `wechatpay.outcome` | `Success`, or the error's [`Outcome`]: `NotSent`, `Rejected`, `Done`, `Unknown` |
//! | `wechatpay.code` | the error code of the answer |
//! | `wechatpay.request_id` | its `Request-ID`, which WeChat Pay's support asks for |
//! | `wechatpay.serial` | the platform key that vouched for the answer (APIv2: the digest's name) |
//! | `wechatpay.attempts` | of a failed call: how often it was tried |
//! | `duration_ms` | milliseconds from the beginning to the end, as a float |
//!
//! Each has few values and is fit for a metric's label, but for the ID and the duration, as long as
//! a path's values are in its variables and not written into the chain. The events:
//!
//! | level | message | fields |
//! | --- | --- | --- |
//! | DEBUG | `answered` | the span's |
//! | WARN | `failed` | `http.request.method`, `url.template`, `kind`, `outcome` |
//! | WARN | `WeChat Pay may refuse this request` | `finding`: where in the body, and what |
//! | WARN | `the documents write this segment otherwise; …` | `segment`, `documented` |
//! | WARN | `the file to upload is larger than …` | `bytes`, `documented`, `ending` |
//! | WARN | `a host could not be reached, or can be again: turned to the other` | `on_backup` |
//! | WARN | `an unfinished download cannot be removed` | `err` |
//! | INFO | `platform certificate added` | `serial` |
//! | DEBUG | `no platform certificates: public key mode` | |
//! | WARN | `platform certificates not renewed` | `error` |
//! | WARN | `notification refused` (feature `axum`) | `error` |
//!
//! How often each platform key vouched for something is in [`Client::platform_keys`].
//!
//! Never logged, at any level: keys, passwords, the Authorization header, signatures and nonces;
//! an expanded path, a query, a header's value, a body, of a request, an answer or a notification;
//! the names of uploaded files.
//!
//! # Secrets and personal data
//!
//! No key, password or Authorization header appears in a log, an error or a `Debug`, nor does a body,
//! a query or an expanded path. Secrets that this crate holds are wiped when dropped; a key inside
//! ring is freed, not wiped.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod base;
mod blocking;
pub mod catalog;
mod client;
mod error;
#[cfg(feature = "axum")]
mod extract;
#[cfg(all(test, not(fuzzing)))]
mod fuzz;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
#[cfg(test)]
mod material;
mod protocol;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod wire;

pub use http::Method;

pub use crate::base::crypto::{Certificate, PrivateKey, PublicKey};
pub use crate::client::{
    Call, CertificateMode, CertificateRefresh, Chain, Client, ClientBuilder, Identity,
    Notifications, NotificationsBuilder, PayParamsBuilder, PayParamsFor, PreparedRequest, Response,
    SinkFile,
};
pub use crate::error::{ApiError, Error, Outcome, RefusedNotification, Result};
#[cfg(feature = "axum")]
pub use crate::extract::NotificationRejection;
pub use crate::protocol::answer::Verification;
pub use crate::protocol::bill::{BillRow, BillRows};
pub use crate::protocol::media::Media;
pub use crate::protocol::notification::{
    Ack, Admission, Fence, MemoryGuard, Notification, ReplayGuard,
};
pub use crate::protocol::options::Options;
pub use crate::protocol::pay_params::PayParams;
pub use crate::protocol::retry::RetryPolicy;
pub use crate::protocol::sensitive::Encrypted;
pub use crate::protocol::sign::{Signature, Signer};
pub use crate::protocol::trust::{PlatformKey, Verifier};
pub use crate::wire::{Transport, TransportBuilder};

/// For this crate's own doctests; no part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::error::{Cause, SentError};
}

/// The READMEs' Rust blocks, as doctests.
#[cfg(all(doctest, feature = "sandbox"))]
mod readme {
    #[doc = include_str!("../README.md")]
    mod english {}
    #[doc = include_str!("../README.zh-CN.md")]
    mod chinese {}
}
