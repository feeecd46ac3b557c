//! Against the published test suite of RFC 6570, and with random templates and values.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    base::percent::{is_reserved, is_unreserved},
    material,
};

fn expanded(template: &str, variables: &Value) -> Result<String, TemplateError> {
    let mut out = String::new();
    expand(template, &mut |name| variables.get(name), &mut out).map(|()| out)
}

fn names(template: &str) -> Result<Vec<&str>, TemplateError> {
    let mut names = Vec::new();
    variables(template, &mut |name| names.push(name)).map(|()| names)
}

#[test]
fn published_test_suite_passes() {
    let Some(groups) = material::lines("tests/vectors/uritemplate.jsonl") else {
        return;
    };
    let (mut expanded_right, mut refused) = (0, 0);
    for group in &groups {
        for case in group["cases"].as_array().unwrap() {
            let template = case[0].as_str().unwrap();
            match (&case[1], expanded(template, &group["variables"])) {
                (Value::Null, Err(_)) => refused += 1,
                (Value::Array(right), Ok(got)) if right.iter().any(|one| *one == got) => {
                    expanded_right += 1;
                }
                (_, got) => panic!(
                    "{}: {template} gave {got:?}, not {}",
                    group["group"], case[1]
                ),
            }
        }
    }
    assert_eq!((expanded_right, refused), (234, 36));
}

#[test]
fn values_of_every_type_expand() {
    for (template, variables, expected) in [
        (
            "{a}",
            json!({"a": "粤B12345😀"}),
            "%E7%B2%A4B12345%F0%9F%98%80",
        ),
        ("{a}", json!({"a": "a%20b"}), "a%2520b"),
        (
            "{a}/{b}/{c}",
            json!({"a": 42, "b": 1.0, "c": 0.1}),
            "42/1/0.1",
        ),
        ("{a}/{b}", json!({"a": true, "b": false}), "1/0"),
        ("x{?a}", json!({"a": null}), "x"),
        ("x{?a*}", json!({"a": [null, "b", null]}), "x?a=b"),
        ("x{?a*}", json!({"a": [null]}), "x"),
        ("x{?a*}", json!({"a": {"b": null, "c": 1}}), "x?c=1"),
        ("x{?a,b*}", json!({"b": {"c": ""}}), "x?c="),
        ("x{;b*}", json!({"b": {"c": "", "d": "e"}}), "x;c;d=e"),
        ("x{/b*}", json!({"b": {"c": ""}}), "x/c="),
        ("x{?a:2}", json!({"a": 1234}), "x?a=12"),
        ("v3/pay/{empty}", json!({}), "v3/pay/"),
        ("%E4%b8/{a}", json!({"a": "b"}), "%E4%b8/b"),
        ("中/{a}", json!({"a": "b"}), "%E4%B8%AD/b"),
    ] {
        assert_eq!(
            expanded(template, &variables).as_deref(),
            Ok(expected),
            "{template}"
        );
    }
}

#[test]
fn prefixes_cut_neither_characters_nor_triplets() {
    for (template, value, expected) in [
        ("{a:1}", "😀x", "%F0%9F%98%80"),
        ("{a:2}", "%41%42", "%254"),
        ("{+a:1}", "%41%42", "%41"),
        ("{+a:2}", "%E4%B8%ADb%63", "%E4%B8%ADb"),
        ("{+a:1}", "%E4%B8", "%E4"),
        ("{+a:1}", "%zz", "%25"),
        ("{+a:9999}", "%", "%25"),
        ("{#a:1}", "中", "#%E4%B8%AD"),
    ] {
        assert_eq!(
            expanded(template, &json!({"a": value})).as_deref(),
            Ok(expected)
        );
    }
}

