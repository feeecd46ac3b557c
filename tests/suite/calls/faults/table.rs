//! The table of faults and the expected result of a read and a write for each.

use std::{
    io::{Read as _, Write as _},
    sync::OnceLock,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use wechatpay_chain::Outcome::{self, Done, NotSent, Rejected, Unknown};

use super::{
    Ending, Fault, Observation,
    hosts::{self, Flaw, Host, Read, close, drip, server, socket, stall, writing},
};
use crate::fixtures::server::{MockResponse, Reply, now};

const REFUSAL: &str = r#"{"code":"SYSTEM_ERROR","message":"x"}"#;
const HTML: &str = "<html><body><h1>502 Bad Gateway</h1></body></html>";

/// A verified response, after one request.
const SUCCESS: Observation = Observation {
    ending: Ending::Success,
    arrived: 1,
};

const fn failure(kind: &'static str, outcome: Outcome, arrived: usize) -> Observation {
    Observation {
        ending: Ending::Failure(kind, outcome),
        arrived,
    }
}

fn fault(
    name: &'static str,
    get: Observation,
    post: Observation,
    host: impl Fn() -> Host + Send + Sync + 'static,
) -> Fault {
    Fault {
        name,
        host: Box::new(host),
        get,
        post,
    }
}

/// A fault with the same result for a read and a write.
fn both(
    name: &'static str,
    expected: Observation,
    host: impl Fn() -> Host + Send + Sync + 'static,
) -> Fault {
    fault(name, expected, expected, host)
}

/// A broken connection: a read is attempted three times, a write once.
fn cut(name: &'static str, host: impl Fn() -> Host + Send + Sync + 'static) -> Fault {
    let (get, post) = (
        failure("transport", Unknown, 3),
        failure("transport", Unknown, 1),
    );
    fault(name, get, post, host)
}

/// A fault that occurs before the request is sent.
fn unsent(
    name: &'static str,
    kind: &'static str,
    host: impl Fn() -> Host + Send + Sync + 'static,
) -> Fault {
    both(name, failure(kind, NotSent, 0), host)
}

/// A server that always sends the same response.
fn fixed(
    name: &'static str,
    get: Observation,
    post: Observation,
    response: fn() -> MockResponse,
) -> Fault {
    fault(name, get, post, move || server(move |_| response()))
}

/// A response that does not verify.
fn unverified(name: &'static str, kind: &'static str, response: fn() -> MockResponse) -> Fault {
    let expected = failure(kind, Unknown, 1);
    fixed(name, expected, expected, response)
}

fn signed() -> MockResponse {
    MockResponse::signed(200, "{}")
}

/// Returns the bytes of a signed response with `from` replaced by `to`.
fn altered(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(signed().bytes()).expect("text");
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1).into_bytes()
}

pub fn faults() -> Vec<Fault> {
    let mut all = connecting();
    all.extend(breaking());
    all.extend(stalling());
    all.extend(malformed());
    all.extend(statuses());
    all.extend(signatures());
    all
}

