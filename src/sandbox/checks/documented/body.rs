//! The fields of a JSON body, compared with the documented ones.

use serde_json::{Map, Value};

use super::first_missing;
use crate::{
    catalog::{Field, Fields, Kind},
    sandbox::dispatch::response::ApiResponse,
};

/// The documented fields of an object in the body, and where it is.
pub(super) struct Body {
    pub(super) fields: Fields,
    pointer: String,
}

impl Body {
    pub(super) fn of(fields: Fields) -> Self {
        Self {
            fields,
            pointer: String::new(),
        }
    }

    pub(super) fn check_types(&self, object: &Map<String, Value>) -> Result<(), ApiResponse> {
        self.each(object, &mut |field, value, pointer| {
            let fits = |kind| fits(value, kind);
            if fits(field.kind()) {
                return Ok(());
            }
            // The item that is wrong, in a list.
            if let (Some(item), Value::Array(items)) = (field.kind().item(), value) {
                let wrong = items.iter().position(|value| !self::fits(value, item));
                let at = wrong.unwrap_or_default();
                let value = items.get(at).unwrap_or(&Value::Null);
                return Err(ApiResponse::wrong_type(
                    &format!("{pointer}/{at}"),
                    item,
                    value,
                ));
            }
            Err(ApiResponse::wrong_type(pointer, field.kind(), value))
        })
    }

    pub(super) fn check_required(&self, object: &Map<String, Value>) -> Result<(), ApiResponse> {
        let is_given = |name: &str| object.contains_key(name);
        if let Some(field) = first_missing(self.fields, &is_given) {
            let pointer = format!("{}/{}", self.pointer, field.name());
            return Err(ApiResponse::missing(&pointer));
        }
        for (field, inner, pointer) in self.inner(object) {
            // Some pages say no more than "object".
            let inner_body = Self {
                fields: field.fields(),
                pointer,
            };
            inner_body.check_required(inner)?;
        }
        Ok(())
    }

    /// Visits each given field that is documented, in the order of the page, outer ones first.
    pub(super) fn each(
        &self,
        object: &Map<String, Value>,
        visit: &mut dyn FnMut(&Field, &Value, &str) -> Result<(), ApiResponse>,
    ) -> Result<(), ApiResponse> {
        for field in self.fields {
            if let Some(value) = object.get(field.name()) {
                visit(&field, value, &format!("{}/{}", self.pointer, field.name()))?;
            }
        }
        for (field, inner, pointer) in self.inner(object) {
            let body = Self {
                fields: field.fields(),
                pointer,
            };
            body.each(inner, visit)?;
        }
        Ok(())
    }

    /// Returns the objects within an object: fields and items of lists.
    // The tables bound the depth: what is not documented is not walked.
    fn inner<'v>(
        &self,
        object: &'v Map<String, Value>,
    ) -> Vec<(Field, &'v Map<String, Value>, String)> {
        let mut found = Vec::new();
        for field in self.fields {
            let pointer = || format!("{}/{}", self.pointer, field.name());
            match object.get(field.name()) {
                Some(Value::Object(inner)) if field.kind() == Kind::Object => {
                    found.push((field, inner, pointer()));
                }
                Some(Value::Array(items)) if field.kind() == Kind::ObjectList => {
                    let items = items.iter().enumerate();
                    found.extend(items.filter_map(|(at, item)| {
                        Some((field, item.as_object()?, format!("{}/{at}", pointer())))
                    }));
                }
                _ => {}
            }
        }
        found
    }
}

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

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::catalog;

    fn body_of(template: &str) -> Body {
        let op = catalog::find(&Method::POST, template).unwrap();
        Body::of(op.request().get("json").unwrap().fields())
    }

    fn refusal(template: &str, body: &Value) -> Option<String> {
        let (rules, body) = (body_of(template), body.as_object().unwrap());
        let refused = rules
            .check_types(body)
            .and_then(|()| rules.check_required(body));
        Some(refused.err()?.body_json()["message"].as_str()?.to_owned())
    }

    const NATIVE: &str = "v3/pay/transactions/native";

    fn native() -> Value {
        json!({
            "appid": "wx1", "mchid": "1", "description": "tea", "out_trade_no": "tea-1",
            "notify_url": "https://example.com/", "amount": { "total": 1 },
            "detail": { "goods_detail": [{ "merchant_goods_id": "1", "quantity": 1, "unit_price": 1 }] },
        })
    }

    #[test]
    fn complete_request_passes_with_what_is_not_documented() {
        assert_eq!(refusal(NATIVE, &native()), None);
        let mut body = native();
        body["new_field"] = json!([1]);
        assert_eq!(refusal(NATIVE, &body), None);
    }

    #[test]
    fn missing_and_mistyped_fields_are_named() {
        for (pointer, value, expected) in [
            ("/appid", None, "“/body/appid”映射到字段“appid”必填性"),
            (
                "/amount/total",
                None,
                "“/body/amount/total”映射到字段“total”必填性",
            ),
            (
                "/detail/goods_detail/0/quantity",
                None,
                "“/body/detail/goods_detail/0/quantity”映射到字段",
            ),
            ("/amount/total", Some(json!(0.01)), "合法的 64 位有符号整数"),
            ("/amount/total", Some(json!("1")), "合法的 64 位有符号整数"),
            ("/amount", Some(json!(1)), "合法的 Json 对象"),
            (
                "/detail/goods_detail/0",
                Some(json!(1)),
                "“/body/detail/goods_detail/0”",
            ),
            ("/appid", Some(json!(1)), "合法的字符串"),
        ] {
            let mut body = native();
            match value {
                Some(value) => *body.pointer_mut(pointer).unwrap() = value,
                None => {
                    let (object, name) = pointer.rsplit_once('/').unwrap();
                    let object = body.pointer_mut(object).unwrap().as_object_mut().unwrap();
                    object.remove(name).unwrap();
                }
            }
            let message = refusal(NATIVE, &body).unwrap_or_default();
            assert!(message.contains(expected), "{pointer}: {message}");
        }
    }
}
