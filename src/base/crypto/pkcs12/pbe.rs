//! Decryption under a password in PKCS#12 archives: the old schemes of PKCS#12 itself, and PBES2.
//!
//! The old ciphers are weak. They are here because WeChat Pay's archives use them, and the password is
//! the merchant ID anyway: an archive must be protected like a key file. Derived keys and decrypted
//! data are wiped; the states of the hash functions are not.

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{Block, BlockCipherDecrypt, KeyInit},
};
use des::TdesEde3;
use hmac::{EagerHash, Hmac, Mac as _};
use rc2::Rc2;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512, digest::block_api::BlockSizeUser};
use zeroize::Zeroizing;

use crate::base::crypto::{
    defect::Defect,
    der::{self, Reader},
    digest::constant_time_eq,
};

/// What to do about an archive that is not supported. OpenSSL 3 needs `-legacy` for the old ciphers,
/// and earlier versions do not know it.
pub(super) const REWRITE: &str = "convert it with: openssl pkcs12 -legacy -in old.p12 -nodes -out all.pem \
     && openssl pkcs12 -export -in all.pem -out new.p12 (before OpenSSL 3, without -legacy), then delete all.pem";

/// Far more than archives have. Each iteration costs a hash, and the count is not authenticated.
const MAX_ITERATIONS: u32 = 1_000_000;

const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

const PBE_3DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03];
const PBE_RC2_128: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x05];
const PBE_RC2_40: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x06];
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const HMAC_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x07];
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
const HMAC_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0a];
const HMAC_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b];
const DES_EDE3_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
const AES_128_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02];
const AES_192_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// What a key derived by PKCS#12's own scheme is for.
#[derive(Clone, Copy)]
enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// A password in the two encodings that the schemes use.
// PBES2 uses UTF-8, the schemes of PKCS#12 use a BMPString. The zero at the end of the latter is part of
// the hashed password.
pub(super) struct Password {
    utf8: Zeroizing<Vec<u8>>,
    /// UTF-16, big-endian, with a zero at the end.
    wide: Zeroizing<Vec<u8>>,
}

impl Password {
    pub(super) fn new(password: &str) -> Self {
        let units = password.encode_utf16().chain([0]);
        Self {
            utf8: Zeroizing::new(password.as_bytes().to_vec()),
            wide: Zeroizing::new(units.flat_map(u16::to_be_bytes).collect()),
        }
    }

    /// Whether `mac` is the MAC over `data`.
    pub(super) fn authenticates(
        &self,
        data: &[u8],
        (hash, salt, iterations, mac): (&[u8], &[u8], u32, &[u8]),
    ) -> Result<bool, Defect> {
        check_iterations(iterations)?;
        let computed = match hash {
            SHA1 => self.mac::<Sha1>(data, salt, iterations),
            SHA256 => self.mac::<Sha256>(data, salt, iterations),
            SHA384 => self.mac::<Sha384>(data, salt, iterations),
            SHA512 => self.mac::<Sha512>(data, salt, iterations),
            _ => return Err(unsupported("MAC")),
        };
        Ok(constant_time_eq(&computed, mac))
    }

