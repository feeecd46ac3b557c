//! Deliveries: their schedule, their order, their faults, and what is kept of them.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use wechatpay_chain::{
    Ack, ErrorKind, Notifications,
    sandbox::{
        Attempt, Delivery, DeliveryFault, DeliveryState, Release, Sandbox, SandboxBuilder,
        SandboxEvent,
    },
};

use crate::fixtures::server::{MockResponse, Reply, Request, Server};

const DAY: Duration = Duration::from_secs(25 * 3600);

fn acknowledged() -> MockResponse {
    MockResponse::plain(204, "")
}

fn refused() -> MockResponse {
    let body = r#"{"code":"FAIL","message":"not yet"}"#;
    MockResponse::plain(500, body).header("X-Shop", "tea")
}

/// Acknowledges in the format of either version.
fn acknowledged_v2() -> MockResponse {
    MockResponse::plain(200, Ack::success().v2().body())
}

/// A sandbox whose notifications go to this receiver.
fn sandbox_for(receiver: &Server) -> Sandbox {
    started(Sandbox::builder(), receiver)
}

fn started(builder: SandboxBuilder, receiver: &Server) -> Sandbox {
    let sandbox = builder.start().expect("a sandbox");
    sandbox
        .redirect_notifications(Some(&format!("{}notify", receiver.url())))
        .expect("a URL on this machine");
    sandbox
}

fn pay(sandbox: &Sandbox, out_trade_no: &str) -> String {
    let resource = json!({ "out_trade_no": out_trade_no });
    let delivery = sandbox.notify("TRANSACTION.SUCCESS", resource);
    delivery.expect("a documented event").id().to_owned()
}

fn settled(sandbox: &Sandbox, id: &str) -> Delivery {
    sandbox.settle().expect("a receiver on another thread");
    sandbox.delivery(id).expect("the delivery")
}

fn statuses(delivery: &Delivery) -> Vec<u16> {
    let attempts = delivery.attempts().iter();
    attempts
        .map(|attempt| attempt.status().map_or(0, |status| status.as_u16()))
        .collect()
}

/// The seconds between the attempts.
fn waits(delivery: &Delivery) -> Vec<u64> {
    let times: Vec<_> = delivery.attempts().iter().map(Attempt::at).collect();
    times.windows(2).map(|two| two[1] - two[0]).collect()
}

fn open(
    notifications: &Notifications,
    request: &Request,
) -> wechatpay_chain::Result<wechatpay_chain::Notification> {
    let headers = request.headers.iter().map(|(name, value)| (name, value));
    notifications.receive(headers, &request.body)
}

#[test]
fn receiver_that_fails_three_times_gets_the_fourth_attempt_at_the_documented_second() {
    let receiver = Server::start(|request| match request.number {
        0..3 => refused(),
        _ => acknowledged(),
    });
    let sandbox = sandbox_for(&receiver);
    let id = pay(&sandbox, "a");
    for (attempts, wait) in [(1, 15), (2, 15), (3, 30)] {
        let delivery = settled(&sandbox, &id);
        assert_eq!(delivery.attempts().len(), attempts);
        let DeliveryState::Waiting { due_in } = delivery.state() else {
            panic!("{delivery:?}");
        };
        assert!(*due_in <= Duration::from_secs(wait), "{due_in:?}");
        sandbox.advance(Duration::from_secs(wait));
    }
    let delivery = settled(&sandbox, &id);
    assert!(delivery.is_acknowledged(), "{delivery:?}");
    assert_eq!(statuses(&delivery), [500, 500, 500, 204]);
    assert_eq!(waits(&delivery), [15, 15, 30]);
    sandbox.advance(DAY);
    assert_eq!(settled(&sandbox, &id).attempts().len(), 4);
    // Each attempt is the same notification, with a signature of its own.
    let requests = receiver.requests();
    let notifications = sandbox.notifications_builder().build().unwrap();
    for request in &requests {
        assert_eq!(open(&notifications, request).unwrap().id(), id);
    }
    let nonce = |at: usize| requests[at].header("wechatpay-nonce").map(str::to_owned);
    assert_ne!(nonce(0), nonce(1));
    assert_eq!((requests.len(), requests[0].path()), (4, "/notify"));
}

