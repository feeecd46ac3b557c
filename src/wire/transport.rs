use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::{
    pool::{Limits, Pool},
    proxy::{Environment, Proxy, ProxyRule},
    tls::Tls,
};
use crate::{
    base::crypto::Certificate,
    error::{Cause, Result, cause},
};

/// Connections, TLS trust and the proxy, to be shared between clients.
///
/// Cloning gives another handle to the same connections. A client that is given no transport
/// uses the process's own, so 10,000 clients keep no task, thread or TLS configuration each.
/// Connections are kept apart by runtime, host and client identity, at most 128 idle ones for
/// each, and an idle one is closed after 5 seconds: WeChat Pay's servers close at 8.
///
/// ```
/// use wechatpay_chain::Transport;
///
/// let transport = Transport::builder()
///     .proxy("http://user:password@proxy.internal:3128")
///     .build()?;
/// # Ok::<(), wechatpay_chain::Error>(())
/// ```
#[derive(Clone)]
pub struct Transport {
    inner: Arc<Inner>,
}

struct Inner {
    proxy: ProxyRule,
    tls: Tls,
    pool: Arc<Pool>,
}

impl Transport {
    /// Begins a transport of its own.
    pub fn builder() -> TransportBuilder {
        TransportBuilder {
            proxy: Choice::Environment,
            roots: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The process's own, with the proxies that the environment names when it is first used.
    pub(crate) fn shared() -> Self {
        static SHARED: OnceLock<Transport> = OnceLock::new();
        SHARED
            .get_or_init(|| {
                let environment = Environment::read();
                Self::new(
                    ProxyRule::Environment(Box::new(environment)),
                    Vec::new(),
                    Limits::default(),
                )
            })
            .clone()
    }

    /// The process's own, without a proxy.
    pub(crate) fn direct() -> Self {
        static DIRECT: OnceLock<Transport> = OnceLock::new();
        DIRECT
            .get_or_init(|| Self::new(ProxyRule::Direct, Vec::new(), Limits::default()))
            .clone()
    }

    fn new(proxy: ProxyRule, roots: Vec<CertificateDer<'static>>, limits: Limits) -> Self {
        Self {
            inner: Arc::new(Inner {
                proxy,
                tls: Tls::new(roots),
                pool: Arc::new(Pool::new(limits)),
            }),
        }
    }

    pub(super) fn proxy(&self) -> &ProxyRule {
        &self.inner.proxy
    }

    pub(super) fn tls(&self) -> &Tls {
        &self.inner.tls
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.inner.pool
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("proxy", &self.inner.proxy)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Transport`].
///
/// Without [`proxy`](TransportBuilder::proxy) or [`no_proxy`](TransportBuilder::no_proxy) the
/// environment decides, as it does for curl: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
/// `NO_PROXY`, in upper or lower case, read when the transport is built.
#[must_use = "a builder does nothing until `build`"]
pub struct TransportBuilder {
    proxy: Choice,
    roots: Vec<cause::Result<CertificateDer<'static>>>,
    limits: Limits,
}

enum Choice {
    Environment,
    Direct,
    /// Parsed at once: what is kept and shown then holds the password apart.
    Proxy(cause::Result<Proxy>),
}

impl TransportBuilder {
    /// Sends everything by this proxy: `http://[user:password@]host:port` (by CONNECT, for plain
    /// `http` too), `https://…` for a proxy that is itself reached by TLS, `socks5://…`, or
    /// `socks5h://…` where the proxy looks up the names. Special characters in the user or
    /// password are percent-encoded.
    ///
    /// It holds for every host: the environment, `NO_PROXY` too, is not read.
    pub fn proxy(mut self, url: &str) -> Self {
        self.proxy = Choice::Proxy(Proxy::parse(url));
        self
    }

    /// No proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Choice::Direct;
        self
    }

    /// Trusts a CA besides the public ones, such as that of a private gateway.
    pub fn root_certificate(mut self, certificate: Certificate) -> Self {
        self.roots.push(Ok(certificate.to_der().to_vec().into()));
        self
    }

    /// Trusts every CA in a PEM file's text besides the public ones, whatever kind of key it has:
    /// a [`Certificate`] is one of WeChat Pay's, and so of RSA.
    pub fn root_certificates_pem(mut self, pem: &str) -> Self {
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            found = true;
            self.roots.push(certificate.map_err(|e| {
                Cause::config("a root certificate's PEM cannot be read").with_source(e)
            }));
        }
        if !found {
            let none = "there is no `-----BEGIN CERTIFICATE-----` in the root certificates' PEM";
            self.roots.push(Err(Cause::config(none)));
        }
        self
    }

    /// How long an idle connection is kept.
    #[cfg(test)]
    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The transport. Connects nowhere.
    ///
    /// # Errors
    ///
    /// The proxy's URL cannot be used, or a root certificate cannot.
    pub fn build(self) -> Result<Transport> {
        self.checked().map_err(Cause::not_sent)
    }

    pub(crate) fn checked(self) -> cause::Result<Transport> {
        let proxy = match self.proxy {
            Choice::Environment => ProxyRule::Environment(Box::new(Environment::read())),
            Choice::Direct => ProxyRule::Direct,
            Choice::Proxy(proxy) => ProxyRule::Always(proxy?),
        };
        let roots = self.roots.into_iter().collect::<cause::Result<_>>()?;
        let transport = Transport::new(proxy, roots, self.limits);
        transport.tls().check()?;
        Ok(transport)
    }
}

impl fmt::Debug for TransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("TransportBuilder");
        match &self.proxy {
            Choice::Environment => out.field("proxy", &"environment"),
            Choice::Direct => out.field("proxy", &"none"),
            Choice::Proxy(proxy) => out.field("proxy", proxy),
        };
        out.field("roots", &self.roots.len()).finish()
    }
}

const _: () = {
    const fn is<T: Send + Sync + Clone>() {}
    is::<Transport>();
};
