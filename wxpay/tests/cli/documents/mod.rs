//! `wxpay api` and `wxpay types`.

mod api;
mod compiled;
mod samples;
mod types;
