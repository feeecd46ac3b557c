//! What WeChat Pay decides about applications of merchants.

use crate::sandbox::handle::Sandbox;
use crate::{
    error::{Cause, Result},
    sandbox::{
        dispatch::refusal::Refusal,
        flows::merchants::applyment,
        state::world::{Store, World},
    },
};

impl Sandbox {
    /// Lets an application for a merchant pass, by its `business_code` or a platform's `out_request_no`: its
    /// data is confirmed and its contract signed. Returns the ID of the new sub-merchant, for which the
    /// service provider takes payments from now on.
    ///
    /// An application stays as it is until it is decided: no time passes it.
    ///
    /// ```
    /// use wechatpay_chain::{Options, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// let application = json!({
    ///     "out_request_no": "tea_1",
    ///     "organization_type": "2",
    ///     "merchant_shortname": "Tea house",
    ///     "account_info": { "account_number": "6222021234567890123" },
    ///     "contact_info": { "contact_name": "Zhang San", "mobile_phone": "13900000000" },
    ///     "sales_scene_info": { "store_name": "Tea house" },
    /// });
    /// let options = Options::from(json!({ "json": application })).encrypt_documented();
    /// client.chain("v3/ecommerce/applyments/").post(options)?;
    ///
    /// let sub_mchid = sandbox.applyment_passes("tea_1")?;
    /// client.chain("v3/pay/partner/transactions/native").post(json!({ "json": {
    ///     "sp_appid": sandbox.appid(),
    ///     "sp_mchid": sandbox.mchid(),
    ///     "sub_mchid": sub_mchid,
    ///     "description": "A cup of tea",
    ///     "out_trade_no": "tea-0001",
    ///     "notify_url": "https://example.com/notify",
    ///     "amount": { "total": 100 },
    /// }}))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such application, if it waits for the provider, or if it has ended.
    pub fn applyment_passes(&self, business_code: &str) -> Result<String> {
        let mut sub_mchid = String::new();
        self.change_applyment(business_code, |world, mchid| {
            sub_mchid = applyment::pass(world, mchid, business_code)?;
            Ok(())
        })?;
        Ok(sub_mchid)
    }

    /// Moves an application to its next state, and returns that state as the API names it.
    ///
    /// A service provider's is `APPLYMENT_STATE_AUDITING`, `…_TO_BE_CONFIRMED`, `…_TO_BE_SIGNED`, `…_SIGNING`
    /// and `…_FINISHED`, a platform's `CHECKING`, `ACCOUNT_NEED_VERIFY`, `AUDITING`, `NEED_SIGN` and `FINISH`.
    ///
    /// ```
    /// # use wechatpay_chain::{Options, json, sandbox::Sandbox};
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// # let application = json!({
    /// #     "out_request_no": "tea_1", "organization_type": "2", "merchant_shortname": "Tea house",
    /// #     "account_info": {}, "contact_info": {}, "sales_scene_info": {},
    /// # });
    /// # client.chain("v3/ecommerce/applyments/").post(json!({ "json": application }))?;
    /// assert_eq!(sandbox.applyment_advances("tea_1")?, "ACCOUNT_NEED_VERIFY");
    /// assert_eq!(sandbox.applyment_advances("tea_1")?, "AUDITING");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns the errors of [`applyment_passes`](Self::applyment_passes).
    pub fn applyment_advances(&self, business_code: &str) -> Result<String> {
        let mut state = "";
        self.change_applyment(business_code, |world, mchid| {
            state = applyment::advance(world, mchid, business_code)?;
            Ok(())
        })?;
        Ok(state.to_owned())
    }

    /// Rejects an application because of one of its fields, such as `license_copy`. The provider submits it
    /// again under the same number.
    ///
    /// ```
    /// # use wechatpay_chain::{Options, json, sandbox::Sandbox};
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// # let application = json!({
    /// #     "out_request_no": "tea_1", "organization_type": "2", "merchant_shortname": "Tea house",
    /// #     "account_info": {}, "contact_info": {}, "sales_scene_info": {},
    /// # });
    /// # client.chain("v3/ecommerce/applyments/").post(json!({ "json": application }))?;
    /// sandbox.applyment_rejected("tea_1", "store_name", "There is no such store")?;
    /// let chain = client.chain("v3/ecommerce/applyments/out-request-no/tea_1");
    /// let seen = chain.get(json!({}))?.json::<serde_json::Value>()?;
    /// assert_eq!(seen["audit_detail"][0]["param_name"], "store_name");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if no field of applications has this name, if there is no such application, or if it
    /// is not in audit.
    pub fn applyment_rejected(&self, business_code: &str, field: &str, reason: &str) -> Result<()> {
        if !applyment::is_documented(field) {
            let message = format!("`{field:.64}` is not a documented field of an application");
            return Err(Cause::request(message).not_sent());
        }
        self.change_applyment(business_code, |world, mchid| {
            applyment::reject(world, mchid, business_code, field, reason)
        })
    }

