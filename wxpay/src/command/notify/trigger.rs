//! `wxpay trigger EVENT`: has a sandbox send a documented notification, and shows the delivery.

use std::{
    thread,
    time::{Duration, Instant},
};

use clap_complete::ArgValueCompleter;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    documented, forward::show_reply, message::excerpt, replay::not_acknowledged, resource,
};
use crate::{
    command::{control, documents::api, setup::complete},
    exit::{Exit, Failure, Result},
    output::{Output, Style},
    settings::SANDBOX,
    text::{t, tf},
};

/// How long a receiver may take by WeChat Pay's rules, and the sandbox to find a free place.
const MAX_WAIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(30);

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Fields that are left out get plausible values.\n\
     Exit codes: 4 if the receiver was not reached, 5 if it did not acknowledge.\n\n\
     Examples:\n  \
     wxpay trigger TRANSACTION.SUCCESS -f out_trade_no=tea-0001 -f amount.total=100\n  \
     wxpay trigger REFUND.SUCCESS --url http://127.0.0.1:3000/notify\n  \
     wxpay trigger v2/transaction-success\n  \
     wxpay trigger --list",
    "未给出的字段自动填写合理的值。退出码: 4 未能连接接收方, 5 接收方未成功应答。\n\n\
     示例:\n  \
     wxpay trigger TRANSACTION.SUCCESS -f out_trade_no=tea-0001 -f amount.total=100\n  \
     wxpay trigger REFUND.SUCCESS --url http://127.0.0.1:3000/notify\n  \
     wxpay trigger v2/transaction-success\n  \
     wxpay trigger --list",
))]
pub(crate) struct Args {
    #[arg(value_name = "EVENT", add = ArgValueCompleter::new(complete::events), required_unless_present = "list",
        help = t("Event type, or the name of its page, such as REFUND.SUCCESS", "事件类型或文档页名, 如 REFUND.SUCCESS"))]
    event: Option<String>,

    #[arg(short, long = "field", value_name = "KEY=VALUE", add = ArgValueCompleter::new(complete::event_fields),
        help = t("Field of the decrypted content, such as amount.total=1; KEY:=JSON for any JSON",
            "解密后内容中的字段, 如 amount.total=1; 字段:=JSON 可写任意JSON"))]
    fields: Vec<String>,

    #[arg(long, value_name = "URL",
        help = t("Receiver [default: where the sandbox sends this event, as to `wxpay listen --sandbox`]",
            "接收方 [默认: 沙箱发送该事件的地址, 如 `wxpay listen --sandbox`]"))]
    url: Option<String>,

    #[arg(long, value_name = "ID", env = "WXPAY_MCHID",
        help = t("Merchant that gets it [default: the first of the sandbox]", "接收通知的商户 [默认: 沙箱的第一个商户]"))]
    mchid: Option<String>,

    #[arg(long, value_name = "URL", env = "WXPAY_SANDBOX", num_args = 0..=1, default_missing_value = SANDBOX,
        default_value = SANDBOX, require_equals = true, help = t("Sandbox that sends it", "发送通知的沙箱"))]
    sandbox: String,

    #[arg(long, conflicts_with_all = ["event", "fields", "url"], help = t("List the documented events", "列出文档中的事件"))]
    list: bool,
}

/// The parts of a delivery that are shown.
#[derive(Deserialize)]
struct Delivery {
    id: String,
    event_type: String,
    url: String,
    state: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
struct Attempt {
    status: Option<u16>,
    #[serde(default)]
    body: String,
    took_ms: u64,
    error: Option<String>,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let Some(event) = args.event.as_deref().filter(|_| !args.list) else {
        return api::events("", output);
    };
    let (event, name) = documented::find(event)?;
    let mut content = Map::new();
    for field in &args.fields {
        resource::add(&mut content, field, &event)?;
    }
    let mut body = json!({ "event_type": name, "resource": content });
    if let Some(url) = &args.url {
        body["url"] = url.as_str().into();
    }
    let path = match &args.mchid {
        Some(mchid) => format!("notifications?mchid={mchid}"),
        None => "notifications".to_owned(),
    };
    let sent = control::post(&args.sandbox, &path, &body).map_err(no_url)?;
    let sent = delivered(&args.sandbox, sent)?;
    let delivery = read(&args.sandbox, &sent)?;
    if output.is_json() {
        output.value(&sent);
    } else {
        show(&delivery, event.name(), output);
    }
    judge(&delivery)
}

/// Adds what to do if the sandbox does not know where to send.
fn no_url(failure: Failure) -> Failure {
    match failure.exit {
        Exit::Rejected => failure.with_advice(t(
            "--url says where it goes; `wxpay listen --sandbox` has all notifications sent to itself.",
            "--url 指定接收方; `wxpay listen --sandbox` 会接收沙箱的所有通知。",
        )),
        _ => failure,
    }
}

/// Waits for the first attempt.
fn delivered(sandbox: &str, mut sent: Value) -> Result<Value> {
    let id = sent["id"].as_str().unwrap_or_default();
    let path = format!("notifications/{id}");
    let started = Instant::now();
    loop {
        let is_waiting = sent["state"] == "waiting";
        let has_attempts = sent["attempts"].as_array().is_some_and(|it| !it.is_empty());
        if !is_waiting || has_attempts || started.elapsed() > MAX_WAIT {
            return Ok(sent);
        }
        thread::sleep(PAUSE);
        sent = control::get(sandbox, &path)?;
    }
}

fn read(sandbox: &str, sent: &Value) -> Result<Delivery> {
    Delivery::deserialize(sent).map_err(|err| {
        Failure::local(tf!(
            "{sandbox} does not answer as a sandbox does: {err}",
            "{sandbox} 的应答不是来自沙箱: {err}"
        ))
    })
}

fn show(delivery: &Delivery, name: &str, output: &Output) {
    let event = match &*delivery.event_type {
        "" => name,
        event => event,
    };
    let event = Style::Strong.paint(excerpt(event, 64));
    output.line(format!("{event}  {}  {}", delivery.id, delivery.url));
    let is_acknowledged = delivery.state == "acknowledged";
    for attempt in &delivery.attempts {
        let took = attempt.took_ms;
        match (attempt.status, &attempt.error) {
            (Some(status), _) => show_reply(status, &attempt.body, took, is_acknowledged, output),
            (None, error) => {
                let error = excerpt(error.as_deref().unwrap_or("?"), 300);
                output.line(format!("  → {}", Style::Error.paint(error)));
            }
        }
    }
}

/// Returns the failure of a notification that did not arrive, or was not acknowledged.
fn judge(delivery: &Delivery) -> Result {
    let last = delivery.attempts.last();
    let state = &delivery.state;
    match (&**state, last) {
        ("acknowledged", _) => Ok(()),
        (
            _,
            Some(Attempt {
                status: Some(_), ..
            }),
        ) => Err(not_acknowledged()),
        (_, Some(attempt)) if attempt.error.as_deref() == Some("timeout") => Err(Failure::new(
            Exit::Unknown,
            t(
                "the receiver took more than 5 seconds",
                "接收方超过5秒未应答",
            ),
        )),
        _ => {
            let reason = [
                &delivery.error,
                &last.and_then(|attempt| attempt.error.clone()),
            ]
            .into_iter()
            .flatten()
            .next()
            .unwrap_or(state)
            .clone();
            Err(Failure::new(
                Exit::NotSent,
                tf!("not delivered: {reason}", "未送达: {reason}"),
            ))
        }
    }
}
