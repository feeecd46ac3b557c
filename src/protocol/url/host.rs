//! The hosts that a request may be sent to.
//!
//! A signed request proves to its receiver that the merchant sent it, and carries the merchant's data.
//! It is therefore sent only to WeChat Pay and to hosts that the program has named. The check applies
//! to the final URL, wherever that came from: the path, an option, a variable or a redirect.

use std::{fmt, net::IpAddr};

use crate::error::{Cause, cause::Result, value::shown};

/// The default base URI.
pub(crate) const API: &str = "https://api.mch.weixin.qq.com/";

/// The hosts of WeChat Pay.
const KNOWN: [&str; 9] = [
    "api.mch.weixin.qq.com",
    "api2.mch.weixin.qq.com",
    "apihk.mch.weixin.qq.com",
    "apius.mch.weixin.qq.com",
    "apieu.mch.weixin.qq.com",
    "fraud.mch.weixin.qq.com",
    "payapp.weixin.qq.com",
    "api.wechatpay.cn",
    "api2.wechatpay.cn",
];

/// The host of invoice files, which are fetched without a signature.
const UNSIGNED: &str = "pay.wechatpay.cn";

/// Returns the hosts of WeChat Pay, the one of the default base URI first.
#[cfg(feature = "sandbox")]
pub(crate) fn of_wechat_pay() -> impl Iterator<Item = &'static str> {
    KNOWN.into_iter().chain([UNSIGNED])
}

/// An origin: scheme, host and port.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) https: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Origin {
    /// Splits an absolute URL into its origin and the rest, which begins with `/` or `?` or is empty.
    ///
    /// The parser accepts less than the URL standard. Where two parsers could disagree about the host
    /// (user info, backslashes, other schemes), the URL is an error.
    pub(crate) fn split(url: &str) -> Result<(Self, &str)> {
        let (scheme, after) = url.split_once("://").unwrap_or(("", url));
        let end = after.find(['/', '?', '#', '\\']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        if authority.contains('@') {
            return Err(Cause::request(
                "a URL with user info (`user@host`) is not allowed: remove the user info",
            ));
        }
        // The path and the query are not shown: they are not the problem and may name a person. The
        // whole URL is not shown if it may contain a password, even one with a `/` or a `#` in it.
        let refuse = |what: &str| {
            let origin = &url[..url.len() - rest.len()];
            Err(Cause::request(
                if url.contains('@') || url.contains("%40") {
                    format!("the URL (not shown because it contains an `@`) {what}")
                } else {
                    format!("the URL `{}` {what}", shown(origin))
                },
            ))
        };
        let https = match scheme {
            "" => return refuse("has no scheme: write https://host/path"),
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return refuse("has an unsupported scheme: expected https or http"),
        };
        // Browsers and some proxies read `\` as `/`, so the host would end somewhere else for them.
        if rest.starts_with('\\') {
            return refuse("has a backslash after its host");
        }
        let Some((host, port)) = split_port(authority) else {
            return refuse("has an invalid port: expected a number from 1 to 65535");
        };
        if !is_host(host) {
            return refuse("has an invalid host: expected a domain name or an IP address");
        }
        let origin = Self {
            https,
            // Host names are case-insensitive, and equality of origins must be, too.
            host: host.to_ascii_lowercase(),
            port: port.unwrap_or(if https { 443 } else { 80 }),
        };
        Ok((origin, rest))
    }

    /// Splits `host` or `host:port`. Returns `None` if it is neither.
    #[cfg(feature = "sandbox")]
    pub(crate) fn split_authority(authority: &str) -> Option<(String, Option<u16>)> {
        let (host, port) = split_port(authority)?;
        is_host(host).then(|| (host.to_ascii_lowercase(), port))
    }

    /// Returns the host, with the port if it is not the scheme's default: the value of a Host header.
    pub(crate) fn authority(&self) -> String {
        let default = if self.https { 443 } else { 80 };
        if self.port == default {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Returns whether the host is this machine, by its name or address. Names are not resolved.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self
                .host
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A base URI: an origin and a path prefix for everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) origin: Origin,
    /// The path prefix, which begins with `/` and does not end with one. Empty for the root.
    pub(crate) prefix: String,
}

impl Base {
    /// Returns `true` for the default base URI's host without a prefix.
    #[cfg(feature = "documents")]
    pub(crate) fn is_default(origin: &Origin, prefix: &str) -> bool {
        prefix.is_empty() && origin.https && origin.host == KNOWN[0]
    }

    pub(crate) fn parse(uri: &str) -> Result<Self> {
        let (origin, rest) = Origin::split(uri)?;
        if rest.contains(['?', '#']) {
            return Err(Cause::request(format!(
                "the base URI at `{origin}` has a query or a fragment: remove it"
            )));
        }
        // `https://user:pass/word@host` parses as the host `user` with a path, so an `@` there means
        // that the password is in the wrong place.
        if rest.contains('@') {
            return Err(Cause::request(
                "a base URI with an `@` after its host is not allowed: remove the user and the password",
            ));
        }
        let prefix = rest.trim_end_matches('/');
        if !prefix.is_empty() {
            super::path::check(prefix)?;
        }
        Ok(Self {
            origin,
            prefix: prefix.to_owned(),
        })
    }
}

/// A host named by `trust_host`. Without a port, all ports are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trusted {
    host: String,
    port: Option<u16>,
}

