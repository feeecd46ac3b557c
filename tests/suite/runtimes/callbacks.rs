//! The program's own code, as the library calls it.

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

use super::{current_thread, plain, within};
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

/// The thread that all blocking calls depend on.
const BACKGROUND: &str = "wechatpay-chain";

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Where a task that the program spawns would run.
async fn name_of_a_tasks_thread() -> String {
    tokio::spawn(async { thread_name() }).await.expect("a task")
}

/// An unsigned file for whoever asks, and a signed response for an upload.
fn files() -> Server {
    Server::start(|request| match request.method.as_str() {
        "GET" => MockResponse::plain(200, vec![7; 300_000]),
        _ => MockResponse::signed(200, "{}"),
    })
}

type Reporting = fn(Mode, &Client, &Scratch, Options) -> Result<Response>;

/// The calls that report their progress: an upload, a download that is streamed, one that is not.
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

fn is_refused(err: &Error, place: &str) {
    assert_eq!(err.outcome(), Outcome::NotSent);
    assert!(err.is_request(), "{err:?}");
    let text = err.to_string();
    assert!(text.contains("a blocking call was made inside"), "{text}");
    assert!(text.contains(place), "{text}");
}

#[test]
fn a_blocking_verb_in_a_progress_callback_is_an_error() {
    for call in REPORTING {
        for mode in BOTH {
            let server = files();
            let client = server.client();
            let chain = client.chain("v3/y");
            within(120, move || {
                let scratch = Scratch::new();
                let refused = Arc::new(Mutex::new(Vec::new()));
                let told = Arc::clone(&refused);
                let inner = chain.clone();
                let options = Options::new().on_progress(move |_, _| {
                    told.lock().unwrap().push(inner.post(()).unwrap_err());
                });
                call(mode, &client, &scratch, options).unwrap();
                let refused = refused.lock().unwrap();
                assert!(!refused.is_empty());
                for err in &*refused {
                    is_refused(err, "progress callback");
                }
                // After it, and on other threads, blocking is as good as ever.
                chain.post(()).unwrap();
            });
            assert!(server.requests().len() == 2);
        }
    }
}

#[test]
fn a_progress_callback_runs_where_its_call_is_awaited_and_in_no_runtime_of_the_librarys() {
    let server = files();
    for call in REPORTING {
        let client = server.client();
        within(120, move || {
            let scratch = Scratch::new();
            let seen = Arc::new(Mutex::new(Vec::new()));
            let told = Arc::clone(&seen);
            let options = Options::new().on_progress(move |bytes, total| {
                let runtime = Handle::try_current().is_ok();
                let here = thread::current().id();
                told.lock().unwrap().push((here, runtime, bytes, total));
            });
            call(Mode::Blocking, &client, &scratch, options).unwrap();
            let seen = seen.lock().unwrap();
            for (thread, runtime, ..) in &*seen {
                assert_eq!(*thread, thread::current().id());
                assert!(!runtime, "inside a runtime");
            }
            // In order, and to the end.
            assert!(seen.is_sorted_by_key(|(_, _, bytes, _)| *bytes));
            let (_, _, bytes, total) = *seen.last().expect("a report");
            assert_eq!(Some(bytes), total);
        });
    }
}

#[test]
fn an_async_call_tells_its_progress_inside_the_programs_runtime_or_none() {
    let server = files();
    let chain = server.client().chain("v3/merchant/media/upload");
    let upload = |told: &Arc<Mutex<Vec<_>>>| {
        let told = Arc::clone(told);
        let media = Media::from_bytes("a.png", vec![7; 200_000]);
        let options = Options::new().media(media).on_progress(move |_, _| {
            let runtime = Handle::try_current().ok().map(|handle| handle.id());
            told.lock().unwrap().push(runtime);
        });
        chain.post_async(options)
    };
    let told = Arc::default();
    let runtime = current_thread();
    runtime.block_on(upload(&told)).unwrap();
    let own = Some(runtime.handle().id());
    assert!(told.lock().unwrap().iter().all(|seen| *seen == own));

    let told = Arc::default();
    plain(upload(&told)).unwrap();
    let told = told.lock().unwrap();
    assert!(
        !told.is_empty() && told.iter().all(Option::is_none),
        "{told:?}"
    );
}

#[test]
fn a_slow_callback_holds_up_no_other_call() {
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
                    // Goes on when the other call is done, and at once after that.
                    let _ = released.lock().unwrap().recv();
                });
                let slow = client.clone();
                let calling = thread::spawn(move || {
                    call(mode, &slow, &Scratch::new(), options).unwrap();
                });
                is_inside.recv().unwrap();
                client.chain("v3/y").post(()).unwrap();
                drop(release);
                calling.join().unwrap();
            });
        }
    }
}

#[test]
fn no_callback_is_called_once_a_call_is_dropped() {
    // Connections wait in its queue and nobody reads: the upload stalls where the buffers are full.
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
        // Polled until its first report, and never again.
        plain(std::future::poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending());
            match is_inside.try_recv() {
                Ok(()) => std::task::Poll::Ready(()),
                Err(_) => std::task::Poll::Pending,
            }
        }));
        while is_inside.try_recv().is_ok() {}
        drop(call);
        // The callback goes with the last of what could call it.
        assert!(is_inside.recv().is_err(), "a report after the drop");
        drop(listener);
    });
}

/// Signs, and says where it was asked to.
#[derive(Clone, Default)]
struct Local {
    seen: Arc<Mutex<Vec<(String, String)>>>,
    /// A call that it makes while it signs.
    calls: Option<Chain>,
    refused: Arc<Mutex<Vec<Error>>>,
}

