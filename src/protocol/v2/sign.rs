//! The sign of APIv2 fields.

use std::borrow::Cow;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    base::{
        crypto::digest::{constant_time_eq, hex_upper, hmac_sha256, md5},
        scalar::scalar,
    },
    error::{Cause, Kind, cause::Result},
    protocol::path::shown,
};

pub(crate) const SIGN: &str = "sign";
const SIGN_TYPE: &str = "sign_type";

/// How many hexadecimal digits an HMAC-SHA256 sign has.
const HMAC_SHA256_LENGTH: usize = 64;

/// The digest that a sign is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignType {
    Md5,
    HmacSha256,
}

impl SignType {
    /// What the `sign_type` of a request stands for: MD5 where there is none.
    ///
    /// # Errors
    /// Any name but `MD5` and `HMAC-SHA256`.
    pub(crate) fn from_field(name: Option<&str>) -> Result<Self> {
        match name {
            None | Some("" | "MD5") => Ok(Self::Md5),
            Some("HMAC-SHA256") => Ok(Self::HmacSha256),
            Some(other) => Err(Cause::request(format!(
                "the field `sign_type` is `{}`: it can be `MD5` or `HMAC-SHA256`",
                shown(other)
            ))),
        }
    }

    /// What these fields say that they are signed with.
    ///
    /// # Errors
    /// As [`from_field`](Self::from_field).
    pub(crate) fn of(fields: &Map<String, Value>) -> Result<Self> {
        let name = fields.get(SIGN_TYPE).and_then(scalar);
        Self::from_field(name.as_deref())
    }

    /// The name that WeChat Pay knows it by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::HmacSha256 => "HMAC-SHA256",
        }
    }
}

/// The sign of `fields` under the APIv2 key, in upper-case hexadecimal digits. A `sign` among them
/// and empty fields do not count.
///
/// # Errors
/// A field that is a list or an object, or one whose value holds `&return_code=`.
pub(crate) fn sign(fields: &Map<String, Value>, key: &str, sign_type: SignType) -> Result<String> {
    if let Some(name) = forges(fields) {
        return Err(Cause::request(format!(
            "the field `{}` holds `{OUTCOME}`: a sign over it would fit a forged answer or \
             notification too; no true value holds it, so refuse whoever gave it",
            shown(name)
        )));
    }
    digest(fields, key, sign_type).map_err(|name| {
        Cause::request(format!(
            "the field `{}` is a list or an object: an APIv2 field is flat, so give the JSON text \
             of it",
            shown(name)
        ))
    })
}

/// Checks the `sign` of received fields, in constant time; with what it was made.
///
/// # Errors
/// [`Kind::Signature`] where it is missing or does not match.
pub(crate) fn verify(fields: &Map<String, Value>, key: &str) -> Result<SignType> {
    let refuse = |what: String| Err(Cause::new(Kind::Signature, what));
    let given = match fields.get(SIGN) {
        Some(Value::String(given)) if !given.is_empty() => given,
        _ => return refuse("there is no `sign` among the fields".to_owned()),
    };
    let sign_type = if given.len() == HMAC_SHA256_LENGTH {
        SignType::HmacSha256
    } else {
        SignType::Md5
    };
    match digest(fields, key, sign_type) {
        Ok(own) if constant_time_eq(own.as_bytes(), given.as_bytes()) => Ok(sign_type),
        Ok(_) => refuse(format!(
            "the sign ({}) does not match: it was made with another APIv2 key, or the fields were \
             altered",
            sign_type.name()
        )),
        Err(name) => refuse(format!(
            "the field `{}` holds elements or occurs twice: no sign can cover it",
            shown(name)
        )),
    }
}

/// What every answer and every notification has, and no value.
const OUTCOME: &str = "&return_code=";

/// The field whose sign would serve as another message's. The sign does not tell a `&` in a value
/// from one between fields, so a customer whose name is `a&return_code=SUCCESS&…`, and who sees
/// the sign (`papay/entrustweb` runs in a browser), could take the value apart into fields and
/// send them as a notification of a payment.
fn forges(fields: &Map<String, Value>) -> Option<&str> {
    fields
        .iter()
        .find(|(_, value)| scalar(value).is_some_and(|text| text.contains(OUTCOME)))
        .map(|(name, _)| name.as_str())
}

/// The sign, or the name of the field that cannot be signed.
fn digest<'f>(
    fields: &'f Map<String, Value>,
    key: &str,
    sign_type: SignType,
) -> Result<String, &'f str> {
    let source = source(fields, key)?;
    Ok(match sign_type {
        SignType::Md5 => hex_upper(&md5(source.as_bytes())),
        SignType::HmacSha256 => hex_upper(&hmac_sha256(key.as_bytes(), source.as_bytes())),
    })
}

