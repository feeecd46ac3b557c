//! Counts the bytes that leave on a connection, ends writing for good, and caps a response's head.
//!
//! This is what makes a failure's `written: false` exact, and with it the decision whether a payment
//! may be sent again. It cannot be guessed from the kind of an error: a write through TLS that fails
//! may have sent a part, and a connection that breaks before a response arrives says nothing about
//! what went out.

mod head;
mod progress;
mod stream;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};

pub(crate) use self::{
    head::{HeadTooLarge, MAX_HEAD},
    progress::Progress,
    stream::{Io, Metered, Side},
};

/// Counts what a connection writes on both sides of TLS, and can end its writing for good.
///
/// One count is not enough. Above TLS, plaintext counts as written although it may still wait in the
/// TLS buffer: counting there alone would call a request sent that never left, and a payment that
/// could be sent again would be reported as unknown. At the socket, the TLS layer writes bytes of
/// its own (a key update, a close_notify): counting there alone would do the same. So a byte of a
/// request may have left if, and only if, plaintext was handed over *and* the socket has taken
/// something since the request began.
///
/// Without TLS both sides are the same stream, and the socket's count decides.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Both counts and the seal are under one lock, so that no write falls between reading the
    /// counts and sealing.
    counts: Mutex<Counts>,
    /// How many requests were handed over.
    exchanges: AtomicU32,
    /// How many interim responses (1xx) came to the current request.
    interim: AtomicU32,
}

/// The maximum number of interim responses (1xx) to one request.
///
/// hyper accepts any number. A server that sends nothing else would keep a thread busy with parsing,
/// past any timeout.
const MAX_INTERIM: u32 = 16;

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Bytes handed over above TLS, counted before they are passed on.
    plaintext: u64,
    /// Bytes that the socket has taken.
    socket: u64,
    /// Whether writing has ended for good.
    sealed: bool,
}

impl Meter {
    /// Returns where the counts stand before a request is handed over. The connection must be idle.
    pub(crate) fn baseline(self: &Arc<Self>) -> Baseline {
        // Relaxed is enough: the request is handed to the driver through a channel, which orders this
        // before everything that the driver does with it.
        self.interim.store(0, Ordering::Relaxed);
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        Baseline {
            from: *self.lock(),
            meter: Arc::clone(self),
        }
    }

    /// Counts an interim response. After too many, the connection reads no more.
    pub(crate) fn count_interim(&self) {
        self.interim.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The beginning of a request on its connection.
#[derive(Debug)]
pub(crate) struct Baseline {
    meter: Arc<Meter>,
    from: Counts,
}

impl Baseline {
    /// Ends the connection's writing, and returns whether a byte of the request may have left.
    ///
    /// False is final. The socket writes under the lock that is taken here ([`Metered`]), so a
    /// write either is in the counts that are read, or finds the connection sealed and fails.
    /// Without the seal, false would only mean "not yet": the driver is a separate task, and may
    /// write what hyper has buffered after the caller has given up and asked.
    fn seal(&self) -> bool {
        let mut counts = self.meter.lock();
        counts.sealed = true;
        counts.plaintext > self.from.plaintext && counts.socket > self.from.socket
    }
}
