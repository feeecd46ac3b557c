//! The sign of APIv2 fields, and the ambiguity of what it covers.
//!
//! A sign is a digest over the *canonical text* `a=1&b=2&…&key=KEY`: the fields that are not empty, in
//! the byte order of their names, then the APIv2 key. Nothing in that text is escaped. So
//! `{a: "1", b: "2"}` and `{a: "1&b=2"}` have the same text, and a sign for one fits the other. Two
//! attacks follow, and this file prevents both:
//!
//! - Somebody on the way moves `result_code=FAIL` of a refusal into the value of the field before it,
//!   and the refusal passes for a success. [`verify`] refuses such a message.
//! - A customer enters a name that contains fields of a notification, the merchant signs it, and the
//!   customer sends the pieces as a "notification" with that sign. [`sign`] refuses such a value.

use std::borrow::Cow;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::names::is_documented;
use crate::{
    base::{
        crypto::digest::{constant_time_eq, hex_upper, hmac_sha256, md5},
        scalar::scalar,
    },
    error::{Cause, ErrorKind, cause::Result, value::shown},
};

/// The name of the field with the sign.
pub(crate) const SIGN: &str = "sign";
const SIGN_TYPE: &str = "sign_type";

/// The number of hexadecimal digits of an HMAC-SHA256 sign.
const HMAC_SHA256_LENGTH: usize = 64;

/// The digest of a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignType {
    Md5,
    HmacSha256,
}

impl SignType {
    /// Parses the `sign_type` of a request. Defaults to MD5, as the documents say.
    ///
    /// # Errors
    /// Returns an error for any name other than `MD5` and `HMAC-SHA256`.
    pub(crate) fn from_field(name: Option<&str>) -> Result<Self> {
        match name {
            None | Some("" | "MD5") => Ok(Self::Md5),
            Some("HMAC-SHA256") => Ok(Self::HmacSha256),
            Some(other) => Err(Cause::request(format!(
                "invalid `sign_type` `{}`: expected `MD5` or `HMAC-SHA256`",
                shown(other)
            ))),
        }
    }

    /// Returns the digest that these fields ask for.
    ///
    /// # Errors
    /// Returns the errors of [`from_field`](Self::from_field).
    pub(crate) fn of(fields: &Map<String, Value>) -> Result<Self> {
        let name = fields.get(SIGN_TYPE).and_then(scalar);
        Self::from_field(name.as_deref())
    }

    /// Returns the name that WeChat Pay uses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::HmacSha256 => "HMAC-SHA256",
        }
    }
}

/// Returns the sign of `fields` under the APIv2 key, in upper-case hexadecimal digits. Empty fields
/// and the field `sign` are not covered.
///
/// # Errors
/// Returns an error for a field that is a list or an object, and for a value that would make the sign
/// fit a forged notification.
pub(crate) fn sign(fields: &Map<String, Value>, key: &str, sign_type: SignType) -> Result<String> {
    if let Some((name, mark)) = forges(fields) {
        return Err(Cause::request(format!(
            "the field `{}` contains `&{mark}=`: its sign would also fit a forged response or \
             notification; no genuine value contains this, so reject the input it came from",
            shown(name)
        )));
    }
    digest(fields, key, sign_type).map_err(|name| {
        Cause::request(format!(
            "the field `{}` is a list or an object: expected a flat value; give its JSON text as a \
             string",
            shown(name)
        ))
    })
}

/// Checks the `sign` of received fields and returns the digest it was made with.
///
/// # Errors
/// Returns [`ErrorKind::Verification`] if the sign is missing, does not match, or would match other fields
/// as well.
pub(crate) fn verify(fields: &Map<String, Value>, key: &str) -> Result<SignType> {
    let sign_type = check_digest(fields, key)?;
    match ambiguous(fields) {
        None => Ok(sign_type),
        Some((name, hidden)) => Err(Cause::new(
            ErrorKind::Verification,
            format!(
                "the field `{}` contains `&{}=`: the sign would also match a message in which that is \
                 a separate field, so the fields may have been altered",
                shown(name),
                shown(&hidden)
            ),
        )),
    }
}