/// The hosts that one client may send requests to.
#[derive(Clone, Debug)]
pub(crate) struct HostRule {
    own: Origin,
    backup: Option<Origin>,
    trusted: Vec<Trusted>,
}

impl HostRule {
    pub(crate) fn new(own: Origin, backup: Option<Origin>) -> Self {
        Self {
            own,
            backup,
            trusted: Vec::new(),
        }
    }

    /// Trusts `host` or `host:port`.
    pub(crate) fn trust(&mut self, host: &str) -> Result<()> {
        match split_port(host) {
            Some((name, port)) if is_host(name) => {
                self.trusted.push(Trusted {
                    host: name.to_ascii_lowercase(),
                    port,
                });
                Ok(())
            }
            _ => Err(Cause::config(format!(
                "trust_host({:?}): expected a host name or address, optionally with a port and without \
                 a scheme",
                shown(host)
            ))),
        }
    }

    /// Returns whether `trust_host` named this origin's host.
    pub(crate) fn trusts(&self, origin: &Origin) -> bool {
        self.trusted.iter().any(|trusted| {
            trusted.host == origin.host && trusted.port.is_none_or(|port| port == origin.port)
        })
    }

    /// Returns the origins of the base URI and of the backup.
    pub(crate) fn configured(&self) -> impl Iterator<Item = &Origin> {
        std::iter::once(&self.own).chain(&self.backup)
    }

    /// Returns whether a sandbox may run at this origin: on this machine, or on a trusted host.
    pub(crate) fn may_be_sandbox(&self, origin: &Origin) -> bool {
        origin.is_loopback() || self.trusts(origin)
    }

    /// Checks that a signed request may be sent to `origin`.
    pub(crate) fn check(&self, origin: &Origin) -> Result<()> {
        // What the program has named is allowed as it is, including plain http and any port.
        if *origin == self.own || self.backup.as_ref() == Some(origin) || self.trusts(origin) {
            return Ok(());
        }
        // Another port of a configured host is fine over https: a certificate proves the host, not
        // the port. The port itself is checked below.
        let ours = self
            .configured()
            .any(|own| own.https && own.host == origin.host);
        let known = KNOWN.contains(&origin.host.as_str());
        if !(ours || known) {
            return Err(Cause::request(format!(
                "`{origin}` is neither a host of WeChat Pay nor one of this client, so no signed request \
                 is sent to it; to allow it, use trust_host"
            )));
        }
        if !origin.https {
            return Err(Cause::request(format!(
                "`{origin}` is plain http, which is allowed only for the client's base URI and for \
                 trusted hosts"
            )));
        }
        let port = origin.port == 443
            || self
                .configured()
                .any(|own| own.https && own.port == origin.port);
        if !port {
            return Err(Cause::request(format!(
                "`{origin}` has a port other than 443 and the base URI's; to allow it, use trust_host"
            )));
        }
        Ok(())
    }

    /// Checks that an unsigned file may be fetched from `origin`.
    pub(crate) fn check_unsigned(&self, origin: &Origin) -> Result<()> {
        if origin.https && origin.port == 443 && origin.host == UNSIGNED {
            return Ok(());
        }
        self.check(origin)
    }
}

