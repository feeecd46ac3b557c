//! Ctrl-C, and the system's request to end. The first one ends what waits, truthfully; if nothing waits, or at
//! the second one, the program ends at once.

use std::{
    process,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{runtime::Runtime, sync::Notify};

use crate::exit::Exit;

/// How long the program may take to end by itself.
const GRACE: Duration = Duration::from_millis(300);

/// Whether a call waits, and the next signal is its.
static WAITS: AtomicBool = AtomicBool::new(false);
static SIGNAL: Notify = Notify::const_new();
/// What the program ends with if a signal finds nothing that waits.
static EXIT: AtomicU8 = AtomicU8::new(Exit::Interrupted as u8);

/// Takes the signals from the system, which otherwise end the program. Calling it again does nothing.
fn take() {
    static TAKEN: OnceLock<()> = OnceLock::new();
    // Without it, a signal ends the program, which is not wrong either.
    TAKEN.get_or_init(|| drop(started()));
}

fn started() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let signals = Signals::new(&runtime)?;
    // A thread of its own: another one may be writing to a pipe that nobody reads.
    thread::Builder::new().spawn(move || runtime.block_on(signals.handle()))?;
    Ok(())
}

/// Sets what the program ends with from now on, if a signal ends it: a write that is done stays done.
pub(crate) fn end_with(exit: Exit) {
    EXIT.store(exit as u8, Ordering::SeqCst);
}

/// The next signal, which ends what waits for it. When it is dropped, signals end the program again.
pub(crate) struct Interruption(());

impl Interruption {
    pub(crate) fn new() -> Self {
        take();
        WAITS.store(true, Ordering::SeqCst);
        Self(())
    }

    /// Waits for the signal, also for one that arrived meanwhile.
    pub(crate) async fn arrived(&self) {
        SIGNAL.notified().await;
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        WAITS.store(false, Ordering::SeqCst);
    }
}

async fn handle() {
    if WAITS.swap(false, Ordering::SeqCst) {
        SIGNAL.notify_one();
        return;
    }
    // A program that is about to end by itself says how.
    tokio::time::sleep(GRACE).await;
    process::exit(EXIT.load(Ordering::SeqCst).into());
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new(runtime: &Runtime) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let _entered = runtime.enter();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn handle(mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            handle().await;
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new(_: &Runtime) -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn handle(self) {
        while tokio::signal::ctrl_c().await.is_ok() {
            handle().await;
        }
    }
}
