//! Calling up payment: what a front end is handed.

use std::{fmt, sync::Arc};

use super::{
    Client,
    core::{Core, now},
};
use crate::{
    base::crypto,
    error::{Cause, Result, cause},
    protocol::{
        pay_params::{Call, FrontEnd, PayParams},
        v2::sign::SignType,
    },
    wire::InRuntime,
};

impl Client {
    /// Begins the parameters with which a front end calls up payment: for a page inside WeChat, a
    /// mini program, or an app. H5 and Native need none.
    ///
    /// ```no_run
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// use serde_json::{Value, json};
    ///
    /// let order = client.chain("v3/pay/transactions/jsapi").post(json!({ "json": {
    ///     "appid": "wx8888888888888888", "mchid": "1900000109", // …
    /// } }))?;
    /// let prepay_id = order.json::<Value>()?["prepay_id"].as_str().unwrap_or_default().to_owned();
    ///
    /// let params = client.pay_params().jsapi("wx8888888888888888", prepay_id).build()?;
    /// println!("WeixinJSBridge.invoke('getBrandWCPayRequest', {params})");
    /// # Ok(())
    /// # }
    /// ```
    pub fn pay_params(&self) -> PayParamsFor {
        PayParamsFor {
            core: Arc::clone(self.root.core_arc()),
        }
    }
}

/// Asks for which front end the parameters are: from [`Client::pay_params`].
#[must_use]
pub struct PayParamsFor {
    core: Arc<Core>,
}

impl PayParamsFor {
    /// For a page inside WeChat: `getBrandWCPayRequest`, `wx.chooseWXPay`. By "JSAPI调起支付".
    pub fn jsapi(self, appid: impl Into<String>, prepay_id: impl Into<String>) -> PayParamsBuilder {
        self.of(FrontEnd::Jsapi, appid.into(), prepay_id.into())
    }

    /// For a mini program: `wx.requestPayment`. By "小程序调起支付".
    pub fn mini_program(
        self,
        appid: impl Into<String>,
        prepay_id: impl Into<String>,
    ) -> PayParamsBuilder {
        self.of(FrontEnd::Jsapi, appid.into(), prepay_id.into())
    }

    /// For an app: `PayReq`. By "APP调起支付".
    pub fn app(self, appid: impl Into<String>, prepay_id: impl Into<String>) -> PayParamsBuilder {
        self.of(FrontEnd::App, appid.into(), prepay_id.into())
    }

    fn of(self, front_end: FrontEnd, appid: String, prepay_id: String) -> PayParamsBuilder {
        PayParamsBuilder {
            call: Call {
                front_end,
                appid,
                prepay_id,
                partnerid: self.core.mchid.clone(),
            },
            v2: None,
            core: self.core,
        }
    }
}

impl fmt::Debug for PayParamsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayParamsFor").finish_non_exhaustive()
    }
}

/// The parameters before they are signed: signed by APIv3's rules, unless told otherwise.
#[must_use = "nothing is signed until it is built"]
pub struct PayParamsBuilder {
    core: Arc<Core>,
    call: Call,
    v2: Option<SignType>,
}

impl PayParamsBuilder {
    /// For an order of APIv2: signed with MD5 and the APIv2 key.
    pub fn v2(mut self) -> Self {
        self.v2 = Some(SignType::Md5);
        self
    }

    /// For an order of APIv2 that was signed with HMAC-SHA256, and so must these be.
    pub fn v2_hmac_sha256(mut self) -> Self {
        self.v2 = Some(SignType::HmacSha256);
        self
    }

    /// The merchant that an app pays: the client's own `mchid`, unless told. A page and a mini
    /// program do not name it.
    pub fn partnerid(mut self, mchid: impl Into<String>) -> Self {
        self.call.partnerid = Some(mchid.into());
        self
    }

    /// The future of [`build`](PayParamsBuilder::build).
    ///
    /// # Errors
    /// As [`build`](PayParamsBuilder::build).
    pub fn build_async(self) -> impl Future<Output = Result<PayParams>> + Send + 'static {
        self.building()
    }

    pub(crate) fn building(self) -> InRuntime<PayParams> {
        InRuntime::new(async move { self.signed().await.map_err(Cause::not_sent) })
    }

    async fn signed(self) -> cause::Result<PayParams> {
        let Self { core, call, v2 } = self;
        call.check()?;
        let nonce = crypto::nonce()?;
        match v2 {
            Some(sign_type) => call.sign_v2(core.apiv2_key()?, sign_type, now(), &nonce),
            None => call.sign_v3(core.merchant_key()?, now(), &nonce).await,
        }
    }

    pub(crate) fn signs_locally(&self) -> bool {
        self.v2.is_some() || self.core.signs_locally()
    }
}

impl fmt::Debug for PayParamsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayParamsBuilder")
            .field("front_end", &self.call.front_end)
            .field("appid", &self.call.appid)
            .field("v2", &self.v2)
            .finish_non_exhaustive()
    }
}
