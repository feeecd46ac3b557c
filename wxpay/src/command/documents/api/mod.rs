//! `wxpay api QUERY`: searches what WeChat Pay documents, and shows its pages.

mod events;
mod page;
mod sample;
mod search;
mod value;

use clap_complete::ArgValueCompleter;
use serde_json::Value;
use wechatpay_chain::catalog::{self, Event};

use self::search::Hit;
use super::subject::{self, Subject};
use crate::{
    command::setup::complete,
    exit::{Failure, Result},
    output::{Output, Style},
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Examples:\n  \
     wxpay api v3/pay/transactions/native     the page of one operation\n  \
     wxpay api 退款 查询                       operations with both words in their path, title or fields\n  \
     wxpay api profit_sharing                 operations with this field\n  \
     wxpay api POST refund                    only one method\n  \
     wxpay api REFUND.SUCCESS                 the page of a notification\n  \
     wxpay api --events payscore              notifications",
    "示例:\n  \
     wxpay api v3/pay/transactions/native     一个接口的说明\n  \
     wxpay api 退款 查询                       路径、标题或字段中含这两个词的接口\n  \
     wxpay api profit_sharing                 含该字段的接口\n  \
     wxpay api POST refund                    只看一种方法\n  \
     wxpay api REFUND.SUCCESS                 一种通知的说明\n  \
     wxpay api --events payscore              通知",
))]
pub(crate) struct Args {
    #[arg(value_name = "QUERY", add = ArgValueCompleter::new(complete::pages), required_unless_present = "events",
        help = t("Path, words of a title, or field names; all must fit", "路径、标题中的词或字段名; 须全部符合"))]
    query: Vec<String>,

    #[arg(long, help = t("Search the notifications", "搜索通知"))]
    events: bool,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let words: Vec<String> = args
        .query
        .iter()
        .flat_map(|word| word.split_whitespace())
        .map(str::to_owned)
        .collect();
    if args.events {
        return find_events(&words, output);
    }
    let mut hits: Vec<Hit> = subject::named(&words).into_iter().map(Hit::of).collect();
    if hits.is_empty() {
        hits = search::operations(&words);
    }
    found(&hits, || nothing(&words), output)
}

/// Shows the documented notification of a name, or lists those with it in theirs. `v2/…` and `v3/…` tell those
/// of equal names apart.
pub(crate) fn events(query: &str, output: &Output) -> Result {
    let words = query.split(|c: char| c == '/' || c.is_whitespace());
    let words: Vec<_> = words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    find_events(&words, output)
}

fn find_events(words: &[String], output: &Output) -> Result {
    match subject::named(words)[..] {
        [subject @ Subject::Event(_)] => {
            show(&subject, output);
            Ok(())
        }
        _ => found(
            &search::events(words),
            || nothing_among_events(words),
            output,
        ),
    }
}

/// Shows a single page, or lists several.
fn found(hits: &[Hit], nothing: impl FnOnce() -> Failure, output: &Output) -> Result {
    match hits {
        [] => return Err(nothing()),
        [hit] => show(&hit.subject, output),
        hits => list(hits, output),
    }
    Ok(())
}

fn show(subject: &Subject, output: &Output) {
    match output.is_json() {
        true => output.value(&value::page(subject)),
        false => page::print(subject, output),
    }
}

/// Prints one line for each hit.
fn list(hits: &[Hit], output: &Output) {
    if output.is_json() {
        return output.value(&hits.iter().map(value::hit).collect::<Value>());
    }
    let keys: Vec<(String, String)> = hits.iter().map(|hit| hit.subject.columns()).collect();
    let width = |column: fn(&(String, String)) -> &String| {
        keys.iter().map(|key| column(key).len()).max().unwrap_or(0)
    };
    let (first, second) = (width(|key| &key.0), width(|key| &key.1));
    for (hit, (kind, name)) in hits.iter().zip(&keys) {
        let title = match hit.subject {
            Subject::Operation(operation) => operation.title().to_owned(),
            Subject::Event(event) => types_of(&event),
        };
        let rest = match hit.fields.is_empty() {
            true => title,
            false => format!("{title}  {}", Style::Faint.paint(hit.fields.join(" "))),
        };
        // No line ends in spaces.
        output.line(match rest.is_empty() {
            true => format!("{kind:first$}  {}", Style::Name.paint(name)),
            false => {
                let name = Style::Name.paint(format!("{name:second$}"));
                format!("{kind:first$}  {name}  {rest}")
            }
        });
    }
    let number = hits.len();
    output.note(Style::Faint.paint(tf!(
        "{number} found; `wxpay api` with a path or a name shows its page",
        "共 {number} 项; `wxpay api` 加路径或名称可查看说明"
    )));
}

/// The event types, where they are not the name.
fn types_of(event: &Event) -> String {
    let types = event.event_types();
    let others = types.iter().filter(|ty| **ty != event.name());
    others.copied().collect::<Vec<_>>().join(" ")
}

fn nothing(words: &[String]) -> Failure {
    let asked = words.join(" ");
    let nearest = search::nearest(words);
    let failure = Failure::local(tf!(
        "nothing in the documents fits `{asked}`",
        "文档中没有符合 `{asked}` 的内容"
    ));
    match nearest.is_empty() {
        true => failure,
        false => {
            let nearest = nearest.join(", ");
            failure.with_advice(tf!("The nearest: {nearest}", "最接近的是: {nearest}"))
        }
    }
}

fn nothing_among_events(words: &[String]) -> Failure {
    let asked = words.join(" ");
    let nearest = subject::nearest_event(&asked);
    let number = catalog::events().len();
    Failure::local(tf!(
        "no notification fits `{asked}`",
        "没有符合 `{asked}` 的通知"
    ))
    .with_advice(tf!(
        "The nearest is {nearest}; `wxpay api --events` lists all {number}.",
        "最接近的是 {nearest}; `wxpay api --events` 列出全部 {number} 种。"
    ))
}
