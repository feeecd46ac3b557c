// POST v2/pay/refundquery: 查询退款
// Made by `wxpay types` from the documents of 2026-11-26.

/// The options map of the request: `Options::from(serde_json::to_value(&request)?)`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Request {
    /// Required.
    pub xml: RequestBody,
}

/// The body, `xml`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestBody {
    /// Required.
    pub appid: String,
    /// Required.
    pub mch_id: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_appid: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_mch_id: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_type: Option<RequestSignType>,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_trade_no: Option<String>,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_refund_no: Option<String>,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<String>,
    /// Optional.
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub offset: Option<i64>,
}

/// A value of `sign_type`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestSignType {
    #[serde(rename = "MD5")]
    Md5,
    #[serde(rename = "HMAC-SHA256")]
    HmacSha256,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// The body of the response.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Response {
    /// Required.
    pub return_code: ResponseReturnCode,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_msg: Option<String>,
    /// Required.
    pub result_code: ResponseResultCode,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err_code: Option<String>,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err_code_des: Option<String>,
    /// Required.
    pub appid: String,
    /// Required.
    pub mch_id: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_appid: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_mch_id: Option<String>,
    /// Required.
    pub nonce_str: String,
    /// Required.
    pub sign: String,
    /// Optional.
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_refund_count: Option<i64>,
    /// Required.
    pub transaction_id: String,
    /// Required.
    pub out_trade_no: String,
    /// Required. In fen.
    #[serde(with = "text")]
    pub total_fee: i64,
    /// Optional. In fen.
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub settlement_total_fee: Option<i64>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_type: Option<String>,
    /// Required. In fen.
    #[serde(with = "text")]
    pub cash_fee: i64,
    /// Required.
    #[serde(with = "text")]
    pub refund_count: i64,
    /// All other fields: `out_refund_no_$n`, `refund_id_$n`, `refund_channel_$n`, `refund_fee_$n`, `settlement_refund_fee_$n`, `coupon_type_$n_$m`, `coupon_refund_fee_$n`, `coupon_refund_count_$n`, `coupon_refund_id_$n_$m`, `coupon_refund_fee_$n_$m`, `refund_status_$n`, `refund_account_$n`, `refund_recv_accout_$n`, `refund_success_time_$n`, where `$n` is a number from 0.
    #[serde(flatten)]
    pub numbered: serde_json::Map<String, serde_json::Value>,
}

impl Response {
    /// `out_refund_no_$n`
    pub fn out_refund_no(&self, n: usize) -> Option<&str> {
        let name = format!("out_refund_no_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `refund_id_$n`
    pub fn refund_id(&self, n: usize) -> Option<&str> {
        let name = format!("refund_id_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `refund_channel_$n`
    pub fn refund_channel(&self, n: usize) -> Option<&str> {
        let name = format!("refund_channel_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `refund_fee_$n`
    pub fn refund_fee(&self, n: usize) -> Option<&str> {
        let name = format!("refund_fee_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `settlement_refund_fee_$n`
    pub fn settlement_refund_fee(&self, n: usize) -> Option<&str> {
        let name = format!("settlement_refund_fee_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `coupon_type_$n_$m`
    pub fn coupon_type(&self, n: usize, m: usize) -> Option<&str> {
        let name = format!("coupon_type_{n}_{m}");
        self.numbered.get(&name)?.as_str()
    }

    /// `coupon_refund_fee_$n`
    pub fn coupon_refund_fee(&self, n: usize) -> Option<&str> {
        let name = format!("coupon_refund_fee_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `coupon_refund_count_$n`
    pub fn coupon_refund_count(&self, n: usize) -> Option<&str> {
        let name = format!("coupon_refund_count_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `coupon_refund_id_$n_$m`
    pub fn coupon_refund_id(&self, n: usize, m: usize) -> Option<&str> {
        let name = format!("coupon_refund_id_{n}_{m}");
        self.numbered.get(&name)?.as_str()
    }

    /// `coupon_refund_fee_$n_$m`
    pub fn coupon_refund_fee2(&self, n: usize, m: usize) -> Option<&str> {
        let name = format!("coupon_refund_fee_{n}_{m}");
        self.numbered.get(&name)?.as_str()
    }

    /// `refund_status_$n`
    pub fn refund_status(&self, n: usize) -> Option<&str> {
        let name = format!("refund_status_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `refund_account_$n`
    pub fn refund_account(&self, n: usize) -> Option<&str> {
        let name = format!("refund_account_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `refund_recv_accout_$n`
    pub fn refund_recv_accout(&self, n: usize) -> Option<&str> {
        let name = format!("refund_recv_accout_{n}");
        self.numbered.get(&name)?.as_str()
    }

    /// `refund_success_time_$n`
    pub fn refund_success_time(&self, n: usize) -> Option<&str> {
        let name = format!("refund_success_time_{n}");
        self.numbered.get(&name)?.as_str()
    }
}

/// A value of `return_code`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum ResponseReturnCode {
    #[serde(rename = "SUCCESS")]
    Success,
    #[serde(rename = "FAIL")]
    Fail,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// A value of `result_code`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum ResponseResultCode {
    #[serde(rename = "SUCCESS")]
    Success,
    #[serde(rename = "FAIL")]
    Fail,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// Whole numbers that are text on the wire.
#[allow(dead_code)]
mod text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Whole(i64),
        Text(String),
    }

    pub fn serialize<S: Serializer>(value: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        match Number::deserialize(deserializer)? {
            Number::Whole(value) => Ok(value),
            Number::Text(text) => text.parse().map_err(Error::custom),
        }
    }

    pub mod option {
        use super::*;

        pub fn serialize<S: Serializer>(
            value: &Option<i64>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => serializer.collect_str(value),
                None => serializer.serialize_none(),
            }
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<i64>, D::Error> {
            match Option::<Number>::deserialize(deserializer)? {
                None => Ok(None),
                // An empty element of XML.
                Some(Number::Text(text)) if text.is_empty() => Ok(None),
                Some(Number::Whole(value)) => Ok(Some(value)),
                Some(Number::Text(text)) => text.parse().map(Some).map_err(Error::custom),
            }
        }
    }
}
