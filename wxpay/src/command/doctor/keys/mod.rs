//! The merchant, the keys and the certificates, without the network.

mod merchant;
mod platform;
mod secret;
mod validity;

use super::report::Report;
use crate::{exit::Exit, settings::Settings, text::tf};

pub(super) fn check(settings: &Settings, report: &mut Report) {
    merchant::id(settings, report);
    merchant::private_key(settings, report);
    merchant::certificate(settings, report);
    merchant::serial(settings, report);
    platform::keys(settings, report);
    secret::apiv3_key(settings, report);
    secret::apiv2_key(settings, report);
    if report.has_errors() {
        return;
    }
    // Whatever else the library requires of a client.
    if let Err(failure) = settings.client() {
        report.failure("client", failure, "");
    }
}

fn missing(report: &mut Report, name: &str, message: &str) {
    let (flag, variable) = (name.replace('_', "-"), name.to_uppercase());
    let (flag, variable) = match name {
        "platform_key" => ("pub-key".to_owned(), "PUB_KEY".to_owned()),
        _ => (flag, variable),
    };
    report.error(
        name,
        Exit::Configuration,
        message,
        tf!(
            "Write a profile with `wxpay init`, or set WXPAY_{variable} or --{flag}.",
            "用 `wxpay init` 生成配置, 或设置 WXPAY_{variable} 或 --{flag}。"
        ),
    );
}
