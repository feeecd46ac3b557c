//! APIv2: XML whose fields are signed with the APIv2 key, and its answers, HTTP 200 whatever happens.

mod acting;
mod documented;
mod form;
mod render;
mod verify;

pub(crate) use self::verify::{asked_for, merchant_id, read};

use std::sync::Arc;

use bytes::Bytes;
use http::{StatusCode, request::Parts};
use serde_json::{Map, Value};

use self::verify::Verified;
use crate::sandbox::{
    dispatch::{
        pipeline::{Arrived, Listener},
        response::{AnswerKind, ApiResponse},
    },
    flows::{self, Handler, Rules},
    shaped,
    state::{LockedWorld, SandboxState, merchant::Merchant},
};
use crate::{catalog::Operation, protocol::v2::sign::SignType};

/// A verified request of a documented APIv2 operation.
pub(crate) struct V2Ctx<'a> {
    pub(crate) state: &'a SandboxState,
    /// The merchant that signed.
    pub(crate) merchant: &'a Arc<Merchant>,
    pub(crate) op: &'static Operation,
    pub(crate) parts: &'a Parts,
    pub(crate) listener: &'a Listener,
    pub(crate) fields: Map<String, Value>,
    /// The file of an upload.
    pub(crate) file: Option<Bytes>,
    /// The digest of the request's sign, which the response has too.
    pub(crate) sign_type: SignType,
    /// The sandbox's time when the request arrived, in seconds since 1970.
    pub(crate) now: u64,
}

/// What a handler returns.
pub(crate) type V2Result = Result<V2Reply, V2Error>;

/// A success.
pub(crate) enum V2Reply {
    /// Fields beside `return_code`, `result_code`, the IDs, `nonce_str` and `sign`, which are added.
    Fields(Map<String, Value>),
    /// A bill, which may be compressed.
    Table(Bytes),
    Json(Value),
}

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum V2Error {
    /// `return_code` is `FAIL`: the request itself is wrong. Not signed.
    Return(String),
    /// `result_code` is `FAIL`: the operation is refused. Signed.
    Result { code: &'static str, message: String },
    /// `return_code` is `FAIL` for a bill, with a numeric `error_code`. Not signed.
    Bill { code: u32, message: &'static str },
    /// A page of the gateway.
    Page { status: StatusCode, html: String },
    /// `return_code` is `FAIL` with another status than 200: what is requested does not exist.
    Absent { status: StatusCode, message: String },
}

impl V2Ctx<'_> {
    /// Returns a required field.
    pub(crate) fn text(&self, name: &str) -> Result<&str, V2Error> {
        self.optional(name).ok_or_else(|| documented::missing(name))
    }

    /// Returns a required field of at most `max` characters.
    pub(crate) fn short_text(&self, name: &str, max: usize) -> Result<&str, V2Error> {
        let text = self.text(name)?;
        documented::check_length(name, text, max)?;
        Ok(text)
    }

    /// Returns an optional field. An empty one counts as absent.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        optional(&self.fields, name)
    }

    /// Returns a required amount, in fen.
    pub(crate) fn fen(&self, name: &str) -> Result<u64, V2Error> {
        let text = self.text(name)?;
        // `parse` alone would accept "+1".
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let fen = text.parse().ok().filter(|_| is_digits);
        fen.ok_or_else(|| documented::not_an_integer(name))
    }

    /// Locks the world. Never hold it over RSA or another lock.
    pub(crate) fn world(&self) -> LockedWorld<'_> {
        self.state.world()
    }
}

/// Answers a request of APIv2.
pub(crate) fn answer(state: &SandboxState, request: &Arrived) -> ApiResponse {
    verify::check_gateway(request.parts.uri.path(), &request.listener)
        .and_then(|()| verify::verified(state, request))
        .and_then(|verified| dispatch(verified, state, request))
        .unwrap_or_else(render::refusal)
}

/// Refuses a request with this error, whatever it asks for.
pub(crate) fn error(
    state: &SandboxState,
    request: &Arrived,
    status: StatusCode,
    code: &str,
    message: &str,
) -> ApiResponse {
    let verified = verify::verified(state, request).ok();
    render::error(state, verified.as_ref(), status, code, message)
}

fn dispatch(
    verified: Verified,
    state: &SandboxState,
    request: &Arrived,
) -> Result<ApiResponse, V2Error> {
    let parts = &request.parts;
    let path = parts.uri.path();
    verify::check_certificate(path, &request.listener, &verified.merchant)?;
    let op = verify::operation(&parts.method, path)?;
    if let Some(scripted) = state.scripts().take(Some(op), parts) {
        return Ok(scripted.unsigned());
    }
    let ctx = V2Ctx {
        state,
        merchant: &verified.merchant,
        op,
        parts,
        listener: &request.listener,
        fields: verified.fields,
        file: verified.file,
        sign_type: verified.sign_type,
        now: state.clock.now(),
    };
    let route = flows::find(op);
    if route.is_none_or(|route| route.rules == Rules::Documented) {
        documented::check(op, path, &ctx.fields)?;
    }
    let (result, kind) = match route.map(|route| route.handler) {
        Some(Handler::V2(handle)) => (handle(&ctx), AnswerKind::Stateful),
        _ => (shaped::answer_v2(&ctx), AnswerKind::Shaped),
    };
    Ok(render::answer(&ctx, path, result).answered(kind))
}

fn optional<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = fields.get(name)?.as_str()?;
    Some(text).filter(|text| !text.is_empty())
}
