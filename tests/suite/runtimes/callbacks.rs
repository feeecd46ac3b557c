//! Callbacks, signers, verifiers and guards: on which thread and in which runtime they run.

use std::{
    sync::{Arc, Mutex, mpsc},
    task::{Context, Wake, Waker},
    thread,
};

use serde_json::json;
use tokio::runtime::Handle;
use wechatpay_chain::{
    Admission, CertificateMode, Chain, Client, Error, Fence, Media, MemoryGuard, Options, Outcome,
    ReplayGuard, Response, Result, RetryPolicy, Signature, Signer, Verifier,
};

use super::{block_on, current_thread, within};
use crate::{
    fixtures::{
        keys,
        mode::{BOTH, Mode},
        programs,
        scratch::Scratch,
        server::{MockResponse, Server},
    },
    notifications::node::{genuine, receiver},
};

/// The name of the background thread, on which all blocking calls depend.
const BACKGROUND: &str = "wechatpay-chain";

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Returns the name of the thread that runs a spawned task.
async fn name_of_task_thread() -> String {
    tokio::spawn(async { thread_name() }).await.expect("a task")
}

/// A server with an unsigned file for each GET and a signed response for each upload.
fn files() -> Server {
    Server::start(|request| match request.method.as_str() {
        "GET" => MockResponse::plain(200, vec![7; 300_000]),
        _ => MockResponse::signed(200, "{}"),
    })
}

type Reporting = fn(Mode, &Client, &Scratch, Options) -> Result<Response>;

/// The calls that report progress: an upload, a streamed download, and a buffered one.
const REPORTING: [Reporting; 3] = [
    |mode, client, _, options| {
        let media = Media::from_bytes("a.png", vec![7; 2_000_000]);
        let chain = client.chain("v3/merchant/media/upload");
        mode.post(&chain, options.media(media))
    },
    |mode, client, scratch, options| {
        let chain = client.chain("v3/billdownload/file");
        mode.get(&chain, options.sink(scratch.file("streamed")))
    },
    |mode, client, scratch, options| {
        let options = options.unsigned(true).gunzip(true);
        let chain = client.chain("v3/x");
        mode.get(&chain, options.sink(scratch.file("whole")))
    },
];

fn assert_refused(err: &Error, place: &str) {
    assert_eq!(err.outcome(), Outcome::NotSent);
    assert!(err.is_request(), "{err:?}");
    let text = err.to_string();
    assert!(text.contains("a blocking call was made inside"), "{text}");
    assert!(text.contains(place), "{text}");
}

#[test]
fn blocking_verb_in_a_progress_callback_is_an_error() {
    for call in REPORTING {
        for mode in BOTH {
            let server = files();
            let client = server.client();
            let chain = client.chain("v3/y");
            within(120, move || {
                let scratch = Scratch::new();
                let refused = Arc::new(Mutex::new(Vec::new()));
                let reports = Arc::clone(&refused);
                let inner = chain.clone();
                let options = Options::new().on_progress(move |_, _| {
                    reports.lock().unwrap().push(inner.post(()).unwrap_err());
                });
                call(mode, &client, &scratch, options).unwrap();
                let refused = refused.lock().unwrap();
                assert!(!refused.is_empty());
                for err in &*refused {
                    assert_refused(err, "progress callback");
                }
                // Outside the callback, blocking calls still work.
                chain.post(()).unwrap();
            });
            assert!(server.requests().len() == 2);
        }
    }
}

#[test]
fn progress_callback_runs_on_the_callers_thread_outside_any_runtime() {
    let server = files();
    for call in REPORTING {
        let client = server.client();
        within(120, move || {
            let scratch = Scratch::new();
            let seen = Arc::new(Mutex::new(Vec::new()));
            let reports = Arc::clone(&seen);
            let options = Options::new().on_progress(move |bytes, total| {
                let runtime = Handle::try_current().is_ok();
                let here = thread::current().id();
                reports.lock().unwrap().push((here, runtime, bytes, total));
            });
            call(Mode::Blocking, &client, &scratch, options).unwrap();
            let seen = seen.lock().unwrap();
            for (thread, runtime, ..) in &*seen {
                assert_eq!(*thread, thread::current().id());
                assert!(!runtime, "inside a runtime");
            }
            // The reports are in order and complete.
            assert!(seen.is_sorted_by_key(|(_, _, bytes, _)| *bytes));
            let (_, _, bytes, total) = *seen.last().expect("a report");
            assert_eq!(Some(bytes), total);
        });
    }
}

#[test]
fn async_progress_callback_runs_in_the_callers_runtime() {
    let server = files();
    let chain = server.client().chain("v3/merchant/media/upload");
    let upload = |reports: &Arc<Mutex<Vec<_>>>| {
        let reports = Arc::clone(reports);
        let media = Media::from_bytes("a.png", vec![7; 200_000]);
        let options = Options::new().media(media).on_progress(move |_, _| {
            let runtime = Handle::try_current().ok().map(|handle| handle.id());
            reports.lock().unwrap().push(runtime);
        });
        chain.post_async(options)
    };
    let reports = Arc::default();
    let runtime = current_thread();
    runtime.block_on(upload(&reports)).unwrap();
    let own = Some(runtime.handle().id());
    assert!(reports.lock().unwrap().iter().all(|seen| *seen == own));

    let reports = Arc::default();
    block_on(upload(&reports)).unwrap();
    let reports = reports.lock().unwrap();
    assert!(
        !reports.is_empty() && reports.iter().all(Option::is_none),
        "{reports:?}"
    );
}

