//! The tables here, against the documents'.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::{names, result_code, sign::MARKS};

fn lines(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("documents")
        .join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|err| panic!("{path:?}: {err}"));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The path of each operation of APIv2, with its line.
fn operations() -> Vec<(String, Value)> {
    let all = lines("fields.jsonl").into_iter();
    all.filter_map(|line| {
        let (_, path) = line["op"].as_str().unwrap().split_once(' ').unwrap();
        Some((path.strip_prefix("v2")?.to_owned(), line))
    })
    .collect()
}

fn notifications() -> Vec<Value> {
    let mut all = lines("events.jsonl");
    all.retain(|line| line["version"] == "v2");
    all
}

fn list(fields: &Value) -> &[Value] {
    fields.as_array().map_or(&[], Vec::as_slice)
}

fn name(field: &Value) -> &str {
    field["name"].as_str().unwrap()
}

/// The fields of a request, without the options that hold them.
fn sent(line: &Value) -> impl Iterator<Item = &Value> {
    let options = list(&line["request"]).iter();
    options
        .filter(|option| ["xml", "query"].contains(&name(option)))
        .flat_map(|option| list(&option["of"]))
}

fn collect<'v>(field: &'v Value, all: &mut BTreeSet<&'v str>) {
    all.insert(name(field));
    for inner in list(&field["of"]) {
        collect(inner, all);
    }
}

#[test]
fn the_names_are_all_that_the_documents_have() {
    let (operations, notifications) = (operations(), notifications());
    let mut documented = BTreeSet::new();
    for (_, line) in &operations {
        let answered = list(&line["response"]).iter();
        sent(line)
            .chain(answered)
            .for_each(|field| collect(field, &mut documented));
    }
    for line in &notifications {
        for field in list(&line["fields"]) {
            collect(field, &mut documented);
        }
    }
    assert_eq!((operations.len(), notifications.len()), (126, 10));
    assert!(documented.iter().eq(names::all()), "{documented:#?}");
}

#[test]
fn a_result_code_is_required_where_the_documents_say_so() {
    let requires = |line: &Value| {
        let mut answered = list(&line["response"]).iter();
        answered.any(|field| name(field) == "result_code" && field["required"] == true)
    };
    let all = operations();
    let required = all
        .iter()
        .filter(|(_, line)| requires(line))
        .map(|(path, _)| path.as_str())
        .collect::<BTreeSet<_>>();
    assert_eq!(required.len(), 116);
    assert!(required.iter().eq(result_code::all()), "{required:#?}");
}

#[test]
fn every_notification_has_a_mark_and_no_request_but_one_does() {
    for line in notifications() {
        let marked = list(&line["fields"])
            .iter()
            .filter(|field| field["required"] == true)
            .any(|field| MARKS.contains(&name(field)));
        assert!(marked, "{}", line["event"]);
    }
    for (path, line) in operations() {
        // It reports another call's response, and goes to WeChat Pay alone.
        if path != "/payitil/report" {
            let marked = sent(&line).find(|field| MARKS.contains(&name(field)));
            assert_eq!(marked, None, "{path}");
        }
    }
}
