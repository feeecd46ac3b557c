//! PEM and bare base64.
//!
//! The reader is our own because it must accept what editors, shells and environment variables do to
//! PEM (CRLF, a byte order mark, spaces for line breaks, text around the block), and must say why it
//! refuses the rest. A strict reader (RFC 7468) refuses the former and reports only an offset.
//!
//! Buffers with key material are allocated at full size and wiped on drop.

use base64::{
    DecodeError, Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use zeroize::Zeroizing;

use crate::base::crypto::defect::{Defect, Expected};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

pub(super) const ENCRYPTED: &str = "the key is encrypted with a password, which is not supported; \
     decrypt it first: openssl pkey -in encrypted.pem -out apiclient_key.pem";
pub(super) const EC: &str =
    "this is an elliptic-curve key; WeChat Pay's APIv3 accepts RSA keys only";

/// Copied text often lacks the `=` at the end.
const PADDING_OPTIONAL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Returns the DER of the first block in `text` that can hold what is expected.
pub(super) fn decode(text: &str, expected: Expected) -> Result<Zeroizing<Vec<u8>>, Defect> {
    let mut mismatch = None;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let label = label(after)?;
        let body = after.get(label.len() + DASHES.len()..).unwrap_or_default();
        // The first matching block counts, even if it is damaged: to skip it would use a key that the
        // user did not mean.
        match mismatch_of(label, expected) {
            None => return decode_body(body, label),
            // A file can hold several blocks. A private key that cannot be used explains more than the
            // certificate next to it.
            Some(defect) if mismatch.is_none() || label.ends_with("PRIVATE KEY") => {
                mismatch = Some(defect);
            }
            Some(_) => {}
        }
        rest = body;
    }
    Err(mismatch.unwrap_or_else(|| no_block(text)))
}

/// Returns the DER of each certificate in `text`: at least one.
pub(super) fn decode_certificates(text: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, Defect> {
    let mut found = vec![decode(text, Expected::Certificate)?];
    let mut rest = text;
    let mut first = true;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let label = label(after)?;
        rest = after.get(label.len() + DASHES.len()..).unwrap_or_default();
        if mismatch_of(label, Expected::Certificate).is_some() {
            continue;
        }
        if !std::mem::take(&mut first) {
            found.push(decode_body(rest, label)?);
        }
    }
    Ok(found)
}

/// Returns the DER in base64 that has no BEGIN and END lines.
pub(super) fn decode_bare(text: &str) -> Result<Zeroizing<Vec<u8>>, Defect> {
    if text.contains(BEGIN) {
        return Err(Defect::new("expected base64, found PEM; use from_pem"));
    }
    decode_base64(text)
}

/// Writes DER as PEM, in lines of 64 characters.
pub(super) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(BASE64_STANDARD.encode(der));
    let mut out = Zeroizing::new(String::with_capacity(
        base64.len() + base64.len() / 64 + 2 * label.len() + 40,
    ));
    out.push_str(BEGIN);
    out.push_str(label);
    out.push_str(DASHES);
    for (index, digit) in base64.chars().enumerate() {
        if index % 64 == 0 {
            out.push('\n');
        }
        out.push(digit);
    }
    out.push('\n');
    out.push_str(END);
    out.push_str(label);
    out.push_str("-----\n");
    out
}

fn label(after_begin: &str) -> Result<&str, Defect> {
    after_begin
        .split_once(DASHES)
        .map(|(label, _)| label)
        .filter(|label| label.len() <= 40 && label.bytes().all(in_label))
        .ok_or_else(|| {
            Defect::new("broken or truncated BEGIN line; expected a line such as -----BEGIN PRIVATE KEY-----")
        })
}

fn in_label(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
}

/// Why a block with this label cannot hold what is expected.
fn mismatch_of(label: &str, expected: Expected) -> Option<Defect> {
    let matches = match label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" => expected == Expected::PrivateKey,
        "PUBLIC KEY" | "RSA PUBLIC KEY" => expected == Expected::PublicKey,
        "CERTIFICATE" | "X509 CERTIFICATE" => expected != Expected::PrivateKey,
        _ => false,
    };
    if matches {
        return None;
    }
    let found = match label {
        "ENCRYPTED PRIVATE KEY" if expected == Expected::PrivateKey => {
            return Some(Defect::new(ENCRYPTED));
        }
        "EC PRIVATE KEY" | "EC PARAMETERS" => return Some(Defect::new(EC)),
        "OPENSSH PRIVATE KEY" if expected == Expected::PrivateKey => {
            return Some(Defect::new(
                "this key is in OpenSSH's own format; convert an RSA key with: ssh-keygen -p -m PEM -f FILE",
            ));
        }
        "CERTIFICATE" | "X509 CERTIFICATE" => {
            "this is a certificate; the private key is in the file next to it, apiclient_key.pem"
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" => match expected {
            Expected::PrivateKey => "this is a public key; the private key is in apiclient_key.pem",
            _ => {
                "this is a public key; use PublicKey for WeChat Pay's public key, with its PUB_KEY_ID"
            }
        },
        _ if label.ends_with("PRIVATE KEY") => {
            "this is a private key; check that it is the right file"
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "this is a certificate request; use the certificate that WeChat Pay issued for it"
        }
        _ => "this is something else",
    };
    let wanted = match expected {
        Expected::PrivateKey => "PRIVATE KEY or RSA PRIVATE KEY",
        Expected::PublicKey => "PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE",
        Expected::Certificate => "CERTIFICATE",
    };
    Some(Defect::new(format!(
        "{found} (found -----BEGIN {label}-----, expected {wanted})"
    )))
}

