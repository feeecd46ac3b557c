//! Fields of the JSON body that are encrypted at the verb.

use std::collections::HashSet;

use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::{Options, measure};
use crate::{
    base::json::type_name,
    error::{Cause, Kind, cause::Result},
    protocol::{
        trust::{
            Trust,
            sensitive::{Encrypted, Padding},
            signature,
        },
        url::path::shown,
    },
};

/// One field, or all that one pointer with a `*` reaches.
#[derive(Clone)]
pub(crate) struct Field {
    pointer: String,
    padding: Padding,
}

impl Options {
    /// Encrypts these fields of the `json` body at the verb, in place, and sets
    /// `Wechatpay-Serial` to the key it used: the one that a `Wechatpay-Serial` header of yours
    /// names, or the client's preferred one.
    ///
    /// A field is named by its JSON Pointer into the body, where `*` stands for every item of a
    /// list. A field that is not there is an error, unless its pointer ends with `?`; so is one
    /// that is no string. A repeat of the call keeps its ciphertexts and its serial.
    ///
    /// ```
    /// use serde_json::json;
    /// use wechatpay_chain::Options;
    ///
    /// let options = Options::from(json!({ "json": {
    ///     "out_batch_no": "plfk2020042013",
    ///     "transfer_detail_list": [
    ///         { "out_detail_no": "x23zy545Bd5436", "user_name": "张三" },
    ///         { "out_detail_no": "x23zy545Bd5437" },
    ///     ],
    /// } }))
    /// .encrypt(["/transfer_detail_list/*/user_name?"]);
    /// # let _ = options;
    /// ```
    pub fn encrypt<P: Into<String>>(self, pointers: impl IntoIterator<Item = P>) -> Self {
        self.encrypt_padded(Padding::Oaep, pointers)
    }

    /// As [`encrypt`](Options::encrypt), padded by PKCS#1 v1.5: for the old overseas APIs that say
    /// so, and for no other.
    pub fn encrypt_pkcs1<P: Into<String>>(self, pointers: impl IntoIterator<Item = P>) -> Self {
        self.encrypt_padded(Padding::Pkcs1, pointers)
    }

    /// Whether there is a field to encrypt.
    pub(crate) fn encrypts(&self) -> bool {
        !self.request.encrypt.is_empty()
    }

    fn encrypt_padded<P: Into<String>>(
        mut self,
        padding: Padding,
        pointers: impl IntoIterator<Item = P>,
    ) -> Self {
        self.request
            .encrypt
            .extend(pointers.into_iter().map(|pointer| Field {
                pointer: pointer.into(),
                padding,
            }));
        self
    }
}

/// Encrypts the fields in the body, and names the key in the headers.
pub(crate) fn encrypt(
    fields: &[Field],
    json: Option<&mut Value>,
    headers: &mut HeaderMap,
    trust: &Trust,
) -> Result<()> {
    if fields.is_empty() {
        return Ok(());
    }
    let Some(json) = json else {
        return Err(Cause::request(
            "encrypt() names fields of the option `json`, which is not given",
        ));
    };
    let mut places = Vec::new();
    let mut seen = HashSet::new();
    for field in fields {
        for place in field.places(json)? {
            if !seen.insert(place.clone()) {
                return Err(fault(&place, "is named twice: it would be encrypted twice"));
            }
            places.push((place, field.padding));
        }
    }
    let mut serial = given_serial(headers)?;
    for (place, padding) in places {
        let Some(Value::String(text)) = json.pointer_mut(&place) else {
            continue;
        };
        let encrypted = Encrypted::new(trust, serial.as_deref(), padding, text).map_err(|err| {
            // A key that is not there is no fault of the field's.
            if err.kind() == Kind::Request {
                fault(&place, &format!("is not encrypted: {err}"))
            } else {
                err
            }
        })?;
        // One key for all of them, whatever is added to the trust store in the meantime.
        serial.get_or_insert_with(|| encrypted.serial().to_owned());
        *text = encrypted.into();
    }
    if let Some(serial) = serial {
        let value = HeaderValue::try_from(serial).map_err(|err| {
            Cause::config("the platform key's id cannot stand in a header").with_source(err)
        })?;
        headers.insert(signature::SERIAL, value);
    }
    Ok(())
}

fn given_serial(headers: &HeaderMap) -> Result<Option<String>> {
    let mut given = headers.get_all(signature::SERIAL).iter();
    let serial = given.next().map(HeaderValue::to_str).transpose();
    match (serial, given.next()) {
        (Ok(serial), None) => Ok(serial.map(str::to_owned)),
        (Ok(_), Some(_)) => Err(Cause::request(
            "Wechatpay-Serial is given more than once: one key encrypts all fields",
        )),
        (Err(_), _) => Err(Cause::request("Wechatpay-Serial is not plain text")),
    }
}

