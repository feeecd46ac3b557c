//! What clients of a merchant need: IDs, secrets, and keys and certificates as PEM.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Merchant, Sandbox, proxy::proxy_uri};
use crate::{
    error::{Cause, Result},
    sandbox::flows::platform::trust,
};

const PROXY_URI: &str = "proxy_uri";
/// The names of the fields with lists of files.
const PLATFORM_CERTIFICATES: &str = "platform_certificates";

/// The configuration of one merchant.
pub(super) struct Config {
    /// The fields that are no files.
    values: Map<String, Value>,
    pub(super) files: Vec<ConfigFile>,
}

/// A field whose value is a key or a certificate.
pub(super) struct ConfigFile {
    field: &'static str,
    /// Its path in the folder of an export.
    pub(super) name: String,
    pub(super) pem: Zeroizing<String>,
}

impl Config {
    /// Returns the fields of the configuration, with `show` of each file.
    pub(super) fn with_files(&self, show: impl Fn(&ConfigFile) -> Value) -> Map<String, Value> {
        let mut fields = self.values.clone();
        fields.insert(PLATFORM_CERTIFICATES.to_owned(), json!([]));
        for file in &self.files {
            match fields.get_mut(file.field) {
                Some(Value::Array(list)) => list.push(show(file)),
                _ => {
                    fields.insert(file.field.to_owned(), show(file));
                }
            }
        }
        fields
    }
}

impl Merchant {
    pub(super) fn config(&self) -> Result<Config> {
        let key = trust::public_key(&self.state, &self.merchant);
        let mut values = Map::new();
        for (name, value) in [
            ("base_uri", json!(format!("{}/", self.state.origin()))),
            ("https_base_uri", json!(self.https_base_uri()?)),
            // Without a proxy, it is null.
            (PROXY_URI, json!(self.state.started_proxy().map(proxy_uri))),
            ("mchid", json!(self.mchid())),
            ("appid", json!(self.appid())),
            ("appids", json!(self.merchant.appids)),
            ("serial", json!(self.serial())),
            ("apiv3_key", json!(self.apiv3_key())),
            ("apiv2_key", json!(self.apiv2_key())),
            ("platform_key_id", json!(key.map(|key| &key.id))),
            // Without the public key, it stays so.
            ("platform_key", Value::Null),
        ] {
            values.insert(name.to_owned(), value);
        }
        let ca = self.state.platform.authority().map_err(Cause::not_sent)?;
        let mut files = vec![
            file("private_key", "apiclient_key.pem", self.private_key_pem()?),
            file(
                "certificate",
                "apiclient_cert.pem",
                self.client_certificate()?.to_pem(),
            ),
            file("ca_certificate", "ca.pem", ca.certificate.to_pem()),
        ];
        if let Some(key) = key {
            files.push(file(
                "platform_key",
                "pub_key.pem",
                key.public_key().to_pem(),
            ));
        }
        if let Some(brand) = &self.merchant.brand {
            let pem = brand.key.private.to_pkcs8_pem().map_err(Cause::not_sent)?;
            values.insert("brand_id".to_owned(), json!(brand.id));
            values.insert("brand_serial".to_owned(), json!(brand.serial));
            files.push(file(
                "brand_private_key",
                "brand_key.pem",
                pem.as_str().to_owned(),
            ));
        }
        files.extend(self.platform_certificates().iter().map(|certificate| {
            let name = format!("{PLATFORM_CERTIFICATES}/{}.pem", certificate.serial());
            file(PLATFORM_CERTIFICATES, &name, certificate.to_pem())
        }));
        Ok(Config { values, files })
    }
}

fn file(field: &'static str, name: &str, pem: String) -> ConfigFile {
    ConfigFile {
        field,
        name: name.to_owned(),
        pem: pem.into(),
    }
}

impl Sandbox {
    /// Returns the configuration of the merchants, or of the one that this handle is about, as JSON with PEM.
    pub(in crate::sandbox) fn config(&self) -> Result<Value> {
        let mut meant = self.merchants();
        meant.retain(|merchant| self.is_meant(merchant.mchid()));
        // The first one first, and the others by ID.
        meant.sort_by_key(|merchant| merchant.mchid() != self.mchid());
        let mut merchants = Vec::new();
        for merchant in meant {
            let config = merchant.config()?;
            let mut shown = config.with_files(|file| file.pem.as_str().into());
            if let Some(folder) = self.state.exported().get(merchant.mchid()) {
                let path = |file: &ConfigFile| folder.join(&file.name).to_string_lossy().into();
                let paths = Config {
                    values: Map::new(),
                    files: config.files,
                };
                let mut paths = paths.with_files(path);
                paths.insert("folder".to_owned(), folder.to_string_lossy().into());
                shown.insert("files".to_owned(), paths.into());
            }
            merchants.push(shown);
        }
        let mut config = json!({
            "base_uri": self.base_uri(),
            "https_base_uri": self.https_base_uri()?,
            "ca_certificate": self.ca_certificate()?.to_pem(),
            "mchid": self.mchid(),
            "merchants": merchants,
        });
        if let Some(proxy) = self.state.started_proxy() {
            config[PROXY_URI] = proxy_uri(proxy).into();
        }
        Ok(config)
    }
}
