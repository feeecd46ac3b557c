//! The endpoints of a running sandbox, under `/_sandbox/v1/`.

use std::{env, io, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::{
    Agent, Body,
    http::{HeaderValue, Response},
};

use crate::{
    exit::{Exit, Failure, Result, unknown},
    text::{reason, t, tf},
};

/// The token of a sandbox that other machines reach.
const TOKEN: &str = "WXPAY_SANDBOX_TOKEN";

/// Asks a sandbox for something.
pub(crate) fn get<T: DeserializeOwned>(url: &str, path: &str) -> Result<T> {
    let request = agent().get(address(url, path));
    let response = request.header("Authorization", token()?).call();
    read(url, response.map_err(|err| unreached(url, err))?)
}

/// Tells a sandbox to do something, and returns its answer.
pub(crate) fn post(url: &str, path: &str, body: &Value) -> Result<Value> {
    let request = agent().post(address(url, path));
    let response = request.header("Authorization", token()?).send_json(body);
    let response = response.map_err(|err| match is_not_sent(&err) {
        true => unreached(url, err),
        false => Failure::new(
            Exit::Unknown,
            tf!(
                "no answer from the sandbox at {url}: {err}",
                "沙箱 {url} 没有应答: {err}"
            ),
        )
        .with_advice(unknown()),
    });
    read(url, response?)
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(30)))
        .proxy(None)
        .build();
    Agent::new_with_config(config)
}

fn address(url: &str, path: &str) -> String {
    format!("{}/_sandbox/v1/{path}", url.trim_end_matches('/'))
}

fn token() -> Result<HeaderValue> {
    let token = env::var_os(TOKEN).unwrap_or_default();
    let token = token.to_str().map(|token| format!("Bearer {token}"));
    let token = token.and_then(|token| HeaderValue::try_from(token).ok());
    token.ok_or_else(|| {
        Failure::configuration(tf!(
            "{TOKEN} has a line break or another character that a token cannot have",
            "{TOKEN} 含有换行或其他不允许的字符"
        ))
    })
}

/// Returns whether nothing was sent, for certain.
fn is_not_sent(err: &ureq::Error) -> bool {
    use ureq::{Error, Timeout};

    match err {
        Error::BadUri(_) | Error::Http(_) | Error::HostNotFound | Error::ConnectionFailed => true,
        Error::Timeout(timeout) => matches!(timeout, Timeout::Resolve | Timeout::Connect),
        Error::Io(err) => err.kind() == io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

fn read<T: DeserializeOwned>(url: &str, mut response: Response<Body>) -> Result<T> {
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
