//! Platform certificates that a program keeps in a folder.

use std::{fs, path::Path, time::SystemTime};

use crate::{
    base::crypto::Certificate,
    error::{Cause, ErrorKind, cause::Result},
};

/// Reads the certificates in a folder's `.pem` files. Expired certificates are skipped: the files
/// are usually left behind by earlier downloads.
pub(crate) fn load(folder: &Path) -> Result<Vec<Certificate>> {
    let failed = |err: std::io::Error| {
        Cause::new(
            ErrorKind::File,
            format!("cannot read the folder {}", folder.display()),
        )
        .with_source(err)
    };
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(failed)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pem"));
    // Without an order of our own, which error is reported would depend on the file system.
    paths.sort();
    let now = SystemTime::now();
    let mut certificates = Vec::new();
    for path in paths {
        let certificate = Certificate::parse_pem_file(&path)?;
        if certificate.not_after() >= now {
            certificates.push(certificate);
        }
    }
    Ok(certificates)
}
