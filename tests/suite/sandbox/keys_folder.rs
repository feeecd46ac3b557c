//! Sandboxes that start again with the keys of a folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{MerchantOptions, PlatformMode, Rotation, Sandbox};

use crate::fixtures::scratch::Scratch;

const OTHER: &str = "1900000110";
const ADDED: &str = "1900000111";

/// What a client has to know, by merchant.
fn identities(sandbox: &Sandbox) -> BTreeMap<String, Value> {
    let merchants = sandbox.merchants().into_iter();
    let identity = |merchant: wechatpay_chain::sandbox::Merchant| {
        let certificates = merchant.platform_certificates();
        let certificates = certificates.iter().map(|known| known.to_pem());
        let identity = json!({
            "serial": merchant.serial(),
            "private_key": merchant.private_key_pem().unwrap(),
            "apiv3_key": merchant.apiv3_key(),
            "apiv2_key": merchant.apiv2_key(),
            "platform_key_id": merchant.platform_key_id(),
            "platform_key": merchant.platform_key().to_pem(),
            "platform_certificates": certificates.collect::<Vec<_>>(),
            "certificate": merchant.client_certificate().unwrap().to_pem(),
            "ca": sandbox.ca_certificate().unwrap().to_pem(),
        });
        (merchant.mchid().to_owned(), identity)
    };
    merchants.map(identity).collect()
}

/// Returns every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    files
}

fn with_folder(folder: &Path) -> Sandbox {
    Sandbox::builder().keys(folder).start().unwrap()
}

#[test]
fn sandbox_of_the_same_folder_has_the_same_keys() {
    let scratch = Scratch::new();
    let folder = scratch.file("keys");
    let other = MerchantOptions::new(OTHER)
        .appid("wx1234567890abcdef")
        .partner_of(["1900000200"])
        .platform_mode(PlatformMode::Certificate)
        .opening_balance(70);
    let first = Sandbox::builder().fresh_keys().brand("120344");
    let first = first.merchant(other).keys(&folder).start().unwrap();
    first.add_merchant(MerchantOptions::new(ADDED)).unwrap();
    let (mchid, known) = (first.mchid().to_owned(), identities(&first));
    let client = first.merchant().https_client_builder().unwrap();
    drop(first);

    let again = with_folder(&folder);
    assert_eq!(again.mchid(), mchid);
    assert_eq!(identities(&again), known);
    assert_eq!(known.len(), 3);
    let other = again.merchants();
    let other = other.iter().find(|known| known.mchid() == OTHER).unwrap();
    assert_eq!(other.appid(), "wx1234567890abcdef");
    assert_eq!(again.balance(OTHER).unwrap().available, 70);
    assert!(again.merchant().brand_client_builder().is_ok());
    // A client of the first process trusts the certificate authority of the second.
    let client = client.base_uri(again.https_base_uri().unwrap());
    let echo = json!({ "json": { "echo_message": "tea" } });
    let client = client.build().unwrap();
    client.chain("v3/security/echo").post(echo).unwrap();
    // An export for which the mode has changed is the next start's.
    again
        .rotate_certificates(OTHER, Rotation::New)
        .and_then(|()| again.export(&folder))
        .unwrap();
    let rotated = identities(&again);
    assert_ne!(rotated, known);
    drop(again);
    assert_eq!(identities(&with_folder(&folder)), rotated);
}

#[test]
fn export_can_be_started_from() {
    let scratch = Scratch::new();
    let folder = scratch.file("keys");
    let exported = Sandbox::start().unwrap();
    exported.export(&folder).unwrap();
    let again = with_folder(&folder);
    assert_eq!(identities(&again), identities(&exported));
    // What the builder names is added.
    drop(again);
    let builder = Sandbox::builder().mchid(OTHER).keys(&folder);
    let other = builder.start().unwrap();
    assert_eq!(other.mchid(), OTHER);
    assert_eq!(other.merchants().len(), 2);
}

#[test]
fn missing_or_damaged_file_is_named() {
    let scratch = Scratch::new();
    let folder = scratch.file("keys");
    let known = identities(&with_folder(&folder));
    let files = files(&folder);
    assert_eq!(files.len(), 5 + 6);
    let refused = |path: &Path| {
        let refused = Sandbox::builder().keys(&folder).start().unwrap_err();
        assert!(refused.is_config(), "{refused}");
        let text = refused.to_string();
        assert!(text.contains(&path.display().to_string()), "{text}");
        text
    };
    for path in &files {
        let bytes = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        assert!(refused(path).contains("missing"));
        fs::write(path, bytes.split_last().unwrap().1.repeat(2)).unwrap();
        refused(path);
        fs::write(path, &bytes).unwrap();
    }
    let config = files
        .iter()
        .find(|path| path.ends_with("platform/config.json"));
    let config = config.unwrap();
    let text = fs::read_to_string(config).unwrap();
    let mut changed: Value = serde_json::from_str(&text).unwrap();
    changed["issued_at"] = 1_000_000_000.into();
    fs::write(config, changed.to_string()).unwrap();
    let expired = refused(config.parent().unwrap());
    assert!(expired.contains("expired"), "{expired}");
    fs::write(config, &text).unwrap();
    changed = serde_json::from_str(&text).unwrap();
    // A key of the real platform has no place here.
    changed["platform_key_id"] = "PUB_KEY_ID_0114".into();
    fs::write(config, changed.to_string()).unwrap();
    let real = refused(config);
    assert!(real.contains("platform_key_id"), "{real}");
    fs::write(config, text).unwrap();
    // Without the platform's keys, those of the merchants' clients would be others.
    fs::rename(folder.join("platform"), folder.join("elsewhere")).unwrap();
    refused(config);
    fs::rename(folder.join("elsewhere"), folder.join("platform")).unwrap();
    assert_eq!(identities(&with_folder(&folder)), known);
}

#[test]
fn sandboxes_that_create_a_folder_together_agree() {
    let scratch = Scratch::new();
    let folder = &scratch.file("keys");
    let known: Vec<_> = thread::scope(|scope| {
        let start = || {
            let other = MerchantOptions::new(OTHER);
            let sandbox = Sandbox::builder().merchant(other).keys(folder);
            identities(&sandbox.start().unwrap())
        };
        let starting: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        let started = starting.into_iter().map(|starting| starting.join());
        started.map(Result::unwrap).collect()
    });
    for other in &known {
        assert_eq!(*other, known[0]);
    }
    assert_eq!(identities(&with_folder(folder)), known[0]);
    // Nothing half-written is left.
    let files = files(folder);
    assert!(files.iter().all(|path| path.extension().unwrap() != "part"));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 3);
}
