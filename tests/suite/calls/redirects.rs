//! Redirects: followed on GET when asked for, to where the host rule allows, and signed afresh.

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
fn a_redirect_is_followed_when_asked_for_on_get_and_signed_afresh() {
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

        let got = mode.get(&chain, follow()).unwrap();
        assert_eq!(got.json::<Value>().unwrap()["arrived"], true);
        let requests = server.requests();
        let targets = requests
            .iter()
            .map(|r| r.target.as_str())
            .collect::<Vec<_>>();
        assert_eq!(targets, ["/v3/from", "/v3/from", "/v3/to?page=2&q=%20"]);
        // Each is signed over its own target, with a nonce of its own.
        let first = requests[1].authorization(keys::merchant());
        let second = requests[2].authorization(keys::merchant());
        assert_ne!(first["nonce_str"], second["nonce_str"]);
    }
}

#[test]
fn a_redirect_may_go_to_a_trusted_host_and_to_no_stranger() {
    for mode in BOTH {
        let there = Server::always_ok();
        let here = redirecting(first_only(&format!("{}v3/there", there.url())));
        let trusting = keys::builder()
            .base_uri(here.url())
            .trust_host("127.0.0.1")
            .build()
            .unwrap();
        mode.get(&trusting.chain("v3/from"), follow()).unwrap();
        let arrived = there.only_request();
        assert_eq!(arrived.target, "/v3/there");
        assert_eq!(
            arrived.header("host").unwrap(),
            format!("127.0.0.1:{}", there.port())
        );
        arrived.authorization(keys::merchant());

        let err = mode
            .get(&here.client().chain("v3/from"), follow())
            .unwrap_err();
        assert!(err.is_transport(), "{err:?}");
        assert!(
            err.to_string()
                .contains("redirect not followed: `http://127.0.0.1:"),
            "{err}"
        );
        assert!(
            err.to_string().contains("not a host of WeChat Pay"),
            "{err}"
        );
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert_eq!(there.requests().len(), 1, "a stranger was asked");
    }
    for stranger in [
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
        let here = redirecting(first_only(stranger));
        let err = here.client().chain("v3/from").get(follow()).unwrap_err();
        assert!(
            err.to_string().contains("redirect not followed"),
            "{stranger}: {err}"
        );
        assert_eq!(here.requests().len(), 1, "{stranger}");
    }
}

#[test]
fn a_redirect_does_not_choose_what_the_answer_must_prove() {
    // Each leads to a path whose answers are documented as unsigned.
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
    // What was asked for is documented as unsigned, and stays so where the file has moved.
    let server = redirecting(|request| {
        (request.path() == "/v3/billdownload/file").then(|| "/v3/moved".to_owned())
    });
    let got = server.client().chain("v3/billdownload/file").get(follow());
    let got = got.unwrap();
    assert_eq!(*got.verification(), Verification::DocumentedUnsigned);
}

#[test]
fn an_apiv2_get_is_signed_again_with_its_own_fields() {
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
        let got = chain.get(options).map(drop);
        let requests = server.requests();
        (got, requests.last().expect("a request").target.clone())
    };
    let same = format!(
        "/moved?mch_id={}&code=a%20b&appid=wx8888888888888888",
        keys::MCHID
    );
    for location in ["/moved", &same, &format!("{same}&nonce_str=n&sign=S")] {
        let (got, target) = target(location);
        got.unwrap();
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
        let (got, target) = target(location);
        let err = got.unwrap_err();
        assert!(
            err.to_string().contains("its Location has different fields than the request, and following it would sign them"),
            "{location}: {err}"
        );
        assert!(target.starts_with("/appauth/"), "{location} was followed");
    }
}

#[test]
fn a_write_is_never_redirected() {
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
fn an_unsigned_file_may_be_elsewhere_and_a_signed_one_not() {
    // A proxy, so that nothing leaves this machine: it says where the client would go.
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
fn redirects_in_a_circle_end() {
    let server = redirecting(|_| Some("/v3/from".into()));
    let err = server.client().chain("v3/from").get(follow()).unwrap_err();
    assert!(
        err.to_string().contains("more than 5 redirects in a row"),
        "{err}"
    );
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn an_unsigned_get_carries_no_signature_and_says_so() {
    let server = Server::start(|request| {
        let status = if request.path() == "/v3/lacking" {
            404
        } else {
            200
        };
        MockResponse::plain(status, "an invoice")
    });
    for mode in BOTH {
        let unsigned = || Options::new().unsigned(true);
        let got = mode
            .get(&server.client().chain("v3/file"), unsigned())
            .unwrap();
        assert_eq!(*got.verification(), Verification::Unsigned);
        assert!(!got.verification().is_verified());
        assert_eq!(got.text().unwrap(), "an invoice");
        let err = mode
            .get(&server.client().chain("v3/lacking"), unsigned())
            .unwrap_err();
        assert_eq!(err.api().unwrap().status(), 404);
    }
    for request in server.requests() {
        assert!(request.header("authorization").is_none(), "{request:?}");
        assert!(request.header("wechatpay-serial").is_none(), "{request:?}");
    }
}
