//! What is sent: through a proxy with a password and by TLS, in both modes, answered in every way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use wechatpay_chain::{
    CertificateMode, Client, Media, Method, Options, Response, Result, RetryPolicy,
};

use super::{
    ANSWERED, ENCRYPTED, FILENAME, IN_BODY, IN_FILE, IN_HEADER, IN_PATH, IN_QUERY, PROXY_PASSWORD,
    TOKEN, Told,
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

pub fn run(told: &mut Told) -> Vec<Request> {
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
    told.debug("Transport", &transport);
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
        told.debug("Client", &client);
        v3(told, mode, &client);
        v2(told, mode, &client);
        files(told, mode, &client);
        // The default policy and mode.
        let client = builder().build().unwrap();
        tries.store(0, Ordering::Relaxed);
        let response = told.good(
            "retried",
            send(mode, &client, "v3/retry/{openid}", Method::GET),
        );
        assert!(response.verification().is_verified() && tries.load(Ordering::Relaxed) == 2);
        let refreshed = send(mode, &client, "v3/rotated/{openid}", Method::GET);
        told.bad("by a new certificate's name, and not by its key", refreshed);
        told.debug("PlatformKeys", &client.platform_keys());
        let fresh = builder().build().unwrap();
        told.good("refresh", fresh.refresh_certificates());
    }
    requests.extend(gateway.take().into_iter().map(|arrival| arrival.request));
    requests
}

/// Everything of a person's that a call can carry.
pub fn person(method: &Method) -> Options {
    let options = Options::new()
        .var("openid", IN_PATH)
        .query(json!({ "phone": IN_QUERY }))
        .header("X-Person", IN_HEADER);
    match *method {
        Method::GET | Method::DELETE => options,
        // Findings of every kind, too.
        _ => options.json(json!({
            "name": IN_BODY, "none": null, "emoji": format!("{IN_BODY} 🍵"), "secret": ENCRYPTED,
            "notify_url": format!("https://example.com/?who={IN_BODY}"), "amount": { "total": "1" },
        })),
    }
}

pub fn send(mode: Mode, client: &Client, path: &str, method: Method) -> Result<Response> {
    mode.send(&client.chain(path), &method, person(&method))
}

fn v3(told: &mut Told, mode: Mode, client: &Client) {
    for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE] {
        let response = told.good("answered", send(mode, client, "v3/users/{openid}", method));
        told.bad("decode", response.json::<u64>().map(drop));
        told.bad(
            "decode",
            response
                .json::<std::collections::HashMap<String, u8>>()
                .map(drop),
        );
        told.bad("decode", response.xml().map(drop));
        for how in HOW {
            let path = format!("v3/{how}/{{openid}}");
            told.bad(how, send(mode, client, &path, response_method(how)));
        }
    }
    told.bad(
        "text",
        send(mode, client, "v3/bytes/{openid}", Method::GET).and_then(|r| r.text().map(drop)),
    );
    let encrypted = person(&Method::POST).encrypt(["/secret"]);
    told.debug("Options", &encrypted);
    told.good(
        "encrypted",
        mode.post(&client.chain("v3/users/{openid}"), encrypted),
    );
    // The PHP SDK's form of a segment, in a path.
    told.good(
        "camel case",
        send(mode, client, "v3/pay/outTradeNo/{openid}", Method::GET),
    );
    for to in ["stranger", "relative", "climbing"] {
        let chain = client.chain(format!("v3/{to}/{{openid}}"));
        told.bad(
            to,
            mode.get(&chain, person(&Method::GET).allow_redirects(true)),
        );
    }
}

/// What fails, whatever the method.
const HOW: [&str; 12] = [
    "refused",
    "sign",
    "sign-same",
    "html",
    "unsigned",
    "spoilt",
    "probe",
    "unknown",
    "late",
    "limited",
    "away",
    "moved",
];

fn response_method(how: &str) -> Method {
    match how {
        "moved" | "limited" => Method::GET,
        _ => Method::POST,
    }
}

