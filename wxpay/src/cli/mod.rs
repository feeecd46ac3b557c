//! The command line: its commands, and the options that all of them have.

mod chinese;
mod mistake;

use clap::{ColorChoice, Command, CommandFactory, Parser, Subcommand};

pub(crate) use self::mistake::report;
use crate::{
    command::{call, crypto, doctor, documents, files, notify, sandbox, setup},
    exit::Exit,
    text::{is_chinese, t},
};

/// The options of all commands stand below a command's own.
const GLOBAL: usize = 900;

#[derive(Debug, Parser)]
#[command(
    name = "wxpay",
    version,
    about = t(
        "WeChat Pay on the command line: calls, notifications, bills, keys and a sandbox",
        "微信支付命令行工具: 接口调用、通知、账单、密钥与沙箱",
    ),
    after_help = Exit::listed(),
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    subcommand_help_heading = "Commands",
)]
pub(crate) struct Cli {
    #[arg(long, global = true, display_order = GLOBAL, help = t("Print JSON", "输出JSON"))]
    pub(crate) json: bool,

    #[arg(long, global = true, display_order = GLOBAL + 1, value_name = "WHEN", default_value = "auto",
        help = t("When to use colour", "何时使用颜色"))]
    pub(crate) color: ColorChoice,

    #[command(subcommand)]
    pub(crate) command: Sub,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sub {
    #[command(about = t("Run WeChat Pay on this machine", "在本机运行微信支付沙箱"))]
    Sandbox(sandbox::Args),
    #[command(about = t("Send a GET request", "发送GET请求"))]
    Get(call::Args),
    #[command(about = t("Send a POST request", "发送POST请求"))]
    Post(call::Args),
    #[command(about = t("Send a PUT request", "发送PUT请求"))]
    Put(call::Args),
    #[command(about = t("Send a PATCH request", "发送PATCH请求"))]
    Patch(call::Args),
    #[command(about = t("Send a DELETE request", "发送DELETE请求"))]
    Delete(call::Args),
    #[command(about = t("Download the platform certificates", "下载微信支付平台证书"))]
    Certs(files::certs::Args),
    #[command(about = t("Download and read bills", "下载并查看账单"))]
    Bill(files::bill::Args),
    #[command(about = t("Upload an image, a video or another file", "上传图片、视频或其他文件"))]
    Upload(files::upload::Args),
    #[command(about = t("Encrypt a sensitive field for WeChat Pay", "加密敏感信息字段"))]
    Encrypt(crypto::field::EncryptArgs),
    #[command(about = t("Decrypt a sensitive field, or a notification", "解密敏感信息字段或回调通知"))]
    Decrypt(crypto::field::DecryptArgs),
    #[command(about = t("Sign a message or a request", "为待签名串或请求签名"))]
    Sign(crypto::sign::Args),
    #[command(about = t("Make the parameters that open a payment", "生成调起支付的参数"))]
    Params(crypto::params::Args),
    #[command(about = t("Write a profile: merchant, keys and files", "生成配置: 商户号、密钥和文件"))]
    Init(setup::InitArgs),
    #[command(about = t("List the profiles", "列出所有配置"))]
    Profiles,
    #[command(about = t("Check clock, network, keys and signatures", "检查时钟、网络、密钥和签名"))]
    Doctor(doctor::Args),
    #[command(about = t("Print the completions of a shell", "输出shell补全脚本"))]
    Completions(setup::CompletionsArgs),
    #[command(about = t("Print or write the manual pages", "输出或写入手册页"))]
    Man(setup::ManArgs),
    #[command(about = t("Search WeChat Pay's documents, and show an operation's fields", "搜索微信支付文档, 查看接口字段"))]
    Api(documents::api::Args),
    #[command(about = t("Write the fields of an operation or an event as Rust types", "将接口或通知的字段生成Rust类型"))]
    Types(documents::types::Args),
    #[command(about = t("Receive notifications: verify, show and forward them", "接收通知: 验签、显示并转发"))]
    Listen(notify::listen::Args),
    #[command(about = t("Have a sandbox send a notification", "让沙箱发送一条通知"))]
    Trigger(notify::trigger::Args),
    #[command(about = t("Verify and decrypt a notification in a file", "对文件中的通知验签并解密"))]
    Verify(notify::verify::Args),
    #[command(about = t("Send a stored notification again", "重发已保存的通知"))]
    Replay(notify::replay::Args),
    #[command(about = t("List stored and documented notifications", "列出已保存的通知和文档中的通知"))]
    Events(notify::events::Args),
}

/// Returns the whole command line, in the user's language.
pub(crate) fn command() -> Command {
    let command = without_values(Cli::command());
    match is_chinese() {
        true => chinese::localized(command),
        false => command,
    }
}

/// The help and the manual are the same everywhere: they name the variables, not what these are set to here.
fn without_values(command: Command) -> Command {
    command
        .mut_args(|arg| arg.hide_env_values(true))
        .mut_subcommands(without_values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        command().debug_assert();
        chinese::localized(command()).debug_assert();
    }
}
