//! What a call prints: the response, or with `--dry-run` the request.

use serde_json::{Map, Value, json};
use wechatpay_chain::{
    Client, PreparedRequest, Response,
    http::{HeaderMap, HeaderName, HeaderValue},
};

use super::{Args, Call};
use crate::{
    exit::Result,
    output::{Output, Style},
    settings::Settings,
    text::{t, tf},
};

/// Prints the request and the message that is signed.
pub(super) fn dry_run(call: &Call, settings: &Settings, output: &Output) -> Result {
    let request = call.chain.prepare(call.method.clone(), &call.options)?;
    let message = message(&request, settings);
    let headers = shown(request.headers());
    let body = String::from_utf8_lossy(request.body());
    if output.is_json() {
        output.value(&json!({
            "method": request.method().as_str(),
            "url": request.url(),
            "headers": headers,
            "body": body,
            "message": message,
        }));
        return Ok(());
    }
    output.line(format!(
        "{} {}",
        Style::Strong.paint(request.method()),
        request.url()
    ));
    for (name, value) in &headers {
        let name = Style::Name.paint(name);
        output.line(format!("{name}: {}", value.as_str().unwrap_or_default()));
    }
    output.line("");
    if !body.is_empty() {
        output.line(&body);
        output.line("");
    }
    if let Some(message) = message {
        output.note(Style::Faint.paint(t("The message that is signed:", "待签名串:")));
        output.line(&message);
    }
    Ok(())
}

/// Returns the message that is signed, by the rules of the request's API version.
fn message(request: &PreparedRequest, settings: &Settings) -> Option<String> {
    match request.headers().get("authorization") {
        Some(authorization) => v3_message(request, authorization.to_str().ok()?),
        None => v2_message(request.body(), settings),
    }
}

fn v3_message(request: &PreparedRequest, authorization: &str) -> Option<String> {
    let value = |name: &str| {
        let rest = authorization.split_once(&format!("{name}=\""))?.1;
        Some(rest.split_once('"')?.0)
    };
    let url = request.url();
    let after_scheme = url.split_once("://")?.1;
    let path = after_scheme
        .find('/')
        .map_or("/", |slash| &after_scheme[slash..]);
    Some(format!(
        "{}\n{path}\n{}\n{}\n{}\n",
        request.method(),
        value("timestamp")?,
        value("nonce_str")?,
        String::from_utf8_lossy(request.body()),
    ))
}

/// The fields in order, with a place for the key, which is a secret.
fn v2_message(body: &[u8], settings: &Settings) -> Option<String> {
    settings.apiv2_key.as_ref()?;
    let document = roxmltree::Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let root = document.root_element();
    let mut fields: Vec<(&str, &str)> = root
        .children()
        .filter(|node| node.is_element() && node.tag_name().name() != "sign")
        .filter_map(|node| Some((node.tag_name().name(), node.text()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    fields.sort_unstable();
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}&"))
        .collect();
    Some(format!("{}key=********", fields.concat()))
}

/// Returns headers as JSON.
fn shown(headers: &HeaderMap) -> Map<String, Value> {
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.to_string(), value.into())
    };
    headers.iter().map(shown).collect()
}

/// Prints a response.
pub(super) fn response(
    response: &Response,
    call: &Call,
    client: &Client,
    args: &Args,
    output: &Output,
) -> Result {
    let value = value(response, call, client, args)?;
    let verification = response.verification();
    if output.is_json() {
        let headers = shown(response.headers());
        let body = value.or_else(|| response.text().ok().map(Value::from));
        output.value(&json!({
            "status": response.status().as_u16(),
            "request_id": response.request_id(),
            "verified": verification.is_verified(),
            "serial": verification.serial(),
            "headers": headers,
            "body": body,
            "file": response.file().map(|file| file.path().display().to_string()),
        }));
        return Ok(());
    }
    if args.include {
        output.line(Style::Strong.paint(response.status()));
        for (name, value) in response.headers() {
            let name = Style::Name.paint(name);
            output.line(format!(
                "{name}: {}",
                String::from_utf8_lossy(value.as_bytes())
            ));
        }
        output.line("");
    }
    if let Some(file) = response.file() {
        let (path, length) = (file.path().display(), file.len());
        output.note(tf!("{path}: {length} bytes", "{path}: {length} 字节"));
    } else if response.bytes().is_empty() {
        output.note(Style::Good.paint(response.status()));
    } else if let Some(value) = value.filter(|_| output.is_for_people() || args.decrypt) {
        output.value(&value);
    } else {
        // A program that reads gets the bytes that were verified.
        output.bytes(response.bytes());
    }
    if !verification.is_verified() {
        output.warn(t(
            "the response is not signed, as documented",
            "应答没有签名, 与文档一致",
        ));
    }
    Ok(())
}

/// Returns the response's body as JSON, if it is JSON or XML.
fn value(response: &Response, call: &Call, client: &Client, args: &Args) -> Result<Option<Value>> {
    if response.file().is_some() || response.bytes().is_empty() {
        return Ok(None);
    }
    // One operation of APIv2 answers with JSON.
    let xml = call
        .chain
        .template()
        .starts_with("v2/")
        .then(|| response.xml().ok())
        .flatten();
    let value = xml.map(Value::Object).or_else(|| response.json().ok());
    let Some(mut value) = value else {
        return Ok(None);
    };
    if args.decrypt
        && let Some(operation) = call.operation
    {
        client.decrypt_documented(operation, &mut value)?;
    }
    Ok(Some(value))
}
