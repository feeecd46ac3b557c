//! Platform certificates that change while calls run, and downloads of them that go wrong.

mod downloads;
mod failures;
mod load;
mod platform;
mod waiting;
