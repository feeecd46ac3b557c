//! Prepares every documented operation and compares it with the request that the PHP SDK sends.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wechatpay_chain::{Chain, Client, Method, PreparedRequest};

use crate::fixtures::{apiv2, keys, material};

/// Returns the same path in its three forms. An index takes a `&'static str`, so the path is leaked.
pub fn forms(client: &Client, line: &Value) -> [(&'static str, Chain); 3] {
    let path = line["path"].as_str().expect("a path");
    let segments = line["segments"].as_array().expect("segments");
    let mut chain = client.seg(segments[0].as_str().expect("a segment"));
    for segment in &segments[1..] {
        chain = chain.seg(segment.as_str().expect("a segment"));
    }
    let literal: &'static str = Box::leak(path.to_owned().into_boxed_str());
    [
        ("seg", chain),
        ("chain", client.chain(path)),
        ("index", client[literal].clone()),
    ]
}

pub fn options(line: &Value) -> Map<String, Value> {
    let mut options = line["options"].as_object().cloned().unwrap_or_default();
    options.retain(|_, value| value.get("$skip").is_none());
    options
}

/// Samples with a key that is not a variable of their path. The PHP SDK drops the key silently. This
/// library refuses it, so that a misspelt variable is never sent.
pub const STRAY: [(&str, &str); 2] = [
    (
        "GET v3/global/papay/transactions/out-trade-no/{out_trade_no}",
        "transaction_id",
    ),
    (
        "POST v3/offlinefacemch/organizations/{organization_id}/users/user-id/{user_id}/terminate-contract",
        "use_id",
    ),
];

/// Returns the options without the stray key, after checking that `send` refuses that key by name.
pub fn without_stray<T>(
    line: &Value,
    send: impl Fn(Value) -> wechatpay_chain::Result<T>,
) -> Result<Value, String> {
    let mut options = options(line);
    if let Some((_, key)) = STRAY.iter().find(|(op, _)| line["op"] == *op) {
        let refused = send(Value::Object(options.clone()));
        let text = refused.err().map(|err| err.to_string()).unwrap_or_default();
        if !text.contains(&format!("`{key}`")) {
            return Err(format!("the stray `{key}` is not refused: {text}"));
        }
        options.shift_remove(*key);
    }
    Ok(Value::Object(options))
}

pub fn client(mchid: &str, clients: &mut BTreeMap<String, Client>) -> Client {
    clients
        .entry(mchid.to_owned())
        .or_insert_with(|| match mchid {
            "" => Client::builder()
                .apiv2_key("0123456789abcdef0123456789abcdef")
                .build()
                .unwrap(),
            mchid => keys::builder().mchid(mchid).build().unwrap(),
        })
        .clone()
}

/// Compares numbers by value and object keys in order.
fn same(sent: &Value, expected: &Value) -> bool {
    match (sent, expected) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, v), (l, w))| k == l && same(v, w))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(v, w)| same(v, w))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

/// A prepared or received request.
pub struct Sent<'a> {
    pub method: &'a str,
    pub url: &'a str,
    pub headers: Vec<(&'a str, &'a str)>,
    pub body: &'a [u8],
}

impl<'a> Sent<'a> {
    fn prepared(request: &'a PreparedRequest) -> Self {
        let headers = request.headers().iter();
        Self {
            method: request.method().as_str(),
            url: request.url(),
            headers: headers
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("?")))
                .collect(),
            body: request.body(),
        }
    }

    /// Returns the value of a header that occurs exactly once.
    fn header(&self, name: &str) -> Option<&'a str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }
}

/// Compares a request with the one that a line expects.
pub fn compare(request: &Sent<'_>, line: &Value) -> Result<(), String> {
    let expect = &line["expect"];
    let (url, query) = request
        .url
        .split_once('?')
        .map_or((request.url, None), |(u, q)| (u, Some(q)));
    let check = |what: &str, sent: &str, expected: &str| {
        if sent == expected {
            Ok(())
        } else {
            Err(format!("{what}: sent {sent:?}, expected {expected:?}"))
        }
    };
    check(
        "method",
        request.method,
        expect["method"].as_str().unwrap_or_default(),
    )?;
    check("url", url, expect["url"].as_str().unwrap_or_default())?;
    let query = query.unwrap_or_default();
    let sent_query = match expect["sign_type"]
        .as_str()
        .filter(|_| request.method == "GET")
    {
        Some(sign_type) => apiv2::check_query(query, sign_type)?,
        None => query.to_owned(),
    };
    check(
        "query",
        &sent_query,
        expect["query"].as_str().unwrap_or_default(),
    )?;
    for (name, value) in expect["headers"].as_object().into_iter().flatten() {
        let sent = request.header(name).unwrap_or_default();
        check(name, sent, value.as_str().unwrap_or_default())?;
    }
    let skip_body = line["not_compared"]
        .as_array()
        .is_some_and(|keys| keys.contains(&json!("body")));
    if skip_body {
        return Ok(());
    }
    if !expect["xml"].is_null() {
        return apiv2::check_body(request.body, expect);
    }
    let sent = match request.body {
        [] => Value::Null,
        body => serde_json::from_slice(body).map_err(|err| format!("body: {err}"))?,
    };
    if !same(&sent, &expect["json"]) {
        return Err(format!("body: sent {sent}, expected {}", expect["json"]));
    }
    Ok(())
}

