//! What the documents say about a request, beside what it has.

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{brief::is_v3, received::Received};
use crate::{
    base::xml,
    catalog::{Field, Fields, Sealing},
    protocol::{
        documents::{self, Finding, Problem},
        url::path::Version,
    },
    sandbox::RecordedRequest,
};

/// Returns the documented fields with their values, and what breaks them. `null` if the operation is not
/// documented.
pub(super) fn of(request: &RecordedRequest, received: &Received<'_>) -> Value {
    let Some(operation) = received.operation else {
        return Value::Null;
    };
    let mut fields = Vec::new();
    for part in operation.request() {
        rows(&part, request, received, &mut fields);
    }
    let mut response_fields = Vec::new();
    push(&mut response_fields, operation.response(), "body", "", None);
    let problems = documents::findings(&documents::Received {
        operation,
        version: match is_v3(request) {
            true => Version::V3,
            false => Version::V2,
        },
        vars: &received.vars,
        json: received.json.as_ref(),
        xml: received.xml.as_ref(),
        meta: received.meta.as_ref(),
        query: received.query_text,
        has_body: !request.body().is_empty(),
        headers: request.headers(),
    });
    let problems: Vec<_> = refusal(request)
        .into_iter()
        .chain(problems.iter().map(problem))
        .collect();
    json!({
        "title": operation.title(),
        "template": operation.template(),
        "method": operation.method().as_str(),
        "fields": fields,
        "problems": problems,
        "response_fields": response_fields,
    })
}

/// Adds the rows of one part of a request.
fn rows(part: &Field, request: &RecordedRequest, received: &Received<'_>, rows: &mut Vec<Value>) {
    let fields = part.fields();
    match part.name() {
        "json" => push(rows, fields, "body", "", received.json.as_ref()),
        "xml" => push(rows, fields, "body", "", received.xml.as_ref()),
        "query" => {
            let query = received.query.clone().into();
            push(rows, fields, "query", "", Some(&query));
        }
        "body" => {
            if let Some(meta) = fields.get("meta") {
                push(rows, meta.fields(), "body", "meta.", received.meta.as_ref());
            }
        }
        "headers" => push(
            rows,
            fields,
            "header",
            "",
            Some(&named(request.headers(), fields)),
        ),
        // Of the client, not of the request.
        "security" | "nonceless" | "base_uri" => {}
        name => {
            let var = received.vars.iter().find(|var| var.name == name);
            rows.push(row(part, "path", "", var.map(|var| &var.value)));
        }
    }
}

/// Returns the documented headers of a request.
fn named(headers: &HeaderMap, fields: Fields) -> Value {
    let given = fields.iter().filter_map(|field| {
        let value = headers.get(field.name())?.to_str().ok()?;
        Some((field.name().to_owned(), value.into()))
    });
    given.collect::<Map<_, _>>().into()
}

/// Adds the fields of an object and of those in it. The depth is that of the tables.
fn push(rows: &mut Vec<Value>, fields: Fields, place: &str, above: &str, object: Option<&Value>) {
    for field in fields {
        let value = object.and_then(|object| object.get(field.name()));
        rows.push(row(&field, place, above, value));
        let is_list = field.kind().is_list();
        let above = match is_list {
            true => format!("{above}{}[].", field.name()),
            false => format!("{above}{}.", field.name()),
        };
        // Of a list, the rows are about each item.
        push(
            rows,
            field.fields(),
            place,
            &above,
            value.filter(|_| !is_list),
        );
    }
}

fn row(field: &Field, place: &str, above: &str, value: Option<&Value>) -> Value {
    let mut row = json!({
        "name": format!("{above}{}", field.name()),
        "place": place,
        "type": field.kind().to_string(),
        "required": field.is_required(),
        "is_given": value.is_some(),
    });
    if !field.values().is_empty() {
        row["values"] = json!(field.values());
    }
    if let Some(sealing) = field.sealed() {
        row["sealed"] = match sealing {
            Sealing::RsaOaep => "RSA-OAEP",
            Sealing::RsaPkcs1 => "RSA-PKCS1",
            Sealing::AesGcm => "AES-256-GCM",
            Sealing::AesEcb => "AES-256-ECB",
        }
        .into();
    }
    // What is in an object or a list has rows of its own, or is in the body.
    if let Some(value) = value.filter(|value| !value.is_object() && !value.is_array()) {
        row["value"] = value.clone();
    }
    row
}

/// Returns what the sandbox itself refused, in the words of its response.
fn refusal(request: &RecordedRequest) -> Option<Value> {
    let body = request.response_body()?;
    let refusal = match is_v3(request) {
        true => serde_json::from_slice(body).ok()?,
        false => Value::from(xml::parse(body, body.len()).ok()?),
    };
    let text = |pointer: &str| refusal.pointer(pointer).and_then(Value::as_str);
    let message = text("/message").or_else(|| text("/return_msg"))?;
    // Most of these name the field in the message alone: “/body/amount/total”.
    let named = || {
        let (_, rest) = message.split_once("“/")?;
        let (pointer, _) = rest.split_once('”')?;
        let (_, field) = pointer.split_once('/')?;
        Some(field.strip_prefix("xml/").unwrap_or(field))
    };
    let field = text("/detail/field").or_else(named)?;
    Some(json!({
        "field": dotted(field),
        "kind": "refused",
        "code": text("/code"),
        "message": message,
        "message_zh": message,
    }))
}

fn problem(finding: &Finding) -> Value {
    let problem = finding.problem();
    let pointer = finding.pointer();
    // Its first token is the part of the request.
    let field = pointer
        .get(1..)
        .and_then(|rest| Some(rest.split_once('/')?.1));
    let (kind, zh) = match problem {
        Problem::Unknown { nearest, elsewhere } => (
            "unknown",
            match (elsewhere, nearest) {
                (Some(place), _) => format!("文档中没有该字段，文档中的位置是 {place}"),
                (None, Some(name)) => format!("文档中没有该字段，是否应为 {name}？"),
                (None, None) => "文档中没有该字段".to_owned(),
            },
        ),
        Problem::Missing(inner) if inner.is_empty() => ("missing", "缺少必填字段".to_owned()),
        Problem::Missing(inner) => (
            "missing",
            format!("缺少必填字段，其中应有 {}", inner.join("、")),
        ),
        Problem::Type(expected, _) => ("type", format!("类型不符，应为 {expected}")),
        Problem::Value { documented, .. } => (
            "value",
            format!("取值不在文档所列范围：{:.512}", documented.join("、")),
        ),
        Problem::ClearText => ("clear_text", "应加密的字段是明文".to_owned()),
    };
    json!({
        "field": dotted(field.unwrap_or(pointer)),
        "kind": kind,
        "message": problem.to_string(),
        "message_zh": zh,
    })
}

/// Returns a JSON Pointer as the rows name a field: `detail.goods_detail[].quantity`.
fn dotted(pointer: &str) -> String {
    let tokens = pointer.split('/').filter(|token| !token.is_empty());
    let mut dotted = String::new();
    for token in tokens {
        if token.bytes().all(|byte| byte.is_ascii_digit()) {
            dotted.push_str("[]");
            continue;
        }
        if !dotted.is_empty() {
            dotted.push('.');
        }
        dotted.push_str(token);
    }
    dotted
}
