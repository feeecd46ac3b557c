//! Responses that are too large or truncated.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use wechatpay_chain::Outcome;

use crate::fixtures::{
    keys,
    mode::BOTH,
    server::{MockResponse, Reply, Server},
};

#[test]
fn response_over_the_limit_is_not_read() {
    let limited = |server: &Server, limit| {
        keys::builder()
            .base_uri(server.url())
            .max_response(limit)
            .build()
            .unwrap()
            .chain("v3/large")
    };
    let server = Server::start(|_| MockResponse::signed(200, vec![b'x'; 1000]));
    for mode in BOTH {
        let response = mode.get(&limited(&server, 1000), ()).unwrap();
        assert_eq!(response.bytes().len(), 1000);
        let err = mode.post(&limited(&server, 999), ()).unwrap_err();
        assert!(err.is_too_large(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert_eq!(err.status().unwrap(), 200);
        assert!(
            err.to_string()
                .contains("is 1000 bytes long; the limit is 999"),
            "{err}"
        );
    }
}

#[test]
fn reading_a_fifty_megabyte_body_stops_at_the_limit() {
    const CHUNK: usize = 64 * 1024;
    const CHUNKS: usize = 50 * 1024 * 1024 / CHUNK;
    for chunked in [true, false] {
        for mode in BOTH {
            let written = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&written);
            let server = Server::start(move |_| {
                let count = Arc::clone(&count);
                let framing = if chunked {
                    "Transfer-Encoding: chunked".to_owned()
                } else {
                    "Connection: close".to_owned()
                };
                Reply::Raw(Box::new(move |stream| {
                    let head = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n");
                    let _ = stream.write_all(head.as_bytes());
                    let mut chunk = vec![b'x'; CHUNK];
                    if chunked {
                        chunk.splice(0..0, format!("{CHUNK:x}\r\n").into_bytes());
                        chunk.extend_from_slice(b"\r\n");
                    }
                    for _ in 0..CHUNKS {
                        if stream.write_all(&chunk).is_err() {
                            break;
                        }
                        count.fetch_add(CHUNK, Ordering::SeqCst);
                    }
                }))
            });
            let client = keys::builder()
                .base_uri(server.url())
                .max_response(1024 * 1024)
                .build()
                .unwrap();
            let err = mode.post(&client.chain("v3/large"), ()).unwrap_err();
            assert!(err.is_too_large(), "{err:?}");
            assert!(
                err.to_string()
                    .contains("longer than the limit of 1048576 bytes"),
                "{err}"
            );
            server.wait_until("the connection is closed", |seen| seen.closed == 1);
            // The server could write this much because of socket buffers. The client kept none of it.
            let written = written.load(Ordering::SeqCst);
            assert!(written < 20 * 1024 * 1024, "{written} bytes were accepted");
        }
    }
}

#[test]
fn truncated_response_has_outcome_unknown() {
    for mode in BOTH {
        for raw in [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a\"",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"",
            "HTTP/1.1 200 OK\r\nContent-",
            "no HTTP at all\r\n\r\n",
            "",
        ] {
            let server = Server::start(move |_| {
                Reply::Raw(Box::new(move |stream| {
                    stream.write_all(raw.as_bytes()).unwrap()
                }))
            });
            let err = mode.post(&server.client().chain("v3/cut"), ()).unwrap_err();
            assert!(err.is_transport(), "{raw:?}: {err:?}");
            assert_eq!(err.outcome(), Outcome::Unknown, "{raw:?}: {err:?}");
            assert_eq!(server.requests().len(), 1);
        }
    }
}
