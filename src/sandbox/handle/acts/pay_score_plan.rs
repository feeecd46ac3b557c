//! What a user does with the plans of pay-score, and what WeChat Pay decides about bindings to a service.

use crate::sandbox::handle::Sandbox;
use crate::{
    error::Result,
    sandbox::{flows::agreements::service_order, state::world::Store},
};

impl Sandbox {
    /// Signs a plan of pay-score as its user: `UNSIGNED` becomes `SIGNED`. The merchant is notified.
    ///
    /// ```
    /// use wechatpay_chain::{Value, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// let plan: Value = client.chain("v3/payscore/plan/payscore-plans").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "service_id": "500001",
    ///     "merchant_plan_no": "plan-0001",
    ///     "plan_name": "A lesson",
    ///     "plan_duration": 30,
    ///     "deduction_quantity": 1,
    ///     "total_original_price": 100,
    ///     "total_actual_price": 90,
    ///     "plan_detail_list": [
    ///         { "plan_detail_name": "Lesson 1", "original_price": 100, "actual_price": 90 },
    ///     ],
    /// }}))?.json()?;
    /// client.chain("v3/payscore/sign-plan/user-sign-plans").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "service_id": "500001",
    ///     "plan_id": plan["plan_id"],
    ///     "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    ///     "merchant_sign_plan_no": "sign-0001",
    ///     "notify_url": "https://example.com/notify",
    ///     "sign_plan_detail": [{ "plan_detail_no": 1, "merchant_plan_detail_no": "lesson-0001" }],
    /// }}))?;
    ///
    /// sandbox.user_signs_plan("sign-0001")?;
    ///
    /// assert_eq!(sandbox.deliveries()[0].event_type(), "PAYSCORE.USER_SIGN_PLAN");
    /// sandbox.user_cancels_plan("sign-0001")?;
    /// assert_eq!(sandbox.deliveries()[1].event_type(), "PAYSCORE.USER_CANCEL_SIGN_PLAN");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if nothing with this number waits for the user.
    pub fn user_signs_plan(&self, merchant_sign_plan_no: &str) -> Result<()> {
        let (now, number) = (self.state.clock.now(), merchant_sign_plan_no);
        self.change("signed plan", number, has_plan(number), |world, mchid| {
            service_order::sign_plan(world, mchid, number, now)
        })
    }

    /// Cancels a plan of pay-score as its user, signed or not: it becomes `SIGN_PLAN_CANCEL`. The merchant is
    /// notified. A service order that was made of it goes on. The example of
    /// [`user_signs_plan`](Self::user_signs_plan) does so, too.
    ///
    /// # Errors
    /// Returns an error if there is no such plan or it has ended.
    pub fn user_cancels_plan(&self, merchant_sign_plan_no: &str) -> Result<()> {
        let (now, number) = (self.state.clock.now(), merchant_sign_plan_no);
        self.change("signed plan", number, has_plan(number), |world, mchid| {
            service_order::cancel_plan(world, mchid, number, now)
        })
    }

    /// Binds a sub-merchant to a service of pay-score, which its service provider applied for: `PROCESSING`
    /// becomes `APPROVED`. The service provider is notified. Without it, that happens when the time of
    /// [`settle_after`](crate::sandbox::SandboxBuilder::settle_after) has passed.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::{MerchantOptions, Sandbox}};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let provider = MerchantOptions::new("1900000109").partner_of(["1900000110"]);
    /// let provider = sandbox.add_merchant(provider)?;
    /// let client = provider.client_builder().build()?;
    /// client.chain("v3/payscore/partner/service-account-applications").post(json!({ "json": {
    ///     "service_id": "500001",
    ///     "appid": provider.appid(),
    ///     "sub_mchid": "1900000110",
    ///     "out_apply_no": "apply-0001",
    ///     "result_notify_url": "https://example.com/notify",
    /// }}))?;
    ///
    /// sandbox.service_binding_is_approved("apply-0001")?;
    ///
    /// assert_eq!(sandbox.deliveries()[0].resource()["apply_state"], "APPROVED");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such application or it was decided.
    pub fn service_binding_is_approved(&self, out_apply_no: &str) -> Result<()> {
        let has_it = has_binding(out_apply_no);
        self.change("application", out_apply_no, has_it, |world, mchid| {
            service_order::approve_binding(world, mchid, out_apply_no)
        })
    }

    /// Rejects what [`service_binding_is_approved`](Self::service_binding_is_approved) approves, for this
    /// reason: `PROCESSING` becomes `REJECTED`. The service provider is notified.
    ///
    /// ```
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = wechatpay_chain::sandbox::Sandbox::start()?;
    /// assert!(sandbox.service_binding_is_rejected("apply-0001", "no such application").is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such application or it was decided.
    pub fn service_binding_is_rejected(&self, out_apply_no: &str, reason: &str) -> Result<()> {
        let has_it = has_binding(out_apply_no);
        self.change("application", out_apply_no, has_it, |world, mchid| {
            service_order::reject_binding(world, mchid, out_apply_no, reason)
        })
    }
}

fn has_plan(merchant_sign_plan_no: &str) -> impl Fn(&Store) -> bool {
    move |store| {
        let signed = &store.service_orders.signed;
        signed.get(merchant_sign_plan_no).is_some()
    }
}

fn has_binding(out_apply_no: &str) -> impl Fn(&Store) -> bool {
    move |store| {
        let bindings = &store.service_orders.bindings;
        bindings.get(out_apply_no).is_some()
    }
}
