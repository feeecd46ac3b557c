//! The wire against servers and proxies that are written out on plain threads: nothing on the other
//! side shares code with it.

mod exactness;
mod exchange;
#[cfg(all(feature = "platform-verifier", target_os = "linux"))]
mod platform_verifier;
mod pool;
mod proxy;
mod runtimes;
mod server;
mod tls;

use std::time::Duration;

use http::{HeaderMap, Method};

use super::{Body, Destination, Failure, Incoming, Progress, Transport, pool::Limits, request};
use crate::protocol::url::host::Origin;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn two_workers() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn transport() -> Transport {
    Transport::builder().no_proxy().build().unwrap()
}

fn idle_for(idle: Duration) -> Transport {
    let limits = Limits {
        idle,
        ..Limits::default()
    };
    Transport::builder()
        .no_proxy()
        .limits(limits)
        .build()
        .unwrap()
}

/// An attempt whose parts can still be changed.
struct Attempt {
    method: Method,
    path_and_query: String,
    headers: HeaderMap,
    body: Body,
    destination: Destination,
    progress: Progress,
}

impl Attempt {
    /// Returns an attempt over plain http to a port of this machine, without headers and body.
    fn new(method: Method, port: u16, path_and_query: &str) -> Self {
        Self {
            method,
            path_and_query: path_and_query.to_owned(),
            headers: HeaderMap::new(),
            body: Body::empty(),
            destination: Destination {
                origin: origin(port),
                identity: None,
                connect_timeout: None,
                fresh_connection: false,
            },
            progress: Progress::default(),
        }
    }
}

fn origin(port: u16) -> Origin {
    Origin {
        https: false,
        host: "127.0.0.1".to_owned(),
        port,
    }
}

fn get(port: u16, path: &str) -> Attempt {
    let mut attempt = Attempt::new(Method::GET, port, path);
    attempt.destination.connect_timeout = Some(Duration::from_secs(5));
    attempt
}

async fn send(transport: &Transport, attempt: Attempt) -> Result<Incoming, Failure> {
    let request = request(
        attempt.method,
        &attempt.path_and_query,
        attempt.headers,
        attempt.body,
    )?;
    transport
        .send(request, attempt.destination, attempt.progress)
        .await
}

/// Returns the body of a response.
async fn fetch(transport: &Transport, attempt: Attempt) -> Result<String, Failure> {
    let response = send(transport, attempt).await?;
    let body = response.body.collect(1 << 20).await.unwrap();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

/// Returns an error with all its sources, as a log shows it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += ": ";
        text += &cause.to_string();
        source = cause.source();
    }
    text
}

#[test]
fn attempt_can_be_spawned() {
    fn is<T: Send + 'static>(_: T) {}
    let transport = transport();
    is(async move { fetch(&transport, get(1, "/")).await });
}
