//! `wxpay events`: the notifications that arrived, and those that are documented.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{
    store::{Record, Store},
    verdict::words,
};
use crate::{
    command::documents::api,
    exit::Result,
    output::Output,
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Examples:\n  \
     wxpay events                          what `wxpay listen` kept\n  \
     wxpay events tea-0001                 by number, event, ID or verdict\n  \
     wxpay events --documented refund      documented events, with their fields if it is one",
    "示例:\n  \
     wxpay events                          `wxpay listen` 保存的通知\n  \
     wxpay events tea-0001                 按单号、事件、ID或结果查找\n  \
     wxpay events --documented refund      文档中的事件; 只有一个时列出字段",
))]
pub(crate) struct Args {
    #[arg(value_name = "QUERY", help = t("Part of a number, an event or an ID", "单号、事件或ID的一部分"))]
    query: Option<String>,

    #[arg(long, help = t("List the documented notifications and their fields", "列出文档中的通知及其字段"))]
    documented: bool,

    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "documented", value_parser = clap::value_parser!(u32).range(1..),
        help = t("Print the latest N at most", "最多输出最近N条"))]
    limit: u32,

    #[arg(long, value_name = "DIR", env = "WXPAY_STORE", help = t("Folder of `wxpay listen`", "`wxpay listen` 的目录"))]
    store: Option<PathBuf>,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let query = args.query.unwrap_or_default();
    if args.documented {
        return api::events(&query, output);
    }
    let store = Store::new(args.store)?;
    let mut records = store.list();
    records.retain(|record| record.matches(&query));
    let over = records.len().saturating_sub(args.limit as usize);
    let shown = &records[over..];
    if output.is_json() {
        output.value(&shown.iter().map(value).collect());
        return Ok(());
    }
    if shown.is_empty() {
        let folder = store.folder().display();
        output.note(tf!(
            "No notifications in {folder}. `wxpay listen` keeps those that arrive.",
            "{folder} 中没有通知。`wxpay listen` 会保存收到的通知。"
        ));
        return Ok(());
    }
    let head = [
        t("ID", "ID"),
        t("Event", "事件"),
        t("Number", "单号"),
        t("Amount", "金额"),
        t("Result", "结果"),
    ];
    let rows: Vec<_> = shown.iter().map(row).collect();
    output.table(&head, &rows);
    if over > 0 {
        output.note(tf!(
            "{over} older ones: --limit shows more",
            "另有 {over} 条更早的通知: 用 --limit 显示更多"
        ));
    }
    Ok(())
}

fn row(record: &Record) -> Vec<String> {
    let facts = &record.facts;
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        record.id.clone(),
        facts.event.clone(),
        optional(&facts.number),
        optional(&facts.amount),
        words(&record.verdict).to_owned(),
    ]
}

fn value(record: &Record) -> Value {
    let facts = &record.facts;
    json!({
        "id": record.id,
        "received": record.time(),
        "verdict": record.verdict,
        "event": facts.event,
        "notification_id": facts.notification_id,
        "mchid": facts.mchid,
        "number": facts.number,
        "amount": facts.amount,
        "forward_to": record.forward_to,
    })
}
