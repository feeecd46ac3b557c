//! The sandbox, called by independent clients where they prove more than this library.

mod axios_plugin;
mod faults;
mod files;
mod handle;
mod openssl_client;
mod requests;
