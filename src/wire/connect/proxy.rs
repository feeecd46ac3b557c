//! Which proxy to use, from the builder or the environment.

use std::{borrow::Cow, env, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::uri::Authority;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::{
    error::{Cause, cause::Result},
    protocol::url::host::Origin,
};

/// Which proxy, if any, to use for an origin.
#[derive(Debug)]
pub(crate) enum ProxyRule {
    Direct,
    /// For every origin, regardless of the environment.
    Always(Proxy),
    Environment(Box<Environment>),
}

impl ProxyRule {
    pub(crate) fn for_origin(&self, origin: &Origin) -> Result<Option<&Proxy>> {
        match self {
            Self::Direct => Ok(None),
            Self::Always(proxy) => Ok(Some(proxy)),
            Self::Environment(environment) => environment.for_origin(origin),
        }
    }
}

/// The proxies of the environment variables, as curl reads them.
pub(crate) struct Environment {
    https: Option<Named>,
    http: Option<Named>,
    exempt: Matcher,
}

/// A variable's name and its value.
///
/// An invalid value is an error of each request that would use it. Going direct instead would
/// bypass what someone meant as a safeguard, and failing at build would break programs that never
/// send to such an origin.
type Named = (&'static str, Result<Proxy>);

impl Environment {
    pub(crate) fn read() -> Self {
        Self::from_lookup(|name| env::var_os(name).map(|v| v.to_string_lossy().into_owned()))
    }

    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = lookup(name).filter(|value| !value.trim().is_empty())?;
                Some((*name, value))
            })
        };
        let proxy = |names: &[&'static str]| {
            first(names)
                // A fallback, so that a scheme's own variable wins.
                .or_else(|| first(&["ALL_PROXY", "all_proxy"]))
                .map(|(name, url)| (name, Proxy::parse(url.trim())))
        };
        // Under CGI, a request's `Proxy` header becomes HTTP_PROXY (CVE-2016-5385): the sender of
        // that request would choose the proxy.
        let is_cgi = lookup("REQUEST_METHOD").is_some();
        let http: &[_] = if is_cgi {
            &["http_proxy"]
        } else {
            &["HTTP_PROXY", "http_proxy"]
        };
        let exempt = first(&["NO_PROXY", "no_proxy"]).map_or_else(String::new, |(_, list)| list);
        Self {
            https: proxy(&["HTTPS_PROXY", "https_proxy"]),
            http: proxy(http),
            // Only for the NO_PROXY rules. Its own proxies do not fit: it silently ignores a URL
            // that it cannot parse.
            exempt: Matcher::builder().all("http://exempt").no(exempt).build(),
        }
    }

    fn for_origin(&self, origin: &Origin) -> Result<Option<&Proxy>> {
        let named = if origin.https {
            &self.https
        } else {
            &self.http
        };
        let Some((variable, proxy)) = named else {
            return Ok(None);
        };
        let scheme = if origin.https { "https" } else { "http" };
        let exempt = format!("{scheme}://{}/", origin.host)
            .parse()
            .is_ok_and(|uri| self.exempt.intercept(&uri).is_none());
        if exempt {
            return Ok(None);
        }
        match proxy {
            Ok(proxy) => Ok(Some(proxy)),
            Err(e) => Err(Cause::config(format!(
                "environment variable {variable}: {e}"
            ))),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("https", &self.https)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// A proxy's address.
pub(crate) struct Proxy {
    pub(crate) kind: ProxyKind,
    /// As in a URL: an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyKind {
    /// CONNECT, over TCP or over TLS.
    Http { tls: bool },
    /// SOCKS5. With `local_dns`, the host is looked up here and not by the proxy.
    Socks5 { local_dns: bool },
}

pub(crate) struct Credentials {
    pub(crate) user: Zeroizing<String>,
    pub(crate) password: Zeroizing<String>,
}

impl Credentials {
    /// Returns the value of `Proxy-Authorization`.
    pub(crate) fn basic(&self) -> Zeroizing<String> {
        let pair = Zeroizing::new(format!("{}:{}", *self.user, *self.password));
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        Zeroizing::new(format!("Basic {}", *encoded))
    }
}

/// The maximum number of bytes in a SOCKS5 user name and password together.
///
/// hyper-util's SOCKS5 client writes everything it sends into one buffer of 262 bytes and fails if
/// that is full: 13 bytes of the protocol's, the user name, the password, and the host. This leaves 49 for
/// the host; WeChat Pay's longest has 23.
const MAX_SOCKS_CREDENTIALS: usize = 200;

impl Proxy {
    /// Parses `scheme://[user:password@]host[:port]`. The scheme defaults to `http`.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (kind, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyKind::Http { tls: false }, 80),
            "https" => (ProxyKind::Http { tls: true }, 443),
            "socks5" => (ProxyKind::Socks5 { local_dns: true }, 1080),
            "socks5h" => (ProxyKind::Socks5 { local_dns: false }, 1080),
            // Not shown: in a malformed URL, the password may come before the `://`.
            _ => {
                return Err(invalid(
                    "expected the scheme http, https, socks5 or socks5h",
                ));
            }
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // The last `@`: in a password, one may be left unencoded.
        let (userinfo, address) = match rest.rsplit_once('@') {
            Some((userinfo, address)) => (Some(userinfo), address),
            None => (None, rest),
        };
        if address.contains(['/', '?', '#']) {
            return Err(invalid("it must not have a path or a query"));
        }
        let authority: Authority = address
            .parse()
            .map_err(|_| invalid("its host and port cannot be parsed"))?;
        let host = authority.host();
        // `Authority` accepts `host:` and `host:99999`, and has no port then.
        let port = match authority.port() {
            Some(port) => Some(port.as_u16()),
            None => (authority.as_str() == host).then_some(default_port),
        };
        let port = port
            .filter(|port| *port != 0)
            .ok_or_else(|| invalid("its port must be a number from 1 to 65535"))?;
        if host.is_empty() {
            return Err(invalid("it has no host"));
        }
        let credentials = userinfo.map(Credentials::parse).transpose()?;
        if let (ProxyKind::Socks5 { .. }, Some(credentials)) = (kind, &credentials) {
            if credentials.user.len() + credentials.password.len() > MAX_SOCKS_CREDENTIALS {
                return Err(invalid(
                    "a SOCKS5 user name and password may have at most 200 bytes together",
                ));
            }
        }
        Ok(Self {
            kind,
            host: host.to_owned(),
            port,
            credentials,
        })
    }
}

/// Without the credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Http { tls: false } => "http",
            ProxyKind::Http { tls: true } => "https",
            ProxyKind::Socks5 { local_dns: true } => "socks5",
            ProxyKind::Socks5 { local_dns: false } => "socks5h",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl Credentials {
    fn parse(userinfo: &str) -> Result<Self> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        Ok(Self {
            user: decode(user)?,
            password: decode(password)?,
        })
    }
}

fn decode(part: &str) -> Result<Zeroizing<String>> {
    percent_decode_str(part)
        .decode_utf8()
        .map(|decoded| Zeroizing::new(Cow::into_owned(decoded)))
        .map_err(|_| invalid("its user name or password is not UTF-8 after percent-decoding"))
}

/// Does not show the URL, which may contain a password.
fn invalid(why: &str) -> Cause {
    Cause::config(format!(
        "invalid proxy URL: {why}; use `http://host:port`, \
         `http://user:password@host:port`, `socks5://host:port` or `socks5h://host:port`"
    ))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("kind", &self.kind)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("with_credentials", &self.credentials.is_some())
            .finish()
    }
}
