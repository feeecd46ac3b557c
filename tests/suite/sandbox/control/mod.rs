//! The endpoints of the sandbox itself, called by a client that knows nothing but HTTP.

mod acts;
mod cashier;
mod document;
mod events;
mod faults;
mod guard;
mod hosts;
mod inspector;
mod lists;
mod outcomes;
mod page;

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value;
use wechatpay_chain::{
    Client,
    sandbox::{Merchant, Sandbox},
};

use super::payments::orders::{order, post};

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

/// Connects to the sandbox and sends a request to an endpoint.
pub fn send(sandbox: &Sandbox, method: &str, target: &str, headers: &str, body: &str) -> TcpStream {
    let target = format!("/_sandbox/v1/{target}");
    send_to(sandbox, method, &target, headers, body)
}

pub fn send_to(
    sandbox: &Sandbox,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> TcpStream {
    let uri = sandbox.base_uri();
    let address = uri.trim_start_matches("http://").trim_end_matches('/');
    let port = address.rsplit(':').next().unwrap();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    stream
}

/// Calls an endpoint with these header lines.
pub fn call_with(
    sandbox: &Sandbox,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> Answer {
    let mut response = String::new();
    let mut stream = send(sandbox, method, target, headers, body);
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: serde_json::from_str(body).unwrap_or_else(|err| panic!("{err}: {body}")),
    }
}

/// Calls an endpoint and returns the status and the body.
pub fn call(sandbox: &Sandbox, method: &str, target: &str, body: &Value) -> (u16, Value) {
    let (headers, body) = match body {
        Value::Null => ("", String::new()),
        body => ("Content-Type: application/json\r\n", body.to_string()),
    };
    let answer = call_with(sandbox, method, target, headers, &body);
    (answer.status, answer.body)
}

/// Calls an endpoint that must succeed.
pub fn ok(sandbox: &Sandbox, method: &str, target: &str, body: &Value) -> Value {
    let (status, body) = call(sandbox, method, target, body);
    assert_eq!(status, 200, "{method} {target}: {body}");
    body
}

pub fn started() -> (Sandbox, Client) {
    let sandbox = Sandbox::builder().settle_after(None).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

/// Returns a merchant of the sandbox by its ID.
pub fn merchant(sandbox: &Sandbox, mchid: &str) -> Merchant {
    let mut merchants = sandbox.merchants().into_iter();
    merchants
        .find(|merchant| merchant.mchid() == mchid)
        .unwrap()
}

/// Prepays an order of one yuan.
pub fn prepay(sandbox: &Sandbox, client: &Client, number: &str) {
    post(
        client,
        "v3/pay/transactions/native",
        order(sandbox, number, 100),
    )
    .unwrap();
}
