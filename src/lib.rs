//! The WeChat Pay client for Rust in which the URL is the API.
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
pub use crate::error::{ApiError, Error, Outcome, Result};
#[cfg(feature = "axum")]
pub use crate::extract::NotificationRejection;
pub use crate::protocol::answer::Verification;
pub use crate::protocol::bill::{BillRow, BillRows};
pub use crate::protocol::media::Media;
pub use crate::protocol::notification::{Ack, Admission, MemoryGuard, Notification, ReplayGuard};
pub use crate::protocol::options::Options;
pub use crate::protocol::pay_params::PayParams;
pub use crate::protocol::retry::RetryPolicy;
pub use crate::protocol::sensitive::Encrypted;
pub use crate::protocol::sign::{Signature, Signer};
pub use crate::protocol::trust::{PlatformKey, Verifier};
pub use crate::wire::{Transport, TransportBuilder};

/// The READMEs' Rust blocks, as doctests.
#[cfg(all(doctest, feature = "sandbox"))]
mod readme {
    #[doc = include_str!("../README.md")]
    mod english {}
    #[doc = include_str!("../README.zh-CN.md")]
    mod chinese {}
}
