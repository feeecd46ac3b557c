//! `wxpay sandbox`: WeChat Pay on this machine, for programs in every language.

mod banner;
mod config;
mod options;
mod page;
mod snippets;
mod status;
mod store;

use std::{error::Error as _, io, path::PathBuf};

use clap::Subcommand;
use wechatpay_chain::Error;

use super::call;
use crate::{
    exit::{Failure, Result, misconfigured},
    output::Output,
    settings::file,
    text::t,
};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Sub>,

    #[command(flatten)]
    options: options::Options,
}

#[derive(Debug, Subcommand)]
enum Sub {
    #[command(about = t("Print a running sandbox's configuration for a language", "输出正在运行的沙箱在某种语言中的配置"))]
    Config(config::Args),
    #[command(about = t("Say whether a sandbox runs, and where", "查看沙箱是否在运行及其地址"))]
    Status(status::Args),
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    match args.command {
        Some(Sub::Config(args)) => config::run(&args, output),
        Some(Sub::Status(args)) => status::run(&args, output),
        None => serve(args.options, output),
    }
}

/// Runs a sandbox until Ctrl-C.
fn serve(mut options: options::Options, output: &Output) -> Result {
    let keys = options.keys.take().map_or_else(default_keys, Ok)?;
    options.keys = Some(keys.clone());
    let sandbox = options
        .builder(output)?
        .page(page::FILES)
        .start()
        .map_err(not_started)?;
    sandbox.export(&keys)?;
    banner::print(&sandbox, &keys, &options, output)?;
    call::until_interrupted()?;
    drop(sandbox);
    output.note(t("The sandbox has ended.", "沙箱已结束。"));
    Ok(())
}

fn not_started(err: Error) -> Failure {
    let cause = err.source().and_then(|err| err.downcast_ref::<io::Error>());
    let is_in_use = cause.is_some_and(|err| err.kind() == io::ErrorKind::AddrInUse);
    let failure = misconfigured(err);
    match is_in_use {
        true => failure.with_advice(t(
            "Another sandbox or program uses the port: `wxpay sandbox status` shows a sandbox. Choose ports \
             with --port, --https-port and --proxy=PORT; 0 is a free one.",
            "端口已被另一个沙箱或程序占用: `wxpay sandbox status` 可查看沙箱。请用 --port, --https-port 和 \
             --proxy=PORT 选择端口; 0 表示任意空闲端口。",
        )),
        false => failure,
    }
}

/// Beside the profiles, so that the next start has the same keys.
fn default_keys() -> Result<PathBuf> {
    let folder = file::path().and_then(|path| Some(path.parent()?.join("sandbox")));
    folder.ok_or_else(|| {
        Failure::configuration(t(
            "no folder for the keys: set HOME or give --keys",
            "没有密钥目录: 请设置 HOME 或使用 --keys",
        ))
    })
}
