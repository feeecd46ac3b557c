//! Protects the sandbox from web pages. A page can point its own host name at this machine (DNS
//! rebinding) and send requests here, but their Host header carries the page's name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::{header::HOST, request::Parts, uri::Authority};

use crate::{
    error::{Cause, cause::Result, value::shown},
    protocol::url::host::Origin,
    sandbox::dispatch::pipeline::Listener,
};

/// The hosts beside the bound address that are the sandbox's own, on every port: in front of it may be a
/// container's port, or a proxy.
#[derive(Default)]
pub(in crate::sandbox) struct Hosts(Vec<String>);

impl Hosts {
    /// Returns these hosts.
    ///
    /// # Errors
    /// Returns an error if one is not a host name or an address without a port.
    pub(in crate::sandbox) fn new(hosts: &[String]) -> Result<Self> {
        let hosts = hosts
            .iter()
            .map(|host| match Origin::split_authority(host) {
                Some((host, None)) => Ok(host),
                _ => Err(Cause::config(format!(
                    "invalid host `{}`: expected a name or an address without a port, such as \
                 sandbox.example.com; every port is allowed",
                    shown(host)
                ))),
            });
        Ok(Self(hosts.collect::<Result<_>>()?))
    }

    /// Returns whether a host, perhaps with a port, is one of these.
    pub(in crate::sandbox) fn has(&self, named: &str) -> bool {
        let split = Origin::split_authority(named);
        split.is_some_and(|(host, _)| self.0.contains(&host))
    }

    /// Returns the names, and not the addresses.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let hosts = self.0.iter().map(String::as_str);
        hosts.filter(|host| address(host).is_none())
    }

    /// Returns the addresses.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.0.iter().filter_map(|host| address(host))
    }
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// Returns whether the Host header, and the target if it has a host, name the sandbox itself, or the host
/// that it poses as.
pub(super) fn is_own(parts: &Parts, listener: &Listener, hosts: &Hosts) -> bool {
    let names_own = |named: &str| names_own(named, listener, hosts);
    // Two Host headers could mean one thing here and another to a proxy on the way.
    let mut hosts = parts.headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let header_is_own = host.to_str().is_ok_and(names_own);
    let target = parts.uri.authority();
    header_is_own && target.is_none_or(|authority| names_own(authority.as_str()))
}

fn names_own(named: &str, listener: &Listener, hosts: &Hosts) -> bool {
    let default_port = if listener.tls { 443 } else { 80 };
    match listener.host {
        Some(host) => names_host(named, host, default_port),
        None => hosts.has(named) || names_address(named, listener.address, default_port),
    }
}

/// Returns whether a host, perhaps with a port, is this one on the default port.
fn names_host(named: &str, host: &str, default_port: u16) -> bool {
    let split = Origin::split_authority(named);
    split.is_some_and(|(name, port)| name == host && port.unwrap_or(default_port) == default_port)
}

