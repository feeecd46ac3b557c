//! What a page shows of orders: lists of them, one with all that belongs to it, and what can be done now.
//!
//! Amounts are in fen, and times in seconds since 1970 by the sandbox's clock, unless a name says otherwise.

mod can;
pub(super) mod item;
mod list;
mod money;
mod order;
mod row;
mod timeline;

pub(super) use self::{list::list, money::money, order::order};
