//! The key files of a folder, by the names under which WeChat Pay gives them out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::settings::Settings;

/// Fills in the files that are not set and are in the folder. Returns those.
pub(super) fn keys(settings: &mut Settings, folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let platform_certificate = platform_certificate(folder);
    // A serial that was given may be of another certificate: then the one in the folder is not used.
    let is_own_serial = settings.serial.is_none();
    for (setting, file) in [
        (
            &mut settings.private_key,
            Some(folder.join("apiclient_key.pem")),
        ),
        (
            &mut settings.client_certificate,
            is_own_serial.then(|| folder.join("apiclient_cert.pem")),
        ),
        (&mut settings.pub_key, Some(folder.join("pub_key.pem"))),
        (&mut settings.platform_certificate, platform_certificate),
    ] {
        let Some(file) = file.filter(|file| setting.is_none() && file.is_file()) else {
            continue;
        };
        found.push(file.clone());
        *setting = Some(file);
    }
    found
}

/// Returns the platform certificate, if there is one and not several.
fn platform_certificate(folder: &Path) -> Option<PathBuf> {
    let mut certificates = fs::read_dir(folder).ok()?.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name();
        let name = name.to_str()?;
        (name.starts_with("wechatpay_") && name.ends_with(".pem")).then(|| entry.path())
    });
    let certificate = certificates.next()?;
    certificates.next().is_none().then_some(certificate)
}
