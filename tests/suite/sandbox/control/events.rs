//! The stream of events.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::Sandbox;

use super::{prepay, send, started};

/// How long a test waits for what normally happens at once.
const LIMIT: Duration = Duration::from_secs(60);

/// Subscribes, and returns when the sandbox says so.
pub fn subscribe(sandbox: &Sandbox, target: &str) -> BufReader<TcpStream> {
    let mut reader = BufReader::new(send(sandbox, "GET", target, "", ""));
    let mut head = String::new();
    while !head.ends_with(": subscribed\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    reader
}

/// Returns the name and the data of the next event.
pub fn next(reader: &mut BufReader<TcpStream>) -> (String, Value) {
    let mut name = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the stream ended");
        if let Some(event) = line.strip_prefix("event: ") {
            name = event.trim().to_owned();
        } else if let Some(data) = line.strip_prefix("data: ") {
            return (name, serde_json::from_str(data).unwrap());
        }
    }
}

#[test]
fn events_are_streamed_as_they_happen() {
    let (sandbox, client) = started();
    let mut reader = subscribe(&sandbox, "events");
    prepay(&sandbox, &client, "tea-0001");
    sandbox.user_pays("tea-0001").unwrap();
    let (name, request) = next(&mut reader);
    assert_eq!((&*name, &request["method"]), ("request", &json!("POST")));
    assert_eq!(request["status"], Value::Null);
    let (name, change) = next(&mut reader);
    assert_eq!(name, "state");
    let expected = json!({
        "mchid": sandbox.mchid(), "kind": "payment", "number": "tea-0001", "from": null, "to": "NOTPAY",
    });
    assert_eq!(change, expected);
    let (name, answered) = next(&mut reader);
    assert_eq!((&*name, &answered["status"]), ("answered", &json!(200)));
    let (name, change) = next(&mut reader);
    assert_eq!((&*name, &change["to"]), ("state", &json!("SUCCESS")));
    let (name, delivery) = next(&mut reader);
    assert_eq!(
        (&*name, &delivery["state"]),
        ("delivery", &json!("not_sent"))
    );
}

#[test]
fn stream_ends_with_the_sandbox() {
    let (sandbox, _) = started();
    let mut reader = subscribe(&sandbox, "events");
    drop(sandbox);
    let mut rest = Vec::new();
    // Either end of the connection is one.
    let _ = reader.read_to_end(&mut rest);
    assert!(rest.len() < 10, "{rest:?}");
}

#[test]
fn stream_ends_with_a_reset() {
    let (sandbox, _) = started();
    let mut reader = subscribe(&sandbox, "events");
    sandbox.reset();
    let stream = reader.get_ref();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut rest = [0; 8];
    reader.read_exact(&mut rest).unwrap();
    // The end of the chunk that says so, and the last chunk.
    assert_eq!(&rest, b"\n\r\n0\r\n\r\n");
}

#[test]
fn reader_that_is_too_slow_is_disconnected() {
    let (sandbox, _) = started();
    let mut reader = subscribe(&sandbox, "events");
    let stream = reader.get_ref();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    // One more subscriber that does not read. It has no connection that buffers some of the events, so that
    // it misses some first.
    let other = sandbox.subscribe();
    let long = "x".repeat(1 << 20);
    while other.missed() < 20 {
        let (resource, url) = (json!({ "out_refund_no": long }), "http://127.0.0.1:9/n");
        let mchid = sandbox.mchid();
        sandbox
            .notify_to(mchid, "REFUND.SUCCESS", resource, url)
            .unwrap();
        sandbox.settle().unwrap();
    }
    let mut chunk = vec![0; 64 << 10];
    let end = loop {
        match reader.read(&mut chunk) {
            Ok(0) => break None,
            // The comment of a silent stream, as a chunk.
            Ok(length) => assert!(!chunk[..length].ends_with(b"\r\n:\n\n\r\n"), "it goes on"),
            Err(err) => break Some(err.kind()),
        }
    };
    assert!(
        matches!(end, None | Some(ErrorKind::ConnectionReset)),
        "{end:?}"
    );
}
