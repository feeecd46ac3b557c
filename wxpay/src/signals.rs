//! Ctrl-C, and the system's request to end. The first one ends what waits, truthfully; if nothing waits, or at
//! the second one, the program ends at once.

use std::{
    process,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
};

use tokio::{runtime::Runtime, sync::Notify};

use crate::exit::Exit;

/// Whether a call waits, and the next signal is its.
static WAITS: AtomicBool = AtomicBool::new(false);
static SIGNAL: Notify = Notify::const_new();
/// What the program ends with if a signal finds nothing that waits.
static EXIT: AtomicU8 = AtomicU8::new(Exit::Interrupted as u8);

/// Takes the signals from the system, which otherwise end the program. Calling it again does nothing.
pub(crate) fn take() {
    static TAKEN: OnceLock<()> = OnceLock::new();
    // Without it, a signal ends the program, which is not wrong either.
    TAKEN.get_or_init(|| drop(started()));
}

fn started() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let signals = Signals::new(&runtime)?;
    // A thread of its own: another one may be writing to a pipe that nobody reads.
    thread::Builder::new().spawn(move || runtime.block_on(signals.handle()))?;
    Ok(())
}

/// Waits for a signal.
pub(crate) async fn interrupted() {
    take();
    let _waiting = Waiting::new();
    SIGNAL.notified().await;
}

/// Sets what the program ends with from now on, if a signal ends it: a write that is done stays done.
pub(crate) fn end_with(exit: Exit) {
    EXIT.store(exit as u8, Ordering::SeqCst);
}

/// Something that waits for a signal. When it is dropped, the signals end the program again.
struct Waiting;

impl Waiting {
    fn new() -> Self {
        WAITS.store(true, Ordering::SeqCst);
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITS.store(false, Ordering::SeqCst);
    }
}

fn arrived() {
    match WAITS.swap(false, Ordering::SeqCst) {
        true => SIGNAL.notify_one(),
        false => process::exit(EXIT.load(Ordering::SeqCst).into()),
    }
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
                _ = self.interrupt.recv() => arrived(),
                _ = self.terminate.recv() => arrived(),
            }
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
            arrived();
        }
    }
}
