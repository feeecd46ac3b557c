//! The client: chains, calls, responses, platform keys and notifications.
//!
//! | module | what |
//! | --- | --- |
//! | `root` | the client itself, from which all chains start |
//! | `builder/` | configures a client and checks the configuration |
//! | `core` | what all chains of a client share |
//! | `chain/` | a path, its verbs, and the index |
//! | `call/` | from a draft to a signed request, and all attempts to send it |
//! | `response/` | reads, verifies and stores a response |
//! | `platform_keys/` | WeChat Pay's keys: downloads, rotation |
//! | `notifications/` | receives what WeChat Pay posts |
//! | `pay_params`, `sensitive`, `identity`, `plugins` | front-end parameters, encrypted fields, the client certificate, the program's own signers |

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

// Before the others: rustdoc lists the methods of `Chain` and `Client` in this order.
mod chain;
mod root;

mod builder;
mod call;
mod core;
mod identity;
mod notifications;
mod pay_params;
mod platform_keys;
mod plugins;
mod response;
mod sensitive;

pub(crate) use self::notifications::Arrived;
pub use self::{
    builder::ClientBuilder,
    call::{Call, PreparedRequest},
    chain::Chain,
    identity::Identity,
    notifications::{Notifications, NotificationsBuilder},
    pay_params::PayParamsBuilder,
    platform_keys::{CertificateMode, CertificateRefresh},
    response::{Response, SinkFile},
    root::Client,
};
