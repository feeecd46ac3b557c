//! The OpenAPI document, and every endpoint that it describes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{call, ok, send, started};

/// Returns a value of a field's type.
fn value(schema: &Value) -> Value {
    match schema["type"].as_str().unwrap() {
        "string" => "1".into(),
        "integer" | "number" => 1.into(),
        "object" => json!({}),
        other => panic!("{other}"),
    }
}

/// Returns the required fields of a body, filled in.
fn body(operation: &Value) -> Value {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if schema.is_null() {
        return Value::Null;
    }
    let required = schema["required"].as_array().into_iter().flatten();
    let field = |name: &Value| {
        let name = name.as_str().unwrap();
        (name.to_owned(), value(&schema["properties"][name]))
    };
    required.map(field).collect::<Map<_, _>>().into()
}

#[test]
fn each_endpoint_of_the_document_answers_as_it_says() {
    let (sandbox, _) = started();
    let document = ok(&sandbox, "GET", "openapi.json", &Value::Null);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "/_sandbox/v1");
    let (mut ids, mut done, mut missing) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method = method.to_uppercase();
            assert!(ids.insert(operation["operationId"].to_string()), "{path}");
            assert!(operation["summary"].as_str().unwrap().ends_with('.'));
            let variables = path.matches('{').count();
            let parameters = operation["parameters"].as_array().unwrap();
            let in_path = parameters.iter().filter(|one| one["in"] == "path");
            assert_eq!(in_path.count(), variables, "{path}");
            let target = path[1..].replace(['{', '}'], "");
            if path == "/events" {
                drop(send(&sandbox, &method, &target, "", ""));
                continue;
            }
            let body = body(operation);
            let (status, answer) = call(&sandbox, &method, &target, &body);
            if status == 200 {
                let content = &operation["responses"]["200"]["content"]["application/json"];
                for name in content["schema"]["required"].as_array().unwrap() {
                    let name = name.as_str().unwrap();
                    let expected = &content["schema"]["properties"][name]["type"];
                    let kind = match &answer[name] {
                        Value::String(_) => "string",
                        Value::Number(_) => "integer",
                        Value::Bool(_) => "boolean",
                        Value::Array(_) => "array",
                        Value::Object(_) => "object",
                        Value::Null => panic!("{method} {path} has no {name}"),
                    };
                    assert_eq!(expected, kind, "{method} {path} {name}");
                }
                done.insert(format!("{method} {path}"));
            } else {
                assert!(matches!(status, 400 | 404), "{method} {path}: {status}");
                assert!(answer["code"].is_string() && answer["message"].is_string());
                missing += usize::from(status == 404);
            }
            let (status, _) = call(&sandbox, "PATCH", &target, &Value::Null);
            assert_eq!(status, 405, "{path}");
        }
    }
    let expected = [
        "DELETE /delivery-faults",
        "DELETE /faults",
        "GET /clock",
        "GET /config",
        "GET /delivery-faults",
        "GET /faults",
        "GET /money",
        "GET /notifications",
        "GET /notifications/held",
        "GET /openapi.json",
        "GET /orders",
        "GET /refunds",
        "GET /requests",
        "GET /service-orders",
        "GET /transfers",
        "POST /auth-codes",
        "POST /clock",
        "POST /notifications/hold",
        "POST /notifications/redirect",
        "POST /notifications/release",
        "POST /reset",
    ];
    assert_eq!(done, expected.map(str::to_owned).into());
    // Those of orders that are not there.
    assert!(missing > 30, "{missing}");
}

#[test]
fn endpoints_of_the_design_are_there() {
    let (sandbox, _) = started();
    let document = ok(&sandbox, "GET", "openapi.json", &Value::Null);
    for (method, path) in [
        ("get", "config"),
        ("get", "orders"),
        ("post", "orders/{out_trade_no}/pay"),
        ("post", "orders/{out_trade_no}/fail"),
        ("post", "orders/{out_trade_no}/expire"),
        ("post", "service-orders/{out_order_no}/confirm"),
        ("post", "service-orders/{out_order_no}/pay"),
        ("post", "refunds/{out_refund_no}/succeed"),
        ("post", "refunds/{out_refund_no}/fail"),
        ("post", "transfers/{out_bill_no}/confirm"),
        ("post", "transfers/{out_bill_no}/fail"),
        ("post", "notifications"),
        ("get", "notifications"),
        ("get", "notifications/{id}"),
        ("post", "notifications/{id}/resend"),
        ("post", "notifications/redirect"),
        ("get", "faults"),
        ("post", "faults"),
        ("delete", "faults"),
        ("post", "clock"),
        ("get", "requests"),
        ("get", "events"),
        ("post", "reset"),
        ("get", "openapi.json"),
        ("post", "phone/pay"),
    ] {
        assert!(
            document["paths"][format!("/{path}")][method].is_object(),
            "{method} {path}"
        );
    }
    let (status, refused) = call(&sandbox, "GET", "no-such", &Value::Null);
    assert_eq!(status, 404);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("openapi.json")
    );
}
