//! The wire: one attempt of one HTTP/1.1 request, and the connections it travels on.
//!
//! Nothing here signs, verifies or retries. What this layer guarantees instead is exactness: a
//! failed attempt says whether a byte of the request may have left this machine, because that
//! decides whether a payment may be sent again.
//!
//! | module | what |
//! | --- | --- |
//! | `transport` | what clients share: the proxy, TLS trust and the pool |
//! | `request`, `destination` | what an attempt sends, and where to |
//! | `attempt` | sends it once |
//! | `response`, `failure` | how it ends |
//! | `connect/` | from a destination to a connection: DNS, TCP, proxy, TLS |
//! | `meter/` | counts the bytes that leave, ends writing, caps a response's head |
//! | `pool/` | idle connections |
//! | `runtime/` | which runtime and which thread runs what |

mod attempt;
mod connect;
mod destination;
mod failure;
mod meter;
mod pool;
mod request;
mod response;
mod runtime;
mod transport;

pub(crate) use connect::ClientIdentity;
pub(crate) use destination::Destination;
pub(crate) use failure::{Failure, Stage};
pub(crate) use meter::Progress;
pub(crate) use request::{Body, request};
pub(crate) use response::{BodyError, Incoming, IncomingBody};
pub(crate) use runtime::{
    Clock, InRuntime, Reporter, Reports, background, check_may_block, is_runtime_shut_down,
    run_on_user_runtime, run_user_code, run_user_future, runtime_shut_down, spawn_user_work,
};
pub use transport::{Transport, TransportBuilder};

#[cfg(test)]
mod tests;
