//! The tables of APIv2, compared with the documents.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    material,
    protocol::v2::{names, paths, result_code, sign::MARKS},
};

/// Returns the path of each operation of APIv2, with its line.
fn operations() -> Option<Vec<(String, Value)>> {
    let all = material::lines("documents/fields.jsonl")?.into_iter();
    let v2 = all.filter_map(|line| {
        let (_, path) = line["op"].as_str().unwrap().split_once(' ').unwrap();
        // The documents write a path with capitals as a variable.
        let path = match path.strip_prefix("v2")? {
            "/secapi/mch/{addinstitutionsub}" => "/secapi/mch/addInstitutionsub",
            "/secapi/mch/{modifyinstitutionsub}" => "/secapi/mch/modifyInstitutionsub",
            "/secapi/mch/{queryinstitutionsub}" => "/secapi/mch/queryInstitutionsub",
            path => path,
        };
        Some((path.to_owned(), line))
    });
    Some(v2.collect())
}

fn notifications() -> Option<Vec<Value>> {
    let mut all = material::lines("documents/events.jsonl")?;
    all.retain(|line| line["version"] == "v2");
    Some(all)
}

fn list(fields: &Value) -> &[Value] {
    fields.as_array().map_or(&[], Vec::as_slice)
}

fn name(field: &Value) -> &str {
    field["name"].as_str().unwrap()
}

/// Returns the fields of a request, without the options that contain them.
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
fn names_are_all_documented_names() {
    let (Some(operations), Some(notifications)) = (operations(), notifications()) else {
        return;
    };
    let mut documented = BTreeSet::new();
    for (_, line) in &operations {
        let received = list(&line["response"]).iter();
        sent(line)
            .chain(received)
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
fn result_code_is_required_where_documented() {
    let requires = |line: &Value| {
        let mut received = list(&line["response"]).iter();
        received.any(|field| name(field) == "result_code" && field["required"] == true)
    };
    let Some(all) = operations() else { return };
    let required = all
        .iter()
        .filter(|(_, line)| requires(line))
        .map(|(path, _)| path.as_str())
        .collect::<BTreeSet<_>>();
    assert_eq!(required.len(), 116);
    // No request's path has a brace, so an entry with a brace would never be found.
    assert!(required.iter().all(|path| !path.contains('{')));
    assert!(required.iter().eq(result_code::all()), "{required:#?}");
}

#[test]
fn certificate_is_required_where_documented() {
    let Some(all) = operations() else { return };
    let mut count = 0;
    for (path, line) in &all {
        let mut options = list(&line["request"]).iter();
        let needs = options.any(|option| name(option) == "security");
        assert_eq!(paths::needs_certificate(path), needs, "{path}");
        count += usize::from(needs);
    }
    assert_eq!(count, 57);
}

#[test]
fn only_notifications_and_one_request_have_a_mark() {
    let (Some(operations), Some(notifications)) = (operations(), notifications()) else {
        return;
    };
    for line in notifications {
        let marked = list(&line["fields"])
            .iter()
            .filter(|field| field["required"] == true)
            .any(|field| MARKS.contains(&name(field)));
        assert!(marked, "{}", line["event"]);
    }
    for (path, line) in operations {
        // It reports the response of another call, to WeChat Pay only.
        if path != "/payitil/report" {
            let marked = sent(&line).find(|field| MARKS.contains(&name(field)));
            assert_eq!(marked, None, "{path}");
        }
    }
}
