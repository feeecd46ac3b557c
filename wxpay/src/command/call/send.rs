//! Sends a call. Ctrl-C ends it, and then says truthfully what is known.

use std::future::Future;

use wechatpay_chain::{Error, Method, Outcome, Response};

use super::Call;
use crate::{
    exit::{Exit, Failure, Result, unknown},
    signals::{self, Interruption},
    text::t,
};

pub(super) fn send(call: &Call) -> Result<Response> {
    let is_read = call.method == Method::GET;
    let sent = call.chain.request_async(call.method.clone(), &call.options);
    let response = interruptible(is_read, sent)?.map_err(|err| advised(err, is_read))?;
    if !is_read {
        signals::end_with(Exit::Done);
    }
    Ok(response)
}

/// Says what to do where the outcome is not known.
fn advised(err: Error, is_read: bool) -> Failure {
    let is_known = !matches!(err.outcome(), Outcome::Unknown);
    let failure = Failure::from(err);
    match is_read {
        _ if is_known => failure,
        // Another key, or another clock, comes first.
        true if failure.exit == Exit::Unverified => failure,
        true => failure.with_advice(t(
            "Nothing was changed: send it again.",
            "没有任何更改: 可以再次发送。",
        )),
        false => failure.with_advice(unknown()),
    }
}

/// Runs a call until it ends or the user interrupts it. Dropped calls leave no file behind.
pub(crate) fn interruptible<T>(is_read: bool, call: impl Future<Output = T>) -> Result<T> {
    let interruption = Interruption::new();
    if !is_read {
        signals::end_with(Exit::Unknown);
    }
    on_runtime(async {
        tokio::select! {
            // A response that is there counts, even if the user was quick.
            biased;
            result = call => Ok(result),
            () = interruption.arrived() => Err(interrupted(is_read)),
        }
    })?
}

/// Runs a future to its end.
pub(crate) fn on_runtime<T>(future: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(Failure::local)?;
    let result = runtime.block_on(future);
    // The lookup of a name cannot be broken off, and nobody waits for it any more.
    runtime.shutdown_background();
    Ok(result)
}

/// Runs until the user interrupts it.
pub(crate) fn until_interrupted() -> Result {
    match interruptible(true, std::future::pending::<()>()) {
        Err(failure) if failure.exit == Exit::Interrupted => Ok(()),
        other => other,
    }
}

fn interrupted(is_read: bool) -> Failure {
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
