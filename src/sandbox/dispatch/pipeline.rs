//! The order of the checks on a request, and its way to a flow.
//!
//! The signature comes first: without a valid one, a request learns nothing, not even which paths
//! exist.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ALLOW, AUTHORIZATION},
    request::Parts,
};

use crate::sandbox::{
    checks::{self, documented, multipart},
    control,
    dispatch::{
        request::Ctx,
        response::{AnswerKind, ApiResponse, HandlerResult},
    },
    faults::{self, Fault},
    flows::{self, Handler, Rules},
    server::host,
    shaped,
    state::SandboxState,
    v2,
};
use crate::{
    base::crypto::Certificate,
    catalog::{self, Operation},
};

/// A request with its whole body.
pub(crate) struct Arrived {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) listener: Listener,
}

/// Where a request arrived.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) address: std::net::SocketAddr,
    /// The host of WeChat Pay that it poses as, on port 443.
    pub(crate) host: Option<&'static str>,
    pub(crate) tls: bool,
    pub(crate) client_certificate: ClientCertificate,
}

/// What a client presented in TLS.
#[derive(Clone, Debug)]
pub(crate) enum ClientCertificate {
    /// No certificate, or no TLS.
    None,
    /// One that the sandbox's CA did not issue, or that is not valid now.
    Invalid,
    Valid(Certificate),
}

impl Listener {
    /// Returns scheme, host and port, such as `http://127.0.0.1:49152`, by which a client reached the sandbox.
    pub(crate) fn origin(&self, parts: &Parts) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        if let Some(host) = self.host {
            return format!("{scheme}://{host}");
        }
        match host::reached(parts) {
            Some((host, Some(port))) => format!("{scheme}://{host}:{port}"),
            Some((host, None)) => format!("{scheme}://{host}"),
            None => format!("{scheme}://{}", self.address),
        }
    }
}

/// Returns whether a request asks the sandbox itself for a change.
pub(crate) fn changes_sandbox(parts: &Parts) -> bool {
    control::is_for(parts) && parts.method != Method::GET
}

/// Takes the fault for a request, if there is one, and answers the request unless the fault takes the place
/// of the answer.
pub(crate) fn carry_out(
    state: &Arc<SandboxState>,
    request: &Arrived,
) -> (Option<Fault>, Option<ApiResponse>) {
    let parts = &request.parts;
    // A fault is one of WeChat Pay's. What plays the customer's phone works.
    let fault = match control::is_for(parts) {
        true => None,
        false => state.faults().take(&parts.method, parts.uri.path()),
    };
    let response = match &fault {
        Some(Fault::Hangup | Fault::Raw { .. }) => None,
        Some(Fault::Error {
            status,
            code,
            message,
            retry_after,
        }) => {
            let response = error(state, request, *status, code, message);
            Some(faults::retry_after(response, *retry_after))
        }
        _ => Some(answer(state, request)),
    };
    (fault, response)
}

/// Answers a request.
pub(crate) fn answer(state: &Arc<SandboxState>, request: &Arrived) -> ApiResponse {
    state.run_due();
    if control::is_for(&request.parts) {
        return control::answer(state, request);
    }
    if is_apiv3(request.parts.uri.path(), &request.parts.headers) {
        return apiv3(state, request).unwrap_or_else(|refused| refused);
    }
    v2::answer(state, request)
}

/// Refuses a request with this error, whatever it asks for, in the form of its version of the API.
pub(crate) fn error(
    state: &SandboxState,
    request: &Arrived,
    status: StatusCode,
    code: &str,
    message: &str,
) -> ApiResponse {
    match is_apiv3(request.parts.uri.path(), &request.parts.headers) {
        true => ApiResponse::error(status, code, message),
        false => v2::error(state, request, status, code, message),
    }
}

fn apiv3(state: &SandboxState, request: &Arrived) -> HandlerResult {
    let Arrived { parts, body, .. } = request;
    // Of an upload, only the part `meta` is signed. A body that cannot be taken apart counts as a whole.
    let form = multipart::parse(&parts.headers, body).ok();
    let signed = form.as_ref().map_or(&body[..], |form| form.meta);
    let path = documented_path(parts.uri.path());
    let merchant = checks::check_signature(state, parts, is_brand(path), signed)?;
    checks::check_headers(&parts.headers)?;
    if is_brand(path) {
        let scripted = state.scripts().take(None, parts);
        return scripted.ok_or_else(|| no_brand_operation(path));
    }
    let op = operation(&parts.method, path)?;
    if let Some(scripted) = state.scripts().take(Some(op), parts) {
        return Ok(scripted);
    }
    let ctx = Ctx::new(state, &merchant, op, request, form)?;
    let route = flows::find(op);
    if route.is_none_or(|route| route.rules == Rules::Documented) {
        documented::check(op, &ctx)?;
    }
    let (result, kind) = match route.map(|route| route.handler) {
        Some(Handler::V3(handle)) => (handle(&ctx), AnswerKind::Stateful),
        _ => (shaped::answer(&ctx), AnswerKind::Shaped),
    };
    Ok(result.unwrap_or_else(|refused| refused).answered(kind))
}

