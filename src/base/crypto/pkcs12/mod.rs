//! PKCS#12 (RFC 7292), as far as a merchant's `apiclient_cert.p12` needs it: one private key and its
//! certificates under one password.
//!
//! The reader is our own. Archives come with the old ciphers (RC2, 3DES) and, converted by a current
//! openssl, with PBES2. The `p12` crate knows the old ones only and has not changed since 2022;
//! `p12-keystore` brings `cms`, `x509-parser` and an older generation of the RustCrypto crates into the
//! tree; openssl is a C library. The code here only decrypts, and limits every count and size.

mod pbe;

use zeroize::Zeroizing;

use self::pbe::{Password, REWRITE, count, damaged};
use super::{
    defect::Defect,
    der::{self, Reader},
};

/// A merchant's archive has a few kilobytes.
const MAX_ARCHIVE: usize = 64 * 1024;
/// The most elements that are read of a list. Each may cost a key derivation.
const MAX_PARTS: usize = 16;

const EXPLICIT: u8 = 0xa0;
const IMPLICIT: u8 = 0x80;

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
const KEY_BAG: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x01,
];
const SHROUDED_KEY_BAG: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02,
];
const CERTIFICATE_BAG: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03,
];
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];

/// The contents of an archive.
pub(super) struct Contents {
    /// PKCS#8 DER.
    pub(super) key: Zeroizing<Vec<u8>>,
    /// DER, in the archive's order.
    pub(super) certificates: Vec<Zeroizing<Vec<u8>>>,
}

/// Opens an archive.
pub(super) fn open(archive: &[u8], password: &str) -> Result<Contents, Defect> {
    check_form(archive)?;
    let password = Password::new(password);
    let mut pfx = Reader::new(
        Reader::new(archive)
            .take(der::SEQUENCE)
            .ok_or_else(damaged)?,
    );
    if pfx.unsigned() != Some(&[3]) {
        return Err(Defect::new("expected version 3"));
    }
    let safe = pfx.take(der::SEQUENCE).ok_or_else(damaged)?;
    let safe = data(safe).ok_or_else(|| {
        Defect::new("its integrity is protected by a public key, which is not supported")
    })?;
    // Before decryption, as CBC is not authenticated: a wrong password is then reported as such.
    // Archives without a MAC exist (`openssl pkcs12 -nomac`).
    if let Some(mac) = pfx.take(der::SEQUENCE) {
        check_mac(mac, safe, &password)?;
    }
    let mut found = Found::default();
    for part in elements(safe)? {
        if let Some(bags) = data(part) {
            found.take(bags, &password)?;
        } else {
            found.take(&decrypt_data(part, &password)?, &password)?;
        }
    }
    match found.key {
        None => Err(Defect::new("it has no private key")),
        Some(_) if found.certificates.is_empty() => Err(Defect::new("it has no certificate")),
        Some(key) => Ok(Contents {
            key,
            certificates: found.certificates,
        }),
    }
}

fn check_form(archive: &[u8]) -> Result<(), Defect> {
    if archive.len() > MAX_ARCHIVE {
        return Err(Defect::new(format!(
            "{} bytes; expected at most {MAX_ARCHIVE}",
            archive.len()
        )));
    }
    if archive.is_empty() {
        return Err(Defect::new("empty input"));
    }
    if archive.starts_with(b"-----BEGIN") {
        return Err(Defect::new("expected PKCS#12, found PEM; use from_pem"));
    }
    // Some tools write it. Reading it needs another parser, and openssl converts it.
    if archive.starts_with(&[der::SEQUENCE, 0x80]) {
        return Err(Defect::new(format!(
            "BER of indefinite length is not supported; {REWRITE}"
        )));
    }
    Ok(())
}

