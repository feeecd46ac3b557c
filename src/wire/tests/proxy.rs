//! HTTP and SOCKS5 proxies, from the builder and from the environment.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::{
    super::{
        Stage, Transport,
        connect::{Environment, Proxy, ProxyRule},
    },
    chain, fetch, get, runtime, send,
    server::{Received, Server, ok},
    tls::Authority,
};
use crate::protocol::url::host::Origin;

/// Returns an HTTP proxy that notes its requests, and requires `credentials` if there are any.
fn http_proxy(credentials: Option<&'static str>, asked: Arc<Mutex<Vec<Received>>>) -> Server {
    Server::start(move |mut stream, _| {
        let request = Received::read(&mut stream).unwrap();
        asked.lock().unwrap().push(request.clone());
        if request.header("proxy-authorization") != credentials {
            stream
                .write_all(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
                )
                .unwrap();
            return;
        }
        let there = TcpStream::connect(request.path()).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
            .unwrap();
        splice(stream, there);
    })
}

fn splice(here: TcpStream, there: TcpStream) {
    let (mut from, mut to) = (here.try_clone().unwrap(), there.try_clone().unwrap());
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (there, here);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
    back.join().unwrap();
}

fn by(url: &str) -> Transport {
    Transport::builder().proxy(url).build().unwrap()
}

#[test]
fn address_of_a_proxy_has_no_credentials() {
    for (url, expected) in [
        (
            "http://user:secret@proxy.internal:3128",
            "http://proxy.internal:3128",
        ),
        ("https://proxy.internal", "https://proxy.internal:443"),
        ("socks5h://user:secret@[::1]:1080", "socks5h://[::1]:1080"),
    ] {
        let proxy = by(url).proxy_for("https://api.mch.weixin.qq.com/v3/certificates");
        assert_eq!(proxy.unwrap().as_deref(), Some(expected));
    }
    let direct = Transport::builder().no_proxy().build().unwrap();
    assert_eq!(
        direct.proxy_for("https://api.mch.weixin.qq.com").unwrap(),
        None
    );
    assert!(direct.proxy_for("ftp://api.mch.weixin.qq.com").is_err());
}

#[test]
fn requests_use_an_http_proxys_tunnel() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let proxy = http_proxy(None, Arc::clone(&asked));
    let server = Server::responding(|request| ok(request.line()));
    runtime().block_on(async {
        let transport = by(&format!("http://127.0.0.1:{}", proxy.port));
        for _ in 0..3 {
            let line = fetch(&transport, get(server.port, "/a?b")).await.unwrap();
            assert_eq!(line, "GET /a?b HTTP/1.1");
        }
    });
    let port = server.port;
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].head,
        format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")
    );
}

#[test]
fn proxy_credentials_are_sent_to_the_proxy_only() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    // `user:p@ss wörd`, by `printf 'user:p@ss wörd' | base64`.
    let proxy = http_proxy(Some("Basic dXNlcjpwQHNzIHfDtnJk"), Arc::clone(&asked));
    let authority = Arc::new(Authority::new());
    let server = Server::start({
        let authority = Arc::clone(&authority);
        move |stream, _| {
            let mut stream = authority.accept(stream);
            let request = Received::read(&mut stream).unwrap();
            stream.write_all(&ok(&request.head.to_lowercase())).unwrap();
        }
    });
    runtime().block_on(async {
        let url = format!("http://user:p%40ss%20w%C3%B6rd@127.0.0.1:{}/", proxy.port);
        let transport = Transport::builder()
            .root_certificates_pem(authority.pem())
            .proxy(&url)
            .build()
            .unwrap();
        let shown = format!("{transport:?}");
        assert!(!shown.contains("ss") && !shown.contains("user"), "{shown}");
        let mut attempt = get(server.port, "/");
        attempt.destination.origin.https = true;
        let head = fetch(&transport, attempt).await.unwrap();
        assert!(!head.contains("proxy-authorization"), "{head}");

        let wrong = by(&format!("http://user:wrong-word@127.0.0.1:{}", proxy.port));
        let failure = send(&wrong, get(server.port, "/")).await.unwrap_err();
        assert_eq!((failure.stage, failure.written), (Stage::Proxy, false));
        assert!(
            failure
                .to_string()
                .contains("rejected the user name and password")
        );
        assert!(!chain(&failure).contains("wrong-word"));

        let none = by(&format!("http://127.0.0.1:{}", proxy.port));
        let failure = send(&none, get(server.port, "/")).await.unwrap_err();
        assert!(
            failure
                .to_string()
                .contains("requires a user name and password (407)")
        );
    });
}

