//! What a customer does with a complaint.

use crate::sandbox::handle::Sandbox;
use crate::{
    error::Result,
    sandbox::{
        dispatch::refusal::Refusal,
        flows::merchants::complaint,
        state::world::{Store, World},
    },
};

impl Sandbox {
    /// Complains about a paid order as the customer. Returns the `complaint_id`.
    ///
    /// The merchant and its service providers are notified at the URL that they registered with
    /// `v3/merchant-service/complaint-notifications`.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// client.chain("v3/pay/transactions/native").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "mchid": sandbox.mchid(),
    ///     "description": "A cup of tea",
    ///     "out_trade_no": "tea-0001",
    ///     "notify_url": "https://example.com/notify",
    ///     "amount": { "total": 100 },
    /// }}))?;
    /// sandbox.user_pays("tea-0001")?;
    ///
    /// let id = sandbox.user_complains("tea-0001", "The tea was cold")?;
    /// let chain = client.chain("v3/merchant-service/complaints-v2/{complaint_id}");
    /// let complaint = chain.get(json!({ "complaint_id": id }))?.json::<serde_json::Value>()?;
    /// assert_eq!(complaint["complaint_state"], "PENDING");
    /// // Only the merchant can read the phone number.
    /// let phone = client.decrypt(complaint["payer_phone"].as_str().unwrap_or_default())?;
    /// assert_eq!(phone.len(), 11);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such order, if it is not paid, if there is a complaint about it that
    /// is not processed, or if the text does not have 1 to 300 characters.
    pub fn user_complains(&self, out_trade_no: &str, text: &str) -> Result<String> {
        self.complain(out_trade_no, text, None)
    }

    /// Complains about a paid order as the customer, who asks for this refund, in fen. Returns the
    /// `complaint_id`.
    ///
    /// The merchant decides with `update-refund-progress`. If it approves, it refunds the order as usual, and
    /// the complaint is processed once the refund succeeds.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// # client.chain("v3/pay/transactions/native").post(json!({ "json": {
    /// #     "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "Tea",
    /// #     "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
    /// #     "amount": { "total": 100 },
    /// # }}))?;
    /// # sandbox.user_pays("tea-0001")?;
    /// let id = sandbox.user_asks_for_refund("tea-0001", 100, "The tea was cold")?;
    /// client
    ///     .chain("v3/merchant-service/complaints-v2/{complaint_id}/update-refund-progress")
    ///     .post(json!({ "complaint_id": id, "json": { "action": "APPROVE", "launch_refund_day": 0 } }))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns the errors of [`user_complains`](Self::user_complains), and one if the amount is 0 or more than
    /// the order's.
    pub fn user_asks_for_refund(&self, out_trade_no: &str, fen: u64, text: &str) -> Result<String> {
        self.complain(out_trade_no, text, Some(fen))
    }

    /// Writes to the merchant as the customer of a complaint that is not processed. The merchant is notified.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// # client.chain("v3/pay/transactions/native").post(json!({ "json": {
    /// #     "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "Tea",
    /// #     "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
    /// #     "amount": { "total": 100 },
    /// # }}))?;
    /// # sandbox.user_pays("tea-0001")?;
    /// let id = sandbox.user_complains("tea-0001", "The tea was cold")?;
    /// sandbox.user_asks_again(&id, "Is anybody there?")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such complaint, if it is processed, or if the text does not have 1 to
    /// 300 characters.
    pub fn user_asks_again(&self, complaint_id: &str, text: &str) -> Result<()> {
        self.change_complaint(complaint_id, |world, mchid, id, now| {
            complaint::ask_again(world, mchid, id, text, now)
        })
    }

    /// Complains again as a customer who is not satisfied: `PROCESSED` becomes `PENDING`, and the merchant is
    /// notified.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// # client.chain("v3/pay/transactions/native").post(json!({ "json": {
    /// #     "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "Tea",
    /// #     "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
    /// #     "amount": { "total": 100 },
    /// # }}))?;
    /// # sandbox.user_pays("tea-0001")?;
    /// let id = sandbox.user_complains("tea-0001", "The tea was cold")?;
    /// client
    ///     .chain("v3/merchant-service/complaints-v2/{complaint_id}/complete")
    ///     .post(json!({ "complaint_id": id, "json": { "complainted_mchid": sandbox.mchid() } }))?;
    /// sandbox.user_complains_again(&id, "It is still cold")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such complaint, if it is not processed, or if the text does not have 1
    /// to 300 characters.
    pub fn user_complains_again(&self, complaint_id: &str, text: &str) -> Result<()> {
        self.change_complaint(complaint_id, |world, mchid, id, now| {
            complaint::complain_again(world, mchid, id, text, now)
        })
    }

    /// Withdraws a complaint as the customer: it becomes `PROCESSED`. The documents have no notification for
    /// it.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// # client.chain("v3/pay/transactions/native").post(json!({ "json": {
    /// #     "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "Tea",
    /// #     "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
    /// #     "amount": { "total": 100 },
    /// # }}))?;
    /// # sandbox.user_pays("tea-0001")?;
    /// let id = sandbox.user_complains("tea-0001", "The tea was cold")?;
    /// sandbox.user_withdraws_complaint(&id)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such complaint, or if it is processed.
    pub fn user_withdraws_complaint(&self, complaint_id: &str) -> Result<()> {
        self.change_complaint(complaint_id, complaint::withdraw)
    }

    /// Marks a complaint as one whose customer waits for an answer: `need_immediate_service`. The merchant can
    /// then answer with `response-immediate-service`.
    ///
    /// ```
    /// use wechatpay_chain::{json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// # client.chain("v3/pay/transactions/native").post(json!({ "json": {
    /// #     "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "Tea",
    /// #     "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
    /// #     "amount": { "total": 100 },
    /// # }}))?;
    /// # sandbox.user_pays("tea-0001")?;
    /// let id = sandbox.user_complains("tea-0001", "The machine is stuck")?;
    /// sandbox.user_waits_for_answer(&id)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such complaint, or if it is processed.
    pub fn user_waits_for_answer(&self, complaint_id: &str) -> Result<()> {
        self.change_complaint(complaint_id, complaint::need_answer_at_once)
    }

    fn complain(&self, out_trade_no: &str, text: &str, refund: Option<u64>) -> Result<String> {
        let now = self.state.clock.now();
        let has_order = |store: &Store| store.pay.transactions.get(out_trade_no).is_some();
        let mut id = String::new();
        self.change("order", out_trade_no, has_order, |world, mchid| {
            id = complaint::complain(world, mchid, out_trade_no, text, refund, now)?;
            Ok(())
        })?;
        Ok(id)
    }

    fn change_complaint(
        &self,
        id: &str,
        change: impl FnOnce(&mut World, &str, &str, u64) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        let now = self.state.clock.now();
        let has_it = |store: &Store| store.complaint.complaints.get(id).is_some();
        self.change("complaint", id, has_it, |world, mchid| {
            change(world, mchid, id, now)
        })
    }
}
