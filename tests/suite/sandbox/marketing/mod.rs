//! Coupons of WeChat Pay and of merchants.

mod busifavor;
mod favor;

use serde_json::{Map, Value};
use wechatpay_chain::{Client, Method, Options, Result, catalog};

use super::documented::every_operation::differences;

/// Calls an operation, and compares a JSON response with its table.
fn call(client: &Client, op: &str, options: impl Into<Options>) -> Result<Value> {
    let (method, template) = op.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let response = client.chain(template).request(method.clone(), options)?;
    assert_eq!(response.headers()["sandbox-answer"], "stateful", "{op}");
    if response.status() == 204 {
        return Ok(Value::Null);
    }
    let body: Map<String, Value> = response.json()?;
    let documented = catalog::find(&method, template).unwrap_or_else(|| panic!("{op}"));
    let wrong = differences(&body, documented.response(), true, "");
    assert!(wrong.is_empty(), "{op}: {}", wrong.join("; "));
    Ok(body.into())
}

/// Returns the status and the code of a refusal, and its message.
fn refusal(result: Result<Value>) -> (u16, String, String) {
    let err = result.expect_err("refused");
    let api = err.api().unwrap_or_else(|| panic!("{err}"));
    let text = |text: &str| text.to_owned();
    (api.status().as_u16(), text(api.code()), text(api.message()))
}
