//! Reads the fields of a request's body, each by its documented rule. A field that breaks its rule
//! is named in a `PARAM_ERROR`.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::{catalog::Kind, sandbox::dispatch::response::ApiResponse};

/// The fields of one JSON object in the body.
#[derive(Clone)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    /// Where the object is in the body, as a JSON pointer. Errors name the field by it, as WeChat
    /// Pay's do.
    pointer: String,
}

impl<'a> Fields<'a> {
    /// The fields of the body itself.
    pub(crate) fn of_body(map: &'a Map<String, Value>) -> Self {
        Self {
            map,
            pointer: String::new(),
        }
    }

    /// Returns the object as it arrived.
    pub(crate) fn as_map(&self) -> &'a Map<String, Value> {
        self.map
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Returns a required string of 1 to `max` characters.
    pub(crate) fn text(&self, name: &str, max: usize) -> Result<&'a str, ApiResponse> {
        self.text_of_length(name, 1..=max)
    }

    /// Returns a required string whose number of characters is in this range.
    // The documents count characters, not bytes: most values are Chinese.
    pub(crate) fn text_of_length(
        &self,
        name: &str,
        length: RangeInclusive<usize>,
    ) -> Result<&'a str, ApiResponse> {
        let Value::String(text) = self.required(name)? else {
            return Err(self.wrong_type(name, Kind::String));
        };
        let count = text.chars().count();
        if !length.contains(&count) {
            let (min, max) = (*length.start(), *length.end());
            let pointer = self.pointer_to(name);
            return Err(ApiResponse::wrong_length(&pointer, count, min, max));
        }
        Ok(text)
    }

    /// Returns an optional string of at most `max` characters.
    pub(crate) fn optional_text(
        &self,
        name: &str,
        max: usize,
    ) -> Result<Option<&'a str>, ApiResponse> {
        if self.has(name) {
            self.text_of_length(name, 0..=max).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Returns a number that the merchant chose, such as `out_trade_no`: `min` to 32 letters, digits
    /// or `_-|*`.
    pub(crate) fn merchant_order_number(
        &self,
        name: &str,
        min: usize,
    ) -> Result<&'a str, ApiResponse> {
        let text = self.text_of_length(name, min..=32)?;
        if text.bytes().all(is_order_number_byte) {
            Ok(text)
        } else {
            let pointer = self.pointer_to(name);
            Err(ApiResponse::no_match(
                &pointer,
                r"^[0-9a-zA-Z_\-|\*]{1,}$",
                &text.into(),
            ))
        }
    }

    /// Returns `notify_url`: see [`url`](Self::url).
    pub(crate) fn notify_url(&self) -> Result<&'a str, ApiResponse> {
        self.url("notify_url")
    }

    /// Returns the URL of a notification: http or https, without a query string.
    pub(crate) fn url(&self, name: &str) -> Result<&'a str, ApiResponse> {
        let url = self.text(name, 255)?;
        let host = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        match host {
            None | Some("") => Err(self.error(name, "must begin with http:// or https://")),
            // WeChat Pay refuses such a URL. Without this check, a merchant would first notice in
            // production.
            Some(_) if url.contains(['?', '#']) => {
                Err(self.error(name, "must not have a query string"))
            }
            Some(_) => Ok(url),
        }
    }

    /// Returns a required integer in this range.
    // `as_i64` refuses `1.0` and `"1"`, as WeChat Pay does.
    pub(crate) fn integer(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<u64, ApiResponse> {
        let value = self.required(name)?;
        if !value.is_i64() && !value.is_u64() {
            return Err(self.wrong_type(name, Kind::Integer));
        }
        value.as_u64().filter(|n| range.contains(n)).ok_or_else(|| {
            self.error(
                name,
                &format!(
                    "must be an integer from {} to {}",
                    range.start(),
                    range.end()
                ),
            )
        })
    }

    /// Returns an optional integer in this range.
    pub(crate) fn optional_integer(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ApiResponse> {
        if self.has(name) {
            self.integer(name, range).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Returns an optional Boolean.
    pub(crate) fn optional_bool(&self, name: &str) -> Result<Option<bool>, ApiResponse> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.wrong_type(name, Kind::Boolean)),
        }
    }

    /// Returns the fields of a required object.
    pub(crate) fn object(&self, name: &str) -> Result<Fields<'a>, ApiResponse> {
        match self.required(name)? {
            Value::Object(map) => Ok(Fields {
                map,
                pointer: self.pointer_to(name),
            }),
            _ => Err(self.wrong_type(name, Kind::Object)),
        }
    }

    /// Returns the fields of an optional object.
    pub(crate) fn optional_object(&self, name: &str) -> Result<Option<Fields<'a>>, ApiResponse> {
        if self.has(name) {
            self.object(name).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Returns an optional list of at most `max` objects; an absent list is empty.
    pub(crate) fn objects(&self, name: &str, max: usize) -> Result<Vec<Fields<'a>>, ApiResponse> {
        let list = match self.map.get(name) {
            None => return Ok(Vec::new()),
            // The limit comes first, so that a list of a million items costs nothing.
            Some(Value::Array(list)) if list.len() <= max => list,
            Some(Value::Array(_)) => {
                return Err(self.error(name, &format!("must be a list of at most {max} objects")));
            }
            Some(_) => return Err(self.wrong_type(name, Kind::ObjectList)),
        };
        list.iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::Object(map) => Ok(Fields {
                    map,
                    pointer: format!("{}/{index}", self.pointer_to(name)),
                }),
                _ => Err(ApiResponse::wrong_type(
                    &format!("{}/{index}", self.pointer_to(name)),
                    Kind::Object,
                    item,
                )),
            })
            .collect()
    }

    /// Returns a `PARAM_ERROR` for the field of this name.
    pub(crate) fn error(&self, name: &str, issue: &str) -> ApiResponse {
        // The value that arrived is part of the error. The sandbox holds test data only, and seeing the
        // value is often what explains the error.
        let value = self.map.get(name).unwrap_or(&Value::Null);
        ApiResponse::param_error(&self.pointer_to(name), value, issue, "body")
    }

    fn wrong_type(&self, name: &str, expected: Kind) -> ApiResponse {
        let value = self.map.get(name).unwrap_or(&Value::Null);
        ApiResponse::wrong_type(&self.pointer_to(name), expected, value)
    }

    // An empty string is present here; `text` refuses it by its length.
    fn required(&self, name: &str) -> Result<&'a Value, ApiResponse> {
        self.map
            .get(name)
            .ok_or_else(|| ApiResponse::missing(&self.pointer_to(name)))
    }

    fn pointer_to(&self, name: &str) -> String {
        format!("{}/{name}", self.pointer)
    }
}

