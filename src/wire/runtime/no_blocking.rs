//! Refuses blocking verbs where they would deadlock.

use std::cell::Cell;

use crate::error::{Cause, cause};

/// Code in which a blocking verb is refused, because what it waits for may itself be waiting for
/// this code to return.
///
/// A thread-local mark and not an argument: between the library's call into the program's code and
/// the verb that this code makes lie only the program's own functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoBlocking {
    /// A progress callback.
    Callback,
    /// A signer, a verifier or a replay guard.
    Plugin,
    /// A thread of this library.
    LibraryThread,
}

thread_local! {
    static CURRENT: Cell<Option<NoBlocking>> = const { Cell::new(None) };
}

impl NoBlocking {
    /// Refuses blocking verbs on this thread until the guard is dropped.
    pub(super) fn enter(self) -> Entered {
        Entered(CURRENT.replace(Some(self)))
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Callback => "inside a progress callback",
            Self::Plugin => "inside a Signer, a Verifier or a ReplayGuard",
            Self::LibraryThread => "on a thread of this library",
        }
    }
}

/// Restores the previous mark when dropped, so that marks nest and survive a panic.
pub(super) struct Entered(Option<NoBlocking>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Returns an error if a blocking verb must not be called here.
pub(crate) fn check_may_block() -> cause::Result<()> {
    match CURRENT.get() {
        None => Ok(()),
        Some(current) => Err(Cause::request(format!(
            "a blocking call was made {}, where it could deadlock: make it on another thread, or \
             await its `_async` twin elsewhere",
            current.describe()
        ))),
    }
}
