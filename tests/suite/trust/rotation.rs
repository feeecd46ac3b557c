//! Platform certificates that rotate while calls run.

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

use super::platform::{Cert, Platform, new, old, response_with};
use crate::fixtures::{
    keys,
    mode::{Mode, runtime},
    server::MockResponse,
};

/// The steps of a rotation: which key signs the responses, and which certificates a download contains.
const STEPS: [&str; 5] = ["old", "both", "new", "public key", "rollback"];
const CALLS: usize = 2_000;

/// A server at a step that the test advances. Records the steps at which it is asked for certificates.
fn platform(step: &Arc<AtomicUsize>, downloads: &Arc<Mutex<Vec<usize>>>) -> Platform {
    let certificates = {
        let (step, downloads) = (Arc::clone(step), Arc::clone(downloads));
        move |_: &_| {
            let step = step.load(SeqCst);
            downloads.lock().expect("the steps").push(step);
            match step {
                0 => response_with(&[old()], old()),
                1 => response_with(&[old(), new()], old()),
                3 => MockResponse::signed(404, r#"{"code":"RESOURCE_NOT_EXISTS","message":"x"}"#),
                _ => response_with(&[new()], new()),
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
fn rotation_under_load_loses_no_call() {
    let step = Arc::new(AtomicUsize::new(0));
    let downloads = Arc::new(Mutex::new(Vec::new()));
    let platform = platform(&step, &downloads);
    let client = platform
        .builder()
        .platform_certificate(old().certificate())
        .build()
        .unwrap();
    // Generate both keys first, so that no call waits for that.
    for certificate in [old(), new()] {
        certificate.signs("{}");
    }

    let (started, serials) = (Mutex::new(0), Mutex::new(HashMap::new()));
    thread::scope(|scope| {
        for worker in 0..8 {
            let (client, step, started, serials) = (&client, &step, &started, &serials);
            scope.spawn(move || {
                let mode = [Mode::Blocking, Mode::Async][worker % 2];
                loop {
                    let number = {
                        // No call starts while the step changes.
                        let mut started = started.lock().unwrap();
                        advance(client, step, *started);
                        *started += 1;
                        *started - 1
                    };
                    if number >= CALLS {
                        return;
                    }
                    call(client, mode, number, serials);
                }
            });
        }
    });

    let serials = serials.into_inner().unwrap();
    assert_eq!(serials.values().sum::<u64>(), CALLS as u64, "{serials:?}");
    // The counters of the keys match the responses.
    let keys = client.platform_keys();
    for key in &keys {
        assert_eq!(key.responses(), serials[key.id()], "{key:?}");
        assert!(key.responses() > 100 && key.notifications() == 0, "{key:?}");
        println!("{:<42} {} responses", key.id(), key.responses());
    }
    assert_eq!(keys.len(), 3);
    let arrived = platform.server.requests().len() - platform.downloads();
    assert_eq!(arrived, CALLS, "a call arrived twice or not at all");
    let downloads = downloads.lock().unwrap();
    assert_eq!(*downloads, [1], "the steps at which there was a download");
}

/// Advances to the next step while calls run.
fn advance(client: &Client, step: &AtomicUsize, number: usize) {
    let each = CALLS / STEPS.len();
    if number == 0 || number >= CALLS || !number.is_multiple_of(each) {
        return;
    }
    let next = number / each;
    if STEPS[next] == "public key" {
        // A merchant adds the public key before WeChat Pay switches to it.
        client
            .add_platform_key(keys::PLATFORM_ID, keys::platform().public())
            .unwrap();
    }
    step.store(next, SeqCst);
}

fn call(client: &Client, mode: Mode, number: usize, serials: &Mutex<HashMap<String, u64>>) {
    let chain = client.chain("v3/load/{number}");
    let number_option = json!({ "number": format!("N{number}") });
    let response = match number % 4 {
        0 => mode.post(
            &chain,
            json!({ "number": format!("N{number}"), "json": { "n": number } }),
        ),
        _ => mode.get(&chain, number_option),
    };
    let response = response.unwrap_or_else(|err| panic!("call {number} was lost: {err:?}"));
    let Verification::Verified { serial, .. } = response.verification() else {
        panic!("not verified: {response:?}");
    };
    *serials.lock().unwrap().entry(serial.clone()).or_default() += 1;
}

#[test]
fn requests_name_the_best_current_key() {
    let platform = Platform::start(
        |_| response_with(&[old(), new()], old()),
        |_| old().signs("{}"),
    );
    let client = platform
        .builder()
        .platform_certificate(old().certificate())
        .build()
        .unwrap();
    let assert_requested = |serial: &str| {
        client.chain("v3/x").get(()).unwrap();
        let request = platform.server.requests().pop().unwrap();
        assert_eq!(request.header("wechatpay-serial"), Some(serial));
    };
    assert_requested(old().serial);
    let refreshed = client.refresh_certificates().unwrap();
    assert_eq!(refreshed.added(), [new().serial]);
    // The certificate that expires last.
    assert_requested(new().serial);
    let key = keys::platform().public();
    client.add_platform_key(keys::PLATFORM_ID, key).unwrap();
    assert_requested(keys::PLATFORM_ID);
    assert!(client.remove_platform_key(keys::PLATFORM_ID));
    assert_requested(new().serial);
}

/// A new client at any step downloads once and loses no call.
#[test]
fn client_started_at_any_step_downloads_once() {
    let steps: [(&[&Cert], &Cert); 4] = [
        (&[old()], old()),
        (&[old(), new()], old()),
        (&[old(), new()], new()),
        (&[new()], new()),
    ];
    for (certificates, signer) in steps {
        let expected = certificates.iter().map(|c| c.serial).collect::<Vec<_>>();
        let body = super::platform::body(certificates, super::platform::APIV3_KEY);
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
        assert_eq!(ids, expected);
    }
}
