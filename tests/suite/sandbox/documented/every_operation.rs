//! Every documented operation is called: with a sample, and with a sample that lacks a required field.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wechatpay_chain::{
    Error, Response,
    catalog::{Field, Fields, Kind, Operation},
};

use super::samples::{Sample, Samples};

/// What a flow answers if there is nothing of the sample's numbers.
const STATES: [&str; 15] = [
    "20002",
    "CONTRACT_NOT_EXIST",
    "COUPON_STOCK_NOT_FOUND",
    "INVALID_TRANSACTIONID",
    "NOT_ENOUGH",
    "NOT_FOUND",
    "NO_AUTH",
    "NO_BILL_EXIST",
    "NO_STATEMENT_EXIST",
    "ORDERNOTEXIST",
    "ORDER_NOT_EXIST",
    "REFUNDNOTEXIST",
    "REQUEST_BLOCKED",
    "RESOURCE_NOT_EXISTS",
    "USERPAYING",
];

/// What a flow answers to a value of a sample that breaks a rule which no table has.
const RULES: [&str; 3] = ["FATAL_ERROR", "INVALID_REQUEST", "PARAM_ERROR"];

/// How many samples break such a rule, at most.
const MAX_RULES: usize = 50;

#[test]
fn every_operation_answers_in_its_documented_shape_or_says_what_is_missing() {
    let Some(samples) = Samples::new() else {
        return;
    };
    let (mut answers, mut failed) = (BTreeMap::<String, usize>::new(), Vec::new());
    for sample in samples.all() {
        // The samples share numbers.
        samples.sandbox.reset();
        let result = samples.send(&sample);
        match judged(&sample, result) {
            Ok(answer) => *answers.entry(answer).or_default() += 1,
            Err(wrong) => failed.push(format!("{} {wrong}", sample.op)),
        }
    }
    println!("{answers:#?}");
    let sum = |is_counted: &dyn Fn(&str) -> bool| -> usize {
        let counted = answers.iter().filter(|(answer, _)| is_counted(answer));
        counted.map(|(_, count)| count).sum()
    };
    let (shaped, rules) = (
        sum(&|answer| answer.starts_with("shaped")),
        sum(&|answer| RULES.iter().any(|code| answer.starts_with(code))),
    );
    assert!(
        rules <= MAX_RULES && shaped > 700,
        "{rules} rules, {shaped} shaped"
    );
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// Returns what kind of answer it is, or what is wrong with it.
fn judged(sample: &Sample, result: Result<Response, Error>) -> Result<String, String> {
    let op = sample.op;
    let response = match result {
        Ok(response) => response,
        Err(err) => return refused(&err),
    };
    let answer = response.headers().get("sandbox-answer");
    let answer = answer.and_then(|answer| answer.to_str().ok());
    let answer = answer.ok_or("no Sandbox-Answer")?;
    if op.response().is_empty() {
        return Ok(format!("{answer}, no documented fields"));
    }
    let is_json = op.version() == "v3" || op.template() == "v2/appauth/getaccesstoken";
    let body = match is_json {
        true => response.json().map_err(|err| err.to_string())?,
        false => response
            .xml()
            .map(Value::Object)
            .map_err(|err| err.to_string())?,
    };
    let body = body.as_object().ok_or("no object")?;
    let wrong = differences(body, op.response(), is_json, "");
    match wrong.is_empty() {
        true => Ok(answer.to_owned()),
        false => Err(wrong.join("; ")),
    }
}

/// A refusal is one of WeChat Pay's, which names a state.
fn refused(err: &Error) -> Result<String, String> {
    let api = err.api().ok_or_else(|| err.to_string())?;
    let code = api.code();
    // How APIv2 refuses the format of a value.
    let is_format = code == "FAIL" && api.message().ends_with("参数格式错误");
    match STATES.contains(&code) || RULES.contains(&code) || is_format {
        true => Ok(format!("{code} {}", api.message())),
        false => Err(err.to_string()),
    }
}

/// Compares a response with its table: the required fields are there, and all have their type.
pub(in crate::sandbox) fn differences(
    object: &Map<String, Value>,
    fields: Fields,
    is_json: bool,
    at: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    for field in fields {
        let name = field.name();
        // A success has no error, and not every response of APIv2 is signed.
        let is_optional = ["err_code", "err_code_des", "nonce_str", "sign"].contains(&name);
        if !is_json && is_optional || name.contains('$') {
            continue;
        }
        match object.get(name) {
            None if field.is_required() => found.push(format!("{at}/{name} is missing")),
            None => {}
            Some(value) if is_json && !fits(value, field.kind()) => {
                found.push(format!("{at}/{name} is {value}"));
            }
            Some(value) => {
                let items = match value {
                    Value::Array(items) => &items[..],
                    one => std::slice::from_ref(one),
                };
                for inner in items.iter().filter_map(Value::as_object) {
                    found.extend(differences(
                        inner,
                        field.fields(),
                        is_json,
                        &format!("{at}/{name}"),
                    ));
                }
            }
        }
    }
    found
}

// Written again on purpose, like the walk above: with the sandbox's own, a kind that it confuses would pass.
fn fits(value: &Value, kind: Kind) -> bool {
    match (kind, value) {
        (Kind::Integer, Value::Number(number)) => !number.is_f64(),
        (Kind::String, Value::String(_))
        | (Kind::Number, Value::Number(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Object, Value::Object(_)) => true,
        (kind, Value::Array(items)) => {
            let item = kind.item();
            item.is_some_and(|item| items.iter().all(|value| fits(value, item)))
        }
        _ => false,
    }
}

#[test]
fn every_operation_refuses_a_request_without_a_required_field() {
    let Some(samples) = Samples::new() else {
        return;
    };
    let (mut refused, mut failed) = (0, Vec::new());
    for mut sample in samples.all() {
        let Some((part, names)) = required(&sample) else {
            continue;
        };
        samples.sandbox.reset();
        let fields = sample.options[part].as_object_mut().unwrap();
        fields.retain(|name, _| !names.contains(&name.as_str()));
        let wrong = match samples.send(&sample) {
            Ok(response) => response.status().to_string(),
            Err(err) if names_the_missing(sample.op, part, &names, &err) => {
                refused += 1;
                continue;
            }
            Err(err) => err.to_string(),
        };
        failed.push(format!("{} without {names:?}: {wrong}", sample.op));
    }
    println!("{refused} operations refused a request without a required field");
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    // The others have none, or only in their path.
    assert!(refused > 850, "only {refused}");
}

/// Returns a required field that the sample has and that no other replaces, or all those that replace each
/// other.
fn required(sample: &Sample) -> Option<(&'static str, Vec<&'static str>)> {
    const REPLACED: [&str; 14] = [
        "appid",
        "combine_transaction_id",
        "mchid",
        "out_refund_no",
        "out_trade_no",
        "refund_id",
        "sp_appid",
        "sp_mchid",
        "sub_appid",
        "sub_mchid",
        "sub_mch_id",
        "sub_order_id",
        "sub_order_no",
        "transaction_id",
    ];
    // Without these, the request is not one of this merchant, or has no sign.
    const SIGNATURE: [&str; 6] = [
        "combine_mch_id",
        "mch_id",
        "nonce_str",
        "sign",
        "sign_type",
        "version",
    ];
    let is_v2 = sample.op.version() == "v2";
    let part = |part: &'static str| {
        let fields = sample.op.request().get(part)?.fields();
        let given = sample.options.get(part)?;
        let is_candidate = |field: &Field| {
            let name = field.name();
            let is_signature = is_v2 && (SIGNATURE.contains(&name) || name == "mchid");
            field.is_required() && given.get(name).is_some() && !is_signature
        };
        let names = fields
            .into_iter()
            .filter(is_candidate)
            .map(|field| field.name());
        let mut names: Vec<_> = names.collect();
        if let Some(one) = names.iter().find(|name| !REPLACED.contains(name)) {
            names = vec![*one];
        }
        (!names.is_empty()).then_some((part, names))
    };
    ["json", "xml", "query"].into_iter().find_map(part)
}

fn names_the_missing(op: &Operation, part: &str, names: &[&str], err: &Error) -> bool {
    let Some(api) = err.api() else {
        return false;
    };
    let location = if part == "json" { "body" } else { part };
    let location = if op.version() == "v2" {
        "body/xml"
    } else {
        location
    };
    let is_named = names.iter().any(|name| {
        let text = format!(
            "输入源“/{location}/{name}”映射到字段“{name}”必填性规则校验失败，此字段为必填项"
        );
        api.message() == text
    });
    let is_as_recorded = op.version() == "v2"
        || (api.status().as_u16(), api.code()) == (400, "PARAM_ERROR")
            && api.detail() == Some(&serde_json::json!({ "location": location }))
            && api.is_verified();
    is_named && is_as_recorded
}