#[test]
fn proxys_refusal_is_reported_with_its_status() {
    let responses: [(&[u8], &str); 5] = [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "with status 403"),
        (b"HTTP/1.0 502 Bad Gateway\r\n\r\n", "with status 502"),
        (b"ICY 200 OK\r\n\r\n", "to CONNECT is not HTTP/1.1"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "to CONNECT is not HTTP/1.1"),
        (b"", "closed the connection before opening a tunnel"),
    ];
    runtime().block_on(async {
        for (response, words) in responses {
            let proxy = Server::start(move |mut stream, _| {
                Received::read(&mut stream).unwrap();
                stream.write_all(response).unwrap();
            });
            let transport = by(&format!("127.0.0.1:{}", proxy.port));
            let failure = send(&transport, get(1, "/")).await.unwrap_err();
            assert_eq!((failure.stage, failure.written), (Stage::Proxy, false));
            assert!(failure.to_string().contains(words), "{}", chain(&failure));
        }
        let proxy = Server::start(|mut stream, _| {
            Received::read(&mut stream).unwrap();
            let _ = stream.write_all(&[b'x'; 40_000]);
        });
        let transport = by(&format!("127.0.0.1:{}", proxy.port));
        let failure = send(&transport, get(1, "/")).await.unwrap_err();
        assert!(failure.to_string().contains("to CONNECT is not HTTP/1.1"));
    });
}

#[test]
fn proxy_can_be_reached_over_tls() {
    let authority = Arc::new(Authority::new());
    let proxy = Server::start({
        let authority = Arc::clone(&authority);
        move |stream, _| {
            let mut stream = authority.accept(stream);
            let request = Received::read(&mut stream).unwrap();
            assert!(request.line().starts_with("CONNECT somewhere.test:80 "));
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            // Acts as the server too.
            let request = Received::read(&mut stream).unwrap();
            stream.write_all(&ok(request.line())).unwrap();
        }
    });
    runtime().block_on(async {
        let transport = Transport::builder()
            .proxy(format!("https://localhost:{}", proxy.port))
            .root_certificates_pem(authority.pem())
            .build()
            .unwrap();
        let mut attempt = get(80, "/");
        attempt.destination.origin.host = "somewhere.test".to_owned();
        assert_eq!(fetch(&transport, attempt).await.unwrap(), "GET / HTTP/1.1");
    });
}

