//! Calls in both modes, over TLS and through a proxy with a password, with every kind of response.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use wechatpay_chain::{
    CertificateMode, Client, Media, Method, Options, Response, Result, RetryPolicy,
};

use super::{
    ENCRYPTED, FILENAME, IN_BODY, IN_FILE, IN_HEADER, IN_PATH, IN_QUERY, IN_RESPONSE,
    PROXY_PASSWORD, TOKEN, Transcript,
};
use crate::{
    fixtures::{
        apiv2,
        gateway::{Arrival, Gateway},
        keys::{self, Pair},
        mode::{BOTH, Mode},
        scratch::Scratch,
        server::{MockResponse, Request},
        tls::Authority,
    },
    notifications::unknown_key,
};

const BILL: &str = "姓名,金额\n`FileContentPerson55aa77,`1.00\n总笔数\n`1\n";
const BILL_SHA1: &str = "0000000000000000000000000000000000000000";

pub fn run(transcript: &mut Transcript) -> Vec<Request> {
    let authority = Authority::new();
    let rotated = Pair::generate();
    let certificates = unknown_key::certificates(&rotated);
    let tries = Arc::new(AtomicUsize::new(0));
    let gateway = Gateway::start(&authority, {
        let tries = Arc::clone(&tries);
        move |arrival| response(arrival, &certificates, &tries)
    });
    let proxy = gateway
        .url()
        .replace("http://", &format!("http://merchant:{PROXY_PASSWORD}@"));
    let transport = authority.transport_with_proxy(&proxy);
    transcript.debug("Transport", &transport);
    let builder = || {
        Client::builder()
            .mchid(keys::MCHID)
            .serial(keys::SERIAL)
            .private_key(keys::merchant().private())
            .platform_key(keys::PLATFORM_ID, keys::platform().public())
            .apiv2_key(apiv2::KEY)
            .apiv3_key("fedcba9876543210fedcba9876543210")
            .transport(transport.clone())
    };
    let mut requests = Vec::new();
    for mode in BOTH {
        let client = builder()
            .retry(RetryPolicy::none())
            .certificate_mode(CertificateMode::Fixed)
            .build()
            .unwrap();
        transcript.debug("Client", &client);
        v3(transcript, mode, &client);
        v2(transcript, mode, &client);
        files(transcript, mode, &client);
        // The default policy and mode.
        let client = builder().build().unwrap();
        tries.store(0, Ordering::Relaxed);
        let response = transcript.success(
            "retried",
            send(mode, &client, "v3/retry/{openid}", Method::GET),
        );
        assert!(response.verification().is_verified() && tries.load(Ordering::Relaxed) == 2);
        let refreshed = send(mode, &client, "v3/rotated/{openid}", Method::GET);
        transcript.failure("a new certificate's serial with another key", refreshed);
        transcript.debug("PlatformKeys", &client.platform_keys());
        let fresh = builder().build().unwrap();
        transcript.success("refresh", fresh.refresh_certificates());
    }
    requests.extend(gateway.take().into_iter().map(|arrival| arrival.request));
    requests
}

/// Options with personal data everywhere a call can carry it.
pub fn person(method: &Method) -> Options {
    let options = Options::new()
        .var("openid", IN_PATH)
        .query(json!({ "phone": IN_QUERY }))
        .header("X-Person", IN_HEADER);
    match *method {
        Method::GET | Method::DELETE => options,
        // The body also causes every kind of warning.
        _ => options.json(json!({
            "name": IN_BODY, "none": null, "emoji": format!("{IN_BODY} 🍵"), "secret": ENCRYPTED,
            "notify_url": format!("https://example.com/?who={IN_BODY}"), "amount": { "total": "1" },
        })),
    }
}

pub fn send(mode: Mode, client: &Client, path: &str, method: Method) -> Result<Response> {
    mode.send(&client.chain(path), &method, person(&method))
}

