//! Writes a profile into the configuration file, and leaves everything else in it as it is.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use toml_edit::{DocumentMut, Item, Table, value};

use crate::{
    exit::{Failure, Result},
    private,
    settings::{Settings, file, read},
    text::{reason, tf},
};

/// Checks that the configuration file is valid, and does not have the profile unless it may be replaced.
pub(super) fn check(path: &Path, name: &str, force: bool) -> Result {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(Failure::usage(tf!(
            "invalid name of a profile `{name}`: expected letters, digits, `-` and `_`",
            "配置名 `{name}` 无效: 只能用字母、数字、`-` 和 `_`"
        )));
    }
    if path.exists() && file::load(path)?.profiles.contains_key(name) && !force {
        let path = path.display();
        return Err(Failure::configuration(tf!(
            "{path} already has the profile `{name}`; nothing was written",
            "{path} 中已有配置 `{name}`; 没有写入任何内容"
        ))
        .with_advice(tf!(
            "Choose another name with --profile, or replace it with --force.",
            "请用 --profile 另取名称, 或用 --force 替换。"
        )));
    }
    Ok(())
}

/// Writes a profile.
pub(super) fn profile(path: &Path, name: &str, settings: &Settings) -> Result {
    let text = match path.exists() {
        true => read(path)?,
        false => String::new(),
    };
    let text = with_profile(&text, name, settings)?;
    // A file that is a link stays one: it belongs to whoever keeps it elsewhere.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole(&path, &text)
}

fn with_profile(text: &str, name: &str, settings: &Settings) -> Result<String> {
    let mut document: DocumentMut = text.parse().map_err(Failure::configuration)?;
    let profiles = document.entry("profiles").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let profiles = profiles.as_table_like_mut().ok_or_else(|| {
        Failure::configuration(tf!("`profiles` is not a table", "`profiles` 不是表"))
    })?;
    let profile = profiles
        .entry(name)
        .or_insert_with(|| Item::Table(Table::new()));
    let profile = profile.as_table_like_mut().ok_or_else(|| {
        Failure::configuration(tf!(
            "profile `{name}` is not a table",
            "配置 `{name}` 不是表"
        ))
    })?;
    let settings = toml::Table::try_from(settings).map_err(Failure::local)?;
    let old: Vec<String> = profile.iter().map(|(key, _)| key.to_owned()).collect();
    for key in old.iter().filter(|key| !settings.contains_key(*key)) {
        profile.remove(key);
    }
    for (key, setting) in settings {
        let item = match setting {
            toml::Value::Float(number) => value(number),
            toml::Value::String(text) => value(text),
            other => value(other.to_string()),
        };
        profile.insert(&key, item);
    }
    Ok(document.to_string())
}

/// Writes the keys that are not in files yet, and returns the settings with their paths.
pub(super) fn key_files(mut settings: Settings, folder: &Path) -> Result<Settings> {
    let file = |name: &str, pem: Option<String>| -> Result<Option<PathBuf>> {
        let Some(pem) = pem else { return Ok(None) };
        let path = folder.join(name);
        whole(&path, &pem)?;
        Ok(Some(path))
    };
    settings.private_key = file("apiclient_key.pem", settings.private_key_pem()?)?;
    settings.client_certificate = file("apiclient_cert.pem", settings.certificate_pem()?)?;
    let pub_key = settings.pub_key()?.map(|(_, key)| key.to_pem());
    settings.pub_key = file("pub_key.pem", pub_key)?;
    let certificate = settings
        .platform_certificates()?
        .first()
        .map(|certificate| certificate.to_pem());
    settings.platform_certificate = file("wechatpay.pem", certificate)?;
    Ok(settings)
}

/// Writes a file that only its owner can read, as a whole or not at all.
fn whole(path: &Path, text: &str) -> Result {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let written = folder
        .map_or(Ok(()), private::folder)
        .and_then(|()| create(&temporary, text))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|err| {
        let _ = fs::remove_file(&temporary);
        let (path, why) = (path.display(), reason(&err));
        Failure::local(tf!("cannot write {path}: {why}", "无法写入 {path}: {why}"))
    })
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = private::new_file(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\n[profiles.default] # the shop\nmchid = '1900000001' # old\ntimeout = 2.5\n\n# test\n[profiles.test]\nmchid = '1'\n";

    fn settings() -> Settings {
        Settings {
            mchid: Some("1900000109".to_owned()),
            timeout: Some(1.5),
            private_key: Some("/keys/apiclient_key.pem".into()),
            ..Settings::default()
        }
    }

    #[test]
    fn new_profile_leaves_the_rest_of_the_file_as_it_is() {
        let text = with_profile(FILE, "new", &settings()).unwrap();
        let added = text.strip_prefix(FILE).expect("the file is kept");
        assert_eq!(
            added,
            "\n[profiles.new]\nmchid = \"1900000109\"\nprivate_key = \"/keys/apiclient_key.pem\"\ntimeout = 1.5\n"
        );
    }

    #[test]
    fn replaced_profile_keeps_no_old_setting_and_all_other_comments() {
        let first = Settings {
            mchid: Some("2".to_owned()),
            ..Settings::default()
        };
        let text = with_profile(FILE, "default", &first).unwrap();
        assert!(
            !text.contains("timeout") && !text.contains("1900000001"),
            "{text}"
        );
        for kept in [
            "# mine",
            "# the shop",
            "# test\n[profiles.test]\nmchid = '1'\n",
        ] {
            assert!(text.contains(kept), "{text}");
        }
    }
}
