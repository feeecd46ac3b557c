//! `wxpay types OPERATION`: the documented fields as Rust structs for serde.

mod form;
mod plan;
mod source;
mod words;

use clap_complete::ArgValueCompleter;
use serde_json::json;
use wechatpay_chain::catalog;

pub(super) use self::source::cipher;
use self::{form::Writer, plan::Plan};
use super::subject::{self, Subject};
use crate::{
    command::setup::complete,
    exit::{Failure, Result},
    output::Output,
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Examples:\n  \
     wxpay types 'POST v3/pay/transactions/native' > src/native.rs\n  \
     wxpay types v3.pay.transactions.native --derive Eq\n  \
     wxpay types REFUND.SUCCESS\n\n\
     The source needs serde with `derive`, and serde_json; with `preserve_order` to keep the order of \
     fields with numbers in their names. A field that is not required is an Option, and null is absent. \
     A value that is not documented is kept in the variant Other.",
    "示例:\n  \
     wxpay types 'POST v3/pay/transactions/native' > src/native.rs\n  \
     wxpay types v3.pay.transactions.native --derive Eq\n  \
     wxpay types REFUND.SUCCESS\n\n\
     生成的源码需要 serde (derive) 和 serde_json; 加 preserve_order 可保持带序号字段的顺序。\n\
     非必填字段为 Option, null 视为未填; 文档未列出的值保存在 Other 中。",
))]
pub(crate) struct Args {
    #[arg(value_name = "OPERATION", add = ArgValueCompleter::new(complete::pages), required = true, num_args = 1..=2,
        help = t("Method and path, or a path that has one method, or an event, such as REFUND.SUCCESS",
            "方法和路径, 或只有一种方法的路径, 或通知类型, 如 REFUND.SUCCESS"))]
    operation: Vec<String>,

    #[arg(long, value_name = "TRAITS", value_delimiter = ',',
        help = t("More traits to derive, such as Eq,Hash", "额外派生的trait, 如 Eq,Hash"))]
    derive: Vec<String>,

    #[arg(long, help = t("Make all fields of responses and notifications Options: WeChat Pay leaves out some required ones",
        "应答和通知的字段全部为Option: 微信支付有时会省略必填字段"))]
    optional: bool,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    if let Some(derive) = args.derive.iter().find(|derive| !is_path(derive)) {
        return Err(Failure::usage(tf!(
            "invalid trait `{derive}`: expected a name such as Eq or schemars::JsonSchema",
            "trait `{derive}` 无效: 应为名称, 如 Eq 或 schemars::JsonSchema"
        )));
    }
    let subject = subject::one(&args.operation)?;
    let (source, roots) = source(&subject, &args);
    if output.is_json() {
        output.value(&json!({ "name": subject.key(), "types": roots, "source": source }));
    } else {
        output.bytes(source.as_bytes());
    }
    Ok(())
}

fn is_path(name: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    name.split("::").all(is_word)
}

/// Returns the source, and the names of its outer types.
fn source(subject: &Subject, args: &Args) -> (String, Vec<String>) {
    let from = match args.optional {
        true => Writer::Doubted,
        false => Writer::WeChatPay,
    };
    let (title, plan) = match subject {
        Subject::Operation(operation) => (
            format!("{operation}: {}", operation.title()),
            Plan::of_operation(operation, from),
        ),
        Subject::Event(event) => (subject.key(), Plan::of_event(event, from)),
    };
    let date = catalog::date();
    let made = tf!(
        "Made by `wxpay types` from the documents of {date}.",
        "由 `wxpay types` 根据 {date} 的文档生成。"
    );
    let mut text = format!("// {title}\n// {made}\n");
    let has = |name: &str| plan.roots.iter().any(|root| root == name);
    match subject {
        Subject::Operation(_) => {
            if !has("Request") {
                text.push_str(t(
                    "// The request has no documented fields.\n",
                    "// 请求没有文档字段。\n",
                ));
            }
            if !has("Response") {
                text.push_str(t(
                    "// The response has no documented fields.\n",
                    "// 应答没有文档字段。\n",
                ));
            }
        }
        Subject::Event(_) if plan.roots.is_empty() => text.push_str(t(
            "// The documents list no fields.\n",
            "// 文档没有列出字段。\n",
        )),
        Subject::Event(_) => {}
    }
    text.push_str(&source::source(&plan, &args.derive));
    (text, plan.roots)
}
