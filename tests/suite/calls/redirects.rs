//! Redirects: followed only for GET and on request, within the host rule, with a new signature.

use serde_json::Value;
use wechatpay_chain::{Client, Options, Outcome, RetryPolicy, Verification};

use crate::fixtures::{
    apiv2, keys,
    mode::BOTH,
    server::{MockResponse, Request, Server},
};

fn redirecting(to: impl Fn(&Request) -> Option<String> + Send + Sync + 'static) -> Server {
    Server::start(move |request| match to(request) {
        Some(location) => MockResponse::plain(307, "").header("Location", location),
        None => MockResponse::signed(200, r#"{"arrived":true}"#),
    })
}

fn first_only(location: &str) -> impl Fn(&Request) -> Option<String> + Send + Sync + 'static {
    let location = location.to_owned();
    move |request| (request.path() == "/v3/from").then(|| location.clone())
}

fn follow() -> Options {
    Options::new().allow_redirects(true)
}

#[test]
fn redirected_get_is_followed_on_request_and_signed_again() {
    for mode in BOTH {
        let server = redirecting(first_only("/v3/to?page=2&q=%20"));
        let chain = server.client().chain("v3/from");
        let err = mode.get(&chain, ()).unwrap_err();
        assert!(
            err.is_api()
                && err
                    .to_string()
                    .contains("a redirect, which is followed only"),
            "{err}"
        );
        assert_eq!(server.requests().len(), 1);

        let result = mode.get(&chain, follow()).unwrap();
        assert_eq!(result.json::<Value>().unwrap()["arrived"], true);
        let requests = server.requests();
        let targets = requests
            .iter()
            .map(|r| r.target.as_str())
            .collect::<Vec<_>>();
        assert_eq!(targets, ["/v3/from", "/v3/from", "/v3/to?page=2&q=%20"]);
        // Each request has a signature over its own target, and its own nonce.
        let first = requests[1].authorization(keys::merchant());
        let second = requests[2].authorization(keys::merchant());
        assert_ne!(first["nonce_str"], second["nonce_str"]);
    }
}

#[test]
fn redirects_go_to_trusted_hosts_only() {
    for mode in BOTH {
        let target = Server::always_ok();
        let origin = redirecting(first_only(&format!("{}v3/target", target.url())));
        let trusting = keys::builder()
            .base_uri(origin.url())
            .trust_host("127.0.0.1")
            .build()
            .unwrap();
        mode.get(&trusting.chain("v3/from"), follow()).unwrap();
        let arrived = target.only_request();
        assert_eq!(arrived.target, "/v3/target");
        assert_eq!(
            arrived.header("host").unwrap(),
            format!("127.0.0.1:{}", target.port())
        );
        arrived.authorization(keys::merchant());

        let err = mode
            .get(&origin.client().chain("v3/from"), follow())
            .unwrap_err();
        assert!(err.is_transport(), "{err:?}");
        assert!(
            err.to_string()
                .contains("redirect not followed: `http://127.0.0.1:"),
            "{err}"
        );
        assert!(
            err.to_string().contains("neither a host of WeChat Pay"),
            "{err}"
        );
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert_eq!(
            target.requests().len(),
            1,
            "an untrusted host received a request"
        );
    }
    for location in [
        "https://evil.example/v3/x",
        "//evil.example/v3/x",
        "http://api.mch.weixin.qq.com/v3/x",
        "https://user@api.mch.weixin.qq.com/v3/x",
        "https://api.mch.weixin.qq.com:8443/v3/x",
        "/v3/../x",
        "v3/relative",
        "javascript:alert(1)",
        "",
    ] {
        let origin = redirecting(first_only(location));
        let err = origin.client().chain("v3/from").get(follow()).unwrap_err();
        assert!(
            err.to_string().contains("redirect not followed"),
            "{location}: {err}"
        );
        assert_eq!(origin.requests().len(), 1, "{location}");
    }
}

