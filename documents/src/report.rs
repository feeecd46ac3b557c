//! Compares two editions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::{Map, Value};

use crate::edition::Edition;

/// Reports what a new edition adds (`+`), removes (`-`) and changes (`~`), by operation and notification,
/// then the corrections of `also.jsonl` that do not fit it. Returns `None` if nothing differs.
///
/// The order of operations, fields and values is not compared.
pub fn compare(known: &Edition, new: &Edition, misfits: &[String]) -> Option<String> {
    let mut lines = Vec::new();
    let mut totals = Vec::new();
    for (what, known, new) in [
        ("operations", operations(known), operations(new)),
        ("notifications", events(known), events(new)),
    ] {
        let [pages, fields] = compare_pages(&known, &new, &mut lines);
        totals.push(format!("{what}: {pages}, {} in all", new.len()));
        let all: usize = new.values().map(Page::len).sum();
        totals.push(format!("    fields: {fields}, {all} in all"));
    }
    if !misfits.is_empty() {
        lines.push(
            "Corrections that the new edition does not need, or has no place for:".to_owned(),
        );
        lines.extend(misfits.iter().map(|misfit| format!("    {misfit}")));
        lines.push(String::new());
    }
    if lines.is_empty() {
        return None;
    }
    lines.append(&mut totals);
    Some(lines.join("\n") + "\n")
}

/// What is compared of an operation or a notification.
#[derive(Default)]
struct Page {
    /// The title, or the types of the event.
    heads: BTreeMap<&'static str, String>,
    /// The fields, by side and pointer. A page may document several forms of one field.
    fields: BTreeMap<String, Vec<Described>>,
}

/// What is documented of a field.
#[derive(PartialEq)]
struct Described {
    kind: String,
    is_required: bool,
    sealed: Option<String>,
    values: BTreeSet<String>,
}

/// How many were added, removed and changed.
#[derive(Default)]
struct Counts {
    added: usize,
    removed: usize,
    changed: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            added,
            removed,
            changed,
        } = self;
        write!(f, "{added} added, {removed} removed, {changed} changed")
    }
}

/// Returns the counts of pages and of fields.
fn compare_pages(
    known: &BTreeMap<String, Page>,
    new: &BTreeMap<String, Page>,
    lines: &mut Vec<String>,
) -> [Counts; 2] {
    let mut pages = Counts::default();
    let mut fields = Counts::default();
    let names: BTreeSet<&String> = known.keys().chain(new.keys()).collect();
    for name in names {
        match (known.get(name), new.get(name)) {
            (None, Some(new)) => {
                pages.added += 1;
                fields.added += new.len();
                lines.push(format!("+ {name}: {new}\n"));
            }
            (Some(known), None) => {
                pages.removed += 1;
                fields.removed += known.len();
                lines.push(format!("- {name}: {known}\n"));
            }
            (Some(known), Some(new)) => {
                let differences = known.differences(new, &mut fields);
                if !differences.is_empty() {
                    pages.changed += 1;
                    lines.push(format!("~ {name}: {new}"));
                    lines.extend(differences.iter().map(|line| format!("    {line}")));
                    lines.push(String::new());
                }
            }
            (None, None) => {}
        }
    }
    [pages, fields]
}

impl Page {
    fn len(&self) -> usize {
        self.fields.values().map(Vec::len).sum()
    }

    fn differences(&self, new: &Self, counts: &mut Counts) -> Vec<String> {
        let mut lines = Vec::new();
        for (head, text) in &new.heads {
            let known = &self.heads[head];
            if known != text {
                lines.push(format!("~ {head}: {known} -> {text}"));
            }
        }
        let places: BTreeSet<&String> = self.fields.keys().chain(new.fields.keys()).collect();
        for place in places {
            match (self.fields.get(place), new.fields.get(place)) {
                (None, Some(new)) => {
                    counts.added += new.len();
                    lines.push(format!("+ {place}: {}", forms(new)));
                }
                (Some(known), None) => {
                    counts.removed += known.len();
                    lines.push(format!("- {place}: {}", forms(known)));
                }
                (Some(known), Some(new)) if known != new => {
                    counts.changed += 1;
                    lines.push(match (&known[..], &new[..]) {
                        ([known], [new]) => format!("~ {place}: {}", known.difference(new)),
                        _ => format!("~ {place}: {} -> {}", forms(known), forms(new)),
                    });
                }
                _ => {}
            }
        }
        lines
    }
}

