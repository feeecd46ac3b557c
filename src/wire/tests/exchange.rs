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
    super::{Body, BodyError, Progress, Stage},
    chain, fetch, get, runtime,
    server::{Received, Server, ok, reset_after},
    target, transport, two_workers,
};
use crate::{
    error::{BoxError, Cause, Error, Kind, Outcome, SentError},
    wire::{Failure, Outgoing},
};

#[test]
fn what_goes_out_is_what_was_given_and_nothing_besides() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = Server::answering({
        let seen = Arc::clone(&seen);
        move |request| {
            seen.lock().unwrap().push(request.clone());
            ok("fine")
        }
    });
    let port = server.port;
    runtime().block_on(async {
        let transport = transport();
        let mut outgoing = get(port, "/v3/x?a=1");
        outgoing
            .headers
            .insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        outgoing
            .headers
            .insert(header::HOST, HeaderValue::from_static("elsewhere"));
        assert_eq!(fetch(&transport, outgoing).await.unwrap(), "fine");

        for (method, body) in [
            (Method::POST, "{\"a\":1}"),
            (Method::POST, ""),
            (Method::DELETE, ""),
        ] {
            let mut outgoing = Outgoing::new(method, target(port, "/"));
            outgoing.body = Bytes::from_static(body.as_bytes()).into();
            fetch(&transport, outgoing).await.unwrap();
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
fn a_target_goes_out_byte_for_byte_or_not_at_all() {
    let server = Server::answering(|request| ok(request.path()));
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
fn an_answer_is_told_as_it_is() {
    let server = Server::answering(|request| match request.path() {
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
        let answer = transport.send(get(server.port, "/204")).await.unwrap();
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.headers["request-id"], "r1");
        assert!(answer.body.collect(0).await.unwrap().is_empty());

        let answer = transport.send(get(server.port, "/500")).await.unwrap();
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.body.declared(), Some(3));
        assert_eq!(answer.body.collect(3).await.unwrap(), "bad");

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

        let mut answer = transport.send(get(server.port, "/chunked")).await.unwrap();
        assert_eq!(answer.body.declared(), None);
        let mut whole = Vec::new();
        while let Some(chunk) = answer.body.chunk().await {
            whole.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(whole, b"abcde");
        assert!(answer.body.chunk().await.is_none());
    });
    assert_eq!(server.accepted(), 1);
}

/// Without an end they would keep the one background thread at parsing, past every timeout.
#[test]
fn interim_answers_without_end_are_cut_off() {
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
        assert!(causes.contains("interim answers (1xx)"), "{causes}");
    });
}

#[test]
fn an_old_servers_answer_is_read_and_its_connection_not_kept() {
    let server = Server::start(|mut stream, _| {
        Received::read(&mut stream);
        stream
            .write_all(b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nto the end")
            .unwrap();
    });
    runtime().block_on(async {
        let transport = transport();
        for _ in 0..2 {
            let answer = transport.send(get(server.port, "/")).await.unwrap();
            assert_eq!(answer.version, Version::HTTP_10);
            assert_eq!(answer.body.collect(100).await.unwrap(), "to the end");
        }
    });
    assert_eq!(server.accepted(), 2);
}

#[test]
fn a_body_over_the_cap_is_refused_and_a_declared_one_unread() {
    let server = Server::start(|mut stream, _| {
        let request = Received::read(&mut stream).unwrap();
        let answer: &[u8] = match request.path() {
            // Then nothing: reading any of it would hang.
            "/declared" => b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            "/chunked" => {
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                5\r\n12345\r\n5\r\n67890\r\n1\r\nx\r\n"
            }
            _ => b"HTTP/1.1 200 OK\r\n\r\n12345678901",
        };
        stream.write_all(answer).unwrap();
        let _ = stream.read(&mut [0]);
    });
    runtime().block_on(async {
        let transport = transport();
        for (path, told) in [
            ("/declared", Some(99_999_999_999)),
            ("/chunked", None),
            ("/open", None),
        ] {
            let answer = transport.send(get(server.port, path)).await.unwrap();
            match answer.body.collect(10).await {
                Err(BodyError::TooLarge { cap: 10, declared }) => assert_eq!(declared, told),
                other => panic!("{path}: {other:?}"),
            }
        }
        let answer = transport.send(get(server.port, "/declared")).await.unwrap();
        let error = Cause::from(answer.body.collect(10).await.unwrap_err());
        assert!(error.is_too_large());
        assert_eq!(
            error.to_string(),
            "the answer's body is 99999999999 bytes long; at most 10 are read"
        );
    });
}

#[test]
fn a_cut_body_is_an_error_and_not_a_short_answer() {
    let server = Server::start(|mut stream, _| {
        let request = Received::read(&mut stream).unwrap();
        let answer: &[u8] = match request.path() {
            "/length" => b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            "/bad" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf",
            _ => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        };
        stream.write_all(answer).unwrap();
    });
    runtime().block_on(async {
        let transport = transport();
        for path in ["/length", "/bad", "/chunked"] {
            let answer = transport.send(get(server.port, path)).await.unwrap();
            let error = answer.body.collect(100).await.unwrap_err();
            assert!(matches!(error, BodyError::Cut(_)), "{path}: {error:?}");
            assert_eq!(Cause::from(error).kind(), Kind::Transport);
        }
    });
}

#[test]
fn what_is_no_answer_is_told_in_plain_words() {
    let server = Server::start(|mut stream, _| {
        let request = Received::read(&mut stream).unwrap();
        let answer: Vec<u8> = match request.path() {
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
        let _ = stream.write_all(&answer);
    });
    let cases = [
        (
            "/garbage",
            Kind::Transport,
            "what the server answered is not HTTP/1.1",
        ),
        ("/h2", Kind::Transport, "not HTTP/1.1"),
        ("/switch", Kind::Transport, "101"),
        ("/lengths", Kind::Transport, "not HTTP/1.1"),
        (
            "/large",
            Kind::TooLarge,
            "headers are larger than 65536 bytes",
        ),
        (
            "/many",
            Kind::TooLarge,
            "headers are larger than 65536 bytes",
        ),
        (
            "/endless",
            Kind::TooLarge,
            "headers are larger than 65536 bytes",
        ),
        (
            "/nothing",
            Kind::Transport,
            "closed the connection before it answered",
        ),
    ];
    runtime().block_on(async {
        let transport = transport();
        for (path, kind, words) in cases {
            let failure = transport.send(get(server.port, path)).await.unwrap_err();
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
fn a_large_head_within_the_cap_is_read() {
    let server = Server::answering(|_| {
        let long = "x".repeat(60_000);
        format!("HTTP/1.1 200 OK\r\nX: {long}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    });
    runtime().block_on(async {
        let answer = transport().send(get(server.port, "/")).await.unwrap();
        assert_eq!(answer.headers["x"].len(), 60_000);
    });
}

#[test]
fn a_reset_after_one_byte_was_written() {
    let server = Server::start(|stream, _| reset_after(stream, 1).unwrap());
    runtime().block_on(async {
        let failure = transport().send(get(server.port, "/")).await.unwrap_err();
        assert!(failure.written && !failure.reused);
        assert!(failure.to_string().contains("reset"), "{}", chain(&failure));
    });
}

#[test]
fn the_stages_of_connecting_are_told_apart() {
    runtime().block_on(async {
        // Bound, so that the port is nobody else's, and without a listener.
        let bound = tokio::net::TcpSocket::new_v4().unwrap();
        bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let refused = bound.local_addr().unwrap().port();
        let transport = transport();
        let failure = transport.send(get(refused, "/")).await.unwrap_err();
        assert_eq!((failure.stage, failure.written), (Stage::Tcp, false));
        assert_eq!(
            failure.to_string(),
            format!("no TCP connection to 127.0.0.1:{refused}")
        );
        assert!(chain(&failure).contains("refused"), "{}", chain(&failure));

        let mut outgoing = get(80, "/");
        outgoing.target.host = "no-such-host.invalid".to_owned();
        let failure = transport.send(outgoing).await.unwrap_err();
        assert_eq!((failure.stage, failure.written), (Stage::Dns, false));
        assert!(failure.to_string().contains("`no-such-host.invalid`"));
        assert!(Error::from(SentError::from(failure)).is_connect());
    });
}

/// However it is cut into writes, with interim responses and with a body behind it.
#[test]
fn the_cap_on_a_head_is_exact() {
    // The path says how long the head is, how it is written, and how many interim responses it has.
    let server = Server::start(|mut stream, _| {
        while let Some(request) = Received::read(&mut stream) {
            let numbers = request.path().split('/').skip(1);
            let numbers = numbers.map(|number| number.parse::<usize>().unwrap());
            let [len, step, interim] = numbers.collect::<Vec<_>>()[..] else {
                panic!("no three numbers");
            };
            let mut answer = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(interim);
            answer += "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX: ";
            answer += &"x".repeat(len - 4 - answer.len());
            answer += "\r\n\r\n";
            assert_eq!(answer.len(), len);
            answer += &"b".repeat(100_000);
            for part in answer.as_bytes().chunks(step) {
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
                // Twice on a connection: each response has its own cap.
                for len in [CAP, CAP - 1, CAP] {
                    let path = format!("/{len}/{step}/{interim}");
                    let body = fetch(&transport, get(server.port, &path)).await;
                    assert_eq!(body.expect(&path).len(), 100_000);
                }
                for len in [CAP + 1, CAP + 2, 2 * CAP] {
                    let path = format!("/{len}/{step}/{interim}");
                    let failure = transport.send(get(server.port, &path)).await.unwrap_err();
                    assert_eq!(failure.stage, Stage::HeadTooLarge, "{path}");
                    assert!(failure.written);
                }
            }
        }
    });
}

#[test]
fn connecting_takes_no_longer_than_it_may() {
    // Accepts and says nothing: the TLS handshake gets no answer.
    let server = Server::start(|mut stream, _| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    runtime().block_on(async {
        let mut outgoing = get(server.port, "/");
        outgoing.target.https = true;
        outgoing.connect_timeout = Some(Duration::from_millis(100));
        let progress = outgoing.progress.clone();
        let failure = transport().send(outgoing).await.unwrap_err();
        assert_eq!(
            (failure.stage, failure.written),
            (Stage::ConnectTimeout, false)
        );
        assert_eq!(
            failure.to_string(),
            "no connection to 127.0.0.1 within 0.1 s: the TLS handshake did not end"
        );
        assert!(!progress.written());
        assert!(Error::from(SentError::from(failure)).is_timeout());
    });
}

#[test]
fn a_request_given_up_says_whether_it_was_written_and_writes_no_more() {
    let (gave_up, given_up) = mpsc::channel();
    let (tell, received) = mpsc::channel();
    let given_up = Mutex::new(given_up);
    let arrived = Arc::new(Notify::new());
    let arriving = Arc::clone(&arrived);
    let server = Server::start(move |mut stream, _| {
        // Begins to read only after the client gave up.
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
        let mut outgoing = Outgoing::new(Method::POST, target(server.port, "/"));
        outgoing.body = Bytes::from(vec![b'x'; LEN]).into();
        let progress = outgoing.progress.clone();
        tokio::select! {
            answer = transport.send(outgoing) => panic!("{:?}", answer.is_ok()),
            () = arrived.notified() => {}
        }
        assert!(progress.written());
        gave_up.send(()).unwrap();
        // The runtime goes on: what is left of the connection could still write.
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
fn a_streamed_body_goes_out_with_its_length() {
    let server = Server::answering(|request| {
        ok(&format!(
            "{} {:?}",
            request.body.len(),
            request.header("transfer-encoding")
        ))
    });
    let stream = |sizes: &'static [usize]| Chunks(sizes.iter());
    let post = |body: Body| {
        let mut outgoing = Outgoing::new(Method::POST, target(server.port, "/"));
        outgoing.body = body;
        outgoing
    };
    runtime().block_on(async {
        let transport = transport();
        let whole = Body::stream(stream(&[10, 0, 100_000]), 100_010);
        assert_eq!(fetch(&transport, post(whole)).await.unwrap(), "100010 None");

        let short = Body::stream(stream(&[10]), 11);
        let failure = transport.send(post(short)).await.unwrap_err();
        assert!(
            chain(&failure).contains("1 bytes before its length"),
            "{}",
            chain(&failure)
        );

        let long = Body::stream(stream(&[10, 20]), 11);
        let failure: Failure = transport.send(post(long)).await.unwrap_err();
        assert!(
            chain(&failure).contains("longer than the length"),
            "{}",
            chain(&failure)
        );
    });
}

/// A body of chunks of `x`, of these sizes.
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
