use std::{
    fmt,
    ops::Index,
    sync::Arc,
    time::{Duration, Instant},
};

use http::Method;

use super::{
    Call, PreparedRequest,
    core::Core,
    index::{Children, MOST_DEPTH},
    watch,
};
use crate::{
    error::{
        Cause, Result,
        cause::{self, without_user_info},
    },
    protocol::{options::Options, path, request::Draft},
    wire::InRuntime,
};

/// A path in the making: the URL is the API.
///
/// Extended by [`seg`](Chain::seg), [`chain`](Chain::chain) and the index, which mix freely and
/// never change the chain they start from; ended by an HTTP verb. Whatever is wrong with the path
/// is reported at the verb, before anything is sent.
///
/// Placeholders are `{id}`, `<id>` or `_id_`, filled from the options that the verb takes; RFC 6570
/// expressions (`{+path}`, `{?a,b}`, `{id:3}`, `{list*}` …) work too. A path that begins with
/// `v2/` speaks APIv2.
///
/// ```
/// # fn main() -> wechatpay_chain::Result<()> {
/// use http::Method;
/// use serde_json::json;
/// use wechatpay_chain::Client;
///
/// let client = Client::builder().build()?;
/// let unsigned = client.chain("v3/bill/{kind}");
/// // Without a merchant's key an APIv3 call is an error, and nothing is sent.
/// assert!(unsigned.prepare(Method::GET, json!({ "kind": "tradebill" })).unwrap_err().is_config());
/// # Ok(())
/// # }
/// ```
pub struct Chain {
    core: Arc<Core>,
    template: String,
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

    /// Adds one segment, as the PHP SDK's properties do: `outTradeNo` is sent as `out-trade-no`;
    /// `_id_`, `{id}` and `<id>` are the variable `id`, its name as it stands. A `/`, `?` or `#`
    /// in it is an error at the verb: values belong in variables.
    pub fn seg(&self, segment: impl AsRef<str>) -> Self {
        self.extended(segment.as_ref(), path::push_segment)
    }

    /// Adds a path as written; capitals stay as they are. `{id}` and `<id>` in it are variables,
    /// and so is a whole argument `_id_`. One leading slash is dropped.
    pub fn chain(&self, path: impl AsRef<str>) -> Self {
        self.extended(path.as_ref(), path::push_path)
    }

    /// The future of [`get`](Chain::get).
    pub fn get_async(&self, options: impl Into<Options>) -> Call {
        self.call(Method::GET, options.into())
    }

    /// The future of [`put`](Chain::put).
    pub fn put_async(&self, options: impl Into<Options>) -> Call {
        self.call(Method::PUT, options.into())
    }

    /// The future of [`post`](Chain::post).
    pub fn post_async(&self, options: impl Into<Options>) -> Call {
        self.call(Method::POST, options.into())
    }

    /// The future of [`patch`](Chain::patch).
    pub fn patch_async(&self, options: impl Into<Options>) -> Call {
        self.call(Method::PATCH, options.into())
    }

    /// The future of [`delete`](Chain::delete).
    pub fn delete_async(&self, options: impl Into<Options>) -> Call {
        self.call(Method::DELETE, options.into())
    }

    /// The future of [`prepare`](Chain::prepare): signs a request and does not send it.
    ///
    /// # Errors
    /// Like a verb's, up to the signature.
    pub fn prepare_async(
        &self,
        method: Method,
        options: impl Into<Options>,
    ) -> impl Future<Output = Result<PreparedRequest>> + Send + 'static {
        self.preparing(method, options.into())
    }

    pub(crate) fn preparing(&self, method: Method, options: Options) -> InRuntime<PreparedRequest> {
        let draft = self.draft(method, options);
        let core = Arc::clone(&self.core);
        InRuntime::new(async move {
            let draft = draft.map_err(Cause::not_sent)?;
            match core.seal(&draft).await {
                Ok(sealed) => Ok(PreparedRequest::new(sealed)),
                Err(fault) => Err(fault.in_call(&draft.method, &draft.template).not_sent()),
            }
        })
    }

    fn call(&self, method: Method, options: Options) -> Call {
        // Its fields are encrypted in the draft, which must wait for a key where there is none.
        if options.encrypts() && self.core.trust().is_empty() {
            let chain = self.clone();
            let draft = async move {
                let began = Instant::now();
                let limit = options.timeout.unwrap_or(chain.core.setup().timeout);
                let deadline = match limit {
                    Duration::ZERO => None,
                    limit => began.checked_add(limit),
                };
                let ready = chain.core.have_key(deadline).await;
                ready.map_err(|cause| cause.in_call(&method, &chain.template))?;
                let mut draft = chain.draft(method, options)?;
                if !limit.is_zero() {
                    // Nothing left is not the same as no limit.
                    let left = limit.saturating_sub(began.elapsed());
                    draft.settings.timeout = left.max(Duration::from_millis(1));
                }
                Ok(draft)
            };
            return Call::after(Arc::clone(&self.core), draft);
        }
        Call::new(Arc::clone(&self.core), self.draft(method, options))
    }

    pub(super) fn draft(&self, method: Method, options: Options) -> cause::Result<Draft> {
        watch::warn_of_camel_case(&self.template);
        let drafted = match &self.fault {
            Some(fault) => Err(fault.again()),
            None => Draft::new(
                method.clone(),
                &self.template,
                options,
                self.core.setup(),
                self.core.trust(),
            ),
        };
        drafted.map_err(|err| err.in_call(&method, &self.template))
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
        if child.depth == MOST_DEPTH {
            child.fault = Some(Arc::new(Cause::request(format!(
                "indexed {MOST_DEPTH} levels deep: take the path as one literal, or by chain(…)"
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

    /// A chain further along a literal path, kept beside this one: see
    /// [`Client`](crate::Client#impl-Index%3C%26str%3E-for-Client).
    fn index(&self, path: &'static str) -> &Self {
        if self.depth == MOST_DEPTH {
            return self;
        }
        self.children.get_or_insert(path, || self.child(path))
    }
}

impl Clone for Chain {
    fn clone(&self) -> Self {
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
            .field(&without_user_info(&self.template))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Client;

    #[test]
    fn the_forms_mix_and_leave_their_start_alone() {
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
    fn an_index_gives_the_same_chain_again_among_a_thousand() {
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
    fn a_loop_of_indexes_ends_in_an_error_and_no_growth() {
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
    fn threads_that_index_at_once_meet_in_one_chain() {
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