/// Writes what a reader knows the page by.
impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for text in self.heads.values().filter(|text| !text.is_empty()) {
            write!(f, "{text}, ")?;
        }
        match self.len() {
            1 => f.write_str("1 field"),
            len => write!(f, "{len} fields"),
        }
    }
}

impl Described {
    fn of(field: &Map<String, Value>) -> Self {
        Self {
            kind: text(field, "type").to_owned(),
            is_required: field.get("required") == Some(&Value::Bool(true)),
            sealed: field
                .get("sealed")
                .and_then(Value::as_str)
                .map(str::to_owned),
            values: texts(field, "enum").map(str::to_owned).collect(),
        }
    }

    fn difference(&self, new: &Self) -> String {
        let mut parts = Vec::new();
        if self.kind != new.kind {
            parts.push(format!("{} -> {}", self.kind, new.kind));
        }
        match (self.is_required, new.is_required) {
            (false, true) => parts.push("now required".to_owned()),
            (true, false) => parts.push("no longer required".to_owned()),
            _ => {}
        }
        if self.sealed != new.sealed {
            parts.push(match &new.sealed {
                Some(sealing) => format!("now sealed {sealing}"),
                None => "no longer sealed".to_owned(),
            });
        }
        for (text, values, others) in [
            ("new value", &new.values, &self.values),
            ("without the value", &self.values, &new.values),
        ] {
            let values: Vec<&str> = values.difference(others).map(String::as_str).collect();
            if !values.is_empty() {
                parts.push(format!("{text} {}", values.join(" ")));
            }
        }
        parts.join(", ")
    }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if self.is_required {
            f.write_str(", required")?;
        }
        if let Some(sealing) = &self.sealed {
            write!(f, ", sealed {sealing}")?;
        }
        if !self.values.is_empty() {
            let values: Vec<&str> = self.values.iter().map(String::as_str).collect();
            write!(f, ", one of {}", values.join(" "))?;
        }
        Ok(())
    }
}

fn forms(forms: &[Described]) -> String {
    let forms: Vec<String> = forms.iter().map(ToString::to_string).collect();
    forms.join(" or ")
}

fn operations(edition: &Edition) -> BTreeMap<String, Page> {
    let page = |(op, sides): (&String, &Map<String, Value>)| {
        let mut page = Page::default();
        page.heads.insert("title", edition.titles[op].clone());
        for side in ["request", "response"] {
            flatten(sides.get(side), &format!("{side} "), &mut page.fields);
        }
        (op.clone(), page)
    };
    edition.operations.iter().map(page).collect()
}

fn events(edition: &Edition) -> BTreeMap<String, Page> {
    let page = |event: &Map<String, Value>| {
        let mut page = Page::default();
        for types in ["event_type", "original_type"] {
            let joined = texts(event, types).collect::<Vec<_>>().join(" ");
            page.heads.insert(types, joined);
        }
        let fields = event.get("resource").or_else(|| event.get("fields"));
        flatten(fields, "", &mut page.fields);
        let name = format!("{} {}", text(event, "version"), text(event, "event"));
        (name, page)
    };
    edition.events.iter().map(page).collect()
}

fn flatten(fields: Option<&Value>, prefix: &str, all: &mut BTreeMap<String, Vec<Described>>) {
    for field in fields.and_then(Value::as_array).into_iter().flatten() {
        let Value::Object(field) = field else {
            continue;
        };
        let mut place = format!("{prefix}/{}", text(field, "name"));
        let described = Described::of(field);
        let item = if described.kind.ends_with("[]") {
            "/*"
        } else {
            ""
        };
        all.entry(place.clone()).or_default().push(described);
        place.push_str(item);
        flatten(field.get("of"), &place, all);
    }
}

