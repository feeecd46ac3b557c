//! The four ways to hand over a key or a certificate: a PEM file, PEM, base64 and DER.
//!
//! Each ends in [`FromDer::parse`]. An error says what the input is instead, because a wrong file is
//! what most often goes wrong when a merchant is set up.

use std::{fs::File, io::Read as _, path::Path};

use zeroize::Zeroizing;

use super::pem;
use crate::{
    base::crypto::defect::{Defect, Expected},
    error::{Cause, ErrorKind, cause::Result},
};

/// A key or certificate has a few kilobytes. A larger file is the wrong file.
const MAX_FILE: usize = 64 * 1024;

/// A key or certificate that can be parsed from DER.
pub(super) trait FromDer: Sized {
    const EXPECTED: Expected;

    fn parse(der: &[u8]) -> Result<Self, Defect>;
}

pub(super) fn from_der<T: FromDer>(der: &[u8]) -> Result<T> {
    T::parse(der).map_err(|cause| cause.into_error(T::EXPECTED.name()))
}

pub(super) fn from_base64<T: FromDer>(text: &str) -> Result<T> {
    pem::decode_bare(text)
        .and_then(|der| T::parse(&der))
        .map_err(|cause| cause.into_error(T::EXPECTED.name()))
}

pub(super) fn from_pem<T: FromDer>(text: &str) -> Result<T> {
    parse_pem(text).map_err(|cause| cause.into_error(T::EXPECTED.name()))
}

pub(super) fn from_pem_file<T: FromDer>(path: &Path) -> Result<T> {
    read_file(path, T::EXPECTED, parse_pem)
}

/// Reads a file, and parses its text.
pub(super) fn read_file<T>(
    path: &Path,
    expected: Expected,
    parse: impl FnOnce(&str) -> Result<T, Defect>,
) -> Result<T> {
    let origin = format!("{} file {}", expected.name(), path.display());
    let bytes = read(path).map_err(|source| {
        Cause::new(ErrorKind::File, format!("cannot read {origin}")).with_source(source)
    })?;
    text_of(&bytes)
        .and_then(parse)
        .map_err(|cause| cause.into_error(&origin))
}

fn parse_pem<T: FromDer>(text: &str) -> Result<T, Defect> {
    T::parse(&pem::decode(text, T::EXPECTED)?)
}

fn read(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // Allocated once, at full size. A vector that grows moves its bytes and frees the old ones
    // without wiping them, and they may be a private key. For the same reason there is no
    // `fs::read` here.
    let mut bytes = Zeroizing::new(vec![0; MAX_FILE + 1]);
    let mut file = File::open(path)?;
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn text_of(bytes: &[u8]) -> Result<&str, Defect> {
    if bytes.len() > MAX_FILE {
        return Err(Defect::new(
            "larger than 64 KiB; expected a key or certificate file",
        ));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Defect::new("UTF-16 text; save the file as UTF-8 or ASCII"));
    }
    // DER begins with SEQUENCE (0x30) and a long-form length (0x80 or more). Text would have to begin
    // with `0` and a character outside ASCII.
    if matches!(bytes, [0x30, 0x80..=0xff, ..]) {
        return Err(Defect::new(
            "expected PEM, found binary data (DER or PKCS#12); read the file and pass its bytes to from_der",
        ));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        Defect::new("expected PEM, found bytes that are not UTF-8").with_source(error)
    })
}
