//! The order and the times of deliveries, without a server.

use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::*;

const START: u64 = 1_800_000_000;

fn notice(name: &str, is_v2: bool) -> Notice {
    let content = match is_v2 {
        false => Content::V3 {
            event_type: name.to_owned(),
            original_type: "transaction",
            summary: "",
            resource: json!({}),
        },
        true => Content::V2 {
            fields: serde_json::Map::new(),
            req_info: None,
        },
    };
    Notice {
        mchid: "1900000109".to_owned(),
        url: "http://127.0.0.1:1/".to_owned(),
        content,
    }
}

/// An outbox with these notifications, due at `START`.
fn outbox(names: &[&str]) -> Outbox {
    let mut outbox = Outbox::default();
    for name in names {
        outbox.push((*name).to_owned(), notice(name, false));
    }
    outbox.admit(START);
    outbox
}

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| &*job.id).collect()
}

fn attempt(at: u64, bytes: usize) -> Attempt {
    Attempt {
        at,
        sent: HeaderMap::new(),
        status: Some(StatusCode::INTERNAL_SERVER_ERROR),
        headers: HeaderMap::new(),
        body: vec![0; bytes].into(),
        took: std::time::Duration::ZERO,
        error: None,
        fault: None,
    }
}

/// Sends whatever is due at `now`, and ends it. Returns what was sent.
fn send(outbox: &mut Outbox, now: u64, ending: &Ending) -> Vec<String> {
    let jobs = outbox.start(now);
    for job in &jobs {
        outbox.record(&job.way, attempt(job.way.turn.at, 0));
        outbox.end(&job.way, ending.clone());
    }
    ids(&jobs).into_iter().map(str::to_owned).collect()
}

fn state(outbox: &Outbox, id: &str, now: u64) -> DeliveryState {
    outbox.view(id, now).unwrap().state
}

#[test]
fn refused_notification_is_sent_again_at_the_documented_second() {
    let v3 = [
        15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600,
    ];
    let v2 = [15, 15, 30, 180, 1800, 1800, 1800, 1800, 3600];
    for (is_v2, waits) in [(false, &v3[..]), (true, &v2)] {
        let mut outbox = Outbox::default();
        outbox.push("a".to_owned(), notice("X", is_v2));
        outbox.admit(START);
        assert_eq!(send(&mut outbox, START, &Ending::Refused), ["a"]);
        let mut now = START;
        for wait in waits {
            now += wait;
            assert_eq!(outbox.next_at(), Some(now));
            assert!(outbox.start(now - 1).is_empty() && outbox.is_settled(now - 1));
            assert!(!outbox.is_settled(now));
            assert_eq!(send(&mut outbox, now, &Ending::Refused), ["a"]);
        }
        assert_eq!(outbox.next_at(), None);
        let delivery = outbox.view("a", now).unwrap();
        assert_eq!(delivery.attempts().len(), waits.len() + 1);
        assert_eq!(delivery.state(), &DeliveryState::GivenUp);
    }
}

#[test]
fn late_attempts_keep_their_own_times() {
    let mut outbox = outbox(&["a"]);
    // The clock jumps a day: every attempt is for its own second all the same.
    let late = START + 25 * 3600;
    while !outbox.is_settled(late) {
        send(&mut outbox, late, &Ending::Refused);
    }
    let delivery = outbox.view("a", late).unwrap();
    let times: Vec<_> = delivery.attempts().iter().map(Attempt::at).collect();
    assert_eq!(times.len(), 16);
    assert_eq!(times[..4], [START, START + 15, START + 30, START + 60]);
    assert_eq!(times[15], START + 24 * 3600 + 4 * 60);
}

