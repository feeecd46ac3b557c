//! The proxy that poses as WeChat Pay's hosts, used by curl, by openssl and as bare text.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
};

use wechatpay_chain::{
    Client, Transport, Value, json,
    sandbox::{PageFile, Sandbox},
};

use crate::fixtures::{material, scratch::Scratch};

/// Sends bytes to the proxy and returns what it responds until it closes or the response has ended.
fn exchange(uri: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(uri.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn proxy_refuses_other_hosts_and_requests_without_a_tunnel() {
    let sandbox = Sandbox::builder().proxy(([127, 0, 0, 1], 0).into());
    let sandbox = sandbox.start().unwrap();
    let uri = sandbox.proxy_uri().unwrap();
    assert_eq!(sandbox.proxy_uri().unwrap(), uri);
    for (line, what) in [
        ("CONNECT example.com:443", "reaches nothing else"),
        ("CONNECT api.mch.weixin.qq.com:80", "on port 443"),
        ("CONNECT 127.0.0.1:443", "reaches nothing else"),
        (
            "GET http://api.mch.weixin.qq.com/v3/certificates",
            "send CONNECT",
        ),
        ("GET /", "send CONNECT"),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let response = exchange(&uri, &request);
        assert!(response.starts_with("HTTP/1.1 403 "), "{line}: {response}");
        for named in [what, "api.mch.weixin.qq.com", "pay.wechatpay.cn"] {
            assert!(response.contains(named), "{line}: {response}");
        }
    }
    let garbage = exchange(&uri, "\x16\x03\x01\r\n\r\n");
    assert!(!garbage.contains("200"), "{garbage}");
    assert!(sandbox.requests().is_empty());
}

#[test]
fn host_header_must_be_the_host_of_the_tunnel() {
    let sandbox = Sandbox::start().unwrap();
    let client_of = |host: &str| {
        let transport = Transport::builder()
            .proxy(sandbox.proxy_uri().unwrap())
            .root_certificate(sandbox.ca_certificate().unwrap());
        let builder = Client::builder()
            .mchid(sandbox.mchid())
            .serial(sandbox.serial())
            .private_key(sandbox.private_key())
            .platform_key(sandbox.platform_key_id(), sandbox.platform_key())
            .base_uri(format!("https://{host}/"))
            .trust_host(host);
        builder
            .transport(transport.build().unwrap())
            .build()
            .unwrap()
    };
    let echo = || json!({ "json": { "echo_message": "tea" } });
    for host in ["api.mch.weixin.qq.com", "api2.wechatpay.cn"] {
        let client = client_of(host);
        let response = client.chain("v3/security/echo").post(echo()).unwrap();
        assert_eq!(response.json::<Value>().unwrap()["echo_message"], "tea");
    }
    // Not even a request of the sandbox's own.
    client_of("example.com")
        .chain("v3/security/echo")
        .post(echo())
        .unwrap_err();
    assert_eq!(sandbox.requests().len(), 2);
}

#[test]
fn curl_reaches_the_hosts_and_must_name_the_one_of_the_tunnel() {
    const PAGE: &[PageFile] = &[PageFile::new("/", "text/html", b"the page")];
    let sandbox = Sandbox::builder().page(PAGE).start().unwrap();
    let scratch = Scratch::new();
    if !material::has_program("curl") {
        return;
    }
    sandbox.export(scratch.path()).unwrap();
    let ca = scratch.path().join(sandbox.mchid()).join("ca.pem");
    let curl = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--cacert"])
            .arg(&ca)
            .args(arguments)
            .env("HTTPS_PROXY", sandbox.proxy_uri().unwrap())
            .env_remove("NO_PROXY")
            .env_remove("no_proxy");
        String::from_utf8(material::run(&mut command, b"").unwrap()).unwrap()
    };
    let unsigned = curl(&["https://api.mch.weixin.qq.com/v3/certificates"]);
    assert!(unsigned.contains("SIGN_ERROR"), "{unsigned}");
    let other = curl(&[
        "-H",
        "Host: api2.mch.weixin.qq.com",
        "https://api.mch.weixin.qq.com/",
    ]);
    assert!(
        other.contains("which the connection was made for"),
        "{other}"
    );
    let reachable = curl(&["https://apihk.mch.weixin.qq.com/v3/certificates"]);
    assert!(reachable.contains("SIGN_ERROR"), "{reachable}");
    // The page is the sandbox's own, and WeChat Pay has none.
    let start = curl(&["https://api.mch.weixin.qq.com/"]);
    assert!(!start.contains("the page"), "{start}");
    assert_eq!(sandbox.requests().len(), 3);
}

#[test]
fn openssl_verifies_each_host_behind_the_proxy() {
    let (sandbox, scratch) = (Sandbox::start().unwrap(), Scratch::new());
    if !material::has_program("openssl") {
        return;
    }
    sandbox.export(scratch.path()).unwrap();
    let proxy = sandbox.proxy_uri().unwrap();
    let ca = scratch.path().join(sandbox.mchid()).join("ca.pem");
    for host in [
        "api.mch.weixin.qq.com",
        "payapp.weixin.qq.com",
        "pay.wechatpay.cn",
    ] {
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-proxy", proxy.strip_prefix("http://").unwrap()])
            .args(["-connect", &format!("{host}:443"), "-servername", host])
            .args(["-verify_hostname", host, "-verify_return_error", "-CAfile"])
            .arg(&ca);
        let output = material::run(&mut command, b"").unwrap();
        let output = String::from_utf8_lossy(&output);
        assert!(output.contains("Verify return code: 0 (ok)"), "{output}");
    }
}
