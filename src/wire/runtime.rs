use std::{
    fmt,
    future::pending,
    pin::Pin,
    sync::{Mutex, OnceLock, PoisonError},
    task::{Context, Poll},
    thread,
};

use tokio::runtime::{Builder, Handle};

use crate::error::{Cause, Kind, Result, cause};

/// The runtime for whoever has none: blocking verbs, and async verbs outside tokio.
///
/// One thread, started when it is first needed, and never ended.
pub(crate) fn background() -> cause::Result<&'static Handle> {
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());

    if let Some(handle) = HANDLE.get() {
        return Ok(handle);
    }
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = HANDLE.get() {
        return Ok(handle);
    }
    // A failure is not kept: there may be a thread to spare the next time.
    let handle = start().map_err(|e| {
        Cause::new(
            Kind::Transport,
            "the background thread for sending cannot be started",
        )
        .with_source(e)
    })?;
    Ok(HANDLE.get_or_init(|| handle))
}

/// Runs the runtime on a thread that is spawned here, because tokio panics where it cannot spawn
/// a worker of its own.
fn start() -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .thread_name("wechatpay-dns")
        .build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("wechatpay-chain".to_owned())
        .spawn(move || runtime.block_on(pending::<()>()))?;
    Ok(handle)
}

/// A future that is always polled inside one and the same runtime: the one it was first polled
/// in, or the background runtime.
///
/// So its timers and connections stay with one runtime, and it can be polled by any executor.
pub(crate) struct InRuntime<T> {
    future: Pin<Box<dyn Future<Output = Result<T>> + Send>>,
    runtime: Option<Handle>,
}

impl<T> InRuntime<T> {
    pub(crate) fn new(future: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self {
            future: Box::pin(future),
            runtime: None,
        }
    }
}

impl<T> Future for InRuntime<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = &mut *self;
        let current = Handle::try_current().ok();
        let runtime = match &this.runtime {
            Some(runtime) => runtime,
            None => {
                let runtime = match &current {
                    Some(current) => current.clone(),
                    None => match background() {
                        Ok(background) => background.clone(),
                        Err(e) => return Poll::Ready(Err(e.not_sent())),
                    },
                };
                this.runtime.insert(runtime)
            }
        };
        if current.is_some_and(|current| current.id() == runtime.id()) {
            return this.future.as_mut().poll(cx);
        }
        let _inside = runtime.enter();
        this.future.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for InRuntime<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InRuntime").finish_non_exhaustive()
    }
}
