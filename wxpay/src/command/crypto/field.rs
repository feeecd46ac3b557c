//! `wxpay encrypt` and `wxpay decrypt`: a single sensitive field, or the resource of a notification.

use std::path::PathBuf;

use serde_json::json;

use super::{argument, resource};
use crate::{
    command::call::send::interruptible,
    exit::{Failure, Result},
    input::STANDARD_INPUT,
    output::{Output, Style},
    settings::Source,
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "The last line break of standard input is not part of the text. A request with the ciphertext names the key in \
     the header Wechatpay-Serial, which is shown too; `wxpay post --encrypt` does all of that.\n\n\
     Example:\n  wxpay encrypt - < name.txt",
    "标准输入末尾的换行不属于文本。携带密文的请求须在请求头 Wechatpay-Serial 中注明所用的公钥ID或证书序列号, 此处会一并显示; \
     `wxpay post --encrypt` 会自动完成。\n\n\
     示例:\n  wxpay encrypt - < name.txt",
))]
pub(crate) struct EncryptArgs {
    #[arg(value_name = "TEXT",
        help = t("Text, such as a name; - for standard input, which other users do not see and the shell's history does not keep",
            "待加密文本, 如姓名; - 表示标准输入 (推荐: 其他用户看不到, 也不会进入命令历史)"))]
    text: String,

    #[arg(long, help = t("PKCS#1 v1.5 padding, for the few old APIs that require it; OAEP otherwise",
        "PKCS#1 v1.5填充, 仅用于少数要求它的旧接口; 默认为OAEP"))]
    pkcs1: bool,

    #[command(flatten)]
    source: Source,
}

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Examples:\n  wxpay decrypt - < field.txt\n  wxpay decrypt --resource notification.json",
    "示例:\n  wxpay decrypt - < field.txt\n  wxpay decrypt --resource notification.json",
))]
pub(crate) struct DecryptArgs {
    #[arg(value_name = "TEXT", required_unless_present = "resource",
        help = t("Ciphertext in base64; - for standard input", "Base64编码的密文; - 表示标准输入"))]
    text: Option<String>,

    #[arg(long, help = t("PKCS#1 v1.5 padding; success then proves nothing, since a wrong ciphertext gives random text",
        "PKCS#1 v1.5填充; 此时解密成功不能证明密文正确, 错误的密文会得到随机文本"))]
    pkcs1: bool,

    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "pkcs1"],
        help = t("Decrypt a notification, or its `resource`, with the APIv3 key; its signature is not verified",
            "用APIv3密钥解密回调通知或其中的 `resource`; 不验证签名"))]
    resource: Option<PathBuf>,

    #[command(flatten)]
    source: Source,
}

pub(crate) fn encrypt(args: EncryptArgs, output: &Output) -> Result {
    let (client, _) = args.source.client()?;
    if args.text != STANDARD_INPUT {
        output.note(Style::Faint.paint(t(
            "Personal data on the command line stays in the shell's history: prefer `wxpay encrypt -`.",
            "命令行中的个人信息会留在命令历史中: 建议使用 `wxpay encrypt -`。",
        )));
    }
    let text = argument::text(&args.text, output)?;
    // Merchants without a public key encrypt with a platform certificate, which may have to be downloaded.
    if client.platform_keys().is_empty() {
        interruptible(true, client.refresh_certificates_async())??;
    }
    let encrypted = match args.pkcs1 {
        false => client.encrypt(&text)?,
        true => client.encrypt_pkcs1(&text)?,
    };
    let (ciphertext, serial) = (encrypted.as_str(), encrypted.serial());
    if output.is_json() {
        output.value(&json!({ "ciphertext": ciphertext, "serial": serial }));
        return Ok(());
    }
    output.line(ciphertext);
    output.note(format!(
        "{} {serial}",
        Style::Name.paint("Wechatpay-Serial:")
    ));
    Ok(())
}

pub(crate) fn decrypt(args: DecryptArgs, output: &Output) -> Result {
    if let Some(path) = &args.resource {
        let settings = args.source.settings()?;
        return resource::decrypt(&argument::file(path, output)?, &settings, output);
    }
    let (client, _) = args.source.client()?;
    let given = args.text.as_deref().unwrap_or(STANDARD_INPUT);
    let ciphertext = argument::text(given, output)?;
    // Base64 that was copied from a file may have line breaks.
    let ciphertext: String = ciphertext.split_whitespace().collect();
    let text = match args.pkcs1 {
        false => client.decrypt(&ciphertext),
        true => client.decrypt_pkcs1(&ciphertext),
    };
    let text = text.map_err(|err| {
        let serial = settings_serial(&args.source);
        Failure::from(err).with_advice(tf!(
            "The field must have been encrypted for this merchant's certificate{serial}.",
            "密文必须是用该商户的API证书{serial}加密的。"
        ))
    })?;
    match output.is_json() {
        true => output.value(&json!({ "text": text })),
        false => output.text(&text),
    }
    Ok(())
}

/// Returns the serial of the merchant's certificate, for a message.
fn settings_serial(source: &Source) -> String {
    let serial = source.settings().and_then(|settings| settings.serial());
    match serial {
        Ok(Some(serial)) => format!(" {serial}"),
        _ => String::new(),
    }
}
