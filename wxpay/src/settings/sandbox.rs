//! The settings of a running sandbox, which it gives over HTTP.

use serde::Deserialize;

use super::{Inline, Settings};
use crate::{
    command::control,
    exit::{Failure, Result},
    text::tf,
};

pub(crate) const DEFAULT: &str = "http://127.0.0.1:8080";

#[derive(Deserialize)]
struct Config {
    base_uri: String,
    merchants: Vec<Merchant>,
}

#[derive(Deserialize)]
struct Merchant {
    mchid: String,
    appid: String,
    serial: String,
    private_key: String,
    certificate: String,
    apiv3_key: String,
    apiv2_key: String,
    platform_key_id: Option<String>,
    platform_key: Option<String>,
    #[serde(default)]
    platform_certificates: Vec<String>,
}

/// Returns the settings for all merchants of a sandbox.
pub(super) fn all(url: &str) -> Result<Vec<Settings>> {
    let config: Config = control::get(url, "config")?;
    let base_uri = &config.base_uri;
    let merchants = config.merchants.into_iter();
    Ok(merchants.map(|it| of(it, base_uri)).collect())
}

/// Returns the settings for a merchant of a sandbox, or for its first one.
pub(super) fn settings(url: &str, mchid: Option<&str>) -> Result<Settings> {
    let config: Config = control::get(url, "config")?;
    let merchant = config
        .merchants
        .into_iter()
        .find(|merchant| mchid.is_none_or(|mchid| merchant.mchid == mchid))
        .ok_or_else(|| {
            let mchid = mchid.unwrap_or_default();
            Failure::configuration(tf!(
                "the sandbox has no merchant {mchid}",
                "沙箱中没有商户 {mchid}"
            ))
        })?;
    Ok(of(merchant, &config.base_uri))
}

fn of(merchant: Merchant, base_uri: &str) -> Settings {
    Settings {
        mchid: Some(merchant.mchid),
        appid: Some(merchant.appid),
        serial: Some(merchant.serial),
        apiv3_key: Some(merchant.apiv3_key),
        apiv2_key: Some(merchant.apiv2_key),
        pub_key_id: merchant.platform_key_id,
        base_uri: Some(base_uri.to_owned()),
        inline: Inline {
            private_key: Some(merchant.private_key),
            certificate: Some(merchant.certificate),
            pub_key: merchant.platform_key,
            platform_certificates: merchant.platform_certificates,
            sandbox: Some(host(base_uri).to_owned()),
        },
        ..Settings::default()
    }
}

/// Returns the host of a base URI, with its port.
fn host(base_uri: &str) -> &str {
    let (_, rest) = base_uri.split_once("://").unwrap_or(("", base_uri));
    rest.split('/').next().unwrap_or_default()
}
