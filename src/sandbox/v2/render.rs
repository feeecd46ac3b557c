//! Responses of APIv2.

use http::StatusCode;
use serde_json::{Map, Value};

use super::{V2Ctx, V2Error, V2Reply, V2Result, verify::Verified};
use crate::{
    base::xml,
    error::cause::Result,
    protocol::v2::{
        paths,
        sign::{SIGN, SignType, sign},
    },
    sandbox::{
        dispatch::response::ApiResponse,
        state::{SandboxState, merchant::Merchant},
    },
};

/// The first bytes of a compressed file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Returns the response of an operation.
pub(super) fn answer(ctx: &V2Ctx<'_>, path: &str, result: V2Result) -> ApiResponse {
    let mut fields = Map::new();
    let mut put = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    put("return_code", "SUCCESS");
    put("return_msg", "OK");
    let is_signed = !paths::is_unsigned(path);
    for name in ["appid", "mch_id", "sub_appid", "sub_mch_id"] {
        // The tables for direct merchants leave out those of a sub-merchant.
        let is_echoed = is_signed && name.starts_with("sub_");
        let value = ctx.optional(name);
        if let Some(value) = value.filter(|_| is_echoed || ctx.op.response().get(name).is_some()) {
            put(name, value);
        }
    }
    // An upload's form has no `appid`, and the table of its response requires one.
    let requires_appid = ctx
        .op
        .response()
        .get("appid")
        .is_some_and(|field| field.is_required());
    if requires_appid && ctx.optional("appid").is_none() {
        put("appid", ctx.merchant.appid());
    }
    match result {
        Ok(V2Reply::Fields(own)) => {
            put("result_code", "SUCCESS");
            fields.extend(own);
        }
        Ok(V2Reply::Table(bytes)) => {
            let content_type = match bytes.starts_with(&GZIP) {
                true => "application/x-gzip",
                false => "text/plain; charset=utf-8",
            };
            return ApiResponse::file(bytes, content_type);
        }
        Ok(V2Reply::Json(value)) => return ApiResponse::ok(&value).unsigned(),
        Err(V2Error::Result { code, message }) => {
            put("result_code", "FAIL");
            put("err_code", code);
            put("err_code_des", &message);
        }
        Err(refused) => return refusal(refused),
    }
    let failed = is_signed
        .then(|| sign_fields(ctx.state, ctx.merchant, ctx.sign_type, &mut fields))
        .flatten();
    failed.unwrap_or_else(|| write(StatusCode::OK, &fields))
}

/// Returns an error of the operation. It is signed if the request was.
pub(super) fn error(
    state: &SandboxState,
    verified: Option<&Verified>,
    status: StatusCode,
    code: &str,
    message: &str,
) -> ApiResponse {
    let mut fields = Map::new();
    let mut put = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    put("return_code", "SUCCESS");
    put("return_msg", "OK");
    put("result_code", "FAIL");
    put("err_code", code);
    put("err_code_des", message);
    let Some(verified) = verified else {
        return write(status, &fields);
    };
    sign_fields(state, &verified.merchant, verified.sign_type, &mut fields)
        .unwrap_or_else(|| write(status, &fields))
}

/// Adds a nonce and the sign. Returns the response if that fails.
fn sign_fields(
    state: &SandboxState,
    merchant: &Merchant,
    sign_type: SignType,
    fields: &mut Map<String, Value>,
) -> Option<ApiResponse> {
    let nonce = state.rng().token(32);
    fields.insert("nonce_str".to_owned(), nonce.into());
    match sign(fields, &merchant.apiv2, sign_type) {
        Ok(sign) => {
            fields.insert(SIGN.to_owned(), sign.into());
            None
        }
        Err(err) => Some(ApiResponse::system_error(&err.to_string()).unsigned()),
    }
}

/// Returns the response to a request that no operation answers.
pub(super) fn refusal(error: V2Error) -> ApiResponse {
    match error {
        V2Error::Page { status, html } => page(status, html),
        V2Error::Absent { status, message } => write(status, &failure(message)),
        V2Error::Return(message) | V2Error::Result { message, .. } => {
            write(StatusCode::OK, &failure(message))
        }
        V2Error::Bill { code, message } => {
            let mut fields = failure(message.to_owned());
            fields.insert("error_code".to_owned(), code.to_string().into());
            write(StatusCode::OK, &fields)
        }
    }
}

/// `return_code` FAIL with this reason.
fn failure(message: String) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("return_code".to_owned(), "FAIL".into());
    fields.insert("return_msg".to_owned(), message.into());
    fields
}

fn write(status: StatusCode, fields: &Map<String, Value>) -> ApiResponse {
    match nested(fields) {
        Ok(text) => ApiResponse::text(status, text, "text/xml; charset=utf-8"),
        Err(err) => ApiResponse::system_error(&err.to_string()).unsigned(),
    }
}

/// Writes fields, of which some are objects or lists of objects.
// Requests have none, so the writer of requests refuses them.
fn nested(fields: &Map<String, Value>) -> Result<String> {
    let is_flat = |value: &Value| !value.is_object() && !value.is_array();
    let flat = fields.iter().filter(|(_, value)| is_flat(value));
    let flat = flat.map(|(name, value)| (name.clone(), value.clone()));
    let mut text = xml::write(&flat.collect())?;
    text.truncate(text.len() - END.len());
    for (name, value) in fields {
        let items = match value {
            Value::Object(_) => std::slice::from_ref(value),
            Value::Array(items) => items,
            _ => continue,
        };
        for item in items.iter().filter_map(Value::as_object) {
            let inner = nested(item)?;
            let inner = &inner[START.len()..inner.len() - END.len()];
            text.extend(["<", name, ">", inner, "</", name, ">"]);
        }
    }
    text.push_str(END);
    Ok(text)
}

const START: &str = "<xml>";
const END: &str = "</xml>";

fn page(status: StatusCode, html: String) -> ApiResponse {
    ApiResponse::text(status, html, "text/html; charset=utf-8")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_fields_are_elements() {
        let fields = json!({
            "a": "1", "list": { "item": [{ "b": "<" }, { "b": "2" }] }, "c": "3",
        });
        let text = nested(fields.as_object().unwrap()).unwrap();
        assert_eq!(
            text,
            "<xml><a>1</a><c>3</c><list><item><b><![CDATA[<]]></b></item><item><b>2</b></item></list></xml>"
        );
        assert_eq!(
            Value::Object(xml::parse(text.as_bytes(), 1000).unwrap()),
            fields
        );
    }
}
