//! Calls in every runtime, outside of all, and blocking.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use super::{
    super::{InRuntime, Transport, background},
    fetch, get, runtime,
    server::{Server, ok},
    transport, two_workers,
};
use crate::{
    Call,
    blocking::block_on,
    error::{Result, SentError},
};

async fn call(transport: Transport, port: u16, path: String) -> Result<String> {
    let fetched = fetch(&transport, get(port, &path)).await;
    fetched.map_err(|failure| SentError::from(failure).into())
}

/// Makes a call as a blocking verb does.
fn blocking(transport: &Transport, port: u16, path: &str) -> String {
    block_on(Call::new(call(transport.clone(), port, path.to_owned()))).unwrap()
}

#[test]
fn blocking_call_works_in_any_context() {
    let server = Server::responding(|request| ok(request.path()));
    let port = server.port;
    let transport = transport();
    assert_eq!(blocking(&transport, port, "/plain"), "/plain");
    for runtime in [runtime(), two_workers()] {
        let transport = transport.clone();
        runtime.block_on(async {
            assert_eq!(blocking(&transport, port, "/main"), "/main");
            let inside = transport.clone();
            let spawned = tokio::spawn(async move { blocking(&inside, port, "/task") });
            assert_eq!(spawned.await.unwrap(), "/task");
            let inside = transport.clone();
            let pooled = tokio::task::spawn_blocking(move || blocking(&inside, port, "/pool"));
            assert_eq!(pooled.await.unwrap(), "/pool");
        });
    }
    // All of them used the background runtime's one connection.
    assert_eq!(server.accepted(), 1);
}

#[test]
fn many_blocking_calls_do_not_exhaust_their_tasks_budget() {
    let server = Server::responding(|request| ok(request.path()));
    let port = server.port;
    two_workers().block_on(async move {
        tokio::spawn(async move {
            let transport = transport();
            for n in 0..1000 {
                let path = format!("/{n}");
                assert_eq!(blocking(&transport, port, &path), path);
            }
        })
        .await
        .unwrap();
    });
    assert_eq!(server.accepted(), 1);
}

#[test]
fn blocking_calls_from_many_threads_succeed() {
    let server = Server::responding(|request| ok(request.path()));
    let port = server.port;
    let transport = transport();
    thread::scope(|scope| {
        for n in 0..64 {
            let transport = &transport;
            scope.spawn(move || {
                for m in 0..20 {
                    let path = format!("/{n}/{m}");
                    assert_eq!(blocking(transport, port, &path), path);
                }
            });
        }
    });
    assert!(server.accepted() <= 64, "{}", server.accepted());
}

#[test]
fn blocking_call_keeps_the_threads_unpark_token() {
    let server = Server::responding(|_| {
        thread::sleep(Duration::from_millis(20));
        ok("")
    });
    let transport = transport();
    thread::current().unpark();
    blocking(&transport, server.port, "/");
    // Returns at once if the token is still there, and never otherwise.
    thread::park();
}

#[test]
fn async_call_works_outside_tokio() {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let server = Server::responding(|request| ok(request.path()));
    let transport = transport();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    for _ in 0..3 {
        let mut call = InRuntime::new(call(transport.clone(), server.port, "/x".to_owned()));
        let body = loop {
            match std::pin::Pin::new(&mut call).poll(&mut cx) {
                Poll::Ready(result) => break result.unwrap(),
                Poll::Pending => thread::park_timeout(Duration::from_secs(5)),
            }
        };
        assert_eq!(body, "/x");
    }
    assert_eq!(server.accepted(), 1);
}

#[test]
fn async_call_runs_in_the_runtime_that_polls_it() {
    let polled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&polled);
    let call = InRuntime::new(async move {
        let first = tokio::runtime::Handle::current().id();
        tokio::time::sleep(Duration::from_millis(1)).await;
        count.fetch_add(1, Ordering::SeqCst);
        Ok((first, tokio::runtime::Handle::current().id()))
    });
    let runtime = runtime();
    let (first, then) = runtime.block_on(call).unwrap();
    assert_eq!(first, runtime.handle().id());
    assert_eq!(then, first);
    assert_ne!(first, background().unwrap().id());
    assert_eq!(polled.load(Ordering::SeqCst), 1);
}

#[test]
fn async_call_stays_in_its_first_runtime() {
    let home = two_workers();
    let mut call = InRuntime::new(async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok(tokio::runtime::Handle::current().id())
    });
    {
        let _inside = home.enter();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(std::pin::Pin::new(&mut call).poll(&mut cx).is_pending());
    }
    let away = runtime();
    assert_eq!(away.block_on(call).unwrap(), home.handle().id());
}

#[cfg(target_os = "linux")]
#[test]
fn transports_own_no_threads() {
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    background().unwrap();
    let kept: Vec<_> = (0..10_000)
        .map(|_| (Transport::shared(), Transport::direct()))
        .collect();
    let own: Vec<_> = (0..100).map(|_| transport()).collect();
    // Other tests run at the same time and start threads too.
    assert!(threads() < 2_000, "{}", threads());
    drop((kept, own));
}
