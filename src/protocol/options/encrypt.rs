//! Encrypting fields of the JSON body when the request is made.

use std::collections::HashSet;

use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::{Options, measure};
use crate::{
    base::json::type_name,
    error::{Cause, ErrorKind, cause::Result, value::shown},
    protocol::trust::{
        Trust,
        sensitive::{Encrypted, Padding},
        signature,
    },
};

/// One field, or all fields that a pointer with `*` reaches.
#[derive(Clone)]
pub(crate) struct Field {
    pointer: String,
    padding: Padding,
}

impl Options {
    /// Encrypts fields of the `json` body in place when the request is made, and sets
    /// `Wechatpay-Serial` to the ID of the key.
    ///
    /// The key is the one that a given `Wechatpay-Serial` header names, or the client's preferred one.
    /// All attempts of a call send the same ciphertexts and the same serial.
    ///
    /// A field is named by its JSON Pointer into the body, in which `*` stands for every item of a
    /// list. A missing field is an error of the call, unless its pointer ends with `?`. A field that
    /// is not a string is an error as well.
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
    ///
    /// Official page: "敏感信息加解密".
    pub fn encrypt<P: Into<String>>(self, pointers: impl IntoIterator<Item = P>) -> Self {
        self.encrypt_padded(Padding::Oaep, pointers)
    }

    /// Encrypts like [`encrypt`](Options::encrypt), but with PKCS#1 v1.5 padding. Use it only for the
    /// old overseas APIs that require it.
    pub fn encrypt_pkcs1<P: Into<String>>(self, pointers: impl IntoIterator<Item = P>) -> Self {
        self.encrypt_padded(Padding::Pkcs1, pointers)
    }

    /// Returns whether there is a field to encrypt.
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

/// Encrypts the fields in the body and names the key in the headers.
///
/// All pointers are resolved before anything is encrypted, so an error leaves the body unchanged.
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
            "encrypt(): the option `json` is missing, so there are no fields to encrypt",
        ));
    };
    let mut pointers = Vec::new();
    // Two pointers can reach the same field, for example `/list/*/name` and `/list/0/name`.
    let mut seen = HashSet::new();
    for field in fields {
        for pointer in field.resolve(json)? {
            if !seen.insert(pointer.clone()) {
                return Err(error(
                    &pointer,
                    "is named twice, which would encrypt it twice",
                ));
            }
            pointers.push((pointer, field.padding));
        }
    }
    let mut serial = given_serial(headers)?;
    for (pointer, padding) in pointers {
        let Some(Value::String(text)) = json.pointer_mut(&pointer) else {
            // Not possible: `resolve` returned pointers of strings only.
            continue;
        };
        let encrypted = Encrypted::new(trust, serial.as_deref(), padding, text).map_err(|err| {
            // A missing key is not an error of the field.
            if err.kind() == ErrorKind::Request {
                error(&pointer, &format!("cannot be encrypted: {err}"))
            } else {
                err
            }
        })?;
        // All fields use the key of the first: the trust store may change in the meantime, and the
        // request can name one key only.
        serial.get_or_insert_with(|| encrypted.serial().to_owned());
        *text = encrypted.into();
    }
    if let Some(serial) = serial {
        let value = HeaderValue::try_from(serial).map_err(|err| {
            Cause::config("the platform key's ID is not valid in a header").with_source(err)
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
            "Wechatpay-Serial is given more than once: expected one key for all fields",
        )),
        (Err(_), _) => Err(Cause::request("the given Wechatpay-Serial is not ASCII")),
    }
}

impl Field {
    /// Returns the pointers, without `*`, of the strings that this one reaches.
    fn resolve(&self, json: &Value) -> Result<Vec<String>> {
        let (pointer, optional) = match self.pointer.strip_suffix('?') {
            Some(pointer) => (pointer, true),
            None => (self.pointer.as_str(), false),
        };
        let Some(path) = pointer.strip_prefix('/') else {
            return Err(error(
                pointer,
                "is not a JSON Pointer: expected one that begins with `/`",
            ));
        };
        let mut reached = vec![(String::new(), json)];
        for token in path.split('/') {
            reached = step(reached, token, optional)?;
        }
        let mut pointers = Vec::with_capacity(reached.len());
        for (pointer, value) in reached {
            match value {
                Value::String(_) => pointers.push(pointer),
                Value::Null if optional => {}
                other => {
                    return Err(error(
                        &pointer,
                        &format!("is {}: expected a string", measure(other)),
                    ));
                }
            }
        }
        Ok(pointers)
    }
}

/// Follows one token of a pointer from everything reached so far.
fn step<'v>(
    from: Vec<(String, &'v Value)>,
    token: &str,
    optional: bool,
) -> Result<Vec<(String, &'v Value)>> {
    let mut reached = Vec::with_capacity(from.len());
    for (pointer, value) in from {
        if token == "*" {
            match value {
                Value::Array(items) => {
                    let items = items.iter().enumerate();
                    reached.extend(items.map(|(at, item)| (format!("{pointer}/{at}"), item)));
                }
                Value::Null if optional => {}
                other => {
                    return Err(error(
                        &pointer,
                        &format!("is {}: `*` expects a list", type_name(other)),
                    ));
                }
            }
            continue;
        }
        let next = format!("{pointer}/{token}");
        match value.pointer(&format!("/{token}")) {
            Some(found) => reached.push((next, found)),
            None if optional => {}
            None => {
                return Err(error(
                    &next,
                    "is not in the body; if it is optional, end its pointer with `?`",
                ));
            }
        }
    }
    Ok(reached)
}

fn error(pointer: &str, what: &str) -> Cause {
    Cause::request(format!("encrypt(): `{}` {what}", shown(pointer)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolve(pointer: &str, body: &Value) -> Result<Vec<String>, String> {
        let field = Field {
            pointer: pointer.into(),
            padding: Padding::Oaep,
        };
        field.resolve(body).map_err(|err| err.to_string())
    }

    #[test]
    fn pointers_reach_the_named_strings() {
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
            assert_eq!(resolve(pointer, &body), Ok(reached), "{pointer}");
        }
    }

    #[test]
    fn errors_name_the_pointer_and_not_the_value() {
        let body = json!({"n": 12345, "o": {"secret": 1}, "list": [{"n": "x"}, {}], "null": null});
        for (pointer, text) in [
            ("name", "`name` is not a JSON Pointer"),
            ("", "`` is not a JSON Pointer"),
            ("/none", "`/none` is not in the body; if it is optional"),
            ("/list/*/n", "`/list/1/n` is not in the body"),
            ("/list/7/n", "`/list/7` is not in the body"),
            ("/n", "`/n` is a number: expected a string"),
            ("/n?", "`/n` is a number: expected a string"),
            ("/null", "`/null` is null: expected a string"),
            ("/o", "`/o` is an object of 1 keys: expected a string"),
            ("/o/*", "`/o` is an object: `*` expects a list"),
        ] {
            let error = resolve(pointer, &body).unwrap_err();
            assert!(error.contains(text), "{pointer}: {error}");
            assert!(!error.contains("12345") && !error.contains("secret"));
        }
    }
}
