//! Platform certificates that change while calls run, and downloads of them that go wrong.

mod downloads;
mod failures;
mod guards;
mod load;
mod platform;
mod waiting;
