//! Which connections are reused, and when they are closed.

use std::{
    io::{Read as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{
    super::Transport,
    fetch, get, idle_for, runtime, send,
    server::{Received, Server, ok, once},
    transport, two_workers,
};

/// How long a test waits for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn sequential_requests_share_one_connection() {
    for runtime in [runtime(), two_workers()] {
        let server = Server::responding(|request| ok(request.path()));
        let port = server.port;
        let sending = async move {
            let transport = transport();
            for n in 0..200 {
                let path = format!("/{n}");
                assert_eq!(fetch(&transport, get(port, &path)).await.unwrap(), path);
            }
            assert_eq!(transport.pool().idle_count(), 1);
        };
        runtime.block_on(async { tokio::spawn(sending).await.unwrap() });
        assert_eq!(server.accepted(), 1);
    }
}

#[test]
fn concurrent_requests_have_own_connections_and_reuse_them() {
    let server = Server::responding(|request| ok(request.path()));
    let port = server.port;
    two_workers().block_on(async {
        let transport = transport();
        for _ in 0..2 {
            let all: Vec<_> = (0..50)
                .map(|n| {
                    let transport = transport.clone();
                    tokio::spawn(async move {
                        let path = format!("/{n}");
                        assert_eq!(fetch(&transport, get(port, &path)).await.unwrap(), path);
                    })
                })
                .collect();
            for one in all {
                one.await.unwrap();
            }
        }
        assert!(transport.pool().idle_count() <= 50);
    });
    assert!(server.accepted() <= 50, "{}", server.accepted());
}

#[test]
fn number_of_idle_connections_is_limited() {
    let server = Server::responding(|request| {
        std::thread::sleep(Duration::from_millis(100));
        ok(request.path())
    });
    let port = server.port;
    runtime().block_on(async {
        let limits = super::Limits {
            idle_per_key: 3,
            ..Default::default()
        };
        let transport = Transport::builder()
            .no_proxy()
            .limits(limits)
            .build()
            .unwrap();
        let all: Vec<_> = (0..10)
            .map(|_| {
                let transport = transport.clone();
                tokio::spawn(async move { fetch(&transport, get(port, "/")).await.unwrap() })
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(transport.pool().idle_count(), 3);
    });
}

/// Returns a server, and how long after its last response the client closed each connection.
fn closing_server() -> (Server, mpsc::Receiver<Duration>) {
    let (tell, closed) = mpsc::channel();
    let server = Server::start(move |mut stream, _| {
        let mut last = Instant::now();
        while Received::read(&mut stream).is_some() {
            // Taken before writing, so that the client cannot count from an earlier moment.
            last = Instant::now();
            stream.write_all(&ok("")).unwrap();
        }
        let _ = tell.send(last.elapsed());
    });
    (server, closed)
}

#[test]
fn idle_connection_is_closed_after_its_limit() {
    let (server, closed) = closing_server();
    const IDLE: Duration = Duration::from_secs(2);
    two_workers().block_on(async {
        let transport = idle_for(IDLE);
        // The second request comes early in the idle time after the first, and restarts it.
        fetch(&transport, get(server.port, "/")).await.unwrap();
        tokio::time::sleep(IDLE / 10).await;
        fetch(&transport, get(server.port, "/")).await.unwrap();
        assert_eq!(server.accepted(), 1);
        let after = closed
            .recv_timeout(PATIENCE)
            .expect("the connection is still open");
        assert!(after >= IDLE, "{after:?}");
        fetch(&transport, get(server.port, "/")).await.unwrap();
        assert_eq!(server.accepted(), 2);
    });
}

#[test]
fn dropping_the_transport_closes_its_connections() {
    let (server, closed) = closing_server();
    let runtime = two_workers();
    runtime.block_on(async {
        let transport = transport();
        fetch(&transport, get(server.port, "/")).await.unwrap();
    });
    closed
        .recv_timeout(PATIENCE)
        .expect("the connection is still open");
}

#[test]
fn unfinished_response_closes_its_connection() {
    let (tell, closed) = mpsc::channel();
    let server = Server::start(move |mut stream, number| {
        Received::read(&mut stream).unwrap();
        if number == 0 {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
                .unwrap();
            let _ = stream.read(&mut [0]);
            tell.send(()).unwrap();
        } else {
            stream.write_all(&ok("next")).unwrap();
        }
    });
    two_workers().block_on(async {
        let transport = transport();
        let mut response = send(&transport, get(server.port, "/")).await.unwrap();
        assert_eq!(response.body.chunk().await.unwrap().unwrap(), "some");
        drop(response);
        assert_eq!(
            fetch(&transport, get(server.port, "/")).await.unwrap(),
            "next"
        );
        closed
            .recv_timeout(PATIENCE)
            .expect("the connection is still open");
    });
}

#[test]
fn abandoned_request_closes_its_connection() {
    let (tell, closed) = mpsc::channel();
    let received = Arc::new(Notify::new());
    let receiving = Arc::clone(&received);
    let server = Server::start(move |mut stream, number| {
        Received::read(&mut stream).unwrap();
        if number == 0 {
            receiving.notify_one();
            let _ = stream.read(&mut [0]);
            tell.send(()).unwrap();
        } else {
            stream.write_all(&ok("next")).unwrap();
        }
    });
    two_workers().block_on(async {
        let transport = transport();
        tokio::select! {
            response = send(&transport, get(server.port, "/")) => panic!("{:?}", response.is_ok()),
            () = received.notified() => {}
        }
        assert_eq!(
            fetch(&transport, get(server.port, "/")).await.unwrap(),
            "next"
        );
        closed
            .recv_timeout(PATIENCE)
            .expect("the connection is still open");
    });
    assert_eq!(server.accepted(), 2);
}

#[test]
fn connection_close_header_is_respected() {
    let server = Server::start(|mut stream, _| {
        Received::read(&mut stream).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            .unwrap();
        // Stays open: only the header says that it closes.
        let _ = stream.read(&mut [0]);
    });
    runtime().block_on(async {
        let transport = transport();
        for _ in 0..5 {
            assert_eq!(
                fetch(&transport, get(server.port, "/")).await.unwrap(),
                "ok"
            );
        }
    });
    assert_eq!(server.accepted(), 5);
}

#[test]
fn connection_closed_by_the_server_leaves_the_pool() {
    let (server, closed) = once();
    two_workers().block_on(async {
        let transport = transport();
        fetch(&transport, get(server.port, "/")).await.unwrap();
        closed.recv().unwrap();
        while transport.pool().idle_count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn fresh_connection_was_never_used() {
    let server = Server::responding(|_| ok(""));
    runtime().block_on(async {
        let transport = transport();
        for _ in 0..3 {
            let mut attempt = get(server.port, "/");
            attempt.destination.fresh_connection = true;
            fetch(&transport, attempt).await.unwrap();
        }
    });
    assert_eq!(server.accepted(), 3);
}

#[test]
fn runtimes_do_not_share_connections() {
    let server = Server::responding(|request| ok(request.path()));
    let transport = transport();
    let (parked, other) = (runtime(), runtime());
    // Nothing polls the first runtime's connection while the second runtime sends.
    parked
        .block_on(fetch(&transport, get(server.port, "/1")))
        .unwrap();
    other
        .block_on(fetch(&transport, get(server.port, "/2")))
        .unwrap();
    other
        .block_on(fetch(&transport, get(server.port, "/3")))
        .unwrap();
    assert_eq!(server.accepted(), 2);
    parked
        .block_on(fetch(&transport, get(server.port, "/4")))
        .unwrap();
    assert_eq!(server.accepted(), 2);
}

#[test]
fn connections_expire_while_their_runtime_is_parked() {
    let server = Server::responding(|_| ok(""));
    let transport = idle_for(Duration::from_millis(100));
    let runtime = runtime();
    runtime
        .block_on(fetch(&transport, get(server.port, "/")))
        .unwrap();
    std::thread::sleep(Duration::from_millis(150));
    runtime
        .block_on(fetch(&transport, get(server.port, "/")))
        .unwrap();
    assert_eq!(server.accepted(), 2);
}

#[test]
fn connections_closed_while_a_runtime_is_parked_are_not_reused() {
    let (server, closed) = once();
    let transport = transport();
    let runtime = runtime();
    for _ in 0..20 {
        runtime
            .block_on(fetch(&transport, get(server.port, "/")))
            .unwrap();
        closed.recv().unwrap();
    }
    assert_eq!(server.accepted(), 20);
}

#[test]
fn dropping_a_runtime_removes_its_connections() {
    let server = Server::responding(|_| ok(""));
    let transport = transport();
    for _ in 0..40 {
        let runtime = runtime();
        runtime
            .block_on(fetch(&transport, get(server.port, "/")))
            .unwrap();
        assert_eq!(transport.pool().idle_count(), 1);
        drop(runtime);
        assert_eq!(transport.pool().idle_count(), 0);
    }
}

#[test]
fn unsolicited_response_is_discarded() {
    let count = Arc::new(AtomicUsize::new(0));
    let server = Server::start({
        let count = Arc::clone(&count);
        move |mut stream, _| {
            while Received::read(&mut stream).is_some() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let twice = [ok(&format!("{number}")), ok("forged")].concat();
                let _ = stream.write_all(&twice);
            }
        }
    });
    runtime().block_on(async {
        let transport = transport();
        for number in 0..10 {
            let body = fetch(&transport, get(server.port, "/")).await.unwrap();
            assert_eq!(body, number.to_string());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}
