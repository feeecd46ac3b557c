//! The WeChat Pay client for Rust in which the URL is the API.
//!
//! A path becomes a chain, and an HTTP verb ends it. The verb takes one options map, then signs, sends
//! and verifies. It mirrors the official PHP SDK, so that a documented PHP sample ports line by line:
//! [`guide::php`] has the tables.
//!
#![cfg_attr(feature = "sandbox", doc = "```")]
#![cfg_attr(not(feature = "sandbox"), doc = "```ignore")]
//! use wechatpay_chain::{Value, json, sandbox::Sandbox};
//!
//! # fn main() -> wechatpay_chain::Result<()> {
//! // The embedded WeChat Pay. For the real one, start with Client::builder().
//! let sandbox = Sandbox::start()?;
//! let client = sandbox.client_builder().build()?;
//!
//! let options = json!({ "json": {
//!     "appid": sandbox.appid(),
//!     "mchid": sandbox.mchid(),
//!     "description": "A cup of tea",
//!     "out_trade_no": "tea-0001",
//!     "notify_url": "https://example.com/notify",
//!     "amount": { "total": 100 }, // fen
//! }});
//! // Three ways to write the same call. Each verb has an async form, such as `post_async`.
//! client["v3/pay/transactions/native"].post(&options)?;
//! client.chain("v3/pay/transactions/native").post(&options)?;
//! let response = client.seg("v3").seg("pay").seg("transactions").seg("native").post(&options)?;
//!
//! let order: Value = response.json()?;
//! assert!(order["code_url"].as_str().unwrap().starts_with("weixin://"));
//! # Ok(())
//! # }
//! ```
//!
//! # Where to start
//!
//! - [`guide`] explains how to do things, one topic per page, in English and [in Chinese](guide::zh).
#![cfg_attr(
    feature = "sandbox",
    doc = "- [`sandbox`] is an embedded WeChat Pay for tests."
)]
#![cfg_attr(
    not(feature = "sandbox"),
    doc = "- `sandbox` (feature `sandbox`) is an embedded WeChat Pay for tests."
)]
//! - [Examples](https://docs.rs/crate/wechatpay-chain/latest/source/examples/) are whole programs.
//! - [`Client::builder`] sets the merchant, the keys and the host.
//! - [`Chain`] builds a path and has the verbs. [`Options`] is what a verb takes.
//! - [`Response`] is a verified response. [`Error`] has an [`Outcome`], which says whether money may have
//!   moved.
//! - [`Call`] is the future of an async verb; it explains what dropping it means.
//! - [`Notifications`] receives what WeChat Pay posts to the merchant.
//! - [`model`] has types for payments, refunds and transfers, their states, times and order numbers.
//! - [`catalog`] lists the documented operations and their fields. [`path!`] checks a path at compile time.
//!
//! # Features
//!
//! | feature | |
//! | --- | --- |
//! | `ring` (default) | crypto and TLS through ring |
//! | `aws-lc-rs` | crypto and TLS through aws-lc-rs; with both, aws-lc-rs is used |
//! | `axum` | [`Notification`] as an extractor for axum handlers |
//! | `documents` | the documented fields of each operation and notification, in [`catalog`]; `check_documents` compares requests with them, `encrypt_documented` encrypts the sealed ones |
//! | `pkcs12` | `Identity::from_pkcs12`: the client certificate from `apiclient_cert.p12` |
//! | `platform-verifier` | `TransportBuilder::platform_verifier`: TLS that trusts what the operating system trusts |
//! | `sandbox` | `sandbox`, an embedded WeChat Pay to test against; includes `documents` |
//!
//! At least one of the first two is required. The public API is the same with both.
//!
//! # Logs and metrics
//!
//! Each call is one span of the `tracing` crate, with fields that can be a metric's labels. [`guide::logs`]
//! lists the fields and the events, and what is never logged.
//!
//! # Secrets and personal data
//!
//! No key, password or Authorization header appears in a log, an error or `Debug` output, and neither
//! does a body, a query or an expanded path. Secrets that this crate holds are wiped on drop. A key
//! inside ring is freed but not wiped, because ring offers no way to do that.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

// Before the others: rustdoc lists methods in this order, and the page of `Chain` starts with `seg`.
mod client;

