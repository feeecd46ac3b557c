//! A request for every documented operation: the recorded sample of its page, or one made from its table.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wechatpay_chain::{
    Client, Media, Method, Options,
    catalog::{self, Field, Fields, Kind, Operation},
    sandbox::{Merchant, MerchantOptions, Sandbox},
};

use crate::fixtures::material;

const SUB_MCHID: &str = "1900000201";

/// A sandbox, a merchant of it that is a service provider, and its clients.
pub struct Samples {
    pub sandbox: Sandbox,
    pub merchant: Merchant,
    v3: Client,
    v2: Client,
    recorded: BTreeMap<String, Value>,
}

/// A request of one operation.
pub struct Sample {
    pub op: &'static Operation,
    /// As the options map of a call.
    pub options: Map<String, Value>,
}

impl Samples {
    /// Returns `None` if there are no recorded samples.
    pub fn new() -> Option<Self> {
        let lines = material::lines("tests/vectors/requests.jsonl")?;
        let sandbox = Sandbox::builder().seed(7).start().unwrap();
        let merchant = MerchantOptions::new("1900000109")
            .appid("wx8888888888888888")
            .partner_of([SUB_MCHID]);
        let merchant = sandbox.add_merchant(merchant).unwrap();
        let v3 = merchant.client_builder().encrypt_documented(true);
        let v2 = merchant.https_client_builder().unwrap();
        Some(Self {
            v3: v3.build().unwrap(),
            v2: v2.build().unwrap(),
            recorded: (lines.into_iter())
                .map(|line| (line["op"].as_str().unwrap().to_owned(), line))
                .collect(),
            sandbox,
            merchant,
        })
    }

