//! Requests compared with the documents: samples pass, and mistakes are found and named.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wechatpay_chain::{Chain, Checks, Client, Method, Options, Outcome};

use super::recorded::{client, forms, without_stray};
use crate::fixtures::{keys, log::Lines, material};

/// A recorded sample, ready to be prepared.
struct Sample {
    op: String,
    chain: Chain,
    method: Method,
    options: Value,
}

impl Sample {
    /// Returns the message of the error, if the check finds something.
    fn findings(&self, options: &Value) -> Option<String> {
        let options = Options::from(options)
            .check_documents(Checks::Deny)
            .encrypt_documented();
        let prepared = self.chain.prepare(self.method.clone(), options);
        prepared.err().map(|err| {
            assert!(err.is_request(), "{err}");
            err.to_string()
        })
    }
}

fn samples() -> Option<Vec<Sample>> {
    let lines = material::lines("tests/vectors/requests.jsonl")?;
    let mut clients = BTreeMap::new();
    let samples = lines.iter().map(|line| {
        let client = client(line["mchid"].as_str().unwrap_or_default(), &mut clients);
        let [_, (_, chain), _] = forms(&client, line);
        let method: Method = line["verb"].as_str().unwrap_or_default().parse().unwrap();
        let prepare = |options| chain.prepare(method.clone(), options);
        let mut options = without_stray(line, prepare).unwrap();
        // It names the recording's key, and the sealed fields are encrypted with another one here.
        if let Some(headers) = options.get_mut("headers") {
            headers
                .as_object_mut()
                .unwrap()
                .shift_remove("Wechatpay-Serial");
        }
        Sample {
            op: line["op"].as_str().unwrap().to_owned(),
            chain,
            method,
            options,
        }
    });
    Some(samples.collect())
}

/// The documented request fields of each operation, from the source of the packed tables.
fn documented() -> Option<BTreeMap<String, Value>> {
    let lines = material::lines("documents/fields.jsonl")?;
    let by_op = |line: Value| {
        (
            line["op"].as_str().unwrap().to_owned(),
            line["request"].clone(),
        )
    };
    Some(lines.into_iter().map(by_op).collect())
}

/// Fields whose recorded value is not documented: the recording replaced their long words.
const MADE_UP: [&str; 10] = [
    "/json/admin_info/id_doc_type",
    "/json/fee_items/0/fee_type",
    "/json/parking_lot/charging_rule/fixed_interval_rule/0/first_duration_mode",
    "/json/parking_lot/charging_rule/fixed_interval_rule/0/free_period_charging_mode",
    "/json/parking_lot/parking_lot_type",
    "/json/proxy_verify_identity_info/verify_identity_type",
    "/json/reverse_reason",
    "/json/transfer_mode",
    "/query/audit_state",
    "/query/req_scene",
];

