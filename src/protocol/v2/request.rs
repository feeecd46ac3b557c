//! An APIv2 request: the given fields, completed and signed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::sign::{SIGN, SignType, sign};
use crate::{
    base::{percent::decode_form, scalar::scalar, xml},
    error::{Cause, cause::Result, value::shown},
    protocol::url::query,
};

/// The fields that name the merchant. The first one that is given counts.
const MERCHANT: [&str; 3] = ["mch_id", "mchid", "combine_mch_id"];
const NONCE: &str = "nonce_str";

/// What a client adds to the fields.
pub(crate) struct Signing<'a> {
    /// The client's merchant ID, which the fields must repeat. Not checked if `None`.
    pub(crate) mchid: Option<&'a str>,
    /// The APIv2 key.
    pub(crate) key: &'a str,
    /// The value of `nonce_str` if the fields have none. `None` adds no such field.
    pub(crate) nonce: Option<String>,
}

impl Signing<'_> {
    /// Returns the body: the fields and their sign as XML.
    ///
    /// # Errors
    /// Returns an error for a missing or different merchant ID, an unknown `sign_type`, and a field
    /// that cannot be sent.
    pub(crate) fn body(self, fields: Map<String, Value>) -> Result<String> {
        xml::write(&self.complete(fields)?)
    }

    /// Returns the query of a GET: the fields and their sign. `given` is the option `query`, or the
    /// query in the path as a string.
    ///
    /// # Errors
    /// Returns the errors of [`body`](Self::body), and one for a repeated parameter.
    pub(crate) fn query(self, given: &Value) -> Result<String> {
        let mut out = String::new();
        let fields = self.complete(parameters(given)?)?;
        query::encode(&Value::Object(fields), &mut out)?;
        Ok(out)
    }

    /// Returns the fields with `nonce_str` and `sign` added.
    ///
    /// # Errors
    /// Returns the errors of [`body`](Self::body).
    pub(crate) fn complete(self, mut fields: Map<String, Value>) -> Result<Map<String, Value>> {
        self.check_merchant(&fields)?;
        // Before the nonce is added: an error should leave the fields as the caller gave them.
        let sign_type = SignType::of(&fields)?;
        if let Some(nonce) = self.nonce {
            // An empty string is kept: the caller wrote it, and it is signed as absent.
            if fields.get(NONCE).is_none_or(Value::is_null) {
                fields.insert(NONCE.to_owned(), nonce.into());
            }
        }
        // Samples copied from the documents contain a sign.
        fields.shift_remove(SIGN);
        let sign = sign(&fields, self.key, sign_type)?;
        fields.insert(SIGN.to_owned(), sign.into());
        Ok(fields)
    }

    /// Checks the merchant ID before anything is signed. A request signed with one merchant's key but
    /// naming another is refused by WeChat Pay with a bare "sign error".
    fn check_merchant(&self, fields: &Map<String, Value>) -> Result<()> {
        let Some(own) = self.mchid.filter(|own| !own.is_empty()) else {
            return Ok(());
        };
        let given = MERCHANT
            .iter()
            .find_map(|name| Some((name, fields.get(*name).filter(|value| !value.is_null())?)));
        match given {
            // Compared as text: `10000100` and `"10000100"` are the same ID.
            Some((_, value)) if scalar(value).as_deref() == Some(own) => Ok(()),
            Some((name, _)) => Err(Cause::request(format!(
                "the field `{name}` differs from the client's merchant ID, which is {}",
                shown(own)
            ))),
            None => Err(Cause::request(format!(
                "missing field `mch_id`, `mchid` or `combine_mch_id`: one of them must be the client's \
                 merchant ID, which is {}",
                shown(own)
            ))),
        }
    }
}

/// Checks that the query of a redirect has the fields that were sent, apart from the nonce and the
/// sign, which are made again.
///
/// Otherwise the sender of a redirect could have any fields signed with the merchant's key.
pub(crate) fn check_same_fields(sent: &Value, query: &str) -> Result<()> {
    let bare = |fields: Map<String, Value>| {
        let compared = fields
            .into_iter()
            .filter(|(name, _)| name != NONCE && name != SIGN);
        compared.collect::<BTreeMap<_, _>>()
    };
    let theirs = parameters(&Value::String(query.to_owned()))?;
    if bare(parameters(sent)?) == bare(theirs) {
        return Ok(());
    }
    Err(Cause::request(
        "its Location has different fields than the request, and following it would sign them",
    ))
}