fn decode_body(body: &str, label: &str) -> Result<Zeroizing<Vec<u8>>, Defect> {
    let Some((content, end)) = body.split_once(DASHES) else {
        refuse_escapes(body)?;
        return Err(Defect::new(format!(
            "truncated: -----BEGIN {label}----- has no -----END {label}-----"
        )));
    };
    refuse_escapes(content)?;
    let ends = end
        .strip_prefix("END ")
        .and_then(|rest| rest.strip_prefix(label));
    if !ends.is_some_and(|rest| rest.starts_with(DASHES)) {
        return Err(Defect::new(format!(
            "truncated, or several files in one: -----BEGIN {label}----- is not followed by -----END {label}-----"
        )));
    }
    let content = strip_headers(content)?;
    if content.trim().is_empty() {
        return Err(Defect::new(format!(
            "empty: there is nothing between -----BEGIN {label}----- and its END line"
        )));
    }
    decode_base64(content)
}

fn refuse_escapes(content: &str) -> Result<(), Defect> {
    if content.contains("\\n") || content.contains("\\r") {
        return Err(Defect::new(
            "the line breaks are written as a backslash and an n; replace them with real line breaks, \
             for example with .replace(\"\\\\n\", \"\\n\")",
        ));
    }
    Ok(())
}

/// Skips the `Name: value` lines that old PEM may have before its base64.
fn strip_headers(content: &str) -> Result<&str, Defect> {
    let mut rest = content.trim_start();
    while let Some((line, after)) = rest.split_once('\n').filter(|(line, _)| line.contains(':')) {
        if line.starts_with("Proc-Type") && line.contains("ENCRYPTED") {
            return Err(Defect::new(ENCRYPTED));
        }
        rest = after;
    }
    Ok(rest)
}

fn decode_base64(text: &str) -> Result<Zeroizing<Vec<u8>>, Defect> {
    refuse_escapes(text)?;
    // Whitespace of any kind is allowed anywhere: line breaks become spaces in a shell, and some
    // editors indent.
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    for found in text
        .chars()
        .filter(|&c| !c.is_whitespace() && c != '\u{feff}')
    {
        match found {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' | '=' => digits.push(found as u8),
            _ => {
                // One character of the input is shown. It is not base64, so not part of a key.
                return Err(Defect::new(format!(
                    "invalid base64: unexpected character {found:?}"
                )));
            }
        }
    }
    if digits.is_empty() {
        return Err(Defect::new("empty input"));
    }
    let mut der = Zeroizing::new(vec![0; digits.len() / 4 * 3 + 3]);
    let length = PADDING_OPTIONAL
        .decode_slice(&digits[..], &mut der)
        .map_err(|error| {
            let error = match error {
                base64::DecodeSliceError::DecodeError(error) => error,
                base64::DecodeSliceError::OutputSliceTooSmall => DecodeError::InvalidPadding,
            };
            match error {
                DecodeError::InvalidByte(..) => {
                    Defect::new("invalid base64: padding '=' before the end")
                }
                _ => Defect::new("truncated base64"),
            }
        })?;
    der.truncate(length);
    Ok(der)
}

fn no_block(text: &str) -> Defect {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if trimmed.is_empty() {
        return Defect::new("empty input");
    }
    // `from_pem("apiclient_key.pem")` is a common mistake. The name itself is not shown: a short text
    // with a dot may be something else.
    let last = trimmed.rsplit(['/', '\\']).next().unwrap_or_default();
    if !trimmed.contains('\n') && last.len() < 100 && last.contains('.') {
        return Defect::new("expected PEM, found what looks like a file name; use from_pem_file");
    }
    if decode_base64(trimmed).is_ok() {
        return Defect::new(
            "expected PEM, found base64 without BEGIN and END lines; use from_base64",
        );
    }
    Defect::new("expected PEM, found no -----BEGIN line")
}