#[test]
fn recorded_samples_pass() {
    let Some(samples) = samples() else { return };
    let mut failed = Vec::new();
    for sample in &samples {
        let mut options = sample.options.clone();
        if let Some(message) = sample.findings(&options) {
            for pointer in MADE_UP.iter().filter(|pointer| message.contains(**pointer)) {
                // Sent as the first documented value.
                let (_, documented) = message.split_once(&format!("`{pointer}` ")).unwrap();
                let documented = documented.split_once("Expected `").unwrap().1;
                let value = documented.split_once('`').unwrap().0;
                *options.pointer_mut(pointer).unwrap() = value.into();
            }
            failed.extend(sample.findings(&options));
        }
    }
    assert!(
        failed.is_empty(),
        "{} failed\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// A recorded sample in the form of a service provider, which the pages of these operations omit.
#[test]
fn service_providers_forms_pass() {
    let client = keys::builder().build().unwrap();
    let sub = json!({ "sub_mch_id": "1900000110", "sub_appid": "wx9999999999999999" });
    let common = json!({ "appid": "wx8888888888888888", "mch_id": keys::MCHID });
    for (path, fields) in [
        (
            "v2/pay/unifiedorder",
            json!({
                "body": "tea", "out_trade_no": "tea-0001", "total_fee": 100, "trade_type": "JSAPI",
                "spbill_create_ip": "127.0.0.1", "notify_url": "https://example.com/notify",
                "sub_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            }),
        ),
        ("v2/pay/orderquery", json!({ "out_trade_no": "tea-0001" })),
        (
            "v2/pay/orderquery",
            json!({ "transaction_id": "4200001234202611260000000001" }),
        ),
        ("v2/pay/closeorder", json!({ "out_trade_no": "tea-0001" })),
        (
            "v2/secapi/pay/refund",
            json!({
                "transaction_id": "4200001234202611260000000001", "out_refund_no": "tea-0001-r",
                "total_fee": 100, "refund_fee": 100,
            }),
        ),
        (
            "v2/pay/refundquery",
            json!({ "out_refund_no": "tea-0001-r" }),
        ),
    ] {
        let mut xml = Map::new();
        for part in [&common, &sub, &fields] {
            xml.extend(part.as_object().unwrap().clone());
        }
        for sign_type in [None, Some("HMAC-SHA256")] {
            let mut xml = xml.clone();
            xml.extend(sign_type.map(|sign_type| ("sign_type".to_owned(), json!(sign_type))));
            let options = Options::new()
                .xml(xml)
                .mutual_tls(path.contains("secapi"))
                .check_documents(Checks::Deny);
            client.chain(path).prepare(Method::POST, options).unwrap();
        }
    }
}

/// A random mistake in a sample: what the error must name.
struct Mistake {
    kind: &'static str,
    options: Value,
    /// What the message must contain.
    named: String,
}

/// A missing field that is no finding: the client may set the first three itself, and each of the others has
/// a replacement or depends on a value, at least in some operations.
const NO_FINDING: [&str; 20] = [
    "sign",
    "sign_type",
    "nonce_str",
    "transaction_id",
    "out_trade_no",
    "refund_id",
    "out_refund_no",
    "mchid",
    "appid",
    "sp_mchid",
    "sp_appid",
    "sub_mchid",
    "sub_order_id",
    "sub_order_no",
    "sp_openid",
    "user_name",
    "combine_transaction_id",
    "funds_account",
    "business_license_info",
    "certificate_info",
];

/// The fields of a store, which its ID replaces.
const OF_A_STORE: &str = "/store_info/";

/// A field of a sample that is documented.
struct Place {
    /// The pointer of the object that has the field.
    parent: String,
    name: String,
    field: Value,
    is_text: bool,
}

impl Place {
    fn pointer(&self) -> String {
        format!("{}/{}", self.parent, self.name)
    }

    fn is(&self, key: &str) -> bool {
        self.field[key] == true
    }
}

/// Collects the documented fields that an object has.
fn places(
    object: &Map<String, Value>,
    fields: &Value,
    parent: &str,
    is_text: bool,
    all: &mut Vec<Place>,
) {
    let fields = fields.as_array().expect("fields");
    for (name, value) in object {
        let Some(field) = fields.iter().find(|field| field["name"] == *name) else {
            continue;
        };
        let pointer = format!("{parent}/{name}");
        match (value, field.get("of")) {
            (Value::Object(inner), Some(of)) if field["type"] == "object" => {
                places(inner, of, &pointer, is_text, all);
            }
            (Value::Array(items), Some(of)) if field["type"] == "object[]" => {
                for (index, item) in items.iter().enumerate() {
                    let Value::Object(inner) = item else { continue };
                    places(inner, of, &format!("{pointer}/{index}"), is_text, all);
                }
            }
            _ => {}
        }
        all.push(Place {
            parent: parent.to_owned(),
            name: name.clone(),
            field: field.clone(),
            is_text,
        });
    }
}

/// Numbers that look random and are the same in each run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        (!from.is_empty()).then(|| &from[self.below(from.len())])
    }

    /// Changes one letter or digit of a word.
    fn misspell(&mut self, word: &str) -> String {
        let mut letters: Vec<char> = word.chars().collect();
        let at = self.below(letters.len());
        let old = letters[at];
        while letters[at] == old {
            letters[at] = char::from(b'a' + u8::try_from(self.below(26)).unwrap());
        }
        letters.into_iter().collect()
    }
}

/// Makes a mistake of a kind, if the sample has a place for it.
fn mistake(
    kind: &'static str,
    options: &Value,
    all: &[Place],
    random: &mut Random,
) -> Option<Mistake> {
    let suits = |place: &&Place| match kind {
        "required" => place.is("required"),
        // A number that is not listed may be a new code.
        "value" => place.field.get("enum").is_some() && place.field["type"] == "string",
        _ => true,
    };
    let all: Vec<&Place> = all.iter().filter(suits).collect();
    let place = *random.pick(&all)?;
    let mut options = options.clone();
    let parent = options.pointer_mut(&place.parent)?.as_object_mut()?;
    let pointer = place.pointer();
    let named = match kind {
        "name" => {
            let name = random.misspell(&place.name);
            let renamed = std::mem::take(parent)
                .into_iter()
                .map(|(key, value)| (if key == place.name { name.clone() } else { key }, value));
            *parent = renamed.collect();
            format!(
                "`{}/{name}` is not a documented field: did you mean `{}`?",
                place.parent, place.name
            )
        }
        "required" => {
            parent.shift_remove(&place.name);
            format!("`{pointer}` is missing and required")
        }
        "type" => {
            let value = match (place.field["type"].as_str()?, place.is_text) {
                ("string", false) => json!(12345),
                ("string", true) => json!({ "a": 1 }),
                ("boolean", _) => json!("perhaps"),
                ("integer" | "number", _) => json!("12a"),
                _ => json!(false),
            };
            parent[&place.name] = value;
            // What is encrypted is checked by its pointer into the body.
            format!("{}` is ", &pointer[pointer[1..].find('/').unwrap() + 1..])
        }
        _ => {
            let listed = place.field["enum"].as_array()?;
            let listed = random.pick(listed)?.as_str()?;
            // A code in the form of a listed one may be new.
            let is_code = listed.bytes().any(|byte| byte.is_ascii_digit());
            let value = match random.below(2) {
                0 if !is_code => random.misspell(listed),
                _ => format!("NOT_{listed}"),
            };
            parent[&place.name] = value.into();
            format!("`{pointer}` has a value that is not documented")
        }
    };
    Some(Mistake {
        kind,
        options,
        named,
    })
}

/// Twenty mistakes in each sample. All are found and named, but for what is never a finding.
#[test]
fn random_mistakes_are_found_and_named() {
    let (Some(samples), Some(documented)) = (samples(), documented()) else {
        return;
    };
    let mut random = Random(20_261_126);
    let mut tally: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut missed = Vec::new();
    for sample in &samples {
        let mut all = Vec::new();
        for (part, is_text) in [("json", false), ("query", true), ("xml", true)] {
            let fields = documented[&sample.op].as_array().unwrap();
            let fields = fields.iter().find(|field| field["name"] == part);
            if let (Some(Value::Object(given)), Some(field)) = (sample.options.get(part), fields) {
                places(given, &field["of"], &format!("/{part}"), is_text, &mut all);
            }
        }
        for _ in 0..20 {
            let kind = ["name", "required", "type", "value"][random.below(4)];
            let Some(mistake) = mistake(kind, &sample.options, &all, &mut random) else {
                continue;
            };
            let [made, found, named] = tally.entry(mistake.kind).or_default();
            *made += 1;
            let message = sample.findings(&mistake.options).unwrap_or_default();
            *found += usize::from(!message.is_empty());
            let is_expected = || {
                let field = mistake.named.split('`').nth(1).unwrap_or_default();
                let name = field.rsplit('/').next().unwrap_or_default();
                let may_be_absent = NO_FINDING.contains(&name) || field.contains(OF_A_STORE);
                mistake.kind == "required" && may_be_absent && message.is_empty()
            };
            // A misspelt name of a sealed field is found when it is encrypted.
            let is_sealed =
                mistake.kind == "name" && message.contains("would be sent in clear text");
            if message.contains(&mistake.named) || is_sealed {
                *named += 1;
            } else if !is_expected() {
                missed.push(format!("{} {}\n    {message}", sample.op, mistake.named));
            }
        }
    }
    println!("kind: [made, found, named]: {tally:?}");
    assert!(tally.values().all(|[made, ..]| *made > 1000), "{tally:?}");
    let [made, found, _] = tally["required"];
    assert!(found * 100 > made * 93, "{tally:?}");
    assert!(missed.is_empty(), "{tally:?}\n{}", missed.join("\n"));
}

const NATIVE: &str = "v3/pay/transactions/native";

fn misspelt() -> Value {
    json!({ "json": {
        "appid": "wx8888888888888888", "mchid": keys::MCHID, "description": "secret tea",
        "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
        "amount": { "totla": 100 },
    }})
}

#[test]
fn check_of_a_call_replaces_that_of_the_client() {
    let off = keys::builder().build().unwrap();
    let deny = keys::builder()
        .check_documents(Checks::Deny)
        .build()
        .unwrap();
    let prepare = |client: &Client, checks: Option<Checks>| {
        let mut options = Options::from(misspelt());
        if let Some(checks) = checks {
            options = options.check_documents(checks);
        }
        client.chain(NATIVE).prepare(Method::POST, options)
    };
    for (client, checks, denied) in [
        (&off, None, false),
        (&off, Some(Checks::Warn), false),
        (&off, Some(Checks::Deny), true),
        (&deny, None, true),
        (&deny, Some(Checks::Warn), false),
        (&deny, Some(Checks::Off), false),
    ] {
        let prepared = prepare(client, checks);
        assert_eq!(prepared.is_err(), denied, "{checks:?}");
        if let Err(err) = prepared {
            assert_eq!(err.outcome(), Outcome::NotSent);
            let text = format!("{err} {err:?}");
            assert!(text.contains("`/json/amount/totla`"), "{text}");
            assert!(!text.contains("secret tea"), "{text}");
        }
    }
}

#[test]
fn request_is_found_in_each_form_of_its_path() {
    let client = keys::builder()
        .check_documents(Checks::Deny)
        .build()
        .unwrap();
    for path in [
        "v3/pay/transactions/native",
        "/v3/pay/transactions/native",
        "https://api.mch.weixin.qq.com/v3/pay/transactions/native",
        "v3/{+rest}",
    ] {
        let options = Options::from(misspelt());
        let options = if path.contains("rest") {
            options.var("rest", "pay/transactions/native")
        } else {
            options
        };
        let err = client
            .chain(path)
            .prepare(Method::POST, options)
            .unwrap_err();
        assert!(
            err.to_string().contains("/json/amount/totla"),
            "{path}: {err}"
        );
    }
    let segments = client
        .seg("v3")
        .seg("pay")
        .seg("transactions")
        .seg("native");
    assert!(segments.prepare(Method::POST, misspelt()).is_err());
    assert!(
        client["v3/pay/transactions/native"]
            .prepare(Method::POST, misspelt())
            .is_err()
    );
}

#[test]
fn undocumented_request_is_not_checked() {
    let client = keys::builder()
        .check_documents(Checks::Deny)
        .build()
        .unwrap();
    for (method, path) in [
        (Method::POST, "v3/pay/transactions/natives"),
        (Method::PUT, NATIVE),
        (Method::POST, "v3/brand-new/operation"),
    ] {
        client.chain(path).prepare(method, misspelt()).unwrap();
    }
}

#[test]
fn warnings_name_the_operation_and_no_value() {
    let client = keys::builder()
        .check_documents(Checks::Warn)
        .build()
        .unwrap();
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        client
            .chain(NATIVE)
            .prepare(Method::POST, misspelt())
            .unwrap();
    });
    let lines: Vec<String> = lines.take().into_iter().map(|(_, line)| line).collect();
    let warnings: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("documents"))
        .collect();
    assert_eq!(warnings.len(), 1, "{lines:?}");
    for text in [
        "POST v3/pay/transactions/native",
        "`/json/amount/totla`",
        "`total`",
    ] {
        assert!(warnings[0].contains(text), "{warnings:?}");
    }
    assert!(!lines.concat().contains("secret tea"));
}
