//! What the fuzz targets run, one function each: in `fuzz/` on random input, in the test below on the
//! kept inputs. None of it is in a normal build.
//!
//! A function panics where a promise is broken, be it only that nothing panics.

mod answer;
mod bill;
mod draw;
mod key;
mod notification;
mod options;
mod query;
mod replay;
mod sent;
mod template;
mod xml;

pub use self::{
    answer::answer, bill::bill, key::key, notification::notification, options::options,
    query::query, template::template, xml::xml,
};

use std::{
    fmt,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// What the future gives: nothing here waits for anyone.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// An error is a line of bounded length, with nothing in it that a log would stumble over.
fn check_error(err: &(impl fmt::Display + fmt::Debug)) {
    let text = err.to_string();
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.len() < 16 * 1024, "{} bytes: {text:.200}", text.len());
    let debug = format!("{err:?}");
    assert!(debug.len() < 64 * 1024, "{} bytes", debug.len());
}
