//! A reader and a writer for the little DER that keys need.
//!
//! The reader is our own because a parser of typed documents (the `der` crate) fails where this one
//! must go on: to tell which format a file has, and whether it is truncated.
//! It borrows from the input, never allocates, and does not recurse. Certificates are parsed by
//! `x509-cert`.

use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// `AlgorithmIdentifier { rsaEncryption, NULL }`.
const RSA_ALGORITHM: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// Why an element cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The input ends before the element does.
    Short { declared: usize, present: usize },
    /// It is not DER of definite length.
    Malformed,
}

/// One tag, length and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) value: &'a [u8],
}

/// Reads one element after another.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Returns the next element.
    pub(super) fn next(&mut self) -> Result<Element<'a>, Flaw> {
        let input = self.0;
        let short = |declared| Flaw::Short {
            declared,
            present: input.len(),
        };
        let (&tag, after_tag) = input.split_first().ok_or(short(2))?;
        let (&first, after_first) = after_tag.split_first().ok_or(short(2))?;
        let (length, body) = if first < 0x80 {
            (usize::from(first), after_first)
        } else {
            let count = usize::from(first & 0x7f);
            // 0 is BER's indefinite length. More than 4 bytes would be a length over 4 GiB.
            if count == 0 || count > 4 {
                return Err(Flaw::Malformed);
            }
            let (digits, body) = after_first
                .split_at_checked(count)
                .ok_or(short(2 + count))?;
            let length = digits
                .iter()
                .fold(0u64, |sum, &digit| sum << 8 | u64::from(digit));
            (usize::try_from(length).map_err(|_| Flaw::Malformed)?, body)
        };
        let (value, rest) = body
            .split_at_checked(length)
            .ok_or(short((input.len() - body.len()).saturating_add(length)))?;
        self.0 = rest;
        Ok(Element { tag, value })
    }

    /// Returns the next element's value if it has this tag. Otherwise the reader stays where it is.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let element = ahead.next().ok().filter(|element| element.tag == tag)?;
        *self = ahead;
        Some(element.value)
    }

    /// Returns the next element as a non-negative integer, big-endian and without leading zeros.
    pub(super) fn unsigned(&mut self) -> Option<&'a [u8]> {
        let value = self.take(INTEGER)?;
        match value.first() {
            None => None,
            // Negative.
            Some(&byte) if byte >= 0x80 => None,
            Some(_) => Some(trim(value)),
        }
    }
}

/// Removes leading zeros.
pub(super) fn trim(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Returns the number of bits of a big-endian number without leading zeros.
pub(super) fn bits(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// Writes an element. The buffer is wiped on drop: it may hold a private key.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // Large enough not to grow: growing would leave an unwiped copy behind.
    let mut out = Zeroizing::new(Vec::with_capacity(length + 10));
    out.push(tag);
    let digits = length.to_be_bytes();
    let digits = trim(&digits);
    match length {
        0..0x80 => out.push(length as u8),
        _ => {
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Writes a non-negative integer from its big-endian bytes.
pub(super) fn integer(number: &[u8]) -> Zeroizing<Vec<u8>> {
    let number = trim(number);
    match number.first() {
        Some(&first) if first < 0x80 => element(INTEGER, &[number]),
        _ => element(INTEGER, &[&[0], number]),
    }
}

/// Writes PKCS#1's `RSAPublicKey`.
pub(super) fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&integer(modulus), &integer(exponent)]).to_vec()
}

/// Writes X.509's `SubjectPublicKeyInfo` around PKCS#1's `RSAPublicKey`.
pub(super) fn subject_public_key_info(pkcs1: &[u8]) -> Vec<u8> {
    let key = element(BIT_STRING, &[&[0], pkcs1]);
    element(SEQUENCE, &[&RSA_ALGORITHM, &key]).to_vec()
}

/// Writes PKCS#8's `PrivateKeyInfo` around PKCS#1's `RSAPrivateKey`.
#[cfg(any(test, feature = "sandbox", feature = "aws-lc-rs"))]
pub(super) fn private_key_info(pkcs1: &[u8]) -> Zeroizing<Vec<u8>> {
    let key = element(OCTET_STRING, &[pkcs1]);
    element(SEQUENCE, &[&[INTEGER, 1, 0], &RSA_ALGORITHM, &key])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_width_round_trip() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000] {
            let value = vec![7; length];
            let der = element(OCTET_STRING, &[&value]);
            let mut reader = Reader::new(&der);
            assert_eq!(reader.take(OCTET_STRING), Some(&value[..]));
            assert!(reader.rest().is_empty());
        }
    }

    #[test]
    fn truncated_element_reports_both_lengths() {
        let der = element(SEQUENCE, &[&[0; 300]]);
        assert_eq!(
            Reader::new(&der[..100]).next().unwrap_err(),
            Flaw::Short {
                declared: 304,
                present: 100
            }
        );
    }

    #[test]
    fn integers_keep_the_sign_byte_and_lose_leading_zeros() {
        assert_eq!(*integer(&[0, 0, 0x80]), [INTEGER, 2, 0, 0x80]);
        assert_eq!(*integer(&[0, 0x7f]), [INTEGER, 1, 0x7f]);
        assert_eq!(*integer(&[]), [INTEGER, 1, 0]);
        assert_eq!(bits(&[1]), 1);
        assert_eq!(bits(&[0x80, 0]), 16);
        assert_eq!(bits(&[]), 0);
    }
}
