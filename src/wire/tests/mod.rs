//! The wire against servers and proxies written by hand on threads: no HTTP or TLS client code of
//! ours on the other side.

mod driving;
mod exactness;
mod exchange;
mod pooling;
mod proxies;
mod secure;
mod server;

use std::time::Duration;

use http::Method;

use super::{Failure, Incoming, Outgoing, Target, Transport, pool::Limits};

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

fn target(port: u16, path: &str) -> Target {
    Target {
        https: false,
        host: "127.0.0.1".to_owned(),
        port,
        path_and_query: path.to_owned(),
    }
}

fn get(port: u16, path: &str) -> Outgoing {
    let mut outgoing = Outgoing::new(Method::GET, target(port, path));
    outgoing.connect_timeout = Some(Duration::from_secs(5));
    outgoing
}

/// The body of a GET's answer.
async fn fetch(transport: &Transport, outgoing: Outgoing) -> Result<String, Failure> {
    let answer: Incoming = transport.send(outgoing).await?;
    let body = answer.body.collect(1 << 20).await.unwrap();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

/// Every cause, as a log would show it.
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
fn an_attempt_can_be_spawned() {
    fn is<T: Send + 'static>(_: T) {}
    let transport = transport();
    is(async move { fetch(&transport, get(1, "/")).await });
}