/// Checks like [`verify`], but accepts fields whose canonical text is ambiguous.
pub(crate) fn check_digest(fields: &Map<String, Value>, key: &str) -> Result<SignType> {
    let refuse = |what: String| Err(Cause::new(ErrorKind::Verification, what));
    let given = match fields.get(SIGN) {
        Some(Value::String(given)) if !given.is_empty() => given,
        _ => return refuse("the fields have no `sign`".to_owned()),
    };
    // The length decides, not the received `sign_type`: several responses lack that field, and an
    // attacker could set it.
    let sign_type = if given.len() == HMAC_SHA256_LENGTH {
        SignType::HmacSha256
    } else {
        SignType::Md5
    };
    match digest(fields, key, sign_type) {
        // In constant time: otherwise the time would tell how many characters of a guess are right.
        Ok(own) if constant_time_eq(own.as_bytes(), given.as_bytes()) => Ok(sign_type),
        Ok(_) => refuse(format!(
            "the sign ({}) does not match: it was made with a different APIv2 key, or the fields \
             were altered, for example by a proxy or by rewriting the XML",
            sign_type.name()
        )),
        Err(name) => refuse(format!(
            "the field `{}` contains elements or occurs twice, which a sign cannot cover",
            shown(name)
        )),
    }
}

/// The fields that distinguish a response or a notification from a request.
///
/// Every response has `return_code`, and so do four of the ten documented notifications; each of the
/// other six has another of these. No genuine value contains such a name after an `&`.
pub(crate) const MARKS: [&str; 5] = [
    "return_code",
    "change_type",
    "event_ciphertext",
    "vehicle_event_createtime",
    "vehicle_event_type",
];

/// Returns the field whose sign would also fit a response or notification, and the mark in its value.
///
/// Example: a customer whose name is `a&return_code=SUCCESS&…` and who sees the request's sign (the
/// URL of `papay/entrustweb` is opened in a browser) could split the value into fields and send them
/// as the notification of a payment.
fn forges(fields: &Map<String, Value>) -> Option<(&str, &'static str)> {
    fields.iter().find_map(|(name, value)| {
        let text = scalar(value)?;
        let mark = MARKS
            .into_iter()
            .find(|mark| starts(&text).any(|start| start == *mark))?;
        Some((name.as_str(), mark))
    })
}

/// Returns the field that may hide another one in its value, and the name of the hidden one.
///
/// The fields are sorted before they are signed. So a field `g` can be moved into the value of `f`
/// without changing the canonical text only if `g` sorts between `f` and the field that follows `f`.
/// Anywhere else `&g=` is ordinary text, and must be accepted: `attach` may contain a query string.
fn ambiguous(fields: &Map<String, Value>) -> Option<(&str, String)> {
    let pairs = pairs(fields).ok()?;
    pairs.iter().enumerate().find_map(|(at, (name, text))| {
        let next = pairs.get(at + 1).map(|(next, _)| *next);
        let hidden = starts(text).find(|start| {
            start > name && next.is_none_or(|next| *start < next) && is_documented(start)
        });
        Some((*name, hidden?.to_owned()))
    })
}

/// Returns what is between an `&` and the next `=` in a text, which is where a field's name would be.
fn starts(text: &str) -> impl Iterator<Item = &str> {
    text.split('&')
        .skip(1)
        .filter_map(|part| Some(part.split_once('=')?.0))
}

/// Returns the sign, or the name of the field that cannot be signed.
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

/// Returns the canonical text with the key: `k=v&…&key=…`.
fn source<'f>(fields: &'f Map<String, Value>, key: &str) -> Result<Zeroizing<String>, &'f str> {
    let pairs = pairs(fields)?;
    // Allocated at its final size: growing would leave copies of the key in freed memory, which
    // `Zeroizing` does not wipe.
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

