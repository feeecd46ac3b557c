//! Secrets and personal data. One run covers everything the library does, successes and failures. It
//! collects every `tracing` line at TRACE, every error with its sources and every `Debug` output, and
//! searches them for what must not appear.

mod calls;
mod notifications;
mod offline;
mod unreachable;

use std::{env, error::Error as _, fmt::Debug, process::Command};

use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use wechatpay_chain::{Error, Result};

use crate::fixtures::{apiv2, keys, log, server::Request};

/// Set in the child process that does the run. A `tracing` subscriber is global to its process, so the
/// run needs its own.
const CHILD: &str = "WECHATPAY_CHAIN_TEST_SECRETS";

/// Personal data and secrets of the caller, named by where they occur.
pub const IN_PATH: &str = "oPathPersonUF8uMuAJOM2pxb1Q9z";
pub const IN_QUERY: &str = "queryPerson13800138000";
pub const IN_HEADER: &str = "headerPerson-a1b2c3d4";
pub const IN_BODY: &str = "王五BodyPerson110101199003071234";
pub const ENCRYPTED: &str = "赵六Encrypted6214850000000000";
pub const IN_RESPONSE: &str = "孙七Answered3f9c2d";
pub const IN_NOTIFICATION: &str = "oNotifiedUF8uMuAJO_M2pxb1Q9";
pub const IN_FILE: &str = "FileContentPerson55aa77";
pub const FILENAME: &str = "周八Filename.jpg";
pub const TOKEN: &str = "downloadToken6XIv5TUPto7pByrTQK";
pub const PROXY_PASSWORD: &str = "pr0xyPassw0rd";
pub const P12_PASSWORD: &str = "p12Passw0rd";
/// An invalid value. An error about it may show 64 characters.
pub const INVALID: &str = "invalidValuePerson";
/// Logged on purpose, to prove that the search finds what is logged.
const CONTROL: &str = "planted-e5f1";

/// All collected texts, each with its origin.
#[derive(Default)]
pub struct Transcript {
    texts: Vec<(String, String)>,
    /// Calls that succeeded although they should have failed.
    unexpected: Vec<String>,
}

impl Transcript {
    pub fn debug(&mut self, what: &str, value: &impl Debug) {
        self.texts.push((what.to_owned(), format!("{value:?}")));
        self.texts.push((what.to_owned(), format!("{value:#?}")));
    }

    /// Adds an error with all its sources, as `Display` and `Debug`.
    pub fn error(&mut self, what: &str, err: &Error) {
        self.debug(what, err);
        self.texts.push((what.to_owned(), err.to_string()));
        if let Some(api) = err.api() {
            self.debug(what, api);
        }
        let mut source = err.source();
        while let Some(cause) = source {
            self.texts
                .push((what.to_owned(), format!("{cause} {cause:?}")));
            source = cause.source();
        }
    }

    #[track_caller]
    pub fn success<T: Debug>(&mut self, what: &str, result: Result<T>) -> T {
        match result {
            Ok(value) => {
                self.debug(what, &value);
                value
            }
            Err(err) => panic!("{what}: {err} {err:?}"),
        }
    }

    pub fn failure<T: Debug>(&mut self, what: &str, result: Result<T>) -> Option<Error> {
        match result {
            Ok(value) => {
                self.unexpected.push(format!("{what} succeeded: {value:?}"));
                None
            }
            Err(err) => {
                self.error(what, &err);
                Some(err)
            }
        }
    }

    /// Returns all texts in lower case.
    fn lowercase(&self) -> String {
        let texts = self.texts.iter().map(|(_, text)| text.to_lowercase());
        texts.collect::<Vec<_>>().join("\n")
    }

    /// Returns the texts that contain `part`, ignoring case.
    fn find(&self, part: &str) -> Vec<&(String, String)> {
        let part = part.to_lowercase();
        let texts = self.texts.iter();
        texts
            .filter(|(_, text)| text.to_lowercase().contains(&part))
            .collect()
    }
}

/// Returns what must not appear in any text, with a description.
fn secrets(requests: &[Request]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |what: &str, text: &str| {
        assert!(text.chars().count() >= 8, "too short to search for: {what}");
        all.push((what.to_owned(), text.to_owned()));
    };
    for pair in [keys::merchant(), keys::platform()] {
        let pem = pair.rsa.to_pkcs8_pem(LineEnding::LF).expect("PEM");
        for line in pem.lines().filter(|line| !line.starts_with('-')) {
            // The first bytes of all RSA keys are the same.
            for window in line
                .as_bytes()
                .chunks(16)
                .skip(usize::from(line.starts_with("MII")) * 3)
            {
                let window = std::str::from_utf8(window).expect("base64");
                if window.len() == 16 {
                    add("a private key", window);
                }
            }
        }
    }
    for (what, text) in [
        ("APIv2 key", apiv2::KEY),
        ("APIv3 key", "fedcba9876543210fedcba9876543210"),
        ("in a path", IN_PATH),
        ("in a query", IN_QUERY),
        ("in a header", IN_HEADER),
        ("in a body", IN_BODY),
        ("encrypted", ENCRYPTED),
        ("of a response", IN_RESPONSE),
        ("in a notification", IN_NOTIFICATION),
        ("in a file", IN_FILE),
        ("a file name", FILENAME),
        ("token of a download", TOKEN),
        ("password of a proxy", PROXY_PASSWORD),
        ("password of an archive", P12_PASSWORD),
        ("any signature", "signature=\""),
        ("any nonce", "nonce_str=\""),
    ] {
        add(what, text);
        // The beginning alone can identify a person.
        add(what, &text.chars().take(12).collect::<String>());
    }
    for request in requests {
        if let Some(header) = request.header("authorization") {
            let mut fields = header.split('"').skip(1).step_by(2);
            let [Some(_), Some(_), Some(_), Some(nonce), Some(signature)] =
                std::array::from_fn(|_| fields.next())
            else {
                continue;
            };
            let secrets = [nonce, signature].map(|text| text.to_owned());
            for text in secrets {
                add("a nonce or a signature", &text[..24]);
            }
        }
        let text = format!(
            "{} {}",
            request.target,
            String::from_utf8_lossy(&request.body)
        );
        for before in ["<sign>", "<nonce_str>", "&sign=", "&nonce_str="] {
            let rest = text.split(before).nth(1);
            if let Some(sign) = rest.and_then(|rest| rest.split(['<', '&', ' ']).next()) {
                add("a sign or a nonce of APIv2", sign);
            }
        }
    }
    all
}