/// `k=v&…&key=…`, in the byte order of the names.
fn source<'f>(fields: &'f Map<String, Value>, key: &str) -> Result<Zeroizing<String>, &'f str> {
    let mut pairs: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        if name == SIGN || value.is_null() {
            continue;
        }
        let text = scalar(value).ok_or(name.as_str())?;
        if !text.is_empty() {
            pairs.push((name, text));
        }
    }
    pairs.sort_unstable_by_key(|(name, _)| *name);

    // Sized beforehand: growing would leave copies of the key behind.
    let length = pairs
        .iter()
        .map(|(name, text)| name.len() + text.len() + 2)
        .sum::<usize>();
    let mut source = Zeroizing::new(String::with_capacity(length + "key=".len() + key.len()));
    for (name, text) in &pairs {
        source.extend([name, "=", text, "&"]);
    }
    source.push_str("key=");
    source.push_str(key);
    Ok(source)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
    const MD5: &str = "9A0A8659F005D6984697E2CA0A9CF3B7";
    const HMAC: &str = "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6";

    /// The example on the official page of the signing rules.
    fn documented() -> Map<String, Value> {
        let Value::Object(fields) = json!({
            "appid": "wxd930ea5d5a258f4f",
            "mch_id": "10000100",
            "device_info": "1000",
            "body": "test",
            "nonce_str": "ibuaiVcKdpRxkhJA",
        }) else {
            unreachable!()
        };
        fields
    }

    fn with(name: &str, value: Value) -> Map<String, Value> {
        let mut fields = documented();
        fields.insert(name.to_owned(), value);
        fields
    }

    #[test]
    fn the_documented_example_has_its_documented_signs() {
        assert_eq!(sign(&documented(), KEY, SignType::Md5).unwrap(), MD5);
        assert_eq!(
            sign(&documented(), KEY, SignType::HmacSha256).unwrap(),
            HMAC
        );
    }

    #[test]
    fn empty_fields_and_a_sign_do_not_count_but_nought_does() {
        for fields in [
            with("attach", json!("")),
            with("attach", json!(null)),
            with("sign", json!("X")),
        ] {
            assert_eq!(sign(&fields, KEY, SignType::Md5).unwrap(), MD5);
        }
        assert_eq!(
            sign(&with("fee", json!(0)), KEY, SignType::Md5).unwrap(),
            sign(&with("fee", json!("0")), KEY, SignType::Md5).unwrap(),
        );
        assert_ne!(
            sign(&with("fee", json!(0)), KEY, SignType::Md5).unwrap(),
            MD5
        );
    }

    #[test]
    fn upper_case_names_stand_before_lower_case_ones() {
        let fields = with("Zeta", json!("z"));
        let source = source(&fields, "k").unwrap();
        assert!(source.starts_with("Zeta=z&appid=wx"), "{}", *source);
        assert_eq!(source.capacity(), source.len());
    }

    #[test]
    fn the_sign_type_is_one_of_two() {
        let of = |name| SignType::from_field(name).map_err(|err| err.to_string());
        assert_eq!(of(None), Ok(SignType::Md5));
        assert_eq!(of(Some("")), Ok(SignType::Md5));
        assert_eq!(of(Some("MD5")), Ok(SignType::Md5));
        assert_eq!(of(Some("HMAC-SHA256")), Ok(SignType::HmacSha256));
        for name in ["md5", "HMAC_SHA256", "RSA", "SHA1"] {
            assert_eq!(
                of(Some(name)),
                Err(format!(
                    "the field `sign_type` is `{name}`: it can be `MD5` or `HMAC-SHA256`"
                ))
            );
        }
    }

    #[test]
    fn a_sign_verifies_by_its_length_and_nothing_else_does() {
        let message = |fields: &Map<String, Value>, key| {
            let err = verify(fields, key).unwrap_err();
            assert!(err.is_signature());
            err.to_string()
        };
        assert_eq!(
            verify(&with("sign", json!(MD5)), KEY).unwrap(),
            SignType::Md5
        );
        assert_eq!(
            verify(&with("sign", json!(HMAC)), KEY).unwrap(),
            SignType::HmacSha256
        );

        let mut altered = with("sign", json!(MD5));
        altered.insert("device_info".to_owned(), json!("1001"));
        let lower = with("sign", json!(MD5.to_lowercase()));
        let short = with("sign", json!(&MD5[..31]));
        for fields in [altered, lower, short] {
            assert!(message(&fields, KEY).starts_with("the sign (MD5) does not match"));
        }
        assert!(message(&with("sign", json!(HMAC)), "other").contains("does not match"));
        for none in [
            documented(),
            with("sign", json!("")),
            with("sign", json!(["a", "b"])),
        ] {
            assert!(message(&none, KEY).starts_with("there is no `sign`"));
        }
        let mut nested = with("sign", json!(MD5));
        nested.insert("twice".to_owned(), json!(["a", "b"]));
        assert!(message(&nested, KEY).starts_with("the field `twice` holds elements"));
    }

    #[test]
    fn no_sign_is_made_that_a_forged_notification_could_carry() {
        let name = "a&mch_id=1&return_code=SUCCESS&total_fee=100&z=";
        let err = sign(&with("attach", json!(name)), KEY, SignType::Md5).unwrap_err();
        assert!(err.is_request());
        assert!(
            err.to_string()
                .starts_with("the field `attach` holds `&return_code=`"),
            "{err}"
        );
        for harmless in ["a=1&b=2", "return_code=SUCCESS", "a & b"] {
            sign(&with("attach", json!(harmless)), KEY, SignType::Md5).unwrap();
        }
        // A true one that has it as a field of its own: `payitil/report`.
        sign(&with("return_code", json!("SUCCESS")), KEY, SignType::Md5).unwrap();
    }

    #[test]
    fn what_is_not_flat_is_not_signed() {
        let err = sign(&with("detail", json!({"a": 1})), KEY, SignType::Md5).unwrap_err();
        assert!(err.is_request());
        assert!(
            err.to_string()
                .starts_with("the field `detail` is a list or an object")
        );
    }
}
