//! What nearly every program writes by hand: types for the most common bodies, the names of events and
//! states, times, and order numbers.
//!
//! A call needs none of it: a response is JSON, and [`Response::json`](crate::Response::json) reads it
//! into any type. These types hold what programs use most. They ignore fields that they do not know, so
//! that a field that WeChat Pay adds breaks nothing.
//!
//! | type | of a response | of a notification |
//! | --- | --- | --- |
//! | [`Transaction`] | `v3/pay/transactions/…` and `v3/pay/partner/transactions/…`, queries and code payments | [`event::TRANSACTION_SUCCESS`] |
//! | [`Refund`] | `v3/refund/domestic/refunds` and its queries | [`event::REFUND_SUCCESS`], [`event::REFUND_ABNORMAL`], [`event::REFUND_CLOSED`] |
//! | [`TransferBill`] | `v3/fund-app/mch-transfer/transfer-bills` and its queries | [`event::TRANSFER_FINISHED`] |
//!
//! ```
//! # #[cfg(feature = "sandbox")]
//! # fn main() -> wechatpay_chain::Result<()> {
//! use wechatpay_chain::{
//!     json,
//!     model::{Transaction, trade_state},
//!     sandbox::Sandbox,
//! };
//!
//! let sandbox = Sandbox::start()?;
//! let client = sandbox.client_builder().build()?;
//! client.chain("v3/pay/transactions/native").post(json!({ "json": {
//!     "appid": sandbox.appid(),
//!     "mchid": sandbox.mchid(),
//!     "description": "A cup of tea",
//!     "out_trade_no": "tea-0001",
//!     "notify_url": "https://example.com/notify",
//!     "amount": { "total": 100 },
//! }}))?;
//! sandbox.user_pays("tea-0001")?;
//!
//! let order: Transaction = client
//!     .chain("v3/pay/transactions/out-trade-no/<out_trade_no>")
//!     .get(json!({ "out_trade_no": "tea-0001", "query": { "mchid": sandbox.mchid() } }))?
//!     .json()?;
//! assert_eq!(order.trade_state, trade_state::SUCCESS);
//! assert_eq!(order.total(), Some(100));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sandbox"))]
//! # fn main() {}
//! ```

mod beijing;
mod order_number;
mod refund;
mod states;
#[cfg(all(test, feature = "documents"))]
mod tests;
mod transaction;
mod transfer;

pub use beijing::BeijingTime;
pub use order_number::order_number;
pub use refund::{Refund, RefundAmount};
pub use states::{event, refund_status, trade_state, trade_type, transfer_state};
pub use transaction::{Payer, Transaction, TransactionAmount};
pub use transfer::TransferBill;
