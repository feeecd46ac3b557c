//! `wxpay get|post|put|patch|delete PATH`: any call, with the library's options map.

mod exact;
pub(crate) mod fields;
pub(crate) mod options;
pub(crate) mod path;
pub(crate) mod send;
mod show;

pub(crate) use self::send::{interruptible, until_interrupted};

use clap_complete::ArgValueCompleter;
use wechatpay_chain::{Method, catalog::Operation};

use crate::{command::setup::complete, exit::Result, output::Output, settings::Source, text::t};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Examples:\n  \
     wxpay get v3/pay/transactions/out-trade-no/{out_trade_no} \\\n    \
     -f out_trade_no=tea-0001 -f mchid=1900000109\n  \
     wxpay post v3.pay.transactions.native -o @order.json\n  \
     wxpay post v2/pay/unifiedorder -o '{\"xml\": {…}}' --dry-run",
    "示例:\n  \
     wxpay get v3/pay/transactions/out-trade-no/{out_trade_no} \\\n    \
     -f out_trade_no=tea-0001 -f mchid=1900000109\n  \
     wxpay post v3.pay.transactions.native -o @order.json\n  \
     wxpay post v2/pay/unifiedorder -o '{\"xml\": {…}}' --dry-run",
))]
pub(crate) struct Args {
    #[arg(value_name = "PATH", add = ArgValueCompleter::new(complete::paths),
        help = t("Path or template, with slashes or dots: v3/certificates, v3.certificates",
            "路径或模板, 用斜杠或点号: v3/certificates, v3.certificates"))]
    path: String,

    #[arg(short, long, value_name = "JSON", add = ArgValueCompleter::new(complete::options),
        help = t("Options map: JSON, @file, or - for standard input", "请求选项: JSON, @文件, 或 - 表示标准输入"))]
    options: Option<String>,

    #[arg(short, long = "field", value_name = "KEY=VALUE", add = ArgValueCompleter::new(complete::fields),
        help = t("Variable or documented field, such as amount.total=1; KEY:=JSON for any JSON",
            "变量或文档中的字段, 如 amount.total=1; 字段:=JSON 可写任意JSON"))]
    fields: Vec<String>,

    #[arg(long, help = t("Show the request and the message that is signed, and send nothing",
        "显示请求和待签名串, 不发送"))]
    dry_run: bool,

    #[arg(short, long, help = t("Print the status and the headers too", "同时输出状态码和应答头"))]
    include: bool,

    #[arg(short = 'O', long, value_name = "FILE", help = t("Write the body of the response into a file", "将应答的报文主体写入文件"))]
    output: Option<std::path::PathBuf>,

    #[arg(long, help = t("Send the request even if the documents say otherwise", "即使与文档不符也发送请求"))]
    no_check: bool,

    #[arg(long, help = t("Encrypt the fields that the documents mark as sealed", "加密文档要求加密的字段"))]
    encrypt: bool,

    #[arg(long, help = t("Decrypt the fields of the response that the documents mark as sealed",
        "解密应答中文档标明的加密字段"))]
    decrypt: bool,

    #[command(flatten)]
    source: Source,
}

/// A call that is ready to be made.
struct Call {
    method: Method,
    chain: wechatpay_chain::Chain,
    options: wechatpay_chain::Options,
    operation: Option<&'static Operation>,
}

pub(crate) fn run(method: Method, args: Args, output: &Output) -> Result {
    let (client, settings) = args.source.client()?;
    let chain = path::chain(&client, &args.path);
    let operation = path::operation(&method, chain.template(), output)?;
    let options = options::build(&args, chain.template(), operation)?;
    let call = Call {
        method,
        chain,
        options,
        operation,
    };
    if args.dry_run {
        return show::dry_run(&call, &settings, output);
    }
    let response = send::send(&call)?;
    let shown =
        show::response(&response, &call, &client, &args, output).and_then(|()| output.finish());
    shown.map_err(|failure| match call.method {
        Method::GET => failure,
        // The response is lost, and the request is not.
        _ => failure.done(),
    })
}