fn connecting() -> Vec<Fault> {
    vec![
        unsent("refused", "connect", hosts::refused),
        unsent("DNS: no such name", "connect", hosts::unresolvable),
        unsent("TCP: no reply", "timeout", || {
            hosts::unresponsive().with_short_connect_timeout()
        }),
        unsent("TLS: garbage", "connect", || {
            socket("https", |mut stream| {
                let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
                let _ = stream.read(&mut [0; 512]);
                Read::Nothing
            })
        }),
        unsent("TLS: closed during the handshake", "connect", || {
            socket("https", |mut stream| {
                let _ = stream.read(&mut [0; 512]);
                Read::Nothing
            })
        }),
        unsent("TLS: silence", "timeout", || {
            socket("https", |mut stream| {
                while stream.read(&mut [0; 512]).is_ok_and(|read| read > 0) {}
                Read::Nothing
            })
            .with_short_connect_timeout()
        }),
        unsent("TLS: certificate expired", "connect", || {
            hosts::tls(Flaw::Expired)
        }),
        unsent("TLS: certificate not valid yet", "connect", || {
            hosts::tls(Flaw::NotYetValid)
        }),
        unsent("TLS: certificate for another host", "connect", || {
            hosts::tls(Flaw::WrongName)
        }),
        unsent("TLS: certificate from an unknown CA", "connect", || {
            hosts::tls(Flaw::UnknownIssuer)
        }),
        unsent("proxy: refuses the tunnel", "connect", || {
            hosts::proxied("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        }),
        unsent("proxy: closes", "connect", || hosts::proxied("")),
    ]
}

fn breaking() -> Vec<Fault> {
    // Whether the reset arrives while the client connects or writes is a race, so a byte of the
    // request may or may not have left. A read may end in an unsent attempt after one that was sent.
    let before = |all: &'static [(&'static str, Outcome)]| Observation {
        ending: Ending::AnyOf(all),
        arrived: 0,
    };
    let write = before(&[
        ("connect", NotSent),
        ("transport", NotSent),
        ("transport", Unknown),
    ]);
    let read = before(&[
        ("connect", NotSent),
        ("connect", Unknown),
        ("transport", NotSent),
        ("transport", Unknown),
    ]);
    vec![
        fault("reset before the request", read, write, || {
            socket("http", |stream| {
                hosts::reset(stream);
                Read::Nothing
            })
        }),
        cut("reset during the request", || {
            let host = socket("http", |mut stream| {
                let _ = stream.read(&mut [0; 64]);
                hosts::reset(stream);
                Read::Some
            });
            host.with_body(8 << 20)
        }),
        cut("reset after the request", || server(|_| Reply::Reset)),
        cut("closed after the request", || server(|_| Reply::Close)),
        both(
            "reset of an idle connection",
            SUCCESS,
            hosts::resetting_an_idle_connection,
        ),
        cut("half a head", || {
            writing("HTTP/1.1 200 OK\r\nContent-Le", close)
        }),
        cut("half a body", || {
            writing(altered("\r\n\r\n{}", "\r\n\r\n{"), close)
        }),
        cut("half a body, chunked", || {
            let raw = altered(
                "Content-Length: 2\r\n\r\n{}",
                "Transfer-Encoding: chunked\r\n\r\n2\r\n{",
            );
            writing(raw, close)
        }),
    ]
}

fn stalling() -> Vec<Fault> {
    let timeout = |name, host: fn() -> Host| {
        both(name, failure("timeout", Unknown, 1), move || {
            host().with_short_timeout()
        })
    };
    const BLINK: Duration = Duration::from_millis(20);
    vec![
        timeout("no response", || server(|_| Reply::Silence)),
        timeout("request not read", || {
            // The request counts as arrived when its first byte is read.
            let host = socket("http", |mut stream| {
                let read = stream.read(&mut [0; 1]);
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_secs(60));
                    drop(stream);
                });
                match read {
                    Ok(1) => Read::Some,
                    _ => Read::Nothing,
                }
            });
            host.with_body(8 << 20)
        }),
        timeout("head stalls", || {
            writing("HTTP/1.1 200 OK\r\nContent-Le", stall)
        }),
        timeout("head arrives byte by byte", || {
            writing("HTTP/1.1 200 OK\r\nX-Drip: ", drip(b"x", BLINK))
        }),
        timeout("body stalls", || {
            writing(altered("\r\n\r\n{}", "\r\n\r\n{"), stall)
        }),
        timeout("body arrives byte by byte", || {
            writing(
                altered(
                    "Content-Length: 2\r\n\r\n{}",
                    "Content-Length: 1000\r\n\r\n",
                ),
                drip(b" ", BLINK),
            )
        }),
        timeout("endless 1xx responses", || {
            writing("", drip(b"HTTP/1.1 100 Continue\r\n\r\n", 10 * BLINK))
        }),
    ]
}

fn malformed() -> Vec<Fault> {
    let too_large = failure("too_large", Unknown, 1);
    vec![
        cut("response is not HTTP", || {
            writing("SSH-2.0-OpenSSH_9.6\r\n", close)
        }),
        both("1xx, then a response", SUCCESS, || {
            server(|_| {
                Reply::Raw(Box::new(|stream| {
                    let early =
                        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
                    let _ = stream.write_all(early);
                    let _ = stream.write_all(&signed().bytes());
                }))
            })
        }),
        cut("101 Switching Protocols", || {
            writing(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
                close,
            )
        }),
        both("headers of 200 kB", too_large, || {
            let long = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "x".repeat(200_000));
            writing(long, close)
        }),
        both("500 headers", too_large, || {
            let many = (0..500)
                .map(|n| format!("X-{n}: x\r\n"))
                .collect::<String>();
            writing(format!("HTTP/1.1 200 OK\r\n{many}\r\n"), close)
        }),
        both("body over the limit", too_large, || {
            server(|_| MockResponse::signed(200, vec![b' '; 300 * 1024]))
        }),
        both("endless body", too_large, || {
            writing("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", |stream| {
                while stream.write_all(&[b' '; 64 * 1024]).is_ok() {}
            })
        }),
        // The signature covers the 16 KB that were sent, so the operation is done. Decompressed, they
        // exceed the limit.
        both("gzip bomb", failure("too_large", Done, 1), || {
            static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
            let bomb = BOMB.get_or_init(|| {
                let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
                for _ in 0..16 {
                    bomb.write_all(&vec![0; 1 << 20]).expect("memory");
                }
                bomb.finish().expect("memory")
            });
            assert!(bomb.len() < 100_000, "{}", bomb.len());
            server(move |_| {
                MockResponse::signed(200, bomb.clone()).header("Content-Encoding", "gzip")
            })
        }),
        cut("Content-Length too long", || {
            writing(altered("Content-Length: 2", "Content-Length: 3"), close)
        }),
        // The excess bytes are not part of the response, so its signature does not match.
        both(
            "Content-Length too short",
            failure("verification", Unknown, 1),
            || writing(altered("Content-Length: 2", "Content-Length: 1"), stall),
        ),
        cut("two Content-Lengths", || {
            writing(
                altered(
                    "Content-Length: 2",
                    "Content-Length: 2\r\nContent-Length: 1",
                ),
                close,
            )
        }),
        cut("Content-Length is not a number", || {
            writing(altered("Content-Length: 2", "Content-Length: -2"), close)
        }),
    ]
}

