//! Notifications: `wxpay listen`, `trigger`, `verify`, `replay` and `events`.

mod documented;
pub(crate) mod events;
mod facts;
mod forward;
pub(crate) mod listen;
mod message;
mod receiver;
pub(crate) mod replay;
pub(crate) mod resource;
mod store;
pub(crate) mod trigger;
mod verdict;
pub(crate) mod verify;
