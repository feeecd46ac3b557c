//! The blocking verbs.

use http::Method;

use super::driver::{block_on, poll_or_block};
use crate::{
    client::{Chain, PreparedRequest, Response},
    error::Result,
    protocol::options::Options,
};

/// # Blocking verbs
///
/// They work in a plain thread, in `spawn_blocking`, and inside a tokio runtime of either kind. Inside
/// async code they block the thread they run on, so prefer the `…_async` forms there. In code that this
/// library calls while it works, such as a progress callback or a [`Signer`](crate::Signer), they return
/// an error.
impl Chain {
    /// Sends a signed GET request and returns the verified response.
    ///
    /// # Errors
    /// Returns an error if anything went wrong. [`Error::outcome`](crate::Error::outcome) says whether
    /// the request was sent, and what happened to it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(client: &wechatpay_chain::Client) -> wechatpay_chain::Result<()> {
    /// use wechatpay_chain::json;
    ///
    /// let order = client.chain("v3/pay/transactions/out-trade-no/<out_trade_no>").get(json!({
    ///     "out_trade_no": "tea-0001",
    ///     "query": { "mchid": "1900000109" },
    /// }))?;
    /// println!("{}", order.text()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, options: impl Into<Options>) -> Result<Response> {
        self.request(Method::GET, options)
    }

    /// Sends a signed POST request and returns the verified response.
    ///
    /// # Errors
    /// Returns an error if anything went wrong. [`Error::outcome`](crate::Error::outcome) says whether
    /// the request was sent, and what happened to it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(client: &wechatpay_chain::Client) -> wechatpay_chain::Result<()> {
    /// use wechatpay_chain::json;
    ///
    /// let order = client.chain("v3/pay/transactions/native").post(json!({ "json": {
    ///     "appid": "wx8888888888888888",
    ///     "mchid": "1900000109",
    ///     "description": "A cup of tea",
    ///     "out_trade_no": "tea-0001",
    ///     "notify_url": "https://example.com/notify",
    ///     "amount": { "total": 100 }, // fen
    /// }}))?;
    /// println!("{}", order.text()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn post(&self, options: impl Into<Options>) -> Result<Response> {
        self.request(Method::POST, options)
    }

    /// Sends a signed PUT request and returns the verified response.
    ///
    /// # Errors
    /// Returns an error if anything went wrong. [`Error::outcome`](crate::Error::outcome) says whether
    /// the request was sent, and what happened to it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(client: &wechatpay_chain::Client) -> wechatpay_chain::Result<()> {
    /// use wechatpay_chain::json;
    ///
    /// client.chain("v3/merchant-service/complaint-notifications").put(json!({ "json": {
    ///     "url": "https://example.com/complaints",
    /// }}))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn put(&self, options: impl Into<Options>) -> Result<Response> {
        self.request(Method::PUT, options)
    }

    /// Sends a signed PATCH request and returns the verified response.
    ///
    /// # Errors
    /// Returns an error if anything went wrong. [`Error::outcome`](crate::Error::outcome) says whether
    /// the request was sent, and what happened to it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(client: &wechatpay_chain::Client) -> wechatpay_chain::Result<()> {
    /// use wechatpay_chain::json;
    ///
    /// client.chain("v3/discount-card/orders/<out_order_no>").patch(json!({
    ///     "out_order_no": "1234323JKHDFE1243252",
    ///     "json": { "objectives": [] },
    /// }))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn patch(&self, options: impl Into<Options>) -> Result<Response> {
        self.request(Method::PATCH, options)
    }

    /// Sends a signed DELETE request and returns the verified response.
    ///
    /// # Errors
    /// Returns an error if anything went wrong. [`Error::outcome`](crate::Error::outcome) says whether
    /// the request was sent, and what happened to it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(client: &wechatpay_chain::Client) -> wechatpay_chain::Result<()> {
    /// use wechatpay_chain::json;
    ///
    /// client.chain("v3/merchant-service/complaint-notifications").delete(())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self, options: impl Into<Options>) -> Result<Response> {
        self.request(Method::DELETE, options)
    }

    /// Sends a signed request with a method that is held in a variable.
    ///
    /// This is how an [`Operation`](crate::catalog::Operation) of the catalogue is called.
    ///
    /// # Errors
    /// Like the other verbs.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(client: &wechatpay_chain::Client) -> wechatpay_chain::Result<()> {
    /// use wechatpay_chain::{catalog, json};
    ///
    /// for operation in catalog::by_title("查询订单") {
    ///     println!("{operation}");
    /// }
    /// let Some(operation) = catalog::by_path("v3/pay/transactions/id/{transaction_id}").next() else {
    ///     return Ok(());
    /// };
    /// let order = client.chain(operation.template()).request(operation.method(), json!({
    ///     "transaction_id": "1217752501201407033233368018",
    ///     "query": { "mchid": "1900000109" },
    /// }))?;
    /// println!("{}", order.text()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, options: impl Into<Options>) -> Result<Response> {
        block_on(self.request_async(method, options))
    }

    /// Downloads a bill or another file that an operation names.
    ///
    /// Sends a GET to this path, whose verified response names the file's URL (`download_url` or `url`)
    /// and its hash (`hash_type` SHA1 or SHA256, and `hash_value`). Then sends a signed GET to that URL,
    /// decompresses the file if it is gzip, and checks its hash, compressed or decompressed.
    ///
    /// A file with the right hash is trusted wherever it is, and needs no signature; see
    /// [`Verification::NamedFile`](crate::Verification::NamedFile). A file that is named without a hash is
    /// verified as in [`get`](Chain::get): by its signature, unless its path is documented as unsigned.
    ///
    /// `sink`, [`on_progress`](Options::on_progress), [`expect_sha1`](Options::expect_sha1) and
    /// [`expect_sha256`](Options::expect_sha256) apply to the file; `timeout`, `connect_timeout`,
    /// `allow_redirects` and `base_uri` to both requests; everything else to the first one. The file is in
    /// [`Response::bytes`], up to the client's `max_response`, or in the `sink`, where it may be any size.
    /// [`BillRows`](crate::BillRows) reads its rows.
    ///
    /// Follows "申请交易账单", "申请资金账单", "下载批次核销明细", "查询电子回单" and "下载账单".
    ///
    /// # Errors
    /// Like a verb. Also returns an error if the hash of the file differs, or if its type cannot be
    /// checked, such as SM3.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(client: &wechatpay_chain::Client) -> wechatpay_chain::Result<()> {
    /// use wechatpay_chain::json;
    ///
    /// let bill = client.chain("v3/bill/tradebill").download(json!({
    ///     "query": { "bill_date": "2019-06-11", "bill_type": "ALL", "tar_type": "GZIP" },
    ///     "sink": "tradebill-2019-06-11.csv",
    /// }))?;
    /// println!("{} bytes", bill.file().map_or(0, |file| file.len()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn download(&self, options: impl Into<Options>) -> Result<Response> {
        block_on(self.download_async(options))
    }

    /// Signs a request without sending it.
    ///
    /// With local keys this does no I/O; with a remote [`Signer`](crate::Signer), or if
    /// [`Options::encrypt`] needs a key that is not downloaded yet, it blocks like a blocking verb.
    ///
    /// Among other things, use it for the URLs that a customer's browser opens: `papay/entrustweb`,
    /// `papay/partner/entrustweb`, `papay/h5entrustweb`, `appauth/authindex`. If their page asks for a
    /// fragment, such as `#wechat_redirect`, append it; the signature does not cover it.
    ///
    /// # Errors
    /// Like a verb, up to the signature.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// use wechatpay_chain::{Client, Method, json};
    ///
    /// let client = Client::builder()
    ///     .mchid("1200009811")
    ///     .apiv2_key("0123456789abcdef0123456789abcdef")
    ///     .build()?;
    /// let page = client.chain("v2/papay/entrustweb").prepare(Method::GET, json!({
    ///     "nonceless": true, // its page has no `nonce_str`
    ///     "query": {
    ///         "appid": "wxcbda96de0b165486", "mch_id": "1200009811", "plan_id": "12535",
    ///         "contract_code": "100000", "request_serial": 1000, "version": "1.0",
    ///         "contract_display_account": "张三", "timestamp": 1414488825,
    ///         "notify_url": "https://www.example.com/notify", "return_web": 1,
    ///     },
    /// }))?;
    /// let location = format!("{}#wechat_redirect", page.url());
    /// assert!(location.starts_with("https://api.mch.weixin.qq.com/papay/entrustweb?appid="));
    /// assert!(location.contains("&sign="));
    /// # Ok(())
    /// # }
    /// ```
    pub fn prepare(&self, method: Method, options: impl Into<Options>) -> Result<PreparedRequest> {
        let options = options.into();
        let is_local = self.core().signs_locally() && !self.waits_for_key(&method, &options);
        poll_or_block(is_local, self.prepare_async(method, options))
    }
}
