//! `also.jsonl`: what the pages omit or get wrong.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::{
    edition::{Edition, check_field, lines, place, text_of},
    repository,
};

/// Corrections, kept by hand: a field that is added, values that are added to a list, or another padding of
/// an operation's sealed fields.
pub struct Overlay {
    path: PathBuf,
    lines: Vec<Map<String, Value>>,
}

impl Overlay {
    pub fn in_repository() -> Result<Self, String> {
        let path = repository().join("documents/also.jsonl");
        let lines = lines(&path)?;
        Ok(Self { path, lines })
    }

    /// Applies every correction to an edition. Returns those that change nothing, or have no place there:
    /// the file and line of each, and why.
    pub fn apply(&self, edition: &mut Edition) -> Vec<String> {
        let apply = |(at, line)| {
            let why = apply(line, edition).err()?;
            Some(place(&self.path, at)(&why))
        };
        self.lines.iter().enumerate().filter_map(apply).collect()
    }
}

fn apply(line: &Map<String, Value>, edition: &mut Edition) -> Result<(), String> {
    text_of(line, "source")?;
    let op = text_of(line, "op")?;
    let operation = edition.operations.get_mut(&op);
    let operation = operation.ok_or_else(|| format!("unknown operation {op}"))?;
    let done = if let Some(sealing) = line.get("sealed") {
        reseal(operation, sealing)
    } else {
        let at = text_of(line, "at")?;
        let place = operation
            .get_mut("request")
            .and_then(|fields| field(fields, &at));
        let place = place.ok_or_else(|| format!("{op} has no field {at}"))?;
        match (
            line.get("field"),
            line.get("values").and_then(Value::as_array),
        ) {
            (Some(added), None) => add_field(place, added),
            (None, Some(values)) => add_values(place, values),
            _ => Err("expected one of `field`, `values` and `sealed`".to_owned()),
        }
        .map_err(|why| format!("{at}: {why}"))
    };
    done.map_err(|why| format!("{op} {why}"))
}

fn add_field(owner: &mut Value, added: &Value) -> Result<(), String> {
    check_field(added)?;
    let fields = owner.get_mut("of").and_then(Value::as_array_mut);
    let fields = fields.ok_or("not an object")?;
    if fields.iter().any(|field| field["name"] == added["name"]) {
        return Err(format!("{} is documented", added["name"]));
    }
    fields.push(added.clone());
    Ok(())
}

fn add_values(owner: &mut Value, values: &[Value]) -> Result<(), String> {
    let list = owner.get_mut("enum").and_then(Value::as_array_mut);
    let list = list.ok_or("the field has no list of values")?;
    let (known, new): (Vec<_>, Vec<_>) = values.iter().partition(|value| list.contains(value));
    list.extend(new.into_iter().cloned());
    match known[..] {
        [] => Ok(()),
        [first, ..] => Err(format!("the value {first} is documented")),
    }
}

/// Changes the sealing of all sealed fields of an operation.
fn reseal(operation: &mut Map<String, Value>, sealing: &Value) -> Result<(), String> {
    let (mut sealed, mut changed) = (0, 0);
    let mut fields: Vec<&mut Value> = operation.values_mut().collect();
    while let Some(next) = fields.pop() {
        for field in next.as_array_mut().into_iter().flatten() {
            let Value::Object(field) = field else {
                continue;
            };
            if let Some(known) = field.get_mut("sealed") {
                sealed += 1;
                changed += usize::from(known != sealing);
                *known = sealing.clone();
            }
            fields.extend(field.get_mut("of"));
        }
    }
    match (sealed, changed) {
        (0, _) => Err("has no sealed field".to_owned()),
        (_, 0) => Err(format!("is documented as sealed {sealing}")),
        _ => Ok(()),
    }
}

/// Finds a field by its pointer, which names fields only: `/json/amount`.
fn field<'f>(fields: &'f mut Value, pointer: &str) -> Option<&'f mut Value> {
    let path = pointer.strip_prefix('/')?;
    let (name, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    let mut fields = fields.as_array_mut()?.iter_mut();
    let found = fields.find(|field| field["name"] == name)?;
    if rest.is_empty() {
        Some(found)
    } else {
        field(found.get_mut("of")?, rest)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn edition() -> Edition {
        let Value::Object(fields) = json!({
            "op": "POST v3/a",
            "request": [{"name": "json", "type": "object", "of": [
                {"name": "kind", "type": "string", "enum": ["A"]},
                {"name": "payer", "type": "object", "of": [
                    {"name": "name", "type": "string", "sealed": "by-rsa-pubkey"},
                ]},
            ]}],
            "response": [{"name": "mobile", "type": "string", "sealed": "by-rsa-pubkey"}],
        }) else {
            unreachable!()
        };
        Edition {
            date: String::new(),
            titles: BTreeMap::new(),
            operations: BTreeMap::from([("POST v3/a".to_owned(), fields)]),
            events: Vec::new(),
        }
    }

    fn apply(line: &Value, edition: &mut Edition) -> Vec<String> {
        let overlay = Overlay {
            path: "also.jsonl".into(),
            lines: vec![line.as_object().unwrap().clone()],
        };
        overlay.apply(edition)
    }

    #[test]
    fn correction_is_applied_once() {
        let with = |key: &str, value: Value, at: &str| {
            let mut line = json!({"op": "POST v3/a", "at": at, "source": "a page"});
            line[key] = value;
            line
        };
        for (line, place, expected, again) in [
            (
                with(
                    "field",
                    json!({"name": "openid", "type": "string"}),
                    "/json/payer",
                ),
                "/request/0/of/1/of/1/name",
                "openid",
                r#"POST v3/a /json/payer: "openid" is documented"#,
            ),
            (
                with("values", json!(["B"]), "/json/kind"),
                "/request/0/of/0/enum/1",
                "B",
                r#"POST v3/a /json/kind: the value "B" is documented"#,
            ),
            (
                with("sealed", json!("by-rsa-pkcs1"), ""),
                "/request/0/of/1/of/0/sealed",
                "by-rsa-pkcs1",
                r#"POST v3/a is documented as sealed "by-rsa-pkcs1""#,
            ),
        ] {
            let mut edition = edition();
            assert_eq!(apply(&line, &mut edition), [""; 0]);
            let operation = Value::Object(edition.operations["POST v3/a"].clone());
            assert_eq!(operation.pointer(place), Some(&json!(expected)));
            assert_eq!(
                apply(&line, &mut edition),
                [format!("also.jsonl:1: {again}")]
            );
        }
    }

    #[test]
    fn correction_without_a_place_is_reported() {
        for (line, why) in [
            (json!({"op": "POST v3/a"}), "no text `source`"),
            (
                json!({"op": "POST v3/b", "source": "a page"}),
                "unknown operation POST v3/b",
            ),
            (
                json!({"op": "POST v3/a", "source": "a page", "at": "/json/payee", "values": ["A"]}),
                "POST v3/a has no field /json/payee",
            ),
            (
                json!({"op": "POST v3/a", "source": "a page", "at": "/json/payer", "values": ["A"]}),
                "POST v3/a /json/payer: the field has no list of values",
            ),
            (
                json!({"op": "POST v3/a", "source": "a page", "at": "/json/kind"}),
                "POST v3/a /json/kind: expected one of `field`, `values` and `sealed`",
            ),
        ] {
            assert_eq!(
                apply(&line, &mut edition()),
                [format!("also.jsonl:1: {why}")]
            );
        }
    }
}