#[test]
fn slow_callback_does_not_block_other_calls() {
    for call in REPORTING {
        for mode in BOTH {
            let server = files();
            let client = server.client();
            within(120, move || {
                let (entered, is_inside) = mpsc::channel();
                let (release, released) = mpsc::channel::<()>();
                let released = Mutex::new(released);
                let options = Options::new().on_progress(move |_, _| {
                    let _ = entered.send(());
                    // Waits until the other call is done. After that, returns at once.
                    let _ = released.lock().unwrap().recv();
                });
                let slow = client.clone();
                let caller_thread = thread::spawn(move || {
                    call(mode, &slow, &Scratch::new(), options).unwrap();
                });
                is_inside.recv().unwrap();
                client.chain("v3/y").post(()).unwrap();
                drop(release);
                caller_thread.join().unwrap();
            });
        }
    }
}

#[test]
fn dropped_call_calls_no_callback() {
    // Nothing accepts the connection, so the upload stalls once the socket buffers are full.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let client = keys::builder().base_uri(url).build().unwrap();
    within(120, move || {
        let media = Media::from_bytes("a.png", vec![7; 64 << 20]);
        let (entered, is_inside) = mpsc::channel();
        let options = Options::new().media(media).on_progress(move |_, _| {
            entered.send(()).unwrap();
        });
        let mut call = Box::pin(client.chain("v3/x").post_async(options));
        // The call is polled until its first report, and never again.
        block_on(std::future::poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending());
            match is_inside.try_recv() {
                Ok(()) => std::task::Poll::Ready(()),
                Err(_) => std::task::Poll::Pending,
            }
        }));
        while is_inside.try_recv().is_ok() {}
        drop(call);
        // The channel closes when everything that could call the callback is dropped.
        assert!(is_inside.recv().is_err(), "a report after the drop");
        drop(listener);
    });
}

/// A signer and verifier that records on which thread it is called.
#[derive(Clone, Default)]
struct Plugin {
    seen: Arc<Mutex<Vec<(String, String)>>>,
    /// A call to make while signing.
    calls: Option<Chain>,
    refused: Arc<Mutex<Vec<Error>>>,
}

impl Plugin {
    async fn record(&self) {
        let here = thread_name();
        let spawned = name_of_task_thread().await;
        self.seen.lock().unwrap().push((here, spawned));
        if let Some(chain) = &self.calls {
            let err = chain.get(()).unwrap_err();
            self.refused.lock().unwrap().push(err);
        }
    }
}

impl Signer for Plugin {
    type Error = &'static str;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Self::Error> {
        self.record().await;
        Ok(Signature::new(keys::SERIAL, keys::merchant().sign(message)))
    }
}

impl Verifier for Plugin {
    type Error = &'static str;

    async fn verify(
        &self,
        _: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, &'static str> {
        self.record().await;
        Ok(keys::platform().verifies(message, signature))
    }
}

fn with_plugins(server: &Server, plugin: &Plugin) -> Client {
    Client::builder()
        .mchid(keys::MCHID)
        .signer(plugin.clone())
        .verifier(plugin.clone())
        .base_uri(server.url())
        .retry(RetryPolicy::none())
        .no_proxy()
        .build()
        .unwrap()
}

#[test]
fn signers_verifiers_and_their_tasks_avoid_the_background_thread() {
    let server = Server::always_ok();
    let plugin = Plugin::default();
    let chain = with_plugins(&server, &plugin).chain("v3/x");
    within(120, move || {
        for mode in BOTH {
            mode.get(&chain, ()).unwrap();
        }
        current_thread().block_on(async { chain.get(()).unwrap() });
        block_on(chain.get_async(())).unwrap();
    });
    let seen = plugin.seen.lock().unwrap();
    assert_eq!(seen.len(), 8);
    for (here, spawned) in &*seen {
        assert_ne!(here, BACKGROUND);
        assert_ne!(spawned, BACKGROUND);
    }
}

