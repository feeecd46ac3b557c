//! Keys and configuration as files, for programs that are not tests in Rust.

use std::path::Path;

use serde_json::json;
use zeroize::Zeroizing;

use super::{
    files::Files,
    merchants,
    platform::{self, file},
};
use crate::{
    error::{Cause, Result},
    sandbox::{
        flows::platform::trust,
        handle::{Merchant, Sandbox},
    },
};

impl Sandbox {
    /// Writes what each merchant's clients need into a folder of its own, named by the merchant ID.
    ///
    /// | file | what |
    /// | --- | --- |
    /// | `config.json` | the base URIs, the merchant ID, the apps, the serial, the APIv3 and APIv2 keys, and the names of the other files |
    /// | `apiclient_key.pem` | the merchant key |
    /// | `apiclient_cert.pem` | the merchant's API certificate, for APIv2 over HTTPS |
    /// | `brand_key.pem` | the key of the merchant's brand, if it has one |
    /// | `pub_key.pem` | the platform's public key, if the merchant has it |
    /// | `platform_certificates/` | the platform certificates, if the merchant has them |
    /// | `ca.pem` | the certificate authority of the sandbox's HTTPS |
    ///
    /// A further folder, `platform`, has the private keys of the sandbox itself. With it, another process can
    /// start with the same keys: see [`SandboxBuilder::keys`](crate::sandbox::SandboxBuilder::keys).
    ///
    /// Only the user may read them: on Unix, the files have mode 0600 and the folders 0700. Another export
    /// replaces the files of an earlier one. A file that is not of an export is never replaced. The sandbox
    /// starts to listen on HTTPS, as [`https_base_uri`](Self::https_base_uri) does. Blocks the thread.
    ///
    /// ```
    /// use wechatpay_chain::{Client, PrivateKey, PublicKey, Value, json, sandbox::Sandbox};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = std::env::temp_dir().join(format!("wechatpay-export-{}", std::process::id()));
    /// let sandbox = Sandbox::start()?;
    /// sandbox.export(&folder)?;
    ///
    /// let folder_of_merchant = folder.join(sandbox.mchid());
    /// let config = std::fs::read_to_string(folder_of_merchant.join("config.json"))?;
    /// let config: Value = serde_json::from_str(&config)?;
    /// let text = |name: &str| config[name].as_str().unwrap_or_default().to_owned();
    /// let file = |name: &str| folder_of_merchant.join(text(name));
    /// let client = Client::builder()
    ///     .base_uri(text("base_uri"))
    ///     .no_proxy()
    ///     .mchid(text("mchid"))
    ///     .serial(text("serial"))
    ///     .private_key(PrivateKey::from_pem_file(file("private_key"))?)
    ///     .platform_key(text("platform_key_id"), PublicKey::from_pem_file(file("platform_key"))?)
    ///     .apiv3_key(text("apiv3_key"))
    ///     .build()?;
    /// client.chain("v3/security/echo").post(json!({ "json": { "echo_message": "hello" } }))?;
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error that names the file if one cannot be written, or if a file of this name is there that
    /// no export wrote, or that was changed since. Then nothing is written. Returns an error if the sandbox
    /// cannot listen on HTTPS or make the certificates.
    pub fn export(&self, folder: impl AsRef<Path>) -> Result<()> {
        self.export_these(folder.as_ref(), &self.merchants())
    }

    pub(in crate::sandbox::handle) fn export_these(
        &self,
        folder: &Path,
        merchants: &[Merchant],
    ) -> Result<()> {
        let mut exports: Vec<_> = merchants
            .iter()
            .map(|merchant| files_of(folder, merchant))
            .collect::<Result<_>>()?;
        let platform = platform::files(folder, &self.state.platform, self.mchid());
        exports.push(platform.map_err(Cause::not_sent)?);
        // First all checks: a folder that cannot be used leaves the others as they are.
        exports
            .iter()
            .try_for_each(Files::check)
            .and_then(|()| exports.iter().try_for_each(Files::write))
            .map_err(Cause::not_sent)
    }
}

/// Returns the files of one merchant.
fn files_of(parent: &Path, merchant: &Merchant) -> Result<Files> {
    let ca = merchant.state.platform.authority();
    let ca = ca.map_err(Cause::not_sent)?.certificate.to_pem();
    let key = trust::public_key(&merchant.state, &merchant.merchant);
    let mut config = json!({
        "base_uri": format!("http://{}/", merchant.state.address),
        "https_base_uri": merchant.https_base_uri()?,
        "mchid": merchant.mchid(),
        "appid": merchant.appid(),
        "appids": merchant.merchant.appids,
        "serial": merchant.serial(),
        "apiv3_key": merchant.apiv3_key(),
        "apiv2_key": merchant.apiv2_key(),
        "private_key": "apiclient_key.pem",
        "certificate": "apiclient_cert.pem",
        "ca_certificate": "ca.pem",
        "platform_key_id": key.map(|key| &key.id),
        "platform_key": key.map(|_| "pub_key.pem"),
    });
    let mut files = vec![
        (
            "apiclient_key.pem".to_owned(),
            Zeroizing::new(merchant.private_key_pem()?),
        ),
        (
            "apiclient_cert.pem".to_owned(),
            merchant.client_certificate()?.to_pem().into(),
        ),
        ("ca.pem".to_owned(), ca.into()),
    ];
    if let Some(key) = key {
        let pem = key.public_key().to_pem();
        files.push(("pub_key.pem".to_owned(), pem.into()));
    }
    if let Some(brand) = &merchant.merchant.brand {
        config["brand_id"] = brand.id.as_str().into();
        config["brand_serial"] = brand.serial.as_str().into();
        config["brand_private_key"] = "brand_key.pem".into();
        files.push(file("brand_key.pem", &brand.key.private).map_err(Cause::not_sent)?);
    }
    let certificates = merchant.platform_certificates();
    let certificates: Vec<_> = certificates
        .iter()
        .map(|certificate| {
            let name = format!("platform_certificates/{}.pem", certificate.serial());
            (name, certificate.to_pem().into())
        })
        .collect();
    config["platform_certificates"] = certificates.iter().map(|(name, _)| &**name).collect();
    files.extend(certificates);
    merchants::describe(&mut config, &merchant.merchant);
    Ok(Files::new(parent.join(merchant.mchid()), config, files))
}
