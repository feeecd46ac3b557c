//! Blocking methods: each drives the future of its async form on the caller's own thread.

mod certificates;
mod driver;
mod notification;
mod pay_params;
mod sensitive;
mod sign;
mod verbs;

#[cfg(test)]
pub(crate) use self::driver::block_on;