#[test]
fn blocking_verb_in_a_signer_or_verifier_is_an_error() {
    let server = Server::always_ok();
    let plugin = Plugin {
        calls: Some(server.client().chain("v3/y")),
        ..Plugin::default()
    };
    let chain = with_plugins(&server, &plugin).chain("v3/x");
    within(120, move || {
        for mode in BOTH {
            mode.get(&chain, ()).unwrap();
        }
    });
    let refused = plugin.refused.lock().unwrap();
    assert_eq!(refused.len(), 4);
    for err in &*refused {
        assert_refused(err, "Signer");
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn renewal_during_a_blocking_call_signs_off_the_background_thread() {
    let server = Server::start(|request| match request.path() {
        "/v3/certificates" => MockResponse::plain(502, ""),
        _ => MockResponse::signed(200, "{}"),
    });
    let plugin = Plugin::default();
    let client = Client::builder()
        .mchid(keys::MCHID)
        .signer(plugin.clone())
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .apiv3_key("fedcba9876543210fedcba9876543210")
        .certificate_mode(CertificateMode::Background(std::time::Duration::ZERO))
        .base_uri(server.url())
        .retry(RetryPolicy::none())
        .no_proxy()
        .build()
        .unwrap();
    within(120, move || client.chain("v3/x").get(()).unwrap());
    server.wait_until("both requests have arrived", |seen| {
        seen.requests.len() == 2
    });
    for (here, spawned) in &*plugin.seen.lock().unwrap() {
        assert_ne!(here, BACKGROUND);
        assert_ne!(spawned, BACKGROUND);
    }
}

/// A guard that records on which thread it is called.
#[derive(Clone, Default)]
struct RecordingGuard {
    guard: Arc<MemoryGuard>,
    plugin: Plugin,
}

impl ReplayGuard for RecordingGuard {
    type Error = std::convert::Infallible;

    async fn begin(&self, id: &str) -> Result<Admission, Self::Error> {
        self.plugin.record().await;
        self.guard.begin(id).await
    }

    async fn finish(&self, id: &str, fence: Fence, ok: bool) -> Result<(), Self::Error> {
        self.plugin.record().await;
        self.guard.finish(id, fence, ok).await
    }
}

#[test]
fn notification_handler_runs_on_the_callers_thread() {
    if programs::missing() {
        return;
    }
    let server = Server::always_ok();
    let chain = server.client().chain("v3/x");
    let notification = genuine().receive(&receiver()).unwrap();
    within(120, move || {
        // In a plain thread the handler has no runtime and may block.
        let caller = thread::current().id();
        let handler = || {
            assert_eq!(thread::current().id(), caller);
            assert!(Handle::try_current().is_err(), "inside a runtime");
            chain.get(json!({})).map(drop)
        };
        let guard = RecordingGuard::default();
        let ack = notification.once(&guard, handler).unwrap();
        assert!(ack.is_success());
        let seen = guard.plugin.seen.lock().unwrap();
        assert_eq!(seen.len(), 2);
        for (here, spawned) in &*seen {
            assert_ne!(here, BACKGROUND);
            assert_ne!(spawned, BACKGROUND);
        }

        // In a runtime the handler sees the caller's runtime, which is blocked meanwhile.
        let runtime = current_thread();
        let own = runtime.handle().id();
        runtime.block_on(async {
            let handler = || {
                assert_eq!(Handle::current().id(), own);
                chain.get(()).map(drop)
            };
            let ack = notification
                .once(&RecordingGuard::default(), handler)
                .unwrap();
            assert!(ack.is_success());
        });

        // The caller waits for the guard, so the guard must not make a blocking call.
        let guard = RecordingGuard {
            plugin: Plugin {
                calls: Some(chain.clone()),
                ..Plugin::default()
            },
            ..RecordingGuard::default()
        };
        let ack = notification.once(&guard, || Ok::<_, Error>(())).unwrap();
        assert!(ack.is_success());
        for err in &*guard.plugin.refused.lock().unwrap() {
            assert_refused(err, "ReplayGuard");
        }
    });
}

/// A waker that makes a blocking call on the thread that wakes it.
struct BlockingWaker {
    chain: Chain,
    seen: mpsc::Sender<(String, Result<Response>)>,
}

impl Wake for BlockingWaker {
    fn wake(self: Arc<Self>) {
        let result = self.chain.get(());
        let _ = self.seen.send((thread_name(), result));
    }
}

#[test]
fn blocking_verb_on_the_background_thread_is_an_error() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let server = Server::start(move |request| {
        if request.method == "POST" {
            released.lock().unwrap().recv().unwrap();
        }
        MockResponse::signed(200, "{}")
    });
    let chain = server.client().chain("v3/x");
    within(120, move || {
        let (seen, woken) = mpsc::channel();
        let waker = Waker::from(Arc::new(BlockingWaker {
            chain: chain.clone(),
            seen,
        }));
        let mut call = Box::pin(chain.post_async(()));
        let mut poll = || {
            let polled = call.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending(), "finished too early");
        };
        let posts = || server.requests().iter().any(|one| one.method == "POST");
        while !posts() {
            poll();
            thread::yield_now();
        }
        // The call waits for the response, and the background thread is the first to read it.
        poll();
        while woken.try_recv().is_ok() {}
        release.send(()).unwrap();
        let (name, result) = woken.recv().unwrap();
        assert_eq!(name, BACKGROUND);
        let err = result.unwrap_err();
        assert_eq!(err.outcome(), Outcome::NotSent);
        let text = err.to_string();
        assert!(text.contains("on a thread of this library"), "{text}");
    });
}