fn v3(transcript: &mut Transcript, mode: Mode, client: &Client) {
    for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE] {
        let response =
            transcript.success("answered", send(mode, client, "v3/users/{openid}", method));
        transcript.failure("decode", response.json::<u64>().map(drop));
        transcript.failure(
            "decode",
            response
                .json::<std::collections::HashMap<String, u8>>()
                .map(drop),
        );
        transcript.failure("decode", response.xml().map(drop));
        for failure in FAILURES {
            let path = format!("v3/{failure}/{{openid}}");
            transcript.failure(failure, send(mode, client, &path, method_for(failure)));
        }
    }
    transcript.failure(
        "text",
        send(mode, client, "v3/bytes/{openid}", Method::GET).and_then(|r| r.text().map(drop)),
    );
    let encrypted = person(&Method::POST).encrypt(["/secret"]);
    transcript.debug("Options", &encrypted);
    transcript.success(
        "encrypted",
        mode.post(&client.chain("v3/users/{openid}"), encrypted),
    );
    // The PHP SDK's spelling of a segment, in a path.
    transcript.success(
        "camel case",
        send(mode, client, "v3/pay/outTradeNo/{openid}", Method::GET),
    );
    for to in ["foreign", "relative", "parent"] {
        let chain = client.chain(format!("v3/{to}/{{openid}}"));
        transcript.failure(
            to,
            mode.get(&chain, person(&Method::GET).allow_redirects(true)),
        );
    }
}

/// Path segments whose responses are failures.
const FAILURES: [&str; 12] = [
    "refused",
    "sign",
    "sign-same",
    "html",
    "unsigned",
    "tampered",
    "probe",
    "unknown",
    "late",
    "limited",
    "unavailable",
    "moved",
];

fn method_for(failure: &str) -> Method {
    match failure {
        "moved" | "limited" => Method::GET,
        _ => Method::POST,
    }
}

fn response(arrival: &Arrival, certificates: &str, tries: &AtomicUsize) -> MockResponse {
    let request = &arrival.request;
    let mut parts = request.path().split('/').skip(1);
    let (version, failure) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let person = json!({ "name": IN_RESPONSE, "media_id": "1" }).to_string();
    if version != "v3" {
        return response_v2(request, &person);
    }
    let error = |code: &str, detail: Value| {
        json!({ "code": code, "message": "the parameter is wrong", "detail": detail }).to_string()
    };
    let message = |truncated: String, length: usize| {
        let information =
            json!({ "truncated_sign_message": truncated, "sign_message_length": length });
        error("SIGN_ERROR", json!({ "sign_information": information }))
    };
    let body = String::from_utf8_lossy(&request.body);
    match failure {
        "refused" => {
            let detail = json!({ "field": "/name", "value": IN_RESPONSE, "issue": "none", "location": "body" });
            MockResponse::signed(400, error("PARAM_ERROR", detail))
        }
        "sign" => MockResponse::plain(
            401,
            message(format!("POST\n{}\n1\n{body}", request.target), 99),
        ),
        "sign-same" => MockResponse::plain(401, message("POST\n".to_owned(), 7)),
        "html" => MockResponse::plain(502, format!("<html>{IN_RESPONSE}</html>")),
        "unsigned" => MockResponse::plain(200, person),
        "tampered" => MockResponse::signed_over(200, person, b"another"),
        "probe" => {
            MockResponse::signed(200, person).with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/aaaa")
        }
        "unknown" | "rotated" => {
            MockResponse::signed(200, person).with("Wechatpay-Serial", unknown_key::SERIAL)
        }
        "late" => MockResponse::signed_at(200, person, 1_500_000_000),
        "limited" => MockResponse::plain(429, error("RATELIMIT_EXCEEDED", json!(IN_RESPONSE)))
            .header("Retry-After", 1),
        "unavailable" => MockResponse::plain(503, person),
        "moved" => MockResponse::plain(302, person).header(
            "Location",
            format!("https://api.mch.weixin.qq.com/{IN_RESPONSE}"),
        ),
        "foreign" => MockResponse::plain(302, "").header(
            "Location",
            format!("https://example.com/?who={IN_RESPONSE}"),
        ),
        "relative" => {
            MockResponse::plain(302, "").header("Location", format!("there?who={IN_RESPONSE}"))
        }
        "parent" => {
            MockResponse::plain(302, "").header("Location", format!("/v3/{IN_RESPONSE}/../x"))
        }
        "bytes" => MockResponse::signed(200, [IN_RESPONSE.as_bytes(), b"\xff"].concat()),
        "retry" if tries.fetch_add(1, Ordering::Relaxed) == 0 => MockResponse::plain(503, person),
        "certificates" => MockResponse::signed(200, certificates),
        "bill" => {
            let url = format!("https://api.mch.weixin.qq.com/v3/billdownload/file?token={TOKEN}");
            let bill = json!({ "download_url": url, "hash_type": "SHA1", "hash_value": BILL_SHA1 });
            MockResponse::signed(200, bill.to_string())
        }
        "badbill" => {
            let url = format!("ftp://api.mch.weixin.qq.com/{IN_RESPONSE}?token={TOKEN}");
            MockResponse::signed(200, json!({ "download_url": url }).to_string())
        }
        "billdownload" => MockResponse::plain(200, BILL),
        _ => MockResponse::signed(200, person),
    }
}

