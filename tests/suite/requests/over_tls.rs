//! Sends every documented operation over TLS to its own host, in three forms of the path, blocking and
//! async. Compares each received request with the one that the PHP SDK sends.

use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::{Value, json};
use wechatpay_chain::{
    CertificateMode, Chain, Client, Identity, Method, Response, RetryPolicy, Verification,
};

use super::recorded::{Sent, compare, forms, without_stray};
use crate::fixtures::{
    apiv2,
    gateway::{Arrival, Gateway},
    keys, material,
    mode::{BOTH, Mode},
    scratch::Scratch,
    server::MockResponse,
    tls::Authority,
};

const FILE: &[u8] = b"\xef\xbb\xbftrade_time,amount\r\n`2026-01-01,`0.01\r\n";

/// The kind of response that WeChat Pay sends to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResponseKind {
    Json,
    Statement,
    File,
    Xml,
    UnsignedXml,
    Token,
}

impl ResponseKind {
    /// Follows the documents' list of unsigned responses.
    fn of(path: &str, v2: bool) -> Self {
        const FILES: [&str; 7] = [
            "/v3/billdownload/file",
            "/v3/merchant-service/images/",
            "/v3/global/merchant-service/images/",
            "/v3/new-tax-control-fapiao/download",
            "/v3/transferdownload/",
            "/pay/downloadbill",
            "/pay/downloadfundflow",
        ];
        const UNSIGNED: [&str; 18] = [
            "/mchrisk/querymchrisk",
            "/mchrisk/setmchriskcallback",
            "/mchrisk/syncmchriskresult",
            "/mmpaymkttransfers/gethbinfo",
            "/mmpaymkttransfers/gettransferinfo",
            "/mmpaymkttransfers/promotion/",
            "/mmpaymkttransfers/sendgroupredpack",
            "/mmpaymkttransfers/sendminiprogramhb",
            "/mmpaymkttransfers/sendredpack",
            "/mmpaysptrans/pay_bank",
            "/mmpaysptrans/query_bank",
            "/papay/h5entrustweb",
            "/papay/partner/h5entrustweb",
            "/payitil/report",
            "/risk/getpublickey",
            "/risk/getviolation",
            "/secapi/mch/submchmanage",
            "/xdc/apiv2getsignkey/sign/getsignkey",
        ];
        let among = |list: &[&str]| list.iter().any(|known| path.starts_with(known));
        match v2 {
            _ if among(&FILES) && !path.ends_with("/upload") => Self::File,
            false if path.ends_with("v3/statements") || path.ends_with("/global/statements") => {
                Self::Statement
            }
            false => Self::Json,
            true if path == "/appauth/getaccesstoken" => Self::Token,
            true if among(&UNSIGNED) => Self::UnsignedXml,
            true => Self::Xml,
        }
    }

    fn response(self) -> MockResponse {
        const SUCCESS: &str =
            "<return_code>SUCCESS</return_code><result_code>SUCCESS</result_code>";
        match self {
            Self::Json => MockResponse::signed(200, "{}"),
            Self::Statement => {
                let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, FILE);
                let sha1 = sha1.as_ref().iter().map(|byte| format!("{byte:02x}"));
                let sha1 = sha1.collect::<String>();
                let over = format!("{{\"sha1\":\"{sha1}\"}}");
                MockResponse::signed_over(200, FILE, over.as_bytes())
                    .header("Wechatpay-Statement-Sha1", sha1)
            }
            Self::File => MockResponse::plain(200, FILE),
            Self::UnsignedXml => MockResponse::plain(200, format!("<xml>{SUCCESS}</xml>")),
            Self::Token => MockResponse::plain(200, r#"{"access_token":"ACCESS","openid":"o"}"#),
            Self::Xml => {
                let fields = ["return_code", "result_code"]
                    .map(|name| (name.to_owned(), "SUCCESS".to_owned()));
                let sign = apiv2::sign(&BTreeMap::from(fields), "MD5");
                MockResponse::plain(200, format!("<xml>{SUCCESS}<sign>{sign}</sign></xml>"))
            }
        }
    }

    fn check(self, response: &Response) -> Result<(), String> {
        let signed = matches!(self, Self::Json | Self::Statement | Self::Xml);
        let verification = response.verification();
        let as_expected = match verification {
            Verification::Verified { .. } => signed,
            Verification::DocumentedUnsigned => !signed,
            _ => false,
        };
        match as_expected {
            true => Ok(()),
            false => Err(format!("the response is {verification:?}")),
        }
    }
}

/// The clients of one thread. Each thread has its own gateway, so that a received request is the one
/// that the thread has just sent.
struct Sender {
    gateway: Gateway,
    transport: wechatpay_chain::Transport,
    identity: Identity,
    certificate: Vec<u8>,
    clients: HashMap<String, Client>,
    scratch: Scratch,
}