/// Returns the address by which this machine calls what listens on `bound`: every address stands for none
/// that can be called.
pub(in crate::sandbox) fn to_call(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

/// Returns the host, and the port if there is one, by which a client reached the sandbox.
pub(in crate::sandbox) fn reached(parts: &Parts) -> Option<(String, Option<u16>)> {
    let host = parts.headers.get(HOST)?.to_str().ok()?;
    Origin::split_authority(host)
}

/// Returns whether an `Origin` header names the sandbox itself.
pub(in crate::sandbox) fn is_own_origin(origin: &str, listener: &Listener, hosts: &Hosts) -> bool {
    let scheme = if listener.tls { "https://" } else { "http://" };
    let named = origin.strip_prefix(scheme);
    named.is_some_and(|named| names_own(named, listener, hosts))
}

/// Returns whether a host with a port is `localhost` or the bound address.
fn names_address(host: &str, bound: SocketAddr, default_port: u16) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let port = authority.port_u16().unwrap_or(default_port);
    // User info does not belong in a Host header.
    if authority.as_str().contains('@') || port != bound.port() {
        return false;
    }
    let name = authority.host();
    // `localhost` always means this machine: browsers do not look it up.
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = name.trim_start_matches('[').trim_end_matches(']');
    // An address is safe: only a name can be pointed at another machine. A listener on every address
    // accepts all of them, because it does not know which ones the machine has.
    address
        .parse::<IpAddr>()
        .is_ok_and(|address| address == bound.ip() || bound.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(given: &[&str]) -> Result<Hosts> {
        let given: Vec<_> = given.iter().map(|host| (*host).to_owned()).collect();
        Hosts::new(&given)
    }

    #[test]
    fn given_hosts_are_own_on_every_port() {
        let hosts = hosts(&[
            "Sandbox",
            "pay_sandbox.example.com",
            "192.168.0.2",
            "[fd00::2]",
        ]);
        let hosts = hosts.unwrap();
        for (named, is_own) in [
            ("sandbox", true),
            ("SANDBOX:8080", true),
            ("sandbox:1", true),
            ("pay_sandbox.example.com:443", true),
            ("192.168.0.2:9090", true),
            ("[fd00::2]:9090", true),
            ("sandbux:8080", false),
            ("sandbox.", false),
            ("sandbox.evil.example:8080", false),
            ("evil.sandbox", false),
            ("example.com", false),
            ("user@sandbox:8080", false),
            ("user:password@sandbox:8080", false),
            ("sandbox@evil.example", false),
            ("sandbox:", false),
            ("sandbox:0", false),
            ("sandbox:65536", false),
            ("sandbox:8080:8080", false),
            ("sandbox/", false),
            (" sandbox", false),
            ("192.168.0.3:9090", false),
            ("192.168.0.2.evil.example", false),
            ("[fd00::3]:9090", false),
            ("fd00::2", false),
            ("", false),
        ] {
            assert_eq!(hosts.has(named), is_own, "{named}");
        }
        assert!(!Hosts::default().has("sandbox"));
        assert_eq!(hosts.names().count(), 2);
        assert_eq!(hosts.addresses().count(), 2);
    }

    #[test]
    fn hosts_must_be_names_or_addresses() {
        for host in [
            "",
            "sandbox:8080",
            "http://sandbox",
            "sandbox/",
            "user@sandbox",
            "*",
            "*.example.com",
            "sand box",
            "沙箱",
            "fd00::2",
        ] {
            let err = hosts(&[host]).err().unwrap().to_string();
            assert!(err.contains(&format!("invalid host `{host}`")), "{err}");
        }
    }

    #[test]
    fn host_may_be_the_one_that_the_sandbox_poses_as() {
        for (named, is_own) in [
            ("api.mch.weixin.qq.com", true),
            ("API.mch.weixin.qq.com:443", true),
            ("api.mch.weixin.qq.com:80", false),
            ("user@api.mch.weixin.qq.com", false),
            ("api2.mch.weixin.qq.com", false),
            ("localhost:443", false),
            ("", false),
        ] {
            assert_eq!(
                names_host(named, "api.mch.weixin.qq.com", 443),
                is_own,
                "{named}"
            );
        }
    }

    #[test]
    fn host_must_be_localhost_or_the_bound_address() {
        let bound = "127.0.0.1:8080".parse().unwrap();
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080"] {
            assert!(names_address(host, bound, 80), "{host}");
        }
        for host in [
            "",
            "127.0.0.1",
            "127.0.0.1:80",
            "localhost",
            "evil.example:8080",
            "127.0.0.1.evil.example:8080",
            "localhost.evil.example:8080",
            "user@127.0.0.1:8080",
            "127.0.0.2:8080",
            "[::1]:8080",
        ] {
            assert!(!names_address(host, bound, 80), "{host}");
        }
        assert!(names_address(
            "[::1]:8080",
            "[::1]:8080".parse().unwrap(),
            80
        ));
        let everywhere = "0.0.0.0:8080".parse().unwrap();
        assert!(names_address("192.168.0.2:8080", everywhere, 80));
        assert!(!names_address("evil.example:8080", everywhere, 80));
        assert!(names_address(
            "127.0.0.1",
            "127.0.0.1:80".parse().unwrap(),
            80
        ));
        assert!(names_address(
            "127.0.0.1",
            "127.0.0.1:443".parse().unwrap(),
            443
        ));
    }
}
