//! Issues X.509 certificates: the sandbox is a certificate authority of its own.

use std::{net::IpAddr, time::Duration};

use x509_cert::der::DateTime;

use super::{Certificate, PrivateKey, PublicKey};
use crate::{
    base::crypto::{
        der::{self, BIT_STRING, OCTET_STRING, OID, SEQUENCE},
        digest::sha256,
    },
    error::{Cause, cause::Result},
};

/// What a certificate says.
pub(crate) struct Issue<'a> {
    /// The serial number, big-endian. Its first bit must not be set.
    pub(crate) serial: [u8; 20],
    /// The common name of its owner.
    pub(crate) subject: &'a str,
    /// The common name of its issuer, which is its own if it signs itself.
    pub(crate) issuer: &'a str,
    /// In seconds since 1970.
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) key: &'a PublicKey,
    pub(crate) signer: &'a PrivateKey,
    /// Whether its owner issues certificates.
    pub(crate) ca: bool,
    /// The hosts of a server.
    pub(crate) dns: &'a [&'a str],
    pub(crate) ip: &'a [IpAddr],
}

const BOOLEAN: u8 = 0x01;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SET: u8 = 0x31;

/// `AlgorithmIdentifier { sha256WithRSAEncryption, NULL }`.
const SHA256_WITH_RSA: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
];
/// `[0] { version 3 }`.
const VERSION_3: [u8; 5] = [0xa0, 0x03, 0x02, 0x01, 0x02];

const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const SUBJECT_KEY_IDENTIFIER: [u8; 3] = [0x55, 0x1d, 0x0e];
const KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x0f];
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 0x13];
const AUTHORITY_KEY_IDENTIFIER: [u8; 3] = [0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x25];
const SERVER_AUTH: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

impl Certificate {
    /// Issues a certificate, signed with SHA-256.
    ///
    /// # Errors
    /// Returns an error if a date is out of range or the signature fails.
    pub(crate) fn issue(issue: &Issue<'_>) -> Result<Self> {
        let content = issue.content()?;
        let signature = issue.signer.sign(&content)?;
        let signature = der::element(BIT_STRING, &[&[0], &signature]);
        let der = der::element(SEQUENCE, &[&content, &SHA256_WITH_RSA, &signature]);
        Self::parse_der(&der)
    }
}

impl Issue<'_> {
    /// Returns the `TBSCertificate`.
    fn content(&self) -> Result<Vec<u8>> {
        let validity = [time(self.not_before)?, time(self.not_after)?];
        Ok(sequence(&[
            &VERSION_3,
            &der::integer(&self.serial),
            &SHA256_WITH_RSA,
            &name(self.issuer),
            &sequence(&[&validity[0], &validity[1]]),
            &name(self.subject),
            self.key.spki(),
            &element(0xa3, &[&self.extensions()]),
        ]))
    }

    fn extensions(&self) -> Vec<u8> {
        let constraints = match self.ca {
            true => sequence(&[&[BOOLEAN, 1, 0xff]]),
            false => sequence(&[]),
        };
        // The first byte of a bit string says how many bits at its end do not count.
        let usage: [u8; 2] = match self.ca {
            // keyCertSign, cRLSign
            true => [1, 0x06],
            // digitalSignature, keyEncipherment
            false => [5, 0xa0],
        };
        let usage = element(BIT_STRING, &[&usage]);
        let own_id = element(OCTET_STRING, &[&key_id(self.key)]);
        let signer_id = key_id(&self.signer.public_key());
        let signer_id = sequence(&[&element(0x80, &[&signer_id])]);
        let mut extensions = vec![
            extension(&BASIC_CONSTRAINTS, true, &constraints),
            extension(&KEY_USAGE, true, &usage),
            extension(&SUBJECT_KEY_IDENTIFIER, false, &own_id),
            // Some clients refuse a certificate without it, such as Python's from 3.13 on.
            extension(&AUTHORITY_KEY_IDENTIFIER, false, &signer_id),
        ];
        if !self.ca {
            let [server, client] = [SERVER_AUTH, CLIENT_AUTH].map(|oid| element(OID, &[&oid]));
            let uses = sequence(&[&server, &client]);
            extensions.push(extension(&EXTENDED_KEY_USAGE, false, &uses));
        }
        let names = self.alternative_names();
        if !names.is_empty() {
            extensions.push(extension(&SUBJECT_ALT_NAME, false, &list(&names)));
        }
        list(&extensions)
    }

    fn alternative_names(&self) -> Vec<Vec<u8>> {
        let hosts = self
            .dns
            .iter()
            .map(|name| element(0x82, &[name.as_bytes()]));
        let addresses = self.ip.iter().map(|address| match address {
            IpAddr::V4(address) => element(0x87, &[&address.octets()]),
            IpAddr::V6(address) => element(0x87, &[&address.octets()]),
        });
        hosts.chain(addresses).collect()
    }
}

fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let oid = element(OID, &[oid]);
    let value = element(OCTET_STRING, &[value]);
    // DER leaves out what is the default.
    let critical: &[u8] = if critical { &[BOOLEAN, 1, 0xff] } else { &[] };
    sequence(&[&oid, critical, &value])
}

/// Returns a name that consists of a common name.
fn name(common_name: &str) -> Vec<u8> {
    let value = element(UTF8_STRING, &[common_name.as_bytes()]);
    let attribute = sequence(&[&element(OID, &[&COMMON_NAME]), &value]);
    sequence(&[&element(SET, &[&attribute])])
}

/// Returns a time as X.509 wants it: with two digits for the year until 2049, and four from then on.
fn time(seconds: u64) -> Result<Vec<u8>> {
    let t = DateTime::from_unix_duration(Duration::from_secs(seconds))
        .map_err(|_| Cause::config("the certificate's dates are out of range"))?;
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        t.month(),
        t.day(),
        t.hour(),
        t.minutes(),
        t.seconds()
    );
    Ok(match t.year() {
        year @ ..2050 => element(UTC_TIME, &[format!("{:02}{rest}", year % 100).as_bytes()]),
        year => element(GENERALIZED_TIME, &[format!("{year:04}{rest}").as_bytes()]),
    })
}

/// Returns what identifies a key in certificates. Any value does that differs from key to key.
fn key_id(key: &PublicKey) -> Vec<u8> {
    sha256(key.spki()).into_iter().take(20).collect()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let items: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
    sequence(&items)
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, parts)
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    der::element(tag, parts).to_vec()
}
