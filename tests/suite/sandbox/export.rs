//! The files of `export`, read by this library and by openssl.

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};
use wechatpay_chain::{
    Certificate, Client, Identity, Method, PrivateKey, PublicKey, Transport,
    sandbox::{MerchantOptions, PlatformMode, Rotation, Sandbox},
};

use crate::fixtures::{material, scratch::Scratch};

const MCHID: &str = "1900000109";
const OTHER: &str = "1900000110";

/// The folder of one merchant.
struct Exported {
    folder: PathBuf,
    config: Value,
}

impl Exported {
    fn read(scratch: &Scratch, mchid: &str) -> Self {
        let folder = scratch.file("keys").join(mchid);
        let config = fs::read(folder.join("config.json")).unwrap();
        Self {
            config: serde_json::from_slice(&config).unwrap(),
            folder,
        }
    }

    fn text(&self, name: &str) -> &str {
        self.config[name].as_str().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(self.text(name))
    }

    /// Returns a client of what is in the folder, and of nothing else.
    fn client(&self) -> Client {
        let ca = Certificate::from_pem_file(self.file("ca_certificate")).unwrap();
        let transport = Transport::builder().no_proxy().root_certificate(ca);
        let key = self.file("private_key");
        let identity = Identity::from_pem_files(self.file("certificate"), &key).unwrap();
        let mut builder = Client::builder()
            .base_uri(self.text("https_base_uri"))
            .transport(transport.build().unwrap())
            .mchid(self.text("mchid"))
            .serial(self.text("serial"))
            .private_key(PrivateKey::from_pem_file(&key).unwrap())
            .apiv3_key(self.text("apiv3_key"))
            .apiv2_key(self.text("apiv2_key"))
            .client_identity(identity);
        if !self.config["platform_key"].is_null() {
            let key = PublicKey::from_pem_file(self.file("platform_key")).unwrap();
            builder = builder.platform_key(self.text("platform_key_id"), key);
        }
        if self.config["platform_certificates"][0].is_string() {
            builder = builder.platform_certificates_from(self.folder.join("platform_certificates"));
        }
        builder.build().unwrap()
    }

    fn prepay(&self, out_trade_no: &str) {
        let body = json!({
            "appid": self.text("appid"),
            "mchid": self.text("mchid"),
            "description": "tea",
            "out_trade_no": out_trade_no,
            "notify_url": "https://example.com/notify",
            "amount": { "total": 100 },
        });
        let native = "v3/pay/transactions/native";
        let client = self.client();
        client.chain(native).post(json!({ "json": body })).unwrap();
    }
}

fn sandbox() -> Sandbox {
    let other = MerchantOptions::new(OTHER).platform_mode(PlatformMode::Certificate);
    let builder = Sandbox::builder().mchid(MCHID).brand("120344");
    builder.merchant(other).start().unwrap()
}

#[test]
fn client_of_the_exported_files_pays_and_refunds() {
    let (sandbox, scratch) = (sandbox(), Scratch::new());
    sandbox.export(scratch.file("keys")).unwrap();
    for (mchid, number) in [(MCHID, "tea-0001"), (OTHER, "tea-0002")] {
        let exported = Exported::read(&scratch, mchid);
        assert_eq!(exported.text("mchid"), mchid);
        exported.prepay(number);
        sandbox.user_pays(number).unwrap();
        // Behind the client certificate.
        let refund = json!({
            "appid": exported.text("appid"),
            "mch_id": mchid,
            "out_trade_no": number,
            "out_refund_no": format!("{number}-r"),
            "total_fee": 100,
            "refund_fee": 30,
        });
        let refunds = exported.client().chain("v2/secapi/pay/refund");
        refunds
            .post(json!({ "security": true, "xml": refund }))
            .unwrap();
    }
}

#[test]
fn client_of_the_exported_brand_is_verified() {
    let (sandbox, scratch) = (sandbox(), Scratch::new());
    sandbox.export(scratch.file("keys")).unwrap();
    let exported = Exported::read(&scratch, MCHID);
    let key = PublicKey::from_pem_file(exported.file("platform_key")).unwrap();
    let brand = PrivateKey::from_pem_file(exported.file("brand_private_key")).unwrap();
    let client = Client::builder()
        .base_uri(exported.text("base_uri"))
        .no_proxy()
        .brand_id(exported.text("brand_id"))
        .serial(exported.text("brand_serial"))
        .private_key(brand)
        .platform_key(exported.text("platform_key_id"), key)
        .build()
        .unwrap();
    let stores = "brand/store/brandstores";
    let answer = json!({ "total_count": 0 });
    sandbox
        .respond(Method::GET, stores, answer.clone())
        .unwrap();
    let seen: Value = client.chain(stores).get(()).unwrap().json().unwrap();
    assert_eq!(seen, answer);
}

