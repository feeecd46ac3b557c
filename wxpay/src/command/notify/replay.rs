//! `wxpay replay ID`: sends a stored notification again, unchanged.

use std::path::PathBuf;

use serde_json::json;

use super::{
    forward::{self, Target},
    store::{Store, damaged},
    verdict::now,
};
use crate::{
    command::call::send::interruptible,
    exit::{Exit, Failure, Result},
    output::{Output, Style},
    text::{t, tf},
};

/// How old a timestamp may be, in seconds.
const MAX_AGE: u64 = 300;

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Exit codes: 4 if the receiver was not reached, 5 if it did not acknowledge.\n\n\
     Examples:\n  \
     wxpay replay last\n  \
     wxpay replay 20261129-163000-001 --forward-to http://127.0.0.1:3000/notify",
    "退出码: 4 未能连接接收方, 5 接收方未成功应答。\n\n\
     示例:\n  \
     wxpay replay last\n  \
     wxpay replay 20261129-163000-001 --forward-to http://127.0.0.1:3000/notify",
))]
pub(crate) struct Args {
    #[arg(value_name = "ID",
        help = t("ID or its beginning as `wxpay events` shows it, the notification's own, or `last`",
            "`wxpay events` 显示的ID或其开头, 通知自身的ID, 或 `last`"))]
    id: String,

    #[arg(long, value_name = "URL",
        help = t("Receiver [default: where it was forwarded]", "接收方 [默认: 当时转发的地址]"))]
    forward_to: Option<String>,

    #[arg(long, value_name = "FILE", env = "WXPAY_CA",
        help = t("Certificates to trust in TLS as well, PEM", "TLS中额外信任的CA证书, PEM"))]
    ca: Option<PathBuf>,

    #[arg(long, value_name = "DIR", env = "WXPAY_STORE", help = t("Folder of `wxpay listen`", "`wxpay listen` 的目录"))]
    store: Option<PathBuf>,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let record = Store::new(args.store)?.find(&args.id)?;
    let id = &record.id;
    let url = args.forward_to.as_ref().or(record.forward_to.as_ref());
    let url = url.ok_or_else(|| {
        Failure::usage(tf!(
            "notification {id} was not forwarded: say where with --forward-to URL",
            "通知 {id} 当时没有转发: 请用 --forward-to URL 指定接收方"
        ))
    })?;
    let target = Target::new(url, args.ca.as_deref())?;
    let message = record.message().ok_or_else(|| damaged(id))?;
    let age = message
        .timestamp()
        .map(|timestamp| now().saturating_sub(timestamp));
    let is_stale = age.is_some_and(|age| age > MAX_AGE);
    if is_stale {
        let minutes = age.unwrap_or_default() / 60;
        output.warn(tf!(
            "it was signed {minutes} minutes ago: a receiver refuses a timestamp that is older than 5 minutes. A sandbox signs a new one: `wxpay trigger`",
            "该通知签名于 {minutes} 分钟前: 接收方应拒绝超过5分钟的时间戳。如需新签名的通知, 请用沙箱: `wxpay trigger`"
        ));
    }
    let is_v2 = message.is_v2();
    let reply = interruptible(false, forward::send(&message, &target))?
        .map_err(|none| none.into_failure(&target))?;
    if output.is_json() {
        output.value(&json!({
            "id": id,
            "event": record.facts.event,
            "url": target.url(),
            "stale": is_stale,
            "reply": reply.json(is_v2),
        }));
    } else {
        let event = Style::Strong.paint(&record.facts.event);
        output.line(format!("{id}  {event}  {}", target.url()));
        reply.show(is_v2, output);
    }
    match reply.is_acknowledgement(is_v2) {
        true => Ok(()),
        false => Err(not_acknowledged()),
    }
}

/// The failure of a receiver that replied, and not as it should.
pub(super) fn not_acknowledged() -> Failure {
    Failure::new(
        Exit::Rejected,
        t(
            "the receiver did not acknowledge the notification",
            "接收方未成功应答该通知",
        ),
    )
}
