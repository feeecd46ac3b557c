use std::{
    io::{Read as _, Write as _},
    sync::OnceLock,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use wechatpay_chain::Outcome::{self, Done, NotSent, Rejected, Unknown};

use super::{
    End, Fault, What,
    hosts::{self, Flaw, Host, Read, close, drip, server, socket, stall, writing},
};
use crate::fixtures::server::{MockResponse, Reply, now};

const REFUSAL: &str = r#"{"code":"SYSTEM_ERROR","message":"x"}"#;
const HTML: &str = "<html><body><h1>502 Bad Gateway</h1></body></html>";

/// A verified answer, after one request.
const GOOD: End = End {
    what: What::Good,
    arrived: 1,
};

const fn bad(kind: &'static str, outcome: Outcome, arrived: usize) -> End {
    End {
        what: What::Bad(kind, outcome),
        arrived,
    }
}

fn fault(
    name: &'static str,
    get: End,
    post: End,
    host: impl Fn() -> Host + Send + Sync + 'static,
) -> Fault {
    Fault {
        name,
        host: Box::new(host),
        get,
        post,
    }
}

/// A fault that a read and a write meet alike.
fn both(name: &'static str, end: End, host: impl Fn() -> Host + Send + Sync + 'static) -> Fault {
    fault(name, end, end, host)
}

/// A broken connection: a read goes out three times and a write once.
fn cut(name: &'static str, host: impl Fn() -> Host + Send + Sync + 'static) -> Fault {
    let (get, post) = (bad("transport", Unknown, 3), bad("transport", Unknown, 1));
    fault(name, get, post, host)
}

/// What comes without a request having gone out.
fn unsent(
    name: &'static str,
    kind: &'static str,
    host: impl Fn() -> Host + Send + Sync + 'static,
) -> Fault {
    both(name, bad(kind, NotSent, 0), host)
}

/// One and the same answer.
fn answered(name: &'static str, get: End, post: End, response: fn() -> MockResponse) -> Fault {
    fault(name, get, post, move || server(move |_| response()))
}

/// A response that is not believed.
fn unbelieved(name: &'static str, kind: &'static str, response: fn() -> MockResponse) -> Fault {
    let end = bad(kind, Unknown, 1);
    answered(name, end, end, response)
}

fn signed() -> MockResponse {
    MockResponse::signed(200, "{}")
}

/// A signed response's bytes, with this in place of that.
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
        unsent("DNS: no such name", "connect", hosts::unnamed),
        unsent("TCP: no answer", "timeout", || {
            hosts::unanswering().silent()
        }),
        unsent("TLS: garbage", "connect", || {
            socket("https", |mut stream| {
                let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
                let _ = stream.read(&mut [0; 512]);
                Read::Nothing
            })
        }),
        unsent("TLS: closed in the handshake", "connect", || {
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
            .silent()
        }),
        unsent("TLS: certificate expired", "connect", || {
            hosts::tls(Flaw::Expired)
        }),
        unsent("TLS: certificate not valid yet", "connect", || {
            hosts::tls(Flaw::Early)
        }),
        unsent("TLS: certificate of another host", "connect", || {
            hosts::tls(Flaw::Name)
        }),
        unsent("TLS: certificate by an unknown CA", "connect", || {
            hosts::tls(Flaw::Issuer)
        }),
        unsent("proxy: refuses the tunnel", "connect", || {
            hosts::proxied("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        }),
        unsent("proxy: closes", "connect", || hosts::proxied("")),
    ]
}

fn breaking() -> Vec<Fault> {
    // Whether the client connects before it is reset is chance, and so whether a byte of the
    // request left. The last attempt of a read may be unsent, and one before it not.
    let before = |all| End {
        what: What::Either(all),
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
            GOOD,
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
    let over = |name, host: fn() -> Host| {
        both(name, bad("timeout", Unknown, 1), move || host().stalling())
    };
    const BLINK: Duration = Duration::from_millis(20);
    vec![
        over("no answer", || server(|_| Reply::Silence)),
        over("a request that is not read", || {
            // Counted as arrived at its first byte.
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
        over("a head that stalls", || {
            writing("HTTP/1.1 200 OK\r\nContent-Le", stall)
        }),
        over("a head that drips", || {
            writing("HTTP/1.1 200 OK\r\nX-Drip: ", drip(b"x", BLINK))
        }),
        over("a body that stalls", || {
            writing(altered("\r\n\r\n{}", "\r\n\r\n{"), stall)
        }),
        over("a body that drips", || {
            writing(
                altered(
                    "Content-Length: 2\r\n\r\n{}",
                    "Content-Length: 1000\r\n\r\n",
                ),
                drip(b" ", BLINK),
            )
        }),
        over("1xx without end", || {
            writing("", drip(b"HTTP/1.1 100 Continue\r\n\r\n", 10 * BLINK))
        }),
    ]
}

fn malformed() -> Vec<Fault> {
    let too_large = bad("too_large", Unknown, 1);
    vec![
        cut("an response that is no HTTP", || {
            writing("SSH-2.0-OpenSSH_9.6\r\n", close)
        }),
        both("1xx, then an answer", GOOD, || {
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
        both("a body over the cap", too_large, || {
            server(|_| MockResponse::signed(200, vec![b' '; 300 * 1024]))
        }),
        both("a body without end", too_large, || {
            writing("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", |stream| {
                while stream.write_all(&[b' '; 64 * 1024]).is_ok() {}
            })
        }),
        // The signature covers the 16 KB that were sent, so the operation is done. Decompressed, they
        // exceed the cap.
        both("a gzip bomb", bad("too_large", Done, 1), || {
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
        // What is too much stays out of the response, whose signature then does not match.
        both(
            "Content-Length too short",
            bad("signature", Unknown, 1),
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
        cut("a Content-Length that is no number", || {
            writing(altered("Content-Length: 2", "Content-Length: -2"), close)
        }),
    ]
}

fn statuses() -> Vec<Fault> {
    let api = |outcome, arrived| bad("api", outcome, arrived);
    vec![
        answered("202", GOOD, GOOD, || MockResponse::signed(202, "{}")),
        answered("204", GOOD, GOOD, || MockResponse::signed(204, "")),
        answered(
            "301 to a stranger",
            api(Unknown, 1),
            api(Unknown, 1),
            || MockResponse::plain(301, "").header("Location", "https://stranger.example/v3/x"),
        ),
        fault(
            "301 to a stranger, to be followed",
            bad("transport", Unknown, 1),
            api(Unknown, 1),
            || {
                let to = "https://stranger.example/v3/x";
                server(move |_| MockResponse::plain(301, "").header("Location", to)).following()
            },
        ),
        fault(
            "302 in a circle",
            bad("transport", Unknown, 6),
            api(Unknown, 1),
            || server(|r| MockResponse::plain(302, "").header("Location", &r.target)).following(),
        ),
        answered("400 unsigned", api(Rejected, 1), api(Unknown, 1), || {
            MockResponse::plain(400, REFUSAL)
        }),
        answered("401 unsigned", api(Rejected, 1), api(Rejected, 1), || {
            MockResponse::plain(401, REFUSAL)
        }),
        answered("404", api(Rejected, 1), api(Rejected, 1), || {
            MockResponse::signed(404, REFUSAL)
        }),
        answered("429", api(Rejected, 3), api(Rejected, 1), || {
            MockResponse::signed(429, REFUSAL)
        }),
        answered(
            "429, Retry-After: 0",
            api(Rejected, 3),
            api(Rejected, 1),
            || MockResponse::signed(429, REFUSAL).header("Retry-After", 0),
        ),
        // Beyond the call's own time: told at once instead of waited for.
        answered(
            "429, Retry-After: 60",
            api(Rejected, 1),
            api(Rejected, 1),
            || MockResponse::signed(429, REFUSAL).header("Retry-After", 60),
        ),
        answered("500", api(Unknown, 1), api(Unknown, 1), || {
            MockResponse::signed(500, REFUSAL)
        }),
        answered("502 in HTML", api(Unknown, 3), api(Unknown, 1), || {
            MockResponse::plain(502, HTML)
        }),
        answered(
            "503 without a body",
            api(Unknown, 3),
            api(Unknown, 1),
            || MockResponse::plain(503, ""),
        ),
        answered("504 in HTML", api(Unknown, 1), api(Unknown, 1), || {
            MockResponse::plain(504, HTML)
        }),
    ]
}

fn signatures() -> Vec<Fault> {
    const PROBE: &str = "WECHATPAY/SIGNTEST/dGhpcyBpcyBhIHByb2Jl";
    vec![
        unbelieved("signature of another body", "signature", || {
            MockResponse::signed_over(200, "{}", b"[]")
        }),
        unbelieved("signature that is no base64", "signature", || {
            signed().with("Wechatpay-Signature", "?!")
        }),
        unbelieved("no signature", "signature", || {
            MockResponse::plain(200, "{}")
        }),
        unbelieved("no nonce", "signature", || {
            signed().without("Wechatpay-Nonce")
        }),
        unbelieved("two serials", "signature", || {
            signed().header("Wechatpay-Serial", "PUB_KEY_ID_OTHER")
        }),
        unbelieved("unknown serial", "signature", || {
            signed().with("Wechatpay-Serial", "PUB_KEY_ID_OTHER")
        }),
        unbelieved("an error with a bad signature", "signature", || {
            MockResponse::signed_over(400, REFUSAL, b"{}")
        }),
        unbelieved("probe", "probe", || {
            signed().with("Wechatpay-Signature", PROBE)
        }),
        unbelieved("old timestamp", "clock_skew", || {
            MockResponse::signed_at(200, "{}", now() - 310)
        }),
        unbelieved("future timestamp", "clock_skew", || {
            MockResponse::signed_at(200, "{}", now() + 320)
        }),
        // A response's signature does not name its request: TLS is what binds the two. So one that
        // was sent before is taken while it is fresh.
        answered("replayed, 200 s old", GOOD, GOOD, || {
            MockResponse::signed_at(200, "{}", now() - 200)
        }),
    ]
}
