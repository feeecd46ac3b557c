//! Expands templates.

use http::Method;
use serde_json::Value;
use wechatpay_chain::Options;

use crate::{
    at_once, check_error,
    draw::Draw,
    request::{check, client, decode, is_too_long, pairs},
};

const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];
const NAMES: [&str; 5] = ["a", "b", "out_trade_no", "json", "empty"];

/// Expands any template with any variables. Then expands a known template with any values, and decodes
/// them from the URL again.
pub fn template(data: &[u8]) {
    any(&mut Draw::new(data));
    known(&mut Draw::new(data));
}

fn any(draw: &mut Draw<'_>) {
    let how = draw.byte();
    let mut chain = match how & 1 {
        0 => client().chain(draw.text()),
        _ => client().seg(draw.text()),
    };
    for piece in 0..(how >> 1) & 3 {
        chain = match (how >> (piece + 3)) & 1 {
            0 => chain.chain(draw.text()),
            _ => chain.seg(draw.text()),
        };
    }
    let method = draw.one(&METHODS).clone();
    let mut options = Options::new();
    while !draw.is_empty() {
        let name = match draw.byte() {
            b'n' => draw.text(),
            byte => NAMES[usize::from(byte) % NAMES.len()].to_owned(),
        };
        options = options.var(name, draw.value(3));
    }
    match at_once(chain.prepare_async(method, options)) {
        Ok(request) => {
            check(&request);
        }
        Err(err) => check_error(&err),
    }
}

/// `v3/x/{a}/{b}/y.{c}{?d,e}{&f*}`, where `f` is a list.
fn known(draw: &mut Draw<'_>) {
    let [a, b, c, d, e] = std::array::from_fn(|_| draw.text());
    let mut f = vec![draw.text()];
    while !draw.is_empty() {
        f.push(draw.text());
    }
    let options = [("a", &a), ("b", &b), ("c", &c), ("d", &d), ("e", &e)]
        .into_iter()
        .fold(Options::new(), |options, (name, value)| {
            options.var(name, value.as_str())
        })
        .var("f", f.iter().cloned().map(Value::from).collect::<Vec<_>>());
    let chain = client().chain("v3/x/{a}/{b}/y.{c}{?d,e}{&f*}");

    let is_given = [&a, &b, &c, &d, &e].iter().all(|value| !value.is_empty());
    // As a server sees it that decodes `%2F` before it splits the path.
    let climbs = |value: &str| {
        let mut segments = value.split('/');
        segments.any(|segment| segment == "." || segment == "..")
    };
    let is_allowed = |value: &str| !value.contains(|c: char| c.is_ascii_control() || c == '\\');
    let is_sent = is_given
        && [&a, &b, &c].iter().all(|value| is_allowed(value))
        && ![&a, &b, &format!("y.{c}")]
            .iter()
            .any(|value| climbs(value));
    let request = match at_once(chain.prepare_async(Method::GET, options)) {
        Ok(request) => request,
        Err(err) => {
            assert!(
                !is_sent || is_too_long(&err),
                "{a:?} {b:?} {c:?} {d:?} {e:?} {f:?}: {err}"
            );
            return check_error(&err);
        }
    };
    let target = check(&request);
    assert!(is_sent, "{target}");
    let (path, query) = target.split_once('?').expect("a query");
    let path: Vec<_> = path.split('/').map(decode).collect();
    let y = format!("y.{c}");
    assert_eq!(
        path,
        [
            b"",
            &b"v3"[..],
            b"x",
            a.as_bytes(),
            b.as_bytes(),
            y.as_bytes()
        ]
    );
    let owned = |name: &str, value: &String| (name.to_owned(), value.clone());
    let mut expected = vec![owned("d", &d), owned("e", &e)];
    expected.extend(f.iter().map(|value| owned("f", value)));
    assert_eq!(pairs(query), expected);
}