fn response_v2(request: &Request, person: &str) -> MockResponse {
    let xml = |fields: &[(&str, &str)], signed: bool| {
        let mut all = fields
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        if signed {
            let sign = apiv2::sign(&all, "MD5");
            all.insert("sign".to_owned(), sign);
        }
        let fields = all
            .iter()
            .map(|(name, value)| format!("<{name}>{value}</{name}>"));
        MockResponse::plain(200, format!("<xml>{}</xml>", fields.collect::<String>()))
    };
    let success = [
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("name", IN_RESPONSE),
    ];
    let rejection = [
        ("return_code", "SUCCESS"),
        ("result_code", "FAIL"),
        ("err_code", "NOTENOUGH"),
        ("name", IN_RESPONSE),
    ];
    match request.path() {
        "/pay/micropay" => xml(&success, true),
        "/pay/orderquery" => xml(&rejection, true),
        "/pay/refund" => xml(&success, false),
        "/pay/closeorder" => {
            MockResponse::plain(200, format!("<xml><name>{IN_RESPONSE}</nome></xml>"))
        }
        "/pay/reverse" => {
            MockResponse::plain(200, format!("<xml><name>&{IN_RESPONSE};</name></xml>"))
        }
        "/appauth/getaccesstoken" => MockResponse::plain(200, person.to_owned()),
        "/pay/downloadbill" => MockResponse::plain(200, BILL),
        _ => MockResponse::plain(502, person.to_owned()),
    }
}

fn v2(transcript: &mut Transcript, mode: Mode, client: &Client) {
    let xml = || json!({ "xml": { "mch_id": keys::MCHID, "name": IN_BODY, "openid": IN_PATH } });
    transcript.success("v2", mode.post(&client.chain("v2/pay/micropay"), xml()));
    for path in ["orderquery", "refund", "closeorder", "reverse", "nothing"] {
        transcript.failure(
            "v2",
            mode.post(&client.chain(format!("v2/pay/{path}")), xml()),
        );
    }
    transcript.success(
        "v2 bill",
        mode.post(&client.chain("v2/pay/downloadbill"), xml()),
    );
    let query = json!({ "query": { "mch_id": keys::MCHID, "name": IN_QUERY } });
    transcript.failure(
        "v2 token",
        mode.get(&client.chain("v2/appauth/getaccesstoken"), query),
    );
}

fn files(transcript: &mut Transcript, mode: Mode, client: &Client) {
    let scratch = Scratch::new();
    let upload = client.chain("v3/merchant/media/upload");
    let media = Media::from_bytes(FILENAME, IN_FILE).meta_field("name", IN_BODY);
    transcript.success("upload", mode.post(&upload, Options::new().media(media)));
    let path = scratch.written("upload.png", IN_FILE.repeat(200_000));
    let media = transcript
        .success("Media", Media::from_file(&path))
        .filename(FILENAME);
    transcript.success(
        "a large upload",
        mode.post(&upload, Options::new().media(media)),
    );
    let media = Media::from_file(&path).unwrap();
    scratch.written("upload.png", IN_RESPONSE);
    transcript.failure(
        "a changed file",
        mode.post(&upload, Options::new().media(media)),
    );
    let v2 = json!({ "xml": { "mch_id": keys::MCHID, "name": IN_BODY } });
    let media = Media::from_bytes(FILENAME, IN_FILE);
    let chain = client.chain("v2/pay/micropay");
    transcript.success(
        "v2 upload",
        mode.post(&chain, Options::from(v2).media(media)),
    );

    let sink = scratch.file("bill");
    let file = client.chain("v3/billdownload/file");
    let token = || Options::new().query(json!({ "token": TOKEN }));
    transcript.success("sink", mode.get(&file, token().sink(&sink)));
    transcript.success("file", mode.get(&file, token()));
    transcript.failure(
        "hash",
        mode.get(&file, token().sink(&sink).expect_sha1(BILL_SHA1)),
    );
    transcript.failure(
        "no directory",
        mode.get(&file, token().sink(scratch.file("no/such"))),
    );
    transcript.failure(
        "two steps",
        client
            .chain("v3/bill/tradebill")
            .download(json!({ "query": { "phone": IN_QUERY } })),
    );
    transcript.failure(
        "two steps",
        client.chain("v3/badbill").download(Options::new()),
    );
}
