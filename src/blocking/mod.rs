//! Blocking verbs: the async ones, polled on the caller's own thread.

mod driver;
mod notification;
mod sensitive;
mod verbs;
