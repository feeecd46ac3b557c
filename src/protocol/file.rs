//! What a downloaded file must be: its hash, and who named it.

use super::path::shown;
use crate::{
    base::crypto::digest::{self, Sha1, Sha256},
    error::{Cause, Kind, cause::Result},
};

/// The hash that a file must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileHash {
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

impl FileHash {
    /// Reads `hash_type` and `hash_value` as a response gives them. Without a type, the length
    /// tells which it is.
    ///
    /// # Errors
    /// Where this library cannot compute the type, or the value is no hash of that type.
    pub(crate) fn parse(kind: Option<&str>, value: &str) -> Result<Self> {
        let name = kind.unwrap_or(if value.len() == 64 { "SHA256" } else { "SHA1" });
        let is = |known: &str| {
            let mut letters = name.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
            let same = known.bytes().all(|due| {
                letters
                    .next()
                    .is_some_and(|it| it.to_ascii_uppercase() == due)
            });
            same && letters.next().is_none()
        };
        let hash = if is("SHA1") {
            digest::from_hex(value).map(Self::Sha1)
        } else if is("SHA256") {
            digest::from_hex(value).map(Self::Sha256)
        } else {
            return Err(Cause::new(
                Kind::Decode,
                format!(
                    "the file's hash is of the type `{}`, which this library cannot compute: it \
                     checks SHA1 and SHA256, and nothing was downloaded",
                    shown(name)
                ),
            ));
        };
        hash.ok_or_else(|| {
            Cause::new(
                Kind::Decode,
                format!(
                    "the file's `hash_value` ({} bytes) is not a {} in hexadecimal",
                    value.len(),
                    shown(name)
                ),
            )
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sha1(_) => "SHA-1",
            Self::Sha256(_) => "SHA-256",
        }
    }
}

/// A file that a verified response named. There is none without a hash: that is what carries the
/// trust over from the response to the file.
#[derive(Clone, Debug)]
pub(crate) struct NamedFile {
    /// The key that the response verified with.
    pub(crate) serial: String,
    pub(crate) hash: FileHash,
}

/// What is asked of a download.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// Unpack it where it is gzip.
    pub(crate) gunzip: bool,
    /// The hashes that the caller expects of it, or of what is packed in it.
    pub(crate) sha1: Option<[u8; 20]>,
    pub(crate) sha256: Option<[u8; 32]>,
    /// The response that named it, whose hash it must have as well.
    pub(crate) named: Option<NamedFile>,
}

impl Wishes {
    pub(crate) fn are_none(&self) -> bool {
        !self.gunzip && self.hashes().next().is_none()
    }

    /// The hashes that it must have, each for itself.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = FileHash> {
        let named = self.named.as_ref().map(|named| named.hash);
        [
            self.sha1.map(FileHash::Sha1),
            self.sha256.map(FileHash::Sha256),
            named,
        ]
        .into_iter()
        .flatten()
    }

    /// A digest that takes no more than these wishes need.
    pub(crate) fn sums(&self) -> Sums {
        let sha256 = self
            .hashes()
            .any(|hash| matches!(hash, FileHash::Sha256(_)));
        Sums {
            sha1: Sha1::new(),
            sha256: sha256.then(Sha256::new),
        }
    }
}

/// The digests of one form of a file: as it came, or unpacked.
pub(crate) struct Sums {
    sha1: Sha1,
    sha256: Option<Sha256>,
}

impl Sums {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha1.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Summed {
        Summed {
            sha1: self.sha1.finish(),
            sha256: self.sha256.map(Sha256::finish),
        }
    }
}

/// [`Sums`], done.
#[derive(Clone, Copy)]
pub(crate) struct Summed {
    pub(crate) sha1: [u8; 20],
    sha256: Option<[u8; 32]>,
}

impl Summed {
    pub(crate) fn has(&self, hash: &FileHash) -> bool {
        match hash {
            FileHash::Sha1(due) => *due == self.sha1,
            FileHash::Sha256(due) => Some(*due) == self.sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_hash_is_read_in_every_spelling_of_its_type() {
        for kind in ["SHA1", "sha1", "SHA-1", "Sha_1"] {
            let hash = FileHash::parse(Some(kind), &SHA1.to_uppercase()).unwrap();
            assert!(matches!(hash, FileHash::Sha1([0xa9, ..])), "{kind}");
        }
        for kind in [Some("SHA256"), Some("sha-256"), None] {
            let hash = FileHash::parse(kind, SHA256).unwrap();
            assert!(matches!(hash, FileHash::Sha256([0xba, ..])), "{kind:?}");
        }
        assert!(matches!(FileHash::parse(None, SHA1), Ok(FileHash::Sha1(_))));
    }

    #[test]
    fn a_hash_that_cannot_be_checked_is_named() {
        for (kind, value, text) in [
            (Some("SM3"), SHA256, "of the type `SM3`"),
            (Some("MD5"), "x", "of the type `MD5`"),
            (Some("SHA12"), SHA1, "of the type `SHA12`"),
            (Some(""), SHA1, "of the type ``"),
            (Some("SHA1"), SHA256, "is not a SHA1"),
            (Some("SHA256"), SHA1, "is not a SHA256"),
            (None, "a9", "is not a SHA1"),
            (None, &SHA256.replace('b', "x"), "is not a SHA256"),
        ] {
            let err = FileHash::parse(kind, value).unwrap_err().to_string();
            assert!(err.contains(text), "{err}");
        }
    }

    #[test]
    fn each_hash_is_checked_for_itself() {
        let wishes = Wishes {
            sha1: digest::from_hex(SHA1),
            named: Some(NamedFile {
                serial: "S".into(),
                hash: FileHash::Sha256([0; 32]),
            }),
            ..Wishes::default()
        };
        let mut sums = wishes.sums();
        sums.update(b"abc");
        let summed = sums.finish();
        let met: Vec<_> = wishes.hashes().map(|hash| summed.has(&hash)).collect();
        assert_eq!(met, [true, false]);
    }
}
