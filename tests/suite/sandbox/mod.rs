//! The sandbox, called by clients that are not this library where that proves more.

mod axios_plugin;
mod faults;
mod files;
mod handle;
mod openssl_client;
mod requests;