/// Checks that the search would find everything that was sent.
fn check_search(secrets: &[(String, String)], requests: &[Request]) {
    let mut transcript = Transcript::default();
    for request in requests {
        // The beginning of a large file is enough.
        let body = String::from_utf8_lossy(&request.body[..request.body.len().min(10_000)]);
        transcript.debug("control", &(&request.target, &request.headers, body));
    }
    let texts = transcript.lowercase();
    for (what, secret) in secrets {
        let sent = what.starts_with("in a ") && !what.ends_with("notification");
        if sent || what.starts_with("a nonce") || what.starts_with("a sign") {
            assert!(texts.contains(&secret.to_lowercase()), "{what}: {secret}");
        }
    }
}

#[test]
fn logs_errors_and_debug_show_no_secrets() {
    if env::var_os(CHILD).is_none() {
        let own = env::current_exe().expect("the path of this program");
        let name = "secrets::logs_errors_and_debug_show_no_secrets";
        let run = Command::new(own)
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .expect("a child process");
        let out = String::from_utf8_lossy(&run.stdout);
        let err = String::from_utf8_lossy(&run.stderr);
        assert!(
            run.status.success() && out.contains("1 passed"),
            "{out}\n{err}"
        );
        return;
    }
    let lines = log::install();
    let mut transcript = Transcript::default();
    let mut requests = offline::run(&mut transcript);
    notifications::run(&mut transcript);
    requests.extend(calls::run(&mut transcript));
    requests.extend(unreachable::run(&mut transcript));
    tracing::trace!(secret = CONTROL, "the control");
    tracing::info_span!("control", secret = tracing::field::Empty).record("secret", CONTROL);

    let lines = lines.take();
    let (texts, logged) = (transcript.texts.len(), lines.len());
    let mut origins = lines
        .iter()
        .map(|(origin, _)| origin.as_str())
        .collect::<Vec<_>>();
    origins.sort_unstable();
    origins.dedup();
    println!("{origins:?}");
    println!("{texts} texts, {logged} lines, {} requests", requests.len());
    transcript.texts.extend(lines);

    assert!(
        transcript.unexpected.is_empty(),
        "{:#?}",
        transcript.unexpected
    );
    // The search finds fields and spans, and the run logged what it should.
    assert_eq!(
        transcript.find(CONTROL).len(),
        2,
        "the control was not found"
    );
    for expected in [
        "wechatpay.call",
        "url.template=v3/users/{openid}",
        "wechatpay.outcome=Success",
        "wechatpay.outcome=Unknown",
        "wechatpay.code=PARAM_ERROR",
        "message=response received",
        "WARN message=call failed http.request.method=POST url.template=v3/unsigned/{openid} kind=Verification outcome=Unknown",
        "DEBUG message=call failed http.request.method=POST url.template=v3/refused/{openid} kind=Api outcome=Rejected",
        "platform certificate added",
        "the documents spell this segment differently",
        "the file to upload is larger",
        "WeChat Pay may refuse this request",
    ] {
        assert!(
            !transcript.find(expected).is_empty(),
            "`{expected}` is missing"
        );
    }
    assert!(
        texts > 200 && logged > 500 && requests.len() > 60,
        "{texts} {logged}"
    );
    let secrets = secrets(&requests);
    check_search(&secrets, &requests);

    let mut leaks = Vec::new();
    // An invalid value may be shown, but only by the error about it.
    for (what, text) in transcript.find(INVALID) {
        if !what.starts_with("invalid value") {
            leaks.push(format!("an invalid value in {what}: {text:.300}"));
        }
    }
    let texts = transcript.lowercase();
    for (what, secret) in secrets {
        if !texts.contains(&secret.to_lowercase()) {
            continue;
        }
        for (origin, text) in transcript.find(&secret) {
            leaks.push(format!("{what} ({secret}) in {origin}: {text:.300}"));
        }
    }
    assert!(
        leaks.is_empty(),
        "{} leaks\n{}",
        leaks.len(),
        leaks.join("\n")
    );
}
