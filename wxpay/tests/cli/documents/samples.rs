//! Values to read and write with generated types: the recorded requests, and the documented fields, filled in.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};
use wechatpay_chain::{
    Method,
    catalog::{self, Field, Fields, Kind, Operation},
};

/// Returns the recorded requests: each operation with its options map. Of the options only what the documents
/// list: types ignore the rest.
pub(crate) fn recorded() -> Vec<(&'static Operation, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/requests.jsonl");
    let text = fs::read_to_string(path).unwrap();
    let samples = text.lines().map(|line| {
        let sample: Value = serde_json::from_str(line).unwrap();
        let (method, template) = sample["op"].as_str().unwrap().split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let operation = catalog::find(&method, template).unwrap();
        let options = sample["options"].as_object().unwrap().clone();
        let documented = options
            .into_iter()
            .filter(|(name, _)| name != "body")
            .filter(|(name, _)| operation.request().get(name).is_some())
            .map(|(name, value)| part(operation, name, value));
        (operation, Value::Object(documented.collect()))
    });
    samples.collect()
}

fn part(operation: &Operation, name: String, value: Value) -> (String, Value) {
    let is_variable = operation.template().contains(&format!("{{{name}}}"));
    let is_text = operation.version() == "v2" && value.is_object() || is_variable;
    let value = match value {
        // An empty map, as PHP writes it.
        Value::Array(items) if items.is_empty() => json!({}),
        value if is_text => as_text(value),
        value => value,
    };
    (name, value)
}

/// What APIv2 sends: every value is text.
fn as_text(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| (name, as_text(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(as_text).collect(),
        Value::Number(number) => number.to_string().into(),
        value => value,
    }
}

/// Returns an object with all documented fields.
pub(crate) fn filled(fields: Fields, is_text: bool) -> Value {
    let mut map = Map::new();
    for field in fields {
        let name = field.name().replace("$n", "0").replace("$m", "1");
        let value = value(field, is_text);
        match (map.get_mut(&name), value) {
            // Another form of the same field.
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            (_, value) => drop(map.insert(name, value)),
        }
    }
    map.into()
}

fn value(field: Field, is_text: bool) -> Value {
    let kind = field.kind();
    let item = match kind.item().unwrap_or(kind) {
        Kind::Integer | Kind::Number if is_text => json!("7"),
        Kind::Integer | Kind::Number => json!(7),
        Kind::Boolean if is_text => json!("TRUE"),
        Kind::Boolean => json!(true),
        Kind::Object if field.fields().is_empty() => json!({ "any": [1, null, 1.5] }),
        Kind::Object => filled(field.fields(), is_text),
        // A value that is not listed is kept, too.
        _ => match field.values() {
            [.., last] if field.name().len().is_multiple_of(2) => json!(last),
            _ => json!("未列出"),
        },
    };
    match kind.is_list() {
        true => json!([item, item]),
        false => item,
    }
}