impl Sender {
    fn new() -> Self {
        let authority = Authority::new();
        let gateway = Gateway::start(&authority, |arrival| {
            let v2 = arrival.request.header("authorization").is_none();
            let path = arrival.request.path();
            let path = ["/hk", "/global"]
                .iter()
                .find_map(|prefix| {
                    path.strip_prefix(prefix)
                        .filter(|rest| rest.starts_with("/v3/"))
                })
                .unwrap_or(path);
            ResponseKind::of(path, v2).response()
        });
        let pem = keys::merchant()
            .rsa
            .to_pkcs8_pem(LineEnding::LF)
            .expect("PEM");
        let certificate = authority.certify(keys::MCHID, keys::merchant());
        let identity = Identity::from_pem(&certificate, &pem).expect("an identity");
        Self {
            transport: authority.transport_with_proxy(&gateway.url()),
            certificate: identity.certificate().as_der().to_vec(),
            identity,
            gateway,
            clients: HashMap::new(),
            scratch: Scratch::new(),
        }
    }

    fn client(&mut self, mchid: &str) -> Client {
        let build = || {
            let builder = Client::builder()
                .apiv2_key(apiv2::KEY)
                .client_identity(self.identity.clone())
                .transport(self.transport.clone())
                .retry(RetryPolicy::none())
                .certificate_mode(CertificateMode::Fixed);
            let builder = match mchid {
                "" => builder,
                mchid => builder
                    .mchid(mchid)
                    .serial(keys::SERIAL)
                    .private_key(keys::merchant().private())
                    .platform_key(keys::PLATFORM_ID, keys::platform().public()),
            };
            builder.build().expect("a client")
        };
        self.clients
            .entry(mchid.to_owned())
            .or_insert_with(build)
            .clone()
    }

    /// Makes one call and compares the received request with the expected one.
    fn send(&self, mode: Mode, chain: &Chain, line: &Value) -> Result<(), String> {
        let method: Method = line["verb"].as_str().unwrap_or_default().parse().unwrap();
        let send = |options| mode.send(chain, &method, options);
        let mut options = without_stray(line, send)?;
        let sink = options
            .get("sink")
            .is_some()
            .then(|| self.scratch.file("sink"));
        if let Some(sink) = &sink {
            options["sink"] = json!(sink);
        }
        self.gateway.take();
        let response = mode
            .send(chain, &method, &options)
            .map_err(|err| format!("{err} {err:?}"))?;
        let arrivals = self.gateway.take();
        let [arrival] = &arrivals[..] else {
            return Err(format!("{} requests arrived", arrivals.len()));
        };
        let v2 = line["path"].as_str().unwrap_or_default().starts_with("v2/");
        self.check(arrival, line, v2)?;
        let url = line["expect"]["url"].as_str().unwrap_or_default();
        let path = url
            .find("/v3/")
            .map_or(arrival.request.path(), |at| &url[at..]);
        ResponseKind::of(path, v2).check(&response)?;
        match sink {
            Some(sink) => match std::fs::read(&sink) {
                Ok(content) if content == FILE => {
                    std::fs::remove_file(sink).map_err(|e| e.to_string())
                }
                other => Err(format!("the sink contains {other:?}")),
            },
            None => Ok(()),
        }
    }

    fn check(&self, arrival: &Arrival, line: &Value, v2: bool) -> Result<(), String> {
        let request = &arrival.request;
        let url = arrival.url()?;
        let headers = request.headers.iter();
        let sent = Sent {
            method: &request.method,
            url: &url,
            headers: headers.map(|(n, v)| (n.as_str(), v.as_str())).collect(),
            body: &request.body,
        };
        compare(&sent, line)?;
        for name in ["accept", "user-agent"] {
            request
                .header(name)
                .ok_or(format!("expected exactly one `{name}`"))?;
        }
        if v2 != request.all("authorization").is_empty() {
            return Err("an unexpected or missing Authorization".into());
        }
        if !v2 {
            let fields = request.authorization(keys::merchant());
            if line["mchid"] != fields["mchid"] || fields["serial_no"] != keys::SERIAL {
                return Err(format!("signed as {fields:?}"));
            }
        }
        let security = line["options"]["security"] == true;
        let shown = arrival.certificate.as_deref();
        if shown != security.then_some(&*self.certificate) {
            let shown = shown.is_some();
            return Err(format!(
                "`security` is {security}, certificate presented: {shown}"
            ));
        }
        Ok(())
    }
}

#[test]
fn requests_over_tls_match_the_php_sdk() {
    let Some(lines) = material::lines("tests/vectors/requests.jsonl") else {
        return;
    };
    let (next, sent) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failed = Mutex::new(Vec::new());
    let work = || {
        let mut sender = Sender::new();
        while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
            let client = sender.client(line["mchid"].as_str().unwrap_or_default());
            for (form, chain) in forms(&client, line) {
                for mode in BOTH {
                    sent.fetch_add(1, Ordering::Relaxed);
                    let send = AssertUnwindSafe(|| sender.send(mode, &chain, line));
                    let outcome = catch_unwind(send).unwrap_or_else(|_| Err("a panic".into()));
                    if let Err(what) = outcome {
                        let name = format!("{} ({form}, {mode:?}): {what}", line["op"]);
                        failed.lock().unwrap().push(name);
                    }
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
    let (sent, failed) = (sent.into_inner(), failed.into_inner().unwrap());
    println!(
        "operations × forms × modes: sent {sent}, passed {}",
        sent - failed.len()
    );
    assert!(sent > 4800, "only {sent} requests were sent");
    assert!(
        failed.is_empty(),
        "{}\n{} failed",
        failed.join("\n"),
        failed.len()
    );
}
