//! Invalid input of every kind in one table: the error's kind, text and outcome, and that nothing is
//! sent that should not be.

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
    /// The `is_…` methods that return true.
    kinds: &'static [&'static str],
    /// A part of the error's text.
    text: String,
    outcome: Outcome,
    input: Input,
}

enum Input {
    /// A key, a certificate or a client that cannot be created.
    Value(Box<dyn Fn() -> Error>),
    /// A call that must be refused before anything is sent.
    Call(Box<dyn Fn(&Server) -> CallParts>),
    /// A call that is sent and gets this reply.
    Reply(Method, Box<dyn Fn() -> Reply + Send + Sync>),
}

/// The parts of a call.
pub struct CallParts {
    chain: Chain,
    method: Method,
    options: Options,
    /// Whether `prepare` succeeds, because only sending is refused.
    prepares: bool,
}

/// A key, a certificate or a client that cannot be created.
pub fn value(
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
        input: Input::Value(Box::new(make)),
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
        input: Input::Call(Box::new(move |server| CallParts {
            chain: chain(&server.client()),
            method: method.clone(),
            options: options().into(),
            prepares: false,
        })),
    }
}

/// Like [`call`], with a client and an error kind of the case's choice.
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
        input: Input::Call(Box::new(move |server| CallParts {
            chain: chain(server),
            method: Method::POST,
            options: Options::new(),
            prepares,
        })),
    }
}

/// A call whose response must be refused.
pub fn reply<R: Into<Reply>>(
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
        input: Input::Reply(method, Box::new(move || response().into())),
    }
}

/// No error may contain any of these, in any format.
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
        ("signing", err.is_signing()),
        ("connect", err.is_connect()),
        ("transport", err.is_transport()),
        ("timeout", err.is_timeout()),
        ("too_large", err.is_too_large()),
        ("verification", err.is_verification()),
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
    /// Runs the case in both modes and with `prepare`, and returns the results.
    fn run(&self) -> Vec<Result<(), Error>> {
        match &self.input {
            Input::Value(make) => vec![Err(make())],
            Input::Call(prepared) => {
                let server = Server::always_ok();
                let mut results = Vec::from(BOTH.map(|mode| {
                    let call = prepared(&server);
                    mode.send(&call.chain, &call.method, call.options).map(drop)
                }));
                let call = prepared(&server);
                if !call.prepares {
                    let asynchronous = call
                        .chain
                        .prepare_async(call.method.clone(), call.options.clone());
                    results.push(call.chain.prepare(call.method, call.options).map(drop));
                    results.push(runtime().block_on(asynchronous).map(drop));
                }
                assert_eq!(
                    server.connections(),
                    0,
                    "{}: a connection was made",
                    self.name
                );
                results
            }
            Input::Reply(method, response) => Vec::from(BOTH.map(|mode| {
                let reply = Mutex::new(Some(response()));
                let server =
                    Server::start(move |_| reply.lock().unwrap().take().expect("one request"));
                let result = mode.send(&server.client().chain("v3/x"), method, ());
                assert_eq!(server.requests().len(), 1, "{}", self.name);
                result.map(drop)
            })),
        }
    }

    fn check(&self, result: Result<(), Error>) -> Result<(), String> {
        let err = &result.err().ok_or("is accepted")?;
        let text = err.to_string();
        let mut all = format!("{text}\n{err:?}");
        let mut source = err.source();
        while let Some(cause) = source {
            all.push_str(&format!("\n{cause}\n{cause:?}"));
            source = cause.source();
        }
        if let Some(secret) = SECRETS.iter().find(|secret| all.contains(**secret)) {
            return Err(format!("shows the secret {secret}"));
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
fn invalid_input_is_refused_with_a_reason() {
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
        for result in case.run() {
            if let Err(what) = case.check(result) {
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
