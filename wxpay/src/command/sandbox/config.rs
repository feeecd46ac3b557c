//! `wxpay sandbox config`: what a program in some language needs to call the sandbox.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::default_keys;
use crate::{
    exit::{Failure, Result},
    output::Output,
    settings::read,
    text::{t, tf},
};

/// Where `--proxy` listens unless it is told otherwise.
const PROXY: &str = "http://127.0.0.1:8081";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(long = "for", value_name = "LANGUAGE", help = t("Language", "语言"))]
    language: Language,

    #[arg(long, value_name = "DIR",
        help = t("Folder of the sandbox's keys [default: sandbox beside the profiles]",
            "沙箱的密钥目录 [默认: 配置文件旁的 sandbox]"))]
    keys: Option<PathBuf>,

    #[arg(long, value_name = "ID", help = t("Merchant [default: the first]", "商户号 [默认: 第一个]"))]
    mchid: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    Rust,
    Php,
    Node,
    Python,
    Go,
    Java,
}

impl Language {
    fn snippet(self) -> &'static str {
        match self {
            Self::Rust => include_str!("snippets/rust.txt"),
            Self::Php => include_str!("snippets/php.txt"),
            Self::Node => include_str!("snippets/node.txt"),
            Self::Python => include_str!("snippets/python.txt"),
            Self::Go => include_str!("snippets/go.txt"),
            Self::Java => include_str!("snippets/java.txt"),
        }
    }
}

pub(super) fn run(args: &Args, output: &Output) -> Result {
    let keys = args.keys.clone().map_or_else(default_keys, Ok)?;
    let (folder, config) = merchant(&keys, args.mchid.as_deref())?;
    let text = filled(args.language.snippet(), &folder, &config);
    match output.is_json() {
        true => output.value(&json!({ "config": config, "code": text })),
        // As it is, so that it can be redirected into a file.
        false => output.bytes(text.as_bytes()),
    }
    Ok(())
}

/// Returns the folder and the configuration of a merchant.
fn merchant(keys: &Path, mchid: Option<&str>) -> Result<(PathBuf, Value)> {
    let mut folders: Vec<_> = fs::read_dir(keys)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| folder.join("config.json").is_file())
        .collect();
    folders.sort();
    let found = folders.into_iter().find(|folder| match mchid {
        Some(mchid) => folder.file_name().is_some_and(|name| name == mchid),
        None => true,
    });
    let folder = found.ok_or_else(|| {
        let keys = keys.display();
        Failure::configuration(tf!(
            "no merchant's configuration in {keys}",
            "{keys} 中没有商户配置"
        ))
        .with_advice(t(
            "Start the sandbox first: `wxpay sandbox`.",
            "请先启动沙箱: `wxpay sandbox`。",
        ))
    })?;
    let path = folder.join("config.json");
    let config = serde_json::from_str(&read(&path)?).map_err(|err| {
        let path = path.display();
        Failure::configuration(tf!("{path} is not JSON: {err}", "{path} 不是JSON: {err}"))
    })?;
    Ok((fs::canonicalize(&folder).unwrap_or(folder), config))
}

/// Fills the places of a snippet, such as `{mchid}`.
fn filled(snippet: &str, folder: &Path, config: &Value) -> String {
    let proxy = config["proxy_uri"].as_str().unwrap_or(PROXY);
    let address = proxy.trim_start_matches("http://");
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let mut text = snippet
        .replace("{folder}", &folder.display().to_string())
        .replace("{proxy}", proxy)
        .replace("{proxy_host}", host)
        .replace("{proxy_port}", port);
    for name in [
        "base_uri",
        "mchid",
        "appid",
        "serial",
        "apiv3_key",
        "apiv2_key",
        "platform_key_id",
    ] {
        text = text.replace(
            &format!("{{{name}}}"),
            config[name].as_str().unwrap_or_default(),
        );
    }
    text
}
