//! `wxpay sign`: a message, or the Authorization header of a request that another program sends.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use wechatpay_chain::{Client, Method, Options};

use super::argument;
use crate::{
    exit::{Failure, Result},
    output::{Output, Style},
    settings::Source,
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "A message is signed byte by byte, with its last line break.\n\n\
     Examples:\n  \
     printf 'GET\\n/v3/certificates\\n1554208460\\n593BEC0C930BF1AF\\n\\n' | wxpay sign\n  \
     curl -H \"$(wxpay sign --url $URL)\" -H 'Accept: application/json' -A curl $URL\n  \
     wxpay sign --method POST --url /v3/pay/transactions/native --body order.json",
    "报文逐字节签名, 包括末尾的换行。\n\n\
     示例:\n  \
     printf 'GET\\n/v3/certificates\\n1554208460\\n593BEC0C930BF1AF\\n\\n' | wxpay sign\n  \
     curl -H \"$(wxpay sign --url $URL)\" -H 'Accept: application/json' -A curl $URL\n  \
     wxpay sign --method POST --url /v3/pay/transactions/native --body order.json",
))]
pub(crate) struct Args {
    #[arg(value_name = "FILE", default_value = "-", conflicts_with_all = ["method", "url", "body"],
        help = t("File with the message; - for standard input", "待签名串所在文件; - 表示标准输入"))]
    message: PathBuf,

    #[arg(long, value_name = "METHOD", requires = "url", help = t("Method of the request [default: GET, with a body POST]",
        "请求方法 [默认: GET, 有报文主体时为POST]"))]
    method: Option<Method>,

    #[arg(long, value_name = "URL", help = t("Print the Authorization header of a request to this URL or path, with its query",
        "输出该URL或路径 (含查询参数) 的Authorization请求头"))]
    url: Option<String>,

    #[arg(long, value_name = "FILE", requires = "url", help = t("File with the request's body; - for standard input",
        "请求报文主体所在文件; - 表示标准输入"))]
    body: Option<PathBuf>,

    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let (client, _) = args.source.client()?;
    if let Some(url) = &args.url {
        return header(url, &args, &client, output);
    }
    let message = argument::file(&args.message, output)?;
    let signature = client.sign(&message)?;
    let text = STANDARD.encode(signature.bytes());
    if output.is_json() {
        output.value(&json!({ "signature": text, "serial": signature.serial() }));
        return Ok(());
    }
    output.line(text);
    output.note(format!(
        "{} {}",
        Style::Faint.paint(t("serial:", "证书序列号:")),
        signature.serial()
    ));
    Ok(())
}

/// Prints the header. Only the path and the query of the URL are signed, so any host will do.
fn header(url: &str, args: &Args, client: &Client, output: &Output) -> Result {
    let path = path(url)?;
    if path.starts_with("v2/") {
        return Err(Failure::usage(t(
            "a request of APIv2 is signed in its body: `wxpay post PATH --dry-run` shows it",
            "APIv2请求的签名在报文主体中: 请用 `wxpay post PATH --dry-run` 查看",
        )));
    }
    let body = args
        .body
        .as_deref()
        .map(|path| argument::file(path, output))
        .transpose()?;
    let method = match (&args.method, &body) {
        (Some(method), _) => method.clone(),
        (None, None) => Method::GET,
        (None, Some(_)) => Method::POST,
    };
    let mut options = Options::new().var("path", path);
    if let Some(body) = body {
        options = options.body(body);
    }
    let request = client.chain("{+path}").prepare(method, options)?;
    let value = request.headers().get("authorization");
    let value = value.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let value = value.unwrap_or_default();
    match output.is_json() {
        true => output.value(&json!({ "url": request.url(), "authorization": value })),
        false => output.line(format!("Authorization: {value}")),
    }
    if !request.url().ends_with(path) {
        let url = request.url();
        output.warn(tf!(
            "the signature is for {url}: send exactly that",
            "签名对应的URL为 {url}: 请按此发送"
        ));
    }
    Ok(())
}

/// Returns the path and the query of a URL.
fn path(url: &str) -> Result<&str> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => url,
    };
    let path = path.trim_start_matches('/');
    match path.is_empty() {
        false => Ok(path),
        true => Err(Failure::usage(tf!("{url} has no path", "{url} 没有路径"))),
    }
}
