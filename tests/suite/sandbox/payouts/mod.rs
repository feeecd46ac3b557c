//! Money that leaves a merchant's account, and the ledger of all of it.

mod authorizations;
mod batches;
mod ledger;
mod platforms;
mod sharing;
mod transfers;
