//! An APIv2 request: the fields as they were given, completed and signed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::sign::{SIGN, SignType, sign};
use crate::{
    base::{percent::decode_form, scalar::scalar, xml},
    error::{Cause, cause::Result},
    protocol::{path::shown, query},
};

/// The fields that name the merchant; the first of them that is given counts.
const MERCHANT: [&str; 3] = ["mch_id", "mchid", "combine_mch_id"];
const NONCE: &str = "nonce_str";

/// What a client adds to the fields.
pub(crate) struct Signing<'a> {
    /// The client's merchant ID, which the fields' must equal; a client without one does not check.
    pub(crate) mchid: Option<&'a str>,
    /// The APIv2 key.
    pub(crate) key: &'a str,
    /// What becomes `nonce_str` where the fields have none; `None` adds none.
    pub(crate) nonce: Option<String>,
}

impl Signing<'_> {
    /// The body: the fields and their sign as XML.
    ///
    /// # Errors
    /// Another merchant's ID or none, an unknown `sign_type`, a field that cannot be sent.
    pub(crate) fn body(self, fields: Map<String, Value>) -> Result<String> {
        xml::write(&self.complete(fields)?)
    }

    /// The query of a GET: the fields and their sign. They are given as the option `query`, or as
    /// the query in the path.
    ///
    /// # Errors
    /// As [`body`](Self::body), and a parameter that occurs twice.
    pub(crate) fn query(self, given: &Value) -> Result<String> {
        let mut out = String::new();
        let fields = self.complete(parameters(given)?)?;
        query::encode(&Value::Object(fields), &mut out)?;
        Ok(out)
    }

    /// The fields with `nonce_str` and `sign`.
    ///
    /// # Errors
    /// As [`body`](Self::body).
    pub(crate) fn complete(self, mut fields: Map<String, Value>) -> Result<Map<String, Value>> {
        self.check_merchant(&fields)?;
        let sign_type = SignType::of(&fields)?;
        if let Some(nonce) = self.nonce {
            // An empty one stays: the caller wrote it.
            if fields.get(NONCE).is_none_or(Value::is_null) {
                fields.insert(NONCE.to_owned(), nonce.into());
            }
        }
        // The samples of the documents carry a sign of their own.
        fields.shift_remove(SIGN);
        let sign = sign(&fields, self.key, sign_type)?;
        fields.insert(SIGN.to_owned(), sign.into());
        Ok(fields)
    }

    fn check_merchant(&self, fields: &Map<String, Value>) -> Result<()> {
        let Some(own) = self.mchid.filter(|own| !own.is_empty()) else {
            return Ok(());
        };
        let given = MERCHANT
            .iter()
            .find_map(|name| Some((name, fields.get(*name).filter(|value| !value.is_null())?)));
        match given {
            Some((_, value)) if scalar(value).as_deref() == Some(own) => Ok(()),
            Some((name, _)) => Err(Cause::request(format!(
                "the field `{name}` is not the client's merchant ID, which is {}",
                shown(own)
            ))),
            None => Err(Cause::request(format!(
                "there is no field `mch_id`, `mchid` or `combine_mch_id`: one must be the client's \
                 merchant ID, which is {}",
                shown(own)
            ))),
        }
    }
}

/// Refuses the query of a redirect whose fields are not those that were sent; the nonce and the
/// sign, which are drawn afresh, apart.
pub(crate) fn check_same_fields(sent: &Value, query: &str) -> Result<()> {
    let bare = |fields: Map<String, Value>| {
        let kept = fields
            .into_iter()
            .filter(|(name, _)| name != NONCE && name != SIGN);
        kept.collect::<BTreeMap<_, _>>()
    };
    let theirs = parameters(&Value::String(query.to_owned()))?;
    if bare(parameters(sent)?) == bare(theirs) {
        return Ok(());
    }
    Err(Cause::request(
        "its Location has other fields than the request, and they would be signed",
    ))
}

/// The flat fields that a query stands for.
fn parameters(given: &Value) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    let mut twice = None;
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
            .for_each(|(name, text)| put(decode_form(name), decode_form(text))),
        _ => query::pairs(given, &mut |name, text| {
            put(name.to_owned(), text.to_owned())
        })?,
    }
    match twice {
        None => Ok(fields),
        Some(name) => Err(Cause::request(format!(
            "the query has `{}` twice: no sign can cover it",
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
            nonce: Some("drawn".to_owned()),
        }
    }

    fn complete(mchid: Option<&str>, fields: Value) -> Result<Map<String, Value>> {
        let Value::Object(fields) = fields else {
            panic!("{fields} is no object")
        };
        signing(mchid).complete(fields)
    }

    #[test]
    fn the_first_merchant_id_given_must_be_the_clients() {
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
                "the field `mch_id` is not the client's merchant ID",
            ),
            (json!({"mch_id": ""}), "the field `mch_id` is not"),
            (json!({"mch_id": ["1"]}), "the field `mch_id` is not"),
            (
                json!({"mchid": "2", "combine_mch_id": "1"}),
                "the field `mchid` is not",
            ),
            (
                json!({}),
                "there is no field `mch_id`, `mchid` or `combine_mch_id`",
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
    fn a_nonce_is_added_where_there_is_none() {
        let nonce = |fields| complete(None, fields).unwrap().get("nonce_str").cloned();
        assert_eq!(nonce(json!({})), Some(json!("drawn")));
        assert_eq!(nonce(json!({"nonce_str": null})), Some(json!("drawn")));
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
    fn the_sign_comes_last_and_a_given_one_is_replaced() {
        let fields = complete(None, json!({"sign": "old", "b": "2", "a": "1"})).unwrap();
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["b", "a", "nonce_str", "sign"]);
        assert_eq!(fields["sign"].as_str().map(str::len), Some(32));

        let err = complete(None, json!({"sign_type": "SM3"})).unwrap_err();
        assert!(
            err.to_string()
                .starts_with("the field `sign_type` is `SM3`")
        );
    }

    #[test]
    fn a_get_signs_its_query_however_it_was_given() {
        let query = |given: Value| signing(None).query(&given).unwrap();
        let expected = query(json!({"a": "中 文", "b": "1+1"}));
        assert!(expected.starts_with("a=%E4%B8%AD%20%E6%96%87&b=1%2B1&nonce_str=drawn&sign="));
        assert_eq!(query(json!("a=中+文&b=1%2B1")), expected);
        assert_eq!(
            query(json!({"a": "中 文", "b": "1+1", "c": null})),
            expected
        );

        let nested = query(json!({"a": {"b": 1}}));
        assert!(nested.starts_with("a%5Bb%5D=1&"));
        assert_eq!(query(json!("a[b]=1")), nested);
        assert!(query(json!([])).starts_with("nonce_str=drawn&sign="));

        let err = signing(None).query(&json!("a=1&a=2")).unwrap_err();
        assert!(err.to_string().starts_with("the query has `a` twice"));
        assert!(signing(None).query(&json!(7)).is_err());
    }
}
