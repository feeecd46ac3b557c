//! What a front end calls up payment with.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{
    sign::MerchantKey,
    v2::sign::{SignType, sign},
};
use crate::error::{Cause, cause::Result};

/// The parameters that a front end calls up payment with, signed.
///
/// It serializes as the object that the front end takes, field names and all.
#[derive(Clone)]
pub struct PayParams {
    fields: Map<String, Value>,
}

impl PayParams {
    /// The field `name`, such as `paySign`; empty where these parameters have none of that name.
    pub fn get(&self, name: &str) -> &str {
        self.fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// As a JSON value.
    pub fn to_json(&self) -> Value {
        Value::Object(self.fields.clone())
    }
}

/// As compact JSON.
impl fmt::Display for PayParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_json(), f)
    }
}

/// Shows the names alone: with the values anyone could call up the payment.
impl fmt::Debug for PayParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PayParams")
            .field(&self.fields.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl Serialize for PayParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields.serialize(serializer)
    }
}

/// Which front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrontEnd {
    /// A page inside WeChat, and a mini program, which take the same.
    Jsapi,
    App,
}

/// What is signed and how, before chance and time are added.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) front_end: FrontEnd,
    pub(crate) appid: String,
    pub(crate) prepay_id: String,
    /// The merchant that an app pays.
    pub(crate) partnerid: Option<String>,
}

impl Call {
    /// # Errors
    /// On a value that the front end or the signature could not carry.
    pub(crate) fn check(&self) -> Result<()> {
        check("appid", &self.appid)?;
        if self.prepay_id.starts_with("prepay_id=") {
            return Err(fault(
                "prepay_id",
                "begins with `prepay_id=`: give the bare ID",
            ));
        }
        check("prepay_id", &self.prepay_id)?;
        match (self.front_end, &self.partnerid) {
            (FrontEnd::Jsapi, _) => Ok(()),
            (FrontEnd::App, Some(partnerid)) => check("partnerid", partnerid),
            (FrontEnd::App, None) => Err(Cause::config(
                "this client has no `mchid` to be the app's `partnerid`: give it to the builder, or \
                 the partnerid to the parameters",
            )),
        }
    }

    /// APIv3: four lines, signed with the merchant's RSA key.
    pub(crate) async fn sign_v3(
        &self,
        key: &MerchantKey,
        now: u64,
        nonce: &str,
    ) -> Result<PayParams> {
        let now = now.to_string();
        let package = match self.front_end {
            FrontEnd::Jsapi => format!("prepay_id={}", self.prepay_id),
            FrontEnd::App => self.prepay_id.clone(),
        };
        let lines = [&self.appid, &now, nonce, &package, ""].join("\n");
        let signature = STANDARD.encode(key.sign(lines.as_bytes()).await?.bytes());
        let mut fields = self.fields(&now, nonce);
        match self.front_end {
            FrontEnd::Jsapi => {
                fields.insert("signType".into(), "RSA".into());
                fields.insert("paySign".into(), signature.into());
            }
            FrontEnd::App => {
                fields.insert("sign".into(), signature.into());
            }
        }
        Ok(PayParams { fields })
    }

    /// APIv2: the digest of all fields, keyed with the APIv2 key.
    pub(crate) fn sign_v2(
        &self,
        key: &str,
        sign_type: SignType,
        now: u64,
        nonce: &str,
    ) -> Result<PayParams> {
        let mut fields = self.fields(&now.to_string(), nonce);
        let name = match self.front_end {
            FrontEnd::Jsapi => {
                fields.insert("signType".into(), sign_type.name().into());
                "paySign"
            }
            FrontEnd::App => "sign",
        };
        let signature = sign(&fields, key, sign_type)?;
        fields.insert(name.into(), signature.into());
        Ok(PayParams { fields })
    }

    /// The fields without what depends on the signature, in the documents' order.
    fn fields(&self, now: &str, nonce: &str) -> Map<String, Value> {
        let package = format!("prepay_id={}", self.prepay_id);
        let fields = match self.front_end {
            FrontEnd::Jsapi => vec![
                ("appId", self.appid.as_str()),
                ("timeStamp", now),
                ("nonceStr", nonce),
                ("package", &package),
            ],
            FrontEnd::App => vec![
                ("appid", self.appid.as_str()),
                ("partnerid", self.partnerid.as_deref().unwrap_or_default()),
                ("prepayid", &self.prepay_id),
                ("package", "Sign=WXPay"),
                ("noncestr", nonce),
                ("timestamp", now),
            ],
        };
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect()
    }
}

/// A line break would end the line that is signed, and a `<` the script that a page puts it in.
fn check(name: &str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(fault(name, "is empty"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if value.len() > 128 || !value.bytes().all(plain) {
        let what = format!(
            "of {} bytes is none: letters, digits, `_` and `-`, at most 128",
            value.len()
        );
        return Err(fault(name, &what));
    }
    Ok(())
}

fn fault(name: &str, what: &str) -> Cause {
    Cause::request(format!("pay_params: the {name} {what}"))
}
