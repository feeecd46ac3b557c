//! What clients share: connections, TLS trust and the proxy.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use zeroize::Zeroizing;

use super::{
    connect::{Environment, Proxy, ProxyRule, Tls, Trust},
    pool::{Limits, Pool},
};
use crate::{
    base::crypto::Certificate,
    error::{Cause, Result, cause},
    protocol::url::host::Origin,
};

/// Connections, TLS trust and the proxy, shared between clients.
///
/// A clone is another handle to the same connections. A client without a transport uses one that
/// belongs to the process, so 10,000 clients own no task, thread or TLS configuration.
///
/// A connection serves one runtime, one host and one client identity. At most 128 idle connections
/// are kept for each, and one that is idle for 5 seconds is closed: WeChat Pay's servers close
/// theirs after 8.
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
    /// In a separate `Arc`, to which connections and drivers have weak references: a task that drives
    /// an idle connection must not keep the transport alive.
    pool: Arc<Pool>,
}

impl Transport {
    /// Returns a builder of a new transport.
    pub fn builder() -> TransportBuilder {
        TransportBuilder {
            proxy: Choice::Environment,
            trust: Trust::default(),
            roots: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Returns the address of the proxy for a URL, such as `http://proxy.internal:3128`, without its user name
    /// and password. Returns `None` if the URL is reached directly.
    ///
    /// ```
    /// use wechatpay_chain::Transport;
    ///
    /// let transport = Transport::builder().proxy("http://user:password@proxy.internal:3128").build()?;
    /// let proxy = transport.proxy_for("https://api.mch.weixin.qq.com/")?;
    /// assert_eq!(proxy.as_deref(), Some("http://proxy.internal:3128"));
    /// # Ok::<(), wechatpay_chain::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, or if the environment's proxy for it is.
    pub fn proxy_for(&self, url: &str) -> Result<Option<String>> {
        let (origin, _) = Origin::split(url).map_err(Cause::not_sent)?;
        let proxy = self.proxy().for_origin(&origin).map_err(Cause::not_sent)?;
        Ok(proxy.map(ToString::to_string))
    }

    /// Returns the process's transport, with the environment's proxies as they are at first use.
    pub(crate) fn shared() -> Self {
        // Apart from `direct`, because the proxy is a property of connections: a pooled one that went
        // through the proxy must not serve a client that excludes it.
        static SHARED: OnceLock<Transport> = OnceLock::new();
        SHARED
            .get_or_init(|| {
                let environment = Environment::read();
                Self::with_proxy(ProxyRule::Environment(Box::new(environment)))
            })
            .clone()
    }

    /// Returns the process's transport without a proxy.
    pub(crate) fn direct() -> Self {
        static DIRECT: OnceLock<Transport> = OnceLock::new();
        DIRECT
            .get_or_init(|| Self::with_proxy(ProxyRule::Direct))
            .clone()
    }

    fn with_proxy(proxy: ProxyRule) -> Self {
        Self::new(
            proxy,
            Tls::new(Trust::default(), Vec::new()),
            Limits::default(),
        )
    }

    fn new(proxy: ProxyRule, tls: Tls, limits: Limits) -> Self {
        Self {
            inner: Arc::new(Inner {
                proxy,
                tls,
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
/// Without [`proxy`](TransportBuilder::proxy) or [`no_proxy`](TransportBuilder::no_proxy), the
/// environment decides as it does for curl: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
/// `NO_PROXY`, in upper or lower case, are read when the transport is built.
#[must_use = "a builder does nothing until `build`"]
pub struct TransportBuilder {
    proxy: Choice,
    trust: Trust,
    roots: Vec<cause::Result<CertificateDer<'static>>>,
    limits: Limits,
}

enum Choice {
    Environment,
    Direct,
    /// Parsed by the setter, so that the builder never holds, and `Debug` never shows, a URL with a
    /// password in it.
    Proxy(cause::Result<Proxy>),
}

impl TransportBuilder {
    /// Sets the proxy for all requests.
    ///
    /// | URL | proxy |
    /// | --- | --- |
    /// | `http://[user:password@]host:port` | HTTP, with CONNECT also for plain `http` origins |
    /// | `https://…` | the same, over TLS to the proxy |
    /// | `socks5://…` | SOCKS5, with host names looked up here |
    /// | `socks5h://…` | SOCKS5, with host names looked up by the proxy |
    ///
    /// Percent-encode special characters in the user name and password. The proxy applies to every
    /// host: the environment, including `NO_PROXY`, is not read.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        // Wiped, because it may contain a password.
        let url = Zeroizing::new(url.into());
        self.proxy = Choice::Proxy(Proxy::parse(&url));
        self
    }

    /// Uses no proxy, regardless of the environment.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Choice::Direct;
        self
    }

    /// Adds a CA to trust, such as a private gateway's, in addition to the public ones.
    pub fn root_certificate(mut self, certificate: Certificate) -> Self {
        self.roots.push(Ok(certificate.as_der().to_vec().into()));
        self
    }

    /// Adds every CA in a PEM text, in addition to the public ones.
    ///
    /// Unlike [`root_certificate`](TransportBuilder::root_certificate), it takes CAs with any kind
    /// of key: a [`Certificate`] has an RSA key, as WeChat Pay's certificates do.
    pub fn root_certificates_pem(mut self, pem: &str) -> Self {
        // A PEM without certificates is an error: it is the wrong file, and the CA that the program
        // relies on would be missing.
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            found = true;
            self.roots.push(
                certificate.map_err(|e| {
                    Cause::config("invalid PEM in the root certificates").with_source(e)
                }),
            );
        }
        if !found {
            self.roots.push(Err(Cause::config(
                "no certificate in the root certificates' PEM: expected \
                 `-----BEGIN CERTIFICATE-----`",
            )));
        }
        self
    }

    /// Sets whether TLS trusts what the operating system trusts, instead of the public CAs that are
    /// built in. Defaults to false, also with the feature on.
    ///
    /// For a network whose own CA is installed on its machines, such as a company's that inspects
    /// TLS. CAs that are added with [`root_certificate`](Self::root_certificate) or
    /// [`root_certificates_pem`](Self::root_certificates_pem) are trusted in addition.
    ///
    /// | system | verified |
    /// | --- | --- |
    /// | Linux, BSD | here, against the system's certificates as [`build`](Self::build) reads them; the environment variables `SSL_CERT_FILE` and `SSL_CERT_DIR` say where else they are |
    /// | macOS, iOS, Windows | by the operating system, during each handshake; it may look up revocations online, and blocks the polling thread meanwhile (on Windows up to 10 seconds) |
    /// | Android | by the operating system; initialize the crate `rustls-platform-verifier` first, and add no CA: that is an error |
    ///
    /// ```
    /// use wechatpay_chain::Transport;
    ///
    /// # if false {
    /// let transport = Transport::builder().platform_verifier(true).build()?;
    /// # }
    /// # Ok::<(), wechatpay_chain::Error>(())
    /// ```
    #[cfg(feature = "platform-verifier")]
    pub fn platform_verifier(mut self, enabled: bool) -> Self {
        self.trust = match enabled {
            true => Trust::platform(),
            false => Trust::default(),
        };
        self
    }

    /// Sets how long an idle connection is kept, and how many are.
    #[cfg(test)]
    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the transport. Opens no connection.
    ///
    /// # Errors
    ///
    /// Returns an error if the proxy's URL or a root certificate is invalid, or if the operating
    /// system's certificates are asked for and there are none.
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
        let tls = Tls::new(self.trust, roots);
        let transport = Transport::new(proxy, tls, self.limits);
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
