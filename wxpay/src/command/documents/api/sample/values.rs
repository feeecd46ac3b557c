//! Values that fit their names.

use serde_json::{Map, Value, json};
use wechatpay_chain::catalog::{Field, Fields, Kind};

/// The client sets this header.
pub(in crate::command::documents::api) const SERIAL: &str = "Wechatpay-Serial";

/// Returns a part of a request with its required fields, or else with all of its texts: it is not sent empty.
pub(super) fn part(fields: Fields, is_v2: bool) -> Value {
    let required = object(fields, is_v2);
    if required != json!({}) {
        return required;
    }
    if fields.is_empty() && is_v2 {
        // A page without a table. Every request of APIv2 names its merchant.
        return json!({ "mch_id": text("mch_id", is_v2) });
    }
    let texts = fields.iter().filter(|field| field.kind() == Kind::String);
    let texts: Map<_, _> = texts
        .map(|field| (field.name().to_owned(), value(field, is_v2)))
        .collect();
    if !texts.is_empty() {
        return texts.into();
    }
    let first = fields.iter().take(1);
    first
        .map(|field| (field.name().to_owned(), value(field, is_v2)))
        .collect::<Map<_, _>>()
        .into()
}

/// Returns an object with its required fields.
pub(super) fn object(fields: Fields, is_v2: bool) -> Value {
    let mut map = Map::new();
    for field in fields {
        let name = field.name();
        let is_needed = fields.requires(name, |given| map.contains_key(given));
        // Another form of a field is not needed as well.
        if is_needed && name != SERIAL && !name.contains('$') && !map.contains_key(name) {
            map.insert(name.to_owned(), value(field, is_v2));
        }
    }
    map.into()
}

/// Returns a value of the documented type: the first one that is listed, or what fits the name.
pub(super) fn value(field: Field, is_v2: bool) -> Value {
    let kind = field.kind();
    if kind == Kind::String && !field.fields().is_empty() && field.sealed().is_none() {
        return object(field.fields(), is_v2).to_string().into();
    }
    let item = match kind.item().unwrap_or(kind) {
        Kind::Object => object(field.fields(), is_v2),
        Kind::Boolean => json!(true),
        kind => {
            let listed = field.values().first().copied();
            let text = listed.unwrap_or_else(|| text(field.name(), is_v2));
            let number = || text.parse::<i64>().unwrap_or(1);
            match kind {
                Kind::Integer | Kind::Number => json!(number()),
                _ => text.into(),
            }
        }
    };
    match kind.is_list() {
        true => json!([item]),
        false => item,
    }
}

/// Values by the ends of names, the first that fits.
const VALUES: [(&str, &str); 36] = [
    ("sign_type", "HMAC-SHA256"),
    ("sub_mchid", "1900000110"),
    ("sub_mch_id", "1900000110"),
    ("mchid", "1900000109"),
    ("mch_id", "1900000109"),
    ("appid", "wx8888888888888888"),
    ("openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"),
    ("transaction_id", "4200001234202601010000000001"),
    ("notify_url", "https://example.com/wxpay"),
    ("url", "https://example.com/"),
    ("currency", "CNY"),
    ("fee_type", "CNY"),
    ("_ip", "203.0.113.1"),
    ("email", "tea@example.com"),
    ("mobile", "13800000000"),
    ("phone", "13800000000"),
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("serial_no", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"),
    (
        "sha256",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    ("auth_code", "130000000000000000"),
    ("out_trade_no", "tea-0001"),
    ("_no", "tea-0001"),
    ("service_id", "500001"),
    ("time_stamp", "1767225600"),
    ("timestamp", "1767225600"),
    ("posttime", "1767225600"),
    ("date", "2026-01-01"),
    ("description", "茶"),
    ("body", "茶"),
    ("name", "茶"),
    ("remark", "茶"),
    ("reason", "茶"),
    ("introduction", "茶"),
    ("limit", "10"),
    ("offset", "0"),
    ("_id", "1000001"),
];

/// Returns a text for a field or a variable.
pub(super) fn text(name: &str, is_v2: bool) -> &'static str {
    if name.ends_with("time") || name == "time_start" || name == "time_expire" {
        return match is_v2 {
            true => "20260101120000",
            false => "2026-01-01T12:00:00+08:00",
        };
    }
    let mut values = VALUES.iter();
    values
        .find(|(end, _)| name.ends_with(end))
        .map_or("1", |(_, value)| value)
}
