//! `wxpay listen`: receives notifications on this machine, verifies them, shows them, and forwards them.

mod handle;
mod server;
mod show;

use std::{net::Ipv4Addr, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use self::{
    handle::{Handler, Seen},
    show::Totals,
};
use super::{forward::Target, receiver, store::Store};
use crate::{
    command::{call::send::on_runtime, control},
    exit::{Failure, Result},
    output::{Output, Style},
    settings::Source,
    signals::Interruption,
    text::{reason, t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "WeChat Pay reaches this machine through a tunnel only, whose URL is then the notify_url of your orders. A \
     sandbox on this machine needs none.\n\n\
     Examples:\n  \
     wxpay listen --sandbox --forward-to http://127.0.0.1:3000/notify\n  \
     wxpay listen --forward-to http://127.0.0.1:3000 --verbose\n  \
     wxpay listen --count 1 --json",
    "微信支付须经内网穿透才能访问本机, 下单时的notify_url应填穿透后的公网地址; 本机的沙箱可直接访问。\n\n\
     示例:\n  \
     wxpay listen --sandbox --forward-to http://127.0.0.1:3000/notify\n  \
     wxpay listen --forward-to http://127.0.0.1:3000 --verbose\n  \
     wxpay listen --count 1 --json",
))]
pub(crate) struct Args {
    #[arg(long, value_name = "PORT", default_value_t = 8081,
        help = t("Port on 127.0.0.1; 0 for any free one", "127.0.0.1上的端口; 0表示任意空闲端口"))]
    port: u16,

    #[arg(long, value_name = "URL",
        help = t("Receiver of what verifies, unchanged; its response goes back to the sender. Without a path, the notification's is kept",
            "接收方: 验签通过的通知原样转发到此URL, 其应答返回给发送方; URL不带路径时保留原路径"))]
    forward_to: Option<String>,

    #[arg(long, requires = "forward_to",
        help = t("Forward what does not verify, too, as a receiver on the internet gets it",
            "同时转发未通过验签的请求, 如同公网上的接收方"))]
    forward_unverified: bool,

    #[arg(short, long, help = t("Print the decrypted content", "输出解密后的内容"))]
    verbose: bool,

    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..),
        help = t("End after so many notifications", "收到N条通知后结束"))]
    count: Option<u64>,

    #[arg(long, value_name = "DIR", env = "WXPAY_STORE",
        help = t("Folder that keeps the latest 1000 [default: wxpay/notifications in XDG_STATE_HOME]",
            "保存最近1000条通知的目录 [默认: XDG_STATE_HOME下的wxpay/notifications]"))]
    store: Option<PathBuf>,

    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let notifications = receiver::notifications(&args.source)?;
    let ca = args.source.settings()?.ca;
    let target = args
        .forward_to
        .as_deref()
        .map(|url| Target::new(url, ca.as_deref()))
        .transpose()?;
    let store = Store::new(args.store.clone())?;
    store.create()?;
    let handler = Handler {
        notifications,
        target,
        forwards_unverified: args.forward_unverified,
        store,
    };
    on_runtime(listen(&args, handler, output))?
}

async fn listen(args: &Args, handler: Handler, output: &Output) -> Result {
    let port = args.port;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.map_err(|err| {
        let why = reason(&err);
        Failure::local(tf!(
            "cannot listen on port {port}: {why}",
            "无法监听端口 {port}: {why}"
        ))
        .with_advice(t(
            "--port 0 takes any free one.",
            "--port 0 使用任意空闲端口。",
        ))
    })?;
    let interruption = Interruption::new();
    let address = listener.local_addr().map_err(Failure::local)?;
    let url = format!("http://{address}/");
    let redirection = tokio::select! {
        redirection = Redirection::of(args.source.sandbox.as_deref(), &url, output) => redirection?,
        () = interruption.arrived() => return Ok(()),
    };
    greet(&url, &handler, args, output);

    // Bounded: if nobody reads what is printed, senders wait.
    let (seen, mut arrived) = mpsc::channel(16);
    let mut server = server::Server::new(listener, Arc::new(handler), seen);
    let mut totals = Totals::default();
    let mut show = |seen: &Seen| {
        totals.add(seen);
        show::seen(seen, args.verbose, output);
        let is_enough = args.count.is_some_and(|count| totals.all() >= count);
        is_enough || output.is_unheard()
    };
    let is_enough = loop {
        tokio::select! {
            () = interruption.arrived() => break false,
            Some(seen) = arrived.recv() => {
                if show(&seen) {
                    break true;
                }
            }
            () = server.accept() => {}
        }
    };
    if is_enough {
        arrived.close();
    }
    // Those that are being answered get their response.
    let mut ending = std::pin::pin!(server.end());
    loop {
        tokio::select! {
            () = &mut ending => break,
            Some(seen) = arrived.recv(), if !is_enough => {
                show(&seen);
            }
        }
    }
    while let (false, Ok(seen)) = (is_enough, arrived.try_recv()) {
        show(&seen);
    }
    redirection.end(output).await;
    totals.show(output);
    Ok(())
}

fn greet(url: &str, handler: &Handler, args: &Args, output: &Output) {
    let target = handler.target.as_ref().map(Target::url);
    if output.is_json() {
        output.value(&json!({ "type": "listening", "url": url, "forward_to": target }));
        return;
    }
    let shown = Style::Strong.paint(url);
    output.note(tf!("Listening at {shown}", "正在监听 {shown}"));
    if let Some(target) = target {
        output.note(tf!(
            "Forwarding what verifies to {target}",
            "验签通过的通知转发到 {target}"
        ));
    }
    if let Some(sandbox) = &args.source.sandbox {
        output.note(tf!(
            "The sandbox at {sandbox} sends all its notifications here",
            "沙箱 {sandbox} 的所有通知都发送到这里"
        ));
    }
    output.note(Style::Faint.paint(t("Ctrl-C ends it", "按 Ctrl-C 结束")));
}

/// The notifications of a sandbox, which come here as long as this runs.
struct Redirection {
    sandbox: Option<String>,
    url: String,
}

const REDIRECT: &str = "notifications/redirect";

impl Redirection {
    async fn of(sandbox: Option<&str>, url: &str, output: &Output) -> Result<Self> {
        let redirection = Self {
            sandbox: sandbox.map(str::to_owned),
            url: url.to_owned(),
        };
        let before = redirection.post(json!({ "url": url })).await?;
        if let Some(other) = before["before"].as_str() {
            output.warn(tf!(
                "the sandbox sent its notifications to {other} so far: they no longer arrive there",
                "沙箱的通知此前发送到 {other}: 那里不再收到通知"
            ));
        }
        Ok(redirection)
    }

    async fn end(self, output: &Output) {
        // Another `listen` may have them by now.
        if let Err(failure) = self.post(json!({ "from": self.url })).await {
            output.warn(&failure.message);
        }
    }

    async fn post(&self, body: Value) -> Result<Value> {
        let Some(sandbox) = self.sandbox.clone() else {
            return Ok(Value::Null);
        };
        let asked = tokio::task::spawn_blocking(move || control::post(&sandbox, REDIRECT, &body));
        asked.await.map_err(Failure::local)?
    }
}