impl Local {
    async fn note(&self) {
        let here = thread_name();
        let spawned = name_of_a_tasks_thread().await;
        self.seen.lock().unwrap().push((here, spawned));
        if let Some(chain) = &self.calls {
            let err = chain.get(()).unwrap_err();
            self.refused.lock().unwrap().push(err);
        }
    }
}

impl Signer for Local {
    type Error = &'static str;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Self::Error> {
        self.note().await;
        Ok(Signature::new(keys::SERIAL, keys::merchant().sign(message)))
    }
}

impl Verifier for Local {
    type Error = &'static str;

    async fn verify(
        &self,
        _: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, &'static str> {
        self.note().await;
        Ok(keys::platform().verifies(message, signature))
    }
}

fn with_plugins(server: &Server, plugin: &Local) -> Client {
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
fn signers_and_verifiers_stay_off_the_background_thread_and_so_do_their_tasks() {
    let server = Server::always_ok();
    let plugin = Local::default();
    let chain = with_plugins(&server, &plugin).chain("v3/x");
    within(120, move || {
        for mode in BOTH {
            mode.get(&chain, ()).unwrap();
        }
        current_thread().block_on(async { chain.get(()).unwrap() });
        plain(chain.get_async(())).unwrap();
    });
    let seen = plugin.seen.lock().unwrap();
    assert_eq!(seen.len(), 8);
    for (here, spawned) in &*seen {
        assert_ne!(here, BACKGROUND);
        assert_ne!(spawned, BACKGROUND);
    }
}

#[test]
fn a_blocking_verb_in_a_signer_or_a_verifier_is_an_error() {
    let server = Server::always_ok();
    let plugin = Local {
        calls: Some(server.client().chain("v3/y")),
        ..Local::default()
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
        is_refused(err, "Signer");
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_renewal_beside_a_blocking_call_signs_off_the_background_thread() {
    let server = Server::start(|request| match request.path() {
        "/v3/certificates" => MockResponse::plain(502, ""),
        _ => MockResponse::signed(200, "{}"),
    });
    let plugin = Local::default();
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
    server.wait_until("both have come", |seen| seen.requests.len() == 2);
    for (here, spawned) in &*plugin.seen.lock().unwrap() {
        assert_ne!(here, BACKGROUND);
        assert_ne!(spawned, BACKGROUND);
    }
}

/// A guard that says where it was asked.
#[derive(Clone, Default)]
struct Noting {
    guard: Arc<MemoryGuard>,
    plugin: Local,
}

impl ReplayGuard for Noting {
    type Error = std::convert::Infallible;

    async fn begin(&self, id: &str) -> Result<Admission, Self::Error> {
        self.plugin.note().await;
        self.guard.begin(id).await
    }

    async fn finish(&self, id: &str, fence: Fence, ok: bool) -> Result<(), Self::Error> {
        self.plugin.note().await;
        self.guard.finish(id, fence, ok).await
    }
}

#[test]
fn a_notifications_handler_runs_as_the_callers_own_code() {
    if programs::missing() {
        return;
    }
    let server = Server::always_ok();
    let chain = server.client().chain("v3/x");
    let notification = genuine().receive(&receiver()).unwrap();
    within(120, move || {
        // In a plain thread there is no runtime, and it may block.
        let caller = thread::current().id();
        let handler = || {
            assert_eq!(thread::current().id(), caller);
            assert!(Handle::try_current().is_err(), "inside a runtime");
            chain.get(json!({})).map(drop)
        };
        let guard = Noting::default();
        let ack = notification.once(&guard, handler).unwrap();
        assert!(ack.is_success());
        let seen = guard.plugin.seen.lock().unwrap();
        assert_eq!(seen.len(), 2);
        for (here, spawned) in &*seen {
            assert_ne!(here, BACKGROUND);
            assert_ne!(spawned, BACKGROUND);
        }

        // In a runtime it is the caller's, even where that one stands still meanwhile.
        let runtime = current_thread();
        let own = runtime.handle().id();
        runtime.block_on(async {
            let handler = || {
                assert_eq!(Handle::current().id(), own);
                chain.get(()).map(drop)
            };
            let ack = notification.once(&Noting::default(), handler).unwrap();
            assert!(ack.is_success());
        });

        // A guard is asked while the call waits for it: it may not block for another.
        let guard = Noting {
            plugin: Local {
                calls: Some(chain.clone()),
                ..Local::default()
            },
            ..Noting::default()
        };
        let ack = notification.once(&guard, || Ok::<_, Error>(())).unwrap();
        assert!(ack.is_success());
        for err in &*guard.plugin.refused.lock().unwrap() {
            is_refused(err, "ReplayGuard");
        }
    });
}

/// Makes a blocking call when it wakes, on whichever thread that is.
struct Blocks {
    chain: Chain,
    seen: mpsc::Sender<(String, Result<Response>)>,
}

impl Wake for Blocks {
    fn wake(self: Arc<Self>) {
        let result = self.chain.get(());
        let _ = self.seen.send((thread_name(), result));
    }
}

#[test]
fn a_blocking_verb_on_the_background_thread_itself_is_an_error() {
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
        let waker = Waker::from(Arc::new(Blocks {
            chain: chain.clone(),
            seen,
        }));
        let mut call = Box::pin(chain.post_async(()));
        let mut poll = || {
            let polled = call.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending(), "answered too early");
        };
        let posts = || server.requests().iter().any(|one| one.method == "POST");
        while !posts() {
            poll();
            thread::yield_now();
        }
        // It waits for the response, of which the background thread hears first.
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
