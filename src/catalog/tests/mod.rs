//! The table against its source, the search, and the hints.

mod compile;

use std::{collections::HashSet, env, fmt::Write as _, fs};

use http::Method;
use proptest::prelude::*;

use super::{key::Key, *};
use crate::material;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/catalog/");

/// The table is generated from `operations/list.tsv`. After a change there, run
/// `CATALOG_UPDATE=1 cargo test catalogue` twice: the first run writes the table, the second the page.
#[test]
fn catalogue_matches_the_documented_list() {
    let list = include_str!("../operations/list.tsv");
    let mut lines: Vec<[&str; 4]> = list
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>().try_into().unwrap())
        .collect();
    // By key, then by the names of the variables, which a key does not have.
    lines.sort_by(|[_, a_method, a, _], [_, b_method, b, _]| {
        Key::of(a)
            .compare(b)
            .cmp(&0)
            .then_with(|| (a, a_method).cmp(&(b, b_method)))
    });
    if env::var_os("CATALOG_UPDATE").is_some() {
        write_table(&lines);
        return;
    }
    assert_eq!(lines.len(), all().len());
    for ([version, method, template, title], operation) in lines.into_iter().zip(all()) {
        assert_eq!(operation.version(), version);
        assert_eq!(operation.method(), method);
        assert_eq!(operation.template(), template);
        assert_eq!(operation.title(), title);
    }
}

fn write_table(lines: &[[&str; 4]]) {
    let old = fs::read_to_string(format!("{HERE}table.rs")).unwrap();
    let (head, _) = old.split_once("pub(super) static").unwrap();
    let mut table = format!(
        "{head}pub(super) static OPERATIONS: [Operation; {}] = numbered([\n",
        lines.len()
    );
    for [_, method, template, title] in lines {
        let make = method.to_ascii_lowercase();
        writeln!(table, "    {make}({template:?}, {title:?}),").unwrap();
    }
    table.push_str("]);\n");
    fs::write(format!("{HERE}table.rs"), table).unwrap();
    println!("wrote table.rs; run again for the page");
}

#[test]
fn page_lists_the_catalogue() {
    let mut page = String::new();
    let mut family = "";
    for operation in all() {
        let template = operation.template();
        let end = template.match_indices('/').nth(1).map(|(at, _)| at);
        let this_family = &template[..end.unwrap_or(template.len())];
        if this_family != family {
            family = this_family;
            write!(page, "\n## {family}\n\n| | path | |\n| --- | --- | --- |\n").unwrap();
        }
        let (method, title) = (operation.method(), operation.title());
        writeln!(page, "| {method} | `{template}` | {title} |").unwrap();
    }
    let file = format!("{HERE}operations/page.md");
    if env::var_os("CATALOG_UPDATE").is_some() {
        fs::write(file, page.trim_start()).unwrap();
        return;
    }
    assert_eq!(fs::read_to_string(file).unwrap(), page.trim_start());
}

#[test]
fn table_is_sorted_without_duplicates() {
    for pair in all().windows(2) {
        let order = Key::of(pair[0].template()).compare(pair[1].template());
        assert!(order <= 0, "{} before {}", pair[0], pair[1]);
    }
    let distinct: HashSet<String> = all().iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), all().len());
}

#[test]
fn table_is_within_the_bounds_of_the_search() {
    for operation in all() {
        let template = operation.template();
        let segments: Vec<&str> = template.split('/').collect();
        assert!(template.len() < 160 && segments.len() <= 16, "{template}");
        assert!(segments.iter().all(|segment| segment.len() <= 64));
        assert!(!segments[..2].concat().contains('{'), "{template}");
        assert!(segments.iter().all(|segment| !segment.is_empty()));
        assert!(["v2", "v3"].contains(&operation.version()));
    }
}

#[test]
fn operations_are_found_in_every_variable_notation() {
    for operation in all() {
        let template = operation.template();
        let method = operation.method();
        assert_eq!(find(&method, template), Some(operation));
        assert_eq!(documented(template), template);
        assert_eq!(Key::of(nearest(template)).compare(template), 0);
        assert_eq!(camel_hint(template), None);
        let underscored = template.replace(['{', '}'], "_");
        let angled = format!("/{template}").replace('{', "<").replace('}', ">");
        for path in [underscored, angled] {
            assert_eq!(find(&method, &path), Some(operation), "{path}");
            assert_eq!(Key::of(nearest(&path)).compare(template), 0, "{path}");
        }
        assert!(by_title(operation.title()).any(|found| found == operation));
    }
}

