//! What a customer does with payments, and what becomes of refunds.

use serde_json::Value;

use crate::sandbox::handle::Sandbox;
use crate::{
    error::{Cause, Result},
    sandbox::{
        dispatch::refusal::Refusal,
        flows::payments::{
            pay::engine,
            phone,
            refund::{self, RefundFailure},
        },
        state::world::Store,
    },
};

impl Sandbox {
    /// Opens a payment on the customer's phone with the parameters of a front end, and pays it.
    ///
    /// `params` is what a page, a mini program or an app passes on, as
    /// [`PayParams::to_json`](crate::PayParams::to_json) returns it, or an object with a `code_url` or an
    /// `h5_url`. They are checked as WeChat checks them: the app, the merchant, the `prepay_id` and the
    /// signature with the merchant's key. The same is available to other programs as
    /// `POST /_sandbox/v1/phone/pay`.
    ///
    /// ```
    /// use wechatpay_chain::{Value, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// let prepaid = client.chain("v3/pay/transactions/jsapi").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "mchid": sandbox.mchid(),
    ///     "description": "Tea",
    ///     "out_trade_no": "tea-0001",
    ///     "notify_url": "https://example.com/notify",
    ///     "amount": { "total": 100 },
    ///     "payer": { "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
    /// }}))?;
    /// let prepay_id = prepaid.json::<Value>()?["prepay_id"].as_str().unwrap_or_default().to_owned();
    /// let params = client.jsapi_params(sandbox.appid(), prepay_id).build()?;
    /// sandbox.phone_pays(&params.to_json())?;
    /// assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("SUCCESS"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error with the reason if WeChat would refuse the parameters, and if the order cannot be
    /// paid.
    pub fn phone_pays(&self, params: &Value) -> Result<()> {
        let Value::Object(params) = params else {
            let message = "the front end's parameters must be a JSON object";
            return Err(Cause::request(message).not_sent());
        };
        self.check_may_act()?;
        phone::pay(&self.state, params).map_err(Refusal::into_error)?;
        Ok(())
    }

    /// Returns a code that a customer shows to the cashier: the `auth_code` of a code payment. Each pays
    /// once. From 1,000 yuan on, the order waits for
    /// [`user_enters_password`](Self::user_enters_password).
    pub fn auth_code(&self) -> String {
        self.state.world().number("13", 18)
    }

    /// Enters the password for a code payment that waits for it: `USERPAYING` becomes `SUCCESS`.
    ///
    /// # Errors
    /// Returns an error if there is no such order or it does not wait.
    pub fn user_enters_password(&self, out_trade_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        self.change(
            "order",
            out_trade_no,
            has_order(out_trade_no),
            |world, mchid| engine::enter_password(world, mchid, out_trade_no, now),
        )
    }

    /// Lets the customer's payment of an order fail. A code payment that waits for a password becomes
    /// `PAYERROR`; so does a deduction, of which the merchant is notified. Another order stays `NOTPAY`: the
    /// customer can try again.
    ///
    /// # Errors
    /// Returns an error if there is no such order or it is paid or closed.
    pub fn user_fails(&self, out_trade_no: &str) -> Result<()> {
        self.change(
            "order",
            out_trade_no,
            has_order(out_trade_no),
            |world, mchid| engine::fail(world, mchid, out_trade_no),
        )
    }

    /// Lets a refund succeed: `PROCESSING` becomes `SUCCESS`, and the merchant is notified. Without it, that
    /// happens when the time of [`settle_after`](crate::sandbox::SandboxBuilder::settle_after) has passed.
    ///
    /// # Errors
    /// Returns an error if there is no such refund or it is not `PROCESSING`.
    pub fn refund_succeeds(&self, out_refund_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        self.change(
            "refund",
            out_refund_no,
            has_refund(out_refund_no),
            |world, mchid| refund::refund_succeeds(world, mchid, out_refund_no, now),
        )
    }

    /// Lets a refund fail: `PROCESSING` becomes `ABNORMAL` or `CLOSED`, and the merchant is notified.
    ///
    /// # Errors
    /// Returns an error if there is no such refund or it is not `PROCESSING`.
    pub fn refund_fails(&self, out_refund_no: &str, failure: RefundFailure) -> Result<()> {
        let now = self.state.clock.now();
        self.change(
            "refund",
            out_refund_no,
            has_refund(out_refund_no),
            |world, mchid| refund::refund_fails(world, mchid, out_refund_no, failure, now),
        )
    }
}

fn has_order(out_trade_no: &str) -> impl Fn(&Store) -> bool {
    move |store| store.pay.transactions.get(out_trade_no).is_some()
}

fn has_refund(out_refund_no: &str) -> impl Fn(&Store) -> bool {
    move |store| store.refund.refunds.get(out_refund_no).is_some()
}
