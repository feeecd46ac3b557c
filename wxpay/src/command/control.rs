//! The endpoints of a running sandbox, under `/_sandbox/v1/`.

use std::{env, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::Agent;

use crate::{
    exit::{Exit, Failure, Result},
    text::{reason, t, tf},
};

/// The token of a sandbox that other machines reach.
const TOKEN: &str = "WXPAY_SANDBOX_TOKEN";

/// Asks a sandbox for something.
pub(crate) fn get<T: DeserializeOwned>(url: &str, path: &str) -> Result<T> {
    read(
        url,
        agent()
            .get(address(url, path))
            .header("Authorization", token())
            .call(),
    )
}

/// Tells a sandbox to do something, and returns its answer.
pub(crate) fn post(url: &str, path: &str, body: &Value) -> Result<Value> {
    let request = agent()
        .post(address(url, path))
        .header("Authorization", token());
    read(url, request.send_json(body))
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .proxy(None)
        .build();
    Agent::new_with_config(config)
}

fn address(url: &str, path: &str) -> String {
    format!("{}/_sandbox/v1/{path}", url.trim_end_matches('/'))
}

fn token() -> String {
    format!("Bearer {}", env::var(TOKEN).unwrap_or_default())
}

fn read<T: DeserializeOwned>(
    url: &str,
    response: std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<T> {
    let mut response = response.map_err(|err| unreached(url, err))?;
    let status = response.status();
    let not_json = |err: ureq::Error| {
        Failure::local(tf!(
            "{url} does not answer as a sandbox does: {err}",
            "{url} 的应答不是来自沙箱: {err}"
        ))
    };
    if status.is_success() {
        return response.body_mut().read_json().map_err(not_json);
    }
    let body: Value = response.body_mut().read_json().map_err(not_json)?;
    let message = body["message"].as_str().unwrap_or_default();
    Err(Failure::new(
        Exit::Rejected,
        tf!(
            "the sandbox: {status}: {message}",
            "沙箱: {status}: {message}"
        ),
    ))
}

fn unreached(url: &str, err: ureq::Error) -> Failure {
    let why = match err {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            return Failure::usage(tf!(
                "invalid URL of a sandbox {url}: expected http://HOST:PORT",
                "沙箱的URL {url} 无效: 应为 http://主机:端口"
            ));
        }
        ureq::Error::Io(err) => reason(&err),
        other => other.to_string(),
    };
    let message = tf!("no sandbox at {url}: {why}", "{url} 没有沙箱: {why}");
    Failure::new(Exit::NotSent, message).with_advice(t(
        "Start one with `wxpay sandbox`.",
        "请用 `wxpay sandbox` 启动沙箱。",
    ))
}
