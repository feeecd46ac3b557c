//! One attempt: sign, choose a host, send.

use http::Request;

use super::{
    super::{core::Core, response::ResponseHead},
    sign::{SignedBody, SignedRequest, destination, sign},
    state::CallState,
};
use crate::{
    error::{Cause, Outcome, SentError, cause::Result},
    protocol::request::Draft,
    wire::{self, Body, Reports},
};

/// Signs a draft, sends it and waits for the head of the response.
///
/// Two failures lead to a second request within the attempt, since nothing was written in either
/// case and a second request therefore cannot pay twice:
///
/// - The host cannot be reached: the request goes to the client's other host, once.
/// - A pooled connection turned out to be closed: the request goes over a new one, once. Servers
///   close idle connections at any time, so this is normal operation and not worth a retry.
///
/// Each request is signed again, because the signature covers a path that may differ between the
/// hosts.
pub(in crate::client) async fn send(
    core: &Core,
    draft: &Draft,
    state: &CallState,
) -> Result<ResponseHead, SentError> {
    let mut fresh_connection = false;
    let mut hosts = core.failover.hosts(draft);
    loop {
        // The draft stays as it was made; the copy for the other host has another path and so another
        // signature.
        let moved = hosts.current().map(|base| draft.at(base));
        let draft = moved.as_ref().unwrap_or(draft);
        let SignedRequest {
            request,
            origin,
            message,
        } = sign(core, draft).await.map_err(not_sent)?;
        let mut destination = destination(core, draft, origin);
        destination.fresh_connection = fresh_connection;
        let request = with_body(request, draft, &state.reports)
            .await
            .map_err(not_sent)?;
        // From here on a timeout asks `progress` whether a byte was written.
        let progress = state.start_sending();
        match core.transport.send(request, destination, progress).await {
            Ok(incoming) => {
                hosts.reached();
                return Ok(ResponseHead {
                    incoming,
                    signed: message,
                });
            }
            // The runtime is shutting down, so nothing can be sent to any host.
            Err(failure) if wire::is_runtime_shut_down() => return Err(failure.into()),
            // A new host has its own pool, whose connections are worth a try.
            Err(failure) if failure.is_unreachable() && hosts.turn() => fresh_connection = false,
            Err(failure) if failure.is_stale_connection() && !fresh_connection => {
                fresh_connection = true;
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

/// Opens the file of an upload, if there is one. A file that cannot be opened is an error here,
/// before anything is sent.
async fn with_body(
    request: Request<SignedBody>,
    draft: &Draft,
    reports: &Reports,
) -> Result<Request<Body>> {
    let (parts, body) = request.into_parts();
    let body = match body {
        SignedBody::Bytes(bytes) => bytes.into(),
        SignedBody::Upload { upload, .. } => {
            let reporter = reports.to(draft.send.on_progress.clone());
            upload.into_body(reporter).await?
        }
    };
    Ok(Request::from_parts(parts, body))
}

/// The error of one attempt that sent nothing. [`CallState::conclude`] adds what earlier attempts
/// did.
pub(super) fn not_sent(cause: Cause) -> SentError {
    cause.with_outcome(Outcome::NotSent)
}
