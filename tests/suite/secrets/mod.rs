//! Secrets and personal data: a run of everything that the library does, successes and failures,
//! with every line of `tracing` at TRACE, every error with its causes and every `Debug` kept, and
//! searched for what must not be told.

mod calls;
mod log;
mod notifications;
mod offline;
mod unreachable;

use std::{env, error::Error as _, fmt::Debug, process::Command};

use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use wechatpay_chain::{Error, Result};

use crate::fixtures::{apiv2, keys, server::Request};

/// Set in the process that does the run: the subscriber is a whole process's.
const INSIDE: &str = "WECHATPAY_CHAIN_TEST_SECRETS";

/// Personal data and what the caller keeps private, by where it is put.
pub const IN_PATH: &str = "oPathPersonUF8uMuAJOM2pxb1Q9z";
pub const IN_QUERY: &str = "queryPerson13800138000";
pub const IN_HEADER: &str = "headerPerson-a1b2c3d4";
pub const IN_BODY: &str = "王五BodyPerson110101199003071234";
pub const ENCRYPTED: &str = "赵六Encrypted6214850000000000";
pub const ANSWERED: &str = "孙七Answered3f9c2d";
pub const NOTIFIED: &str = "oNotifiedUF8uMuAJO_M2pxb1Q9";
pub const IN_FILE: &str = "FileContentPerson55aa77";
pub const FILENAME: &str = "周八Filename.jpg";
pub const TOKEN: &str = "downloadToken6XIv5TUPto7pByrTQK";
pub const PROXY_PASSWORD: &str = "pr0xyPassw0rd";
pub const P12_PASSWORD: &str = "p12Passw0rd";
/// A value that is itself at fault: an error about it may show 64 characters.
pub const AT_FAULT: &str = "atFaultPerson";
const PLANTED: &str = "planted-e5f1";

/// What was said, by whom or what.
#[derive(Default)]
pub struct Told {
    said: Vec<(String, String)>,
    /// What succeeded where a failure was due.
    unexpected: Vec<String>,
}

impl Told {
    pub fn debug(&mut self, what: &str, value: &impl Debug) {
        self.said.push((what.to_owned(), format!("{value:?}")));
        self.said.push((what.to_owned(), format!("{value:#?}")));
    }

    /// An error, as a program's log has it: all levels, both ways.
    pub fn error(&mut self, what: &str, err: &Error) {
        self.debug(what, err);
        self.said.push((what.to_owned(), err.to_string()));
        if let Some(api) = err.api() {
            self.debug(what, api);
        }
        let mut source = err.source();
        while let Some(cause) = source {
            self.said
                .push((what.to_owned(), format!("{cause} {cause:?}")));
            source = cause.source();
        }
    }

    #[track_caller]
    pub fn good<T: Debug>(&mut self, what: &str, result: Result<T>) -> T {
        match result {
            Ok(value) => {
                self.debug(what, &value);
                value
            }
            Err(err) => panic!("{what}: {err} {err:?}"),
        }
    }

