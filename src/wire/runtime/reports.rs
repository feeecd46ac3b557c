//! A call's progress, on its way from the wire to the program's callback.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::no_blocking::NoBlocking;

/// Takes the number of bytes transferred so far, and of all bytes if that is known.
type Callback = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// How many reports may wait for the callback. An upload pauses at this number, so that progress
/// neither lags far behind the wire nor grows in memory.
const MAX_WAITING: usize = 16;

/// The queue of a call's progress reports.
///
/// A callback is the program's code and may be slow, so it must not run where a report is made: an
/// upload's body is read by the connection's driver, which for blocking verbs lives on the one
/// background thread, and a slow callback there would stall every other call. Reports are queued
/// instead, and whatever polls the call delivers them between two polls, outside the library's
/// runtime ([`InRuntime`](super::InRuntime)). A slow callback then delays its own call only, and
/// none runs after its call has ended.
#[derive(Clone, Default)]
pub(crate) struct Reports(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Report>,
    closed: bool,
    /// Wakes what polls the call.
    call: Option<Waker>,
    /// Wakes what sends, while it waits for room.
    sender: Option<Waker>,
}

struct Report {
    callback: Callback,
    bytes: u64,
    total: Option<u64>,
}

/// Reports to one callback.
pub(crate) struct Reporter {
    reports: Reports,
    callback: Callback,
}

impl Reports {
    /// Returns a reporter to `callback`, if there is one.
    pub(crate) fn to(&self, callback: Option<Callback>) -> Option<Reporter> {
        callback.map(|callback| Reporter {
            reports: self.clone(),
            callback,
        })
    }

    /// Sets the waker of what polls the call, which each report wakes.
    pub(super) fn set_waker(&self, waker: &Waker) {
        let mut queue = self.lock();
        match &mut queue.call {
            Some(call) => call.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Calls the callback for every waiting report, and returns whether there was one.
    pub(super) fn deliver(&self) -> bool {
        let mut any = false;
        loop {
            // The lock is released before the callback runs: the callback may take any time, and
            // the driver must be able to queue the next report meanwhile.
            let (report, sender) = {
                let mut queue = self.lock();
                match queue.waiting.pop_front() {
                    Some(report) => (report, queue.sender.take()),
                    None => return any,
                }
            };
            any = true;
            if let Some(sender) = sender {
                sender.wake();
            }
            let _refused = NoBlocking::Callback.enter();
            (report.callback)(report.bytes, report.total);
        }
    }

    /// Ends reporting: later reports are discarded, and nothing waits for room any more.
    pub(super) fn close(&self) {
        let (waiting, sender) = {
            let mut queue = self.lock();
            queue.closed = true;
            queue.call = None;
            (std::mem::take(&mut queue.waiting), queue.sender.take())
        };
        // May drop the last handle to the callback, and what it captured is the program's code
        // too: never under the lock.
        drop(waiting);
        if let Some(sender) = sender {
            sender.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter {
    /// Queues a report, from any thread.
    pub(crate) fn report(&self, bytes: u64, total: Option<u64>) {
        let call = {
            let mut queue = self.reports.lock();
            if queue.closed {
                return;
            }
            queue.waiting.push_back(Report {
                callback: Arc::clone(&self.callback),
                bytes,
                total,
            });
            queue.call.clone()
        };
        if let Some(call) = call {
            call.wake();
        }
    }

    /// Returns `Ready` if there is room for a report.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut queue = self.reports.lock();
        if queue.closed || queue.waiting.len() < MAX_WAITING {
            return Poll::Ready(());
        }
        queue.sender = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Reports from inside the call itself, and waits until the callback has returned.
    pub(crate) async fn tell(&self, bytes: u64, total: Option<u64>) {
        self.report(bytes, total);
        // No waker is needed: `InRuntime` delivers after each poll, and polls again if it did.
        poll_fn(|_| match self.reports.lock().waiting.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports").finish_non_exhaustive()
    }
}
