//! What the fuzz targets run: one function each, called by `fuzz_targets/` on random input and by
//! `tests/replay.rs` on the corpus.
//!
//! A function panics if a promise is broken. That nothing else panics is one of the promises.

mod bill;
mod draw;
mod key;
mod notification;
mod options;
mod query;
mod request;
mod response;
mod template;
mod xml;

pub use self::{
    bill::bill, key::key, notification::notification, options::options, query::query,
    response::response, template::template, xml::xml,
};

use std::{
    fmt,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// The output of a future that is ready at once: nothing here does I/O.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future is pending"),
    }
}

/// Checks that an error is one line of bounded length without control characters, so that it can be
/// logged.
fn check_error(err: &(impl fmt::Display + fmt::Debug)) {
    let text = err.to_string();
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.len() < 16 * 1024, "{} bytes: {text:.200}", text.len());
    let debug = format!("{err:?}");
    assert!(debug.len() < 64 * 1024, "{} bytes", debug.len());
}
