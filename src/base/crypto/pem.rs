//! PEM and bare base64, read with patience for what editors, shells and environment variables do
//! to them, and refused with the reason.

use base64::{
    DecodeError, Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use zeroize::Zeroizing;

use super::defect::{Defect, Due};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

pub(super) const ENCRYPTED: &str = "it is encrypted with a password, and no password is taken here; \
     decrypt it first: openssl pkey -in encrypted.pem -out apiclient_key.pem";
pub(super) const EC: &str = "it is an elliptic curve key; WeChat Pay's APIv3 takes RSA keys only";

const PADDING_OPTIONAL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The DER of the first block in `text` that can hold what is due.
pub(super) fn decode(text: &str, due: Due) -> Result<Zeroizing<Vec<u8>>, Defect> {
    let mut complaint = None;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let label = label(after)?;
        let body = after.get(label.len() + DASHES.len()..).unwrap_or_default();
        match objection(label, due) {
            None => return decode_body(body, label),
            // An unusable private key says more of what is wrong than the certificate beside it.
            Some(fault) if complaint.is_none() || label.ends_with("PRIVATE KEY") => {
                complaint = Some(fault);
            }
            Some(_) => {}
        }
        rest = body;
    }
    Err(complaint.unwrap_or_else(|| no_block(text)))
}

/// The DER of every certificate in `text`, of which there is at least one.
pub(super) fn decode_certificates(text: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, Defect> {
    let mut found = vec![decode(text, Due::Certificate)?];
    let mut rest = text;
    let mut first = true;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let label = label(after)?;
        rest = after.get(label.len() + DASHES.len()..).unwrap_or_default();
        if objection(label, Due::Certificate).is_some() {
            continue;
        }
        if !std::mem::take(&mut first) {
            found.push(decode_body(rest, label)?);
        }
    }
    Ok(found)
}

/// The DER that base64 without BEGIN and END holds.
pub(super) fn decode_bare(text: &str) -> Result<Zeroizing<Vec<u8>>, Defect> {
    if text.contains(BEGIN) {
        return Err(Defect::new("it is PEM and not bare base64; use from_pem"));
    }
    decode_base64(text)
}

/// DER as PEM, in lines of 64 characters. Wiped when dropped, as it may be a private key.
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
            Defect::new("its BEGIN line is broken or cut off; it should read like -----BEGIN PRIVATE KEY-----")
        })
}

fn in_label(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
}

/// Why a block under this label cannot be what is due.
fn objection(label: &str, due: Due) -> Option<Defect> {
    let fits = match label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" => due == Due::PrivateKey,
        "PUBLIC KEY" | "RSA PUBLIC KEY" => due == Due::PublicKey,
        "CERTIFICATE" | "X509 CERTIFICATE" => due != Due::PrivateKey,
        _ => false,
    };
    if fits {
        return None;
    }
    let found = match label {
        "ENCRYPTED PRIVATE KEY" if due == Due::PrivateKey => return Some(Defect::new(ENCRYPTED)),
        "EC PRIVATE KEY" | "EC PARAMETERS" => return Some(Defect::new(EC)),
        "OPENSSH PRIVATE KEY" if due == Due::PrivateKey => {
            return Some(Defect::new(
                "it is a key in OpenSSH's own format; an RSA one is rewritten by: ssh-keygen -p -m PEM -f FILE",
            ));
        }
        "CERTIFICATE" | "X509 CERTIFICATE" => {
            "it is a certificate; the private key lies beside it, as apiclient_key.pem"
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" => match due {
            Due::PrivateKey => "it is a public key; the private key is in apiclient_key.pem",
            _ => {
                "it is a public key; with WeChat Pay's public key use PublicKey and its PUB_KEY_ID"
            }
        },
        _ if label.ends_with("PRIVATE KEY") => {
            "it is a private key, which stays with its owner; was the wrong file named?"
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "it is a certificate request; the certificate is what WeChat Pay made of it"
        }
        _ => "it is something else",
    };
    let due = match due {
        Due::PrivateKey => "PRIVATE KEY or RSA PRIVATE KEY",
        Due::PublicKey => "PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE",
        Due::Certificate => "CERTIFICATE",
    };
    Some(Defect::new(format!(
        "{found} (found -----BEGIN {label}-----, due is {due})"
    )))
}

fn decode_body(body: &str, label: &str) -> Result<Zeroizing<Vec<u8>>, Defect> {
    let Some((content, end)) = body.split_once(DASHES) else {
        escaped(body)?;
        return Err(Defect::new(format!(
            "it is truncated: -----BEGIN {label}----- has no -----END {label}-----"
        )));
    };
    escaped(content)?;
    let ends = end
        .strip_prefix("END ")
        .and_then(|rest| rest.strip_prefix(label));
    if !ends.is_some_and(|rest| rest.starts_with(DASHES)) {
        return Err(Defect::new(format!(
            "it is truncated or pasted together: -----BEGIN {label}----- is not ended by -----END {label}-----"
        )));
    }
    let content = strip_headers(content)?;
    if content.trim().is_empty() {
        return Err(Defect::new(format!(
            "it is empty: nothing stands between -----BEGIN {label}----- and its END"
        )));
    }
    decode_base64(content)
}

fn escaped(content: &str) -> Result<(), Defect> {
    if content.contains("\\n") || content.contains("\\r") {
        return Err(Defect::new(
            "its line breaks are written out as a backslash and an n; make them real line breaks, \
             for instance with .replace(\"\\\\n\", \"\\n\")",
        ));
    }
    Ok(())
}

/// Old PEM may have `Name: value` lines before its base64.
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
    escaped(text)?;
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    for found in text
        .chars()
        .filter(|&c| !c.is_whitespace() && c != '\u{feff}')
    {
        match found {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' | '=' => digits.push(found as u8),
            _ => {
                return Err(Defect::new(format!(
                    "it is not base64: it has the character {found:?} in it"
                )));
            }
        }
    }
    if digits.is_empty() {
        return Err(Defect::new("it is empty"));
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
                    Defect::new("its base64 is broken: the padding '=' does not stand at the end")
                }
                _ => Defect::new("it is truncated: its base64 is cut off in the middle"),
            }
        })?;
    der.truncate(length);
    Ok(der)
}

fn no_block(text: &str) -> Defect {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if trimmed.is_empty() {
        return Defect::new("it is empty");
    }
    let last = trimmed.rsplit(['/', '\\']).next().unwrap_or_default();
    if !trimmed.contains('\n') && last.len() < 100 && last.contains('.') {
        return Defect::new("it is not PEM but looks like the name of a file; use from_pem_file");
    }
    if decode_base64(trimmed).is_ok() {
        return Defect::new("it is base64 without -----BEGIN and -----END; use from_base64");
    }
    Defect::new("it is not PEM: there is no -----BEGIN line in it")
}
