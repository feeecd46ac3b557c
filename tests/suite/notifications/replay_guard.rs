//! A replay guard handles each notification once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use wechatpay_chain::{Ack, Admission, MemoryGuard, ReplayGuard};

use super::node::{genuine, receiver};
use crate::fixtures::programs;

#[test]
fn handler_runs_again_only_after_a_failure() {
    if programs::missing() {
        return;
    }
    let guard = Arc::new(MemoryGuard::new());
    let notification = genuine().receive(&receiver()).unwrap();
    let runs = AtomicU32::new(0);
    let run = |result: Result<(), &'static str>| {
        notification.once(&guard, || {
            runs.fetch_add(1, Ordering::Relaxed);
            result
        })
    };
    let err = run(Err("the database is unavailable")).unwrap_err();
    assert!(err.is_handler());
    let source = std::error::Error::source(&err).expect("a source");
    assert_eq!(source.to_string(), "the database is unavailable");
    assert_eq!(Ack::refusal(&err).status(), 500);
    assert!(run(Ok(())).unwrap().is_success());
    assert!(run(Ok(())).unwrap().is_success());
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn concurrent_duplicate_is_busy_until_the_lease_ends() {
    if programs::missing() {
        return;
    }
    let guard = MemoryGuard::new();
    let notification = genuine().receive_async().await;
    let slow = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok::<_, std::io::Error>(())
    };
    let (first, second) = tokio::join!(
        notification.once_async(&guard, slow),
        notification.once_async(&guard, async { Ok::<_, std::io::Error>(()) })
    );
    assert!(first.unwrap().is_success());
    assert!(
        !second.unwrap().is_success(),
        "the notification is being handled"
    );

    let guard = MemoryGuard::new().lease(Duration::from_secs(2));
    let never = std::future::pending::<Result<(), std::io::Error>>();
    let dropped = tokio::time::timeout(
        Duration::from_millis(10),
        notification.once_async(&guard, never),
    );
    assert!(dropped.await.is_err());
    assert_eq!(guard.begin(notification.id()).await, Ok(Admission::Busy));
    while guard.begin(notification.id()).await == Ok(Admission::Busy) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(guard.begin(notification.id()).await, Ok(Admission::Busy));
}
