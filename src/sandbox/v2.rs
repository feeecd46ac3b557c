//! APIv2: XML whose fields are signed with the APIv2 key, and its answers, HTTP 200 whatever happens.

use std::sync::{Arc, MutexGuard};

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::{
    flows::{self, Handler},
    pipeline::{self, Arrived, Listener},
    request::parse_query,
    response::{AnswerKind, ApiResponse},
    shaped,
    state::{SandboxState, merchant::Merchant, world::World},
};
use crate::{
    base::xml,
    catalog::Operation,
    protocol::v2::{
        paths,
        sign::{SIGN, SignType, check_digest, sign},
    },
};

/// The largest XML that is read.
const MAX_XML: usize = 1 << 20;

/// A verified request of a documented APIv2 operation.
pub(crate) struct V2Ctx<'a> {
    pub(crate) state: &'a SandboxState,
    /// The merchant that signed.
    pub(crate) merchant: &'a Arc<Merchant>,
    pub(crate) op: &'static Operation,
    pub(crate) listener: &'a Listener,
    pub(crate) fields: Map<String, Value>,
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
    /// A bill.
    Table(Bytes),
    Json(Value),
    Html(String),
}

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum V2Error {
    /// `return_code` is `FAIL`: the request itself is wrong. Not signed.
    Return(String),
    /// `result_code` is `FAIL`: the operation is refused. Signed.
    Result { code: &'static str, message: String },
    /// A page of the gateway.
    Page { status: StatusCode, html: String },
}

impl V2Ctx<'_> {
    /// Returns a required field.
    pub(crate) fn text(&self, name: &str) -> Result<&str, V2Error> {
        self.optional(name)
            .ok_or_else(|| V2Error::Return(format!("缺少参数{name}")))
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
        text.parse().ok().filter(|_| is_digits).ok_or_else(|| {
            let title = super::checks::titles::title(name);
            V2Error::Return(format!(
                "无法将输入源“/body/xml/{name}”映射到目标字段“{title}”中，此字段需要一个合法的 64 位有符号整数"
            ))
        })
    }

    /// Locks the world. Never hold it over [`wake`](Self::wake) or another lock.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.state.world()
    }

    /// Tells the sender of notifications that there is a new one. Release the world first.
    pub(crate) fn wake(&self) {
        self.state.wake();
    }
}

/// Answers a request of APIv2.
pub(crate) fn answer(state: &SandboxState, request: &Arrived) -> ApiResponse {
    match verified(state, request) {
        Ok(checked) => dispatch(checked, request),
        Err(V2Error::Page { status, html }) => page(status, html),
        Err(V2Error::Return(message) | V2Error::Result { message, .. }) => failure(message),
    }
}

/// Checks a request: its form, its merchant, its sign, its client certificate and its path, in this order.
fn verified<'a>(state: &'a SandboxState, request: &'a Arrived) -> Result<Checked<'a>, V2Error> {
    let Arrived {
        parts,
        body,
        listener,
    } = request;
    let fields = read_fields(&parts.method, parts.uri.query(), body)?;
    let mchid = ["mch_id", "mchid", "combine_mch_id"];
    let mchid = mchid.iter().find_map(|name| optional(&fields, name));
    let mchid = mchid.ok_or_else(|| V2Error::Return("缺少参数mch_id".to_owned()))?;
    let merchant = state
        .merchants
        .get(mchid)
        .ok_or_else(|| V2Error::Return("mch_id参数格式错误".to_owned()))?;
    let sign_type = check_digest(&fields, &merchant.apiv2)
        .map_err(|_| V2Error::Return("签名错误，请检查后再试".to_owned()))?;
    let path = parts.uri.path();
    if paths::needs_certificate(path) && listener.client_certificate.is_none() {
        return Err(V2Error::Page {
            status: StatusCode::BAD_REQUEST,
            html: NO_CERTIFICATE.to_owned(),
        });
    }
    Ok(Checked {
        state,
        merchant,
        fields,
        sign_type,
    })
}

/// A request whose sign is valid.
struct Checked<'a> {
    state: &'a SandboxState,
    merchant: Arc<Merchant>,
    fields: Map<String, Value>,
    sign_type: SignType,
}