fn response(arrival: &Arrival, certificates: &str, tries: &AtomicUsize) -> MockResponse {
    let request = &arrival.request;
    let mut parts = request.path().split('/').skip(1);
    let (version, how) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let person = json!({ "name": ANSWERED, "media_id": "1" }).to_string();
    if version != "v3" {
        return answer_v2(request, &person);
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
    match how {
        "refused" => {
            let detail =
                json!({ "field": "/name", "value": ANSWERED, "issue": "none", "location": "body" });
            MockResponse::signed(400, error("PARAM_ERROR", detail))
        }
        "sign" => MockResponse::plain(
            401,
            message(format!("POST\n{}\n1\n{body}", request.target), 99),
        ),
        "sign-same" => MockResponse::plain(401, message("POST\n".to_owned(), 7)),
        "html" => MockResponse::plain(502, format!("<html>{ANSWERED}</html>")),
        "unsigned" => MockResponse::plain(200, person),
        "spoilt" => MockResponse::signed_over(200, person, b"another"),
        "probe" => {
            MockResponse::signed(200, person).with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/aaaa")
        }
        "unknown" | "rotated" => {
            MockResponse::signed(200, person).with("Wechatpay-Serial", unknown_key::SERIAL)
        }
        "late" => MockResponse::signed_at(200, person, 1_500_000_000),
        "limited" => MockResponse::plain(429, error("RATELIMIT_EXCEEDED", json!(ANSWERED)))
            .header("Retry-After", 1),
        "away" => MockResponse::plain(503, person),
        "moved" => MockResponse::plain(302, person).header(
            "Location",
            format!("https://api.mch.weixin.qq.com/{ANSWERED}"),
        ),
        "stranger" => MockResponse::plain(302, "")
            .header("Location", format!("https://example.com/?who={ANSWERED}")),
        "relative" => {
            MockResponse::plain(302, "").header("Location", format!("there?who={ANSWERED}"))
        }
        "climbing" => {
            MockResponse::plain(302, "").header("Location", format!("/v3/{ANSWERED}/../x"))
        }
        "bytes" => MockResponse::signed(200, [ANSWERED.as_bytes(), b"\xff"].concat()),
        "retry" if tries.fetch_add(1, Ordering::Relaxed) == 0 => MockResponse::plain(503, person),
        "certificates" => MockResponse::signed(200, certificates),
        "bill" => {
            let url = format!("https://api.mch.weixin.qq.com/v3/billdownload/file?token={TOKEN}");
            let bill = json!({ "download_url": url, "hash_type": "SHA1", "hash_value": BILL_SHA1 });
            MockResponse::signed(200, bill.to_string())
        }
        "badbill" => {
            let url = format!("ftp://api.mch.weixin.qq.com/{ANSWERED}?token={TOKEN}");
            MockResponse::signed(200, json!({ "download_url": url }).to_string())
        }
        "billdownload" => MockResponse::plain(200, BILL),
        _ => MockResponse::signed(200, person),
    }
}

fn answer_v2(request: &Request, person: &str) -> MockResponse {
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
    let good = [
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("name", ANSWERED),
    ];
    let bad = [
        ("return_code", "SUCCESS"),
        ("result_code", "FAIL"),
        ("err_code", "NOTENOUGH"),
        ("name", ANSWERED),
    ];
    match request.path() {
        "/pay/micropay" => xml(&good, true),
        "/pay/orderquery" => xml(&bad, true),
        "/pay/refund" => xml(&good, false),
        "/pay/closeorder" => {
            MockResponse::plain(200, format!("<xml><name>{ANSWERED}</nome></xml>"))
        }
        "/pay/reverse" => MockResponse::plain(200, format!("<xml><name>&{ANSWERED};</name></xml>")),
        "/appauth/getaccesstoken" => MockResponse::plain(200, person.to_owned()),
        "/pay/downloadbill" => MockResponse::plain(200, BILL),
        _ => MockResponse::plain(502, person.to_owned()),
    }
}

fn v2(told: &mut Told, mode: Mode, client: &Client) {
    let xml = || json!({ "xml": { "mch_id": keys::MCHID, "name": IN_BODY, "openid": IN_PATH } });
    told.good("v2", mode.post(&client.chain("v2/pay/micropay"), xml()));
    for path in ["orderquery", "refund", "closeorder", "reverse", "nothing"] {
        told.bad(
            "v2",
            mode.post(&client.chain(format!("v2/pay/{path}")), xml()),
        );
    }
    told.good(
        "v2 bill",
        mode.post(&client.chain("v2/pay/downloadbill"), xml()),
    );
    let query = json!({ "query": { "mch_id": keys::MCHID, "name": IN_QUERY } });
    told.bad(
        "v2 token",
        mode.get(&client.chain("v2/appauth/getaccesstoken"), query),
    );
}

fn files(told: &mut Told, mode: Mode, client: &Client) {
    let scratch = Scratch::new();
    let upload = client.chain("v3/merchant/media/upload");
    let media = Media::from_bytes(FILENAME, IN_FILE).meta_field("name", IN_BODY);
    told.good("upload", mode.post(&upload, Options::new().media(media)));
    let path = scratch.written("upload.png", IN_FILE.repeat(200_000));
    let media = told
        .good("Media", Media::from_file(&path))
        .filename(FILENAME);
    told.good(
        "a large upload",
        mode.post(&upload, Options::new().media(media)),
    );
    let media = Media::from_file(&path).unwrap();
    scratch.written("upload.png", ANSWERED);
    told.bad(
        "a changed file",
        mode.post(&upload, Options::new().media(media)),
    );
    let v2 = json!({ "xml": { "mch_id": keys::MCHID, "name": IN_BODY } });
    let media = Media::from_bytes(FILENAME, IN_FILE);
    let chain = client.chain("v2/pay/micropay");
    told.good(
        "v2 upload",
        mode.post(&chain, Options::from(v2).media(media)),
    );

    let sink = scratch.file("bill");
    let file = client.chain("v3/billdownload/file");
    let token = || Options::new().query(json!({ "token": TOKEN }));
    told.good("sink", mode.get(&file, token().sink(&sink)));
    told.good("file", mode.get(&file, token()));
    told.bad(
        "hash",
        mode.get(&file, token().sink(&sink).expect_sha1(BILL_SHA1)),
    );
    told.bad(
        "no directory",
        mode.get(&file, token().sink(scratch.file("no/such"))),
    );
    told.bad(
        "two steps",
        client
            .chain("v3/bill/tradebill")
            .download(json!({ "query": { "phone": IN_QUERY } })),
    );
    told.bad(
        "two steps",
        client.chain("v3/badbill").download(Options::new()),
    );
}
