//! One request and its response: host check, recording, faults, the operation, the signature.

use std::{io, sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CONNECTION, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::{sync::Notify, time};

use super::{
    events, host,
    signing::{SignatureFault, sign_response},
};
use crate::sandbox::{
    checks::{self, SERIAL},
    control,
    dispatch::{
        pipeline::{self, Arrived, Listener},
        response::ApiResponse,
    },
    faults::{self, Fault},
    outbox::SandboxEvent,
    state::{SandboxState, Sent},
};

/// How long a request's body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest body that is read.
// WeChat Pay takes videos of up to 5 MB; more than that is for the upload's own check to refuse.
const MAX_BODY: usize = 16 << 20;

/// Responds to one request. An error closes the connection without a response.
pub(super) async fn exchange(
    state: &Arc<SandboxState>,
    listener: Listener,
    hangup: &Arc<Notify>,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    // Before anything else, and unsigned: a web page that reaches this port must not leave a trace
    // in the log, use up a fault, or receive a signature.
    if !host::is_own(&parts, &listener, &state.hosts) {
        let own = match listener.host {
            Some(host) => format!("{host}, which the connection was made for"),
            None => "the sandbox's own address, or a host that it was started with".to_owned(),
        };
        return Ok(ApiResponse::error(
            StatusCode::MISDIRECTED_REQUEST,
            "INVALID_REQUEST",
            &format!("the Host header must be {own}"),
        )
        .into_response()
        .map(Body::from));
    }
    // Like the control requests below: no part of WeChat Pay.
    if let Some(response) = state.page.answer(&parts, &listener) {
        return Ok(response.map(Body::from));
    }
    // The whole body is read first, because the signature covers it.
    let (body, read_error) = match read_body(body).await {
        Ok(body) => (body, None),
        Err(response) => (Bytes::new(), Some(response)),
    };
    // Neither recorded nor met by faults: these requests are not WeChat Pay's.
    if control::is_for(&parts) {
        let is_brief = control::wants_brief_events(&parts);
        let response = match read_error {
            Some(error) => error.with_header(CONNECTION, HeaderValue::from_static("close")),
            None => {
                let arrived = Arrived {
                    parts,
                    body,
                    listener,
                };
                let (_, response) = carry_out(state, &arrived);
                // No fault takes its place.
                response.unwrap_or_else(|| ApiResponse::system_error("no response"))
            }
        };
        return Ok(match response.opens_events() {
            true => events::stream(state, response, is_brief, hangup),
            false => sign_response(state, response.unsigned(), None, None, None).map(Body::from),
        });
    }
    let serial = parts.headers.get(SERIAL).cloned();
    let merchant = checks::claimed_merchant(state, &parts.headers);
    // Recorded before the operation: a test that sees its result also sees the request.
    let id = record(state, &parts, body.clone());
    let recorded = Recorded { state, id };
    state
        .post
        .publish(|| state.requests().get(id).map(SandboxEvent::Request));
    let sign = |response, fault| {
        sign_response(state, response, merchant.as_deref(), serial.as_ref(), fault)
    };

    if let Some(error) = read_error {
        // The rest of the body is still on the connection, so no second request can follow.
        let error = error.with_header(CONNECTION, HeaderValue::from_static("close"));
        return recorded.answered(sign(error, None), None);
    }

    let arrived = Arrived {
        parts,
        body,
        listener,
    };
    let (fault, response) = carry_out(state, &arrived);
    let fault = fault.as_ref();
    let Some(response) = response else {
        return match fault {
            Some(Fault::Raw {
                status,
                headers,
                body,
            }) => recorded.answered(faults::raw_response(*status, headers, body), fault),
            _ => recorded.closed(fault),
        };
    };
    // The faults that damage the response.
    let response = sign(response, fault.and_then(SignatureFault::from_fault));
    match fault {
        Some(Fault::LostResponse) => recorded.closed(fault),
        Some(Fault::Delay(delay)) => {
            time::sleep(*delay).await;
            recorded.answered(response, fault)
        }
        Some(Fault::Cut(after)) => {
            let length = response.body().len();
            let body = response.body().slice(..length.min(*after));
            recorded.ended(&response.clone().map(|_| body), length, fault);
            Ok(faults::cut_response(response, *after))
        }
        Some(Fault::Flood(bytes)) => {
            let response = faults::flood_response(*bytes);
            recorded.ended(&response, *bytes, fault);
            Ok(response.map(|_| faults::flood_body(*bytes)))
        }
        _ => recorded.answered(response, fault),
    }
}

/// A request in the log.
struct Recorded<'a> {
    state: &'a SandboxState,
    id: u64,
}

impl Recorded<'_> {
    fn answered(
        &self,
        response: Response<Bytes>,
        fault: Option<&Fault>,
    ) -> io::Result<Response<Body>> {
        self.ended(&response, response.body().len(), fault);
        Ok(response.map(Body::from))
    }

    /// Closes the connection. No status is recorded: the client received none.
    fn closed(&self, fault: Option<&Fault>) -> io::Result<Response<Body>> {
        self.record(None, fault);
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Records a response whose whole body has this length.
    fn ended(&self, response: &Response<Bytes>, length: usize, fault: Option<&Fault>) {
        self.record(Some(Sent::new(response, length)), fault);
    }

    fn record(&self, sent: Option<Sent>, fault: Option<&Fault>) {
        let (state, id) = (self.state, self.id);
        state.requests().end(id, sent, fault.map(Fault::name));
        state
            .post
            .publish(|| state.requests().get(id).map(SandboxEvent::Answered));
    }
}

/// Carries out a request, as an input of the journal if there is one.
fn carry_out(state: &Arc<SandboxState>, arrived: &Arrived) -> (Option<Fault>, Option<ApiResponse>) {
    match state.inputs() {
        Some(inputs) => inputs.request(state, arrived),
        None => pipeline::carry_out(state, arrived),
    }
}

fn record(state: &SandboxState, parts: &Parts, body: Bytes) -> u64 {
    state.requests().record(
        parts.method.clone(),
        checks::request_target(parts),
        &parts.headers,
        body,
        state.clock.now_ms(),
    )
}

/// Reads the whole body, or returns the error response.
async fn read_body(body: Incoming) -> Result<Bytes, ApiResponse> {
    let whole = time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect());
    match whole.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(err)) if err.is::<LengthLimitError>() => Err(ApiResponse::too_large()),
        Ok(Err(_)) => Err(ApiResponse::invalid_request("请求体读取失败")),
        Err(_) => Err(ApiResponse::error(
            StatusCode::REQUEST_TIMEOUT,
            "INVALID_REQUEST",
            "请求体读取超时",
        )),
    }
}
