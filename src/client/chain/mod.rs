//! A chain: a path under construction, and its async verbs. The blocking verbs are in `blocking/`.

mod index;

use std::{
    fmt,
    ops::Index,
    sync::Arc,
    time::{Duration, Instant},
};

use http::Method;

use self::index::{Children, MAX_DEPTH};
use super::{
    Call, PreparedRequest,
    call::{sign, span},
    core::Core,
};
use crate::{
    error::{
        Cause,
        cause::{self, shown_template},
    },
    protocol::{options::Options, request::Draft, url::path},
};

/// A path under construction: the URL is the API.
///
/// [`seg`](Chain::seg), [`chain`](Chain::chain) and the index extend a chain. They mix freely and
/// return a new chain. An HTTP verb ends it: it takes [`Options`], signs, sends and verifies. A mistake
/// in the path is reported by the verb, before anything is sent.
///
/// Placeholders are `{id}`, `<id>` or `_id_`, and the options fill them. RFC 6570 expressions
/// (`{+path}`, `{?a,b}`, `{id:3}`, `{list*}`, …) work too. A path that starts with `v2/` speaks APIv2.
///
/// # Examples
///
#[cfg_attr(feature = "sandbox", doc = "```")]
#[cfg_attr(not(feature = "sandbox"), doc = "```ignore")]
/// use wechatpay_chain::{json, sandbox::Sandbox};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// # let sandbox = Sandbox::start()?;
/// # let client = sandbox.client_builder().build()?;
/// # client.chain("v3/pay/transactions/native").post(json!({ "json": {
/// #     "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "tea",
/// #     "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
/// #     "amount": { "total": 100 },
/// # }}))?;
/// let options = json!({
///     "out_trade_no": "tea-0001",                // fills the placeholder
///     "query": { "mchid": sandbox.mchid() },
/// });
/// // Three ways to write the same call.
/// client.chain("v3/pay/transactions/out-trade-no/<out_trade_no>").get(&options)?;
/// client["v3/pay/transactions/out-trade-no/{out_trade_no}"].get(&options)?;
/// client.seg("v3").seg("pay").seg("transactions").seg("outTradeNo").seg("_out_trade_no_").get(&options)?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a chain sends nothing until a verb ends it"]
pub struct Chain {
    core: Arc<Core>,
    template: String,
    /// The first mistake in the path: the verb reports it, so that chains need no `?` in between.
    fault: Option<Arc<Cause>>,
    children: Children<Self>,
    depth: u8,
}

impl Chain {
    pub(super) fn root(core: Arc<Core>) -> Self {
        Self {
            core,
            template: String::new(),
            fault: None,
            children: Children::default(),
            depth: 0,
        }
    }

    /// Appends one segment, like a property of the PHP SDK: `outTradeNo` is sent as `out-trade-no`.
    ///
    /// `_id_`, `{id}` and `<id>` are the variable `id`, with its name unchanged. A segment that contains
    /// `/`, `?` or `#` is an error at the verb: values belong in variables.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// let order = client.seg("v3").seg("payscore").seg("serviceorder").seg("_out_order_no_");
    /// let sync = order.seg("sync");
    /// # let _ = sync;
    /// # Ok(())
    /// # }
    /// ```
    pub fn seg(&self, segment: impl AsRef<str>) -> Self {
        self.extended(segment.as_ref(), path::push_segment)
    }

    /// Appends a path unchanged, capitals included.
    ///
    /// `{id}` and `<id>` in it are variables, and so is a whole argument `_id_`. One leading slash is
    /// dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// let sync = client.chain("v3/payscore/serviceorder/<out_order_no>/sync");
    /// # let _ = sync;
    /// # Ok(())
    /// # }
    /// ```
    pub fn chain(&self, path: impl AsRef<str>) -> Self {
        self.extended(path.as_ref(), path::push_path)
    }

