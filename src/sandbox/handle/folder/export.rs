//! Keys and configuration as files, for programs that are not tests in Rust.

use std::path::Path;

use serde_json::Value;

use super::{files::Files, merchants, platform};
use crate::{
    error::{Cause, Result},
    sandbox::handle::{Merchant, Sandbox},
};

impl Sandbox {
    /// Writes what each merchant's clients need into a folder of its own, named by the merchant ID.
    ///
    /// | file | what |
    /// | --- | --- |
    /// | `config.json` | the base URIs, the URI of the proxy if there is one, the merchant ID, the apps, the serial, the APIv3 and APIv2 keys, and the names of the other files |
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
            .map_err(Cause::not_sent)?;
        let parent = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        for merchant in merchants {
            let (mchid, mut exported) = (merchant.mchid(), self.state.exported());
            exported.insert(mchid.to_owned(), parent.join(mchid));
        }
        Ok(())
    }
}

/// Returns the files of one merchant.
fn files_of(parent: &Path, merchant: &Merchant) -> Result<Files> {
    let made = merchant.config()?;
    let mut config = Value::Object(made.with_files(|file| file.name.as_str().into()));
    merchants::describe(&mut config, &merchant.merchant);
    let files = made.files.into_iter().map(|file| (file.name, file.pem));
    let folder = parent.join(merchant.mchid());
    Ok(Files::new(folder, config, files.collect()))
}