/// Returns a SOCKS5 proxy (RFC 1928, RFC 1929) that notes the addresses it was asked for.
fn socks_proxy(
    login: Option<(&'static str, &'static str)>,
    asked: Arc<Mutex<Vec<String>>>,
) -> Server {
    Server::start(move |mut stream, _| {
        let read = |stream: &mut TcpStream, len: usize| {
            let mut bytes = vec![0; len];
            stream.read_exact(&mut bytes).map(|()| bytes)
        };
        let hello = read(&mut stream, 2).unwrap();
        assert_eq!(hello[0], 5);
        let methods = read(&mut stream, hello[1].into()).unwrap();
        let wanted = if login.is_some() { 2 } else { 0 };
        if !methods.contains(&wanted) {
            stream.write_all(&[5, 0xff]).unwrap();
            return;
        }
        stream.write_all(&[5, wanted]).unwrap();
        if let Some((user, password)) = login {
            let lens = read(&mut stream, 2).unwrap();
            let name = read(&mut stream, lens[1].into()).unwrap();
            let len = read(&mut stream, 1).unwrap();
            let word = read(&mut stream, len[0].into()).unwrap();
            let good = (name, word) == (user.into(), password.into());
            stream.write_all(&[1, u8::from(!good)]).unwrap();
            if !good {
                return;
            }
        }
        let request = read(&mut stream, 4).unwrap();
        assert_eq!(request[..3], [5, 1, 0]);
        let host = match request[3] {
            1 => {
                let ip = read(&mut stream, 4).unwrap();
                ip.iter().map(u8::to_string).collect::<Vec<_>>().join(".")
            }
            3 => {
                let len = read(&mut stream, 1).unwrap();
                String::from_utf8(read(&mut stream, len[0].into()).unwrap()).unwrap()
            }
            _ => {
                read(&mut stream, 16).unwrap();
                "an IPv6 address".to_owned()
            }
        };
        let port = read(&mut stream, 2).unwrap();
        let port = u16::from_be_bytes([port[0], port[1]]);
        asked.lock().unwrap().push(host.clone());
        if host == "refused.test" {
            stream.write_all(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
            return;
        }
        let there = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        splice(stream, there);
    })
}

#[test]
fn socks5_resolves_here_and_socks5h_at_the_proxy() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let proxy = socks_proxy(None, Arc::clone(&asked));
    let server = Server::responding(|request| ok(request.header("host").unwrap()));
    runtime().block_on(async {
        let mut attempt = get(server.port, "/");
        attempt.destination.origin.host = "only.known.there.test".to_owned();
        let there = by(&format!("socks5h://127.0.0.1:{}", proxy.port));
        let host = fetch(&there, attempt).await.unwrap();
        assert_eq!(host, format!("only.known.there.test:{}", server.port));

        let mut attempt = get(server.port, "/");
        attempt.destination.origin.host = "localhost".to_owned();
        let here = by(&format!("socks5://127.0.0.1:{}", proxy.port));
        fetch(&here, attempt).await.unwrap();

        let mut attempt = get(server.port, "/");
        attempt.destination.origin.host = "refused.test".to_owned();
        let failure = send(&there, attempt).await.unwrap_err();
        assert_eq!((failure.stage, failure.written), (Stage::Socks, false));
        assert!(
            failure.to_string().contains("did not connect"),
            "{}",
            chain(&failure)
        );
    });
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0], "only.known.there.test");
    assert!(
        asked[1] == "127.0.0.1" || asked[1] == "an IPv6 address",
        "{}",
        asked[1]
    );
}

#[test]
fn socks5_authenticates_with_user_and_password() {
    let proxy = socks_proxy(Some(("me", "se:cret")), Arc::default());
    let server = Server::responding(|_| ok("there"));
    runtime().block_on(async {
        let good = by(&format!("socks5://me:se%3Acret@127.0.0.1:{}", proxy.port));
        assert_eq!(fetch(&good, get(server.port, "/")).await.unwrap(), "there");
        for login in ["", "me:wrong@"] {
            let wrong = by(&format!("socks5://{login}127.0.0.1:{}", proxy.port));
            let failure = send(&wrong, get(server.port, "/")).await.unwrap_err();
            assert_eq!((failure.stage, failure.written), (Stage::Socks, false));
        }
    });
}

