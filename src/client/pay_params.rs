//! The parameters with which a front end opens the payment.

use std::{fmt, sync::Arc};

use super::{
    Call, Client,
    core::{Core, now},
};
use crate::{
    base::crypto,
    error::{Cause, cause},
    protocol::{
        sign::pay_params::{FrontEnd, PayParams, Prepay},
        v2::sign::SignType,
    },
};

impl Client {
    /// Starts the parameters that open the payment on a page inside WeChat: for
    /// `getBrandWCPayRequest` and `wx.chooseWXPay`. Follows "JSAPI调起支付".
    ///
    /// H5 and Native payments need no parameters.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// use wechatpay_chain::{Value, json};
    ///
    /// let order = client.chain("v3/pay/transactions/jsapi").post(json!({ "json": {
    ///     "appid": "wx8888888888888888", "mchid": "1900000109", // …
    /// } }))?;
    /// let prepay_id = order.json::<Value>()?["prepay_id"].as_str().unwrap_or_default().to_owned();
    ///
    /// let params = client.jsapi_params("wx8888888888888888", prepay_id).build()?;
    /// println!("WeixinJSBridge.invoke('getBrandWCPayRequest', {params})");
    /// # Ok(())
    /// # }
    /// ```
    pub fn jsapi_params(
        &self,
        appid: impl Into<String>,
        prepay_id: impl Into<String>,
    ) -> PayParamsBuilder {
        self.params(FrontEnd::Jsapi, appid.into(), prepay_id.into())
    }

    /// Starts the parameters that open the payment in a mini program: for `wx.requestPayment`. Follows
    /// "小程序调起支付".
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// # let prepay_id = "wx201410272009395522657a690389285100";
    /// let params = client.mini_program_params("wx8888888888888888", prepay_id).build()?;
    /// println!("{params}"); // JSON for wx.requestPayment
    /// # Ok(())
    /// # }
    /// ```
    pub fn mini_program_params(
        &self,
        appid: impl Into<String>,
        prepay_id: impl Into<String>,
    ) -> PayParamsBuilder {
        // A mini program signs the same message and takes the same fields as a page.
        self.params(FrontEnd::Jsapi, appid.into(), prepay_id.into())
    }

    /// Starts the parameters that open the payment in an app: for `PayReq`. Follows "APP调起支付".
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// # let prepay_id = "wx201410272009395522657a690389285100";
    /// let params = client.app_params("wx8888888888888888", prepay_id).build()?;
    /// println!("{params}"); // JSON with the fields of PayReq
    /// # Ok(())
    /// # }
    /// ```
    pub fn app_params(
        &self,
        appid: impl Into<String>,
        prepay_id: impl Into<String>,
    ) -> PayParamsBuilder {
        self.params(FrontEnd::App, appid.into(), prepay_id.into())
    }

    fn params(&self, front_end: FrontEnd, appid: String, prepay_id: String) -> PayParamsBuilder {
        let core = Arc::clone(self.root.core_arc());
        PayParamsBuilder {
            prepay: Prepay {
                front_end,
                appid,
                prepay_id,
                partnerid: core.mchid.clone(),
            },
            v2: None,
            core,
        }
    }
}

/// Builds the parameters that open a payment. Defaults to an APIv3 signature.
#[must_use = "nothing is signed until `build` is called"]
pub struct PayParamsBuilder {
    core: Arc<Core>,
    prepay: Prepay,
    v2: Option<SignType>,
}

impl PayParamsBuilder {
    /// Signs with MD5 and the APIv2 key, for an APIv2 order.
    pub fn v2(mut self) -> Self {
        self.v2 = Some(SignType::Md5);
        self
    }

    /// Signs with HMAC-SHA256 and the APIv2 key, for an APIv2 order that was itself signed so.
    pub fn v2_hmac_sha256(mut self) -> Self {
        self.v2 = Some(SignType::HmacSha256);
        self
    }

    /// Sets the merchant that an app pays (`partnerid`). Defaults to the client's `mchid`. Has no effect
    /// on a page or a mini program.
    pub fn partnerid(mut self, mchid: impl Into<String>) -> Self {
        self.prepay.partnerid = Some(mchid.into());
        self
    }

    /// The async form of [`build`](PayParamsBuilder::build).
    pub fn build_async(self) -> Call<PayParams> {
        Call::new(async move { self.sign().await.map_err(Cause::not_sent) })
    }

    async fn sign(self) -> cause::Result<PayParams> {
        let Self { core, prepay, v2 } = self;
        prepay.check()?;
        let nonce = crypto::nonce()?;
        match v2 {
            Some(sign_type) => prepay.sign_v2(core.apiv2_key()?, sign_type, now(), &nonce),
            // The front end gets the signature but not its serial, so the key must be the one that WeChat
            // Pay knows as current.
            None => prepay.sign_v3(core.merchant_key()?, now(), &nonce).await,
        }
    }

    pub(crate) fn signs_locally(&self) -> bool {
        self.v2.is_some() || self.core.signs_locally()
    }
}

impl fmt::Debug for PayParamsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayParamsBuilder")
            .field("front_end", &self.prepay.front_end)
            .field("appid", &self.prepay.appid)
            .field("v2", &self.v2)
            .finish_non_exhaustive()
    }
}
