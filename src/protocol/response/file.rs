//! What a downloaded file must match: its hash, and the response that named it.

use crate::{
    base::crypto::digest::{self, Sha1, Sha256},
    error::{Cause, ErrorKind, cause::Result, value::shown},
};

/// The expected hash of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileHash {
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

impl FileHash {
    /// Parses `hash_type` and `hash_value` of a response. Without a type, the length of the value
    /// decides.
    ///
    /// # Errors
    /// Returns an error if the type is unsupported, or if the value is not a hash of that type.
    /// Downloading without the check is not an option: the hash is all that ties the file to the
    /// verified response.
    pub(crate) fn parse(kind: Option<&str>, value: &str) -> Result<Self> {
        let name = kind.unwrap_or(if value.len() == 64 { "SHA256" } else { "SHA1" });
        // `SHA1`, `SHA-1` and `sha_1` are all found in the documents.
        let is = |known: &str| {
            let mut letters = name.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
            let same = known.bytes().all(|expected| {
                letters
                    .next()
                    .is_some_and(|given| given.to_ascii_uppercase() == expected)
            });
            same && letters.next().is_none()
        };
        let hash = if is("SHA1") {
            digest::from_hex(value).map(Self::Sha1)
        } else if is("SHA256") {
            digest::from_hex(value).map(Self::Sha256)
        } else {
            return Err(Cause::new(
                ErrorKind::Decode,
                format!(
                    "unsupported `hash_type` `{}` of the file: expected SHA1 or SHA256; nothing was \
                     downloaded",
                    shown(name)
                ),
            ));
        };
        hash.ok_or_else(|| {
            Cause::new(
                ErrorKind::Decode,
                format!(
                    "invalid `hash_value` of the file ({} bytes): expected a {} in hexadecimal",
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

/// A file that was named by a verified response.
///
/// The hash is not optional: it is what extends the trust in the response to the file, whichever
/// host the file comes from.
#[derive(Clone, Debug)]
pub(crate) struct NamedFile {
    /// The platform key that verified the response.
    pub(crate) serial: String,
    pub(crate) hash: FileHash,
}

/// How the body of a successful response is stored and checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileOptions {
    /// Whether to decompress a gzip file.
    pub(crate) gunzip: bool,
    /// The hashes that the caller expects, of the file as received or decompressed.
    pub(crate) sha1: Option<[u8; 20]>,
    pub(crate) sha256: Option<[u8; 32]>,
    /// The response that named the file; its hash must match, too.
    pub(crate) named: Option<NamedFile>,
}

impl FileOptions {
    /// Returns whether the body needs no processing.
    pub(crate) fn is_default(&self) -> bool {
        !self.gunzip && self.hashes().next().is_none()
    }

    /// Returns the hashes that the file must have, each of which is checked on its own.
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

    /// Returns a hasher for what these options need. SHA-1 is always included: every
    /// [`SinkFile`](crate::SinkFile) reports it.
    pub(crate) fn hasher(&self) -> FileHasher {
        // SHA-256 of a bill of several gigabytes takes seconds, so it is computed only on demand.
        let sha256 = self
            .hashes()
            .any(|hash| matches!(hash, FileHash::Sha256(_)));
        FileHasher {
            sha1: Sha1::new(),
            sha256: sha256.then(Sha256::new),
        }
    }
}

/// Hashes one form of a file: either as received or decompressed.
pub(crate) struct FileHasher {
    sha1: Sha1,
    sha256: Option<Sha256>,
}

impl FileHasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha1.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> FileDigests {
        FileDigests {
            sha1: self.sha1.finish(),
            sha256: self.sha256.map(Sha256::finish),
        }
    }
}

/// The result of a [`FileHasher`].
#[derive(Clone, Copy)]
pub(crate) struct FileDigests {
    pub(crate) sha1: [u8; 20],
    sha256: Option<[u8; 32]>,
}

impl FileDigests {
    pub(crate) fn has(&self, hash: &FileHash) -> bool {
        match hash {
            FileHash::Sha1(expected) => *expected == self.sha1,
            FileHash::Sha256(expected) => Some(*expected) == self.sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn every_spelling_of_a_hash_type_is_parsed() {
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
    fn unsupported_hash_types_and_values_are_errors() {
        for (kind, value, text) in [
            (Some("SM3"), SHA256, "unsupported `hash_type` `SM3`"),
            (Some("MD5"), "x", "unsupported `hash_type` `MD5`"),
            (Some("SHA12"), SHA1, "unsupported `hash_type` `SHA12`"),
            (Some(""), SHA1, "unsupported `hash_type` ``"),
            (Some("SHA1"), SHA256, "expected a SHA1"),
            (Some("SHA256"), SHA1, "expected a SHA256"),
            (None, "a9", "expected a SHA1"),
            (None, &SHA256.replace('b', "x"), "expected a SHA256"),
        ] {
            let err = FileHash::parse(kind, value).unwrap_err().to_string();
            assert!(err.contains(text), "{err}");
        }
    }

    #[test]
    fn every_hash_is_checked_on_its_own() {
        let file_options = FileOptions {
            sha1: digest::from_hex(SHA1),
            named: Some(NamedFile {
                serial: "S".into(),
                hash: FileHash::Sha256([0; 32]),
            }),
            ..FileOptions::default()
        };
        let mut hasher = file_options.hasher();
        hasher.update(b"abc");
        let digests = hasher.finish();
        let matching: Vec<_> = file_options
            .hashes()
            .map(|hash| digests.has(&hash))
            .collect();
        assert_eq!(matching, [true, false]);
    }
}
