//! What each command does.

pub(crate) mod call;
pub(crate) mod control;
pub(crate) mod crypto;
pub(crate) mod doctor;
pub(crate) mod documents;
pub(crate) mod files;
pub(crate) mod notify;
pub(crate) mod sandbox;
pub(crate) mod setup;

use wechatpay_chain::Method;

use crate::{
    cli::{Cli, Sub},
    exit::Result,
    output::Output,
    settings,
    text::tf,
};

pub(crate) fn run(cli: Cli, output: &Output) -> Result {
    for flag in settings::exposed_secrets() {
        output.warn(tf!(
            "{flag} shows a secret to other users of this machine and to the shell's history: set the environment variable or the profile",
            "{flag} 会将密钥暴露给本机其他用户和命令历史: 请使用环境变量或配置文件"
        ));
    }
    match cli.command {
        Sub::Get(args) => call::run(Method::GET, args, output),
        Sub::Post(args) => call::run(Method::POST, args, output),
        Sub::Put(args) => call::run(Method::PUT, args, output),
        Sub::Patch(args) => call::run(Method::PATCH, args, output),
        Sub::Sandbox(args) => sandbox::run(args, output),
        Sub::Delete(args) => call::run(Method::DELETE, args, output),
        Sub::Certs(args) => files::certs::run(args, output),
        Sub::Bill(args) => files::bill::run(args, output),
        Sub::Upload(args) => files::upload::run(args, output),
        Sub::Encrypt(args) => crypto::field::encrypt(args, output),
        Sub::Decrypt(args) => crypto::field::decrypt(args, output),
        Sub::Sign(args) => crypto::sign::run(args, output),
        Sub::Params(args) => crypto::params::run(args, output),
        Sub::Init(args) => setup::init(args, output),
        Sub::Profiles => setup::profiles(output),
        Sub::Doctor(args) => doctor::run(args, output),
        Sub::Completions(args) => setup::completions(&args, output),
        Sub::Man(args) => setup::man(&args, output),
        Sub::Api(args) => documents::api::run(args, output),
        Sub::Types(args) => documents::types::run(args, output),
        Sub::Listen(args) => notify::listen::run(args, output),
        Sub::Trigger(args) => notify::trigger::run(args, output),
        Sub::Verify(args) => notify::verify::run(args, output),
        Sub::Replay(args) => notify::replay::run(args, output),
        Sub::Events(args) => notify::events::run(args, output),
    }
}
