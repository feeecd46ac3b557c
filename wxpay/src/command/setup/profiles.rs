//! `wxpay profiles`: the profiles of the configuration file, without their secrets.

use std::env;

use serde_json::{Value, json};

use crate::{
    exit::{Failure, Result},
    output::{Output, Style},
    settings::{Settings, file, modes},
    text::{t, tf},
};

pub(crate) fn run(output: &Output) -> Result {
    let path =
        file::path().ok_or_else(|| Failure::configuration(t("no home folder", "没有主目录")))?;
    let profiles = match path.exists() {
        true => file::load(&path)?.profiles,
        false => Default::default(),
    };
    modes::warn(&path, output);
    let name = env::var("WXPAY_PROFILE")
        .ok()
        .filter(|name| !name.is_empty());
    let name = name.as_deref().unwrap_or(file::DEFAULT);
    if output.is_json() {
        let profiles: Vec<_> = profiles
            .iter()
            .map(|(profile, settings)| described(profile, settings, profile == name))
            .collect();
        output.value(&json!({ "file": path.display().to_string(), "profiles": profiles }));
        return Ok(());
    }
    if profiles.is_empty() {
        let path = path.display();
        output.note(tf!(
            "no profiles in {path}; `wxpay init` writes one",
            "{path} 中没有配置; `wxpay init` 可以生成"
        ));
        return Ok(());
    }
    let width = profiles
        .keys()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or_default();
    for (profile, settings) in &profiles {
        let mark = if profile == name { "*" } else { " " };
        let padding = " ".repeat(width - profile.chars().count());
        let mchid = settings.mchid.as_deref().unwrap_or("-");
        let at = settings.base_uri.as_deref().unwrap_or_default();
        let line = format!(
            "{mark} {}{padding}  {mchid}  {at}",
            Style::Strong.paint(profile)
        );
        output.line(line.trim_end());
    }
    Ok(())
}

/// What is set, and whose. Whether a key is there is no secret; the key is.
fn described(name: &str, settings: &Settings, is_in_use: bool) -> Value {
    json!({
        "name": name,
        "in_use": is_in_use,
        "mchid": settings.mchid,
        "serial": settings.serial,
        "appid": settings.appid,
        "base_uri": settings.base_uri,
        "private_key": settings.private_key,
        "client_certificate": settings.client_certificate,
        "pub_key_id": settings.pub_key_id,
        "pub_key": settings.pub_key,
        "platform_certificate": settings.platform_certificate,
        "has_apiv3_key": settings.apiv3_key.is_some(),
        "has_apiv2_key": settings.apiv2_key.is_some(),
    })
}