    /// Returns the path so far, without a leading slash and with its variables in braces, such as
    /// `v3/payscore/serviceorder/{out_order_no}/sync`. It can be looked up in the [`catalog`](crate::catalog).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let client = wechatpay_chain::Client::builder().build()?;
    /// let query = client.seg("v3").seg("pay").seg("transactions").seg("outTradeNo").seg("_out_trade_no_");
    /// assert_eq!(query.template(), "v3/pay/transactions/out-trade-no/{out_trade_no}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn template(&self) -> &str {
        &self.template
    }

    /// The async form of [`get`](Chain::get).
    pub fn get_async(&self, options: impl Into<Options>) -> Call {
        self.request_async(Method::GET, options)
    }

    /// The async form of [`post`](Chain::post).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn f(client: wechatpay_chain::Client) -> wechatpay_chain::Result<()> {
    /// use wechatpay_chain::json;
    ///
    /// let response = client
    ///     .chain("v3/pay/transactions/out-trade-no/<out_trade_no>/close")
    ///     .post_async(json!({ "out_trade_no": "tea-0001", "json": { "mchid": "1900000109" } }))
    ///     .await?;
    /// assert_eq!(response.status(), 204);
    /// # Ok(())
    /// # }
    /// ```
    pub fn post_async(&self, options: impl Into<Options>) -> Call {
        self.request_async(Method::POST, options)
    }

    /// The async form of [`put`](Chain::put).
    pub fn put_async(&self, options: impl Into<Options>) -> Call {
        self.request_async(Method::PUT, options)
    }

    /// The async form of [`patch`](Chain::patch).
    pub fn patch_async(&self, options: impl Into<Options>) -> Call {
        self.request_async(Method::PATCH, options)
    }

    /// The async form of [`delete`](Chain::delete).
    pub fn delete_async(&self, options: impl Into<Options>) -> Call {
        self.request_async(Method::DELETE, options)
    }

    /// The async form of [`request`](Chain::request).
    pub fn request_async(&self, method: Method, options: impl Into<Options>) -> Call {
        Call::send(
            Arc::clone(&self.core),
            self.draft_when_ready(method, options.into()),
        )
    }

    /// The async form of [`prepare`](Chain::prepare).
    pub fn prepare_async(
        &self,
        method: Method,
        options: impl Into<Options>,
    ) -> Call<PreparedRequest> {
        let core = Arc::clone(&self.core);
        let draft = self.draft_when_ready(method, options.into());
        Call::new(async move {
            let draft = draft.await.map_err(Cause::not_sent)?;
            match sign(&core, &draft).await {
                Ok(signed) => Ok(PreparedRequest::new(signed)),
                Err(cause) => Err(cause.in_call(&draft.method, &draft.template).not_sent()),
            }
        })
    }

    /// Returns `true` if making the draft must wait: its fields are encrypted, and the key for that
    /// has not been downloaded yet.
    pub(crate) fn waits_for_key(&self, method: &Method, options: &Options) -> bool {
        self.core.trust().is_empty()
            && Draft::encrypts(method, &self.template, options, self.core.setup())
    }

    /// Makes the draft, now if it does not have to wait.
    fn draft_when_ready(
        &self,
        method: Method,
        options: Options,
    ) -> impl Future<Output = cause::Result<Draft>> + Send + 'static {
        // Made at the verb, so that a mistake is found there, and the future holds no options, unless it
        // has to wait for a key.
        let draft = if self.waits_for_key(&method, &options) {
            Err((self.clone(), method, options))
        } else {
            Ok(self.draft(method, options))
        };
        async move {
            match draft {
                Ok(draft) => draft,
                Err((chain, method, options)) => chain.draft_with_key(method, options).await,
            }
        }
    }

    /// Waits for a key to encrypt with, then makes the draft. The wait counts against the call's
    /// timeout.
    async fn draft_with_key(self, method: Method, options: Options) -> cause::Result<Draft> {
        let start = Instant::now();
        let limit = options.send.timeout.unwrap_or(self.core.setup().timeout);
        let deadline = match limit {
            Duration::ZERO => None,
            limit => start.checked_add(limit),
        };
        let key = self.core.require_platform_key(deadline).await;
        key.map_err(|cause| cause.in_call(&method, &self.template))?;
        let mut draft = self.draft(method, options)?;
        draft.send.timeout = remaining(limit, start);
        Ok(draft)
    }

    pub(super) fn draft(&self, method: Method, options: Options) -> cause::Result<Draft> {
        span::warn_about_camel_case(&self.template);
        let draft = match &self.fault {
            Some(fault) => Err(fault.again()),
            None => Draft::new(
                method.clone(),
                &self.template,
                options,
                self.core.setup(),
                self.core.trust(),
            ),
        };
        draft.map_err(|cause| cause.in_call(&method, &self.template))
    }

    fn extended(&self, piece: &str, push: fn(&mut String, &str) -> cause::Result<()>) -> Self {
        let mut template = String::with_capacity(self.template.len() + piece.len() + 8);
        template.push_str(&self.template);
        let fault = match &self.fault {
            Some(fault) => Some(Arc::clone(fault)),
            None => push(&mut template, piece).err().map(Arc::new),
        };
        Self {
            core: Arc::clone(&self.core),
            template,
            fault,
            children: Children::default(),
            depth: 0,
        }
    }

    fn child(&self, path: &'static str) -> Self {
        let mut child = self.chain(path);
        child.depth = self.depth + 1;
        if child.depth == MAX_DEPTH {
            child.fault = Some(Arc::new(Cause::request(format!(
                "indexed {MAX_DEPTH} levels deep: write the path as one literal, or use chain(…)"
            ))));
        }
        child
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    pub(super) fn core_arc(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Index<&'static str> for Chain {
    type Output = Self;

    /// Returns the chain extended by a literal path. This chain keeps it; see
    /// [`Client`](crate::Client#impl-Index%3C%26str%3E-for-Client).
    fn index(&self, path: &'static str) -> &Self {
        // `Index` cannot return an error. The chain at the limit carries it, and the verb reports it.
        if self.depth == MAX_DEPTH {
            return self;
        }
        self.children.get_or_insert(path, || self.child(path))
    }
}

impl Clone for Chain {
    fn clone(&self) -> Self {
        // Without the children: they are a cache, and a clone would have to copy it.
        Self {
            core: Arc::clone(&self.core),
            template: self.template.clone(),
            fault: self.fault.clone(),
            children: Children::default(),
            depth: 0,
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chain")
            .field(&shown_template(&self.template))
            .finish()
    }
}

/// Returns what is left of a timeout. Zero means no timeout, so one that has expired becomes the
/// shortest there is.
pub(super) fn remaining(limit: Duration, start: Instant) -> Duration {
    if limit.is_zero() {
        return limit;
    }
    limit
        .saturating_sub(start.elapsed())
        .max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::super::Client;

    #[test]
    fn forms_mix_and_do_not_change_the_chain_they_extend() {
        let client = Client::builder().build().unwrap();
        let start = client.seg("v3").chain("pay/partner");
        let there = start["transactions"]
            .seg("outTradeNo")
            .chain("<id>")
            .seg("close");
        assert_eq!(
            there.template,
            "v3/pay/partner/transactions/out-trade-no/{id}/close"
        );
        assert_eq!(start.template, "v3/pay/partner");
        assert_eq!(client["v3/x"]["_id_"].template, "v3/x/{id}");
    }

    #[test]
    fn index_returns_the_same_chain_among_a_thousand() {
        let client = Client::builder().build().unwrap();
        let keys = (0..1000)
            .map(|n| &*Box::leak(format!("v3/sibling/{n}").into_boxed_str()))
            .collect::<Vec<&'static str>>();
        let first = keys.iter().map(|key| &client[key]).collect::<Vec<_>>();
        for (key, chain) in keys.iter().zip(first) {
            assert!(std::ptr::eq(&raw const client[key], chain));
            assert_eq!(chain.template, *key);
        }
    }

    #[test]
    fn repeated_indexing_ends_in_an_error_without_growth() {
        let client = Client::builder().build().unwrap();
        let mut chain = &client["v3"];
        for _ in 0..10_000 {
            chain = &chain["x"];
        }
        let err = chain.fault.as_ref().unwrap().to_string();
        assert!(err.contains("64 levels deep"), "{err}");
        assert!(chain.template.len() < 200);
    }

    #[test]
    fn concurrent_indexing_returns_one_chain() {
        let client = Client::builder().build().unwrap();
        let at = |_| {
            std::thread::spawn({
                let client = client.clone();
                move || (&raw const client["v3/raced"]) as usize
            })
        };
        let threads = (0..8).map(at).collect::<Vec<_>>();
        let mut seen = threads
            .into_iter()
            .map(|t| t.join().unwrap())
            .collect::<Vec<_>>();
        seen.dedup();
        assert_eq!(seen.len(), 1);
    }
}
