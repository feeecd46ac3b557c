//! What can go wrong between a client and WeChat Pay, done by real servers, and what each kind of
//! call makes of it.

mod hosts;
mod table;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use wechatpay_chain::{Error, Method, Options, Outcome, Response, Result, RetryPolicy};

use crate::fixtures::{
    keys,
    mode::{BOTH, Mode},
};
use hosts::Host;

/// A fault, and what it must come to.
struct Fault {
    name: &'static str,
    host: Box<dyn Fn() -> Host + Send + Sync>,
    get: End,
    post: End,
}

/// What a call ended in, and how often its request arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
struct End {
    what: What,
    arrived: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A verified answer.
    Good,
    /// The error's `is_…`, and what became of the request.
    Bad(&'static str, Outcome),
    /// Any of these: whether a byte left is a race that the test cannot decide.
    Either(&'static [(&'static str, Outcome)]),
}

impl End {
    fn is(self, seen: Self) -> bool {
        let what = match (self.what, seen.what) {
            (What::Either(all), What::Bad(kind, outcome)) => all.contains(&(kind, outcome)),
            (due, seen) => due == seen,
        };
        what && self.arrived == seen.arrived
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Good => "good".to_owned(),
            What::Bad(kind, outcome) => format!("{kind}, {outcome:?}"),
            What::Either(all) => format!("one of {all:?}"),
        };
        write!(f, "{what:<24} {}", self.arrived)
    }
}

/// The name of the predicate that holds. Of those that overlap, the narrower one.
fn kind(err: &Error) -> &'static str {
    let kinds = [
        (err.is_probe(), "probe"),
        (err.is_clock_skew(), "clock_skew"),
        (err.is_verification(), "signature"),
        (err.is_connect(), "connect"),
        (err.is_timeout(), "timeout"),
        (err.is_transport(), "transport"),
        (err.is_too_large(), "too_large"),
        (err.is_api(), "api"),
    ];
    kinds
        .iter()
        .find_map(|(is, name)| is.then_some(*name))
        .unwrap_or("another")
}

fn what(asked: &Result<Response>) -> What {
    match asked {
        Ok(response) => {
            assert!(response.verification().is_verified(), "{response:?}");
            What::Good
        }
        Err(err) => What::Bad(kind(err), err.outcome()),
    }
}

/// One line of the table.
struct Line {
    name: &'static str,
    method: Method,
    mode: Mode,
    due: End,
    seen: End,
    /// What of it is wrong whatever the table says.
    wrong: Option<String>,
}

impl Line {
    fn is_wrong(&self) -> bool {
        !self.due.is(self.seen) || self.wrong.is_some()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = format!("{:?}", self.mode).to_lowercase();
        write!(
            f,
            "{:<36} {:<5} {mode:<9} {}",
            self.name,
            self.method.as_str(),
            self.seen
        )?;
        if self.is_wrong() {
            write!(f, "  <- due: {}", self.due)?;
        }
        match &self.wrong {
            Some(wrong) => write!(f, " {wrong}"),
            None => Ok(()),
        }
    }
}

fn run(fault: &Fault, method: &Method, mode: Mode) -> Line {
    let host = (fault.host)();
    let client = host
        .builder()
        .timeout(host.timeout)
        .connect_timeout(host.connect_timeout)
        .max_response(256 * 1024)
        .retry(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)))
        .build()
        .expect("a client");
    let chain = client.chain("v3/fault/{number}");
    let options = || {
        let options = Options::new()
            .var("number", "N1")
            .allow_redirects(host.redirects);
        match *method {
            Method::GET => options,
            _ => options.body(vec![b'x'; host.body]),
        }
    };
    for _ in 0..host.before {
        mode.send(&chain, method, options()).expect("a good answer");
    }
    host.ready();
    let asked = mode.send(&chain, method, options());
    let due = match *method {
        Method::GET => fault.get,
        _ => fault.post,
    };
    let seen = End {
        what: what(&asked),
        arrived: host.arrived(due.arrived),
    };
    Line {
        name: fault.name,
        method: method.clone(),
        mode,
        due,
        wrong: wrong(method, &asked, seen),
        seen,
    }
}

/// What must hold of every fault there is.
fn wrong(method: &Method, asked: &Result<Response>, seen: End) -> Option<String> {
    let Err(err) = asked else {
        return (seen.arrived != 1).then(|| "a good call arrives once".to_owned());
    };
    let laws = [
        (
            method == Method::POST && seen.arrived > 1 && err.outcome() == Outcome::Unknown,
            "a write of unknown outcome was repeated",
        ),
        (
            err.outcome() == Outcome::NotSent && seen.arrived > 0,
            "what arrived is called not sent",
        ),
        (err.attempts() > 3, "more attempts than the policy allows"),
        (err.attempts() == 0, "the attempts are not told"),
        (
            err.is_api() != err.api().is_some(),
            "the API's own error is not there",
        ),
        (
            err.is_verification() && err.unverified_body().is_none(),
            "what did not verify is not kept for diagnosis",
        ),
    ];
    laws.iter()
        .find_map(|(broken, law)| broken.then(|| format!("{law}: {err:?}")))
}

#[test]
fn every_fault_has_its_outcome_and_no_write_is_repeated_blindly() {
    let faults = table::faults();
    let names = faults.iter().map(|fault| fault.name);
    assert_eq!(names.collect::<BTreeSet<_>>().len(), faults.len());
    assert!(faults.len() >= 30, "{} faults", faults.len());
    keys::platform();
    keys::merchant();

    let mut calls = Vec::new();
    for fault in &faults {
        for method in [Method::GET, Method::POST] {
            calls.extend(BOTH.map(|mode| (fault, method.clone(), mode)));
        }
    }
    let due = calls.len();
    calls.reverse();
    let calls = Mutex::new(calls);
    let lines = Mutex::new(Vec::new());
    let next = || calls.lock().unwrap_or_else(PoisonError::into_inner).pop();
    // Most of the time goes by in waiting.
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some((fault, method, mode)) = next() {
                    let line = run(fault, &method, mode);
                    lines.lock().expect("the lines").push(line);
                }
            });
        }
    });
    let mut lines = lines.into_inner().expect("the lines");
    lines.sort_by_key(|line| {
        let place = faults.iter().position(|fault| fault.name == line.name);
        (place, line.method == Method::POST, line.mode == Mode::Async)
    });

    println!(
        "{:<36} {:<5} {:<9} {:<24} arrived",
        "fault", "verb", "mode", "outcome"
    );
    for line in &lines {
        println!("{line}");
    }
    assert_eq!(lines.len(), due);
    let wrong = lines.iter().filter(|line| line.is_wrong());
    let wrong = wrong.map(Line::to_string).collect::<Vec<_>>();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
