//! Blocking and async calls in every kind of thread, runtime and executor.

mod callbacks;
mod ended_runtime;

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Barrier, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use wechatpay_chain::{Client, Transport};

use crate::fixtures::{
    keys,
    server::{MockResponse, Reply, Server, now},
};

/// Runs a closure on another thread, and panics if it does not finish in time.
#[track_caller]
fn within<T: Send + 'static>(seconds: u64, run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = mpsc::channel();
    let thread = thread::spawn(move || {
        let _ = done.send(run());
    });
    match wait.recv_timeout(Duration::from_secs(seconds)) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("not finished within {seconds} s"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("a panic"))
        }
    }
}

fn current_thread() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn multi_thread(workers: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A server whose responses have the same signature for a minute, so that many calls are cheap.
fn cheap() -> Server {
    let minute = now() / 60 * 60;
    Server::start(move |_| MockResponse::signed_at(200, "{}", minute))
}

#[test]
fn blocking_works_in_every_kind_of_thread() {
    let server = cheap();
    let chain = server.client().chain("v3/x");
    let get = move || chain.get(()).map(drop).expect("a response");

    within(120, {
        let get = get.clone();
        move || get()
    });
    within(120, {
        let get = get.clone();
        move || current_thread().block_on(async { get() })
    });
    within(120, {
        let get = get.clone();
        move || multi_thread(1).block_on(async { get() })
    });
    within(120, {
        let get = get.clone();
        move || {
            let runtime = multi_thread(1);
            runtime.block_on(async move {
                tokio::spawn({
                    let get = get.clone();
                    async move { get() }
                })
                .await
                .unwrap();
                tokio::task::spawn_blocking({
                    let get = get.clone();
                    move || get()
                })
                .await
                .unwrap();
                tokio::spawn(async move { tokio::task::block_in_place(get) })
                    .await
                    .unwrap();
            });
        }
    });
    within(120, move || {
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&current_thread(), async move {
            tokio::task::spawn_local(async move { get() })
                .await
                .unwrap();
        });
    });
    assert_eq!(server.requests().len(), 7);
}

#[test]
fn thousand_blocking_calls_in_one_task_succeed() {
    let server = cheap();
    let chain = server.client().chain("v3/x");
    within(120, move || {
        multi_thread(1).block_on(async move {
            let task = tokio::spawn(async move {
                for _ in 0..1000 {
                    chain.get(()).expect("a response");
                }
            });
            task.await.unwrap();
        });
    });
    assert_eq!(server.requests().len(), 1000);
    // Consecutive calls share a connection.
    assert!(
        server.connections() < 20,
        "{} connections",
        server.connections()
    );
}

#[test]
fn concurrent_blocking_calls_from_64_threads_succeed() {
    const THREADS: usize = 64;
    let server = cheap();
    let client = server.client();
    let start = Arc::new(Barrier::new(THREADS));
    within(120, move || {
        let threads = (0..THREADS).map(|n| {
            let (client, start) = (client.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                for call in 0..4 {
                    let options = json!({ "id": format!("{n}-{call}"), "json": {"n": n} });
                    client["v3/x/{id}"].post(options).expect("a response");
                }
            })
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap();
        }
    });
    let mut targets = server
        .requests()
        .into_iter()
        .map(|r| r.target)
        .collect::<Vec<_>>();
    assert_eq!(targets.len(), THREADS * 4);
    targets.sort();
    targets.dedup();
    assert_eq!(targets.len(), THREADS * 4, "each request arrives once");
}

#[test]
fn concurrent_async_calls_succeed() {
    let server = cheap();
    let chain = server.client().chain("v3/x");
    for runtime in [current_thread(), multi_thread(2)] {
        let chain = chain.clone();
        within(120, move || {
            runtime.block_on(async {
                let calls = (0..64).map(|_| tokio::spawn(chain.get_async(())));
                for call in calls.collect::<Vec<_>>() {
                    call.await.unwrap().expect("a response");
                }
            });
        });
    }
    assert_eq!(server.requests().len(), 128);
}

#[test]
fn client_works_on_two_runtimes_with_one_parked() {
    let server = cheap();
    let client = server.client();
    within(120, move || {
        let chain = client.chain("v3/x");
        let parked = current_thread();
        let live = multi_thread(1);
        for _ in 0..3 {
            // Its connection is idle now, and nothing drives it until the next round.
            parked.block_on(chain.get_async(())).unwrap();
            live.block_on(chain.get_async(())).unwrap();
            chain.get(()).unwrap();
        }
        // Connections of a dropped runtime are unusable and must not affect other calls.
        drop(parked);
        live.block_on(chain.get_async(())).unwrap();
        current_thread().block_on(chain.get_async(())).unwrap();
        live.shutdown_background();
        chain.get(()).unwrap();
    });
    assert_eq!(server.requests().len(), 12);
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// An executor that is independent of tokio.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn async_call_works_outside_tokio() {
    let server = cheap();
    let chain = server.client().chain("v3/x");
    within(120, move || {
        block_on(chain.get_async(())).unwrap();
        // Two calls on one thread.
        block_on(async {
            let (one, two) = (chain.post_async(()), chain.post_async(()));
            two.await.unwrap();
            one.await.unwrap();
        });
        block_on(chain.prepare_async(wechatpay_chain::Method::GET, ())).unwrap();
    });
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn call_can_move_between_executors() {
    let server = Server::start(|_| {
        thread::sleep(Duration::from_millis(100));
        MockResponse::signed(200, "{}")
    });
    let chain = server.client().chain("v3/x");
    within(120, move || {
        let live = multi_thread(1);
        let mut call = Box::pin(chain.get_async(()));
        let first = live.block_on(async {
            std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_ready())).await
        });
        assert!(!first, "the call finished in its first poll");
        block_on(call).unwrap();

        let mut call = Box::pin(chain.get_async(()));
        let waker = Waker::noop();
        let first = call.as_mut().poll(&mut Context::from_waker(waker));
        assert!(first.is_pending(), "{first:?}");
        live.block_on(call).unwrap();
    });
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn dropping_the_client_never_hangs() {
    let server = Server::start(|request| match request.path() {
        "/v3/silence" => Reply::Silence,
        _ => MockResponse::signed(200, "{}").into(),
    });
    let url = server.url();
    within(120, move || {
        let client = || {
            let transport = Transport::builder().no_proxy().build().unwrap();
            let builder = Client::builder().mchid(keys::MCHID).serial(keys::SERIAL);
            let builder = builder.private_key(keys::merchant().private());
            let builder = builder.platform_key(keys::PLATFORM_ID, keys::platform().public());
            builder
                .transport(transport)
                .base_uri(url.clone())
                .build()
                .unwrap()
        };
        // Idle connections: in a plain thread, after the end of a runtime, and inside one.
        let one = client();
        one.chain("v3/x").get(()).unwrap();
        drop(one);
        let one = client();
        let finished = current_thread();
        finished.block_on(one.chain("v3/x").get_async(())).unwrap();
        drop(finished);
        drop(one);
        multi_thread(1).block_on(async {
            let one = client();
            one.chain("v3/x").get_async(()).await.unwrap();
            one.chain("v3/x").get(()).unwrap();
            drop(one);
        });
        // A running call keeps the client's parts alive and is dropped with its runtime.
        let live = multi_thread(1);
        let call = live.spawn(client().chain("v3/silence").get_async(()));
        live.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
        drop(live);
        drop(call);
    });
    server.wait_until("every connection is closed", |seen| {
        seen.closed == seen.opened
    });
}
