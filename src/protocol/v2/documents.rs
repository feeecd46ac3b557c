//! The tables here, against the documents'.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{names, paths, result_code, sign::MARKS};
use crate::material;

/// The path of each operation of APIv2, with its line.
fn operations() -> Option<Vec<(String, Value)>> {
    let all = material::lines("documents/fields.jsonl")?.into_iter();
    let v2 = all.filter_map(|line| {
        let (_, path) = line["op"].as_str().unwrap().split_once(' ').unwrap();
        // A path with capitals stands in the documents as a variable.
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
    let (Some(operations), Some(notifications)) = (operations(), notifications()) else {
        return;
    };
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
    let Some(all) = operations() else { return };
    let required = all
        .iter()
        .filter(|(_, line)| requires(line))
        .map(|(path, _)| path.as_str())
        .collect::<BTreeSet<_>>();
    assert_eq!(required.len(), 116);
    // Nobody's path has a brace: such an entry would never be found.
    assert!(required.iter().all(|path| !path.contains('{')));
    assert!(required.iter().eq(result_code::all()), "{required:#?}");
}

#[test]
fn the_certificate_is_asked_for_where_the_documents_say_so() {
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
fn every_notification_has_a_mark_and_no_request_but_one_does() {
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
        // It reports another call's response, and goes to WeChat Pay alone.
        if path != "/payitil/report" {
            let marked = sent(&line).find(|field| MARKS.contains(&name(field)));
            assert_eq!(marked, None, "{path}");
        }
    }
}
