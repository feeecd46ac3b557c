//! One request and one response: what is sent, what is read, and how it fails.

use std::{
    io::{Read as _, Write as _},
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, Version, header};
use http_body::Frame;
use tokio::sync::Notify;

use super::{
    super::{Body, BodyError, Failure, Progress, Stage},
    Attempt, chain, fetch, get, runtime, send,
    server::{Received, Server, ok, reset_after},
    transport, two_workers,
};
use crate::error::{BoxError, Cause, Error, ErrorKind, Outcome, SentError};

#[test]
fn request_is_sent_with_only_host_and_length_added() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = Server::responding({
        let seen = Arc::clone(&seen);
        move |request| {
            seen.lock().unwrap().push(request.clone());
            ok("fine")
        }
    });
    let port = server.port;
    runtime().block_on(async {
        let transport = transport();
        let mut attempt = get(port, "/v3/x?a=1");
        attempt
            .headers
            .insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        attempt
            .headers
            .insert(header::HOST, HeaderValue::from_static("elsewhere"));
        assert_eq!(fetch(&transport, attempt).await.unwrap(), "fine");

        for (method, body) in [
            (Method::POST, "{\"a\":1}"),
            (Method::POST, ""),
            (Method::DELETE, ""),
        ] {
            let mut attempt = Attempt::new(method, port, "/");
            attempt.body = Bytes::from_static(body.as_bytes()).into();
            fetch(&transport, attempt).await.unwrap();
        }
    });
    let seen = seen.lock().unwrap();
    assert_eq!(
        seen[0].head,
        format!(
            "GET /v3/x?a=1 HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: application/json\r\n\r\n"
        )
    );
    assert_eq!(
        seen[1].head,
        format!("POST / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: 7\r\n\r\n")
    );
    assert_eq!(seen[1].body, b"{\"a\":1}");
    assert_eq!(seen[2].header("content-length"), Some("0"));
    assert_eq!(
        seen[3].head,
        format!("DELETE / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n")
    );
}

#[test]
fn path_is_sent_byte_for_byte_or_refused() {
    let server = Server::responding(|request| ok(request.path()));
    runtime().block_on(async {
        let transport = transport();
        for path in [
            "/",
            "//",
            "/a//b/",
            "/%7Ea%2fB%2F/%E4%BD%A0?x=%20+&&y=%c3'()*!~;:@$,",
            "/a?",
            "/a?b?c=/d//e",
            "/a;b=c/..%2F/.",
            "/v3/{x}\"|^`",
            "/a?q=\"<>{}|^`[]\\",
        ] {
            match fetch(&transport, get(server.port, path)).await {
                Ok(seen) => assert_eq!(seen, path),
                Err(e) => assert_eq!((e.stage, e.written), (Stage::Request, false), "{path}"),
            }
        }
        assert_eq!(
            fetch(&transport, get(server.port, "/a?b?c=%2f"))
                .await
                .unwrap(),
            "/a?b?c=%2f"
        );

        let long = format!("/{}", "a".repeat(70_000));
        for path in [
            "",
            "a",
            "*",
            "http://x/",
            "/a b",
            "/a#b",
            "/a\r\nX: y",
            "/\u{7f}",
            &long,
        ] {
            let error = fetch(&transport, get(server.port, path)).await.unwrap_err();
            assert_eq!(error.stage, Stage::Request, "{path}");
            assert_eq!(SentError::from(error).outcome(), Outcome::NotSent);
        }
    });
}

#[test]
fn responses_are_read_in_every_framing() {
    let server = Server::responding(|request| match request.path() {
        "/204" => b"HTTP/1.1 204 No Content\r\nRequest-ID: r1\r\n\r\n".to_vec(),
        "/500" => b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad".to_vec(),
        "/early" => [b"HTTP/1.1 103 Early Hints\r\n\r\n".as_slice(), &ok("after")].concat(),
        "/chunked" => {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                .to_vec()
        }
        _ => ok("else"),
    });
    runtime().block_on(async {
        let transport = transport();
        let response = send(&transport, get(server.port, "/204")).await.unwrap();
        assert_eq!(response.status, StatusCode::NO_CONTENT);
        assert_eq!(response.headers["request-id"], "r1");
        assert!(response.body.collect(0).await.unwrap().is_empty());

        let response = send(&transport, get(server.port, "/500")).await.unwrap();
        assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.body.declared(), Some(3));
        assert_eq!(response.body.collect(3).await.unwrap(), "bad");

        assert_eq!(
            fetch(&transport, get(server.port, "/early")).await.unwrap(),
            "after"
        );
        assert_eq!(
            fetch(&transport, get(server.port, "/chunked"))
                .await
                .unwrap(),
            "abcde"
        );

        let mut response = send(&transport, get(server.port, "/chunked"))
            .await
            .unwrap();
        assert_eq!(response.body.declared(), None);
        let mut whole = Vec::new();
        while let Some(chunk) = response.body.chunk().await {
            whole.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(whole, b"abcde");
        assert!(response.body.chunk().await.is_none());
    });
    assert_eq!(server.accepted(), 1);
}