impl Field {
    /// The pointers, free of `*`, of the strings that this one reaches.
    fn places(&self, json: &Value) -> Result<Vec<String>> {
        let (pointer, optional) = match self.pointer.strip_suffix('?') {
            Some(pointer) => (pointer, true),
            None => (self.pointer.as_str(), false),
        };
        let Some(path) = pointer.strip_prefix('/') else {
            return Err(fault(
                pointer,
                "is no JSON Pointer into the body: it begins with `/`",
            ));
        };
        let mut reached = vec![(String::new(), json)];
        for token in path.split('/') {
            reached = step(reached, token, optional)?;
        }
        let mut places = Vec::with_capacity(reached.len());
        for (place, value) in reached {
            match value {
                Value::String(_) => places.push(place),
                Value::Null if optional => {}
                other => {
                    return Err(fault(
                        &place,
                        &format!("is {}: only a string can be encrypted", measure(other)),
                    ));
                }
            }
        }
        Ok(places)
    }
}

/// One token of a pointer further, from everything reached so far.
fn step<'v>(
    from: Vec<(String, &'v Value)>,
    token: &str,
    optional: bool,
) -> Result<Vec<(String, &'v Value)>> {
    let mut reached = Vec::with_capacity(from.len());
    for (place, value) in from {
        if token == "*" {
            match value {
                Value::Array(items) => {
                    let items = items.iter().enumerate();
                    reached.extend(items.map(|(at, item)| (format!("{place}/{at}"), item)));
                }
                Value::Null if optional => {}
                other => {
                    return Err(fault(
                        &place,
                        &format!(
                            "is {} and no list: `*` stands for its items",
                            type_name(other)
                        ),
                    ));
                }
            }
            continue;
        }
        let next = format!("{place}/{token}");
        match value.pointer(&format!("/{token}")) {
            Some(found) => reached.push((next, found)),
            None if optional => {}
            None => {
                return Err(fault(
                    &next,
                    "is not in the body; if it may be absent, end its pointer with `?`",
                ));
            }
        }
    }
    Ok(reached)
}

fn fault(pointer: &str, what: &str) -> Cause {
    Cause::request(format!("encrypt(): `{}` {what}", shown(pointer)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(pointer: &str, body: &Value) -> Result<Vec<String>, String> {
        let field = Field {
            pointer: pointer.into(),
            padding: Padding::Oaep,
        };
        field.places(body).map_err(|err| err.to_string())
    }

    #[test]
    fn a_pointer_reaches_what_it_names() {
        let body = json!({
            "name": "a", "null": null, "a/b": "c", "list": [{"n": "x"}, {"n": "y"}, {}],
            "full": [{"n": "x"}], "strings": ["p", "q"], "empty": [],
        });
        for (pointer, reached) in [
            ("/name", vec!["/name"]),
            ("/name?", vec!["/name"]),
            ("/none?", vec![]),
            ("/none/deeper?", vec![]),
            ("/name/deeper?", vec![]),
            ("/null?", vec![]),
            ("/null/*/n?", vec![]),
            ("/a~1b", vec!["/a~1b"]),
            ("/list/1/n", vec!["/list/1/n"]),
            ("/list/*/n?", vec!["/list/0/n", "/list/1/n"]),
            ("/full/*/n", vec!["/full/0/n"]),
            ("/strings/*", vec!["/strings/0", "/strings/1"]),
            ("/empty/*/n", vec![]),
        ] {
            let reached = reached.into_iter().map(str::to_owned).collect();
            assert_eq!(places(pointer, &body), Ok(reached), "{pointer}");
        }
    }

    #[test]
    fn what_cannot_be_encrypted_is_named_without_its_value() {
        let body = json!({"n": 12345, "o": {"secret": 1}, "list": [{"n": "x"}, {}], "null": null});
        for (pointer, text) in [
            ("name", "`name` is no JSON Pointer"),
            ("", "`` is no JSON Pointer"),
            ("/none", "`/none` is not in the body; if it may be absent"),
            ("/list/*/n", "`/list/1/n` is not in the body"),
            ("/list/7/n", "`/list/7` is not in the body"),
            ("/n", "`/n` is a number: only a string"),
            ("/n?", "`/n` is a number: only a string"),
            ("/null", "`/null` is null: only a string"),
            ("/o", "`/o` is an object of 1 keys: only a string"),
            ("/o/*", "`/o` is an object and no list"),
        ] {
            let fault = places(pointer, &body).unwrap_err();
            assert!(fault.contains(text), "{pointer}: {fault}");
            assert!(!fault.contains("12345") && !fault.contains("secret"));
        }
    }
}