#[test]
fn notification_is_given_up_after_its_schedule() {
    let receiver = Server::start(|_| refused());
    let sandbox = sandbox_for(&receiver);
    for (event, expected) in [
        (
            "TRANSACTION.SUCCESS",
            vec![
                15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600,
                21_600,
            ],
        ),
        (
            "transaction-success",
            vec![15, 15, 30, 180, 1800, 1800, 1800, 1800, 3600],
        ),
    ] {
        let id = sandbox.notify(event, json!({})).unwrap().id().to_owned();
        sandbox.advance(DAY);
        let delivery = settled(&sandbox, &id);
        assert_eq!(waits(&delivery), expected);
        assert_eq!(delivery.state(), &DeliveryState::GivenUp);
    }
}

#[test]
fn response_of_the_receiver_is_kept() {
    let receiver = Server::start(|request| match request.number {
        0 => Reply::Response(refused()),
        1 => Reply::Close,
        2 => Reply::Response(MockResponse::plain(302, "").header("Location", "/elsewhere")),
        _ => Reply::Response(MockResponse::plain(500, vec![b'x'; 100_000]).then_close()),
    });
    let sandbox = sandbox_for(&receiver);
    let id = pay(&sandbox, "a");
    sandbox.advance(Duration::from_secs(60));
    let delivery = settled(&sandbox, &id);
    let [first, second, third, fourth] = delivery.attempts() else {
        panic!("{delivery:?}");
    };
    assert_eq!(first.headers()["x-shop"], "tea");
    assert_eq!(&first.body()[..], br#"{"code":"FAIL","message":"not yet"}"#);
    assert_eq!(first.sent_headers()["content-type"], "application/json");
    assert_eq!((first.error(), first.fault()), (None, None));
    assert_eq!(second.status(), None);
    assert!(second.error().unwrap().contains("closed"), "{second:?}");
    // A redirect is not an acknowledgement, and is not followed.
    assert_eq!(third.status().unwrap().as_u16(), 302);
    assert!(
        receiver
            .requests()
            .iter()
            .all(|request| request.path() == "/notify")
    );
    assert_eq!(fourth.body().len(), 64 << 10);
    assert_eq!(receiver.requests()[0].body, delivery.body().to_vec());
    assert_eq!(delivery.resource()["out_trade_no"], "a");
    let shown = format!("{delivery:?}");
    assert!(
        !shown.contains("openid") && shown.contains("TRANSACTION.SUCCESS"),
        "{shown}"
    );
}

#[test]
fn each_fault_is_refused_and_the_true_one_follows() {
    let receiver = Server::start(|_| acknowledged_v2());
    let sandbox = sandbox_for(&receiver);
    let notifications = sandbox.notifications_builder().build().unwrap();
    for (fault, event, kind) in [
        (
            DeliveryFault::Probe,
            "TRANSACTION.SUCCESS",
            ErrorKind::Probe,
        ),
        (
            DeliveryFault::WrongKey,
            "REFUND.SUCCESS",
            ErrorKind::Verification,
        ),
        (
            DeliveryFault::BadSignature,
            "REFUND.CLOSED",
            ErrorKind::Verification,
        ),
        (
            DeliveryFault::UnknownSerial,
            "COUPON.USE",
            ErrorKind::UnknownKey,
        ),
        (
            DeliveryFault::StaleTimestamp,
            "COUPON.SEND",
            ErrorKind::ClockSkew,
        ),
        (
            DeliveryFault::WrongApiv3Key,
            "COUPON.USE",
            ErrorKind::Decrypt,
        ),
        (
            DeliveryFault::WrongKey,
            "transaction-success",
            ErrorKind::Verification,
        ),
        (
            DeliveryFault::BadSignature,
            "transaction-success",
            ErrorKind::Verification,
        ),
        (
            DeliveryFault::WrongKey,
            "refund-processed",
            ErrorKind::Decrypt,
        ),
        (
            DeliveryFault::BadSignature,
            "refund-processed",
            ErrorKind::Decrypt,
        ),
    ] {
        let before = receiver.requests().len();
        sandbox.inject_delivery(fault);
        let id = sandbox.notify(event, json!({})).unwrap().id().to_owned();
        // The receiver acknowledges both, which it must not do: only the true one counts.
        let delivery = settled(&sandbox, &id);
        assert!(delivery.is_acknowledged());
        let faults: Vec<_> = delivery.attempts().iter().map(Attempt::fault).collect();
        assert_eq!(faults, [Some(fault), None], "{event}");
        let requests = receiver.requests().split_off(before);
        let err = open(&notifications, &requests[0]).expect_err(event);
        // A wrong key of ECB yields valid padding once in 256 times; then the text is not XML.
        let is_random = event == "refund-processed" && err.kind() == ErrorKind::Decode;
        assert!(
            err.kind() == kind || is_random,
            "{fault:?} of {event}: {err}"
        );
        open(&notifications, &requests[1]).unwrap_or_else(|err| panic!("{event}: {err}"));
    }
}

#[test]
fn probe_that_was_refused_is_followed_by_the_true_one() {
    let sandbox = Sandbox::start().unwrap();
    let notifications = sandbox.notifications_builder().build().unwrap();
    let refusals = Mutex::new(Vec::new());
    let receiver = Server::start(move |request| {
        let ack = match open(&notifications, request) {
            Ok(notification) => notification.ack(),
            Err(err) => {
                refusals.lock().unwrap().push(err.kind());
                assert_eq!(*refusals.lock().unwrap(), [ErrorKind::Probe]);
                Ack::refusal(&err)
            }
        };
        MockResponse::plain(ack.status().as_u16(), ack.body())
    });
    sandbox
        .redirect_notifications(Some(&receiver.url()))
        .unwrap();
    sandbox.inject_delivery(DeliveryFault::Probe);
    let id = pay(&sandbox, "a");
    let delivery = settled(&sandbox, &id);
    assert_eq!(statuses(&delivery), [401, 204]);
    let probe = delivery.attempts()[0].sent_headers();
    let signature = probe["wechatpay-signature"].to_str().unwrap();
    assert!(signature.starts_with("WECHATPAY/SIGNTEST/"), "{signature}");
}

#[test]
fn held_notifications_arrive_in_the_released_order() {
    for (order, expected) in [
        (Release::InOrder, vec!["a", "b", "b", "c"]),
        (Release::Reversed, vec!["c", "b", "b", "a"]),
    ] {
        let receiver = Server::start(|_| acknowledged());
        let sandbox = sandbox_for(&receiver);
        let notifications = sandbox.notifications_builder().build().unwrap();
        sandbox.hold_deliveries();
        let ids = ["a", "b", "c"].map(|number| pay(&sandbox, number));
        sandbox.duplicate(&ids[1]).unwrap();
        let held = settled(&sandbox, &ids[0]);
        assert_eq!(held.state(), &DeliveryState::Held);
        assert!(receiver.requests().is_empty());
        sandbox.release_deliveries(order);
        sandbox.settle().unwrap();
        let numbers: Vec<_> = receiver
            .requests()
            .iter()
            .map(|request| {
                let notification = open(&notifications, request).unwrap();
                notification.resource_json()["out_trade_no"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(numbers, expected);
    }
}

#[test]
fn resent_and_duplicated_notifications_have_the_same_id() {
    let receiver = Server::start(|_| acknowledged());
    let sandbox = sandbox_for(&receiver);
    let notifications = sandbox.notifications_builder().build().unwrap();
    let id = pay(&sandbox, "a");
    settled(&sandbox, &id);
    sandbox.resend(&id).unwrap();
    assert!(settled(&sandbox, &id).is_acknowledged());
    sandbox.duplicate(&id).unwrap();
    assert_eq!(settled(&sandbox, &id).attempts().len(), 3);
    for request in receiver.requests() {
        assert_eq!(open(&notifications, &request).unwrap().id(), id);
    }
    for err in [
        sandbox.resend("x").unwrap_err(),
        sandbox.duplicate("x").unwrap_err(),
    ] {
        assert!(err.to_string().contains("no notification x"), "{err}");
    }
}

#[test]
fn notification_for_another_machine_is_not_sent() {
    let receiver = Server::start(|_| acknowledged());
    let sandbox = Sandbox::start().unwrap();
    let mchid = sandbox.mchid().to_owned();
    let url = "https://example.com/notify";
    let delivery = sandbox
        .notify_to(&mchid, "REFUND.SUCCESS", json!({}), url)
        .unwrap();
    let id = delivery.id().to_owned();
    let DeliveryState::NotSent(reason) = settled(&sandbox, &id).state().clone() else {
        panic!("{:?}", sandbox.delivery(&id));
    };
    assert!(
        reason.contains("example.com") && reason.contains("deliver_to"),
        "{reason}"
    );
    assert!(settled(&sandbox, &id).attempts().is_empty());
    assert!(sandbox.redirect_notifications(Some(url)).is_err());
    sandbox
        .redirect_notifications(Some(&receiver.url()))
        .unwrap();
    sandbox.resend(&id).unwrap();
    assert!(settled(&sandbox, &id).is_acknowledged());
    // A sub-merchant has no keys to encrypt with.
    let err = sandbox
        .notify_to("1900000199", "REFUND.SUCCESS", json!({}), url)
        .unwrap_err();
    assert!(err.to_string().contains("1900000199"), "{err}");
}

#[test]
fn restored_sandbox_sends_nothing_of_the_future() {
    let receiver = Server::start(|_| refused());
    let sandbox = sandbox_for(&receiver);
    let before = pay(&sandbox, "before");
    settled(&sandbox, &before);
    let snapshot = sandbox.snapshot();
    let after = pay(&sandbox, "after");
    settled(&sandbox, &after);
    sandbox.restore(&snapshot).unwrap();
    assert!(sandbox.delivery(&after).is_none());
    assert_eq!(receiver.requests().len(), 2);
    sandbox.advance(Duration::from_secs(15));
    assert_eq!(settled(&sandbox, &before).attempts().len(), 2);
    let notifications = sandbox.notifications_builder().build().unwrap();
    let last = open(&notifications, &receiver.requests()[2]).unwrap();
    assert_eq!((last.id(), receiver.requests().len()), (&*before, 3));
    sandbox.reset();
    sandbox.advance(DAY);
    sandbox.settle().unwrap();
    assert_eq!(
        (sandbox.deliveries().len(), receiver.requests().len()),
        (0, 3)
    );
}

#[test]
fn drop_ends_deliveries() {
    let receiver = Server::start(|_| Reply::Silence);
    let sandbox = sandbox_for(&receiver);
    pay(&sandbox, "a");
    receiver.wait_until("the notification arrives", |seen| seen.requests.len() == 1);
    drop(sandbox);
    receiver.wait_until("its connection ends", |seen| seen.closed == 1);
}

#[test]
fn subscriber_sees_requests_and_deliveries() {
    let receiver = Server::start(|_| acknowledged());
    let sandbox = sandbox_for(&receiver);
    let events = sandbox.subscribe();
    let client = sandbox.client_builder().build().unwrap();
    let query = json!({ "out_trade_no": "x", "query": { "mchid": sandbox.mchid() } });
    let chain = client.chain("v3/pay/transactions/out-trade-no/{out_trade_no}");
    chain.get(query).unwrap_err();
    let id = pay(&sandbox, "a");
    settled(&sandbox, &id);
    let limit = Duration::from_secs(60);
    let Some(SandboxEvent::Request(request)) = events.next_within(limit) else {
        panic!("expected the request: {events:?}");
    };
    assert_eq!(
        (request.path(), request.status()),
        ("/v3/pay/transactions/out-trade-no/x", None)
    );
    let Some(SandboxEvent::Answered(answered)) = events.next_within(limit) else {
        panic!("expected its response: {events:?}");
    };
    assert_eq!(answered.status().unwrap().as_u16(), 404);
    let Some(SandboxEvent::Delivery(delivery)) = events.next_within(limit) else {
        panic!("expected the delivery: {events:?}");
    };
    assert_eq!((delivery.id(), delivery.is_acknowledged()), (&*id, true));
    assert!(events.try_next().is_none() && events.missed() == 0);
    drop(sandbox);
    assert!(events.next_within(limit).is_none());
}

#[tokio::test]
async fn async_code_awaits_deliveries_and_events() {
    let served = AtomicUsize::new(0);
    let receiver = Server::start(move |_| match served.fetch_add(1, Ordering::Relaxed) {
        0 => refused(),
        _ => acknowledged(),
    });
    let sandbox = Sandbox::start_async().await.unwrap();
    sandbox
        .redirect_notifications(Some(&receiver.url()))
        .unwrap();
    let events = sandbox.subscribe();
    let id = pay(&sandbox, "a");
    sandbox.settle_async().await.unwrap();
    sandbox.advance(Duration::from_secs(15));
    sandbox.settle_async().await.unwrap();
    assert!(sandbox.delivery(&id).unwrap().is_acknowledged());
    for expected in [false, true] {
        let Some(SandboxEvent::Delivery(delivery)) = events.next().await else {
            panic!("expected a delivery: {events:?}");
        };
        assert_eq!(delivery.is_acknowledged(), expected);
    }
}

#[test]
fn receiver_that_does_not_respond_in_five_seconds_gets_another_attempt() {
    let receiver = Server::start(|request| match request.number {
        0 => Reply::Silence,
        _ => Reply::Response(acknowledged()),
    });
    let sandbox = sandbox_for(&receiver);
    let id = pay(&sandbox, "a");
    // Without a limit, this would wait for ever.
    let delivery = settled(&sandbox, &id);
    assert_eq!(delivery.attempts()[0].error(), Some("timeout"));
    sandbox.advance(Duration::from_secs(15));
    assert!(settled(&sandbox, &id).is_acknowledged());
}
