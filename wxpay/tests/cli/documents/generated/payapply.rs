// POST v2/transit/pay/payapply: 申请扣款
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
    /// Required.
    pub sign_type: RequestSignType,
    /// Required.
    pub body: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach: Option<String>,
    /// Required.
    pub out_trade_no: String,
    /// Required. In fen.
    #[serde(with = "text")]
    pub total_fee: i64,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_type: Option<String>,
    /// Required.
    pub spbill_create_ip: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_tag: Option<String>,
    /// Required.
    pub notify_url: String,
    /// Required.
    pub trade_type: RequestTradeType,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_id: Option<String>,
    /// Required.
    pub trade_scene: RequestTradeScene,
    /// Required. The JSON text of [`RequestSceneInfo`].
    pub scene_info: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clientip: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviceid: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qq: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creid: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outerid: Option<String>,
    /// Required.
    pub version: RequestVersion,
}

/// A value of `sign_type`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestSignType {
    #[serde(rename = "HMAC-SHA256")]
    HmacSha256,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// A value of `trade_type`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestTradeType {
    #[serde(rename = "PAP")]
    Pap,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// A value of `trade_scene`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestTradeScene {
    #[serde(rename = "METRO")]
    Metro,
    #[serde(rename = "BUS")]
    Bus,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// The JSON text in `scene_info`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestSceneInfo {
    /// Required.
    pub scene_info: RequestSceneInfoSceneInfo,
}

/// The object `scene_info.scene_info`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestSceneInfoSceneInfo {
    /// Required.
    pub start_time: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qrcode_hash: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_station: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_station: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_name: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plate_number: Option<String>,
}

/// A value of `version`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestVersion {
    #[serde(rename = "2.0")]
    V2_0,
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
    pub appid: String,
    /// Required.
    pub mch_id: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_info: Option<String>,
    /// Required.
    pub nonce_str: String,
    /// Required.
    pub sign: String,
    /// Required.
    pub result_code: ResponseResultCode,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err_code: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err_code_des: Option<String>,
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