#[test]
fn openssl_reads_every_exported_file() {
    if !material::has_program("openssl") {
        return;
    }
    let (sandbox, scratch) = (sandbox(), Scratch::new());
    sandbox.export(scratch.file("keys")).unwrap();
    let openssl = |arguments: &[&str], file: PathBuf| {
        let mut command = Command::new("openssl");
        let output = material::run(command.args(arguments).arg(file), b"");
        String::from_utf8(output.unwrap()).unwrap()
    };
    for mchid in [MCHID, OTHER] {
        let exported = Exported::read(&scratch, mchid);
        let (key, certificate) = (exported.file("private_key"), exported.file("certificate"));
        let ca = exported.file("ca_certificate");
        openssl(&["rsa", "-check", "-noout", "-in"], key.clone());
        let public = openssl(&["rsa", "-pubout", "-in"], key);
        let of_certificate = ["x509", "-noout", "-pubkey", "-in"];
        assert_eq!(openssl(&of_certificate, certificate.clone()), public);
        let serial = openssl(&["x509", "-noout", "-serial", "-in"], certificate.clone());
        assert_eq!(serial.trim(), format!("serial={}", exported.text("serial")));
        let verify = ["verify", "-CAfile", ca.to_str().unwrap()];
        openssl(&verify, certificate);
        match mchid {
            MCHID => {
                let brand = exported.file("brand_private_key");
                openssl(&["rsa", "-check", "-noout", "-in"], brand);
                openssl(
                    &["pkey", "-pubin", "-noout", "-in"],
                    exported.file("platform_key"),
                );
            }
            _ => {
                let name = &exported.config["platform_certificates"][0];
                openssl(&verify, exported.folder.join(name.as_str().unwrap()));
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn exported_files_are_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let (sandbox, scratch) = (sandbox(), Scratch::new());
    sandbox.export(scratch.file("keys")).unwrap();
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut folders = vec![scratch.file("keys")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{folder:?}");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            assert_eq!(mode(&path), 0o600, "{path:?}");
        }
    }
    // Five for each merchant, the brand's key, and those of the platform with one certificate.
    assert_eq!(files, 2 * 5 + 1 + 5);
}

#[test]
fn export_replaces_its_own_files_only() {
    let (sandbox, scratch) = (sandbox(), Scratch::new());
    let keys = scratch.file("keys");
    sandbox.export(&keys).unwrap();
    let first = Exported::read(&scratch, OTHER);
    let certificate = first.config["platform_certificates"][0].clone();
    sandbox.rotate_certificates(OTHER, Rotation::New).unwrap();
    sandbox.export(&keys).unwrap();
    let second = Exported::read(&scratch, OTHER);
    assert_ne!(second.config["platform_certificates"][0], certificate);
    // The old one is gone, so the whole folder can be trusted.
    let folder = second.folder.join("platform_certificates");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    second.prepay("tea-0003");

    // Of another sandbox, all the same.
    Sandbox::start().unwrap().export(&keys).unwrap();
    let other = Sandbox::builder().mchid(OTHER).start().unwrap();
    for (file, text) in [("apiclient_key.pem", "my own"), ("config.json", "{}")] {
        let path = second.folder.join(file);
        let ours = fs::read(&path).unwrap();
        fs::write(&path, text).unwrap();
        let refused = other.export(&keys).unwrap_err();
        assert!(refused.is_config(), "{refused}");
        let path_in_error = path.display().to_string();
        assert!(refused.to_string().contains(&path_in_error), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), text.as_bytes());
        // Nothing else was written.
        assert_ne!(first.file("certificate"), path);
        let certificate = fs::read_to_string(first.file("certificate")).unwrap();
        let of_other = other.merchant().client_certificate().unwrap();
        assert_ne!(certificate, of_other.to_pem());
        fs::write(&path, ours).unwrap();
    }
    let file = scratch.written("file", "x");
    assert!(sandbox.export(file).is_err());
}
