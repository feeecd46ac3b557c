//! Sends a call. Ctrl-C ends it, and then says truthfully what is known.

use std::future::Future;

use wechatpay_chain::{Method, Response};

use super::Call;
use crate::{
    exit::{Exit, Failure, Result},
    text::t,
};

pub(super) fn send(call: &Call) -> Result<Response> {
    let sent = call.chain.request_async(call.method.clone(), &call.options);
    interruptible(call.method == Method::GET, sent)?.map_err(Failure::from)
}

/// Runs a call until it ends or the user interrupts it. Dropped calls leave no file behind.
pub(crate) fn interruptible<T>(is_read: bool, call: impl Future<Output = T>) -> Result<T> {
    on_runtime(async {
        tokio::select! {
            // A response that is there counts, even if the user was quick.
            biased;
            result = call => Ok(result),
            () = interrupted() => Err(interruption(is_read)),
        }
    })?
}

/// Runs a future to its end.
pub(crate) fn on_runtime<T>(future: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    Ok(runtime.map_err(Failure::local)?.block_on(future))
}

/// Runs until the user interrupts it.
pub(crate) fn until_interrupted() -> Result {
    match interruptible(true, std::future::pending::<()>()) {
        Err(failure) if failure.exit == Exit::Interrupted => Ok(()),
        other => other,
    }
}

/// Waits for Ctrl-C, or for a request to end from the system.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn interruption(is_read: bool) -> Failure {
    if is_read {
        return Failure::new(
            Exit::Interrupted,
            t("interrupted; nothing was changed", "已中断; 没有任何更改"),
        );
    }
    Failure::new(
        Exit::Unknown,
        t(
            "interrupted; the request may have been sent, and what it did is not known",
            "已中断; 请求可能已经发出, 结果未知",
        ),
    )
    .with_advice(t(
        "Query its number before you send it again.",
        "再次发送之前, 请先按单号查询。",
    ))
}
