//! The files that the sandbox serves to browsers.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use wechatpay_chain::sandbox::{Fault, PageFile, Sandbox};

const INDEX: &str = "<!doctype html><p>茶";
const SCRIPT: &str = "export const tea = 1;";
const PAGE: &[PageFile] = &[
    PageFile::new("/", "text/html; charset=utf-8", INDEX.as_bytes()),
    PageFile::new(
        "/_sandbox/page/js/a.js",
        "text/javascript",
        SCRIPT.as_bytes(),
    ),
];

struct Answer {
    status: u16,
    /// In lower case.
    head: String,
    body: String,
}

fn sandbox() -> Sandbox {
    Sandbox::builder().page(PAGE).start().unwrap()
}

fn ask(sandbox: &Sandbox, method: &str, target: &str, headers: &str) -> Answer {
    let uri = sandbox.base_uri();
    let address = uri.trim_start_matches("http://").trim_end_matches('/');
    let headers = match headers.contains("Host:") {
        true => headers.to_owned(),
        false => format!("Host: {address}\r\n{headers}"),
    };
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// What two sandboxes have in common in their responses.
fn in_common(answer: &Answer) -> (u16, String, String) {
    let own = ["date: ", "request-id: "];
    let lines = answer.head.lines();
    let head = lines.filter(|line| !own.iter().any(|name| line.starts_with(name)));
    (answer.status, head.collect(), answer.body.clone())
}

#[test]
fn file_of_the_page_is_served_with_its_headers() {
    let sandbox = sandbox();
    for (path, content_type, body) in [
        ("/", "text/html; charset=utf-8", INDEX),
        ("/?a=1", "text/html; charset=utf-8", INDEX),
        ("/_sandbox/page/js/a.js", "text/javascript", SCRIPT),
    ] {
        let answer = ask(&sandbox, "GET", path, "");
        assert_eq!((answer.status, &*answer.body), (200, body), "{path}");
        for line in [
            &*format!("content-type: {content_type}"),
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
            "cache-control: no-cache",
        ] {
            assert!(
                answer.head.lines().any(|own| own == line),
                "{}",
                answer.head
            );
        }
        assert!(!answer.head.contains("wechatpay-"), "{}", answer.head);
        assert!(!answer.head.contains("access-control"), "{}", answer.head);
    }
}

#[test]
fn head_of_a_file_has_the_length_alone() {
    let answer = ask(&sandbox(), "HEAD", "/", "");
    assert_eq!((answer.status, &*answer.body), (200, ""));
    let length = format!("content-length: {}", INDEX.len());
    assert!(answer.head.contains(&length), "{}", answer.head);
}

#[test]
fn known_file_is_not_sent_again() {
    let sandbox = sandbox();
    let first = ask(&sandbox, "GET", "/", "");
    let tag = first
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "));
    let known = format!("If-None-Match: {}\r\n", tag.unwrap());
    let again = ask(&sandbox, "GET", "/", &known);
    assert_eq!((again.status, &*again.body), (304, ""));
    let other = ask(&sandbox, "GET", "/_sandbox/page/js/a.js", &known);
    assert_eq!((other.status, &*other.body), (200, SCRIPT));
}

#[test]
fn page_changes_nothing_and_has_no_other_paths() {
    let sandbox = sandbox();
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = ask(&sandbox, method, "/", "Content-Length: 0\r\n");
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("allow: get, head"), "{}", answer.head);
    }
    for path in [
        "/_sandbox/page/",
        "/_sandbox/page/js",
        "/_sandbox/page/js/a.js/",
    ] {
        assert_eq!(ask(&sandbox, "GET", path, "").status, 404, "{path}");
    }
    assert!(
        sandbox.requests().is_empty(),
        "the page is not WeChat Pay's"
    );
    // Those of WeChat Pay go on as before.
    for path in ["/index.html", "/_sandbox/page", "/js/a.js"] {
        assert_eq!(
            in_common(&ask(&sandbox, "GET", path, "")),
            in_common(&ask(&Sandbox::start().unwrap(), "GET", path, "")),
        );
    }
    assert_eq!(sandbox.requests().len(), 3);
}

#[test]
fn page_of_a_foreign_host_is_refused() {
    let sandbox = sandbox();
    for path in ["/", "/_sandbox/page/js/a.js"] {
        let answer = ask(&sandbox, "GET", path, "Host: evil.example\r\n");
        assert_eq!(answer.status, 421, "{path}");
        assert!(!answer.body.contains("tea") && !answer.body.contains('茶'));
    }
}

#[test]
fn page_meets_no_fault_and_needs_no_token() {
    let sandbox = Sandbox::builder()
        .page(PAGE)
        .control_token("a-token-that-nobody-guesses")
        .start()
        .unwrap();
    sandbox.inject(Fault::LostResponse);
    assert_eq!(ask(&sandbox, "GET", "/", "").body, INDEX);
}

#[test]
fn sandbox_without_a_page_has_none() {
    let sandbox = Sandbox::start().unwrap();
    for path in ["/", "/_sandbox/page/js/a.js"] {
        let answer = ask(&sandbox, "GET", path, "");
        assert!(answer.head.contains("request-id: "), "WeChat Pay responds");
        assert!(!answer.head.contains("content-security-policy"));
    }
    assert_eq!(sandbox.requests().len(), 2);
}

#[test]
fn file_outside_the_page_is_refused_at_the_start() {
    const OUTSIDE: &[PageFile] = &[PageFile::new("/v3/certificates", "text/html", b"")];
    let err = Sandbox::builder().page(OUTSIDE).start().unwrap_err();
    assert!(err.is_config());
    assert!(err.to_string().contains("/v3/certificates"), "{err}");
}
