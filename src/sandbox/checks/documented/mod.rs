//! Checks a request against the documented fields of its operation: that the required ones are there, and
//! that those that are there have their documented type.
//!
//! Not that a value is a listed one, or a name documented: WeChat Pay adds to both, and the samples of its
//! own pages have others.

mod body;

use serde_json::{Map, Value};

use self::body::Body;
use crate::{
    catalog::{self, Field, Fields, Kind, Operation},
    sandbox::{
        checks::{SERIAL, fields, multipart, wrong_platform_serial},
        dispatch::{request::Ctx, response::ApiResponse},
    },
};

/// Checks a request of APIv3. Those of APIv2 have checks of their own.
// The types come first: on the wire, reading the values comes before the rules about them.
pub(crate) fn check(op: &Operation, ctx: &Ctx<'_>) -> Result<(), ApiResponse> {
    let request = op.request();
    let part = |name: &str| request.get(name).map(|field| field.fields());
    let (json, query) = (part("json"), part("query"));
    let meta = part("body").and_then(|body| body.get("meta"));
    for field in request.iter().filter(is_variable) {
        check_text(&field, "uri_template", ctx.path(field.name()))?;
    }
    for field in query.into_iter().flatten() {
        if let Some(value) = ctx.optional_query(field.name()) {
            check_text(&field, "query", value)?;
        }
    }
    let body = Body::of(json.unwrap_or(Fields::NONE));
    body.check_types(&ctx.body)?;
    if let Some(query) = query {
        let is_given = |name: &str| ctx.queries().iter().any(|(key, _)| is_of(key, name));
        if let Some(field) = first_missing(query, &is_given) {
            let pointer = format!("/{}", field.name());
            return Err(ApiResponse::missing_from("query", &pointer));
        }
    }
    body.check_required(&ctx.body)?;
    if let Some(meta) = meta {
        check_upload(ctx, &meta)?;
    }
    for field in part("headers").into_iter().flatten() {
        // `Wechatpay-Serial` is documented as required where a field is sealed. Without one it says nothing.
        let is_serial = field.name().eq_ignore_ascii_case(SERIAL.as_str());
        if field.is_required() && !is_serial && !ctx.parts.headers.contains_key(field.name()) {
            let pointer = format!("/{}", field.name());
            return Err(ApiResponse::missing_from("header", &pointer));
        }
    }
    let names_key = ctx.sealing_key().is_ok();
    let query_values =
        (ctx.queries().iter()).map(|(name, value)| (name.clone(), value.as_str().into()));
    let query = query.unwrap_or(Fields::NONE);
    check_serial(names_key, query, &query_values.collect())?;
    check_serial(names_key, body.fields, &ctx.body)
}

/// Returns whether a field at the top of a request is a variable of the path.
fn is_variable(field: &Field) -> bool {
    !matches!(
        field.name(),
        "json" | "query" | "xml" | "body" | "headers" | "base_uri" | "security" | "nonceless"
    )
}

/// Returns whether a name in a query gives this field: `a`, `a[0]` or `a[b]`.
fn is_of(key: &str, name: &str) -> bool {
    key.split('[').next() == Some(name)
}

/// Returns the first required field that is not given, nor replaced by another.
fn first_missing(fields: Fields, is_given: &dyn Fn(&str) -> bool) -> Option<Field> {
    fields.iter().find(|field| {
        field.is_required()
            // A numbered field stands for any number of them, none included.
            && !field.name().contains('$')
            && !is_given(field.name())
            && !catalog::may_be_absent(field, fields, is_given)
    })
}

/// Parses an integer of digits alone.
pub(crate) fn unsigned(text: &str) -> Option<u64> {
    // `parse` alone would accept "+1".
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

/// Returns whether this is a number as JSON writes it.
// `parse` alone would accept "+1", "inf" and "nan".
fn is_number(text: &str) -> bool {
    // Those of JSON may stand between spaces.
    text.trim() == text && serde_json::from_str::<serde_json::Number>(text).is_ok()
}

/// Checks a value of the path or the query, which is text.
fn check_text(field: &Field, location: &str, value: &str) -> Result<(), ApiResponse> {
    let fits = match field.kind() {
        Kind::Integer => unsigned(value).is_some(),
        Kind::Number => is_number(value),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let pointer = format!("/{}", field.name());
    Err(ApiResponse::wrong_text(
        location,
        &pointer,
        field.kind(),
        value,
    ))
}

/// Checks the part `meta` of an upload.
fn check_upload(ctx: &Ctx<'_>, meta: &Field) -> Result<(), ApiResponse> {
    let Some(upload) = &ctx.upload else {
        let issue = multipart::parse(&ctx.parts.headers, ctx.raw).err();
        let issue = issue.unwrap_or("must be an upload");
        return Err(ApiResponse::param_error("", &Value::Null, issue, "body"));
    };
    let meta = Body::of(meta.fields());
    meta.check_types(&upload.meta)?;
    meta.check_required(&upload.meta)?;
    // Of an upload, the signature covers `meta` alone, and the hash in it the file.
    let sha256 = meta.fields.get("sha256");
    let sha256 = sha256.and_then(|field| upload.meta.get(field.name())?.as_str());
    match sha256 {
        Some(sha256) if !upload.is_hashed_as(sha256) => {
            let issue = "does not match the file";
            Err(fields::Fields::of_body(&upload.meta).error("sha256", issue))
        }
        _ => Ok(()),
    }
}

/// Checks that a request with sealed fields names the key that they were sealed with.
fn check_serial(
    names_key: bool,
    fields: Fields,
    body: &Map<String, Value>,
) -> Result<(), ApiResponse> {
    if names_key {
        return Ok(());
    }
    Body::of(fields).each(body, &mut |field, _, _| match field.sealed() {
        Some(_) => Err(wrong_platform_serial()),
        None => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;

    #[test]
    fn integer_of_a_query_is_digits_alone() {
        let op = catalog::find(&Method::GET, "v3/transfer/batches/batch-id/{batch_id}").unwrap();
        let query = op.request().get("query").unwrap().fields();
        let limit = query.get("limit").unwrap();
        assert_eq!(limit.kind(), Kind::Integer);
        for (text, fits) in [("20", true), ("+20", false), ("-20", false), ("2e1", false)] {
            assert_eq!(check_text(&limit, "query", text).is_ok(), fits, "{text}");
            assert_eq!(unsigned(text).is_some(), fits, "{text}");
        }
    }

    #[test]
    fn number_of_a_query_is_written_as_in_json() {
        for text in ["0", "1.5", "-2", "1e3"] {
            assert!(is_number(text), "{text}");
        }
        for text in [
            "", "+1", " 1", "1 ", "inf", "-inf", "nan", ".5", "0x1", "1_0", "1e999",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn sealed_field_needs_the_serial_of_its_key() {
        let body = json!({ "type": "PERSONAL_OPENID", "name": "sealed" });
        let op = catalog::find(&Method::POST, "v3/profitsharing/receivers/add").unwrap();
        let fields = op.request().get("json").unwrap().fields();
        let check = |names_key, body: &Value| {
            check_serial(names_key, fields, body.as_object().unwrap()).is_ok()
        };
        assert!(!check(false, &body));
        assert!(check(false, &json!({ "type": "PERSONAL_OPENID" })));
        assert!(check(true, &body));
    }
}