mod base;
mod blocking;
pub mod catalog;
mod error;
#[cfg(feature = "axum")]
mod extract;
// Compiled in tests only so that a rename that breaks it shows there: nothing calls it.
#[cfg(all(test, not(fuzzing)))]
#[allow(dead_code)]
mod fuzz;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
pub mod guide;
#[cfg(test)]
mod material;
pub mod model;
mod protocol;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod wire;

pub use http::{self, Method};
pub use serde_json::{Value, json};

pub use crate::base::crypto::{Certificate, PrivateKey, PublicKey};
pub use crate::client::{
    Call, CertificateMode, CertificateRefresh, Chain, Client, ClientBuilder, Identity,
    Notifications, NotificationsBuilder, PayParamsBuilder, PreparedRequest, Response, SinkFile,
};
pub use crate::error::{ApiError, Error, ErrorKind, Outcome, RefusedNotification, Result};
#[cfg(feature = "axum")]
pub use crate::extract::NotificationRejection;
pub use crate::protocol::bill::{BillRows, row::BillRow};
pub use crate::protocol::notification::{
    Notification,
    ack::Ack,
    memory::MemoryGuard,
    replay::{Admission, Fence, ReplayGuard},
};
pub use crate::protocol::options::Options;
#[cfg(feature = "documents")]
pub use crate::protocol::options::documented::Checks;
pub use crate::protocol::options::media::Media;
pub use crate::protocol::response::verification::Verification;
pub use crate::protocol::retry::RetryPolicy;
pub use crate::protocol::sign::pay_params::PayParams;
pub use crate::protocol::sign::{Signature, Signer};
pub use crate::protocol::trust::sensitive::Encrypted;
pub use crate::protocol::trust::{key::PlatformKey, verifier::Verifier};
pub use crate::wire::{Transport, TransportBuilder};

/// For this crate's own doctests. Not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::error::{Cause, SentError};
}

#[cfg(test)]
mod tests {
    use super::*;

    // A field added deep inside a type can silently take these traits away from it.
    #[test]
    fn public_types_are_send_and_sync() {
        fn send<T: Send + 'static>() {}
        fn send_sync<T: Send + Sync + 'static>() {}
        fn shared<T: Clone + Send + Sync + 'static>() {}

        shared::<Client>();
        shared::<Chain>();
        shared::<Identity>();
        shared::<Notifications>();
        shared::<Transport>();
        shared::<PrivateKey>();
        shared::<PublicKey>();
        shared::<Certificate>();
        shared::<PlatformKey>();
        shared::<Options>();
        shared::<Media>();
        shared::<RetryPolicy>();
        shared::<CertificateMode>();
        shared::<CertificateRefresh>();
        shared::<SinkFile>();
        shared::<ApiError>();
        shared::<ErrorKind>();
        shared::<Outcome>();
        shared::<RefusedNotification>();
        shared::<Ack>();
        shared::<Admission>();
        shared::<Fence>();
        shared::<Verification>();
        shared::<PayParams>();
        shared::<Signature>();
        shared::<Encrypted>();
        shared::<BillRow>();
        shared::<catalog::Operation>();
        shared::<model::Transaction>();
        shared::<model::Refund>();
        shared::<model::TransferBill>();
        shared::<model::BeijingTime>();

        send_sync::<ClientBuilder>();
        send_sync::<NotificationsBuilder>();
        send_sync::<PayParamsBuilder>();
        send_sync::<TransportBuilder>();
        send_sync::<Response>();
        send_sync::<Notification>();
        send_sync::<MemoryGuard>();
        send_sync::<BillRows<&[u8]>>();
        send_sync::<Error>();

        // A call is one future, awaited in one place.
        send::<Call>();
        send::<PreparedRequest>();
    }

    #[cfg(feature = "documents")]
    #[test]
    fn documents_are_send_and_sync() {
        fn shared<T: Clone + Send + Sync + 'static>() {}
        shared::<catalog::Event>();
        shared::<catalog::Field>();
        shared::<catalog::FieldUse>();
        shared::<catalog::Fields>();
        shared::<catalog::FieldsIter>();
        shared::<catalog::Kind>();
        shared::<catalog::Sealing>();
    }

    #[cfg(feature = "axum")]
    #[test]
    fn rejection_is_send_and_sync() {
        fn send_sync<T: Send + Sync + 'static>() {}
        send_sync::<NotificationRejection>();
    }
}
