//! The sign of APIv2 fields.

use std::borrow::Cow;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::names::is_documented;
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
/// A field that is a list or an object, or one whose value would make the sign fit a forged
/// notification.
pub(crate) fn sign(fields: &Map<String, Value>, key: &str, sign_type: SignType) -> Result<String> {
    if let Some((name, mark)) = forges(fields) {
        return Err(Cause::request(format!(
            "the field `{}` holds `&{mark}=`: a sign over it would fit a forged response or \
             notification too; no genuine value holds it, so reject the input that it came from",
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

/// Checks the `sign` of received fields, in constant time; returns what it was made with.
///
/// # Errors
/// [`Kind::Signature`] where it is missing, does not match, or would match other fields as well.
pub(crate) fn verify(fields: &Map<String, Value>, key: &str) -> Result<SignType> {
    let sign_type = check_digest(fields, key)?;
    match ambiguous(fields) {
        None => Ok(sign_type),
        Some((name, hidden)) => Err(Cause::new(
            Kind::Signature,
            format!(
                "the field `{}` holds `&{}=`: the sign fits a message with that as a field of its \
                 own too, so the fields may have been altered",
                shown(name),
                shown(&hidden)
            ),
        )),
    }
}

/// As [`verify`], of fields that need not be told from others with the same signed text.
pub(crate) fn check_digest(fields: &Map<String, Value>, key: &str) -> Result<SignType> {
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
             altered, as by a proxy or by writing the XML anew before it was verified",
            sign_type.name()
        )),
        Err(name) => refuse(format!(
            "the field `{}` holds elements or occurs twice: no sign can cover it",
            shown(name)
        )),
    }
}

/// The fields that tell a response or a notification from a request: every response has
/// `return_code`, and so have four of the ten documented notifications; each of the other six has
/// another of these. No value holds such a name behind an `&`.
pub(crate) const MARKS: [&str; 5] = [
    "return_code",
    "change_type",
    "event_ciphertext",
    "vehicle_event_createtime",
    "vehicle_event_type",
];

/// The field whose sign would serve as another message's, with the mark in its value. The sign does
/// not tell an `&` in a value from one between fields. A customer whose name is
/// `a&return_code=SUCCESS&…`, and who sees the sign (`papay/entrustweb` runs in a browser), could
/// take the value apart into fields and send them as a notification of a payment.
fn forges(fields: &Map<String, Value>) -> Option<(&str, &'static str)> {
    fields.iter().find_map(|(name, value)| {
        let text = scalar(value)?;
        let mark = MARKS
            .into_iter()
            .find(|mark| starts(&text).any(|start| start == *mark))?;
        Some((name.as_str(), mark))
    })
}

/// The field that may have swallowed another, with the other's name.
///
/// Received fields are sorted before they are signed. So a field `g` can vanish into the value of
/// the field `f` before it, and come out of the same signed text, only where `g` sorts between `f`
/// and the field that follows `f`. Everywhere else, `&g=` in a value is just text: an `attach`
/// may hold a query string.
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

/// What stands between an `&` and the next `=` in the text, where it could be a field's name.
fn starts(text: &str) -> impl Iterator<Item = &str> {
    text.split('&')
        .skip(1)
        .filter_map(|part| Some(part.split_once('=')?.0))
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
    let pairs = pairs(fields)?;
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

/// The text that a sign over these fields covers, without the key: `k=v&…`. However the fields are
/// written down, two messages that the same sign fits have the same text.
///
/// # Errors
/// The name of a field that is not flat.
pub(crate) fn signed_text(fields: &Map<String, Value>) -> Result<String, &str> {
    let pairs = pairs(fields)?;
    let texts = pairs.iter().map(|(name, text)| format!("{name}={text}"));
    Ok(texts.collect::<Vec<_>>().join("&"))
}

/// The fields that count, in the byte order of their names.
fn pairs(fields: &Map<String, Value>) -> Result<Vec<(&str, Cow<'_, str>)>, &str> {
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

    fn signed(fields: Value) -> Map<String, Value> {
        let Value::Object(mut fields) = fields else {
            panic!("{fields} is no object")
        };
        let sign = digest(&fields, KEY, SignType::Md5).unwrap();
        fields.insert(SIGN.to_owned(), sign.into());
        fields
    }

    #[test]
    fn a_field_that_another_may_have_swallowed_is_refused() {
        let refusal = json!({ "appid": "wx1", "mch_id": "1", "nonce_str": "n",
            "result_code": "FAIL", "return_code": "SUCCESS" });
        let sign = signed(refusal.clone())[SIGN].clone();
        verify(&signed(refusal), KEY).unwrap();
        for (altered, message) in [
            (
                json!({ "appid": "wx1", "mch_id": "1", "nonce_str": "n&result_code=FAIL",
                    "return_code": "SUCCESS" }),
                "the field `nonce_str` holds `&result_code=`",
            ),
            (
                json!({ "appid": "wx1&mch_id=1", "nonce_str": "n", "result_code": "FAIL",
                    "return_code": "SUCCESS" }),
                "the field `appid` holds `&mch_id=`",
            ),
            (
                json!({ "appid": "wx1&mch_id=1&nonce_str=n", "result_code": "FAIL",
                    "return_code": "SUCCESS" }),
                "the field `appid` holds `&mch_id=`",
            ),
            (
                json!({ "appid": "wx1", "mch_id": "1", "nonce_str": "n",
                    "result_code": "FAIL&return_code=SUCCESS" }),
                "the field `result_code` holds `&return_code=`",
            ),
            // An empty field is not signed, so it does not stand between the two.
            (
                json!({ "appid": "wx1", "mch_id": "1", "nonce_str": "n&result_code=FAIL",
                    "openid": "", "return_code": "SUCCESS" }),
                "the field `nonce_str` holds `&result_code=`",
            ),
        ] {
            let altered = signed(altered);
            assert_eq!(altered[SIGN], sign, "the same sign fits");
            let err = verify(&altered, KEY).unwrap_err();
            assert!(err.is_signature());
            let err = err.not_sent().to_string();
            assert!(err.starts_with(message), "{err}");
        }
    }

    #[test]
    fn a_numbered_field_is_found_too() {
        let fields = signed(json!({ "cash_fee": "1&coupon_fee_0=2", "mch_id": "1" }));
        assert!(verify(&fields, KEY).unwrap_err().is_signature());
    }

    #[test]
    fn a_value_that_looks_like_fields_is_only_text_elsewhere() {
        for attach in [
            "type=1&out_trade_no=5", // sorts behind the next field
            "a=1&appid=2",           // before this one
            "a=1&attach=2",          // this one
            "a=1&bank_type=2",       // one that is there
            "a=1&attachment=2",      // between, but nothing documented
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
    fn no_sign_is_made_that_a_forged_notification_could_carry() {
        let name = "a&mch_id=1&return_code=SUCCESS&total_fee=100&z=";
        let err = sign(&with("attach", json!(name)), KEY, SignType::Md5).unwrap_err();
        assert!(err.is_request());
        assert!(
            err.to_string()
                .starts_with("the field `attach` holds `&return_code=`"),
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
