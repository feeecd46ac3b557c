//! `wxpay listen`, `trigger`, `verify`, `replay` and `events`.

mod events;
mod listen;
mod receiver;
mod replay;
mod trigger;
mod verify;

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Stdio},
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{Delivery, Sandbox};

use crate::program::{Program, Run};

/// A `wxpay --json listen` that runs.
struct Listening {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    errors: ChildStderr,
    url: String,
}

impl Listening {
    fn start(program: &Program, options: &[&str]) -> Self {
        let arguments = ["--json", "listen", "--port", "0"];
        let mut command = program.command(&[&arguments[..], options].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let errors = child.stderr.take().unwrap();
        let mut listening = Self {
            child,
            lines,
            errors,
            url: String::new(),
        };
        let first = listening.next();
        assert_eq!(first["type"], "listening", "{first}");
        listening.url = first["url"].as_str().unwrap().to_owned();
        listening
    }

    /// Returns the next line that it prints.
    #[track_caller]
    fn next(&mut self) -> Value {
        match self.lines.next() {
            Some(line) => serde_json::from_str(&line.unwrap()).unwrap(),
            None => panic!("{}", std::io::read_to_string(&mut self.errors).unwrap()),
        }
    }

    /// Waits for its end.
    fn end(mut self) -> Run {
        let rest: Vec<_> = self.lines.by_ref().map(Result::unwrap).collect();
        let stderr = std::io::read_to_string(&mut self.errors).unwrap();
        let status = self.child.wait().unwrap();
        Run {
            stdout: rest.join("\n"),
            stderr,
            code: status.code().unwrap_or(-1),
        }
    }
}

/// Otherwise a test that fails leaves it.
impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Has the sandbox send a notification, and waits for the response.
fn notify(sandbox: &Sandbox, event: &str, resource: Value, url: &str) -> Delivery {
    let sent = sandbox.notify_to(sandbox.mchid(), event, resource, url);
    let id = sent.unwrap().id().to_owned();
    sandbox.settle().unwrap();
    sandbox.delivery(&id).unwrap()
}

fn paid() -> Value {
    json!({ "out_trade_no": "tea-0001", "amount": { "total": 1999 } })
}

/// Returns a notification as a raw HTTP request, as it is sent.
fn raw(delivery: &Delivery) -> Vec<u8> {
    let mut raw = b"POST /notify HTTP/1.1\r\n".to_vec();
    for (name, value) in delivery.attempts()[0].sent_headers() {
        raw.extend(name.as_str().as_bytes());
        raw.extend(b": ");
        raw.extend(value.as_bytes());
        raw.extend(b"\r\n");
    }
    raw.extend(b"\r\n");
    raw.extend(&**delivery.body());
    raw
}