fn text<'m>(map: &'m Map<String, Value>, key: &str) -> &'m str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn texts<'m>(map: &'m Map<String, Value>, key: &str) -> impl Iterator<Item = &'m str> + use<'m> {
    let list = map.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else {
            panic!("not an object: {value}")
        };
        object
    }

    fn edition(op: &str, title: &str, fields: Value) -> Edition {
        let request = json!([{"name": "json", "type": "object", "of": fields}]);
        let line = object(json!({ "op": op, "request": request, "response": [] }));
        Edition {
            date: String::new(),
            titles: BTreeMap::from([(op.to_owned(), title.to_owned())]),
            operations: BTreeMap::from([(op.to_owned(), line)]),
            events: Vec::new(),
        }
    }

    fn report(known: &Edition, new: &Edition) -> Vec<String> {
        let report = compare(known, new, &[]).expect("a difference");
        report.lines().map(str::to_owned).collect()
    }

    #[test]
    fn equal_editions_do_not_differ() {
        let known = Edition::in_repository().unwrap();
        assert_eq!(compare(&known, &known, &[]), None);
    }

    #[test]
    fn fields_are_reported_by_operation_with_what_changed() {
        let known = edition(
            "POST v3/a",
            "A",
            json!([
                {"name": "kept", "type": "string"},
                {"name": "gone", "type": "string"},
                {"name": "free", "type": "string", "required": true, "sealed": "by-rsa-pubkey"},
                {"name": "kind", "type": "string", "enum": ["A", "B"]},
                {"name": "list", "type": "object[]", "of": [{"name": "n", "type": "integer"}]},
            ]),
        );
        let new = edition(
            "POST v3/a",
            "B",
            json!([
                {"name": "free", "type": "string"},
                {"name": "kept", "type": "string"},
                {"name": "kind", "type": "string", "enum": ["C", "B", "D"]},
                {"name": "list", "type": "object[]", "of": [
                    {"name": "n", "type": "number", "required": true},
                    {"name": "name", "type": "string", "sealed": "by-rsa-pubkey", "enum": ["X", "Y"]},
                ]},
            ]),
        );
        assert_eq!(
            report(&known, &new),
            [
                "~ POST v3/a: B, 7 fields",
                "    ~ title: A -> B",
                "    ~ request /json/free: no longer required, no longer sealed",
                "    - request /json/gone: string",
                "    ~ request /json/kind: new value C D, without the value A",
                "    ~ request /json/list/*/n: integer -> number, now required",
                "    + request /json/list/*/name: string, sealed by-rsa-pubkey, one of X Y",
                "",
                "operations: 0 added, 0 removed, 1 changed, 1 in all",
                "    fields: 1 added, 1 removed, 3 changed, 7 in all",
                "notifications: 0 added, 0 removed, 0 changed, 0 in all",
                "    fields: 0 added, 0 removed, 0 changed, 0 in all",
            ]
        );
    }

    #[test]
    fn operations_are_reported_as_a_whole() {
        let known = edition("POST v3/a", "A", json!([{"name": "id", "type": "string"}]));
        let new = edition("POST v3/b", "B", json!([]));
        assert_eq!(
            report(&known, &new)[..6],
            [
                "- POST v3/a: A, 2 fields",
                "",
                "+ POST v3/b: B, 1 field",
                "",
                "operations: 1 added, 1 removed, 0 changed, 1 in all",
                "    fields: 1 added, 2 removed, 0 changed, 1 in all",
            ]
        );
    }

    #[test]
    fn one_of_several_forms_is_reported() {
        let forms = |second: &str| json!([{"name": "detail", "type": "object"}, {"name": "detail", "type": second}]);
        let known = edition("POST v3/a", "A", forms("string"));
        let new = edition("POST v3/a", "A", forms("integer"));
        assert_eq!(
            report(&known, &new)[1],
            "    ~ request /json/detail: object or string -> object or integer"
        );
    }

    #[test]
    fn notifications_are_reported() {
        let with = |events: &[Value]| {
            let mut edition = edition("POST v3/a", "A", json!([]));
            edition.events = events.iter().cloned().map(object).collect();
            edition
        };
        let event = |name: &str, types: &[&str], field: &str| {
            let fields = json!([{"name": field, "type": "string"}]);
            json!({"version": "v3", "event": name, "event_type": types, "original_type": ["t"],
                   "resource": fields})
        };
        let known = with(&[event("E", &["E.A"], "id"), event("GONE", &["G"], "id")]);
        let new = with(&[
            event("E", &["E.A", "E.B"], "number"),
            event("NEW", &["N"], "id"),
        ]);
        assert_eq!(
            report(&known, &new)[..8],
            [
                "~ v3 E: E.A E.B, t, 1 field",
                "    ~ event_type: E.A -> E.A E.B",
                "    - /id: string",
                "    + /number: string",
                "",
                "- v3 GONE: G, t, 1 field",
                "",
                "+ v3 NEW: N, t, 1 field",
            ]
        );
    }

    #[test]
    fn corrections_that_do_not_fit_are_a_difference() {
        let known = edition("POST v3/a", "A", json!([]));
        let report = compare(&known, &known, &["also.jsonl:3: not needed".to_owned()]);
        let report = report.unwrap();
        let mut lines = report.lines();
        assert_eq!(
            lines.next(),
            Some("Corrections that the new edition does not need, or has no place for:")
        );
        assert_eq!(lines.next(), Some("    also.jsonl:3: not needed"));
    }
}
