// POST v3/pay/transactions/native: Native下单
// Made by `wxpay types` from the documents of 2026-11-26.

/// The options map of the request: `Options::from(serde_json::to_value(&request)?)`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Request {
    /// Required.
    pub json: RequestBody,
    /// The client sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<RequestHeaders>,
}

/// The body, `json`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestBody {
    /// Required.
    pub appid: String,
    /// Required.
    pub mchid: String,
    /// Required.
    pub description: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach: Option<String>,
    /// Required.
    pub out_trade_no: String,
    /// Required.
    pub amount: RequestAmount,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_expire: Option<String>,
    /// Required.
    pub notify_url: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_tag: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_pay: Option<Vec<RequestLimitPay>>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_fapiao: Option<bool>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<RequestDetail>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_info: Option<RequestSceneInfo>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<RequestPayer>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle_info: Option<RequestSettleInfo>,
}

/// The object `amount`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestAmount {
    /// Required. In fen.
    pub total: i64,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// A value of `limit_pay`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestLimitPay {
    #[serde(rename = "no_balance")]
    NoBalance,
    #[serde(rename = "no_credit")]
    NoCredit,
    #[serde(rename = "no_debit")]
    NoDebit,
    #[serde(rename = "balance_only")]
    BalanceOnly,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// The object `detail`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestDetail {
    /// Optional. In fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_price: Option<i64>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_id: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_detail: Option<Vec<RequestDetailGoodsDetail>>,
}

/// The object `detail.goods_detail`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestDetailGoodsDetail {
    /// Required.
    pub merchant_goods_id: String,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechatpay_goods_id: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_name: Option<String>,
    /// Required.
    pub quantity: i64,
    /// Required. In fen.
    pub unit_price: i64,
}

/// The object `scene_info`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestSceneInfo {
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_client_ip: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_info: Option<RequestSceneInfoStoreInfo>,
}

/// The object `scene_info.store_info`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestSceneInfoStoreInfo {
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_code: Option<String>,
    /// Required in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// The object `payer`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestPayer {
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<RequestPayerIdentity>,
}

/// The object `payer.identity`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestPayerIdentity {
    /// Required.
    pub r#type: RequestPayerIdentityType,
    /// Required. Encrypted with RSA-OAEP.
    pub number: String,
    /// Required. Encrypted with RSA-OAEP.
    pub name: String,
}

/// A value of `payer.identity.type`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum RequestPayerIdentityType {
    #[serde(rename = "IDCARD")]
    Idcard,
    #[serde(rename = "HONGKONG_MACAO")]
    HongkongMacao,
    #[serde(rename = "HONGKONG_MACAO_RESIDENT")]
    HongkongMacaoResident,
    #[serde(rename = "TAIWAN_RESIDENT")]
    TaiwanResident,
    #[serde(rename = "FOREIGN_RESIDENT")]
    ForeignResident,
    #[serde(rename = "OVERSEA_PASSPORT")]
    OverseaPassport,
    #[serde(rename = "PHONE_NUMBER")]
    PhoneNumber,
    /// A value that is not documented.
    #[serde(untagged)]
    Other(String),
}

/// The object `settle_info`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RequestSettleInfo {
    /// Optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profit_sharing: Option<bool>,
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
    pub code_url: String,
}
