//! From what the user has, a file, PEM, base64 or DER, to a parsed key, with an error that says
//! what is wrong with it. No error carries any of the input but a label, a path and a length.

use std::{fs::File, io::Read as _, path::Path};

use zeroize::Zeroizing;

use super::{
    defect::{Defect, Due},
    pem,
};
use crate::error::{Cause, Kind, cause::Result};

/// A key or certificate is a few kilobytes; a file far larger is another file.
const MAX_FILE: usize = 64 * 1024;

/// What can be read from DER.
pub(super) trait FromDer: Sized {
    const DUE: Due;

    fn parse(der: &[u8]) -> Result<Self, Defect>;
}

pub(super) fn from_der<T: FromDer>(der: &[u8]) -> Result<T> {
    T::parse(der).map_err(|cause| cause.into_error(T::DUE.name()))
}

pub(super) fn from_base64<T: FromDer>(text: &str) -> Result<T> {
    pem::decode_bare(text)
        .and_then(|der| T::parse(&der))
        .map_err(|cause| cause.into_error(T::DUE.name()))
}

pub(super) fn from_pem<T: FromDer>(text: &str) -> Result<T> {
    parse_pem(text).map_err(|cause| cause.into_error(T::DUE.name()))
}

pub(super) fn from_pem_file<T: FromDer>(path: &Path) -> Result<T> {
    read_file(path, T::DUE, parse_pem)
}

/// What `parse` makes of the text of a file.
pub(super) fn read_file<T>(
    path: &Path,
    due: Due,
    parse: impl FnOnce(&str) -> Result<T, Defect>,
) -> Result<T> {
    let origin = format!("{} file {}", due.name(), path.display());
    let bytes = read(path).map_err(|source| {
        Cause::new(Kind::File, format!("{origin}: it cannot be read")).with_source(source)
    })?;
    text_of(&bytes)
        .and_then(parse)
        .map_err(|cause| cause.into_error(&origin))
}

fn parse_pem<T: FromDer>(text: &str) -> Result<T, Defect> {
    T::parse(&pem::decode(text, T::DUE)?)
}

fn read(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // Room for all that is ever read, as a vector that grows leaves its old bytes behind.
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
            "it is larger than 64 KiB, so it is not a key or certificate file",
        ));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Defect::new(
            "it is UTF-16 text; save it as plain text (UTF-8 or ASCII)",
        ));
    }
    // A binary file is told from text by its first byte: DER begins with SEQUENCE and a length.
    if matches!(bytes, [0x30, 0x80..=0xff, ..]) {
        return Err(Defect::new(
            "it is binary, DER or PKCS#12, and not PEM text; read the file and give its bytes to from_der",
        ));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| Defect::new("it is not text, so not PEM").with_source(error))
}
