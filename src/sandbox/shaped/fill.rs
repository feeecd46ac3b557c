//! Fills in the fields of a table: those of a response, or of a notification.

use serde_json::{Map, Value};

use super::values::Values;
use crate::catalog::{Field, Fields, Kind, Sealing};

/// How many items a list of the request can bring to the response.
const MAX_ITEMS: usize = 50;

/// What a response of APIv2 has, whatever it is about.
const COMMON: [&str; 8] = [
    "return_code",
    "return_msg",
    "result_code",
    "appid",
    "mch_id",
    "nonce_str",
    "sign",
    "sign_type",
];

/// Encrypts a value for the merchant. `None` leaves the value in the clear.
pub(crate) type Seal<'a> = &'a dyn Fn(&str, Sealing) -> Option<String>;

/// What the fields of a table are filled with, in this order.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Values that are used as they are, at their own place. Those that no table has are kept.
    pub(crate) given: &'a Map<String, Value>,
    /// Objects whose values are echoed: the body of the request, its query, the variables of its path. At
    /// the same place first, then by an unmistakable name at any depth.
    pub(crate) echoed: &'a [&'a Map<String, Value>],
    /// Makes up what nobody gave.
    pub(crate) values: &'a Values<'a>,
    /// Applies to the documented sealed fields, given or not.
    pub(crate) seal: Seal<'a>,
    pub(crate) form: Form,
}

/// How values are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    /// As APIv2's XML: every value is text, and an object is JSON in a text.
    Text,
}

/// Returns the required fields, and of the optional ones those that were given or are echoed.
///
/// If none of the fields is required but those that all operations of APIv2 have, returns all of them except
/// the reasons of a failure.
pub(crate) fn fill(fields: Fields, known: &Known<'_>) -> Map<String, Value> {
    let is_own = |field: &Field| field.is_required() && !COMMON.contains(&field.name());
    let has_required = fields.iter().any(|field| is_own(&field));
    let place = Place {
        given: Some(known.given),
        beside: known.echoed.to_vec(),
        is_root: true,
        with_optional: !has_required,
        has_hash: has_hash(fields),
    };
    known.object(fields, &place)
}

/// Where in a table a value is filled in.
struct Place<'a> {
    given: Option<&'a Map<String, Value>>,
    /// The objects at the same place of what is echoed.
    beside: Vec<&'a Map<String, Value>>,
    is_root: bool,
    with_optional: bool,
    /// It has the hash of a file.
    has_hash: bool,
}