#[test]
fn operations_are_found_by_expanded_paths_and_other_names() {
    for operation in all() {
        for filled in ["N123ABC", "{any}", "<any>", "_any_"] {
            let path: Vec<&str> = operation
                .template()
                .split('/')
                .map(|segment| match segment {
                    "{empty}" if filled == "N123ABC" => "",
                    "{empty}" => segment,
                    _ if segment.starts_with('{') => filled,
                    _ => segment,
                })
                .collect();
            let path = path.join("/");
            let found = find(&operation.method(), &path).unwrap();
            assert_eq!(
                Key::of(found.template()).compare(operation.template()),
                0,
                "{path} gave {found}"
            );
        }
    }
}

#[test]
fn requests_of_the_php_sdk_are_found() {
    let Some(requests) = material::lines("tests/vectors/requests.jsonl") else {
        return;
    };
    let mut missed = Vec::new();
    for request in &requests {
        let (method, template) = request["op"].as_str().unwrap().split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let url: http::Uri = request["expect"]["url"].as_str().unwrap().parse().unwrap();
        let version = template.split_once('/').unwrap().0;
        let sent = url
            .path()
            .trim_start_matches("/hk")
            .trim_start_matches("/global");
        let sent = match version {
            "v2" => format!("v2{sent}"),
            _ => sent.to_owned(),
        };
        for path in [request["path"].as_str().unwrap(), &sent] {
            let found = find(&method, path).map(Operation::template);
            if found.is_none_or(|found| Key::of(found).compare(template) != 0) {
                missed.push(format!("{method} {path} for {template} gave {found:?}"));
            }
        }
    }
    assert!(missed.is_empty(), "{} missed: {missed:#?}", missed.len());
}

#[test]
fn closest_match_wins() {
    let template = |method: Method, path| find(&method, path).map(Operation::template);
    for (path, documented) in [
        (
            "v3/ecommerce/applyments/",
            "v3/ecommerce/applyments/{empty}",
        ),
        (
            "v2/secapi/mch/queryInstitutionsub",
            "v2/secapi/mch/{queryinstitutionsub}",
        ),
        (
            "v3/apply4subject/applyment/{business_code}/cancel",
            "v3/apply4subject/applyment/{business_code}/cancel",
        ),
    ] {
        assert_eq!(template(Method::POST, path), Some(documented));
    }
    assert_eq!(
        template(Method::GET, "v3/certificates?algorithm_type=RSA"),
        Some("v3/certificates")
    );
    for unknown in [
        "",
        "/",
        "v3",
        "v3/",
        "v3/pay/transactions/id/",
        "hk/v3/certificates",
        "v3//certificates",
    ] {
        assert_eq!(template(Method::GET, unknown), None, "{unknown}");
        assert_eq!(by_path(unknown).count(), 0, "{unknown}");
    }
    let long = "v3/pay/".repeat(100_000);
    assert_eq!(by_path(&long).count(), 0);
}

#[test]
fn camel_case_hint_needs_a_documented_segment() {
    for (path, hint) in [
        (
            "/v3/pay/transactions/outTradeNo/{x}/close",
            Some("v3/pay/transactions/out-trade-no/{out_trade_no}/close"),
        ),
        (
            "v3/combineTransactions/native",
            Some("v3/combine-transactions/native"),
        ),
        (
            "v3/merchantService/ComplaintsV2",
            Some("v3/merchant-service/complaints-v2"),
        ),
        (
            "v3/pay/transactions/outTradeNo/N1?mchid=1",
            Some("v3/pay/transactions/out-trade-no/{out_trade_no}"),
        ),
        ("v3/pay/transactions/id/N123ABC", None),
        ("v3/pay/transactions/id/{transactionId}", None),
        ("v3/pay/transactions/id/_transactionId_", None),
        ("v3/merchant/fund/balance/BASIC", None),
        ("v2/secapi/mch/addInstitutionsub", None),
        ("v3/noSuch/thing", None),
        ("V3", None),
        ("", None),
    ] {
        assert_eq!(camel_hint(path), hint, "{path}");
    }
}