    pub fn bad<T: Debug>(&mut self, what: &str, result: Result<T>) -> Option<Error> {
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

    /// All of it in lower case.
    fn whole(&self) -> String {
        let said = self.said.iter().map(|(_, said)| said.to_lowercase());
        said.collect::<Vec<_>>().join("\n")
    }

    /// Where a text was said, its letters' case aside.
    fn find(&self, text: &str) -> Vec<&(String, String)> {
        let text = text.to_lowercase();
        let said = self.said.iter();
        said.filter(|(_, said)| said.to_lowercase().contains(&text))
            .collect()
    }
}

/// What must not be said, and what it is.
fn secrets(requests: &[Request]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |what: &str, text: &str| {
        assert!(text.chars().count() >= 8, "too short to search for: {what}");
        all.push((what.to_owned(), text.to_owned()));
    };
    for pair in [keys::merchant(), keys::platform()] {
        let pem = pair.rsa.to_pkcs8_pem(LineEnding::LF).expect("PEM");
        for line in pem.lines().filter(|line| !line.starts_with('-')) {
            // The first bytes of all such keys are the same.
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
        ("in an answer", ANSWERED),
        ("in a notification", NOTIFIED),
        ("in a file", IN_FILE),
        ("a file's name", FILENAME),
        ("token of a download", TOKEN),
        ("password of a proxy", PROXY_PASSWORD),
        ("password of an archive", P12_PASSWORD),
        ("any signature", "signature=\""),
        ("any nonce", "nonce_str=\""),
    ] {
        add(what, text);
        // The beginning alone gives a person away too.
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
            let longest = [nonce, signature].map(|text| text.to_owned());
            for text in longest {
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

/// What was sent would be found if it were told.
fn control(secrets: &[(String, String)], requests: &[Request]) {
    let mut told = Told::default();
    for request in requests {
        // Of a large file the beginning says enough.
        let body = String::from_utf8_lossy(&request.body[..request.body.len().min(10_000)]);
        told.debug("control", &(&request.target, &request.headers, body));
    }
    let whole = told.whole();
    for (what, secret) in secrets {
        let sent = what.starts_with("in a ") && !what.ends_with("notification");
        if sent || what.starts_with("a nonce") || what.starts_with("a sign") {
            assert!(whole.contains(&secret.to_lowercase()), "{what}: {secret}");
        }
    }
}

#[test]
fn neither_logs_nor_errors_nor_debug_tell_a_secret_or_a_person() {
    if env::var_os(INSIDE).is_none() {
        let own = env::current_exe().expect("this program");
        let name = "secrets::neither_logs_nor_errors_nor_debug_tell_a_secret_or_a_person";
        let run = Command::new(own)
            .args(["--exact", name, "--nocapture"])
            .env(INSIDE, "1")
            .output()
            .expect("a second process");
        let out = String::from_utf8_lossy(&run.stdout);
        let err = String::from_utf8_lossy(&run.stderr);
        assert!(
            run.status.success() && out.contains("1 passed"),
            "{out}\n{err}"
        );
        return;
    }
    let lines = log::install();
    let mut told = Told::default();
    let mut requests = offline::run(&mut told);
    notifications::run(&mut told);
    requests.extend(calls::run(&mut told));
    requests.extend(unreachable::run(&mut told));
    tracing::trace!(secret = PLANTED, "the control");
    tracing::info_span!("control", secret = tracing::field::Empty).record("secret", PLANTED);

    let lines = lines.take();
    let (said, logged) = (told.said.len(), lines.len());
    let mut whose = lines
        .iter()
        .map(|(whose, _)| whose.as_str())
        .collect::<Vec<_>>();
    whose.sort_unstable();
    whose.dedup();
    println!("{whose:?}");
    println!("{said} texts, {logged} lines, {} requests", requests.len());
    told.said.extend(lines);

    assert!(told.unexpected.is_empty(), "{:#?}", told.unexpected);
    // What is searched can be found: in fields and in spans, and the run was one.
    assert_eq!(told.find(PLANTED).len(), 2, "the control is not found");
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
        assert!(!told.find(expected).is_empty(), "`{expected}` is not there");
    }
    assert!(
        said > 200 && logged > 500 && requests.len() > 60,
        "{said} {logged}"
    );
    let secrets = secrets(&requests);
    control(&secrets, &requests);

    let mut leaks = Vec::new();
    // Where a value is itself at fault it may be shown, and only by that error.
    for (what, text) in told.find(AT_FAULT) {
        if !what.starts_with("at fault") {
            leaks.push(format!("a value at fault in {what}: {text:.300}"));
        }
    }
    let whole = told.whole();
    for (what, secret) in secrets {
        if !whole.contains(&secret.to_lowercase()) {
            continue;
        }
        for (where_, text) in told.find(&secret) {
            leaks.push(format!("{what} ({secret}) in {where_}: {text:.300}"));
        }
    }
    assert!(
        leaks.is_empty(),
        "{} leaks\n{}",
        leaks.len(),
        leaks.join("\n")
    );
}
