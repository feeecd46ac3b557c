//! The names by which the sandbox is reached.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::Sandbox;

/// Asks for the configuration with this Host header. Returns the status and the body.
fn config(sandbox: &Sandbox, host: &str, headers: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port(sandbox))).unwrap();
    write!(
        stream,
        "GET /_sandbox/v1/config HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn port(sandbox: &Sandbox) -> u16 {
    let uri = sandbox.base_uri();
    let port = uri.trim_end_matches('/').rsplit(':').next().unwrap();
    port.parse().unwrap()
}

#[test]
fn only_a_given_host_is_the_sandbox_itself() {
    let builder = Sandbox::builder().host("sandbox").host("192.168.0.2");
    let sandbox = builder.start().unwrap();
    for (host, expected) in [
        ("sandbox", 200),
        ("Sandbox:9090", 200),
        ("192.168.0.2:9090", 200),
        ("sandbux", 421),
        ("sandbox.evil.example", 421),
        ("user@sandbox", 421),
        ("192.168.0.3", 421),
        // The port of another process, unless the host is given.
        ("localhost:1", 421),
        ("127.0.0.1:1", 421),
    ] {
        assert_eq!(config(&sandbox, host, "").0, expected, "{host}");
    }
    let plain = Sandbox::builder().start().unwrap();
    assert_eq!(config(&plain, "sandbox", "").0, 421);

    for (origin, expected) in [
        ("http://sandbox:9090", 200),
        ("https://sandbox:9090", 403),
        ("http://sandbox.evil.example", 403),
    ] {
        let header = format!("Origin: {origin}\r\n");
        assert_eq!(config(&sandbox, "sandbox", &header).0, expected, "{origin}");
    }
}

#[test]
fn configuration_names_the_host_that_was_reached() {
    let sandbox = Sandbox::builder().host("sandbox").start().unwrap();
    let https = sandbox.https_base_uri().unwrap();
    for (host, base_uri, https_base_uri) in [
        (
            "sandbox:9090",
            "http://sandbox:9090/".to_owned(),
            https.replace("127.0.0.1", "sandbox"),
        ),
        (
            &*format!("127.0.0.1:{}", port(&sandbox)),
            sandbox.base_uri(),
            https.clone(),
        ),
    ] {
        let (_, config) = config(&sandbox, host, "");
        for config in [&config, &config["merchants"][0]] {
            assert_eq!(config["base_uri"], base_uri, "{host}");
            assert_eq!(config["https_base_uri"], https_base_uri, "{host}");
        }
    }
}

#[test]
fn links_name_the_host_that_was_reached() {
    let sandbox = Sandbox::builder().start().unwrap();
    let bill = |base_uri: &str| {
        let client = sandbox.client_builder().base_uri(base_uri).build().unwrap();
        let bill = client
            .chain("v3/funds-to-oversea/bill-download-url")
            .get(json!({ "query": { "bill_date": "20180608" } }));
        let bill: Value = bill.unwrap().json().unwrap();
        let url = bill["download_url"].as_str().unwrap().to_owned();
        let (_, token) = url.split_once("?token=").unwrap();
        let file = client
            .chain("v3/billdownload/file")
            .get(json!({ "query": { "token": token } }));
        assert!(!file.unwrap().bytes().is_empty());
        url
    };
    let named = format!("http://localhost:{}/", port(&sandbox));
    let url = bill(&named);
    assert!(url.starts_with(&named), "{url}");
    // The same response: its URL works again, whichever host was reached then.
    sandbox.advance(Duration::from_secs(301));
    bill(&sandbox.base_uri());
}
