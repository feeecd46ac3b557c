//! Which Host headers are ours. A web page that points its own name at this machine (DNS
//! rebinding) names another, and is refused.

use std::net::{IpAddr, SocketAddr};

use http::{header::HOST, request::Parts, uri::Authority};

/// Whether every name the request goes by is the bound address or `localhost`.
pub(super) fn is_ours(parts: &Parts, bound: SocketAddr) -> bool {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let named = host.to_str().is_ok_and(|host| names(host, bound));
    let in_target = parts.uri.authority();
    named && in_target.is_none_or(|authority| names(authority.as_str(), bound))
}

fn names(host: &str, bound: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if authority.as_str().contains('@') || authority.port_u16().unwrap_or(80) != bound.port() {
        return false;
    }
    let name = authority.host();
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = name.trim_start_matches('[').trim_end_matches(']');
    // An address is no name that could be pointed elsewhere.
    address
        .parse::<IpAddr>()
        .is_ok_and(|address| address == bound.ip() || bound.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bound_address_and_localhost_are_ours() {
        let bound = "127.0.0.1:8080".parse().unwrap();
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080"] {
            assert!(names(host, bound), "{host}");
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
            assert!(!names(host, bound), "{host}");
        }
        assert!(names("[::1]:8080", "[::1]:8080".parse().unwrap()));
        let everywhere = "0.0.0.0:8080".parse().unwrap();
        assert!(names("192.168.0.2:8080", everywhere));
        assert!(!names("evil.example:8080", everywhere));
        assert!(names("127.0.0.1", "127.0.0.1:80".parse().unwrap()));
    }
}