impl Known<'_> {
    fn object(&self, fields: Fields, place: &Place<'_>) -> Map<String, Value> {
        let mut filled = Map::new();
        for field in fields {
            let name = real_name(field.name());
            // Of a field with several forms, the first counts.
            if filled.contains_key(&name) {
                continue;
            }
            if let Some(value) = self.field(&field, &name, place) {
                filled.insert(name, value);
            }
        }
        for (name, value) in place.given.into_iter().flatten() {
            if !filled.contains_key(name) {
                filled.insert(name.clone(), value.clone());
            }
        }
        count_items(&mut filled, place.given);
        filled
    }

    fn field(&self, field: &Field, name: &str, place: &Place<'_>) -> Option<Value> {
        let given = place.given.and_then(|given| given.get(name));
        let beside: Vec<_> = (place.beside.iter())
            .filter_map(|object| object.get(name))
            .collect();
        let is_wanted = field.is_required()
            || place.with_optional && !is_about_failure(name)
            || beside.iter().any(|value| fits(value, field.kind()));
        match given {
            Some(Value::Object(given)) if field.kind() == Kind::Object => {
                Some(self.inner(field, Some(given), &beside))
            }
            Some(Value::Array(items)) if field.kind() == Kind::ObjectList => {
                let item = |item: &Value| match item {
                    Value::Object(given) => self.inner(field, Some(given), &[]),
                    other => other.clone(),
                };
                Some(items.iter().map(item).collect())
            }
            Some(given) => Some(self.sealed(given.clone(), field)),
            None if is_wanted => Some(self.made(field, name, &beside, place)),
            None => None,
        }
    }

    /// Returns the value of a field that was not given.
    fn made(&self, field: &Field, name: &str, beside: &[&Value], place: &Place<'_>) -> Value {
        match field.kind() {
            Kind::Object => self.inner(field, None, beside),
            Kind::ObjectList => {
                let items = beside.iter().find_map(|value| value.as_array());
                let items = items.filter(|items| items.iter().all(Value::is_object));
                match items {
                    Some(items) if !items.is_empty() => (items.iter().take(MAX_ITEMS))
                        .map(|item| self.inner(field, None, &[item]))
                        .collect(),
                    _ => Value::Array(vec![self.inner(field, None, &[])]),
                }
            }
            kind => {
                let echoed = (beside.iter().copied())
                    .chain(self.anywhere(name, place))
                    .find_map(|value| converted(value, kind));
                // The flows of coupons call it so.
                let made_as = match name {
                    "url" if place.has_hash => "download_url",
                    name => name,
                };
                let value = echoed.unwrap_or_else(|| self.scalar(field, made_as));
                self.sealed(value, field)
            }
        }
    }

    fn inner(&self, field: &Field, given: Option<&Map<String, Value>>, beside: &[&Value]) -> Value {
        let place = Place {
            given,
            beside: beside
                .iter()
                .filter_map(|value| value.as_object())
                .collect(),
            is_root: false,
            with_optional: false,
            has_hash: has_hash(field.fields()),
        };
        let object = Value::Object(self.object(field.fields(), &place));
        match (self.form, field.kind()) {
            (Form::Text, Kind::Object) => object.to_string().into(),
            _ => object,
        }
    }

    fn scalar(&self, field: &Field, name: &str) -> Value {
        let single = |kind| {
            // The JSON text in a string.
            if kind == Kind::String && !field.fields().is_empty() {
                let object = Known {
                    form: Form::Json,
                    ..*self
                };
                return object.inner(field, None, &[]).to_string().into();
            }
            self.values.of(name, kind, field.values())
        };
        match field.kind().item() {
            Some(item) => Value::Array(vec![single(item)]),
            None => single(field.kind()),
        }
    }

    /// Returns the values of this name at any depth of what is echoed, if it means the same everywhere.
    fn anywhere(&self, name: &str, place: &Place<'_>) -> Vec<&Value> {
        let mut found = Vec::new();
        if is_unmistakable(name) || place.is_root && name == "amount" {
            for object in self.echoed {
                find(object, name, &mut found);
            }
        }
        found
    }

    fn sealed(&self, value: Value, field: &Field) -> Value {
        let Some(sealing) = field.sealed() else {
            return value;
        };
        match value {
            Value::String(text) => (self.seal)(&text, sealing).unwrap_or(text).into(),
            Value::Array(items) => (items.into_iter())
                .map(|item| self.sealed(item, field))
                .collect(),
            other => other,
        }
    }
}

fn has_hash(fields: Fields) -> bool {
    fields.get("hash_value").is_some()
}

/// Returns a documented name with a number for each `$n`.
pub(crate) fn real_name(documented: &str) -> String {
    documented.replace("$n", "0").replace("$m", "0")
}

/// Makes the number of items say how many there are.
fn count_items(filled: &mut Map<String, Value>, given: Option<&Map<String, Value>>) {
    let lists = filled.values().filter_map(Value::as_array);
    let [count] = lists.map(Vec::len).collect::<Vec<_>>()[..] else {
        return;
    };
    let is_given = |name| given.is_some_and(|given| given.contains_key(name));
    for name in ["total_count", "total_num"] {
        if let Some(value @ Value::Number(_)) = filled.get_mut(name).filter(|_| !is_given(name)) {
            *value = count.into();
        }
    }
}

fn find<'a>(object: &'a Map<String, Value>, name: &str, found: &mut Vec<&'a Value>) {
    for (key, value) in object {
        if key == name {
            found.push(value);
        }
        match value {
            Value::Object(inner) => find(inner, name, found),
            Value::Array(items) => {
                for inner in items.iter().filter_map(Value::as_object) {
                    find(inner, name, found);
                }
            }
            _ => {}
        }
    }
}

/// Returns whether a name means the same wherever it is: a number or an ID, and not `name` or `state`.
fn is_unmistakable(name: &str) -> bool {
    let name = name.strip_suffix("_0").unwrap_or(name);
    ["appid", "mchid", "mch_id", "openid"]
        .iter()
        .any(|end| name.ends_with(end))
        || name.contains('_')
            && ["_no", "_id", "_number"]
                .iter()
                .any(|end| name.ends_with(end))
}

/// Returns whether a field is there only after something went wrong.
fn is_about_failure(name: &str) -> bool {
    ["fail", "reject", "err_", "error", "invalid", "reason"]
        .iter()
        .any(|part| name.contains(part))
}

fn fits(value: &Value, kind: Kind) -> bool {
    match (value, kind) {
        (Value::Object(_), Kind::Object) => true,
        (Value::Array(items), Kind::ObjectList) => items.iter().all(Value::is_object),
        _ => converted(value, kind).is_some(),
    }
}

