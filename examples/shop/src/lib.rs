//! A tea shop that takes payments: order, QR code, notification, polling, refund, daily reconciliation.
//!
//! It is an example to read and to copy from. Each file has one concern:
//!
//! | file | what |
//! | --- | --- |
//! | `shop` | the shop's rules: what happens to an order, in which sequence |
//! | `wechat` | every call to WeChat Pay |
//! | `store` | orders and refunds in SQLite |
//! | `notify` | what WeChat Pay posts |
//! | `jobs` | polling, closing and reconciling, without anyone asking |
//! | `web`, `pages` | the routes and the HTML |

#![forbid(unsafe_code)]

mod error;
mod jobs;
mod notify;
mod pages;
mod shop;
mod store;
mod web;
mod wechat;

pub use error::{Error, Result};
pub use shop::{Customer, Shop};
pub use store::{Order, OrderState, Refund, Store};
pub use web::app;
pub use wechat::WeChat;
