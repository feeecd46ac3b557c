//! The blocking verbs: the same futures, waited for on the caller's thread.

use http::Method;

use super::driver::{block_on, poll_once};
use crate::{
    client::{Chain, PreparedRequest, Response},
    error::Result,
    protocol::options::Options,
};

macro_rules! verb {
    ($($name:ident $future:ident $method:literal;)*) => {
        /// Blocking verbs. They work in a plain thread, inside a tokio runtime of either kind and
        /// inside `spawn_blocking`; inside async code they hold up the thread they run on, so
        /// prefer the `…_async` twins there. Inside code that this library calls while it works,
        /// such as a progress callback or a [`Signer`](crate::Signer), they are an error.
        ///
        /// # Errors
        /// Whatever went wrong; [`Error::outcome`](crate::Error::outcome) says whether the
        /// request was sent.
        impl Chain {
            $(
                #[doc = concat!("Sends a signed ", $method, " and returns the verified answer.")]
                ///
                /// # Errors
                /// Whatever went wrong; [`Error::outcome`](crate::Error::outcome) says whether
                /// the request was sent and what became of it.
                pub fn $name(&self, options: impl Into<Options>) -> Result<Response> {
                    block_on(self.$future(options).future)
                }
            )*
        }
    };
}

verb! {
    get get_async "GET";
    put put_async "PUT";
    post post_async "POST";
    patch patch_async "PATCH";
    delete delete_async "DELETE";
}

impl Chain {
    /// Downloads a bill or another file that an operation names: the GET of this path, whose
    /// verified response names the URL (`download_url` or `url`) and the hash (`hash_type` SHA1 or
    /// SHA256, `hash_value`), then the signed GET of that URL, inside the host rule. The file is
    /// unpacked where it is gzip, and must have that hash, packed or unpacked.
    ///
    /// A file that has the hash is trusted wherever it lies, and needs no signature of its own:
    /// see [`Verification::NamedFile`](crate::Verification::NamedFile). One that is named without
    /// a hash is taken as [`get`](Chain::get) takes it: from the paths that are documented as
    /// unsigned, or with a signature.
    ///
    /// `sink`, [`on_progress`](Options::on_progress), [`expect_sha1`](Options::expect_sha1) and
    /// [`expect_sha256`](Options::expect_sha256) are about the file; `timeout`, `connect_timeout`,
    /// `allow_redirects` and `base_uri` are about both steps; everything else is about the first.
    /// The file is in [`Response::bytes`] (at most the client's `max_response`), or in the `sink`,
    /// of any size and in memory that does not grow with it. [`BillRows`](crate::BillRows) reads
    /// its rows.
    ///
    /// Follows "申请交易账单", "申请资金账单", "下载批次核销明细", "查询电子回单" and "下载账单".
    ///
    /// ```no_run
    /// # fn f(client: &wechatpay_chain::Client) -> wechatpay_chain::Result<()> {
    /// use serde_json::json;
    ///
    /// let bill = client.chain("v3/bill/tradebill").download(json!({
    ///     "query": { "bill_date": "2019-06-11", "bill_type": "ALL", "tar_type": "GZIP" },
    ///     "sink": "tradebill-2019-06-11.csv",
    /// }))?;
    /// println!("{} bytes", bill.file().map_or(0, |file| file.len()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As a verb's, and where the file is not what its hash says, or the hash is of a type that
    /// cannot be checked, such as SM3.
    pub fn download(&self, options: impl Into<Options>) -> Result<Response> {
        block_on(self.download_async(options).future)
    }

    /// Signs a request and does not send it. With local keys it does no I/O; with a remote
    /// [`Signer`](crate::Signer) it waits as a blocking verb does.
    ///
    /// Among other things this makes the URLs that a customer's browser opens, and no server of
    /// yours: `papay/entrustweb`, `papay/partner/entrustweb`, `papay/h5entrustweb`,
    /// `appauth/authindex`. Where their page asks for a fragment, such as `#wechat_redirect`, add
    /// it behind: no signature covers it.
    ///
    /// ```
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// use serde_json::json;
    /// use wechatpay_chain::{Client, Method};
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
    ///
    /// # Errors
    /// Like a verb's, up to the signature.
    pub fn prepare(&self, method: Method, options: impl Into<Options>) -> Result<PreparedRequest> {
        let future = self.preparing(method, options.into());
        if self.core().signs_locally() {
            poll_once(future)
        } else {
            block_on(future)
        }
    }
}
