//! Compares two editions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::{Map, Value};

use crate::edition::Edition;

/// Reports each operation, field and notification that was added (`+`), removed (`-`) or changed (`~`),
/// and how many of each.
pub fn compare(known: &Edition, new: &Edition) -> String {
    let mut report = String::new();
    let parts = [
        ("operations", known.titles.clone(), new.titles.clone()),
        ("fields", operations(known), operations(new)),
        ("notifications", events(known), events(new)),
    ];
    let mut summary = String::new();
    for (what, known, new) in parts {
        let [added, removed, changed] = compare_maps(&known, &new, &mut report);
        writeln!(
            summary,
            "{what}: {added} added, {removed} removed, {changed} changed, {} in all",
            new.len()
        )
        .unwrap();
    }
    report + &summary
}

/// Returns how many entries were added, removed and changed.
fn compare_maps(
    known: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    report: &mut String,
) -> [usize; 3] {
    let mut counts = [0; 3];
    let places: BTreeSet<&String> = known.keys().chain(new.keys()).collect();
    for place in places {
        let (kind, line) = match (known.get(place), new.get(place)) {
            (None, Some(new)) => (0, format!("+ {place}: {new}")),
            (Some(known), None) => (1, format!("- {place}: {known}")),
            (Some(known), Some(new)) if known != new => (2, format!("~ {place}: {known} -> {new}")),
            _ => continue,
        };
        counts[kind] += 1;
        writeln!(report, "{line}").unwrap();
    }
    counts
}

/// All fields of all operations: what each is, by operation, side and pointer.
fn operations(edition: &Edition) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (op, sides) in &edition.operations {
        for side in ["request", "response"] {
            flatten(sides.get(side), &format!("{op} {side} "), &mut all);
        }
    }
    all
}

fn events(edition: &Edition) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for event in &edition.events {
        let name = format!("{} {}", text(event, "version"), text(event, "event"));
        let types = format!(
            "event_type {}, original_type {}",
            event.get("event_type").unwrap_or(&Value::Null),
            event.get("original_type").unwrap_or(&Value::Null)
        );
        let fields = event.get("resource").or_else(|| event.get("fields"));
        flatten(fields, &format!("{name} "), &mut all);
        all.insert(name, types);
    }
    all
}

fn flatten(fields: Option<&Value>, prefix: &str, all: &mut BTreeMap<String, String>) {
    for field in fields.and_then(Value::as_array).into_iter().flatten() {
        let Value::Object(field) = field else {
            continue;
        };
        let mut place = format!("{prefix}/{}", text(field, "name"));
        let described = describe(field);
        // A page may document several forms of one field.
        all.entry(place.clone())
            .and_modify(|known| write!(known, " or {described}").unwrap())
            .or_insert(described);
        if text(field, "type").ends_with("[]") {
            place.push_str("/*");
        }
        flatten(field.get("of"), &place, all);
    }
}

fn describe(field: &Map<String, Value>) -> String {
    let mut described = text(field, "type").to_owned();
    if field
        .get("required")
        .is_some_and(|required| required == true)
    {
        described.push_str(", required");
    }
    if let Some(sealing) = field.get("sealed").and_then(Value::as_str) {
        write!(described, ", sealed {sealing}").unwrap();
    }
    if let Some(values) = field.get("enum").and_then(Value::as_array) {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        write!(described, ", one of {}", values.join(" ")).unwrap();
    }
    described
}

fn text<'m>(map: &'m Map<String, Value>, key: &str) -> &'m str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edition(op: &str, title: &str, request: Value) -> Edition {
        let Value::Object(fields) = json!({ "op": op, "request": request, "response": [] }) else {
            unreachable!()
        };
        Edition {
            date: String::new(),
            titles: BTreeMap::from([(op.to_owned(), title.to_owned())]),
            operations: BTreeMap::from([(op.to_owned(), fields)]),
            events: Vec::new(),
        }
    }

    fn lines(known: &Edition, new: &Edition) -> Vec<String> {
        compare(known, new).lines().map(str::to_owned).collect()
    }

    #[test]
    fn equal_editions_have_no_differences() {
        let known = Edition::in_repository().unwrap();
        let report = lines(&known, &known);
        assert_eq!(report.len(), 3, "{report:?}");
        for line in &report {
            assert!(line.contains(": 0 added, 0 removed, 0 changed, "), "{line}");
        }
    }

    #[test]
    fn fields_are_reported_with_their_place_and_what_changed() {
        let body = |fields: Value| json!([{"name": "json", "type": "object", "of": fields}]);
        let known = edition(
            "POST v3/a",
            "A",
            body(json!([
                {"name": "kept", "type": "string"},
                {"name": "gone", "type": "string"},
                {"name": "list", "type": "object[]", "of": [{"name": "n", "type": "integer"}]},
            ])),
        );
        let new = edition(
            "POST v3/a",
            "B",
            body(json!([
                {"name": "kept", "type": "string"},
                {"name": "list", "type": "object[]", "of": [
                    {"name": "n", "type": "integer", "required": true},
                    {"name": "name", "type": "string", "sealed": "by-rsa-pubkey", "enum": ["X", "Y"]},
                ]},
            ])),
        );
        assert_eq!(
            lines(&known, &new),
            [
                "~ POST v3/a: A -> B",
                "- POST v3/a request /json/gone: string",
                "~ POST v3/a request /json/list/*/n: integer -> integer, required",
                "+ POST v3/a request /json/list/*/name: string, sealed by-rsa-pubkey, one of X Y",
                "operations: 0 added, 0 removed, 1 changed, 1 in all",
                "fields: 1 added, 1 removed, 1 changed, 4 in all",
                "notifications: 0 added, 0 removed, 0 changed, 0 in all",
            ]
        );
    }

    #[test]
    fn operations_are_reported_with_their_fields() {
        let known = edition("POST v3/a", "A", json!([{"name": "id", "type": "string"}]));
        let new = edition("POST v3/b", "B", json!([]));
        assert_eq!(
            lines(&known, &new)[..4],
            [
                "- POST v3/a: A",
                "+ POST v3/b: B",
                "- POST v3/a request /id: string",
                "operations: 1 added, 1 removed, 0 changed, 1 in all",
            ]
        );
    }
}
