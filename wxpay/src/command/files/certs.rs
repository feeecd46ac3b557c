//! `wxpay certs`: the platform certificates, with the options of the PHP SDK's `CertificateDownloader`.

use std::{env, path::PathBuf};

use serde_json::{Value, json};
use wechatpay_chain::{Certificate, Client, PlatformKey, model::BeijingTime};

use super::temporary;
use crate::{
    command::call::send::interruptible,
    exit::{Exit, Failure, Result},
    output::{Output, Style},
    settings::{Settings, Source},
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
#[command(
    version,
    mut_arg("mchid", |arg| arg.short('m')),
    mut_arg("serial", |arg| arg.short('s').alias("serialno")),
    mut_arg("private_key", |arg| arg.short('f').alias("privatekey")),
    mut_arg("apiv3_key", |arg| arg.short('k').alias("key")),
    mut_arg("base_uri", |arg| arg.short('u').alias("baseuri")),
    after_help = t(
        "The options of the PHP SDK's CertificateDownloader.php work here, also --serialno, --privatekey, --key and \
         --baseuri. Merchants with a WeChat Pay public key (PUB_KEY_ID_…) need no certificates.\n\n\
         Example:\n  wxpay certs -m 1900000109 -s 3775…0000 -f apiclient_key.pem -o certificates",
        "兼容PHP SDK的CertificateDownloader.php的参数, 包括 --serialno, --privatekey, --key 和 --baseuri。已启用微信支付公钥 (PUB_KEY_ID_…) 的商户无需下载平台证书。\n\n\
         示例:\n  wxpay certs -m 1900000109 -s 3775…0000 -f apiclient_key.pem -o certificates",
    ),
)]
pub(crate) struct Args {
    #[arg(short, long, value_name = "DIR",
        help = t("Folder for the certificates, wechatpay_SERIAL.pem [default: a new one in the temporary folder]",
            "保存证书的目录, 文件名为 wechatpay_序列号.pem [默认: 临时目录中的新目录]"))]
    output: Option<PathBuf>,

    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let is_key = |arg: &str| arg.starts_with("-k") || arg == "--key" || arg.starts_with("--key=");
    if env::args_os().any(|arg| is_key(&arg.to_string_lossy())) {
        output.warn(t(
            "the key on the command line is visible to other users of this machine and in the shell's history: set WXPAY_APIV3_KEY or the profile",
            "命令行中的密钥会暴露给本机其他用户和命令历史: 请使用环境变量 WXPAY_APIV3_KEY 或配置文件",
        ));
    }
    // What is trusted already is not shown as if it had been downloaded.
    let settings = args.source.settings()?.without_platform_certificates();
    Settings::need(&settings.apiv3_key, "apiv3_key")?;
    let client = settings.client()?;
    let refresh = interruptible(true, client.refresh_certificates_async())??;
    let certificates = certificates(&client);
    if refresh.is_public_key_mode() || certificates.is_empty() {
        return Err(public_key_mode());
    }
    let folder = match args.output {
        Some(folder) => folder,
        None => temporary::folder()?,
    };
    client.save_certificates(&folder)?;
    let rows: Vec<_> = certificates
        .iter()
        .map(|certificate| Row::new(certificate, folder.join(file_name(certificate))))
        .collect();
    if output.is_json() {
        output.value(&rows.iter().map(Row::json).collect());
    } else {
        rows.iter().for_each(|row| row.show(output));
    }
    if let Some(id) = &settings.pub_key_id {
        output.note(Style::Faint.paint(tf!(
            "This merchant has the public key {id}, with which new responses are verified.",
            "该商户已有微信支付公钥 {id}, 应使用公钥验签。"
        )));
    }
    Ok(())
}

fn certificates(client: &Client) -> Vec<Certificate> {
    let keys = client.platform_keys();
    keys.iter()
        .filter_map(PlatformKey::certificate)
        .cloned()
        .collect()
}

fn file_name(certificate: &Certificate) -> String {
    format!("wechatpay_{}.pem", certificate.serial())
}

fn public_key_mode() -> Failure {
    Failure::new(
        Exit::Rejected,
        t(
            "WeChat Pay has no platform certificates for this merchant, which has a public key instead; nothing was saved",
            "微信支付没有该商户的平台证书: 该商户使用微信支付公钥; 未保存任何文件",
        ),
    )
    .with_advice(t(
        "Download pub_key.pem and its ID, PUB_KEY_ID_…, in the merchant platform: account center, API security.",
        "请在商户平台「账户中心」>「API安全」下载微信支付公钥 pub_key.pem, 并复制公钥ID (PUB_KEY_ID_…)。",
    ))
}

/// What is shown of a certificate.
struct Row {
    serial: String,
    from: String,
    until: String,
    path: PathBuf,
}

impl Row {
    fn new(certificate: &Certificate, path: PathBuf) -> Self {
        Self {
            serial: certificate.serial().to_owned(),
            from: BeijingTime::from(certificate.not_before()).to_string(),
            until: BeijingTime::from(certificate.not_after()).to_string(),
            path,
        }
    }

    fn json(&self) -> Value {
        json!({
            "serial": self.serial,
            "not_before": self.from,
            "not_after": self.until,
            "path": self.path.display().to_string(),
        })
    }

    /// Prints what belongs together in one line for a program. A person copies serials and paths, which a table
    /// would break.
    fn show(&self, output: &Output) {
        let Self {
            serial,
            from,
            until,
            path,
        } = self;
        let path = path.display();
        if !output.is_for_people() {
            output.line(format!("{serial}\t{from}\t{until}\t{path}"));
            return;
        }
        output.line(Style::Strong.paint(serial));
        output.line(tf!(
            "  valid  {from} to {until}",
            "  有效期  {from} 至 {until}"
        ));
        output.line(tf!("  file   {path}", "  文件    {path}"));
    }
}
