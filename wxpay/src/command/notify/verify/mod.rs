//! `wxpay verify FILE`: whether a notification in a file is genuine, and what it says.

mod parse;

use std::path::{Path, PathBuf};

use wechatpay_chain::{Notifications, Verification};

use self::parse::Given;
use super::{
    facts::Facts,
    message::Message,
    receiver,
    store::{Store, damaged},
    verdict::{Verdict, When},
};
use crate::{
    command::call::send::interruptible,
    exit::{Failure, Result},
    input::{self, STANDARD_INPUT},
    output::{Output, Style},
    settings::Source,
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Exit code 7 if it is not verified.\n\n\
     Examples:\n  \
     wxpay verify request.http                     headers, an empty line and the body\n  \
     wxpay verify body.json --headers headers.txt\n  \
     wxpay verify refund.xml                       APIv2 needs no headers\n  \
     wxpay verify last                             the latest one that `wxpay listen` kept",
    "未通过验签时退出码为7。\n\n\
     示例:\n  \
     wxpay verify request.http                     请求头、空行和报文主体\n  \
     wxpay verify body.json --headers headers.txt\n  \
     wxpay verify refund.xml                       APIv2不需要请求头\n  \
     wxpay verify last                             `wxpay listen` 最近保存的一条",
))]
pub(crate) struct Args {
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath,
        help = t("Raw HTTP request, or its body; `-` for standard input; or the ID of a stored notification",
            "原始HTTP请求, 或其报文主体; `-` 表示标准输入; 或已保存通知的ID"))]
    file: String,

    #[arg(long, value_name = "FILE",
        help = t("Headers of the request: lines `Name: value`, or a JSON object", "请求头: 每行 `名称: 值`, 或JSON对象"))]
    headers: Option<PathBuf>,

    #[arg(long, help = t("Accept an old timestamp, which a receiver refuses after 5 minutes",
        "接受过期的时间戳, 接收方应拒绝超过5分钟的时间戳"))]
    any_age: bool,

    #[arg(long, value_name = "DIR", env = "WXPAY_STORE", help = t("Folder of `wxpay listen`", "`wxpay listen` 的目录"))]
    store: Option<PathBuf>,

    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let notifications = receiver::notifications(&args.source)?;
    let given = given(&args)?;
    let when = match (given.received, args.any_age) {
        (_, true) => given.message.timestamp().map_or(When::Now, When::At),
        (Some(received), false) => When::At(received),
        (None, false) => When::Now,
    };
    let verdict = interruptible(true, verify(&given.message, &notifications, when))?;
    show(&verdict, output);
    match verdict.0.into_failure() {
        None => Ok(()),
        Some(failure) => Err(failure),
    }
}

/// A verdict, and whether a line break was cut off the end first.
struct Verified(Verdict, bool);

async fn verify(message: &Message, by: &Notifications, when: When) -> Verified {
    let verdict = Verdict::of(message, by, when).await;
    let without = message
        .body
        .strip_suffix(b"\n")
        .map(|body| body.strip_suffix(b"\r").unwrap_or(body));
    // Editors end a file with a line break, which was never signed.
    if let (false, Some(body)) = (verdict.is_verified(), without) {
        let message = Message {
            body: message.body.slice_ref(body),
            ..message.clone()
        };
        let second = Verdict::of(&message, by, when).await;
        if second.is_verified() {
            return Verified(second, true);
        }
    }
    Verified(verdict, false)
}

fn show(Verified(verdict, is_cut): &Verified, output: &Output) {
    let Ok(notification) = &verdict.opened else {
        return;
    };
    if *is_cut {
        output.warn(t(
            "the file ends with a line break that was not sent; without it, the signature is right",
            "文件末尾的换行不是原始报文的一部分; 去掉后验签通过",
        ));
    }
    if output.is_json() {
        return output.value(&verdict.json());
    }
    let Facts {
        event,
        number,
        amount,
        ..
    } = &verdict.facts;
    let facts = [Some(event), number.as_ref(), amount.as_ref()];
    let facts: Vec<_> = facts.into_iter().flatten().map(String::as_str).collect();
    let how = match notification.verification() {
        Verification::DocumentedUnsigned => t(
            "decrypted with the APIv2 key; it has no signature, as documented",
            "已用APIv2密钥解密; 文档规定该通知没有签名",
        )
        .to_owned(),
        verification => {
            let serial = verification.serial().unwrap_or_default();
            tf!("verified with {serial}", "验签通过: {serial}")
        }
    };
    output.note(format!("{}  {}", Style::Good.paint(how), facts.join("  ")));
    output.value(notification.resource_json());
}

/// Reads what the arguments name.
fn given(args: &Args) -> Result<Given> {
    let headers = args.headers.as_deref().map(input::bytes).transpose();
    let headers = headers.map_err(Failure::usage)?;
    let path = Path::new(&args.file);
    if args.file != STANDARD_INPUT
        && !path.exists()
        && headers.is_none()
        && !looks_like_a_file(&args.file)
    {
        let record = Store::new(args.store.clone())?.find(&args.file)?;
        return parse::stored(&record).ok_or_else(|| damaged(&record.id));
    }
    let bytes = input::bytes(path).map_err(Failure::usage)?;
    parse::parse(bytes, headers.as_deref())
}

/// Returns whether this is the name of a file that is not there, rather than an ID.
fn looks_like_a_file(name: &str) -> bool {
    name.contains(['/', '\\', '.'])
}
