//! Servers that send no response or only a part of it, and proxies that refuse.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::Duration,
};

use wechatpay_chain::{Client, ClientBuilder, Method, RetryPolicy};

use super::{IN_RESPONSE, PROXY_PASSWORD, Transcript, calls::send};
use crate::fixtures::{
    keys,
    mode::{BOTH, Mode},
    server::{MockResponse, Reply, Request, Server},
};

pub fn run(transcript: &mut Transcript) -> Vec<Request> {
    let mut requests = Vec::new();
    let direct = |url: String| -> ClientBuilder {
        keys::builder()
            .base_uri(url)
            .retry(RetryPolicy::none())
            .timeout(Duration::from_millis(300))
    };
    for (how, server) in [
        ("closed", Server::start(|_| Reply::Close)),
        ("reset", Server::start(|_| Reply::Reset)),
        ("silent", Server::start(|_| Reply::Silence)),
        (
            "half",
            Server::start(|_| {
                Reply::Raw(Box::new(|stream| {
                    let half =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{IN_RESPONSE}");
                    let _ = stream.write_all(half.as_bytes());
                }))
            }),
        ),
        (
            "no HTTP",
            Server::start(|_| {
                Reply::Raw(Box::new(|stream| {
                    let _ = stream.write_all(format!("{IN_RESPONSE}\r\n\r\n").as_bytes());
                }))
            }),
        ),
        (
            "too large",
            Server::start(|_| MockResponse::signed(200, IN_RESPONSE.repeat(100))),
        ),
    ] {
        let client = direct(server.url()).max_response(500).build().unwrap();
        for mode in BOTH {
            for method in [Method::GET, Method::POST] {
                transcript.failure(how, send(mode, &client, "v3/users/{openid}", method));
            }
        }
        requests.extend(server.requests());
    }
    let client = direct("http://127.0.0.1:1/".into())
        .backup_base_uri("http://127.0.0.1:2/")
        .build()
        .unwrap();
    transcript.failure(
        "nothing listens",
        send(Mode::Blocking, &client, "v3/users/{openid}", Method::POST),
    );

    // A proxy that rejects the password.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
        }
    });
    for scheme in ["http", "socks5"] {
        let client = Client::builder()
            .mchid(keys::MCHID)
            .serial(keys::SERIAL)
            .private_key(keys::merchant().private())
            .platform_key(keys::PLATFORM_ID, keys::platform().public())
            .proxy(format!(
                "{scheme}://merchant:{PROXY_PASSWORD}@127.0.0.1:{port}"
            ))
            .retry(RetryPolicy::none())
            .timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        transcript.debug("Client", &client);
        transcript.failure(
            "the proxy",
            send(Mode::Blocking, &client, "v3/users/{openid}", Method::POST),
        );
    }
    requests
}
