//! Coupons of WeChat Pay and of merchants.

mod busifavor;
mod favor;

use serde_json::Value;
use wechatpay_chain::{Client, Method, Options, Result};

use super::agreements::check_response;

/// Calls an operation, and compares a JSON response with its table.
fn call(client: &Client, op: &str, options: impl Into<Options>) -> Result<Value> {
    let (method, template) = op.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let response = client.chain(template).request(method, options)?;
    assert_eq!(response.headers()["sandbox-answer"], "stateful", "{op}");
    if response.status() == 204 {
        return Ok(Value::Null);
    }
    let body: Value = response.json()?;
    check_response(op, &body);
    Ok(body)
}

/// Returns the status and the code of a refusal, and its message.
fn refusal(result: Result<Value>) -> (u16, String, String) {
    let err = result.expect_err("refused");
    let api = err.api().unwrap_or_else(|| panic!("{err}"));
    let text = |text: &str| text.to_owned();
    (api.status().as_u16(), text(api.code()), text(api.message()))
}
