use std::{borrow::Cow, env, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::uri::Authority;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::Target;
use crate::error::{Cause, cause::Result};

/// Which proxy stands between us and a host.
#[derive(Debug)]
pub(crate) enum ProxyRule {
    Direct,
    /// For every host, whatever the environment says.
    Always(Proxy),
    Environment(Box<Environment>),
}

impl ProxyRule {
    pub(crate) fn for_target(&self, target: &Target) -> Result<Option<&Proxy>> {
        match self {
            Self::Direct => Ok(None),
            Self::Always(proxy) => Ok(Some(proxy)),
            Self::Environment(environment) => environment.for_target(target),
        }
    }
}

/// The proxies that the environment names, as curl reads them.
pub(crate) struct Environment {
    https: Option<Named>,
    http: Option<Named>,
    exempt: Matcher,
}

/// A variable and what it says. A wrong value is kept until a request would need it: going out
/// directly instead would pass by what somebody meant as a guard.
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
                .or_else(|| first(&["ALL_PROXY", "all_proxy"]))
                .map(|(name, url)| (name, Proxy::parse(url.trim())))
        };
        // Under CGI a request's `Proxy` header becomes HTTP_PROXY: a stranger would choose.
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
            // Only its NO_PROXY rules are of use here: it drops a URL it cannot read in silence.
            exempt: Matcher::builder().all("http://exempt").no(exempt).build(),
        }
    }

    fn for_target(&self, target: &Target) -> Result<Option<&Proxy>> {
        let named = if target.https {
            &self.https
        } else {
            &self.http
        };
        let Some((variable, proxy)) = named else {
            return Ok(None);
        };
        let scheme = if target.https { "https" } else { "http" };
        let exempt = format!("{scheme}://{}/", target.host)
            .parse()
            .is_ok_and(|uri| self.exempt.intercept(&uri).is_none());
        if exempt {
            return Ok(None);
        }
        match proxy {
            Ok(proxy) => Ok(Some(proxy)),
            Err(e) => Err(Cause::config(format!(
                "the environment variable {variable}: {e}"
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
    /// SOCKS5; with `local_dns` the host's name is looked up here and not by the proxy.
    Socks5 { local_dns: bool },
}

pub(crate) struct Credentials {
    pub(crate) user: Zeroizing<String>,
    pub(crate) password: Zeroizing<String>,
}

impl Credentials {
    /// The value of `Proxy-Authorization`.
    pub(crate) fn basic(&self) -> Zeroizing<String> {
        let pair = Zeroizing::new(format!("{}:{}", *self.user, *self.password));
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        Zeroizing::new(format!("Basic {}", *encoded))
    }
}

/// hyper-util's SOCKS5 client writes all that it sends into one buffer of 262 bytes: 13 of its own,
/// the user, the password, and the host's name. This leaves 49 for the name, and WeChat Pay's longest
/// has 23.
const MOST_SOCKS_CREDENTIALS: usize = 200;

impl Proxy {
    /// Reads `scheme://[user:password@]host[:port]`; without a scheme it is an HTTP proxy.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (kind, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyKind::Http { tls: false }, 80),
            "https" => (ProxyKind::Http { tls: true }, 443),
            "socks5" => (ProxyKind::Socks5 { local_dns: true }, 1080),
            "socks5h" => (ProxyKind::Socks5 { local_dns: false }, 1080),
            // Not shown: a URL without slashes would put a password where the scheme stands.
            _ => return Err(wrong("its scheme is not http, https, socks5 or socks5h")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (userinfo, address) = match rest.rsplit_once('@') {
            Some((userinfo, address)) => (Some(userinfo), address),
            None => (None, rest),
        };
        if address.contains(['/', '?', '#']) {
            return Err(wrong("it has a path or a query"));
        }
        let authority: Authority = address
            .parse()
            .map_err(|_| wrong("its host and port cannot be read"))?;
        let host = authority.host();
        let port = match authority.port() {
            Some(port) => Some(port.as_u16()),
            None => (authority.as_str() == host).then_some(default_port),
        };
        let port = port
            .filter(|port| *port != 0)
            .ok_or_else(|| wrong("its port is not a number from 1 to 65535"))?;
        if host.is_empty() {
            return Err(wrong("it has no host"));
        }
        let credentials = userinfo.map(Credentials::parse).transpose()?;
        if let (ProxyKind::Socks5 { .. }, Some(credentials)) = (kind, &credentials) {
            if credentials.user.len() + credentials.password.len() > MOST_SOCKS_CREDENTIALS {
                return Err(wrong(
                    "a SOCKS5 user and password have at most 200 bytes together",
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
        .map_err(|_| wrong("its user or password is not UTF-8 after percent-decoding"))
}

/// Without the URL itself, which may hold a password.
fn wrong(why: &str) -> Cause {
    Cause::config(format!(
        "the proxy URL cannot be used: {why}; write `http://host:port`, \
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
