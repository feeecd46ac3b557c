//! `wxpay doctor --error FILE`: a `SIGN_ERROR` taken apart, line by line.

mod compare;
mod message;

use std::path::Path;

use serde_json::{Value, json};

use self::{
    compare::Difference,
    message::{Line, Message},
};
use crate::{
    exit::{Failure, Result},
    input,
    output::{Output, Style},
    text::{t, tf},
};

pub(super) fn run(error: &Path, message: Option<&Path>, output: &Output) -> Result {
    let body = input::bytes(error).map_err(Failure::usage)?;
    let body: Value = serde_json::from_slice(&body).map_err(|err| {
        Failure::usage(tf!(
            "the response is not JSON: {err}",
            "应答不是JSON: {err}"
        ))
    })?;
    // The errors of this program have the response's below `error`.
    let body = body.get("error").unwrap_or(&body);
    let code = body["code"].as_str().unwrap_or_default();
    if code != "SIGN_ERROR" {
        return Err(Failure::usage(tf!(
            "the response is not a SIGN_ERROR, but `{code}`",
            "应答不是SIGN_ERROR, 而是 `{code}`"
        )));
    }
    let ours = message.map(input::bytes).transpose();
    let ours = ours.map_err(Failure::usage)?;
    let text = body["message"].as_str().unwrap_or_default();
    let Some(theirs) = Message::shown(body) else {
        return without_message(text, output);
    };
    let differences = ours.as_deref().map(|ours| theirs.compare(ours));
    if output.is_json() {
        output.value(&described(&theirs, differences.as_deref()));
        return Ok(());
    }
    output.line(t(
        "The message that WeChat Pay built from the request, which the signature must cover:",
        "微信支付根据请求构造的待签名串, 签名应与之对应:",
    ));
    for line in Line::ALL {
        let value = theirs.line(line);
        let label = Style::Name.paint(line.name());
        output.line(format!(
            "  {label}: {}",
            Value::from(String::from_utf8_lossy(value))
        ));
    }
    let length = theirs.length();
    output.line(tf!("  {length} bytes in all", "  共 {length} 字节"));
    output.line("");
    match differences {
        Some(differences) if differences.is_empty() => output.line(same()),
        Some(differences) => {
            for difference in differences {
                show(&difference, output);
            }
        }
        None => {
            for hint in theirs.hints() {
                output.line(format!("{} {hint}", Style::Warning.paint("!")));
            }
            output.line(t(
                "Compare it with the message that your program signs: write that to a file and add --message FILE.\n\
                 If they are the same, the private key does not belong to the serial.",
                "请与你的程序的待签名串比较: 将其写入文件, 并加上 --message FILE。\n\
                 如果两者相同, 则私钥与证书序列号不匹配。",
            ));
        }
    }
    Ok(())
}

fn same() -> &'static str {
    t(
        "The messages are the same: the private key does not belong to the serial, or the serial is another merchant's.",
        "两者相同: 私钥与证书序列号不匹配, 或序列号属于其他商户。",
    )
}

fn show(difference: &Difference, output: &Output) {
    let mark = Style::Error.paint("✗");
    let name = difference.line.name();
    output.line(tf!("{mark} the {name} differs", "{mark} {name}不一致"));
    let quoted = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes)).to_string();
    let (ours, theirs) = (quoted(&difference.ours), quoted(&difference.theirs));
    output.line(tf!("    yours:        {ours}", "    你的:     {ours}"));
    output.line(tf!("    WeChat Pay's: {theirs}", "    微信支付: {theirs}"));
    output.line(format!("    {}", difference.why));
}

fn described(theirs: &Message, differences: Option<&[Difference]>) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines: serde_json::Map<_, _> = Line::ALL
        .iter()
        .map(|line| (line.id().to_owned(), text(theirs.line(*line)).into()))
        .collect();
    let differences = differences.map(|differences| {
        let one = |difference: &Difference| {
            json!({
                "line": difference.line.id(),
                "ours": text(&difference.ours),
                "theirs": text(&difference.theirs),
                "why": difference.why,
            })
        };
        differences.iter().map(one).collect::<Vec<_>>()
    });
    json!({ "theirs": lines, "length": theirs.length(), "hints": theirs.hints(), "differences": differences })
}

/// Explains the refusals that come before the signature is looked at.
fn without_message(text: &str, output: &Output) -> Result {
    let why = [
        (
            "序列号",
            t(
                "the serial is not that of a valid certificate of this merchant: take it from apiclient_cert.pem",
                "序列号不是该商户有效证书的: 请从 apiclient_cert.pem 读取",
            ),
        ),
        (
            "timestamp",
            t(
                "the timestamp is more than 5 minutes off: check the clock, and that it is in seconds",
                "时间戳相差超过5分钟: 请检查时钟, 以及单位是否为秒",
            ),
        ),
        (
            "认证类型",
            t(
                "the Authorization header must begin with WECHATPAY2-SHA256-RSA2048 and a space",
                "Authorization头应以 WECHATPAY2-SHA256-RSA2048 加空格开头",
            ),
        ),
        (
            "格式",
            t(
                "the Authorization header must have mchid, nonce_str, timestamp, serial_no and signature, each in quotes, with commas between",
                "Authorization头应包含 mchid, nonce_str, timestamp, serial_no, signature, 各值加双引号, 以逗号分隔",
            ),
        ),
        (
            "商户号",
            t(
                "the mchid in the Authorization header is wrong",
                "Authorization头中的mchid有误",
            ),
        ),
    ];
    let why = why
        .into_iter()
        .find(|(word, _)| text.contains(word))
        .map(|(_, why)| why);
    let why = why.unwrap_or(t(
        "the response does not show the message that it expected",
        "应答中没有待签名串",
    ));
    if output.is_json() {
        output.value(&json!({ "message": text, "why": why }));
    } else {
        output.line(text);
        output.line(format!("{} {why}", Style::Error.paint("✗")));
    }
    Ok(())
}
