//! Made-up values, by the name and the type of their field.

use serde_json::Value;

use super::{fill::Form, sample};
use crate::{
    catalog::Kind,
    sandbox::{
        state::random::Rng,
        time::{format_compact, format_rfc3339},
    },
};

/// What made-up values are made from. Equal ones make equal values.
pub(crate) struct Values<'a> {
    pub(crate) seed: u64,
    /// The sandbox's time, in seconds since 1970.
    pub(crate) now: u64,
    /// Scheme, host and port of the sandbox.
    pub(crate) origin: &'a str,
    pub(crate) mchid: &'a str,
    pub(crate) appid: &'a str,
    pub(crate) form: Form,
}

impl Values<'_> {
    /// Returns a value of a type that is not a list. `documented` are the field's listed values.
    pub(crate) fn of(&self, name: &str, kind: Kind, documented: &[&str]) -> Value {
        let is_failure = |value: &&&str| {
            ["FAIL", "ERROR", "REJECT"]
                .iter()
                .any(|w| value.contains(w))
        };
        // The hash of the sample file.
        let is_sha1 = |value: &&&str| name == "hash_type" && **value == "SHA1";
        let listed = (documented.iter().find(is_sha1))
            .or_else(|| documented.iter().find(|value| !is_failure(value)))
            .or(documented.first())
            .copied();
        match kind {
            Kind::Integer | Kind::Number => {
                match listed.and_then(|text| text.parse::<i64>().ok()) {
                    Some(number) => number.into(),
                    None => self.number(name).into(),
                }
            }
            Kind::Boolean => false.into(),
            Kind::Object => Value::Object(serde_json::Map::new()),
            _ => match listed {
                Some(text) => text.into(),
                None => self.text(name).into(),
            },
        }
    }

    fn number(&self, name: &str) -> u64 {
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if name == "retcode" {
            0
        } else if ends(&["time", "timestamp"]) {
            self.now
        } else if ends(&["_id", "_no", "_number"]) {
            // Less than 2^53: every JSON reader keeps it.
            1_000_000_000_000 + self.rng(name).below(8_000_000_000_000)
        } else if ends(&["limit"]) {
            10
        } else if ends(&["offset"]) {
            0
        } else if ["amount", "fee", "total", "price"]
            .iter()
            .any(|part| name.contains(part))
        {
            100
        } else {
            1
        }
    }

    fn text(&self, name: &str) -> String {
        let mut rng = self.rng(name);
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        let numbered = |prefix: &str, length: usize, rng: &mut Rng| {
            format!("{prefix}{}", rng.digits(length - prefix.len()))
        };
        match name {
            "return_code" | "result_code" | "resp_code" => "SUCCESS".to_owned(),
            "return_msg" | "result_msg" | "resp_desc" | "retmsg" => "OK".to_owned(),
            "mchid" | "mch_id" | "sp_mchid" | "combine_mchid" => self.mchid.to_owned(),
            "appid" | "sp_appid" | "combine_appid" | "mch_appid" => self.appid.to_owned(),
            "transaction_id" => numbered("4200", 28, &mut rng),
            "refund_id" => numbered("5030", 28, &mut rng),
            "prepay_id" => format!("wx{}{}", format_compact(self.now), rng.token(20)),
            "code_url" => format!("weixin://wxpay/bizpayurl?pr={}", rng.token(9)),
            "bank_type" => "OTHERS".to_owned(),
            "hash_type" => "SHA1".to_owned(),
            "hash_value" => sample::sha1(),
            "download_url" => sample::url(self.origin, &rng.token(32)),
            "sha256" => rng.hex(64).to_lowercase(),
            "package_info" | "token" => rng.token(64),
            _ if ends(&["currency", "fee_type", "currency_type"]) => "CNY".to_owned(),
            _ if ends(&["mchid", "mch_id"]) => numbered("19", 10, &mut rng),
            _ if ends(&["appid"]) => format!("wx{}", rng.hex(16).to_lowercase()),
            _ if ends(&["openid"]) => format!("oSANDBOX{}", rng.token(20)),
            _ if ends(&["time_end", "time_start", "time_expire"]) => format_compact(self.now),
            _ if ends(&["time"]) && self.form == Form::Text => format_compact(self.now),
            _ if ends(&["time"]) => format_rfc3339(self.now),
            _ if ends(&["date", "day"]) => format_rfc3339(self.now).chars().take(10).collect(),
            _ if ends(&["url", "uri", "link"]) => {
                format!("{}/_sandbox/v1/made-up/{}", self.origin, rng.token(16))
            }
            _ if ends(&["state", "status"]) => "SUCCESS".to_owned(),
            _ if ends(&["phone", "mobile", "phone_number", "tel"]) => numbered("138", 11, &mut rng),
            _ if ends(&["ip"]) => "127.0.0.1".to_owned(),
            _ if ends(&["nonce_str", "nonce"]) => rng.token(32),
            _ if ends(&["_id", "_no", "_number", "_code", "_sn"]) || name == "id" => {
                numbered("20", 20, &mut rng)
            }
            _ if ["amount", "fee", "total", "price", "count", "num"].contains(&name) => {
                self.number(name).to_string()
            }
            _ if ends(&["_amount", "_fee", "_count", "_num"]) => self.number(name).to_string(),
            _ => "测试".to_owned(),
        }
    }

    /// Returns a generator for one field, so that the order of fields does not matter.
    fn rng(&self, name: &str) -> Rng {
        Rng::from_seed(self.seed ^ hash(name.as_bytes()))
    }
}

/// FNV-1a. It spreads seeds and protects nothing.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(seed: u64) -> Values<'static> {
        Values {
            seed,
            now: 1_528_425_296,
            origin: "http://127.0.0.1:1",
            mchid: "1900000109",
            appid: "wx8888888888888888",
            form: Form::Json,
        }
    }

    #[test]
    fn values_look_like_their_name() {
        let values = values(1);
        let text = |name| values.of(name, Kind::String, &[]);
        assert_eq!(text("create_time"), "2018-06-08T10:34:56+08:00");
        assert_eq!(text("bill_date"), "2018-06-08");
        assert_eq!(text("mchid"), "1900000109");
        assert_eq!(text("transaction_id").as_str().unwrap().len(), 28);
        assert_eq!(text("create_state"), "SUCCESS");
        assert_eq!(values.of("create_time", Kind::Integer, &[]), 1_528_425_296);
        assert_eq!(
            values.of("state", Kind::String, &["FAILED", "DONE"]),
            "DONE"
        );
        assert_eq!(values.of("level", Kind::Integer, &["3", "4"]), 3);
    }

    #[test]
    fn seed_and_name_decide_a_number() {
        let number = |seed, name| values(seed).of(name, Kind::String, &[]);
        assert_eq!(number(1, "apply_id"), number(1, "apply_id"));
        assert_ne!(number(1, "apply_id"), number(2, "apply_id"));
        assert_ne!(number(1, "apply_id"), number(1, "batch_id"));
    }
}
