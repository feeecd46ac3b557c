//! The inspector: the request log over HTTP, and one exchange taken apart.

mod apiv2;
mod exchange;
mod keys;
mod lines;
mod requests;
mod steps;

use serde_json::Value;
use wechatpay_chain::sandbox::{MerchantOptions, Sandbox};

use super::{call, events, merchant, ok, prepay, send_to, started};
use crate::sandbox::openssl_client::{OpensslClient, RawRequest};

/// Returns the rows or requests of a list.
fn list(sandbox: &Sandbox, query: &str) -> Vec<Value> {
    let answer = ok(sandbox, "GET", &format!("requests?{query}"), &Value::Null);
    answer["data"].as_array().unwrap().clone()
}

/// Returns the latest request, taken apart.
fn latest(sandbox: &Sandbox) -> Value {
    let id = &list(sandbox, "limit=1&brief=true")[0]["id"];
    ok(sandbox, "GET", &format!("requests/{id}"), &Value::Null)
}

fn client() -> Option<OpensslClient> {
    let sandbox = Sandbox::builder()
        .brand("40000001")
        .merchant(MerchantOptions::new("1900000111"))
        .start()
        .unwrap();
    OpensslClient::of(sandbox)
}

/// Returns how the sandbox took the latest request's signature apart.
fn inspected(sandbox: &Sandbox) -> Value {
    latest(sandbox)["signature"].clone()
}

/// Returns the steps that failed, or were not taken.
fn failed(signature: &Value) -> Vec<&str> {
    let steps = signature["steps"].as_array().unwrap().iter();
    let failed = steps.filter(|step| step["ok"] == false);
    failed.map(|step| step["name"].as_str().unwrap()).collect()
}

fn header(request: &RawRequest, signature: &str) -> String {
    format!(
        "{} mchid=\"{}\",nonce_str=\"{}\",signature=\"{signature}\",timestamp=\"{}\",serial_no=\"{}\"",
        request.scheme, request.mchid, request.nonce, request.timestamp, request.serial
    )
}