#[test]
fn acknowledged_notification_is_not_sent_again() {
    let mut outbox = outbox(&["a"]);
    send(&mut outbox, START, &Ending::Refused);
    send(&mut outbox, START + 15, &Ending::Acknowledged);
    assert_eq!(outbox.next_at(), None);
    assert_eq!(state(&outbox, "a", START), DeliveryState::Acknowledged);
    // Resent, it begins its schedule again.
    assert!(outbox.resend("a", START + 100) && !outbox.resend("b", START));
    assert_eq!(send(&mut outbox, START + 100, &Ending::Refused), ["a"]);
    assert_eq!(outbox.next_at(), Some(START + 115));
}

#[test]
fn resent_notification_on_its_way_keeps_one_schedule() {
    let mut outbox = outbox(&["a"]);
    let first = outbox.start(START);
    assert!(outbox.resend("a", START + 1));
    let second = outbox.start(START + 1);
    assert_eq!((first.len(), second.len()), (1, 1));
    outbox.end(&first[0].way, Ending::Refused);
    assert_eq!(outbox.next_at(), None, "the old schedule is over");
    outbox.end(&second[0].way, Ending::Refused);
    assert_eq!(outbox.next_at(), Some(START + 16));
    assert_eq!(outbox.line.scheduled(), 1);
}

#[test]
fn copy_is_sent_at_once_and_beside_the_schedule() {
    let mut outbox = outbox(&["a"]);
    assert!(outbox.duplicate("a"));
    let jobs = outbox.start(START);
    assert_eq!(ids(&jobs), ["a", "a"]);
    for job in &jobs {
        outbox.end(&job.way, Ending::Refused);
    }
    assert_eq!(outbox.next_at(), Some(START + 15));
    // The acknowledgement of a copy counts.
    assert!(outbox.duplicate("a"));
    assert_eq!(send(&mut outbox, START + 1, &Ending::Acknowledged), ["a"]);
    assert_eq!(outbox.next_at(), None);
    assert_eq!(outbox.start(START + 15).len(), 0);
}