/// They would otherwise keep the background thread busy with parsing, past every timeout.
#[test]
fn endless_interim_responses_are_cut_off() {
    let server = Server::start(|mut stream, _| {
        Received::read(&mut stream);
        while stream
            .write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            .is_ok()
        {}
    });
    runtime().block_on(async {
        let error = fetch(&transport(), get(server.port, "/"))
            .await
            .unwrap_err();
        assert_eq!(error.stage, Stage::Exchange);
        let error = Error::from(SentError::from(error));
        assert_eq!(error.outcome(), Outcome::Unknown);
        let causes = format!("{error:?}");
        assert!(causes.contains("interim responses (1xx)"), "{causes}");
    });
}

#[test]
fn http_1_0_response_is_read_and_connection_closed() {
    let server = Server::start(|mut stream, _| {
        Received::read(&mut stream);
        stream
            .write_all(b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nto the end")
            .unwrap();
    });
    runtime().block_on(async {
        let transport = transport();
        for _ in 0..2 {
            let response = send(&transport, get(server.port, "/")).await.unwrap();
            assert_eq!(response.version, Version::HTTP_10);
            assert_eq!(response.body.collect(100).await.unwrap(), "to the end");
        }
    });
    assert_eq!(server.accepted(), 2);
}

#[test]
fn body_over_the_cap_is_refused_unread_if_declared() {
    let server = Server::start(|mut stream, _| {
        let request = Received::read(&mut stream).unwrap();
        let response: &[u8] = match request.path() {
            // Sends no body, so reading any of it would hang.
            "/declared" => b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            "/chunked" => {
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                5\r\n12345\r\n5\r\n67890\r\n1\r\nx\r\n"
            }
            _ => b"HTTP/1.1 200 OK\r\n\r\n12345678901",
        };
        stream.write_all(response).unwrap();
        let _ = stream.read(&mut [0]);
    });
    runtime().block_on(async {
        let transport = transport();
        for (path, length) in [
            ("/declared", Some(99_999_999_999)),
            ("/chunked", None),
            ("/open", None),
        ] {
            let response = send(&transport, get(server.port, path)).await.unwrap();
            match response.body.collect(10).await {
                Err(BodyError::TooLarge { cap: 10, declared }) => assert_eq!(declared, length),
                other => panic!("{path}: {other:?}"),
            }
        }
        let response = send(&transport, get(server.port, "/declared"))
            .await
            .unwrap();
        let error = Cause::from(response.body.collect(10).await.unwrap_err());
        assert!(error.is_too_large());
        assert_eq!(
            error.to_string(),
            "the response's body is 99999999999 bytes long; the limit is 10: raise `max_response`"
        );
    });
}

#[test]
fn truncated_body_is_an_error() {
    let server = Server::start(|mut stream, _| {
        let request = Received::read(&mut stream).unwrap();
        let response: &[u8] = match request.path() {
            "/length" => b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            "/bad" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf",
            _ => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        };
        stream.write_all(response).unwrap();
    });
    runtime().block_on(async {
        let transport = transport();
        for path in ["/length", "/bad", "/chunked"] {
            let response = send(&transport, get(server.port, path)).await.unwrap();
            let error = response.body.collect(100).await.unwrap_err();
            assert!(matches!(error, BodyError::Cut(_)), "{path}: {error:?}");
            assert_eq!(Cause::from(error).kind(), ErrorKind::Transport);
        }
    });
}

#[test]
fn invalid_responses_are_explained() {
    let server = Server::start(|mut stream, _| {
        let request = Received::read(&mut stream).unwrap();
        let response: Vec<u8> = match request.path() {
            "/garbage" => b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec(),
            "/h2" => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            "/switch" => {
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
                    .to_vec()
            }
            "/lengths" => {
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_vec()
            }
            "/large" => {
                format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(200_000)).into_bytes()
            }
            "/many" => format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(200)).into_bytes(),
            "/endless" => b"HTTP/1.1 200 OK\r\nX: "
                .iter()
                .copied()
                .chain([b'x'; 200_000])
                .collect(),
            _ => Vec::new(),
        };
        let _ = stream.write_all(&response);
    });
    let cases = [
        (
            "/garbage",
            ErrorKind::Transport,
            "the server's response is not valid HTTP/1.1",
        ),
        ("/h2", ErrorKind::Transport, "not valid HTTP/1.1"),
        ("/switch", ErrorKind::Transport, "101"),
        ("/lengths", ErrorKind::Transport, "not valid HTTP/1.1"),
        ("/large", ErrorKind::TooLarge, "headers exceed 65536 bytes"),
        ("/many", ErrorKind::TooLarge, "headers exceed 65536 bytes"),
        (
            "/endless",
            ErrorKind::TooLarge,
            "headers exceed 65536 bytes",
        ),
        (
            "/nothing",
            ErrorKind::Transport,
            "closed the connection before responding",
        ),
    ];
    runtime().block_on(async {
        let transport = transport();
        for (path, kind, words) in cases {
            let failure = send(&transport, get(server.port, path)).await.unwrap_err();
            assert!(failure.written, "{path}");
            assert!(!failure.is_stale_connection());
            let error = Error::from(SentError::from(failure));
            assert_eq!(error.kind(), kind, "{path}");
            assert_eq!(error.outcome(), Outcome::Unknown, "{path}");
            assert!(
                error.to_string().contains(words),
                "{path}: {}",
                chain(&error)
            );
        }
    });
}

