use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::outside::Place;

/// Told of bytes that have gone or come, and of how many there are, where that is known.
type Told = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// How many reports may wait. What is sent waits for the callback then, so that it neither falls
/// far behind nor takes memory.
const MOST: usize = 16;

/// The progress of a call, on its way to the program's callback.
///
/// The callback is the program's code. It is called by whoever polls the call, outside of this
/// library's runtime and between two polls: a slow one holds up its own call and no other, and
/// none is called once the call has ended.
#[derive(Clone, Default)]
pub(crate) struct Reports(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Report>,
    closed: bool,
    /// Whoever polls the call.
    call: Option<Waker>,
    /// What sends, while it waits for room.
    sender: Option<Waker>,
}

struct Report {
    told: Told,
    bytes: u64,
    total: Option<u64>,
}

/// One callback, and its way there.
pub(crate) struct Reporter {
    reports: Reports,
    told: Told,
}

impl Reports {
    pub(crate) fn to(&self, told: Option<Told>) -> Option<Reporter> {
        told.map(|told| Reporter {
            reports: self.clone(),
            told,
        })
    }

    /// Who is woken by a report.
    pub(super) fn wakes(&self, waker: &Waker) {
        let mut queue = self.lock();
        match &mut queue.call {
            Some(call) => call.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Calls the callback for all that wait; whether there were any.
    pub(super) fn deliver(&self) -> bool {
        let mut any = false;
        loop {
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
            let _marked = Place::Callback.mark();
            (report.told)(report.bytes, report.total);
        }
    }

    /// The call has ended: nothing is reported any more, and nothing waits for a report.
    pub(super) fn close(&self) {
        let (waiting, sender) = {
            let mut queue = self.lock();
            queue.closed = true;
            queue.call = None;
            (std::mem::take(&mut queue.waiting), queue.sender.take())
        };
        // The callback may be dropped by this, which is the program's code too.
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
    /// Reports, from any thread.
    pub(crate) fn report(&self, bytes: u64, total: Option<u64>) {
        let call = {
            let mut queue = self.reports.lock();
            if queue.closed {
                return;
            }
            queue.waiting.push_back(Report {
                told: Arc::clone(&self.told),
                bytes,
                total,
            });
            queue.call.clone()
        };
        if let Some(call) = call {
            call.wake();
        }
    }

    /// Ready while there is room for a report.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut queue = self.reports.lock();
        if queue.closed || queue.waiting.len() < MOST {
            return Poll::Ready(());
        }
        queue.sender = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Reports from inside the call itself, and waits until the callback has returned.
    pub(crate) async fn tell(&self, bytes: u64, total: Option<u64>) {
        self.report(bytes, total);
        // The call is polled again after each delivery.
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