#[test]
fn nearest_is_what_was_meant() {
    for (path, meant) in [
        ("v3/pay/transactions/natve", "v3/pay/transactions/native"),
        (
            "v3/pay/transactions/outTradeNo/{x}",
            "v3/pay/transactions/out-trade-no/{out_trade_no}",
        ),
        (
            "v3/pay/transactions/id/4200001234",
            "v3/pay/transactions/id/{transaction_id}",
        ),
        ("v3/certificate", "v3/certificates"),
        (
            "v3/marketing/favour/stock/{id}/paus",
            "v3/marketing/favor/stocks/{stock_id}/pause",
        ),
        ("v2/pay/unified-order", "v2/pay/unifiedorder"),
        (
            "v3/payscore/serviceorder/sync",
            "v3/payscore/serviceorder/{out_order_no}/sync",
        ),
    ] {
        assert_eq!(nearest(path), meant, "{path}");
    }
}

#[test]
fn undocumented_paths_are_refused() {
    for path in [
        "",
        "/",
        "//v3/certificates",
        "v3/certificates/",
        "v3/certificate",
        "v3/certificatess",
        "V3/certificates",
        "hk/v3/certificates",
        "v3/certificates?algorithm_type=RSA",
        "v3/certificates{?algorithm_type}",
        "v3/pay/transactions/id/4200001234",
        "v3/pay/transactions/id/_x_",
        "v3/pay/transactions/id/{}",
        "v3/pay/transactions/id/{+x}",
        "v3/pay/transactions/id/{x*}",
        "v3/pay/transactions/id/{x:3}",
        "v3/pay/transactions/id/{x",
        "v3/pay/transactions/id/{x>",
        "v3/pay/transactions/id/{x}y",
        "v3/pay/transactions/id/y{x}",
        "v3/pay/transactions/id/{x}{y}",
        "v3/pay/transactions/{x}/{y}",
        "v3/pay/transactions/id/\u{ff}",
        "v3/支付",
    ] {
        assert!(!path::is_documented(path), "{path}");
    }
    assert!(!path::is_documented(&"v3/pay/".repeat(100)));
    assert!(path::is_documented("/v3/pay/transactions/id/<Any1>"));
    assert!(path::is_documented("v3/ecommerce/applyments/"));
}

proptest! {
    #[test]
    fn random_paths_do_not_panic(path in "(v[23]/)?(pay|\\PC|/|\\{|\\}|<|_|[A-Z]|%2[eE]|\u{0}){0,40}") {
        find(&Method::GET, &path);
        by_path(&path).count();
        by_title(&path).count();
        camel_hint(&path);
        let is_documented = path::is_documented(&path);
        prop_assert!(!is_documented || by_path(&path).count() > 0);
        prop_assert!(path::is_documented(nearest(&path)));
    }

    #[test]
    fn one_typing_error_is_recognized(
        pick in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        inserted in "[a-z/]?",
    ) {
        let template = symbols(all()[pick.index(all().len())].template());
        let mut misspelt: Vec<char> = template.chars().collect();
        let at = at.index(misspelt.len());
        prop_assume!(misspelt[at] != VARIABLE);
        misspelt.splice(at..=at, inserted.chars());
        let misspelt: String = misspelt.into_iter().collect();
        // The error can make another documented path, or one that is as near.
        let meant = nearest(&misspelt.replace(VARIABLE, "{x}"));
        prop_assert!(
            edits(&symbols(meant), &misspelt) <= 1,
            "{misspelt}: {meant} for {template}"
        );
    }
}

const VARIABLE: char = '\u{ff}';

/// Replaces each variable of a template by one character.
fn symbols(template: &str) -> String {
    let mut in_braces = false;
    let mut symbols = String::new();
    for c in template.chars() {
        match c {
            '{' => in_braces = true,
            '}' => {
                in_braces = false;
                symbols.push(VARIABLE);
            }
            c if !in_braces => symbols.push(c),
            _ => {}
        }
    }
    symbols
}

/// The edit distance in the simplest way, with a full table.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1)
            };
        }
    }
    table[a.len()][b.len()]
}
