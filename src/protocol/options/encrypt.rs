//! Encrypting fields of the JSON body when the request is made.

use std::collections::HashSet;

use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::{Options, measure};
use crate::{
    base::json::type_name,
    error::{Cause, cause::Result, value::shown},
    protocol::trust::{
        Trust,
        sensitive::{EncryptionKey, Padding},
        signature,
    },
};

/// The setter's name, for errors.
const ENCRYPT: &str = "encrypt";

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

/// Returns the pointers of all fields to encrypt, without `*`.
pub(crate) fn resolve(fields: &[Field], json: Option<&Value>) -> Result<Vec<(String, Padding)>> {
    if fields.is_empty() {
        return Ok(Vec::new());
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
        for pointer in resolve_one(&field.pointer, json, ENCRYPT)? {
            if !seen.insert(pointer.clone()) {
                return Err(error(
                    ENCRYPT,
                    &pointer,
                    "is named twice, which would encrypt it twice",
                ));
            }
            pointers.push((pointer, field.padding));
        }
    }
    Ok(pointers)
}

/// Encrypts the strings at these pointers of the body and names the key in the headers.
pub(crate) fn encrypt(
    pointers: &[(String, Padding)],
    json: Option<&mut Value>,
    headers: &mut HeaderMap,
    trust: &Trust,
) -> Result<()> {
    match json {
        Some(json) if !pointers.is_empty() => {
            let key = key(headers, trust)?;
            encrypt_with(&key, pointers, json, headers, ENCRYPT)
        }
        _ => Ok(()),
    }
}

/// Returns the key that the headers name, or the preferred one.
pub(crate) fn key(headers: &HeaderMap, trust: &Trust) -> Result<EncryptionKey> {
    EncryptionKey::new(trust, given_serial(headers)?.as_deref())
}

/// Encrypts the strings at these pointers and names the key in the headers. `setter` asked for it.
///
/// All of them use one key: the trust store may change in the meantime, and the request can name one key
/// only. An error leaves the body unchanged.
pub(crate) fn encrypt_with(
    key: &EncryptionKey,
    pointers: &[(String, Padding)],
    body: &mut Value,
    headers: &mut HeaderMap,
    setter: &str,
) -> Result<()> {
    let mut ciphertexts = Vec::with_capacity(pointers.len());
    for (pointer, padding) in pointers {
        let text = body.pointer(pointer).and_then(Value::as_str);
        let ciphertext = key.encrypt(*padding, text.unwrap_or_default());
        ciphertexts.push(
            ciphertext
                .map_err(|err| error(setter, pointer, &format!("cannot be encrypted: {err}")))?,
        );
    }
    let serial = HeaderValue::try_from(key.serial()).map_err(|err| {
        Cause::config("the platform key's ID is not valid in a header").with_source(err)
    })?;
    for ((pointer, _), ciphertext) in pointers.iter().zip(ciphertexts) {
        if let Some(field) = body.pointer_mut(pointer) {
            *field = ciphertext.into();
        }
    }
    headers.insert(signature::SERIAL, serial);
    Ok(())
}

pub(crate) fn given_serial(headers: &HeaderMap) -> Result<Option<String>> {
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

/// Returns the pointers, without `*`, of the strings that one reaches. `setter` took it.
pub(crate) fn resolve_one(pointer: &str, body: &Value, setter: &str) -> Result<Vec<String>> {
    let (pointer, optional) = match pointer.strip_suffix('?') {
        Some(pointer) => (pointer, true),
        None => (pointer, false),
    };
    let Some(path) = pointer.strip_prefix('/') else {
        return Err(error(
            setter,
            pointer,
            "is not a JSON Pointer: expected one that begins with `/`",
        ));
    };
    let mut reached = vec![(String::new(), body)];
    for token in path.split('/') {
        reached = step(reached, token, optional, setter)?;
    }
    let mut pointers = Vec::with_capacity(reached.len());
    for (pointer, value) in reached {
        match value {
            Value::String(_) => pointers.push(pointer),
            Value::Null if optional => {}
            other => {
                return Err(error(
                    setter,
                    &pointer,
                    &format!("is {}: expected a string", measure(other)),
                ));
            }
        }
    }
    Ok(pointers)
}

/// Follows one token of a pointer from everything reached so far.
fn step<'v>(
    from: Vec<(String, &'v Value)>,
    token: &str,
    optional: bool,
    setter: &str,
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
                        setter,
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
                    setter,
                    &next,
                    "is not in the body; if it is optional, end its pointer with `?`",
                ));
            }
        }
    }
    Ok(reached)
}

pub(crate) fn error(setter: &str, pointer: &str, what: &str) -> Cause {
    Cause::request(format!("{setter}(): `{}` {what}", shown(pointer)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolve(pointer: &str, body: &Value) -> Result<Vec<String>, String> {
        resolve_one(pointer, body, ENCRYPT).map_err(|err| err.to_string())
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
