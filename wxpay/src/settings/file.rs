//! The configuration file: profiles in TOML, with keys by path.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Settings, read};
use crate::{
    exit::{Failure, Result},
    text::tf,
};

/// The profile that is used without a name.
pub(crate) const DEFAULT: &str = "default";

/// All profiles, by name.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Settings>,
}

/// Returns the path of the configuration file, whether it exists or not.
pub(crate) fn path() -> Option<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("WXPAY_CONFIG").or_else(|| {
        let folder = if cfg!(windows) {
            set("APPDATA")
        } else {
            set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))
        };
        Some(folder?.join("wxpay").join("config.toml"))
    })
}

/// Returns the settings of a profile: of the default one, if it exists, if no name is given.
pub(super) fn profile(name: Option<&str>) -> Result<Settings> {
    let Some(path) = path().filter(|path| path.exists()) else {
        return match name {
            None => Ok(Settings::default()),
            Some(name) => Err(Failure::configuration(tf!(
                "no profile `{name}`: there is no configuration file; `wxpay init` writes one",
                "没有配置 `{name}`: 配置文件不存在; `wxpay init` 可以生成"
            ))),
        };
    };
    let mut file = load(&path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    match file.profiles.remove(name.unwrap_or(DEFAULT)) {
        Some(settings) => Ok(settings.relative_to(folder)),
        None if name.is_none() => Ok(Settings::default()),
        None => {
            let name = name.unwrap_or(DEFAULT);
            let known: Vec<_> = file.profiles.keys().map(String::as_str).collect();
            let (path, known) = (path.display(), known.join(", "));
            Err(Failure::configuration(tf!(
                "no profile `{name}` in {path}; it has: {known}",
                "{path} 中没有配置 `{name}`; 已有: {known}"
            )))
        }
    }
}

/// Reads a configuration file.
pub(crate) fn load(path: &Path) -> Result<File> {
    // The message of the parser quotes the line, which may be a key: only its place is shown.
    toml::from_str(&read(path)?).map_err(|err| {
        let (path, line) = (path.display(), line_of(path, err.span()));
        let reason = err.message();
        Failure::configuration(tf!(
            "invalid {path}, line {line}: {reason}",
            "{path} 第 {line} 行无效: {reason}"
        ))
    })
}

fn line_of(path: &Path, span: Option<std::ops::Range<usize>>) -> usize {
    let text = read(path).unwrap_or_default();
    let start = span.map_or(0, |span| span.start).min(text.len());
    text.as_bytes()[..start]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_has_the_words_of_the_flags() {
        let file: File = toml::from_str(
            "[profiles.default]\nmchid = '1900000109'\nprivate_key = 'keys/apiclient_key.pem'\ntimeout = 2.5",
        )
        .unwrap();
        let settings = file.profiles["default"]
            .clone()
            .relative_to(Path::new("/etc/wxpay"));
        assert_eq!(settings.mchid.as_deref(), Some("1900000109"));
        assert_eq!(
            settings.private_key.as_deref(),
            Some(Path::new("/etc/wxpay/keys/apiclient_key.pem"))
        );
        assert!(toml::from_str::<File>("[profiles.default]\nmchld = '1'").is_err());
    }
}