/// Returns the canonical text without the key: `k=v&…`. Two messages that the same sign fits have the
/// same text, however their fields are divided.
///
/// # Errors
/// Returns the name of a field that is not flat.
pub(crate) fn signed_text(fields: &Map<String, Value>) -> Result<String, &str> {
    let pairs = pairs(fields)?;
    let texts = pairs.iter().map(|(name, text)| format!("{name}={text}"));
    Ok(texts.collect::<Vec<_>>().join("&"))
}

/// Returns the fields that a sign covers, in the byte order of their names.
fn pairs(fields: &Map<String, Value>) -> Result<Vec<(&str, Cow<'_, str>)>, &str> {
    let mut pairs: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        // The sign does not cover itself. Null means not given, as in all options.
        if name == SIGN || value.is_null() {
            continue;
        }
        let text = scalar(value).ok_or(name.as_str())?;
        if !text.is_empty() {
            pairs.push((name, text));
        }
    }
    // By bytes, so upper-case names come first. Sorting by locale is a common mistake.
    pairs.sort_unstable_by_key(|(name, _)| *name);
    Ok(pairs)
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
    fn documented_example_has_the_documented_signs() {
        assert_eq!(sign(&documented(), KEY, SignType::Md5).unwrap(), MD5);
        assert_eq!(
            sign(&documented(), KEY, SignType::HmacSha256).unwrap(),
            HMAC
        );
    }

    #[test]
    fn empty_fields_and_sign_are_not_covered_but_zero_is() {
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
    fn upper_case_names_sort_before_lower_case() {
        let fields = with("Zeta", json!("z"));
        let source = source(&fields, "k").unwrap();
        assert!(source.starts_with("Zeta=z&appid=wx"), "{}", *source);
        assert_eq!(source.capacity(), source.len());
    }

    #[test]
    fn sign_type_is_md5_or_hmac_sha256() {
        let of = |name| SignType::from_field(name).map_err(|err| err.to_string());
        assert_eq!(of(None), Ok(SignType::Md5));
        assert_eq!(of(Some("")), Ok(SignType::Md5));
        assert_eq!(of(Some("MD5")), Ok(SignType::Md5));
        assert_eq!(of(Some("HMAC-SHA256")), Ok(SignType::HmacSha256));
        for name in ["md5", "HMAC_SHA256", "RSA", "SHA1"] {
            assert_eq!(
                of(Some(name)),
                Err(format!(
                    "invalid `sign_type` `{name}`: expected `MD5` or `HMAC-SHA256`"
                ))
            );
        }
    }

    #[test]
    fn sign_type_of_a_received_sign_follows_from_its_length() {
        let message = |fields: &Map<String, Value>, key| {
            let err = verify(fields, key).unwrap_err();
            assert!(err.is_verification());
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
            assert!(message(&none, KEY).starts_with("the fields have no `sign`"));
        }
        let mut nested = with("sign", json!(MD5));
        nested.insert("twice".to_owned(), json!(["a", "b"]));
        assert!(message(&nested, KEY).starts_with("the field `twice` contains elements"));
    }

    fn signed(fields: Value) -> Map<String, Value> {
        let Value::Object(mut fields) = fields else {
            panic!("{fields} is not an object")
        };
        let sign = digest(&fields, KEY, SignType::Md5).unwrap();
        fields.insert(SIGN.to_owned(), sign.into());
        fields
    }

    #[test]
    fn field_hidden_in_another_is_refused() {
        let refusal = json!({ "appid": "wx1", "mch_id": "1", "nonce_str": "n",
            "result_code": "FAIL", "return_code": "SUCCESS" });
        let sign = signed(refusal.clone())[SIGN].clone();
        verify(&signed(refusal), KEY).unwrap();
        for (altered, message) in [
            (
                json!({ "appid": "wx1", "mch_id": "1", "nonce_str": "n&result_code=FAIL",
                    "return_code": "SUCCESS" }),
                "the field `nonce_str` contains `&result_code=`",
            ),
            (
                json!({ "appid": "wx1&mch_id=1", "nonce_str": "n", "result_code": "FAIL",
                    "return_code": "SUCCESS" }),
                "the field `appid` contains `&mch_id=`",
            ),
            (
                json!({ "appid": "wx1&mch_id=1&nonce_str=n", "result_code": "FAIL",
                    "return_code": "SUCCESS" }),
                "the field `appid` contains `&mch_id=`",
            ),
            (
                json!({ "appid": "wx1", "mch_id": "1", "nonce_str": "n",
                    "result_code": "FAIL&return_code=SUCCESS" }),
                "the field `result_code` contains `&return_code=`",
            ),
            // An empty field is not signed, so it does not stand between the two.
            (
                json!({ "appid": "wx1", "mch_id": "1", "nonce_str": "n&result_code=FAIL",
                    "openid": "", "return_code": "SUCCESS" }),
                "the field `nonce_str` contains `&result_code=`",
            ),
        ] {
            let altered = signed(altered);
            assert_eq!(altered[SIGN], sign, "the same sign matches");
            let err = verify(&altered, KEY).unwrap_err();
            assert!(err.is_verification());
            let err = err.not_sent().to_string();
            assert!(err.starts_with(message), "{err}");
        }
    }

    #[test]
    fn hidden_numbered_field_is_refused() {
        let fields = signed(json!({ "cash_fee": "1&coupon_fee_0=2", "mch_id": "1" }));
        assert!(verify(&fields, KEY).unwrap_err().is_verification());
    }

    #[test]
    fn field_like_text_is_accepted_if_it_hides_no_field() {
        for attach in [
            "type=1&out_trade_no=5", // sorts after the next field
            "a=1&appid=2",           // sorts before this field
            "a=1&attach=2",          // this field itself
            "a=1&bank_type=2",       // a field that is present
            "a=1&attachment=2",      // between, but not documented
            "a=1&bank_name",         // no `=`
            "a=1& bank_name=2",      // another name
            "https://x.test/?a=1&total_fee=2&result_code=SUCCESS",
        ] {
            let fields = signed(
                json!({ "appid": "wx1", "attach": attach, "bank_type": "CMC",
                "mch_id": "1", "return_code": "SUCCESS" }),
            );
            verify(&fields, KEY).unwrap_or_else(|_| panic!("{attach}"));
        }
    }

    #[test]
    fn value_that_fits_a_forged_notification_is_not_signed() {
        let name = "a&mch_id=1&return_code=SUCCESS&total_fee=100&z=";
        let err = sign(&with("attach", json!(name)), KEY, SignType::Md5).unwrap_err();
        assert!(err.is_request());
        assert!(
            err.to_string()
                .starts_with("the field `attach` contains `&return_code=`"),
            "{err}"
        );
        for mark in MARKS {
            let err = sign(
                &with("attach", json!(format!("a&{mark}=1"))),
                KEY,
                SignType::Md5,
            );
            assert!(err.unwrap_err().is_request(), "{mark}");
        }
        for harmless in [
            "a=1&b=2",
            "type=1&out_trade_no=5",
            "return_code=SUCCESS",
            "a & b",
            "&return_code",
        ] {
            sign(&with("attach", json!(harmless)), KEY, SignType::Md5).unwrap();
        }
        // A genuine request with a mark as a field of its own: `payitil/report`.
        sign(&with("return_code", json!("SUCCESS")), KEY, SignType::Md5).unwrap();
    }

    #[test]
    fn nested_field_is_not_signed() {
        let err = sign(&with("detail", json!({"a": 1})), KEY, SignType::Md5).unwrap_err();
        assert!(err.is_request());
        assert!(
            err.to_string()
                .starts_with("the field `detail` is a list or an object")
        );
    }
}
