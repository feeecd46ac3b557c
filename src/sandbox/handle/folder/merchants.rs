//! The merchants of a folder of keys: their options and secrets.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    files::{Files, Kept, damaged, failed},
    platform::file,
};
use crate::{
    error::cause::Result,
    protocol::merchant::{check_id, is_sandbox_id},
    sandbox::{
        flows::platform::trust::{PlatformMode, Rotation},
        handle::keys::MerchantOptions,
        state::{
            keys::KeySource,
            merchant::{Merchant, MerchantSecrets},
        },
    },
};

const KEY: &str = "apiclient_key.pem";
const BRAND_KEY: &str = "brand_key.pem";
const MODES: [(PlatformMode, &str); 3] = [
    (PlatformMode::PublicKey, "public_key"),
    (PlatformMode::Certificate, "certificate"),
    (PlatformMode::Both, "both"),
];
const ROTATIONS: [(Rotation, &str); 3] = [
    (Rotation::Old, "old"),
    (Rotation::Both, "both"),
    (Rotation::New, "new"),
];

/// Returns the IDs of the merchants that a folder has.
pub(super) fn ids(parent: &Path) -> Result<Vec<String>> {
    let unreadable = |err| failed(parent, "cannot be read").with_source(err);
    let mut ids = Vec::new();
    for entry in fs::read_dir(parent).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if check_id("mchid", &name).is_ok() && entry.path().is_dir() {
            ids.push(name);
        }
    }
    // The order says which RSA key a merchant without one draws, and must not be the file system's.
    ids.sort_unstable();
    Ok(ids)
}

/// Reads a merchant's options, as far as `wanted` leaves them open, and its secrets. A merchant that the
/// folder does not have yet is written into it.
pub(super) fn open(
    parent: &Path,
    wanted: MerchantOptions,
    nth: usize,
    source: KeySource,
) -> Result<(MerchantOptions, MerchantSecrets)> {
    check_id("mchid", &wanted.mchid)?;
    let folder = parent.join(&wanted.mchid);
    if !folder.exists() {
        let secrets = MerchantSecrets::draw(nth, wanted.brand_id.is_some(), source)?;
        new_files(folder.clone(), &wanted, &secrets)?.create()?;
    }
    // Also after it was created: another process may have been first.
    let kept = Kept::read(folder.clone())?.ok_or_else(|| failed(&folder, "is missing"))?;
    let known = options(&kept)?;
    if known.mchid != wanted.mchid {
        return Err(kept.invalid("mchid"));
    }
    if wanted.brand_id.is_some() && wanted.brand_id != known.brand_id {
        return Err(damaged(&folder, "has another brand, or none"));
    }
    Ok((wanted.or(known), secrets(&kept)?))
}

/// Adds to a configuration what a merchant is started from again.
pub(super) fn describe(config: &mut Value, merchant: &Merchant) {
    let trust = merchant.trust();
    config["partner_of"] = merchant.partner_of.clone().into();
    config["notify_urls"] = json!(merchant.events);
    config["opening_balance"] = merchant.opening_balance.into();
    config["platform_mode"] = name_of(&MODES, trust.mode).into();
    config["rotation"] = name_of(&ROTATIONS, trust.certificates).into();
}

/// Returns the files of a new merchant, without what depends on where the sandbox listens.
fn new_files(
    folder: PathBuf,
    options: &MerchantOptions,
    secrets: &MerchantSecrets,
) -> Result<Files> {
    let mut config = json!({
        "mchid": options.mchid,
        "appids": options.appids,
        "serial": secrets.serial,
        "apiv3_key": *secrets.apiv3,
        "apiv2_key": *secrets.apiv2,
        "private_key": KEY,
        "partner_of": options.partner_of,
        "notify_urls": options.events,
        "opening_balance": options.opening_balance,
        "platform_mode": name_of(&MODES, options.mode),
    });
    let mut files = vec![file(KEY, &secrets.key)?];
    if let (Some(id), Some((serial, key))) = (&options.brand_id, &secrets.brand) {
        config["brand_id"] = id.as_str().into();
        config["brand_serial"] = serial.as_str().into();
        config["brand_private_key"] = BRAND_KEY.into();
        files.push(file(BRAND_KEY, key)?);
    }
    Ok(Files::new(folder, config, files))
}

fn options(kept: &Kept) -> Result<MerchantOptions> {
    let mut options = MerchantOptions::new(kept.text("mchid")?);
    options.appids = texts(kept, "appids")?;
    options.partner_of = texts(kept, "partner_of")?;
    if let Some(urls) = kept.config["notify_urls"].as_object() {
        for (event, url) in urls {
            let url = url.as_str().ok_or_else(|| kept.invalid("notify_urls"))?;
            options.events.insert(event.clone(), url.to_owned());
        }
    }
    options.mode = named(kept, "platform_mode", &MODES)?;
    options.rotation = named(kept, "rotation", &ROTATIONS)?;
    match &kept.config["opening_balance"] {
        Value::Null => {}
        fen => {
            let fen = fen.as_u64();
            options.opening_balance = fen.ok_or_else(|| kept.invalid("opening_balance"))?;
        }
    }
    options.brand_id = match &kept.config["brand_id"] {
        Value::Null => None,
        _ => Some(kept.text("brand_id")?.to_owned()),
    };
    Ok(options)
}

fn secrets(kept: &Kept) -> Result<MerchantSecrets> {
    // A real key must not sign what a test asks for, or be left in a folder of tests.
    let serial = |name: &str| {
        let serial = kept.text(name)?;
        let is_ours = serial.len() == 40
            && serial.bytes().all(|byte| byte.is_ascii_hexdigit())
            && is_sandbox_id(serial);
        match is_ours {
            true => Ok(serial.to_owned()),
            false => Err(kept.invalid(name)),
        }
    };
    let key = |name: &str| {
        let key = kept.text(name)?;
        let is_ours = key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match is_ours {
            true => Ok(Zeroizing::new(key.to_owned())),
            false => Err(kept.invalid(name)),
        }
    };
    Ok(MerchantSecrets {
        serial: serial("serial")?,
        key: kept.private_key(KEY)?,
        apiv3: key("apiv3_key")?,
        apiv2: key("apiv2_key")?,
        brand: match &kept.config["brand_id"] {
            Value::Null => None,
            _ => Some((serial("brand_serial")?, kept.private_key(BRAND_KEY)?)),
        },
    })
}

fn texts(kept: &Kept, name: &str) -> Result<Vec<String>> {
    let Some(values) = kept.config[name].as_array() else {
        return Ok(Vec::new());
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts = values.iter().map(text).collect::<Option<_>>();
    texts.ok_or_else(|| kept.invalid(name))
}

fn named<T: Copy + Default>(kept: &Kept, name: &str, names: &[(T, &str)]) -> Result<T> {
    if kept.config[name].is_null() {
        return Ok(T::default());
    }
    let text = kept.text(name)?;
    let found = names.iter().find(|(_, known)| *known == text);
    found
        .map(|(value, _)| *value)
        .ok_or_else(|| kept.invalid(name))
}

fn name_of<T: Copy + PartialEq>(names: &[(T, &'static str)], value: T) -> &'static str {
    let found = names.iter().find(|(known, _)| *known == value);
    found.map_or("", |(_, name)| name)
}
