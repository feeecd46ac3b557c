//! Questions on the terminal. Keys are not shown as they are typed.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
};

use crate::{
    exit::{Exit, Failure, Result},
    output::Output,
    settings::Settings,
    text::t,
};

pub(super) fn is_possible(output: &Output) -> bool {
    !output.is_json() && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for what is not set yet. An empty answer leaves it so.
pub(super) fn missing(settings: &mut Settings) -> Result {
    let optional = t(" (Enter to skip)", " (回车跳过)");
    text(&mut settings.mchid, t("Merchant ID", "商户号"), "")?;
    path(
        &mut settings.private_key,
        t(
            "Private key, apiclient_key.pem",
            "商户API私钥, apiclient_key.pem",
        ),
        "",
    )?;
    if settings.serial.is_none() {
        path(
            &mut settings.client_certificate,
            t(
                "Certificate, apiclient_cert.pem",
                "商户API证书, apiclient_cert.pem",
            ),
            optional,
        )?;
    }
    if settings.client_certificate.is_none() {
        text(
            &mut settings.serial,
            t("Serial of the certificate", "商户API证书序列号"),
            "",
        )?;
    }
    if settings.platform_certificate.is_none() {
        path(
            &mut settings.pub_key,
            t(
                "WeChat Pay's public key, pub_key.pem",
                "微信支付公钥, pub_key.pem",
            ),
            optional,
        )?;
    }
    if settings.pub_key.is_some() {
        text(
            &mut settings.pub_key_id,
            t(
                "ID of WeChat Pay's public key, PUB_KEY_ID_…",
                "微信支付公钥ID, PUB_KEY_ID_…",
            ),
            "",
        )?;
    }
    secret(
        &mut settings.apiv3_key,
        t("APIv3 key, not shown", "APIv3密钥, 不显示"),
        optional,
    )?;
    secret(
        &mut settings.apiv2_key,
        t("APIv2 key, not shown", "APIv2密钥, 不显示"),
        optional,
    )?;
    text(&mut settings.appid, t("App ID", "应用ID (appid)"), optional)
}

fn text(setting: &mut Option<String>, question: &str, hint: &str) -> Result {
    if setting.is_none() {
        *setting = Some(answer(question, hint)?).filter(|answer| !answer.is_empty());
    }
    Ok(())
}

fn path(setting: &mut Option<PathBuf>, question: &str, hint: &str) -> Result {
    if setting.is_none() {
        let answer = Some(answer(question, hint)?).filter(|answer| !answer.is_empty());
        *setting = answer.map(|answer| expanded(&answer));
    }
    Ok(())
}

fn secret(setting: &mut Option<String>, question: &str, hint: &str) -> Result {
    if setting.is_none() {
        let answer = rpassword::prompt_password(format!("{question}{hint}: ")).map_err(ended)?;
        *setting = Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty());
    }
    Ok(())
}

fn answer(question: &str, hint: &str) -> Result<String> {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question}{hint}: ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer).map_err(ended)? {
        0 => Err(ended(io::ErrorKind::UnexpectedEof.into())),
        _ => Ok(answer.trim().to_owned()),
    }
}

fn ended(_: io::Error) -> Failure {
    Failure::new(
        Exit::Interrupted,
        t(
            "no answer; nothing was written",
            "没有回答; 没有写入任何内容",
        ),
    )
}

/// The shell expands `~` in arguments, but not in answers.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path.into(),
    }
}