/// Returns a value of the request as one of this type, if it is one. A value of the path or the query is
/// text.
fn converted(value: &Value, kind: Kind) -> Option<Value> {
    if let (Some(item), Value::Array(items)) = (kind.item(), value) {
        return items.iter().map(|value| converted(value, item)).collect();
    }
    match (kind, value) {
        (Kind::String, Value::String(text)) if !text.is_empty() => Some(value.clone()),
        (Kind::String, Value::Number(number)) => Some(number.to_string().into()),
        (Kind::Integer, Value::Number(number)) if !number.is_f64() => Some(value.clone()),
        (Kind::Number, Value::Number(_)) | (Kind::Boolean, Value::Bool(_)) => Some(value.clone()),
        (Kind::Integer | Kind::Number, Value::String(text)) => {
            text.parse::<i64>().ok().map(Value::from)
        }
        (Kind::Boolean, Value::String(text)) => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::catalog;

    fn filled(op: (Method, &str), given: &Value, request: &Value) -> Value {
        let op = catalog::find(&op.0, op.1).unwrap();
        let values = Values {
            seed: 7,
            now: 1_528_425_296,
            origin: "http://127.0.0.1:1",
            mchid: "1900000109",
            appid: "wx8888888888888888",
            form: Form::Json,
        };
        let known = Known {
            given: given.as_object().unwrap(),
            echoed: &[request.as_object().unwrap()],
            values: &values,
            seal: &|text, _| Some(format!("sealed {text}")),
            form: Form::Json,
        };
        let once = fill(op.response(), &known);
        assert_eq!(once, fill(op.response(), &known), "the same request");
        once.into()
    }

    #[test]
    fn required_fields_are_there_and_the_request_is_echoed() {
        let request = json!({
            "appid": "wx1", "mchid": "1", "out_trade_no": "tea-1", "attach": "x", "transaction_id": "42",
        });
        let query = "v3/pay/transactions/out-trade-no/{out_trade_no}";
        let paid = filled((Method::GET, query), &json!({}), &request);
        assert_eq!(paid["out_trade_no"], "tea-1");
        assert_eq!(paid["transaction_id"], "42");
        assert_eq!(paid["attach"], "x");
        for field in catalog::find(&Method::GET, query).unwrap().response() {
            if field.is_required() {
                assert!(paid.get(field.name()).is_some(), "{}", field.name());
            }
        }
    }

    #[test]
    fn given_values_are_kept_and_objects_are_completed() {
        let refund = "v3/refund/domestic/refunds";
        let given = json!({ "amount": { "total": 5 }, "new": [1] });
        let filled = filled((Method::POST, refund), &given, &json!({}));
        assert_eq!(filled["amount"]["total"], 5);
        assert!(filled["amount"]["currency"].is_string(), "{filled}");
        assert_eq!(filled["new"], json!([1]));
    }

    #[test]
    fn items_of_the_request_are_those_of_the_response() {
        let request = json!({ "receivers": [
            { "type": "MERCHANT_ID", "account": "1", "amount": 3, "description": "a" },
            { "type": "MERCHANT_ID", "account": "2", "amount": 4, "description": "b" },
        ]});
        let filled = filled(
            (Method::POST, "v3/profitsharing/orders"),
            &json!({}),
            &request,
        );
        let receivers = filled["receivers"].as_array().unwrap();
        let amounts: Vec<_> = receivers.iter().map(|item| &item["amount"]).collect();
        assert_eq!(amounts, [3, 4], "{filled}");
    }

    #[test]
    fn url_beside_a_hash_is_that_of_the_file() {
        for (op, name) in [
            ("v3/marketing/favor/stocks/{stock_id}/refund-flow", "url"),
            ("v3/funds-to-oversea/bill-download-url", "download_url"),
        ] {
            let filled = filled((Method::GET, op), &json!({}), &json!({}));
            let url = filled[name].as_str().unwrap();
            assert!(url.contains("/v3/billdownload/file?token="), "{url}");
        }
    }

    #[test]
    fn response_of_apiv2_says_more_than_what_all_of_them_say() {
        let op = (Method::POST, "v2/secsvc/realnameauth");
        let filled = filled(op, &json!({}), &json!({ "openid": "o1" }));
        assert_eq!(filled["openid"], "o1");
        assert!(filled["verify_openid"].is_string(), "{filled}");
        assert_eq!(filled.get("error_code"), None);
    }
}