#[test]
fn errors_report_reason_and_position_and_keep_the_output() {
    let variables = json!({"keys": {"a": 1}, "deep": [["a"]], "ok": "x"});
    for (template, message) in [
        ("v3/pay/{id", "`{` at byte 7 is never closed"),
        ("{", "`{` at byte 0 is never closed"),
        (
            "a{b{c}",
            "invalid character '{' in a variable name at byte 3",
        ),
        ("a}b", "unmatched `}` at byte 1"),
        ("a b", "' ' at byte 1 must be percent-encoded"),
        ("a\\b", "'\\\\' at byte 1 must be percent-encoded"),
        ("a\r\nb", "'\\r' at byte 1 must be percent-encoded"),
        ("中\u{85}", "'\\u{85}' at byte 3 must be percent-encoded"),
        (
            "100%",
            "`%` at byte 3 is not followed by two hexadecimal digits",
        ),
        ("{}", "missing variable name at byte 1"),
        ("{a,,b}", "missing variable name at byte 3"),
        ("{?}", "missing variable name at byte 2"),
        ("{=a}", "unknown operator `=` at byte 1"),
        (
            "{out trade no}",
            "invalid character ' ' in a variable name at byte 4",
        ),
        (
            "{中}",
            "invalid character '中' in a variable name at byte 1",
        ),
        (
            "{a%4}",
            "`%` at byte 2 is not followed by two hexadecimal digits",
        ),
        (
            "{a:99999999999}",
            "invalid prefix at byte 3; expected 1 to 9999",
        ),
        (
            "{ok}{keys:3}",
            "`keys` at byte 5 has a prefix, but its value is an array or an object",
        ),
        (
            "{deep}",
            "the value of `deep` at byte 1 is nested; its items cannot be arrays or objects",
        ),
    ] {
        let mut out = String::from("before/");
        let err = expand(template, &mut |name| variables.get(name), &mut out).unwrap_err();
        assert!(err.to_string().starts_with(message), "{template}: {err}");
        assert_eq!(out, "before/");
    }
}

#[test]
fn variable_names_are_visited_in_order() {
    assert_eq!(
        names("v3/{a}/x{/b,c*}{?d:3}&{a}").unwrap(),
        ["a", "b", "c", "d", "a"]
    );
    assert_eq!(names("v3/pay"), Ok(vec![]));
    assert!(names("v3/{a}/{b").is_err());
}

/// Quadratic time would take minutes here.
#[test]
fn large_templates_take_linear_time() {
    let value = json!({"a": "%".repeat(1 << 18), "l": vec!["x"; 1 << 14]});
    for template in [
        "{".repeat(1 << 20),
        "}".repeat(1 << 20),
        "{}".repeat(1 << 19),
        "{x}".repeat(1 << 16),
        "{{x}".repeat(1 << 18),
        "%".repeat(1 << 20),
        "%41".repeat(1 << 16),
        "中".repeat(1 << 16),
        format!("{{{}}}", "x,".repeat(1 << 16)),
        format!("{{{}}}", "x".repeat(1 << 20)),
        format!("{{x:{}}}", "9".repeat(1 << 20)),
        format!("{{{}", "x.".repeat(1 << 19)),
        "{a}{+a}{+a:9999}{?l*}{l}".to_owned(),
    ] {
        let _ = expanded(&template, &value);
        let _ = names(&template);
    }
}

/// Text with many pieces of templates.
fn template_like() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            4 => prop::sample::select(vec![
                "{", "}", "{a}", "{+a}", "{#b*}", "{?a,b*}", "{;c:3}", "{/d*}", "{.a:1}", "%", "%4",
                "%41", "%E4%B8", ",", ":", "*", "=", "中", "😀", "a", "b", ".", "0", "9999",
            ])
            .prop_map(str::to_owned),
            1 => any::<String>(),
        ],
        0..12,
    )
    .prop_map(|parts| parts.concat())
}

fn member() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        template_like().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => member(),
        1 => prop::collection::vec(member(), 0..4).prop_map(Value::from),
        1 => prop::collection::vec((template_like(), member()), 0..4)
            .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_templates_do_not_panic_and_expand_to_uris(
        template in template_like(),
        a in value(), b in value(), c in value(), d in value(),
    ) {
        let variables = json!({"a": a, "b": b, "c": c, "d": d});
        let names = names(&template);
        if let Ok(out) = expanded(&template, &variables) {
            prop_assert!(names.is_ok());
            for (at, byte) in out.bytes().enumerate() {
                let allowed = is_unreserved(byte)
                    || is_reserved(byte)
                    || byte == b'%' && percent::triplet(out.as_bytes(), at).is_some();
                prop_assert!(allowed, "{out}");
            }
        }
    }

    #[test]
    fn simple_variables_round_trip(text in any::<String>()) {
        let out = expanded("{a}", &json!({"a": text})).unwrap();
        prop_assert_eq!(percent::decode_form(&out), text);
    }
}