#[test]
fn invalid_proxy_url_fails_build_and_stays_hidden() {
    for url in [
        "ftp://host:1",
        "http://",
        "http://user:hunter2@",
        "http://user:hunter2@host:port",
        "http://user:hunter2@host:70000",
        "http://user:hunter2@host:0",
        "http://user:hunter2@host:1/path",
        "user:hunter2://host",
        "http://user:hunter2%FF@host:1",
        "http://ho st:1",
        "",
    ] {
        let builder = Transport::builder().proxy(url);
        let shown = format!("{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(error.is_config(), "{url}");
        let text = format!("{error} {error:?} {shown}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    for (user, password) in [(256, 0), (200, 1), (1, 200), (101, 100)] {
        let long = format!(
            "socks5://{}:{}@host:1",
            "x".repeat(user),
            "x".repeat(password)
        );
        let error = Transport::builder().proxy(&long).build().unwrap_err();
        assert!(error.is_config(), "{error}");
        // Basic authentication has no such limit.
        let http = long.replace("socks5", "http");
        Transport::builder().proxy(&http).build().unwrap();
    }
}

#[test]
fn longest_accepted_socks5_credentials_are_sent() {
    let server = Server::responding(|_| ok("there"));
    for (user, password) in [(199, 1), (1, 199), (100, 100)] {
        // Two bytes each in the URL, one on the wire.
        let (user, password) = ("u".repeat(user), "@".repeat(password));
        let (known, expected) = (user.clone(), password.clone());
        let login: &'static (String, String) = Box::leak(Box::new((known, expected)));
        let proxy = socks_proxy(Some((&login.0, &login.1)), Arc::default());
        let url = format!(
            "socks5h://{user}:{}@127.0.0.1:{}",
            password.replace('@', "%40"),
            proxy.port
        );
        // The name goes to the proxy, up to the longest that fits, and the proxy resolves it.
        for host in ["127.0.0.1", "apius.mch.weixin.qq.com", &"a.".repeat(24)] {
            let mut attempt = get(server.port, "/");
            attempt.destination.origin.host = host.trim_end_matches('.').to_owned();
            let response = runtime().block_on(fetch(&by(&url), attempt));
            assert_eq!(response.unwrap(), "there");
        }
    }
}

#[test]
fn proxy_url_has_a_default_scheme_and_port() {
    let read = |url: &str| {
        let proxy = Proxy::parse(url).unwrap();
        (proxy.host, proxy.port)
    };
    assert_eq!(read("http://host"), ("host".into(), 80));
    assert_eq!(read("host:8080"), ("host".into(), 8080));
    assert_eq!(read("https://host/"), ("host".into(), 443));
    assert_eq!(read("SOCKS5://[::1]"), ("[::1]".into(), 1080));
    assert_eq!(read("socks5h://a:b@[::1]:9"), ("[::1]".into(), 9));
}

#[test]
fn environment_is_read_as_curl_does() {
    let port = |variables: &[(&str, &str)], https: bool, host: &str| {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        let environment =
            Environment::from_lookup(|name| variables.get(name).map(|v| (*v).to_owned()));
        let origin = Origin {
            https,
            host: host.to_owned(),
            port: 443,
        };
        ProxyRule::Environment(Box::new(environment))
            .for_origin(&origin)
            .map(|proxy| proxy.map(|p| p.port))
            .map_err(|e| e.to_string())
    };
    let host = "api.mch.weixin.qq.com";
    let both = [("HTTPS_PROXY", "http://p:1"), ("HTTP_PROXY", "http://p:2")];
    assert_eq!(port(&both, true, host), Ok(Some(1)));
    assert_eq!(port(&both, false, host), Ok(Some(2)));
    assert_eq!(port(&[], true, host), Ok(None));
    assert_eq!(port(&[("https_proxy", "p:3")], true, host), Ok(Some(3)));
    assert_eq!(
        port(&[("all_proxy", "socks5://p")], true, host),
        Ok(Some(1080))
    );
    assert_eq!(
        port(&[("HTTPS_PROXY", ""), ("ALL_PROXY", "p:4")], true, host),
        Ok(Some(4))
    );
    for (exempt, there) in [
        ("qq.com", None),
        (".qq.com", None),
        ("*", None),
        ("q.com", Some(1)),
    ] {
        let variables = [both[0], ("NO_PROXY", exempt)];
        assert_eq!(port(&variables, true, host), Ok(there), "{exempt}");
    }
    let exempt = [both[0], ("no_proxy", "127.0.0.0/8, ::1")];
    assert_eq!(port(&exempt, true, "127.0.0.1"), Ok(None));
    assert_eq!(port(&exempt, true, "[::1]"), Ok(None));
    // The `Proxy` header of a request, under CGI.
    let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")];
    assert_eq!(port(&cgi, false, host), Ok(None));
    // An invalid value is an error, not ignored.
    let text = port(&[("HTTPS_PROXY", "http://u:hunter2@p:x")], true, host).unwrap_err();
    assert!(
        text.contains("HTTPS_PROXY") && !text.contains("hunter2"),
        "{text}"
    );
}
