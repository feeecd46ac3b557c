//! `wxpay init`: writes a profile, after the library has checked its keys.

mod ask;
mod find;
mod write;

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::{
    exit::{Failure, Result},
    output::Output,
    settings::{Settings, Source, file, modes},
    text::{t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "On a terminal it asks for what is missing. Keys are better given when asked, or as WXPAY_APIV3_KEY and \
     WXPAY_APIV2_KEY, than on the command line.\n\n\
     Examples:\n  \
     wxpay init ~/keys\n  \
     wxpay init ~/keys --profile shop --mchid 1900000109 \\\n    \
     --pub-key-id PUB_KEY_ID_0119000001092024000000000000\n  \
     wxpay init --from-sandbox --profile sandbox",
    "在终端中会询问缺少的内容。密钥最好在询问时输入, 或用环境变量 WXPAY_APIV3_KEY 和 \
     WXPAY_APIV2_KEY, 不要写在命令行上。\n\n\
     示例:\n  \
     wxpay init ~/keys\n  \
     wxpay init ~/keys --profile shop --mchid 1900000109 \\\n    \
     --pub-key-id PUB_KEY_ID_0119000001092024000000000000\n  \
     wxpay init --from-sandbox --profile sandbox",
))]
pub(crate) struct Args {
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath,
        help = t("Folder with apiclient_key.pem, apiclient_cert.pem and pub_key.pem [default: .]",
            "存放 apiclient_key.pem, apiclient_cert.pem 和 pub_key.pem 的目录 [默认: .]"))]
    folder: Option<PathBuf>,

    #[arg(long, value_name = "NAME", env = "WXPAY_PROFILE",
        help = t("Name of the profile [default: default]", "配置名 [默认: default]"))]
    profile: Option<String>,

    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "http://127.0.0.1:8080",
        require_equals = true,
        help = t("Take merchant and keys from a running sandbox [default: http://127.0.0.1:8080]",
            "从正在运行的沙箱获取商户和密钥 [默认: http://127.0.0.1:8080]"))]
    from_sandbox: Option<String>,

    #[arg(long, help = t("Replace the profile if it exists", "如果配置已存在则替换"))]
    force: bool,

    #[arg(long, help = t("Ask nothing", "不询问"))]
    no_input: bool,

    #[command(flatten)]
    given: Settings,
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let name = args.profile.as_deref().unwrap_or(file::DEFAULT);
    let path = file::path().ok_or_else(|| {
        Failure::configuration(t(
            "no home folder: set WXPAY_CONFIG to the path of the configuration file",
            "没有主目录: 请用 WXPAY_CONFIG 指定配置文件的路径",
        ))
    })?;
    // Before any question is asked.
    write::check(&path, name, args.force)?;
    let settings = match &args.from_sandbox {
        Some(url) => from_sandbox(url, &args, name, &path)?,
        None => from_files(&args, output)?,
    };
    check(&settings)?;
    write::profile(&path, name, &settings)?;
    for key in [&settings.private_key, &settings.client_certificate]
        .into_iter()
        .flatten()
    {
        modes::warn(key, output);
    }
    report(name, &path, &settings, output);
    Ok(())
}

/// Returns the settings that were given, with the key files of the folder, and the answers to questions.
fn from_files(args: &Args, output: &Output) -> Result<Settings> {
    let folder = args.folder.as_deref().unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let folder = folder.display();
        return Err(Failure::usage(tf!(
            "{folder} is not a folder",
            "{folder} 不是目录"
        )));
    }
    let mut settings = args.given.clone();
    for found in find::keys(&mut settings, folder) {
        let found = found.display();
        output.note(tf!("Found {found}", "找到 {found}"));
    }
    if !args.no_input && ask::is_possible(output) {
        ask::missing(&mut settings)?;
    }
    // The profile is used from other folders, too.
    let here = std::env::current_dir().map_err(Failure::local)?;
    Ok(settings.relative_to(&here))
}

/// Returns the settings of a running sandbox. Its keys become files next to the configuration file.
fn from_sandbox(url: &str, args: &Args, name: &str, path: &Path) -> Result<Settings> {
    let source = Source {
        sandbox: Some(url.to_owned()),
        given: args.given.clone(),
        ..Source::default()
    };
    let settings = source.settings()?;
    write::key_files(settings, &path.with_file_name(name))
}

/// Checks what a client needs. The library names what is wrong with a key.
fn check(settings: &Settings) -> Result {
    for (is_set, name, what) in [
        (
            settings.mchid.is_some(),
            "--mchid",
            t("the merchant ID", "商户号"),
        ),
        (
            settings.private_key.is_some(),
            "--private-key",
            t(
                "the merchant's private key, apiclient_key.pem",
                "商户API私钥, apiclient_key.pem",
            ),
        ),
        (
            settings.serial.is_some() || settings.client_certificate.is_some(),
            "--serial",
            t(
                "the merchant's certificate, apiclient_cert.pem, or its serial",
                "商户API证书 apiclient_cert.pem, 或其序列号",
            ),
        ),
    ] {
        if !is_set {
            return Err(
                Failure::configuration(tf!("{what} is missing", "缺少{what}")).with_advice(tf!(
                    "Give the folder with the key files, or {name}. Nothing was written.",
                    "请给出密钥文件所在目录, 或 {name}。没有写入任何内容。"
                )),
            );
        }
    }
    let nothing_written = t("Nothing was written.", "没有写入任何内容。");
    settings
        .client()
        .map(drop)
        .map_err(|failure| failure.with_advice(nothing_written))
}

fn report(name: &str, path: &Path, settings: &Settings, output: &Output) {
    let shown = path.display();
    if output.is_json() {
        output
            .value(&json!({ "profile": name, "file": shown.to_string(), "mchid": settings.mchid }));
        return;
    }
    output.line(tf!(
        "Profile {name} written to {shown}",
        "配置 {name} 已写入 {shown}"
    ));
    if settings.apiv3_key.is_none() {
        output.note(t(
            "Without an APIv3 key, notifications and platform certificates cannot be decrypted.",
            "没有APIv3密钥, 无法解密通知和平台证书。",
        ));
    }
    let profile = match name == file::DEFAULT {
        true => String::new(),
        false => format!(" --profile {name}"),
    };
    output.note(tf!(
        "Next: wxpay doctor{profile}",
        "下一步: wxpay doctor{profile}"
    ));
}
