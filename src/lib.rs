//! The WeChat Pay client for Rust in which the URL is the API.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod base;
mod blocking;
pub mod catalog;
mod client;
mod error;
mod protocol;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod wire;

pub use http::Method;

pub use crate::base::crypto::{Certificate, PrivateKey, PublicKey};
pub use crate::client::{
    Call, CertificateMode, CertificateRefresh, Chain, Client, ClientBuilder, Identity,
    PreparedRequest, Response, SinkFile,
};
pub use crate::error::{ApiError, Error, Outcome, Result};
pub use crate::protocol::answer::Verification;
pub use crate::protocol::bill::{BillRow, BillRows};
pub use crate::protocol::media::Media;
pub use crate::protocol::notification::{
    Ack, Admission, MemoryGuard, Notification, Notifications, NotificationsBuilder, ReplayGuard,
};
pub use crate::protocol::options::Options;
pub use crate::protocol::retry::RetryPolicy;
pub use crate::protocol::sensitive::Encrypted;
pub use crate::protocol::sign::{Signature, Signer};
pub use crate::protocol::trust::{PlatformKey, Verifier};
pub use crate::wire::{Transport, TransportBuilder};
