//! The sandbox, called by independent clients where they prove more than this library.

mod agreements;
mod brands;
mod clients;
mod control;
mod documented;
mod export;
mod files;
mod handle;
mod journal;
mod keys_folder;
mod marketing;
mod merchants;
mod noon;
mod notifications;
mod openssl_client;
mod payments;
mod payouts;
mod proxy;
mod receipts;
mod snapshots;
mod states;
mod trust;
