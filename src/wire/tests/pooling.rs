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
    fetch, get, idle_for, runtime,
    server::{Received, Server, ok, once},
    transport, two_workers,
};

/// How long a test waits for what should come at once.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn requests_one_after_another_share_one_connection() {
    for runtime in [runtime(), two_workers()] {
        let server = Server::answering(|request| ok(request.path()));
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
fn requests_at_once_have_a_connection_each_and_share_them_after() {
    let server = Server::answering(|request| ok(request.path()));
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
fn at_most_so_many_idle_connections_are_kept() {
    let server = Server::answering(|request| {
        std::thread::sleep(Duration::from_millis(100));
        ok(request.path())
    });
    let port = server.port;
    runtime().block_on(async {
        let limits = super::Limits {
            idle_per_place: 3,
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

/// When each of a server's connections was closed by the client, counted from its last response.
fn closing_server() -> (Server, mpsc::Receiver<Duration>) {
    let (tell, closed) = mpsc::channel();
    let server = Server::start(move |mut stream, _| {
        let mut last = Instant::now();
        while Received::read(&mut stream).is_some() {
            // Before it is written: the client cannot have counted from an earlier moment.
            last = Instant::now();
            stream.write_all(&ok("")).unwrap();
        }
        let _ = tell.send(last.elapsed());
    });
    (server, closed)
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    let (server, closed) = closing_server();
    const IDLE: Duration = Duration::from_secs(2);
    two_workers().block_on(async {
        let transport = idle_for(IDLE);
        // The second request comes early in the first one's idle time, which then begins anew.
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
fn an_answer_that_is_not_read_to_its_end_closes_its_connection() {
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
        let mut answer = transport.send(get(server.port, "/")).await.unwrap();
        assert_eq!(answer.body.chunk().await.unwrap().unwrap(), "some");
        drop(answer);
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
fn a_request_given_up_closes_its_connection() {
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
            answer = transport.send(get(server.port, "/")) => panic!("{:?}", answer.is_ok()),
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
fn a_server_that_says_close_is_taken_at_its_word() {
    let server = Server::start(|mut stream, _| {
        Received::read(&mut stream).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            .unwrap();
        // Stays open: only the header says so.
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
fn a_connection_that_the_server_closed_leaves_the_pool() {
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
fn a_fresh_connection_is_one_that_never_served() {
    let server = Server::answering(|_| ok(""));
    runtime().block_on(async {
        let transport = transport();
        for _ in 0..3 {
            let mut outgoing = get(server.port, "/");
            outgoing.fresh_connection = true;
            fetch(&transport, outgoing).await.unwrap();
        }
    });
    assert_eq!(server.accepted(), 3);
}

#[test]
fn a_parked_runtime_keeps_its_connections_to_itself() {
    let server = Server::answering(|request| ok(request.path()));
    let transport = transport();
    let (parked, other) = (runtime(), runtime());
    // Nothing polls the first runtime's connection while the second one sends.
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
fn a_runtime_that_was_parked_too_long_does_not_trust_its_connections() {
    let server = Server::answering(|_| ok(""));
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
fn connections_a_server_closed_under_a_parked_runtime_are_not_used() {
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
fn with_a_runtime_go_its_connections() {
    let server = Server::answering(|_| ok(""));
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
fn an_answer_nobody_asked_for_is_nobodys_answer() {
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