fn statuses() -> Vec<Fault> {
    let api = |outcome, arrived| failure("api", outcome, arrived);
    vec![
        fixed("202", SUCCESS, SUCCESS, || MockResponse::signed(202, "{}")),
        fixed("204", SUCCESS, SUCCESS, || MockResponse::signed(204, "")),
        fixed(
            "301 to an untrusted host",
            api(Unknown, 1),
            api(Unknown, 1),
            || MockResponse::plain(301, "").header("Location", "https://stranger.example/v3/x"),
        ),
        fault(
            "301 to an untrusted host, following",
            failure("transport", Unknown, 1),
            api(Unknown, 1),
            || {
                let to = "https://stranger.example/v3/x";
                server(move |_| MockResponse::plain(301, "").header("Location", to))
                    .following_redirects()
            },
        ),
        fault(
            "302 to itself",
            failure("transport", Unknown, 6),
            api(Unknown, 1),
            || {
                server(|r| MockResponse::plain(302, "").header("Location", &r.target))
                    .following_redirects()
            },
        ),
        fixed("400 unsigned", api(Rejected, 1), api(Unknown, 1), || {
            MockResponse::plain(400, REFUSAL)
        }),
        fixed("401 unsigned", api(Rejected, 1), api(Rejected, 1), || {
            MockResponse::plain(401, REFUSAL)
        }),
        fixed("404", api(Rejected, 1), api(Rejected, 1), || {
            MockResponse::signed(404, REFUSAL)
        }),
        fixed("429", api(Rejected, 3), api(Rejected, 1), || {
            MockResponse::signed(429, REFUSAL)
        }),
        fixed(
            "429, Retry-After: 0",
            api(Rejected, 3),
            api(Rejected, 1),
            || MockResponse::signed(429, REFUSAL).header("Retry-After", 0),
        ),
        // Longer than the call's timeout, so the call fails at once instead of waiting.
        fixed(
            "429, Retry-After: 60",
            api(Rejected, 1),
            api(Rejected, 1),
            || MockResponse::signed(429, REFUSAL).header("Retry-After", 60),
        ),
        fixed("500", api(Unknown, 1), api(Unknown, 1), || {
            MockResponse::signed(500, REFUSAL)
        }),
        fixed("502 in HTML", api(Unknown, 3), api(Unknown, 1), || {
            MockResponse::plain(502, HTML)
        }),
        fixed(
            "503 without a body",
            api(Unknown, 3),
            api(Unknown, 1),
            || MockResponse::plain(503, ""),
        ),
        fixed("504 in HTML", api(Unknown, 1), api(Unknown, 1), || {
            MockResponse::plain(504, HTML)
        }),
    ]
}

fn signatures() -> Vec<Fault> {
    const PROBE: &str = "WECHATPAY/SIGNTEST/dGhpcyBpcyBhIHByb2Jl";
    vec![
        unverified("signature of another body", "verification", || {
            MockResponse::signed_over(200, "{}", b"[]")
        }),
        unverified("signature is not base64", "verification", || {
            signed().with("Wechatpay-Signature", "?!")
        }),
        unverified("no signature", "verification", || {
            MockResponse::plain(200, "{}")
        }),
        unverified("no nonce", "verification", || {
            signed().without("Wechatpay-Nonce")
        }),
        unverified("two serials", "verification", || {
            signed().header("Wechatpay-Serial", "PUB_KEY_ID_OTHER")
        }),
        unverified("unknown serial", "verification", || {
            signed().with("Wechatpay-Serial", "PUB_KEY_ID_OTHER")
        }),
        unverified("error with an invalid signature", "verification", || {
            MockResponse::signed_over(400, REFUSAL, b"{}")
        }),
        unverified("probe", "probe", || {
            signed().with("Wechatpay-Signature", PROBE)
        }),
        unverified("old timestamp", "clock_skew", || {
            MockResponse::signed_at(200, "{}", now() - 310)
        }),
        unverified("future timestamp", "clock_skew", || {
            MockResponse::signed_at(200, "{}", now() + 320)
        }),
        // The signature does not identify the request; only TLS ties a response to it. A replayed
        // response is therefore accepted while its timestamp is recent.
        fixed("replayed, 200 s old", SUCCESS, SUCCESS, || {
            MockResponse::signed_at(200, "{}", now() - 200)
        }),
    ]
}
