//! Which runtime and which thread runs what.
//!
//! A call is one future. It runs in the tokio runtime that polls it or, for blocking verbs and outside
//! tokio, inside the background runtime's context ([`InRuntime`]). Three things never follow the caller: timers, which always belong to the
//! background thread ([`Clock`]); the program's own code, which never runs inside the background
//! runtime ([`run_user_future`], [`Reports`]); and blocking verbs, which are refused where they
//! would wait for themselves ([`check_may_block`]).

mod clock;
mod in_runtime;
mod no_blocking;
mod reports;
mod thread;
mod user_code;

pub(crate) use self::{
    clock::Clock,
    in_runtime::InRuntime,
    no_blocking::check_may_block,
    reports::{Reporter, Reports},
    thread::{background, is_runtime_shut_down, spawn_user_work},
    user_code::{run_on_user_runtime, run_user_code, run_user_future, runtime_shut_down},
};