fn check_mac(mac: &[u8], safe: &[u8], password: &Password) -> Result<(), Defect> {
    let mut mac = Reader::new(mac);
    let mut info = Reader::new(mac.take(der::SEQUENCE).ok_or_else(damaged)?);
    let mut algorithm = Reader::new(info.take(der::SEQUENCE).ok_or_else(damaged)?);
    let hash = algorithm.take(der::OID).ok_or_else(damaged)?;
    let digest = info.take(der::OCTET_STRING).ok_or_else(damaged)?;
    let salt = mac.take(der::OCTET_STRING).ok_or_else(damaged)?;
    // The count is optional and defaults to 1.
    let iterations = match mac.rest() {
        [] => 1,
        _ => count(&mut mac)?,
    };
    if !password.authenticates(safe, (hash, salt, iterations, digest))? {
        return Err(Defect::new(
            "cannot decrypt it: wrong password (WeChat Pay sets it to the merchant ID) \
             or altered archive",
        ));
    }
    Ok(())
}

/// Returns the content of a ContentInfo, if it is plain data.
fn data(content_info: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(content_info);
    if reader.take(der::OID)? != DATA {
        return None;
    }
    Reader::new(reader.take(EXPLICIT)?).take(der::OCTET_STRING)
}

fn decrypt_data(content_info: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, Defect> {
    let mut reader = Reader::new(content_info);
    if reader.take(der::OID) != Some(ENCRYPTED_DATA) {
        return Err(Defect::new(
            "a part of it is encrypted for a public key, which is not supported",
        ));
    }
    let parts = || -> Option<_> {
        let mut encrypted = Reader::new(Reader::new(reader.take(EXPLICIT)?).take(der::SEQUENCE)?);
        encrypted.unsigned()?;
        let mut content = Reader::new(encrypted.take(der::SEQUENCE)?);
        content.take(der::OID)?;
        Some((content.take(der::SEQUENCE)?, content.take(IMPLICIT)?))
    };
    let mut parts = parts;
    let (algorithm, ciphertext) = parts().ok_or_else(damaged)?;
    password.decrypt(algorithm, ciphertext)
}

/// Returns the contents of the SEQUENCEs in a SEQUENCE.
fn elements(sequence: &[u8]) -> Result<Vec<&[u8]>, Defect> {
    let mut reader = Reader::new(
        Reader::new(sequence)
            .take(der::SEQUENCE)
            .ok_or_else(damaged)?,
    );
    let mut found = Vec::new();
    while !reader.rest().is_empty() {
        if found.len() == MAX_PARTS {
            return Err(Defect::new(format!("it has more than {MAX_PARTS} parts")));
        }
        found.push(reader.take(der::SEQUENCE).ok_or_else(damaged)?);
    }
    Ok(found)
}

#[derive(Default)]
struct Found {
    key: Option<Zeroizing<Vec<u8>>>,
    certificates: Vec<Zeroizing<Vec<u8>>>,
}

impl Found {
    fn take(&mut self, bags: &[u8], password: &Password) -> Result<(), Defect> {
        for bag in elements(bags)? {
            let mut bag = Reader::new(bag);
            let kind = bag.take(der::OID).ok_or_else(damaged)?;
            let value = bag.take(EXPLICIT).ok_or_else(damaged)?;
            match kind {
                KEY_BAG => self.keep(Zeroizing::new(value.to_vec()))?,
                SHROUDED_KEY_BAG => {
                    let mut info =
                        Reader::new(Reader::new(value).take(der::SEQUENCE).ok_or_else(damaged)?);
                    let algorithm = info.take(der::SEQUENCE).ok_or_else(damaged)?;
                    let ciphertext = info.take(der::OCTET_STRING).ok_or_else(damaged)?;
                    self.keep(password.decrypt(algorithm, ciphertext)?)?;
                }
                // Certificates that are not X.509 are skipped.
                CERTIFICATE_BAG => self.certificates.extend(certificate(value)),
                // Revocation lists and secrets: TLS does not need them.
                _ => {}
            }
        }
        Ok(())
    }

    fn keep(&mut self, key: Zeroizing<Vec<u8>>) -> Result<(), Defect> {
        // With two keys it is unclear which one is meant.
        match self.key.replace(key) {
            None => Ok(()),
            Some(_) => Err(Defect::new("it has more than one private key")),
        }
    }
}

fn certificate(bag: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bag = Reader::new(Reader::new(bag).take(der::SEQUENCE)?);
    if bag.take(der::OID)? != X509 {
        return None;
    }
    let der = Reader::new(bag.take(EXPLICIT)?).take(der::OCTET_STRING)?;
    Some(Zeroizing::new(der.to_vec()))
}