/// Returns whether a request is one of APIv3. Everything else is APIv2.
// A request with an Authorization header on another path is a mistake in the path, such as `V3/`.
pub(crate) fn is_apiv3(path: &str, headers: &HeaderMap) -> bool {
    let path = documented_path(path);
    path.starts_with("v3/") || is_brand(path) || headers.contains_key(AUTHORIZATION)
}

/// Returns whether a brand signs the requests to a path, written as in the documents.
pub(crate) fn is_brand(path: &str) -> bool {
    path.starts_with("brand/")
}

// The catalogue has no operations of brands, so there is no nearest one.
fn no_brand_operation(path: &str) -> ApiResponse {
    ApiResponse::error(
        StatusCode::NOT_FOUND,
        "RESOURCE_NOT_EXISTS",
        &format!(
            "请求的资源不存在: the sandbox verifies the signatures of brands, and has no documents of /{path}; \
             Sandbox::respond scripts its answer"
        ),
    )
}

/// Returns a path as the documents write it: without its slash and without the prefix of an overseas base
/// URI.
pub(crate) fn documented_path(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    // Receipts are downloaded here as well, which no page says.
    if path == "v3/transferbilldownload/elecvoucherfile" {
        return "v3/transferdownload/elecvoucherfile";
    }
    ["hk/", "global/"]
        .iter()
        .find_map(|prefix| {
            path.strip_prefix(prefix)
                .filter(|rest| rest.starts_with("v3/"))
        })
        .unwrap_or(path)
}

/// Returns the documented operation of a request.
pub(crate) fn operation(method: &Method, path: &str) -> Result<&'static Operation, ApiResponse> {
    if let Some(op) = catalog::find(method, path) {
        return Ok(op);
    }
    // WeChat Pay sends these two without a body. The sandbox explains them: a wrong path or method is
    // the first mistake of a new client.
    let mut allowed: Vec<_> = catalog::by_path(path).map(|op| op.method()).collect();
    if allowed.is_empty() {
        return Err(ApiResponse::error(
            StatusCode::NOT_FOUND,
            "RESOURCE_NOT_EXISTS",
            &format!(
                "请求的资源不存在: the nearest is /{}",
                catalog::nearest(path)
            ),
        ));
    }
    allowed.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    // Several operations can share a path: templates that differ only in the name of a variable.
    allowed.dedup();
    let allowed: Vec<_> = allowed.iter().map(Method::as_str).collect();
    Err(not_allowed(method, &allowed.join(", ")))
}

pub(crate) fn not_allowed(method: &Method, allowed: &str) -> ApiResponse {
    let response = ApiResponse::error(
        StatusCode::METHOD_NOT_ALLOWED,
        "INVALID_REQUEST",
        &format!("请求方法不正确: {method} is not allowed here, but {allowed}"),
    );
    match HeaderValue::from_str(allowed) {
        Ok(allowed) => response.with_header(ALLOW, allowed),
        Err(_) => response,
    }
}

#[cfg(test)]
mod tests {
    use crate::sandbox::dispatch::pipeline::*;

    #[test]
    fn overseas_prefix_is_not_part_of_the_documented_path() {
        for (path, documented) in [
            ("/v3/certificates", "v3/certificates"),
            ("/hk/v3/statements", "v3/statements"),
            ("/global/v3/global/certificates", "v3/global/certificates"),
            ("/hk/pay/unifiedorder", "hk/pay/unifiedorder"),
            ("/hk", "hk"),
            (
                "/v3/transferbilldownload/elecvoucherfile",
                "v3/transferdownload/elecvoucherfile",
            ),
            ("", ""),
        ] {
            assert_eq!(documented_path(path), documented);
        }
    }

    #[test]
    fn unknown_operation_is_told_from_a_wrong_method() {
        let refusal = |method, path| operation(&method, path).unwrap_err();
        let unknown = refusal(Method::GET, "v3/certificate");
        assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
        let message = unknown.body_json()["message"].to_string();
        assert!(message.ends_with("/v3/certificates\""), "{message}");
        let wrong = refusal(Method::PUT, "v3/payscore/serviceorder");
        assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert!(operation(&Method::GET, "v3/certificates").is_ok());
    }
}
