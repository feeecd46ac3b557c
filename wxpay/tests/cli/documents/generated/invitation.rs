// GET v3/new-tax-control-fapiao/fapiaomerchant/getspinviteurl: 获取邀请商户开通服务商电子发票能力
// Made by `wxpay types` from the documents of 2026-11-26.

/// The options map of the request: `Options::from(serde_json::to_value(&request)?)`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Request {
    /// Required.
    pub query: RequestQuery,
    /// The client sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<RequestHeaders>,
}

/// The query.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestQuery {
    /// Required.
    pub operation_type: RequestOperationType,
    /// Required.
    pub fapiao_mode: RequestFapiaoMode,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fapiao_ability_type_list: Option<OneOrMany<RequestFapiaoAbilityTypeList>>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_channel: Option<String>,
    /// Optional. Encrypted with RSA-OAEP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operate_user: Option<String>,
    /// Required.
    pub invite_code: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_mchid: Option<String>,
}

/// A value of `operation_type`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestOperationType {
    #[serde(rename = "AUTH_BINDING")]
    AuthBinding,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// A value of `fapiao_mode`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestFapiaoMode {
    #[serde(rename = "THIRD_OR_SELF_FAPIAO")]
    ThirdOrSelfFapiao,
    #[serde(rename = "TENCENT_DIGITAL_TAX")]
    TencentDigitalTax,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// A value of `fapiao_ability_type_list`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestFapiaoAbilityTypeList {
    #[serde(rename = "BASE_ABILITY")]
    BaseAbility,
    #[serde(rename = "REAL_ESTATE_ABILITY")]
    RealEstateAbility,
    #[serde(rename = "PASSENGER_TRANSPORT_ABILITY")]
    PassengerTransportAbility,
    #[serde(rename = "REFINED_OIL_ABILITY")]
    RefinedOilAbility,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// The part `headers`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestHeaders {
    /// The client sets it.
    #[serde(rename = "Wechatpay-Serial", skip_serializing_if = "Option::is_none")]
    pub wechatpay_serial: Option<String>,
}

/// The body of the response.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Response {
    /// Required.
    pub invite_url: String,
    /// Required.
    pub miniprogram_appid: String,
    /// Required.
    pub miniprogram_path: String,
}

/// One value, or a list.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}