/// Returns the flat fields of a query.
fn parameters(given: &Value) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    let mut twice = None;
    // A map would silently keep the last of two parameters, while the sent query has both.
    let mut put = |name: String, text: String| {
        if fields.insert(name.clone(), text.into()).is_some() {
            twice = Some(name);
        }
    };
    match given {
        Value::String(text) => text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .for_each(|(name, text)| {
                put(
                    decode_form(name).into_owned(),
                    decode_form(text).into_owned(),
                )
            }),
        _ => query::pairs(given, &mut |name, text| {
            put(name.to_owned(), text.to_owned())
        })?,
    }
    match twice {
        None => Ok(fields),
        Some(name) => Err(Cause::request(format!(
            "the query has `{}` twice, which a sign cannot cover",
            shown(&name)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn signing(mchid: Option<&str>) -> Signing<'_> {
        Signing {
            mchid,
            key: "key",
            nonce: Some("random".to_owned()),
        }
    }

    fn complete(mchid: Option<&str>, fields: Value) -> Result<Map<String, Value>> {
        let Value::Object(fields) = fields else {
            panic!("{fields} is not an object")
        };
        signing(mchid).complete(fields)
    }

    #[test]
    fn first_given_merchant_id_must_be_the_clients() {
        for fields in [
            json!({"mch_id": "1"}),
            json!({"mch_id": 1}),
            json!({"mchid": "1"}),
            json!({"combine_mch_id": "1"}),
            json!({"mch_id": null, "mchid": "1"}),
            json!({"combine_mch_id": "2", "mch_id": "1"}),
        ] {
            assert!(complete(Some("1"), fields.clone()).is_ok(), "{fields}");
        }
        for (fields, message) in [
            (
                json!({"mch_id": "2"}),
                "the field `mch_id` differs from the client's merchant ID",
            ),
            (json!({"mch_id": ""}), "the field `mch_id` differs"),
            (json!({"mch_id": ["1"]}), "the field `mch_id` differs"),
            (
                json!({"mchid": "2", "combine_mch_id": "1"}),
                "the field `mchid` differs",
            ),
            (
                json!({}),
                "missing field `mch_id`, `mchid` or `combine_mch_id`",
            ),
        ] {
            let err = complete(Some("1"), fields).unwrap_err();
            assert!(err.is_request());
            assert!(err.to_string().starts_with(message), "{err}");
        }
        assert!(complete(None, json!({})).is_ok());
        assert!(complete(Some(""), json!({"mch_id": "2"})).is_ok());
    }

    #[test]
    fn nonce_is_added_if_missing() {
        let nonce = |fields| complete(None, fields).unwrap().get("nonce_str").cloned();
        assert_eq!(nonce(json!({})), Some(json!("random")));
        assert_eq!(nonce(json!({"nonce_str": null})), Some(json!("random")));
        assert_eq!(nonce(json!({"nonce_str": "own"})), Some(json!("own")));
        let without = Signing {
            nonce: None,
            ..signing(None)
        };
        assert!(
            without
                .complete(Map::new())
                .unwrap()
                .get("nonce_str")
                .is_none()
        );
    }

    #[test]
    fn sign_is_last_and_replaces_a_given_one() {
        let fields = complete(None, json!({"sign": "old", "b": "2", "a": "1"})).unwrap();
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["b", "a", "nonce_str", "sign"]);
        assert_eq!(fields["sign"].as_str().map(str::len), Some(32));

        let err = complete(None, json!({"sign_type": "SM3"})).unwrap_err();
        assert!(
            err.to_string()
                .starts_with("invalid `sign_type` `SM3`: expected")
        );
    }

    #[test]
    fn query_is_signed_the_same_in_every_form() {
        let query = |given: Value| signing(None).query(&given).unwrap();
        let expected = query(json!({"a": "中 文", "b": "1+1"}));
        assert!(expected.starts_with("a=%E4%B8%AD%20%E6%96%87&b=1%2B1&nonce_str=random&sign="));
        assert_eq!(query(json!("a=中+文&b=1%2B1")), expected);
        assert_eq!(
            query(json!({"a": "中 文", "b": "1+1", "c": null})),
            expected
        );

        let nested = query(json!({"a": {"b": 1}}));
        assert!(nested.starts_with("a%5Bb%5D=1&"));
        assert_eq!(query(json!("a[b]=1")), nested);
        assert!(query(json!([])).starts_with("nonce_str=random&sign="));

        let err = signing(None).query(&json!("a=1&a=2")).unwrap_err();
        assert!(err.to_string().starts_with("the query has `a` twice"));
        assert!(signing(None).query(&json!(7)).is_err());
    }
}
