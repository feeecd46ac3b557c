//! The same call in both kinds of verb, so that a test's body is written once.

use std::{sync::OnceLock, thread};

use tokio::runtime::Runtime;
use wechatpay_chain::{Chain, Method, Options, Response, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Blocking,
    Async,
}

pub const BOTH: [Mode; 2] = [Mode::Blocking, Mode::Async];

impl Mode {
    pub fn send(
        self,
        chain: &Chain,
        method: &Method,
        options: impl Into<Options>,
    ) -> Result<Response> {
        let verb = method.as_str();
        match self {
            Self::Blocking => match verb {
                "GET" => chain.get(options),
                "PUT" => chain.put(options),
                "POST" => chain.post(options),
                "PATCH" => chain.patch(options),
                "DELETE" => chain.delete(options),
                _ => panic!("no verb {verb}"),
            },
            Self::Async => runtime().block_on(match verb {
                "GET" => chain.get_async(options),
                "PUT" => chain.put_async(options),
                "POST" => chain.post_async(options),
                "PATCH" => chain.patch_async(options),
                "DELETE" => chain.delete_async(options),
                _ => panic!("no verb {verb}"),
            }),
        }
    }

    pub fn get(self, chain: &Chain, options: impl Into<Options>) -> Result<Response> {
        self.send(chain, &Method::GET, options)
    }

    pub fn post(self, chain: &Chain, options: impl Into<Options>) -> Result<Response> {
        self.send(chain, &Method::POST, options)
    }
}

/// Runs a test with each case in both modes, all at once: for tests that wait for time to pass.
pub fn at_once<T: Sync>(cases: &[T], test: impl Fn(Mode, &T) + Sync) {
    thread::scope(|scope| {
        for case in cases {
            for mode in BOTH {
                let test = &test;
                scope.spawn(move || test(mode, case));
            }
        }
    });
}

/// The runtime that the tests' async verbs run on.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}
