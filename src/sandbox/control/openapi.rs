//! The OpenAPI document of the endpoints, made from their rows.

use serde_json::{Map, Value, json};

use super::{
    PREFIX,
    call::MCHID,
    endpoint::{Endpoint, Field, Kind, Takes, may, variable},
    routes,
};

const MERCHANT: Field = may(
    MCHID,
    Kind::Text,
    "The merchant that is meant. Without it, the first one, or the one that has the order",
);

/// Returns the document, of OpenAPI 3.1.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for endpoint in routes::all() {
        let at_path = paths
            .entry(format!("/{}", endpoint.path))
            .or_insert(json!({}));
        at_path[endpoint.method.as_str().to_lowercase()] = operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "The WeChat Pay sandbox of wechatpay-chain",
            "description": "What the sandbox's handle does, over HTTP. Amounts are in fen.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{ "url": PREFIX.trim_end_matches('/') }],
        // The empty object: on this machine, no token is required.
        "security": [{}, { "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": {
                "Error": {
                    "type": "object",
                    "properties": { "code": { "type": "string" }, "message": { "type": "string" } },
                    "required": ["code", "message"],
                },
            },
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let variables = endpoint.path.split('/').filter_map(variable);
    let in_path = variables.map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    let in_query = endpoint.query.iter().chain([&MERCHANT]).map(|field| {
        json!({
            "name": field.name,
            "in": "query",
            "required": field.is_required,
            "description": field.about,
            "schema": { "type": field.kind.name() },
        })
    });
    let error = json!({ "$ref": "#/components/schemas/Error" });
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "summary": endpoint.about,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "200": {
                "description": "Done.",
                "content": { endpoint.answer_type: { "schema": schema(endpoint.answer) } },
            },
            "default": {
                "description": "What is wrong, and what to do.",
                "content": { "application/json": { "schema": error } },
            },
        },
    });
    if let Some(body) = body(endpoint) {
        operation["requestBody"] = body;
    }
    if endpoint.is_open {
        operation["security"] = json!([]);
    }
    operation
}

fn body(endpoint: &Endpoint) -> Option<Value> {
    let (is_required, schema) = match endpoint.body {
        Takes::Fields([]) => return None,
        Takes::Fields(fields) => {
            let is_required = fields.iter().any(|field| field.is_required);
            let mut schema = schema(fields);
            schema["additionalProperties"] = false.into();
            (is_required, schema)
        }
        Takes::Object(about) => (true, json!({ "type": "object", "description": about })),
    };
    Some(json!({
        "required": is_required,
        "content": { "application/json": { "schema": schema } },
    }))
}

fn schema(fields: &[Field]) -> Value {
    let property = |field: &Field| {
        let mut schema = json!({ "type": field.kind.name(), "description": field.about });
        if field.kind == Kind::Integer {
            schema["minimum"] = 0.into();
        }
        (field.name.to_owned(), schema)
    };
    let required = fields.iter().filter(|field| field.is_required);
    json!({
        "type": "object",
        "properties": fields.iter().map(property).collect::<Map<_, _>>(),
        "required": required.map(|field| field.name).collect::<Vec<_>>(),
    })
}

/// Returns a name such as `post_orders_pay`, or `get_notifications_id`.
fn operation_id(endpoint: &Endpoint) -> String {
    let segments = endpoint.path.split('/');
    // A variable at the end tells one of a list from the list.
    let last = endpoint.path.rsplit('/').next().and_then(variable);
    let fixed = segments.filter(|segment| variable(segment).is_none());
    let words = fixed.chain(last);
    let words = words.map(|segment| segment.replace(['-', '.'], "_"));
    let method = endpoint.method.as_str().to_lowercase();
    words.fold(method, |id, word| format!("{id}_{word}"))
}
