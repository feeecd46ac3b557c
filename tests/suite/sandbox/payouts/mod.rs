//! Money that leaves a merchant's account, and the ledger of all of it.

mod batches;
mod ledger;
mod sharing;
mod transfers;