#[test]
fn held_notifications_leave_one_after_another_in_the_released_order() {
    for (order, expected) in [
        (Release::InOrder, ["a", "b", "b", "c"]),
        (Release::Reversed, ["c", "b", "b", "a"]),
    ] {
        let mut outbox = outbox(&["a", "b", "c"]);
        outbox.hold();
        assert!(outbox.duplicate("b"));
        assert!(outbox.start(START).is_empty() && outbox.is_settled(START));
        assert_eq!(state(&outbox, "a", START), DeliveryState::Held);
        outbox.release(order, START + 50, &mut Rng::from_seed(1));
        assert!(!outbox.is_settled(START + 50));
        let mut sent = Vec::new();
        while !outbox.is_settled(START + 50) {
            let jobs = outbox.start(START + 50);
            assert_eq!(jobs.len(), 1, "one at a time");
            sent.extend(jobs.iter().map(|job| job.id.clone()));
            outbox.end(&jobs[0].way, Ending::Refused);
        }
        assert_eq!(sent, expected);
        // The schedule begins when they are released.
        assert_eq!(outbox.next_at(), Some(START + 65));
    }
    let shuffled = |seed| {
        let mut outbox = outbox(&["a", "b", "c", "d", "e", "f"]);
        outbox.hold();
        outbox.release(Release::Shuffled, START, &mut Rng::from_seed(seed));
        let mut sent = Vec::new();
        while !outbox.is_settled(START) {
            sent.extend(send(&mut outbox, START, &Ending::Acknowledged));
        }
        sent
    };
    assert_eq!(shuffled(1), shuffled(1));
    assert_ne!(shuffled(1), shuffled(2));
    let mut sorted = shuffled(1);
    sorted.sort();
    assert_eq!(sorted, ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn released_notification_that_is_sent_again_leaves_once() {
    let mut outbox = outbox(&["a", "b", "c"]);
    outbox.hold();
    outbox.release(Release::InOrder, START, &mut Rng::from_seed(1));
    assert!(outbox.resend("b", START));
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.extend(send(&mut outbox, START, &Ending::Acknowledged));
    }
    assert_eq!(sent, ["a", "b", "c"]);
}

#[test]
fn fault_waits_for_a_notification_that_it_applies_to() {
    let mut outbox = Outbox::default();
    outbox.add_fault(DeliveryFault::Probe);
    outbox.add_fault(DeliveryFault::WrongKey);
    for (id, is_v2) in [("v2", true), ("v3", false), ("more", false)] {
        outbox.push(id.to_owned(), notice("X", is_v2));
    }
    outbox.admit(START);
    let faults: Vec<_> = outbox.start(START).iter().map(|job| job.fault).collect();
    let expected = [
        Some(DeliveryFault::WrongKey),
        Some(DeliveryFault::Probe),
        None,
    ];
    assert_eq!(faults, expected);
}

#[test]
fn restored_outbox_sends_again_what_was_on_its_way() {
    let mut outbox = outbox(&["a"]);
    let jobs = outbox.start(START);
    let mut restored = outbox.clone();
    restored.supersede(&outbox);
    assert_eq!(ids(&restored.start(START)), ["a"]);
    // What belongs to the time before no longer counts.
    restored.end(&jobs[0].way, Ending::Acknowledged);
    assert_eq!(restored.on_way, 1);
    assert_ne!(state(&restored, "a", START), DeliveryState::Acknowledged);
}

#[test]
fn job_of_an_earlier_epoch_leaves_other_notifications_alone() {
    let mut before = outbox(&["a"]);
    let job = before.start(START).remove(0);
    assert_eq!(before.view_of_job(&job, START).unwrap().id(), "a");
    // A reset sandbox counts from zero again.
    let mut after = outbox(&["b"]);
    after.supersede(&before);
    assert_eq!(after.parcels().next().unwrap().0, job.way.turn.number);
    let body = Bytes::from_static(b"of a");
    assert_eq!(
        after.keep_body(job.way.turn.number, &job.notice, body.clone()),
        body
    );
    assert_eq!(after.view("b", START).unwrap().body(), "");
    assert!(after.view_of_job(&job, START).is_none());
    // In a snapshot, the same parcel keeps its body.
    let mut restored = before.clone();
    restored.supersede(&before);
    restored.keep_body(job.way.turn.number, &job.notice, body.clone());
    assert_eq!(restored.view("a", START).unwrap().body(), &body);
}

#[test]
fn resource_and_headers_of_responses_count() {
    let long = "x".repeat(10_000);
    let bytes = |resource| {
        let mut notice = notice("X", false);
        if let Content::V3 { resource: kept, .. } = &mut notice.content {
            *kept = resource;
        }
        Parcel::new("a".to_owned(), notice, START)
    };
    let empty = bytes(json!({}));
    assert!(bytes(json!({ "a": [{ &long: long }] })).bytes() >= empty.bytes() + 20_000);
    let mut parcel = empty.clone();
    let mut attempt = attempt(START, 0);
    attempt
        .headers
        .insert("x-long", "x".repeat(3_000).parse().unwrap());
    for _ in 0..2 {
        parcel.record(attempt.clone());
    }
    assert!(parcel.bytes() >= empty.bytes() + 6_000);
}

#[test]
fn outbox_is_limited_in_number_and_bytes() {
    let mut outbox = Outbox::default();
    for number in 0..MAX_DELIVERIES + 5 {
        outbox.push(number.to_string(), notice("X", false));
        outbox.admit(START);
    }
    assert_eq!(outbox.parcels.len(), MAX_DELIVERIES);
    assert_eq!(outbox.line.scheduled(), MAX_DELIVERIES);
    // 64 attempts of 64 kB each are 4 MB a round.
    for _ in 0..10 {
        for job in outbox.start(START) {
            outbox.record(&job.way, attempt(START, 64 << 10));
            outbox.end(&job.way, Ending::Acknowledged);
        }
    }
    assert!(outbox.bytes <= MAX_BYTES, "{}", outbox.bytes);
    let counted: usize = outbox.parcels.values().map(Parcel::bytes).sum();
    assert_eq!(outbox.bytes, counted);
}
