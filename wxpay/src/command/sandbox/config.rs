//! `wxpay sandbox config`: what a program in some language needs to call the sandbox.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    default_keys,
    snippets::{self, Language},
};
use crate::{
    exit::{Failure, Result},
    output::Output,
    settings::read,
    text::{t, tf},
};

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

pub(super) fn run(args: &Args, output: &Output) -> Result {
    let keys = args.keys.clone().map_or_else(default_keys, Ok)?;
    let (folder, config) = merchant(&keys, args.mchid.as_deref())?;
    let folder = folder.to_str().ok_or_else(|| {
        let folder = folder.display();
        Failure::configuration(tf!(
            "the path {folder} is not UTF-8, so that no source code can name it: use another folder",
            "路径 {folder} 不是UTF-8, 无法写入源代码: 请换一个目录"
        ))
    })?;
    let text = snippets::filled(args.language, folder, &config);
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
