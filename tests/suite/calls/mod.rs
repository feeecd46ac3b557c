//! A call from its verb to its result: responses, outcomes, repeated attempts and failing networks.

mod connections;
mod encodings;
mod failover;
mod faults;
mod limits;
mod logs;
mod outcomes;
mod redirects;
mod responses;
mod retries;
