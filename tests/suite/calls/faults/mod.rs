//! Faults between a client and WeChat Pay, produced by real servers, and the expected result of each
//! call.

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

/// A fault and its expected results.
struct Fault {
    /// Its name in the printed table.
    name: &'static str,
    host: Box<dyn Fn() -> Host + Send + Sync>,
    get: Observation,
    post: Observation,
}

/// How a call ended, and how many requests arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Observation {
    ending: Ending,
    arrived: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// A verified response.
    Success,
    /// An error: its predicate `is_…` and its outcome.
    Failure(&'static str, Outcome),
    /// Any of these errors. Whether a byte left the client is a race that the test cannot decide.
    AnyOf(&'static [(&'static str, Outcome)]),
}

impl Observation {
    fn allows(self, actual: Self) -> bool {
        let same_ending = match (self.ending, actual.ending) {
            (Ending::AnyOf(all), Ending::Failure(kind, outcome)) => all.contains(&(kind, outcome)),
            (expected, actual) => expected == actual,
        };
        same_ending && self.arrived == actual.arrived
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match self.ending {
            Ending::Success => "success".to_owned(),
            Ending::Failure(kind, outcome) => format!("{kind}, {outcome:?}"),
            Ending::AnyOf(all) => format!("one of {all:?}"),
        };
        write!(f, "{ending:<24} {}", self.arrived)
    }
}

/// Returns the name of the error's predicate, the narrowest if several hold.
fn kind(err: &Error) -> &'static str {
    let kinds = [
        (err.is_probe(), "probe"),
        (err.is_clock_skew(), "clock_skew"),
        (err.is_verification(), "verification"),
        (err.is_connect(), "connect"),
        (err.is_timeout(), "timeout"),
        (err.is_transport(), "transport"),
        (err.is_too_large(), "too_large"),
        (err.is_api(), "api"),
    ];
    kinds
        .iter()
        .find_map(|(is, name)| is.then_some(*name))
        .unwrap_or("other")
}

fn ending(result: &Result<Response>) -> Ending {
    match result {
        Ok(response) => {
            assert!(response.verification().is_verified(), "{response:?}");
            Ending::Success
        }
        Err(err) => Ending::Failure(kind(err), err.outcome()),
    }
}

/// One row of the printed table.
struct Row {
    name: &'static str,
    method: Method,
    mode: Mode,
    expected: Observation,
    actual: Observation,
    /// The invariant that the call violates, independent of the expected result.
    violation: Option<String>,
}

impl Row {
    fn is_wrong(&self) -> bool {
        !self.expected.allows(self.actual) || self.violation.is_some()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = format!("{:?}", self.mode).to_lowercase();
        write!(
            f,
            "{:<36} {:<5} {mode:<9} {}",
            self.name,
            self.method.as_str(),
            self.actual
        )?;
        if self.is_wrong() {
            write!(f, "  <- expected: {}", self.expected)?;
        }
        match &self.violation {
            Some(violation) => write!(f, " {violation}"),
            None => Ok(()),
        }
    }
}

fn run(fault: &Fault, method: &Method, mode: Mode) -> Row {
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
        mode.send(&chain, method, options())
            .expect("a verified response");
    }
    host.ready();
    let result = mode.send(&chain, method, options());
    let expected = match *method {
        Method::GET => fault.get,
        _ => fault.post,
    };
    let actual = Observation {
        ending: ending(&result),
        arrived: host.arrived(expected.arrived),
    };
    Row {
        name: fault.name,
        method: method.clone(),
        mode,
        expected,
        violation: violation(method, &result, actual),
        actual,
    }
}

/// Checks the invariants that hold for every fault. Returns the first violation.
fn violation(method: &Method, result: &Result<Response>, actual: Observation) -> Option<String> {
    let Err(err) = result else {
        return (actual.arrived != 1)
            .then(|| "a successful call must arrive exactly once".to_owned());
    };
    let rules = [
        (
            method == Method::POST && actual.arrived > 1 && err.outcome() == Outcome::Unknown,
            "a write with an unknown outcome was repeated",
        ),
        (
            err.outcome() == Outcome::NotSent && actual.arrived > 0,
            "a request that arrived has the outcome NotSent",
        ),
        (err.attempts() > 3, "more attempts than the policy allows"),
        (err.attempts() == 0, "the error counts no attempts"),
        (
            err.is_api() != err.api().is_some(),
            "the API error is missing",
        ),
        (
            err.is_verification() && err.unverified_body().is_none(),
            "the unverified body is missing",
        ),
    ];
    rules
        .iter()
        .find_map(|(violated, rule)| violated.then(|| format!("{rule}: {err:?}")))
}

#[test]
fn each_fault_has_its_expected_outcome() {
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
    let expected = calls.len();
    calls.reverse();
    let calls = Mutex::new(calls);
    let rows = Mutex::new(Vec::new());
    let next = || calls.lock().unwrap_or_else(PoisonError::into_inner).pop();
    // The calls mostly wait, so many run in parallel.
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some((fault, method, mode)) = next() {
                    let row = run(fault, &method, mode);
                    rows.lock().expect("the rows").push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("the rows");
    rows.sort_by_key(|row| {
        let position = faults.iter().position(|fault| fault.name == row.name);
        (
            position,
            row.method == Method::POST,
            row.mode == Mode::Async,
        )
    });

    println!(
        "{:<36} {:<5} {:<9} {:<24} arrived",
        "fault", "verb", "mode", "outcome"
    );
    for row in &rows {
        println!("{row}");
    }
    assert_eq!(rows.len(), expected);
    let wrong = rows.iter().filter(|row| row.is_wrong());
    let wrong = wrong.map(Row::to_string).collect::<Vec<_>>();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
