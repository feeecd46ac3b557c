//! Repeated attempts: how many, after which pause, and what stays the same.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use wechatpay_chain::{Client, Options, Outcome, RetryPolicy};

use crate::fixtures::{
    keys,
    mode::{BOTH, in_parallel},
    server::{MockResponse, Reply, Server, vacant_port},
};

const LIMITED: &str = r#"{"code":"RATELIMIT_EXCEEDED","message":"x"}"#;
const BLINK: Duration = Duration::from_millis(1);

fn client(server: &Server, policy: RetryPolicy) -> Client {
    let builder = keys::builder().base_uri(server.url()).retry(policy);
    builder.build().unwrap()
}

fn quick() -> RetryPolicy {
    RetryPolicy::default().backoff(BLINK, BLINK)
}

/// Sends `response` to the first requests, then succeeds.
fn failing_first(times: usize, response: fn() -> MockResponse) -> Server {
    Server::start(move |request| match request.number < times {
        true => response(),
        false => MockResponse::signed(200, "{}"),
    })
}

#[test]
fn retry_waits_for_retry_after() {
    let responses: [fn() -> MockResponse; 2] = [
        || MockResponse::signed(429, LIMITED).header("Retry-After", 1),
        || MockResponse::plain(503, "").header("Retry-After", 1),
    ];
    in_parallel(&responses, |mode, response| {
        let server = failing_first(1, *response);
        let start = Instant::now();
        mode.get(&client(&server, quick()).chain("v3/x"), ())
            .unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
        let times = server.requests();
        let times = times.iter().map(|request| {
            let fields = request.authorization(keys::merchant());
            fields["timestamp"].parse::<u64>().unwrap()
        });
        let [first, second] = times.collect::<Vec<_>>()[..] else {
            panic!("not two requests");
        };
        assert!(first < second, "signed at {first} and again at {second}");
    });
}

#[test]
fn retry_after_beyond_the_timeout_fails_at_once() {
    for mode in BOTH {
        for retry_after in [61, 300] {
            let server = Server::start(move |_| {
                MockResponse::signed(429, LIMITED).header("Retry-After", retry_after)
            });
            // A client that waited would fail with a timeout after a minute.
            let err = mode
                .get(
                    &client(&server, quick()).chain("v3/x"),
                    json!({ "timeout": 60 }),
                )
                .unwrap_err();
            assert!(err.is_api(), "{err:?}");
            let reported = err.api().unwrap().retry_after();
            assert_eq!(reported, Some(Duration::from_secs(retry_after)));
            assert_eq!((err.attempts(), server.requests().len()), (1, 1));
        }
    }
}

#[test]
fn pauses_double_with_jitter() {
    const BASE: Duration = Duration::from_millis(60);
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let server = Server::start({
        let arrivals = Arc::clone(&arrivals);
        move |_| {
            arrivals.lock().unwrap().push(Instant::now());
            MockResponse::plain(503, "")
        }
    });
    let policy = RetryPolicy::default()
        .attempts(3)
        .backoff(BASE, Duration::from_secs(1))
        .budget(100);
    let client = client(&server, policy);
    for mode in BOTH {
        for _ in 0..3 {
            let err = mode.get(&client.chain("v3/x"), ()).unwrap_err();
            assert_eq!(err.attempts(), 3);
        }
    }
    let arrivals = arrivals.lock().unwrap();
    let pauses = arrivals.chunks(3).map(|calls| {
        let [first, second, third] = calls else {
            panic!("not three attempts");
        };
        [*second - *first, *third - *second]
    });
    let pauses = pauses.collect::<Vec<_>>();
    assert_eq!(pauses.len(), 6);
    for [first, second] in &pauses {
        // Jitter shortens a pause to no less than half of it.
        assert!(*first >= BASE / 2, "{pauses:?}");
        assert!(*second >= BASE, "{pauses:?}");
    }
    let different = pauses.iter().flatten().map(Duration::as_millis);
    assert!(different.collect::<HashSet<_>>().len() > 2, "{pauses:?}");
}