/// Splits `host:port`. Returns `None` if the port is invalid.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    // The colons of an IPv6 address are inside its brackets.
    let bracket = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[bracket..].find(':') {
        None => Some((authority, None)),
        Some(colon) => {
            let (host, port) = authority.split_at(bracket + colon);
            let digits = &port[1..];
            let number = digits.bytes().all(|b| b.is_ascii_digit());
            match digits.parse::<u16>() {
                // `parse` would accept `+443`.
                Ok(port) if number && port > 0 => Some((host, Some(port))),
                _ => None,
            }
        }
    }
}

/// Returns whether this is a domain name or an IP address, in the form that is sent.
fn is_host(host: &str) -> bool {
    if let Some(v6) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return v6.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !host.is_empty()
        && host.len() <= 253
        // Underscores are not legal in host names, but are common inside companies.
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(own: &str) -> HostRule {
        HostRule::new(Base::parse(own).unwrap().origin, None)
    }

    fn is_allowed(rule: &HostRule, url: &str) -> bool {
        Origin::split(url).is_ok_and(|(origin, _)| rule.check(&origin).is_ok())
    }

    #[test]
    fn hosts_of_wechat_pay_are_allowed_over_https() {
        let rule = rule(API);
        for host in KNOWN {
            assert!(is_allowed(&rule, &format!("https://{host}/x")), "{host}");
            assert!(!is_allowed(&rule, &format!("http://{host}/x")), "{host}");
            assert!(
                !is_allowed(&rule, &format!("https://{host}:8443/x")),
                "{host}"
            );
            assert!(!is_allowed(&rule, &format!("https://{host}.evil.example/")));
            assert!(!is_allowed(&rule, &format!("https://{host}@evil.example/")));
        }
        assert!(is_allowed(&rule, "HTTPS://API.mch.weixin.qq.com/v3"));
        for stranger in [
            "https://evil.example/",
            "https://evilapi.mch.weixin.qq.com/",
            "https://api.mch.weixin.qq.com./",
            "https://api.mch.weixin.qq.com\\@evil.example/",
            "https://api.mch.weixin.qq.com:0443x/",
            "https://api.mch.weixin.qq.com:/",
            "ftp://api.mch.weixin.qq.com/",
            "https:///x",
            "https://pay.wechatpay.cn/",
        ] {
            assert!(!is_allowed(&rule, stranger), "{stranger}");
        }
    }

    #[test]
    fn plain_http_is_allowed_only_for_the_base_uri() {
        let rule = rule("http://127.0.0.1:8080/x/");
        assert!(is_allowed(&rule, "http://127.0.0.1:8080/y"));
        assert!(!is_allowed(&rule, "http://127.0.0.1:8081/y"));
        assert!(!is_allowed(&rule, "http://127.0.0.1/y"));
    }

    #[test]
    fn configured_port_is_allowed() {
        let rule = rule("https://gateway.example:8443/pay/");
        assert!(is_allowed(&rule, "https://gateway.example:8443/x"));
        assert!(is_allowed(&rule, "https://gateway.example/x"));
        assert!(!is_allowed(&rule, "https://gateway.example:9443/x"));
    }

    #[test]
    fn trusted_host_is_allowed_with_its_port_or_any() {
        let mut rule = rule(API);
        rule.trust("127.0.0.1").unwrap();
        rule.trust("[::1]:8080").unwrap();
        assert!(is_allowed(&rule, "http://127.0.0.1:8080/x"));
        assert!(is_allowed(&rule, "http://[::1]:8080/x"));
        assert!(!is_allowed(&rule, "http://[::1]:8081/x"));
        for bad in ["https://h", "", "a b", "h:0", "h:99999", "a/b", "h:"] {
            assert!(rule.trust(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn base_uri_keeps_its_path() {
        let base = Base::parse("https://apihk.mch.weixin.qq.com/global/").unwrap();
        assert_eq!(base.prefix, "/global");
        assert_eq!(base.origin.to_string(), "https://apihk.mch.weixin.qq.com");
        assert_eq!(Base::parse("https://h.example").unwrap().prefix, "");
        for bad in ["https://h.example/?a", "h.example", "/x", "https://h/../x"] {
            assert!(Base::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_recognized() {
        for (url, loopback) in [
            ("http://127.0.0.1:1/", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("https://api.mch.weixin.qq.com/", false),
            ("http://127.0.0.1.evil.example/", false),
        ] {
            assert_eq!(
                Origin::split(url).unwrap().0.is_loopback(),
                loopback,
                "{url}"
            );
        }
    }
}
