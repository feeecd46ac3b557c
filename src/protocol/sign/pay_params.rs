//! The signed parameters with which a front end opens a payment.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::MerchantKey;
use crate::{
    error::{Cause, cause::Result},
    protocol::v2::sign::{SignType, sign},
};

/// The signed parameters with which a front end opens a payment.
///
/// They serialize as the object that the front end passes on: to `wx.requestPayment` (mini program),
/// `WeixinJSBridge.invoke` (a page inside WeChat), or the app's SDK. The set of fields and their
/// names depend on the front end and the version of the API.
///
/// Anyone who has them can open this payment, so `Debug` shows the names only. They contain no key
/// and may be sent to the customer's device.
///
/// ```no_run
/// # fn main() -> wechatpay_chain::Result<()> {
/// # let client = wechatpay_chain::Client::builder().build()?;
/// let params = client
///     .jsapi_params("wxd678efh567hg6787", "wx201410272009395522657a690389285100")
///     .build()?;
/// assert_eq!(params.get("signType"), "RSA");
/// let json = params.to_string(); // for the front end
/// # let _ = json;
/// # Ok(())
/// # }
/// ```
///
/// Official pages: "JSAPI调起支付", "小程序调起支付" and "APP调起支付".
#[derive(Clone)]
pub struct PayParams {
    fields: Map<String, Value>,
}

impl PayParams {
    /// Returns the value of a field such as `paySign`, or an empty string if there is no such field.
    pub fn get(&self, name: &str) -> &str {
        self.fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Returns the parameters as a JSON object.
    pub fn to_json(&self) -> Value {
        Value::Object(self.fields.clone())
    }
}

/// Writes the parameters as compact JSON.
impl fmt::Display for PayParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_json(), f)
    }
}

/// Shows the names only: anyone could open the payment with the values.
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

/// A kind of front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrontEnd {
    /// A page inside WeChat or a mini program. Both take the same parameters.
    Jsapi,
    /// A native app with WeChat's SDK.
    App,
}

/// A prepaid order and the front end to open it in: what is signed, without nonce and time.
#[derive(Clone)]
pub(crate) struct Prepay {
    pub(crate) front_end: FrontEnd,
    pub(crate) appid: String,
    pub(crate) prepay_id: String,
    /// The merchant that an app pays; unused for [`FrontEnd::Jsapi`].
    pub(crate) partnerid: Option<String>,
}

impl Prepay {
    /// # Errors
    /// Returns an error for a value that would corrupt the signed message or the front end's script.
    pub(crate) fn check(&self) -> Result<()> {
        check("appid", &self.appid)?;
        if self.prepay_id.starts_with("prepay_id=") {
            return Err(error(
                "prepay_id",
                "begins with `prepay_id=`: give the ID without it",
            ));
        }
        check("prepay_id", &self.prepay_id)?;
        match (self.front_end, &self.partnerid) {
            (FrontEnd::Jsapi, _) => Ok(()),
            (FrontEnd::App, Some(partnerid)) => check("partnerid", partnerid),
            (FrontEnd::App, None) => Err(Cause::config(
                "an app's parameters need a `partnerid`, and this client has no `mchid` to default to: \
                 give one of the two",
            )),
        }
    }

    /// Signs by the rules of APIv3: four lines, with the merchant's RSA key.
    pub(crate) async fn sign_v3(
        &self,
        key: &MerchantKey,
        now: u64,
        nonce: &str,
    ) -> Result<PayParams> {
        let now = now.to_string();
        // The last line differs: a page signs its `package` field, an app the bare ID.
        let package = match self.front_end {
            FrontEnd::Jsapi => format!("prepay_id={}", self.prepay_id),
            FrontEnd::App => self.prepay_id.clone(),
        };
        // The empty last element ends the last line with `\n`, too.
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

    /// Signs by the rules of APIv2: a digest of all fields, keyed with the APIv2 key.
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
        // Page and app sign all of their fields, under the names that they have in the front end.
        let signature = sign(&fields, key, sign_type)?;
        fields.insert(name.into(), signature.into());
        Ok(PayParams { fields })
    }

    /// Returns the fields that do not depend on the signature, in the documents' order.
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

/// Checks a value against what its IDs can contain.
///
/// A line break would end a signed line early, and `</script>` would end the script that a page puts
/// the value into.
fn check(name: &str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(error(name, "is empty"));
    }
    // Stricter than necessary for the signature, but no genuine ID has other characters.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if value.len() > 128 || !value.bytes().all(plain) {
        let what = format!(
            "({} bytes) is invalid: expected at most 128 letters, digits, `_` and `-`",
            value.len()
        );
        return Err(error(name, &what));
    }
    Ok(())
}

fn error(name: &str, what: &str) -> Cause {
    Cause::request(format!("payment parameters: the {name} {what}"))
}