fn is_order_number_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-|*".contains(&byte)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(result: Result<impl Sized, ApiResponse>) -> String {
        let body = result.err().expect("refused").body_json();
        assert_eq!(body["code"], "PARAM_ERROR");
        body["message"].as_str().unwrap().to_owned()
    }

    #[test]
    fn field_errors_name_the_field_and_the_rule() {
        let body = json!({
            "name": "", "amount": 1.5, "total": 10, "many": [1], "time": { "start": 5 },
            "items": [{ "n": 1 }, { "n": "1" }], "no": "a b", "notify_url": "https://x.test/?a=1",
        });
        let fields = Fields::of_body(body.as_object().unwrap());
        let items = fields.objects("items", 9).unwrap();
        for (got, field, part) in [
            (
                message(fields.text("name", 5)),
                "/name",
                "字符数 0，小于最小值 1",
            ),
            (
                message(fields.text("no", 2)),
                "/no",
                "字符数 3，大于最大值 2",
            ),
            (message(fields.text("gone", 5)), "/gone", "必填项"),
            (
                message(fields.integer("amount", 0..=9)),
                "/amount",
                " 64 位有符号整数",
            ),
            (
                message(fields.integer("total", 0..=9)),
                "/total",
                "integer from 0 to 9",
            ),
            (message(fields.objects("many", 9)), "/many/0", " Json 对象"),
            (message(fields.objects("name", 9)), "/name", " Json 数组"),
            (message(fields.objects("items", 1)), "/items", "at most 1"),
            (
                message(fields.object("time").unwrap().text("start", 14)),
                "/time/start",
                "字符串",
            ),
            (message(items[1].integer("n", 0..=9)), "/items/1/n", "整数"),
            (
                message(fields.merchant_order_number("no", 1)),
                "/no",
                "正则表达式",
            ),
            (message(fields.notify_url()), "/notify_url", "query string"),
            (message(fields.optional_bool("name")), "/name", "布尔值"),
        ] {
            assert!(got.contains(field) && got.contains(part), "{got}");
        }
    }

    // The bodies were seen on the wire, with the documents' title in place of the field's name.
    #[test]
    fn field_errors_look_as_on_the_wire() {
        let body = json!({ "amount": { "total": 0.01 }, "appid": "" });
        let fields = Fields::of_body(body.as_object().unwrap());
        let error = |result: Result<&str, ApiResponse>| result.unwrap_err().body_json();
        assert_eq!(
            fields
                .object("amount")
                .unwrap()
                .integer("total", 1..=9)
                .unwrap_err()
                .body_json(),
            json!({
                "code": "PARAM_ERROR",
                "message": "无法将 JSON 输入源“/body/amount/total”映射到目标字段“total”中，\
                    此字段需要一个合法的 64 位有符号整数",
                "detail": { "location": "body", "value": 0.01 },
            })
        );
        assert_eq!(
            error(fields.text("appid", 32)),
            json!({
                "code": "PARAM_ERROR",
                "message": "输入源“/body/appid”映射到值字段“appid”字符串规则校验失败，\
                    字符数 0，小于最小值 1",
                "detail": { "location": "body", "value": 0 },
            })
        );
        assert_eq!(
            error(fields.text("mchid", 32)),
            json!({
                "code": "PARAM_ERROR",
                "message": "输入源“/body/mchid”映射到字段“mchid”必填性规则校验失败，此字段为必填项",
                "detail": { "location": "body" },
            })
        );
    }

    #[test]
    fn text_length_counts_characters_not_bytes() {
        let body = json!({ "name": "某某酒店" });
        let fields = Fields::of_body(body.as_object().unwrap());
        assert_eq!(fields.text("name", 4), Ok("某某酒店"));
        assert!(fields.text("name", 3).is_err());
    }
}
