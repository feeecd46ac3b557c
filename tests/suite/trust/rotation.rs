use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use serde_json::json;
use wechatpay_chain::{Client, Verification};

use super::platform::{Cert, Platform, brings, new, old};
use crate::fixtures::{
    keys,
    mode::{Mode, runtime},
    server::MockResponse,
};

/// What signs the answers, and what a download brings.
const STEPS: [&str; 5] = ["old", "both", "new", "public key", "back again"];
const CALLS: usize = 2_000;

/// The platform, at a step that the test moves.
fn platform(step: &Arc<AtomicUsize>, at: &Arc<Mutex<Vec<usize>>>) -> Platform {
    let certificates = {
        let (step, at) = (Arc::clone(step), Arc::clone(at));
        move |_: &_| {
            let step = step.load(SeqCst);
            at.lock().expect("the steps").push(step);
            match step {
                0 => brings(&[old()], old()),
                1 => brings(&[old(), new()], old()),
                3 => MockResponse::signed(404, r#"{"code":"RESOURCE_NOT_EXISTS","message":"x"}"#),
                _ => brings(&[new()], new()),
            }
        }
    };
    let step = Arc::clone(step);
    Platform::start(certificates, move |request| {
        match (step.load(SeqCst), request.number % 2) {
            (0, _) | (1 | 4, 0) => old().signs("{}"),
            (3, _) => MockResponse::signed(200, "{}"),
            _ => new().signs("{}"),
        }
    })
}

#[test]
fn certificates_rotate_under_load_and_no_call_is_lost() {
    let step = Arc::new(AtomicUsize::new(0));
    let downloads = Arc::new(Mutex::new(Vec::new()));
    let platform = platform(&step, &downloads);
    let client = platform
        .builder()
        .platform_certificate(old().certificate())
        .build()
        .unwrap();
    // Signs once with each key, so that no call waits for openssl's like.
    for certificate in [old(), new()] {
        certificate.signs("{}");
    }

    let (begun, seen) = (Mutex::new(0), Mutex::new(HashMap::new()));
    thread::scope(|scope| {
        for worker in 0..8 {
            let (client, step, begun, seen) = (&client, &step, &begun, &seen);
            scope.spawn(move || {
                let mode = [Mode::Blocking, Mode::Async][worker % 2];
                loop {
                    let number = {
                        // No call begins in the middle of a turn.
                        let mut begun = begun.lock().unwrap();
                        turn(client, step, *begun);
                        *begun += 1;
                        *begun - 1
                    };
                    if number >= CALLS {
                        return;
                    }
                    call(client, mode, number, seen);
                }
            });
        }
    });

    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.values().sum::<u64>(), CALLS as u64, "{seen:?}");
    // The counters add up, key by key.
    let keys = client.platform_keys();
    for key in &keys {
        assert_eq!(key.responses(), seen[key.id()], "{key:?}");
        assert!(key.responses() > 100 && key.notifications() == 0, "{key:?}");
        println!("{:<42} {} responses", key.id(), key.responses());
    }
    assert_eq!(keys.len(), 3);
    let arrived = platform.server.requests().len() - platform.downloads();
    assert_eq!(arrived, CALLS, "a call arrived twice, or not at all");
    let downloads = downloads.lock().unwrap();
    assert_eq!(*downloads, [1], "the steps at which there was a download");
}

/// Moves on under the calls that are under way.
fn turn(client: &Client, step: &AtomicUsize, number: usize) {
    let each = CALLS / STEPS.len();
    if number == 0 || number >= CALLS || !number.is_multiple_of(each) {
        return;
    }
    let next = number / each;
    if STEPS[next] == "public key" {
        // What a merchant does before WeChat Pay changes over.
        client
            .add_platform_key(keys::PLATFORM_ID, keys::platform().public())
            .unwrap();
    }
    step.store(next, SeqCst);
}

fn call(client: &Client, mode: Mode, number: usize, seen: &Mutex<HashMap<String, u64>>) {
    let chain = client.chain("v3/load/{number}");
    let number_option = json!({ "number": format!("N{number}") });
    let response = match number % 4 {
        0 => mode.post(
            &chain,
            json!({ "number": format!("N{number}"), "json": { "n": number } }),
        ),
        _ => mode.get(&chain, number_option),
    };
    let response = response.unwrap_or_else(|err| panic!("call {number} is lost: {err:?}"));
    let Verification::Verified { serial, .. } = response.verification() else {
        panic!("not verified: {response:?}");
    };
    *seen.lock().unwrap().entry(serial.clone()).or_default() += 1;
}

#[test]
fn each_step_asks_for_the_key_that_is_best_now() {
    let platform = Platform::start(|_| brings(&[old(), new()], old()), |_| old().signs("{}"));
    let client = platform
        .builder()
        .platform_certificate(old().certificate())
        .build()
        .unwrap();
    let asks_for = |serial: &str| {
        client.chain("v3/x").get(()).unwrap();
        let request = platform.server.requests().pop().unwrap();
        assert_eq!(request.header("wechatpay-serial"), Some(serial));
    };
    asks_for(old().serial);
    let refreshed = client.refresh_certificates().unwrap();
    assert_eq!(refreshed.added(), [new().serial]);
    // The one that ends last.
    asks_for(new().serial);
    let key = keys::platform().public();
    client.add_platform_key(keys::PLATFORM_ID, key).unwrap();
    asks_for(keys::PLATFORM_ID);
    assert!(client.remove_platform_key(keys::PLATFORM_ID));
    asks_for(new().serial);
}

/// A fresh client at each step comes to the same: one download, and no call lost.
#[test]
fn a_client_that_starts_at_any_step_downloads_once() {
    let steps: [(&[&Cert], &Cert); 4] = [
        (&[old()], old()),
        (&[old(), new()], old()),
        (&[old(), new()], new()),
        (&[new()], new()),
    ];
    for (brought, signer) in steps {
        let bringing = brought.iter().map(|c| c.serial).collect::<Vec<_>>();
        let body = super::platform::body(brought, super::platform::APIV3_KEY);
        let platform = Platform::start(move |_| signer.signs(&body), move |_| signer.signs("{}"));
        let client = platform.builder().build().unwrap();
        let calls = (0..20).map(|_| client.chain("v3/x").get_async(()));
        let calls = calls.map(|call| runtime().spawn(call)).collect::<Vec<_>>();
        for call in calls {
            runtime().block_on(call).unwrap().unwrap();
        }
        assert_eq!(platform.downloads(), 1);
        let ids = client.platform_keys();
        let ids = ids.iter().map(|key| key.id()).collect::<Vec<_>>();
        assert_eq!(ids, bringing);
    }
}