    /// Returns a sample of each operation.
    pub fn all(&self) -> Vec<Sample> {
        let sample = |op: &'static Operation| {
            let recorded = self.recorded.get(&op.to_string());
            let mut options = match recorded {
                Some(line) => self.recorded_options(op, line),
                None => self.made_options(op),
            };
            self.complete(op, &mut options);
            // Of a variable that the page's sample leaves out, the vectors have a text.
            for field in op.request() {
                let is_number = matches!(field.kind(), Kind::Integer | Kind::Number);
                if is_number && options.get(field.name()).is_some_and(Value::is_string) {
                    options.insert(field.name().to_owned(), 7.into());
                }
            }
            Sample { op, options }
        };
        catalog::all().iter().map(sample).collect()
    }

    /// Adds what neither the sample nor the table has, and the call needs.
    fn complete(&self, op: &Operation, options: &mut Map<String, Value>) {
        for name in variables(op).filter(|name| *name != "empty") {
            // These stand for a word with capitals: `addInstitutionsub`.
            let word = name.strip_suffix("institutionsub");
            match word {
                Some(word) => {
                    options.insert(name.to_owned(), format!("{word}Institutionsub").into())
                }
                None => {
                    let value = options.entry(name.to_owned());
                    value.or_insert_with(|| text(name).into());
                    None
                }
            };
        }
        if op.version() == "v2" && op.request().get("body").is_some() {
            options.insert("xml".to_owned(), json!({ "sign_type": "HMAC-SHA256" }));
        }
        if let Some(xml) = options.get_mut("xml") {
            if !xml.is_object() {
                *xml = json!({});
            }
            let ids = ["mch_id", "mchid", "combine_mch_id"];
            if ids.into_iter().all(|id| xml.get(id).is_none()) {
                xml["mch_id"] = self.merchant.mchid().into();
            }
        }
        // One of the two numbers of an order, where the table requires neither.
        if op.template() == "v3/refund/domestic/refunds" && op.method() == Method::POST {
            options["json"]["out_trade_no"] = "sample-order".into();
        }
    }

    /// Sends a request.
    pub fn send(&self, sample: &Sample) -> wechatpay_chain::Result<wechatpay_chain::Response> {
        let op = sample.op;
        let client = if op.version() == "v2" {
            &self.v2
        } else {
            &self.v3
        };
        let chain = client.chain(op.template());
        chain.request(op.method(), self.options(sample))
    }

    fn options(&self, sample: &Sample) -> Options {
        let options = Options::from(sample.options.clone());
        let Some(body) = sample.op.request().get("body") else {
            return options;
        };
        let is_video = sample.op.template().contains("video");
        let name = if is_video { "a.mp4" } else { "a.png" };
        let mut media = Media::from_bytes(name, b"\x89PNG".to_vec());
        let meta = body.fields().get("meta").map(|meta| meta.fields());
        let mut fields = meta.map(|meta| self.object(meta)).unwrap_or_default();
        // These are about the file, and the library fills them in.
        for name in ["filename", "sha256"] {
            fields.remove(name);
        }
        for (name, value) in fields {
            media = media.meta_field(name, value);
        }
        options.media(media)
    }

    fn recorded_options(&self, op: &Operation, line: &Value) -> Map<String, Value> {
        let mut options = line["options"].as_object().unwrap().clone();
        let url = line["expect"]["url"].as_str().unwrap();
        for key in ["sink", "handler", "body", "base_uri"] {
            options.remove(key);
        }
        // Two samples have a key that is not a variable of their path.
        let parts = ["headers", "json", "nonceless", "query", "security", "xml"];
        options.retain(|key, _| {
            parts.contains(&key.as_str()) || variables(op).any(|name| name == key)
        });
        // The serial in a sample is not a key of the sandbox. The client sends its own.
        if let Some(Value::Object(headers)) = options.get_mut("headers") {
            headers.retain(|name, _| !name.eq_ignore_ascii_case("wechatpay-serial"));
        }
        for (name, value) in &mut options {
            self.adapt(name, value);
        }
        // The path of the base URI, such as `/hk/`, stays.
        for prefix in ["hk/", "global/"] {
            let is_v3_below = |host: &str| url.starts_with(&format!("https://{host}/{prefix}v3/"));
            let hosts = ["api.mch.weixin.qq.com", "apihk.mch.weixin.qq.com"];
            let base = line["options"]["base_uri"].as_str().unwrap_or_default();
            if base.ends_with(prefix) && hosts.into_iter().any(is_v3_below) {
                let uri = format!("{}{prefix}", self.sandbox.base_uri());
                options.insert("base_uri".to_owned(), uri.into());
            }
        }
        options
    }

    fn made_options(&self, op: &Operation) -> Map<String, Value> {
        let mut options = Map::new();
        for field in op.request() {
            let name = field.name();
            let value = match name {
                // `timeout` is an option of the client.
                "base_uri" | "body" | "nonceless" | "timeout" => continue,
                "headers" => json!({ "Idempotency-Key": "63994" }),
                "security" => true.into(),
                "json" | "xml" | "query" => Value::Object(self.object(field.fields())),
                _ => self.value(&field),
            };
            options.insert(name.to_owned(), value);
        }
        options
    }

    /// Makes the required fields.
    fn object(&self, fields: Fields) -> Map<String, Value> {
        let mut object = Map::new();
        for field in fields.into_iter().filter(Field::is_required) {
            let name = field.name().replace("$n", "0").replace("$m", "0");
            object.entry(name).or_insert_with(|| self.value(&field));
        }
        object
    }

    fn value(&self, field: &Field) -> Value {
        let kind = field.kind().item().unwrap_or(field.kind());
        let mut value = match (kind, field.values().first()) {
            (Kind::Object, _) => Value::Object(self.object(field.fields())),
            (Kind::Integer | Kind::Number, listed) => listed
                .and_then(|text| text.parse::<i64>().ok())
                .unwrap_or(7)
                .into(),
            (Kind::Boolean, _) => true.into(),
            (_, Some(listed)) => (*listed).into(),
            (_, None) => text(field.name()).into(),
        };
        self.adapt(field.name(), &mut value);
        match field.kind().is_list() {
            true => json!([value]),
            false => value,
        }
    }

    /// Puts the merchant of the sandbox in place of the one of a sample.
    fn adapt(&self, name: &str, value: &mut Value) {
        match value {
            Value::Object(inner) => {
                // The samples' times are long past.
                inner.retain(|name, _| !["time_expire", "time_start"].contains(&name.as_str()));
                for (name, value) in inner {
                    self.adapt(name, value);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.adapt(name, item);
                }
            }
            Value::String(text) => {
                *text = match name {
                    "mchid" | "mch_id" | "sp_mchid" | "combine_mchid" | "combine_mch_id"
                    | "contract_mchid" => self.merchant.mchid().to_owned(),
                    "sub_mchid" | "sub_mch_id" => SUB_MCHID.to_owned(),
                    "appid" | "sp_appid" | "combine_appid" | "mch_appid" | "wxappid"
                    | "contract_appid" => self.merchant.appid().to_owned(),
                    "notify_url" => "https://example.com/notify".to_owned(),
                    "bill_date" if is_digits(text) => "20180608".to_owned(),
                    "bill_date" => "2018-06-08".to_owned(),
                    "estimated_deduct_date" => "2999-11-22".to_owned(),
                    "plan_id" if !is_digits(text) => "12535".to_owned(),
                    "auth_code" => "130000000000000000".to_owned(),
                    "bank_account" => "6222021234567890123".to_owned(),
                    "start_time" if is_compact(text) => "OnAccept".to_owned(),
                    _ if text.is_empty() => "s".to_owned(),
                    _ => return,
                }
            }
            _ => {}
        }
    }
}

/// Returns the variables of a path.
fn variables(op: &Operation) -> impl Iterator<Item = &'static str> {
    let segments = op.template().split('/');
    segments.filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// Returns whether a text looks like a time without a zone. Those of the samples are not real dates.
fn is_compact(text: &str) -> bool {
    text.len() == 14 && is_digits(text)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn text(name: &str) -> String {
    if name.ends_with("time") {
        "2018-06-08T10:34:56+08:00".to_owned()
    } else if name.ends_with("date") {
        "2018-06-08".to_owned()
    } else if name.ends_with("url") {
        "https://example.com/a".to_owned()
    } else {
        format!("sample-{}", name.len())
    }
}