#[test]
fn timeout_covers_all_attempts() {
    for mode in BOTH {
        let server = Server::start(|_| {
            thread::sleep(Duration::from_millis(150));
            MockResponse::plain(503, "")
        });
        let client = client(&server, quick().attempts(100).budget(100));
        let err = mode
            .get(&client.chain("v3/x"), json!({ "timeout": 0.5 }))
            .unwrap_err();
        assert!(err.is_timeout() || err.is_api(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Unknown);
        let attempts = err.attempts() as usize;
        assert!((1..=4).contains(&attempts), "{attempts} attempts");
        // The timeout may end the last attempt before its request arrives.
        let arrived = server.requests().len();
        assert!(
            (attempts - 1..=attempts).contains(&arrived),
            "{arrived} of {attempts}"
        );
    }
}

#[test]
fn spent_retry_budget_returns_errors_at_once() {
    for mode in BOTH {
        let server = Server::start(|_| MockResponse::plain(503, ""));
        let client = client(&server, quick().budget(10));
        let attempts = (0..20)
            .map(|_| mode.get(&client.chain("v3/x"), ()).unwrap_err().attempts())
            .collect::<Vec<_>>();
        // The budget starts with ten retries, and twenty calls earn two more. Calls earn nothing
        // while the budget is full, so the total is 11 or 12.
        assert_eq!(attempts[..5], [3; 5], "{attempts:?}");
        let repeats = attempts.iter().map(|attempts| attempts - 1).sum::<u32>();
        assert!((11..=12).contains(&repeats), "{attempts:?}");
        assert_eq!(server.requests().len() as u32, 20 + repeats);
    }
    // `RetryPolicy::none` ignores the budget.
    let server = Server::start(|_| MockResponse::plain(503, ""));
    let client = client(&server, RetryPolicy::none());
    assert_eq!(client.chain("v3/x").get(()).unwrap_err().attempts(), 1);
}

#[test]
fn rate_limited_write_repeats_the_same_body_on_request() {
    for mode in BOTH {
        let server = failing_first(2, || MockResponse::signed(429, LIMITED));
        let client = client(&server, quick().repeat_rate_limited_writes(true));
        // The preferred platform key changes before the call.
        let other = keys::Pair::generate();
        let post = || {
            Options::new()
                .json(json!({ "user_name": "张三" }))
                .encrypt(["/user_name"])
        };
        let chain = client.chain("v3/x");
        let prepared = chain
            .prepare(wechatpay_chain::Method::POST, post())
            .unwrap();
        assert_eq!(
            prepared.headers()["wechatpay-serial"].to_str().unwrap(),
            keys::PLATFORM_ID
        );
        client
            .add_platform_key("PUB_KEY_ID_OTHER", other.public())
            .unwrap();
        mode.post(&chain, post()).unwrap();

        let requests = server.requests();
        assert_eq!(requests.len(), 3);
        let mut nonces = HashSet::new();
        for request in &requests {
            assert_eq!(request.body, requests[0].body, "a different ciphertext");
            assert_eq!(request.header("wechatpay-serial"), Some(keys::PLATFORM_ID));
            nonces.insert(request.authorization(keys::merchant())["nonce_str"].clone());
        }
        assert_eq!(nonces.len(), 3, "each attempt has its own signature");
        assert_ne!(
            prepared.body(),
            requests[0].body,
            "each call has its own ciphertext"
        );

        // A write with an unknown outcome is not repeated.
        let server = Server::start(|_| MockResponse::plain(503, ""));
        let policy = quick().repeat_rate_limited_writes(true);
        let err = mode
            .post(&self::client(&server, policy).chain("v3/x"), ())
            .unwrap_err();
        assert_eq!((err.attempts(), err.outcome()), (1, Outcome::Unknown));
    }
}

#[test]
fn key_change_between_attempts_keeps_serial_and_ciphertext() {
    let client = Arc::new(Mutex::new(None::<Client>));
    let server = Server::start({
        let client = Arc::clone(&client);
        move |request| {
            if request.number > 0 {
                return MockResponse::signed(200, "{}");
            }
            // The key that encrypted the first attempt is removed before the second.
            let client = client.lock().unwrap();
            let client = client.as_ref().unwrap();
            let key = keys::platform().public();
            client.remove_platform_key(keys::PLATFORM_ID);
            client.add_platform_key("PUB_KEY_ID_OTHER", key).unwrap();
            MockResponse::plain(429, LIMITED)
        }
    });
    let configured = self::client(&server, quick().repeat_rate_limited_writes(true));
    *client.lock().unwrap() = Some(configured.clone());
    let options = Options::new()
        .json(json!({ "user_name": "张三" }))
        .encrypt(["/user_name"]);
    // The response is signed under the removed key ID, so it does not verify. This test is about the
    // requests.
    let err = configured.chain("v3/x").post(options).unwrap_err();
    assert!(err.is_verification(), "{err:?}");
    assert_eq!((err.attempts(), err.outcome()), (2, Outcome::Unknown));
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!(request.header("wechatpay-serial"), Some(keys::PLATFORM_ID));
        assert_eq!(request.body, requests[0].body);
    }
    *client.lock().unwrap() = None;
}

#[test]
fn write_to_a_starting_server_arrives_once() {
    for mode in BOTH {
        let port = vacant_port();
        let policy = RetryPolicy::default()
            .attempts(100)
            .budget(1_000)
            .backoff(Duration::from_millis(100), Duration::from_millis(200));
        let client = keys::builder()
            .base_uri(format!("http://127.0.0.1:{port}/"))
            .retry(policy)
            .build()
            .unwrap();
        let starting = thread::spawn(move || {
            thread::sleep(Duration::from_millis(150));
            Server::at(port, |_| MockResponse::signed(200, "{}"))
        });
        mode.post(&client.chain("v3/x"), json!({ "json": {} }))
            .unwrap();
        starting.join().unwrap().only_request();
    }
}

#[test]
fn outcome_of_an_earlier_attempt_is_kept() {
    for mode in BOTH {
        // The first attempt is cut off, and the second finds a port where nothing listens.
        let server = Arc::new(Mutex::new(None::<Server>));
        let started = Server::at(vacant_port(), {
            let server = Arc::clone(&server);
            move |_| {
                let stopped = server.lock().unwrap().take();
                thread::spawn(move || drop(stopped)).join().unwrap();
                Reply::Close
            }
        });
        let policy = RetryPolicy::default()
            .attempts(2)
            .backoff(Duration::from_millis(200), Duration::from_millis(200));
        let client = client(&started, policy);
        *server.lock().unwrap() = Some(started);
        let err = mode.get(&client.chain("v3/x"), ()).unwrap_err();
        assert_eq!(err.outcome(), Outcome::Unknown, "{err:?}");
        assert_eq!(err.attempts(), 2);
    }
}
