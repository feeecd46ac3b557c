//! Keys and configuration as files, for programs that are not tests in Rust.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Merchant, Sandbox};
use crate::{
    base::crypto::{self, digest},
    error::{Cause, Result, cause},
    sandbox::flows::platform::trust,
};

const CONFIG: &str = "config.json";
/// In the configuration of every export. A folder without it is somebody else's.
const MARK: (&str, &str) = ("sandbox", "wechatpay-chain");
/// In the configuration: what each file is hashed as.
const HASHES: &str = "sha256";
/// A file that is larger is not of an export.
const MAX_FILE: u64 = 1 << 20;

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
        let merchants = self.merchants();
        let exports: Vec<_> = merchants
            .iter()
            .map(|merchant| Export::new(folder.as_ref(), merchant))
            .collect::<Result<_>>()?;
        // First all checks: a folder that cannot be used leaves the others as they are.
        exports
            .iter()
            .try_for_each(Export::check)
            .and_then(|()| exports.iter().try_for_each(Export::write))
            .map_err(Cause::not_sent)
    }
}

/// The files of one merchant.
struct Export {
    folder: PathBuf,
    /// By their path in the folder, the configuration last.
    files: Vec<(String, Zeroizing<String>)>,
}

impl Export {
    fn new(parent: &Path, merchant: &Merchant) -> Result<Self> {
        let ca = merchant.state.platform.authority();
        let ca = ca.map_err(Cause::not_sent)?.certificate.to_pem();
        let key = trust::public_key(&merchant.state, &merchant.merchant);
        let mut config = json!({
            MARK.0: MARK.1,
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
            let pem = brand.key.private.to_pkcs8_pem().map_err(Cause::not_sent)?;
            config["brand_id"] = brand.id.as_str().into();
            config["brand_serial"] = brand.serial.as_str().into();
            config["brand_private_key"] = "brand_key.pem".into();
            files.push((
                "brand_key.pem".to_owned(),
                Zeroizing::new(pem.as_str().to_owned()),
            ));
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
        let hashes = files
            .iter()
            .map(|(name, text)| (name.clone(), hash(text.as_bytes()).into()));
        config[HASHES] = Value::Object(hashes.collect());
        let config = Zeroizing::new(format!("{config:#}\n"));
        files.push((CONFIG.to_owned(), config));
        Ok(Self {
            folder: parent.join(merchant.mchid()),
            files,
        })
    }

    /// Checks that only files of an earlier export would be replaced.
    fn check(&self) -> cause::Result<()> {
        let earlier = self.earlier()?;
        let names = self.files.iter().map(|(name, _)| name);
        for name in names.filter(|name| *name != CONFIG) {
            let path = self.folder.join(name);
            let Some(bytes) = read(&path)? else {
                continue;
            };
            let written = earlier.as_ref().and_then(|hashes| hashes.get(name));
            if written.and_then(Value::as_str) != Some(hash(&bytes).as_str()) {
                return Err(foreign(&path));
            }
        }
        Ok(())
    }

    /// Returns the hashes of the files of an earlier export, if the folder has one.
    fn earlier(&self) -> cause::Result<Option<Map<String, Value>>> {
        let path = self.folder.join(CONFIG);
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        let config: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match (&config[MARK.0], &config[HASHES]) {
            (mark, Value::Object(hashes)) if mark == MARK.1 => Ok(Some(hashes.clone())),
            _ => Err(foreign(&path)),
        }
    }

    fn write(&self) -> cause::Result<()> {
        self.remove_outdated()?;
        for (name, text) in &self.files {
            let path = self.folder.join(name);
            write(&path, text.as_bytes())
                .map_err(|err| failed(&path, "cannot be written").with_source(err))?;
        }
        Ok(())
    }

    /// Removes the files of an earlier export that this one does not have, such as a certificate that is no
    /// longer effective: a client that reads the whole folder would trust it.
    fn remove_outdated(&self) -> cause::Result<()> {
        let earlier = self.earlier()?.unwrap_or_default();
        for (name, written) in &earlier {
            let is_ours = |known: &&(String, _)| known.0 == *name;
            let is_certificate =
                name.starts_with("platform_certificates/") || name == "pub_key.pem";
            // The configuration is only a file: it must not name one elsewhere.
            if self.files.iter().any(|known| is_ours(&known))
                || !is_certificate
                || name.contains("..")
            {
                continue;
            }
            let path = self.folder.join(name);
            let Some(bytes) = read(&path)? else {
                continue;
            };
            if written.as_str() == Some(hash(&bytes).as_str()) {
                fs::remove_file(&path)
                    .map_err(|err| failed(&path, "cannot be removed").with_source(err))?;
            }
        }
        Ok(())
    }
}

/// Reads a file that may be of an export, or returns `None` if there is none.
fn read(path: &Path) -> cause::Result<Option<Vec<u8>>> {
    let unreadable = |err| failed(path, "cannot be read").with_source(err);
    match fs::symlink_metadata(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(unreadable(err)),
        Ok(found) if !found.is_file() || found.len() > MAX_FILE => Err(foreign(path)),
        Ok(_) => fs::read(path).map(Some).map_err(unreadable),
    }
}

/// Writes a file, and its folders as needed. It replaces the file that is there in one step.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let nonce = crypto::nonce().map_err(|_| io::Error::other("no random numbers"))?;
    let part = folder.join(format!(".wechatpay-{nonce}.part"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&part)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

fn hash(bytes: &[u8]) -> String {
    digest::hex_lower(&digest::sha256(bytes))
}

fn foreign(path: &Path) -> Cause {
    let what =
        "is there already, and not as an export wrote it: move it, or export to another folder";
    failed(path, what)
}

fn failed(path: &Path, what: &str) -> Cause {
    Cause::config(format!("{} {what}", path.display()))
}