#[test]
fn large_head_within_the_cap_is_read() {
    let server = Server::responding(|_| {
        let long = "x".repeat(60_000);
        format!("HTTP/1.1 200 OK\r\nX: {long}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    });
    runtime().block_on(async {
        let response = send(&transport(), get(server.port, "/")).await.unwrap();
        assert_eq!(response.headers["x"].len(), 60_000);
    });
}

#[test]
fn reset_after_one_byte_counts_as_written() {
    let server = Server::start(|stream, _| reset_after(stream, 1).unwrap());
    runtime().block_on(async {
        let failure = send(&transport(), get(server.port, "/")).await.unwrap_err();
        assert!(failure.written && !failure.reused);
        assert!(failure.to_string().contains("reset"), "{}", chain(&failure));
    });
}

#[test]
fn dns_and_tcp_failures_are_distinguished() {
    runtime().block_on(async {
        // Bound, so that nothing else uses the port, but not listening.
        let bound = tokio::net::TcpSocket::new_v4().unwrap();
        bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let refused = bound.local_addr().unwrap().port();
        let transport = transport();
        let failure = send(&transport, get(refused, "/")).await.unwrap_err();
        assert_eq!((failure.stage, failure.written), (Stage::Tcp, false));
        assert_eq!(
            failure.to_string(),
            format!("cannot open a TCP connection to 127.0.0.1:{refused}")
        );
        assert!(chain(&failure).contains("refused"), "{}", chain(&failure));

        let mut attempt = get(80, "/");
        attempt.destination.origin.host = "no-such-host.invalid".to_owned();
        let failure = send(&transport, attempt).await.unwrap_err();
        assert_eq!((failure.stage, failure.written), (Stage::Dns, false));
        assert!(failure.to_string().contains("`no-such-host.invalid`"));
        assert!(Error::from(SentError::from(failure)).is_connect());
    });
}

/// In writes of any size, with interim responses before and a body after it.
#[test]
fn cap_on_a_head_is_exact() {
    // The path has the length of the head, the size of a write, and the number of interim responses.
    let server = Server::start(|mut stream, _| {
        while let Some(request) = Received::read(&mut stream) {
            let numbers = request.path().split('/').skip(1);
            let numbers = numbers.map(|number| number.parse::<usize>().unwrap());
            let [len, step, interim] = numbers.collect::<Vec<_>>()[..] else {
                panic!("no three numbers");
            };
            let mut response = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(interim);
            response += "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX: ";
            response += &"x".repeat(len - 4 - response.len());
            response += "\r\n\r\n";
            assert_eq!(response.len(), len);
            response += &"b".repeat(100_000);
            for part in response.as_bytes().chunks(step) {
                if stream.write_all(part).is_err() {
                    return;
                }
            }
        }
    });
    const CAP: usize = 64 * 1024;
    two_workers().block_on(async {
        let transport = transport();
        for interim in [0, 1, 16] {
            for step in [1_000_000, 8192, 4097, 1013] {
                // More than once on a connection: each response has its own cap.
                for len in [CAP, CAP - 1, CAP] {
                    let path = format!("/{len}/{step}/{interim}");
                    let body = fetch(&transport, get(server.port, &path)).await;
                    assert_eq!(body.expect(&path).len(), 100_000);
                }
                for len in [CAP + 1, CAP + 2, 2 * CAP] {
                    let path = format!("/{len}/{step}/{interim}");
                    let failure = send(&transport, get(server.port, &path)).await.unwrap_err();
                    assert_eq!(failure.stage, Stage::HeadTooLarge, "{path}");
                    assert!(failure.written);
                }
            }
        }
    });
}

#[test]
fn connect_timeout_covers_the_tls_handshake() {
    // Accepts and sends nothing, so the TLS handshake does not complete.
    let server = Server::start(|mut stream, _| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    runtime().block_on(async {
        let mut attempt = get(server.port, "/");
        attempt.destination.origin.https = true;
        attempt.destination.connect_timeout = Some(Duration::from_millis(100));
        let progress = attempt.progress.clone();
        let failure = send(&transport(), attempt).await.unwrap_err();
        assert_eq!(
            (failure.stage, failure.written),
            (Stage::ConnectTimeout, false)
        );
        assert_eq!(
            failure.to_string(),
            "no connection to 127.0.0.1 within 0.1 s: the TLS handshake did not complete"
        );
        assert!(!progress.written());
        assert!(Error::from(SentError::from(failure)).is_timeout());
    });
}

#[test]
fn abandoned_request_reports_written_and_stops() {
    let (gave_up, given_up) = mpsc::channel();
    let (tell, received) = mpsc::channel();
    let given_up = Mutex::new(given_up);
    let arrived = Arc::new(Notify::new());
    let arriving = Arc::clone(&arrived);
    let server = Server::start(move |mut stream, _| {
        // Reads only after the client has given up.
        stream.peek(&mut [0]).unwrap();
        arriving.notify_one();
        given_up.lock().unwrap().recv().unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        tell.send(all.len()).unwrap();
    });
    const LEN: usize = 64 << 20;
    runtime().block_on(async {
        let transport = transport();
        let mut attempt = Attempt::new(Method::POST, server.port, "/");
        attempt.body = Bytes::from(vec![b'x'; LEN]).into();
        let progress = attempt.progress.clone();
        tokio::select! {
            response = send(&transport, attempt) => panic!("{:?}", response.is_ok()),
            () = arrived.notified() => {}
        }
        assert!(progress.written());
        gave_up.send(()).unwrap();
        // The runtime keeps running, so what is left of the connection could still write.
        let len = loop {
            match received.try_recv() {
                Ok(len) => break len,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        assert!(len < LEN, "{len}");
    });
    assert!(!Progress::default().written());
}

#[test]
fn streamed_body_is_sent_with_its_exact_length() {
    let server = Server::responding(|request| {
        ok(&format!(
            "{} {:?}",
            request.body.len(),
            request.header("transfer-encoding")
        ))
    });
    let stream = |sizes: &'static [usize]| Chunks(sizes.iter());
    let post = |body: Body| {
        let mut attempt = Attempt::new(Method::POST, server.port, "/");
        attempt.body = body;
        attempt
    };
    runtime().block_on(async {
        let transport = transport();
        let whole = Body::stream(stream(&[10, 0, 100_000]), 100_010);
        assert_eq!(fetch(&transport, post(whole)).await.unwrap(), "100010 None");

        let short = Body::stream(stream(&[10]), 11);
        let failure = send(&transport, post(short)).await.unwrap_err();
        assert!(
            chain(&failure).contains("1 bytes before its declared length"),
            "{}",
            chain(&failure)
        );

        let long = Body::stream(stream(&[10, 20]), 11);
        let failure: Failure = send(&transport, post(long)).await.unwrap_err();
        assert!(
            chain(&failure).contains("longer than its declared length"),
            "{}",
            chain(&failure)
        );
    });
}

/// A body of chunks of these sizes.
struct Chunks(std::slice::Iter<'static, usize>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = self.0.next();
        Poll::Ready(next.map(|size| Ok(Frame::data(Bytes::from(vec![b'x'; *size])))))
    }
}
