//! Bad input of every kind, in one table: what is said, what became of the request, and that
//! nothing was sent where nothing should be.

mod clients;
mod key_files;
mod options;
mod passwords;
mod paths;
mod responses;

use std::{error::Error as _, sync::Mutex};

use wechatpay_chain::{Chain, Client, Error, Method, Options, Outcome};

use crate::fixtures::{
    mode::{BOTH, runtime},
    server::{Reply, Server},
};

/// One row of the table.
pub struct Case {
    name: &'static str,
    /// Which `is_…` methods say yes.
    kinds: &'static [&'static str],
    /// What the error's text must hold.
    text: String,
    outcome: Outcome,
    input: Input,
}

enum Input {
    /// A key, a certificate or a client that is not made.
    Made(Box<dyn Fn() -> Error>),
    /// A call that is not sent, nor prepared.
    Call(Box<dyn Fn(&Server) -> Prepared>),
    /// A call that is sent, to this response.
    MockResponse(Method, Box<dyn Fn() -> Reply + Send + Sync>),
}

/// What a call is made of.
pub struct Prepared {
    chain: Chain,
    method: Method,
    options: Options,
    /// Whether `prepare` is refused too: not where only the sending is.
    prepares: bool,
}

pub fn made(
    name: &'static str,
    kinds: &'static [&'static str],
    text: impl Into<String>,
    make: impl Fn() -> Error + 'static,
) -> Case {
    Case {
        name,
        kinds,
        text: text.into(),
        outcome: Outcome::NotSent,
        input: Input::Made(Box::new(make)),
    }
}

/// A call that must be refused before anything is sent.
pub fn call<O: Into<Options>>(
    name: &'static str,
    text: impl Into<String>,
    method: Method,
    chain: impl Fn(&Client) -> Chain + 'static,
    options: impl Fn() -> O + 'static,
) -> Case {
    Case {
        name,
        kinds: &["request"],
        text: text.into(),
        outcome: Outcome::NotSent,
        input: Input::Call(Box::new(move |server| Prepared {
            chain: chain(&server.client()),
            method: method.clone(),
            options: options().into(),
            prepares: false,
        })),
    }
}

/// A call of another client that must be refused before anything is sent.
pub fn call_of(
    name: &'static str,
    kinds: &'static [&'static str],
    text: &str,
    prepares: bool,
    chain: impl Fn(&Server) -> Chain + 'static,
) -> Case {
    Case {
        name,
        kinds,
        text: text.to_owned(),
        outcome: Outcome::NotSent,
        input: Input::Call(Box::new(move |server| Prepared {
            chain: chain(server),
            method: Method::POST,
            options: Options::new(),
            prepares,
        })),
    }
}

/// A call that is answered in a way that is not taken.
pub fn answered<R: Into<Reply>>(
    name: &'static str,
    kinds: &'static [&'static str],
    outcome: Outcome,
    text: impl Into<String>,
    method: Method,
    response: impl Fn() -> R + Send + Sync + 'static,
) -> Case {
    Case {
        name,
        kinds,
        text: text.into(),
        outcome,
        input: Input::MockResponse(method, Box::new(move || response().into())),
    }
}

/// Nothing of these may stand in any error, however it is shown.
const SECRETS: [&str; 4] = [
    "hunter2",
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkG",
    "13800138000",
    "fedcba98765",
];

fn kinds(err: &Error) -> Vec<&'static str> {
    [
        ("config", err.is_config()),
        ("key", err.is_key()),
        ("request", err.is_request()),
        ("sign", err.is_signing()),
        ("connect", err.is_connect()),
        ("transport", err.is_transport()),
        ("timeout", err.is_timeout()),
        ("too_large", err.is_too_large()),
        ("signature", err.is_verification()),
        ("probe", err.is_probe()),
        ("clock_skew", err.is_clock_skew()),
        ("api", err.is_api()),
        ("decode", err.is_decode()),
        ("decrypt", err.is_decrypt()),
        ("file", err.is_file()),
    ]
    .into_iter()
    .filter_map(|(name, is)| is.then_some(name))
    .collect()
}

impl Case {
    /// What came of it, in both modes and by `prepare`.
    fn run(&self) -> Vec<Result<(), Error>> {
        match &self.input {
            Input::Made(make) => vec![Err(make())],
            Input::Call(prepared) => {
                let server = Server::always_ok();
                let mut ends = Vec::from(BOTH.map(|mode| {
                    let call = prepared(&server);
                    mode.send(&call.chain, &call.method, call.options).map(drop)
                }));
                let call = prepared(&server);
                if !call.prepares {
                    let twin = call
                        .chain
                        .prepare_async(call.method.clone(), call.options.clone());
                    ends.push(call.chain.prepare(call.method, call.options).map(drop));
                    ends.push(runtime().block_on(twin).map(drop));
                }
                assert_eq!(server.connections(), 0, "{}: was connected", self.name);
                ends
            }
            Input::MockResponse(method, response) => Vec::from(BOTH.map(|mode| {
                let reply = Mutex::new(Some(response()));
                let server =
                    Server::start(move |_| reply.lock().unwrap().take().expect("one request"));
                let end = mode.send(&server.client().chain("v3/answered"), method, ());
                assert_eq!(server.requests().len(), 1, "{}", self.name);
                end.map(drop)
            })),
        }
    }

    fn check(&self, end: Result<(), Error>) -> Result<(), String> {
        let err = &end.err().ok_or("is taken")?;
        let text = err.to_string();
        let mut all = format!("{text}\n{err:?}");
        let mut source = err.source();
        while let Some(cause) = source {
            all.push_str(&format!("\n{cause}\n{cause:?}"));
            source = cause.source();
        }
        if let Some(secret) = SECRETS.iter().find(|secret| all.contains(**secret)) {
            return Err(format!("tells the secret {secret}"));
        }
        if !text.contains(&self.text) {
            return Err(format!("says {text:?}, not {:?}", self.text));
        }
        if kinds(err) != self.kinds {
            return Err(format!("is {:?}, not {:?}", kinds(err), self.kinds));
        }
        if err.outcome() != self.outcome {
            return Err(format!("is {:?}, not {:?}", err.outcome(), self.outcome));
        }
        Ok(())
    }
}

#[test]
fn bad_input_is_refused_with_a_reason_and_nothing_is_sent() {
    let cases = [
        key_files::cases(),
        clients::cases(),
        paths::cases(),
        options::cases(),
        responses::cases(),
    ];
    let cases = cases.into_iter().flatten().collect::<Vec<_>>();
    let mut failed = Vec::new();
    for case in &cases {
        for end in case.run() {
            if let Err(what) = case.check(end) {
                failed.push(format!("{}: {what}", case.name));
            }
        }
    }
    println!("bad input: {} cases", cases.len());
    assert!(cases.len() >= 70, "only {}", cases.len());
    failed.dedup();
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
