//! Fills in the documented fields that a resource lacks.

use serde_json::{Map, Value};

use crate::{
    catalog::{Field, Fields, Kind},
    sandbox::{
        state::random::Rng,
        time::{format_compact, format_rfc3339},
    },
};

/// What the values are made of.
pub(super) struct Known<'a> {
    pub(super) mchid: &'a str,
    pub(super) sub_mchid: &'a str,
    pub(super) appid: &'a str,
    /// The event, whose last part is often a state: `REFUND.CLOSED`.
    pub(super) event_type: &'a str,
    pub(super) is_v2: bool,
    pub(super) now: u64,
    pub(super) rng: Rng,
}

/// The amount where none is given, in fen.
const AMOUNT: u64 = 100;

impl Known<'_> {
    /// Adds the fields that are missing: the required ones, those that `usual` names, or all of them if none
    /// is required. What is given stays, and objects in it are filled as well.
    pub(super) fn complete(
        &mut self,
        fields: Fields,
        given: &mut Map<String, Value>,
        usual: &[&str],
    ) {
        let has_required = fields.iter().any(|field| field.is_required());
        let amount = amount_in(given);
        for field in fields {
            // A name with digits in it stands for as many fields as there are, and there may be none.
            let name = field.name();
            if name.contains('$') {
                continue;
            }
            match given.get_mut(name) {
                Some(value) => self.complete_value(&field, value),
                None if !has_required || field.is_required() || usual.contains(&name) => {
                    let value = self.value(&field, amount);
                    given.insert(name.to_owned(), value);
                }
                None => {}
            }
        }
    }

    fn complete_value(&mut self, field: &Field, value: &mut Value) {
        match value {
            Value::Object(object) => self.complete(field.fields(), object, &[]),
            Value::Array(items) => {
                for item in items {
                    self.complete_value(field, item);
                }
            }
            _ => {}
        }
    }

    fn value(&mut self, field: &Field, amount: u64) -> Value {
        let kind = field.kind();
        let one = self.item(field, kind.item().unwrap_or(kind), amount);
        if kind.is_list() {
            vec![one].into()
        } else {
            one
        }
    }

    fn item(&mut self, field: &Field, kind: Kind, amount: u64) -> Value {
        let name = field.name();
        match kind {
            Kind::Object => self.object(field),
            Kind::Boolean => true.into(),
            Kind::Integer | Kind::Number if self.is_v2 => {
                self.number(name, amount).to_string().into()
            }
            Kind::Integer | Kind::Number => self.number(name, amount).into(),
            // JSON in a text.
            _ if !field.fields().is_empty() => self.object(field).to_string().into(),
            _ => self.text(field, amount).into(),
        }
    }

    fn object(&mut self, field: &Field) -> Value {
        let mut object = Map::new();
        self.complete(field.fields(), &mut object, &[]);
        object.into()
    }

    fn number(&self, name: &str, amount: u64) -> u64 {
        match name {
            _ if is_amount(name) => amount,
            _ if name.ends_with("time") => self.now,
            _ => 1,
        }
    }

    fn text(&mut self, field: &Field, amount: u64) -> String {
        let name = field.name();
        let values = field.values();
        let state = self.event_type.rsplit('.').next().unwrap_or_default();
        if let Some(value) = values
            .iter()
            .find(|value| **value == state)
            .or(values.first())
        {
            return (*value).to_owned();
        }
        let ends = |end: &str| name.ends_with(end);
        match name {
            "sub_mchid" | "sub_mch_id" => self.sub_mchid.to_owned(),
            // Of a receiver of profit sharing.
            "account" => self.mchid.to_owned(),
            _ if ends("mchid") || ends("mch_id") => self.mchid.to_owned(),
            _ if ends("appid") => self.appid.to_owned(),
            _ if ends("openid") => format!("oSANDBOX{}", self.rng.token(20)),
            "trade_state" | "return_code" | "result_code" | "refund_status" => "SUCCESS".to_owned(),
            "trade_type" => "JSAPI".to_owned(),
            "bank_type" => "OTHERS".to_owned(),
            "sign_type" => "HMAC-SHA256".to_owned(),
            "transaction_id" => format!("4200{}", self.rng.digits(24)),
            "refund_id" => format!("5030{}", self.rng.digits(24)),
            "operate_time" => format_rfc3339(self.now)
                .replace('T', " ")
                .chars()
                .take(19)
                .collect(),
            "event_create_time" => format_rfc3339(self.now),
            _ if ends("currency") || name == "fee_type" => "CNY".to_owned(),
            _ if self.is_v2 && (ends("time") || name == "time_end") => format_compact(self.now),
            _ if ends("time") => format_rfc3339(self.now),
            _ if ends("date") => format_rfc3339(self.now).chars().take(10).collect(),
            _ if ends("url") => "https://pay.weixin.qq.com/".to_owned(),
            _ if ends("phone") || ends("mobile") || ends("phone_number") => {
                "13800138000".to_owned()
            }
            _ if is_amount(name) => amount.to_string(),
            _ if ends("_no") || ends("_id") || ends("_code") || ends("_serial") => {
                self.rng.digits(20)
            }
            // Such as a name or a description.
            _ => format!("sandbox {name}"),
        }
    }
}

/// Returns whether a field is an amount in fen.
fn is_amount(name: &str) -> bool {
    name.ends_with("fee")
        || name.ends_with("amount")
        || matches!(
            name,
            "total" | "refund" | "payer_total" | "payer_refund" | "settlement_refund"
        )
}

/// Returns an amount that is given, for those that are not: all of one order, so that they agree.
fn amount_in(given: &Map<String, Value>) -> u64 {
    let names = [
        "total",
        "refund",
        "amount",
        "total_fee",
        "refund_fee",
        "total_amount",
    ];
    let amount = names.iter().find_map(|name| match given.get(*name)? {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    });
    amount.unwrap_or(AMOUNT)
}
