//! The platform's keys as files.

use std::path::Path;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::files::{Files, Kept, damaged};
use crate::{
    base::crypto::{PrivateKey, digest},
    error::cause::Result,
    protocol::merchant::is_sandbox_id,
    sandbox::state::{
        authority::{is_valid, serial_from_hex},
        clock::real_now,
        keys::{KeptKeys, PlatformKey, PlatformKeys, SerialKey},
    },
};

const FOLDER: &str = "platform";
const SIGNING_KEY: &str = "signing_key.pem";
/// The other keys: their serials in the configuration, and their files.
const CA: (&str, &str) = ("ca_serial", "ca_key.pem");
const TLS: (&str, &str) = ("tls_serial", "tls_key.pem");
const CERTIFICATES: [(&str, &str); 2] = [
    ("certificate_0_serial", "certificate_0_key.pem"),
    ("certificate_1_serial", "certificate_1_key.pem"),
];

/// Returns the files of the keys that have been made so far.
pub(super) fn files(parent: &Path, keys: &PlatformKeys, first: &str) -> Result<Files> {
    let made = keys.made();
    let mut config = json!({ "mchid": first, "issued_at": made.issued_at });
    let mut files = Vec::new();
    if let Some(key) = &made.public_key {
        config["platform_key_id"] = key.id.as_str().into();
        files.push(file(SIGNING_KEY, &key.private)?);
    }
    let [old, new] = &made.certificates;
    let [old_names, new_names] = CERTIFICATES;
    for (names, key) in [
        (CA, &made.authority),
        (TLS, &made.tls),
        (old_names, old),
        (new_names, new),
    ] {
        if let Some(key) = key {
            config[names.0] = digest::hex_upper(&key.serial).into();
            files.push(file(names.1, &key.private)?);
        }
    }
    Ok(Files::new(parent.join(FOLDER), config, files))
}

/// Reads them, and the ID of the first merchant. Returns `None` if the folder has none.
pub(super) fn read(parent: &Path) -> Result<Option<(KeptKeys, String)>> {
    let folder = parent.join(FOLDER);
    let Some(kept) = Kept::read(folder.clone())? else {
        return Ok(None);
    };
    let id = kept.text("platform_key_id")?.to_owned();
    if !is_sandbox_id(&id) {
        return Err(kept.invalid("platform_key_id"));
    }
    let issued_at = kept.config["issued_at"].as_u64();
    let issued_at = issued_at.ok_or_else(|| kept.invalid("issued_at"))?;
    if !is_valid(issued_at, real_now()) {
        return Err(damaged(&folder, "has keys whose certificates expired"));
    }
    let key = |names| serial_key(&kept, names);
    let [old, new] = CERTIFICATES;
    let keys = KeptKeys {
        issued_at,
        public_key: Some(PlatformKey {
            id,
            private: kept.private_key(SIGNING_KEY)?,
        }),
        authority: key(CA)?,
        tls: key(TLS)?,
        certificates: [key(old)?, key(new)?],
    };
    Ok(Some((keys, kept.text("mchid")?.to_owned())))
}

fn serial_key(kept: &Kept, (serial, file): (&str, &str)) -> Result<Option<SerialKey>> {
    let Value::String(digits) = &kept.config[serial] else {
        return Ok(None);
    };
    let bytes = serial_from_hex(digits).filter(|_| is_sandbox_id(digits));
    Ok(Some(SerialKey {
        serial: bytes.ok_or_else(|| kept.invalid(serial))?,
        private: kept.private_key(file)?,
    }))
}

pub(super) fn file(name: &str, key: &PrivateKey) -> Result<(String, Zeroizing<String>)> {
    let pem = key.to_pkcs8_pem()?;
    Ok((name.to_owned(), Zeroizing::new(pem.as_str().to_owned())))
}