/// Checks that the call without the variables that the sample omits is refused, naming them.
fn check_missing(chain: &Chain, method: &Method, line: &Value) -> Result<(), String> {
    let Some(missing) = line["lacking"].as_array() else {
        return Ok(());
    };
    let mut reduced = options(line);
    reduced.retain(|key, _| !missing.contains(&json!(key)));
    match chain.prepare(method.clone(), Value::Object(reduced)) {
        Ok(request) => Err(format!("sent without {missing:?}: {}", request.url())),
        Err(err) => {
            let text = err.to_string();
            let named = missing
                .iter()
                .all(|name| text.contains(name.as_str().unwrap_or_default()));
            if named && err.is_request() {
                Ok(())
            } else {
                Err(format!("the error does not name {missing:?}: {text}"))
            }
        }
    }
}

/// The same operation with each placeholder written `<name>`; `None` if it has none.
fn in_angle_brackets(line: &Value) -> Option<Value> {
    let path = line["path"].as_str().expect("a path");
    if !path.contains('{') {
        return None;
    }
    let mut line = line.clone();
    line["path"] = path.replace('{', "<").replace('}', ">").into();
    for segment in line["segments"].as_array_mut().expect("segments") {
        let text = segment.as_str().expect("a segment");
        let name = text
            .strip_prefix('_')
            .and_then(|text| text.strip_suffix('_'));
        if let Some(name) = name {
            *segment = format!("<{name}>").into();
        }
    }
    Some(line)
}

#[test]
fn prepared_requests_match_the_php_sdk() {
    let Some(lines) = material::lines("tests/vectors/requests.jsonl") else {
        return;
    };
    let passed = replay(&lines);
    assert!(passed > 2400, "only {passed} passed");
}

#[test]
fn placeholders_in_angle_brackets_send_the_same() {
    let Some(lines) = material::lines("tests/vectors/requests.jsonl") else {
        return;
    };
    let lines = lines
        .iter()
        .filter_map(in_angle_brackets)
        .collect::<Vec<_>>();
    let passed = replay(&lines);
    assert!(passed > 1000, "only {passed} passed");
}

/// Prepares each operation in its three forms and compares it with the recorded request. Returns how
/// many passed.
fn replay(lines: &[Value]) -> usize {
    let mut clients = BTreeMap::new();
    let (mut passed, mut failed) = (0, Vec::new());
    for line in lines {
        let client = client(line["mchid"].as_str().unwrap_or_default(), &mut clients);
        let method: Method = line["verb"].as_str().unwrap_or_default().parse().unwrap();
        for (form, chain) in forms(&client, line) {
            let outcome = check_missing(&chain, &method, line).and_then(|()| {
                let prepare = |options| chain.prepare(method.clone(), options);
                let request =
                    prepare(without_stray(line, prepare)?).map_err(|err| err.to_string())?;
                compare(&Sent::prepared(&request), line)
            });
            match outcome {
                Ok(()) => passed += 1,
                Err(what) => failed.push(format!("{} ({form}): {what}", line["op"])),
            }
        }
    }
    println!(
        "operations × forms: {passed} passed, {} failed",
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    passed
}

#[test]
fn path_and_query_encoding_matches_the_php_sdk() {
    let Some(lines) = material::lines("tests/vectors/encoding.jsonl") else {
        return;
    };
    let client = keys::builder().trust_host("127.0.0.1").build().unwrap();
    let mut failed = Vec::new();
    for line in &lines {
        let mut chains = Vec::new();
        if let Some(path) = line["path"].as_str() {
            chains.push(client.chain(path));
            let literal: &'static str = Box::leak(path.to_owned().into_boxed_str());
            chains.push(client[literal].clone());
        } else if let Some(segments) = line["segments"].as_array() {
            let texts = segments.iter().filter_map(Value::as_str);
            chains.push(
                texts.fold(client.chain("v3").clone(), |chain, segment| match segment {
                    "v3" => chain,
                    segment => chain.seg(segment),
                }),
            );
        } else {
            let ops = line["ops"].as_array().expect("ops");
            let mut chain: Option<Chain> = None;
            for op in ops {
                let (kind, piece) = (op[0].as_str().unwrap(), op[1].as_str().unwrap());
                let literal: &'static str = Box::leak(piece.to_owned().into_boxed_str());
                chain = Some(match (kind, &chain) {
                    ("property", None) => client.seg(piece),
                    ("property", Some(chain)) => chain.seg(piece),
                    ("chain", None) => client.chain(piece),
                    ("chain", Some(chain)) => chain.chain(piece),
                    (_, None) => client[literal].clone(),
                    (_, Some(chain)) => chain[literal].clone(),
                });
            }
            chains.extend(chain);
        }
        for chain in chains {
            let options = line["options"].clone();
            let method = if options.get("json").is_some() {
                Method::POST
            } else {
                Method::GET
            };
            let target = match chain.prepare(method, &options) {
                Ok(request) => {
                    let url = request.url();
                    let path = url
                        .find("://")
                        .and_then(|at| url[at + 3..].find('/').map(|p| at + 3 + p));
                    url[path.unwrap_or(0)..].to_owned()
                }
                Err(err) => err.to_string(),
            };
            if line["target"] != target.as_str() {
                failed.push(format!("{line}\n  gave {target}"));
            }
        }
    }
    assert!(lines.len() > 20);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
