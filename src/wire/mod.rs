//! The wire: one attempt of one HTTP/1.1 request, and the connections it travels on.
//!
//! Nothing here signs, verifies or repeats. What it promises instead is exactness: a failed
//! attempt says whether a byte of the request can have left this machine, because that decides
//! whether a payment may be sent again.

mod attempt;
mod clock;
mod connect;
mod failure;
mod head;
mod identity;
mod incoming;
mod metered;
mod outgoing;
mod outside;
mod pool;
mod proxy;
mod reports;
mod runtime;
mod socket;
mod tls;
mod transport;
mod tunnel;

pub(crate) use clock::Clock;
pub(crate) use failure::{Failure, Stage};
pub(crate) use identity::ClientIdentity;
pub(crate) use incoming::{BodyError, Incoming, IncomingBody};
pub(crate) use metered::Progress;
pub(crate) use outgoing::{Body, Outgoing, Target};
pub(crate) use outside::{as_guest, ended, may_block, outside, outside_now};
pub(crate) use reports::{Reporter, Reports};
pub(crate) use runtime::{InRuntime, background, is_gone, spawn_beside};
pub use transport::{Transport, TransportBuilder};

#[cfg(test)]
mod tests;
