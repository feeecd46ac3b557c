//! The sandbox's certificate authority: it issues the certificates of the server, the merchants and the
//! platform.

use std::net::IpAddr;

use super::{keys::SerialKey, merchant::Merchant};
use crate::{
    base::crypto::{Certificate, Issue, PrivateKey, PublicKey, digest, random},
    error::{Cause, cause::Result},
    protocol::merchant::SANDBOX_IN_HEX,
};

const NAME: &str = "WeChat Pay sandbox CA";
const DAY: u64 = 24 * 3600;
/// WeChat Pay's certificates live five years too.
const LIFETIME: u64 = 5 * 365 * DAY;

/// A certificate authority. Nothing outside a test should trust it.
pub(crate) struct Authority {
    pub(super) key: PrivateKey,
    issued_at: u64,
    pub(crate) certificate: Certificate,
}

/// Whom a certificate is for.
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    pub(crate) serial: [u8; 20],
    pub(crate) key: &'a PublicKey,
    /// The hosts of a server.
    pub(crate) dns: &'a [&'a str],
    pub(crate) ip: &'a [IpAddr],
}

impl Authority {
    /// Returns an authority of this key. Its certificates begin to be valid the day before `issued_at`.
    pub(crate) fn new(key: SerialKey, issued_at: u64) -> Result<Self> {
        let SerialKey {
            serial,
            private: key,
        } = key;
        let (not_before, not_after) = validity(issued_at);
        let certificate = Certificate::issue(&Issue {
            serial,
            subject: NAME,
            issuer: NAME,
            not_before,
            not_after,
            key: &key.public_key(),
            signer: &key,
            ca: true,
            dns: &[],
            ip: &[],
        })?;
        Ok(Self {
            key,
            issued_at,
            certificate,
        })
    }

    /// Issues a certificate, which is valid as long as the authority's.
    pub(crate) fn issue(&self, subject: &Subject<'_>) -> Result<Certificate> {
        let (not_before, not_after) = validity(self.issued_at);
        Certificate::issue(&Issue {
            serial: subject.serial,
            subject: subject.name,
            issuer: NAME,
            not_before,
            not_after,
            key: subject.key,
            signer: &self.key,
            ca: false,
            dns: subject.dns,
            ip: subject.ip,
        })
    }

    /// Issues a merchant's API certificate, of the merchant key and under its serial.
    pub(crate) fn issue_to_merchant(&self, merchant: &Merchant) -> Result<Certificate> {
        let serial = serial_from_hex(&merchant.serial);
        self.issue(&Subject {
            name: &merchant.mchid,
            serial: serial.ok_or_else(|| Cause::key("the merchant's serial is not hexadecimal"))?,
            key: &merchant.key.public,
            dns: &[],
            ip: &[],
        })
    }
}

/// Returns a new serial, which begins with `SANDBOX` in ASCII like a merchant's.
pub(crate) fn serial() -> Result<[u8; 20]> {
    let mut serial = [0; 20];
    random(&mut serial)?;
    let prefix: [u8; 7] = digest::from_hex(SANDBOX_IN_HEX)
        .ok_or_else(|| Cause::key("the prefix of serials is not hexadecimal"))?;
    for (byte, fixed) in serial.iter_mut().zip(prefix) {
        *byte = fixed;
    }
    Ok(serial)
}

/// Returns a serial of 40 hexadecimal digits.
pub(crate) fn serial_from_hex(digits: &str) -> Option<[u8; 20]> {
    digest::from_hex(digits)
}

/// Returns whether the certificates that were issued then are valid now and for another day.
pub(crate) fn is_valid(issued_at: u64, now: u64) -> bool {
    let (not_before, not_after) = validity(issued_at);
    (not_before..not_after.saturating_sub(DAY)).contains(&now)
}

// Signatures and certificates follow the real time, not the sandbox's clock: so do clients.
fn validity(issued_at: u64) -> (u64, u64) {
    (
        issued_at.saturating_sub(DAY),
        issued_at.saturating_add(LIFETIME),
    )
}
