//! Reading a request's fields, each by its rule; what breaks one is named in a `PARAM_ERROR`.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::answer::Answer;

/// The fields of one JSON object, and where in the body it stands (a JSON pointer).
#[derive(Clone)]
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    at: String,
}

impl<'a> Fields<'a> {
    /// The body itself.
    pub(super) fn body(map: &'a Map<String, Value>) -> Self {
        Self {
            map,
            at: String::new(),
        }
    }

    pub(super) fn raw(&self) -> &'a Map<String, Value> {
        self.map
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// A text of 1 to `max` characters.
    pub(super) fn text(&self, name: &str, max: usize) -> Result<&'a str, Answer> {
        self.text_of(name, 1..=max)
    }

    /// A text of so many characters.
    pub(super) fn text_of(
        &self,
        name: &str,
        length: RangeInclusive<usize>,
    ) -> Result<&'a str, Answer> {
        let Value::String(text) = self.required(name)? else {
            return Err(self.error(name, "must be a string"));
        };
        if !length.contains(&text.chars().count()) {
            return Err(self.error(
                name,
                &format!(
                    "must have {} to {} characters",
                    length.start(),
                    length.end()
                ),
            ));
        }
        Ok(text)
    }

    /// A text of at most `max` characters, or none.
    pub(super) fn optional_text(&self, name: &str, max: usize) -> Result<Option<&'a str>, Answer> {
        if self.has(name) {
            self.text_of(name, 0..=max).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A merchant's own number: 1 to 32 letters, digits or `_-|*`, at least `min` of them.
    pub(super) fn own_number(&self, name: &str, min: usize) -> Result<&'a str, Answer> {
        let text = self.text_of(name, min..=32)?;
        if text.bytes().all(is_own_number) {
            Ok(text)
        } else {
            Err(self.error(name, "may hold letters, digits and _-|* only"))
        }
    }

    /// A URL to be called: http or https, and without a query string.
    pub(super) fn notify_url(&self) -> Result<&'a str, Answer> {
        let url = self.text("notify_url", 255)?;
        let host = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        match host {
            None | Some("") => Err(self.error("notify_url", "must begin with http:// or https://")),
            Some(_) if url.contains(['?', '#']) => {
                Err(self.error("notify_url", "must not carry a query string"))
            }
            Some(_) => Ok(url),
        }
    }

    /// A whole number in this range: `1.0` and `"1"` are none.
    pub(super) fn integer(&self, name: &str, range: RangeInclusive<u64>) -> Result<u64, Answer> {
        let number = self.required(name)?.as_u64();
        number.filter(|n| range.contains(n)).ok_or_else(|| {
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

    pub(super) fn optional_integer(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Answer> {
        if self.has(name) {
            self.integer(name, range).map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn optional_bool(&self, name: &str) -> Result<Option<bool>, Answer> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.error(name, "must be true or false")),
        }
    }

    pub(super) fn object(&self, name: &str) -> Result<Fields<'a>, Answer> {
        match self.required(name)? {
            Value::Object(map) => Ok(Fields {
                map,
                at: self.pointer(name),
            }),
            _ => Err(self.error(name, "must be an object")),
        }
    }

    pub(super) fn optional_object(&self, name: &str) -> Result<Option<Fields<'a>>, Answer> {
        if self.has(name) {
            self.object(name).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A list of at most `max` objects; empty where there is none.
    pub(super) fn objects(&self, name: &str, max: usize) -> Result<Vec<Fields<'a>>, Answer> {
        let list = match self.map.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) if list.len() <= max => list,
            Some(_) => {
                return Err(self.error(name, &format!("must be a list of at most {max} objects")));
            }
        };
        list.iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::Object(map) => Ok(Fields {
                    map,
                    at: format!("{}/{index}", self.pointer(name)),
                }),
                _ => Err(self.error(name, "must hold objects only")),
            })
            .collect()
    }

    /// `PARAM_ERROR` for the field of this name.
    pub(super) fn error(&self, name: &str, issue: &str) -> Answer {
        let value = self.map.get(name).unwrap_or(&Value::Null);
        Answer::param_error(&self.pointer(name), value, issue, "body")
    }

    fn required(&self, name: &str) -> Result<&'a Value, Answer> {
        self.map
            .get(name)
            .ok_or_else(|| self.error(name, "is required"))
    }

    fn pointer(&self, name: &str) -> String {
        format!("{}/{name}", self.at)
    }
}

fn is_own_number(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-|*".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn issue(result: Result<impl Sized, Answer>) -> (String, String) {
        let detail = result.err().expect("refused").value()["detail"].clone();
        let text = |key: &str| detail[key].as_str().unwrap_or_default().to_owned();
        (text("field"), text("issue"))
    }

    #[test]
    fn the_error_points_at_the_field() {
        let body = json!({
            "name": "", "amount": 1.5, "many": [1], "time": { "start": 5 },
            "items": [{ "n": 1 }, { "n": "1" }], "no": "a b", "notify_url": "https://x.test/?a=1",
        });
        let fields = Fields::body(body.as_object().unwrap());
        for (got, field, part) in [
            (issue(fields.text("name", 5)), "/name", "1 to 5 characters"),
            (issue(fields.text("gone", 5)), "/gone", "is required"),
            (
                issue(fields.integer("amount", 0..=9)),
                "/amount",
                "integer from 0 to 9",
            ),
            (issue(fields.objects("many", 9)), "/many", "objects only"),
            (issue(fields.objects("items", 1)), "/items", "at most 1"),
            (
                issue(fields.object("time").unwrap().text("start", 14)),
                "/time/start",
                "a string",
            ),
            (
                issue(fields.objects("items", 9).unwrap()[1].integer("n", 0..=9)),
                "/items/1/n",
                "integer",
            ),
            (issue(fields.own_number("no", 1)), "/no", "letters, digits"),
            (issue(fields.notify_url()), "/notify_url", "query string"),
            (
                issue(fields.optional_bool("name")),
                "/name",
                "true or false",
            ),
        ] {
            assert_eq!(got.0, field);
            assert!(got.1.contains(part), "{got:?}");
        }
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        let body = json!({ "name": "某某酒店" });
        let fields = Fields::body(body.as_object().unwrap());
        assert_eq!(fields.text("name", 4), Ok("某某酒店"));
        assert!(fields.text("name", 3).is_err());
    }
}