#[test]
fn redirect_target_does_not_change_required_verification() {
    // Responses of these paths are documented as unsigned.
    for unsigned in [
        "/v3/billdownload/file?token=x",
        "/v3/merchant-service/images/abc",
        "/v3/transferdownload/signfile",
    ] {
        let server = Server::start(move |request| match request.path() {
            "/v3/from" => MockResponse::plain(302, "").header("Location", unsigned),
            _ => MockResponse::plain(200, r#"{"trade_state":"SUCCESS"}"#),
        });
        for mode in BOTH {
            let err = mode
                .get(&server.client().chain("v3/from"), follow())
                .unwrap_err();
            assert!(err.is_verification(), "{unsigned}: {err:?}");
            assert_eq!(err.outcome(), Outcome::Unknown);
        }
    }
    // The requested path is documented as unsigned, so its redirect target needs no signature either.
    let server = redirecting(|request| {
        (request.path() == "/v3/billdownload/file").then(|| "/v3/moved".to_owned())
    });
    let result = server.client().chain("v3/billdownload/file").get(follow());
    let result = result.unwrap();
    assert_eq!(*result.verification(), Verification::DocumentedUnsigned);
}

#[test]
fn redirected_apiv2_get_is_signed_again_with_its_own_fields() {
    let target = |location: &str| {
        let location = location.to_owned();
        let server = Server::start(move |request| {
            if request.path() == "/appauth/getaccesstoken" {
                return MockResponse::plain(302, "").header("Location", &location);
            }
            MockResponse::plain(200, r#"{"access_token":"a"}"#)
        });
        let options = serde_json::json!({
            "allow_redirects": true,
            "query": { "appid": "wx8888888888888888", "mch_id": keys::MCHID, "code": "a b" },
        });
        let chain = server.client().chain("v2/appauth/getaccesstoken");
        let result = chain.get(options).map(drop);
        let requests = server.requests();
        (result, requests.last().expect("a request").target.clone())
    };
    let same = format!(
        "/moved?mch_id={}&code=a%20b&appid=wx8888888888888888",
        keys::MCHID
    );
    for location in ["/moved", &same, &format!("{same}&nonce_str=n&sign=S")] {
        let (result, target) = target(location);
        result.unwrap();
        assert_eq!(target.matches('?').count(), 1, "{target}");
        let query = target.strip_prefix("/moved?").expect("the new path");
        apiv2::check_query(query, "MD5").unwrap();
        assert_eq!(query.matches("sign=").count(), 1, "{query}");
    }
    for location in [
        "/moved?mch_id=1",
        "/moved?a=1&return_code=SUCCESS",
        "/moved?",
    ] {
        let (result, target) = target(location);
        let err = result.unwrap_err();
        assert!(
            err.to_string().contains("its Location has different fields than the request, and following it would sign them"),
            "{location}: {err}"
        );
        assert!(target.starts_with("/appauth/"), "{location} was followed");
    }
}

#[test]
fn writes_are_never_redirected() {
    for mode in BOTH {
        for status in [301, 302, 303, 307, 308] {
            let server = Server::start(move |_| {
                MockResponse::plain(status, "").header("Location", "/v3/to")
            });
            let err = mode
                .post(&server.client().chain("v3/from"), follow())
                .unwrap_err();
            assert_eq!(err.outcome(), Outcome::Unknown, "{err}");
            assert_eq!(err.api().unwrap().status(), status);
            assert_eq!(server.requests().len(), 1);
        }
    }
}

#[test]
fn only_unsigned_requests_are_redirected_to_the_invoice_host() {
    // The server also acts as a proxy: it shows where the client would connect, and nothing leaves
    // this machine.
    let server = Server::start(
        |request| match (request.method.as_str(), &*request.target) {
            ("CONNECT", "pay.wechatpay.cn:443") => MockResponse::plain(403, ""),
            ("CONNECT", _) => MockResponse::plain(200, ""),
            _ => MockResponse::plain(302, "").header("Location", "https://pay.wechatpay.cn/file"),
        },
    );
    let client = Client::builder()
        .mchid(keys::MCHID)
        .serial(keys::SERIAL)
        .private_key(keys::merchant().private())
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .base_uri(server.url())
        .proxy(server.url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    for mode in BOTH {
        let chain = client.chain("v3/from");
        let err = mode.get(&chain, follow().unsigned(true)).unwrap_err();
        assert!(err.is_connect(), "{err:?}");
        assert!(
            err.to_string()
                .contains("refused a tunnel to pay.wechatpay.cn:443"),
            "{err}"
        );
        let err = mode.get(&chain, follow()).unwrap_err();
        assert!(err.to_string().contains("redirect not followed"), "{err}");
    }
}

#[test]
fn redirect_loop_ends_after_five_redirects() {
    let server = redirecting(|_| Some("/v3/from".into()));
    let err = server.client().chain("v3/from").get(follow()).unwrap_err();
    assert!(
        err.to_string().contains("more than 5 redirects in a row"),
        "{err}"
    );
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn unsigned_get_sends_no_signature_and_reports_it() {
    let server = Server::start(|request| {
        let status = if request.path() == "/v3/missing" {
            404
        } else {
            200
        };
        MockResponse::plain(status, "an invoice")
    });
    for mode in BOTH {
        let unsigned = || Options::new().unsigned(true);
        let result = mode
            .get(&server.client().chain("v3/file"), unsigned())
            .unwrap();
        assert_eq!(*result.verification(), Verification::Unsigned);
        assert!(!result.verification().is_verified());
        assert_eq!(result.text().unwrap(), "an invoice");
        let err = mode
            .get(&server.client().chain("v3/missing"), unsigned())
            .unwrap_err();
        assert_eq!(err.api().unwrap().status(), 404);
    }
    for request in server.requests() {
        assert!(request.header("authorization").is_none(), "{request:?}");
        assert!(request.header("wechatpay-serial").is_none(), "{request:?}");
    }
}
