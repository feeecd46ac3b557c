//! Every recorded APIv2 request is built again and compared.

use std::process::Command;

use serde_json::{Map, Value, json};

use crate::{
    base::{percent::decode_form, xml},
    material,
    protocol::{
        url::query,
        v2::{
            paths::is_nonceless,
            request::Signing,
            sign::{SIGN, SignType, sign},
        },
    },
};

const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
const NONCE: &str = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS";

fn lines() -> Option<Vec<Value>> {
    let mut lines = material::lines("tests/vectors/requests.jsonl")?;
    lines.retain(|line| line["path"].as_str().unwrap().starts_with("v2/"));
    Some(lines)
}

fn signing(line: &Value) -> Signing<'_> {
    let nonceless = line["options"]["nonceless"] == json!(true);
    Signing {
        mchid: line["mchid"].as_str(),
        key: KEY,
        nonce: (!nonceless).then(|| NONCE.to_owned()),
    }
}

fn body(line: &Value) -> String {
    let fields = match &line["options"]["xml"] {
        Value::Object(fields) => fields.clone(),
        Value::Array(none) if none.is_empty() => Map::new(),
        other => panic!("{other} is not a set of fields"),
    };
    signing(line)
        .body(fields)
        .unwrap_or_else(|err| panic!("{}: {err}", line["op"]))
}

#[test]
fn recorded_requests_are_reproduced() {
    let Some(lines) = lines() else { return };
    let mut signed = Vec::new();
    for line in &lines {
        let op = line["op"].as_str().unwrap();
        let expect = &line["expect"];
        let mut fields = if line["verb"] == json!("GET") {
            compare_query(op, line)
        } else {
            compare_fields(op, line)
        };
        let sign_type = &expect["sign_type"];
        let sign_length = if sign_type == &json!("MD5") { 32 } else { 64 };
        let own = fields.shift_remove(SIGN).unwrap();
        assert_eq!(own.as_str().unwrap().len(), sign_length, "{op}");
        signed.push(json!([op, fields, KEY, sign_type, own]));

        let path = line["path"].as_str().unwrap().trim_start_matches("v2");
        let nonceless = line["options"]["nonceless"] == json!(true);
        assert_eq!(is_nonceless(path), nonceless, "{op}");
    }
    println!("{} requests compared", signed.len());
    assert!(signed.len() >= 94);
    check_signs(&signed);
}

fn compare_fields(op: &str, line: &Value) -> Map<String, Value> {
    let expect = &line["expect"];
    let fields = xml::parse(body(line).as_bytes(), 1 << 20).unwrap();
    let mut bare = fields.clone();
    bare.shift_remove(SIGN);
    if expect["xml"].get("nonce_str").is_none() {
        let nonce = bare.shift_remove("nonce_str");
        assert_eq!(nonce.is_some(), expect["nonce"] == json!(true), "{op}");
    }
    assert_eq!(Value::Object(bare), expect["xml"], "{op}");
    if let Some(query) = line["options"].get("query") {
        let mut out = String::new();
        query::encode(query, &mut out).unwrap();
        assert_eq!(out, expect["query"].as_str().unwrap(), "{op}");
    }
    fields
}

fn compare_query(op: &str, line: &Value) -> Map<String, Value> {
    let query = signing(line).query(&line["options"]["query"]).unwrap();
    let bare: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.starts_with("sign=") && !pair.starts_with("nonce_str="))
        .collect();
    assert_eq!(
        bare.join("&"),
        line["expect"]["query"].as_str().unwrap(),
        "{op}"
    );
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, text)| (decode_form(name).into_owned(), decode_form(text).into()))
        .collect()
}

/// Recomputes each sign with Python's own digests.
fn check_signs(signed: &[Value]) {
    const SCRIPT: &str = "
import hashlib, hmac, json, sys
for line in sys.stdin:
    op, fields, key, sign_type, sign = json.loads(line)
    pairs = sorted((k.encode(), v.encode()) for k, v in fields.items() if v != '')
    source = b'&'.join(k + b'=' + v for k, v in pairs) + b'&key=' + key.encode()
    made = {
        'MD5': lambda: hashlib.md5(source).hexdigest(),
        'HMAC-SHA256': lambda: hmac.new(key.encode(), source, 'sha256').hexdigest(),
    }[sign_type]()
    assert made.upper() == sign, (op, made, sign)
print('signed')
";
    if !material::has_program("python3") {
        return;
    }
    let lines = signed.iter().map(Value::to_string).collect::<Vec<_>>();
    let python = material::run(
        Command::new("python3").args(["-c", SCRIPT]),
        lines.join("\n").as_bytes(),
    );
    assert_eq!(python.unwrap().trim_ascii(), b"signed");
}

/// Compares the digests with openssl's.
#[test]
fn openssl_makes_the_same_signs() {
    if !material::has_program("openssl") {
        return;
    }
    let Value::Object(fields) = json!({"b": "2", "a": "中", "C": "<&>", "empty": ""}) else {
        unreachable!()
    };
    let source = format!("C=<&>&a=中&b=2&key={KEY}");
    for (name, arguments) in [
        ("MD5", &["dgst", "-md5", "-r"][..]),
        (
            "HMAC-SHA256",
            &["dgst", "-sha256", "-mac", "HMAC", "-macopt", "", "-r"][..],
        ),
    ] {
        let sign_type = SignType::from_field(Some(name)).unwrap();
        let key_option = format!("key:{KEY}");
        let arguments = arguments
            .iter()
            .map(|one| if one.is_empty() { &*key_option } else { one });
        let mut openssl = Command::new("openssl");
        let digest = material::run(openssl.args(arguments), source.as_bytes());
        let digest = String::from_utf8(digest.unwrap()).unwrap();
        let digest = digest.split(' ').next().unwrap().to_uppercase();
        assert_eq!(sign(&fields, KEY, sign_type).unwrap(), digest, "{name}");
    }
}