    /// Decrypts `ciphertext`. `algorithm` is the content of an AlgorithmIdentifier.
    pub(super) fn decrypt(
        &self,
        algorithm: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Defect> {
        let mut algorithm = Reader::new(algorithm);
        let scheme = algorithm.take(der::OID).ok_or_else(damaged)?;
        let parameters = algorithm.take(der::SEQUENCE).ok_or_else(damaged)?;
        let mut parameters = Reader::new(parameters);
        if scheme == PBES2 {
            return self.pbes2(parameters, ciphertext);
        }
        let salt = parameters.take(der::OCTET_STRING).ok_or_else(damaged)?;
        let iterations = count(&mut parameters)?;
        check_iterations(iterations)?;
        let derived =
            |purpose, length| derive::<Sha1>(&self.wide, salt, purpose, iterations, length);
        let iv = derived(Purpose::Iv, 8);
        match scheme {
            PBE_3DES => cbc::<TdesEde3>(&derived(Purpose::Key, 24), &iv, ciphertext),
            PBE_RC2_128 => cbc::<Rc2>(&derived(Purpose::Key, 16), &iv, ciphertext),
            PBE_RC2_40 => cbc::<Rc2>(&derived(Purpose::Key, 5), &iv, ciphertext),
            _ => Err(unsupported("encryption")),
        }
    }

    fn pbes2(
        &self,
        mut parameters: Reader<'_>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Defect> {
        let mut next = || parameters.take(der::SEQUENCE).ok_or_else(damaged);
        let (mut derivation, mut cipher) = (Reader::new(next()?), Reader::new(next()?));
        if derivation.take(der::OID) != Some(PBKDF2) {
            return Err(unsupported("key derivation"));
        }
        let mut derivation = Reader::new(derivation.take(der::SEQUENCE).ok_or_else(damaged)?);
        let salt = derivation.take(der::OCTET_STRING).ok_or_else(damaged)?;
        let iterations = count(&mut derivation)?;
        check_iterations(iterations)?;
        // Optional, and redundant: the cipher determines the length of its key.
        let _key_length = derivation.unsigned();
        let prf = match derivation.take(der::SEQUENCE) {
            Some(prf) => Reader::new(prf).take(der::OID).ok_or_else(damaged)?,
            // The default of RFC 8018.
            None => HMAC_SHA1,
        };
        let scheme = cipher.take(der::OID).ok_or_else(damaged)?;
        let iv = cipher.take(der::OCTET_STRING).ok_or_else(damaged)?;
        let key = |length| match prf {
            HMAC_SHA1 => Ok(pbkdf2::<Sha1>(&self.utf8, salt, iterations, length)),
            HMAC_SHA256 => Ok(pbkdf2::<Sha256>(&self.utf8, salt, iterations, length)),
            HMAC_SHA384 => Ok(pbkdf2::<Sha384>(&self.utf8, salt, iterations, length)),
            HMAC_SHA512 => Ok(pbkdf2::<Sha512>(&self.utf8, salt, iterations, length)),
            _ => Err(unsupported("key derivation")),
        };
        match scheme {
            AES_128_CBC => cbc::<Aes128>(&key(16)?, iv, ciphertext),
            AES_192_CBC => cbc::<Aes192>(&key(24)?, iv, ciphertext),
            AES_256_CBC => cbc::<Aes256>(&key(32)?, iv, ciphertext),
            DES_EDE3_CBC => cbc::<TdesEde3>(&key(24)?, iv, ciphertext),
            _ => Err(unsupported("encryption")),
        }
    }

    fn mac<D: EagerHash + Digest + BlockSizeUser>(
        &self,
        data: &[u8],
        salt: &[u8],
        iterations: u32,
    ) -> Vec<u8> {
        let length = <D as Digest>::output_size();
        let key = derive::<D>(&self.wide, salt, Purpose::Mac, iterations, length);
        hmac::<D>(&key, &[data])
    }
}

/// Reads a small non-negative number.
pub(super) fn count(reader: &mut Reader<'_>) -> Result<u32, Defect> {
    let digits = reader.unsigned().ok_or_else(damaged)?;
    if digits.len() > 4 {
        return Err(excessive());
    }
    Ok(digits
        .iter()
        .fold(0, |sum, &digit| sum << 8 | u32::from(digit)))
}

pub(super) fn damaged() -> Defect {
    Defect::new("damaged: the structure is not PKCS#12")
}

fn check_iterations(iterations: u32) -> Result<(), Defect> {
    match iterations {
        0 => Err(damaged()),
        1..=MAX_ITERATIONS => Ok(()),
        _ => Err(excessive()),
    }
}

fn excessive() -> Defect {
    Defect::new(format!(
        "its key derivation has more than {MAX_ITERATIONS} iterations"
    ))
}

fn unsupported(what: &str) -> Defect {
    Defect::new(format!("its {what} algorithm is not supported; {REWRITE}"))
}

/// PKCS#12's own key derivation, by RFC 7292, appendix B.2.
fn derive<D: Digest + BlockSizeUser>(
    password: &[u8],
    salt: &[u8],
    purpose: Purpose,
    iterations: u32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = D::block_size();
    let filled = |bytes: &[u8]| {
        let length = bytes.len().div_ceil(block) * block;
        bytes
            .iter()
            .copied()
            .cycle()
            .take(length)
            .collect::<Vec<_>>()
    };
    let mut state = Zeroizing::new(filled(salt));
    state.extend_from_slice(&Zeroizing::new(filled(password)));
    let mut out = Zeroizing::new(Vec::with_capacity(length + 64));
    while out.len() < length {
        let mut hash = D::new()
            .chain_update(vec![purpose as u8; block])
            .chain_update(&*state)
            .finalize();
        for _ in 1..iterations {
            hash = D::digest(&hash);
        }
        out.extend_from_slice(&hash);
        let addend = hash.iter().copied().cycle().take(block).collect::<Vec<_>>();
        for part in state.chunks_mut(block) {
            let mut carry = 1;
            for (digit, add) in part.iter_mut().zip(&addend).rev() {
                // The RFC's I = (I + B + 1) mod 2^v, big-endian. The 1 is the first carry.
                carry += u16::from(*digit) + u16::from(*add);
                *digit = carry as u8;
                carry >>= 8;
            }
        }
    }
    out.truncate(length);
    out
}

fn pbkdf2<D: EagerHash>(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    // Room for a whole block of the largest hash, so that the vector does not grow and leave a copy.
    let mut out = Zeroizing::new(Vec::with_capacity(length + 64));
    for index in 1u32.. {
        if out.len() >= length {
            break;
        }
        let mut last = hmac::<D>(password, &[salt, &index.to_be_bytes()]);
        let mut sum = last.clone();
        for _ in 1..iterations {
            last = hmac::<D>(password, &[&last]);
            for (sum, last) in sum.iter_mut().zip(&last) {
                *sum ^= last;
            }
        }
        out.extend_from_slice(&sum);
    }
    out.truncate(length);
    out
}

fn hmac<D: EagerHash>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC accepts a key of any length: this never fails.
    let Ok(mut mac) = Hmac::<D>::new_from_slice(key) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Decrypts CBC with PKCS#7 padding.
fn cbc<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Defect> {
    let block = C::block_size();
    let cipher = C::new_from_slice(key).map_err(|_| damaged())?;
    if iv.len() != block || ciphertext.is_empty() || !ciphertext.len().is_multiple_of(block) {
        return Err(damaged());
    }
    let mut out = Zeroizing::new(ciphertext.to_vec());
    let before = std::iter::once(iv).chain(ciphertext.chunks(block));
    for (part, before) in out.chunks_mut(block).zip(before) {
        let mut open = Block::<C>::try_from(&*part).map_err(|_| damaged())?;
        cipher.decrypt_block(&mut open);
        for ((part, open), before) in part.iter_mut().zip(&open).zip(before) {
            *part = open ^ before;
        }
    }
    // A padding oracle needs many guesses. This runs once, on a local file.
    let padding = out.last().copied().map_or(0, usize::from);
    let wrong = || Defect::new("cannot decrypt it: wrong password or altered archive");
    let length = out.len().checked_sub(padding).ok_or_else(wrong)?;
    let good = (1..=block).contains(&padding)
        && out[length..]
            .iter()
            .all(|&byte| usize::from(byte) == padding);
    if !good {
        return Err(wrong());
    }
    out.truncate(length);
    Ok(out)
}