fn dispatch(checked: Checked<'_>, request: &Arrived) -> ApiResponse {
    let parts = &request.parts;
    let path = parts.uri.path();
    let op = match pipeline::operation(&parts.method, &format!("v2{path}")) {
        Ok(op) => op,
        Err(unknown) => return unknown.unsigned(),
    };
    if let Some(scripted) = checked.state.scripts().take(op, parts) {
        return scripted.unsigned();
    }
    let ctx = V2Ctx {
        state: checked.state,
        merchant: &checked.merchant,
        op,
        listener: &request.listener,
        fields: checked.fields,
        sign_type: checked.sign_type,
        now: checked.state.clock.now(),
    };
    let (result, kind) = match flows::find(op).map(|route| route.handler) {
        Some(Handler::V2(handle)) => (handle(&ctx), AnswerKind::Stateful),
        _ => (shaped::answer_v2(&ctx), AnswerKind::Shaped),
    };
    render(&ctx, path, result).answered(kind)
}

fn render(ctx: &V2Ctx<'_>, path: &str, result: V2Result) -> ApiResponse {
    let mut fields = Map::new();
    let mut put = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    put("return_code", "SUCCESS");
    put("return_msg", "OK");
    for name in ["appid", "mch_id", "sub_appid", "sub_mch_id"] {
        if let Some(value) = ctx.optional(name) {
            put(name, value);
        }
    }
    match result {
        Ok(V2Reply::Table(bytes)) => return ApiResponse::file(bytes, "text/plain; charset=utf-8"),
        Ok(V2Reply::Json(value)) => return ApiResponse::ok(&value).unsigned(),
        Ok(V2Reply::Html(html)) => return page(StatusCode::OK, html),
        Ok(V2Reply::Fields(own)) => {
            put("result_code", "SUCCESS");
            fields.extend(own);
        }
        Err(V2Error::Page { status, html }) => return page(status, html),
        Err(V2Error::Return(message)) => return failure(message),
        Err(V2Error::Result { code, message }) => {
            put("result_code", "FAIL");
            put("err_code", code);
            put("err_code_des", &message);
        }
    }
    if !paths::is_unsigned(path) {
        let nonce = ctx.state.rng().token(32);
        fields.insert("nonce_str".to_owned(), nonce.into());
        match sign(&fields, &ctx.merchant.apiv2, ctx.sign_type) {
            Ok(sign) => fields.insert(SIGN.to_owned(), sign.into()),
            Err(err) => return ApiResponse::system_error(&err.to_string()).unsigned(),
        };
    }
    write(&fields)
}

/// `return_code` FAIL with this reason.
fn failure(message: String) -> ApiResponse {
    let mut fields = Map::new();
    fields.insert("return_code".to_owned(), "FAIL".into());
    fields.insert("return_msg".to_owned(), message.into());
    write(&fields)
}

fn write(fields: &Map<String, Value>) -> ApiResponse {
    match xml::write(fields) {
        Ok(text) => ApiResponse::text(StatusCode::OK, text, "text/xml; charset=utf-8"),
        Err(err) => ApiResponse::system_error(&err.to_string()).unsigned(),
    }
}

fn page(status: StatusCode, html: String) -> ApiResponse {
    ApiResponse::text(status, html, "text/html; charset=utf-8")
}

/// What nginx answers where it requires a client certificate.
const NO_CERTIFICATE: &str = "<html>\r\n<head><title>400 No required SSL certificate was sent</title>\
    </head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>No required SSL certificate \
    was sent</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// Returns the fields of the XML, or of the query of a GET.
fn read_fields(
    method: &Method,
    query: Option<&str>,
    body: &[u8],
) -> Result<Map<String, Value>, V2Error> {
    let malformed = || V2Error::Return("XML格式错误".to_owned());
    if *method != Method::GET {
        return xml::parse(body, MAX_XML).map_err(|_| malformed());
    }
    let pairs = parse_query(query.unwrap_or_default()).map_err(|_| malformed())?;
    Ok(pairs
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect())
}

fn optional<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = fields.get(name)?.as_str()?;
    Some(text).filter(|text| !text.is_empty())
}
