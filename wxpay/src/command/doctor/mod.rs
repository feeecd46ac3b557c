//! `wxpay doctor`: what works, what does not, and what to do about it. It changes nothing.

mod calls;
mod files;
mod keys;
mod network;
mod report;
mod sign_error;

use std::path::PathBuf;

use self::report::Report;
use crate::{exit::Result, output::Output, settings::Source, text::t};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "The checks send two requests that change nothing: GET v3/certificates, unsigned, and POST v3/security/echo.\n\
     Exit code: 0 if nothing is an error, or else that of the first error, such as 3 for a key and 4 for the network.\n\n\
     Examples:\n  \
     wxpay doctor --profile shop\n  \
     wxpay doctor --error response.json --message message.txt",
    "检查时只发送两个不会造成任何更改的请求: 不签名的 GET v3/certificates, 以及 POST v3/security/echo。\n\
     退出码: 没有错误时为0, 否则是第一个错误的退出码, 如密钥为3, 网络为4。\n\n\
     示例:\n  \
     wxpay doctor --profile shop\n  \
     wxpay doctor --error response.json --message message.txt",
))]
pub(crate) struct Args {
    #[arg(long, value_name = "FILE", help = t("Explain the body of a SIGN_ERROR response; - for standard input",
        "分析SIGN_ERROR的应答体; - 表示标准输入"))]
    error: Option<PathBuf>,

    #[arg(long, value_name = "FILE", requires = "error",
        help = t("The message that your program signed, to compare with WeChat Pay's", "你的程序的待签名串, 用来与微信支付的比较"))]
    message: Option<PathBuf>,

    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    if let Some(error) = &args.error {
        return sign_error::run(error, args.message.as_deref(), output);
    }
    let settings = args.source.settings()?;
    let mut report = Report::new(output);
    files::check(&settings, &mut report);
    keys::check(&settings, &mut report);
    if network::check(&settings, &mut report)? {
        calls::check(&settings, &mut report)?;
    }
    report.finish()
}