    /// Fails an application of a service provider by a mistake of WeChat Pay's: `APPLYMENT_STATE_AUDITING`
    /// becomes `APPLYMENT_STATE_EDITTING`, and the provider submits it again.
    ///
    /// ```
    /// # use wechatpay_chain::{Options, json, sandbox::Sandbox};
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// # let application = json!({
    /// #     "business_code": "tea_1",
    /// #     "contact_info": {
    /// #         "contact_type": "LEGAL", "contact_name": "Zhang San", "mobile_phone": "13900000000",
    /// #         "contact_email": "tea@example.com",
    /// #     },
    /// #     "subject_info": {
    /// #         "subject_type": "SUBJECT_TYPE_MICRO",
    /// #         "micro_biz_info": { "micro_biz_type": "MICRO_TYPE_STORE" },
    /// #         "identity_info": {
    /// #             "id_doc_type": "IDENTIFICATION_TYPE_OVERSEA_PASSPORT",
    /// #             "id_doc_info": {
    /// #                 "id_doc_copy": "media-id", "id_doc_name": "Zhang San", "id_doc_number": "E1",
    /// #                 "doc_period_begin": "2020-01-01", "doc_period_end": "2030-01-01",
    /// #             },
    /// #         },
    /// #     },
    /// #     "business_info": {
    /// #         "merchant_shortname": "Tea house", "service_phone": "0758888",
    /// #         "sales_info": { "sales_scenes_type": ["SALES_SCENES_STORE"] },
    /// #     },
    /// #     "settlement_info": {},
    /// #     "bank_account_info": {
    /// #         "bank_account_type": "BANK_ACCOUNT_TYPE_PERSONAL", "account_name": "Zhang San",
    /// #         "account_bank": "招商银行", "bank_address_code": "110000",
    /// #     },
    /// # });
    /// let sealed = Options::from(json!({ "json": application })).encrypt_documented();
    /// client.chain("v3/applyment4sub/applyment/").post(sealed)?;
    /// sandbox.applyment_fails("tea_1")?;
    ///
    /// let sealed = Options::from(json!({ "json": application })).encrypt_documented();
    /// client.chain("v3/applyment4sub/applyment/").post(sealed)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such application, if it is a platform's, or if it is not in audit.
    pub fn applyment_fails(&self, business_code: &str) -> Result<()> {
        self.change_applyment(business_code, |world, mchid| {
            applyment::fail(world, mchid, business_code)
        })
    }

    /// Cancels an application that is not finished, as the merchant does on the merchant platform.
    ///
    /// ```
    /// # use wechatpay_chain::{Options, json, sandbox::Sandbox};
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// # let application = json!({
    /// #     "out_request_no": "tea_1", "organization_type": "2", "merchant_shortname": "Tea house",
    /// #     "account_info": {}, "contact_info": {}, "sales_scene_info": {},
    /// # });
    /// # client.chain("v3/ecommerce/applyments/").post(json!({ "json": application }))?;
    /// sandbox.applyment_is_canceled("tea_1")?;
    /// assert!(sandbox.applyment_passes("tea_1").is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such application, or if it is finished.
    pub fn applyment_is_canceled(&self, business_code: &str) -> Result<()> {
        self.change_applyment(business_code, |world, mchid| {
            applyment::cancel(world, mchid, business_code)
        })
    }

    /// Lets a change of a settlement account succeed, by its `application_no`. Without it, that happens when
    /// the time of [`settle_after`](crate::sandbox::SandboxBuilder::settle_after) has passed.
    ///
    /// ```
    /// use wechatpay_chain::{Options, json, sandbox::{MerchantOptions, Sandbox}};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let provider = MerchantOptions::new("1900000109").partner_of(["1900000110"]);
    /// let client = sandbox.add_merchant(provider)?.client_builder().build()?;
    /// let account = json!({
    ///     "account_type": "ACCOUNT_TYPE_PRIVATE",
    ///     "account_bank": "招商银行",
    ///     "bank_address_code": "110000",
    ///     "account_number": "6222021234567890123",
    /// });
    /// let options = Options::from(json!({ "json": account })).encrypt_documented();
    /// let chain = client.chain("v3/apply4sub/sub_merchants/1900000110/modify-settlement");
    /// let change = chain.post(options)?.json::<serde_json::Value>()?;
    /// sandbox.settlement_change_succeeds(change["application_no"].as_str().unwrap_or_default())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such change, or if it is not in audit.
    pub fn settlement_change_succeeds(&self, application_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        self.change_settlement(application_no, |world, mchid| {
            applyment::change_succeeds(world, mchid, application_no, now)
        })
    }

    /// Lets a change of a settlement account fail, by its `application_no` and for a reason that the provider
    /// sees.
    ///
    /// ```
    /// # use wechatpay_chain::{Options, json, sandbox::{MerchantOptions, Sandbox}};
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let provider = MerchantOptions::new("1900000109").partner_of(["1900000110"]);
    /// # let client = sandbox.add_merchant(provider)?.client_builder().build()?;
    /// # let account = json!({
    /// #     "account_type": "ACCOUNT_TYPE_PRIVATE", "account_bank": "招商银行",
    /// #     "bank_address_code": "110000", "account_number": "6222021234567890123",
    /// # });
    /// # let options = Options::from(json!({ "json": account })).encrypt_documented();
    /// # let chain = client.chain("v3/apply4sub/sub_merchants/1900000110/modify-settlement");
    /// # let change = chain.post(options)?.json::<serde_json::Value>()?;
    /// # let application_no = change["application_no"].as_str().unwrap_or_default();
    /// sandbox.settlement_change_fails(application_no, "The account is closed")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns the errors of [`settlement_change_succeeds`](Self::settlement_change_succeeds).
    pub fn settlement_change_fails(&self, application_no: &str, reason: &str) -> Result<()> {
        let now = self.state.clock.now();
        self.change_settlement(application_no, |world, mchid| {
            applyment::change_fails(world, mchid, application_no, reason, now)
        })
    }

    fn change_applyment(
        &self,
        number: &str,
        change: impl FnOnce(&mut World, &str) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        let has_it = |store: &Store| store.applyment.applications.get(number).is_some();
        self.change("application", number, has_it, change)
    }

    fn change_settlement(
        &self,
        number: &str,
        change: impl FnOnce(&mut World, &str) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        let has_it = |store: &Store| store.applyment.changes.get(number).is_some();
        self.change("change of an account", number, has_it, change)
    }
}
