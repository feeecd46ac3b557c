//! The names by which the sandbox is reached.

use std::{
    fs,
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::Sandbox;

use crate::fixtures::scratch::Scratch;

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
    let builder = Sandbox::builder().host("sandbox");
    let sandbox = builder.proxy((Ipv4Addr::LOCALHOST, 0).into()).start();
    let sandbox = sandbox.unwrap();
    let https = sandbox.https_base_uri().unwrap();
    let proxy = sandbox.proxy_uri().unwrap();
    for (host, base_uri, https_base_uri, proxy_uri) in [
        (
            "sandbox:9090",
            "http://sandbox:9090/".to_owned(),
            https.replace("127.0.0.1", "sandbox"),
            proxy.replace("127.0.0.1", "sandbox"),
        ),
        (
            &*format!("127.0.0.1:{}", port(&sandbox)),
            sandbox.base_uri(),
            https.clone(),
            proxy.clone(),
        ),
    ] {
        let (_, config) = config(&sandbox, host, "");
        for config in [&config, &config["merchants"][0]] {
            assert_eq!(config["base_uri"], base_uri, "{host}");
            assert_eq!(config["https_base_uri"], https_base_uri, "{host}");
            assert_eq!(config["proxy_uri"], proxy_uri, "{host}");
        }
    }
}

#[test]
fn configuration_has_no_proxy_without_one() {
    let sandbox = Sandbox::start().unwrap();
    let host = format!("127.0.0.1:{}", port(&sandbox));
    let (_, config) = config(&sandbox, &host, "");
    assert!(config.get("proxy_uri").is_none(), "{config}");
    assert!(config["merchants"][0]["proxy_uri"].is_null(), "{config}");
}

#[test]
fn sandbox_on_every_address_names_one_to_call() {
    for (every, expected) in [
        (IpAddr::from(Ipv4Addr::UNSPECIFIED), "127.0.0.1"),
        (Ipv6Addr::UNSPECIFIED.into(), "[::1]"),
    ] {
        let scratch = Scratch::new();
        let folder = scratch.file("keys");
        let builder = Sandbox::builder()
            .bind((every, 0).into())
            .https((every, 0).into())
            .proxy((every, 0).into())
            .keys(&folder)
            .control_token("a-token-that-nobody-guesses");
        // A machine may be without IPv6.
        let sandbox = match builder.start() {
            Err(err) if every.is_ipv6() => {
                assert!(err.is_connect(), "{err}");
                continue;
            }
            started => started.unwrap(),
        };
        let file = folder.join(sandbox.mchid()).join("config.json");
        let config: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for (uri, name) in [
            (sandbox.base_uri(), "base_uri"),
            (sandbox.https_base_uri().unwrap(), "https_base_uri"),
            (sandbox.proxy_uri().unwrap(), "proxy_uri"),
        ] {
            assert_eq!(config[name], uri, "{name}");
            let (_, address) = uri.split_once("://").unwrap();
            assert!(address.starts_with(expected), "{uri}");
            TcpStream::connect(address.trim_end_matches('/')).unwrap();
        }
        let client = sandbox.client_builder().build().unwrap();
        client
            .chain("v3/security/echo")
            .post(json!({ "json": { "echo_message": "tea" } }))
            .unwrap();
    }
}

#[test]
fn port_that_is_taken_is_an_error_that_names_it_and_writes_nothing() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let scratch = Scratch::new();
    let folder = scratch.file("keys");
    let builder = || Sandbox::builder().keys(&folder);
    for builder in [
        builder().bind(address),
        builder().https(address),
        builder().proxy(address),
    ] {
        let err = builder.start().unwrap_err();
        assert!(
            err.is_connect() && err.to_string().contains(&address.to_string()),
            "{err}"
        );
        assert!(!folder.exists());
    }
    for (bind, https) in [("127.0.0.1:0", "0.0.0.0:0"), ("0.0.0.0:0", "127.0.0.1:0")] {
        let builder = Sandbox::builder().bind(bind.parse().unwrap());
        let err = builder.https(https.parse().unwrap()).start().unwrap_err();
        assert!(err.to_string().contains("control_token"), "{err}");
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
