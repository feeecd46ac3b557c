use http::Method;
use serde_json::Value;

use super::{
    at_once, check_error,
    draw::Draw,
    sent::{self, check, decode, pairs},
};
use crate::Options;

const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];
const NAMES: [&str; 5] = ["a", "b", "out_trade_no", "json", "empty"];

/// Expands any template with any variables; and values through templates that are known, which must
/// come out again where they are decoded.
pub fn template(data: &[u8]) {
    any(&mut Draw::new(data));
    known(&mut Draw::new(data));
}

fn any(draw: &mut Draw<'_>) {
    let how = draw.byte();
    let mut chain = match how & 1 {
        0 => sent::client().chain(draw.text()),
        _ => sent::client().seg(draw.text()),
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
    let chain = sent::client().chain("v3/x/{a}/{b}/y.{c}{?d,e}{&f*}");

    let is_given = [&a, &b, &c, &d, &e].iter().all(|value| !value.is_empty());
    // A server that decodes `%2F` before it looks at the segments sees the same.
    let climbs = |value: &str| {
        let mut segments = value.split('/');
        segments.any(|segment| segment == "." || segment == "..")
    };
    let is_fit = |value: &str| !value.contains(|c: char| c.is_ascii_control() || c == '\\');
    let goes = is_given
        && [&a, &b, &c].iter().all(|value| is_fit(value))
        && ![&a, &b, &format!("y.{c}")]
            .iter()
            .any(|value| climbs(value));
    let request = match at_once(chain.prepare_async(Method::GET, options)) {
        Ok(request) => request,
        Err(err) => {
            assert!(!goes, "{a:?} {b:?} {c:?} {d:?} {e:?} {f:?}: {err}");
            return check_error(&err);
        }
    };
    let target = check(&request);
    assert!(goes, "{target}");
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
