//! Writes a response body: decodes it, hashes it, stores it.
//!
//! Two layers of gzip may lie around a file. The outer one is the Content-Encoding of the HTTP
//! response; the inner one is the file itself, as with bills that are requested with `tar_type`. The
//! expected hash may belong to any of the forms, because WeChat Pay computes it over the decompressed
//! file, and servers disagree on what a Content-Encoding means for a file that is gzip already. So all
//! forms are hashed, and one of them must match.

use std::{
    error::Error as StdError,
    fmt,
    io::{self, Write},
    path::PathBuf,
};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

use super::file::PartialFile;
use crate::{
    base::crypto::digest,
    error::{Cause, ErrorKind, cause::Result},
    protocol::response::{
        coding::{Coding, CodingError, GZIP},
        file::{FileDigests, FileHash, FileHasher, FileOptions},
    },
};

/// Writes a body that arrives in parts. Nothing is in its place before
/// [`finish`](BodyWriter::finish).
pub(super) struct BodyWriter {
    encoding: Encoding,
    /// The digests of the bytes as they arrived, if they have a Content-Encoding.
    arrived: Option<FileHasher>,
}

/// The outer layer: the Content-Encoding.
enum Encoding {
    /// Labelled gzip, but too few bytes have arrived to tell whether it is.
    Undecided(Vec<u8>, File),
    Plain(File),
    Gzip(Box<MultiGzDecoder<File>>),
    /// Labelled gzip, but it is not: something on the way decoded it, or it is damaged.
    Mislabelled(File),
    /// An error ended the body.
    Failed,
}

/// The inner layer: the file itself, without a Content-Encoding.
struct File {
    options: FileOptions,
    format: Format,
    /// The digests of the file as it is, compressed or not.
    stored: FileHasher,
    /// Where the file goes as it is. The decompressor holds it instead if the file is stored
    /// decompressed.
    storage: Option<Storage>,
}

enum Format {
    /// Too few bytes have arrived to tell what it is.
    Undecided(Vec<u8>),
    Plain,
    Gzip(Box<MultiGzDecoder<Decompressed>>),
}

/// Where a body goes.
pub(super) enum Storage {
    File { partial: PartialFile, len: u64 },
    Memory { bytes: Vec<u8>, cap: usize },
}

/// What was written.
pub(super) enum Written {
    File(SinkFile),
    Memory(Bytes),
}

/// The file that the option `sink` created: from [`Response::file`](crate::Response::file).
///
/// ```no_run
/// use wechatpay_chain::json;
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// # let client = wechatpay_chain::Client::builder().build()?;
/// let bill = client.chain("v3/bill/tradebill").download(json!({
///     "query": { "bill_date": "2019-06-11" },
///     "sink": "tradebill-2019-06-11.csv",
/// }))?;
/// if let Some(file) = bill.file() {
///     println!("{}: {} bytes, SHA-1 {}", file.path().display(), file.len(), file.sha1());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkFile {
    path: PathBuf,
    len: u64,
    sha1: String,
}

impl SinkFile {
    /// Returns the absolute path of the file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Returns the length of the file in bytes.
    #[expect(
        clippy::len_without_is_empty,
        reason = "the length of a file, not of a collection"
    )]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns the SHA-1 of the file's content, in lower-case hexadecimal.
    pub fn sha1(&self) -> &str {
        &self.sha1
    }
}

impl BodyWriter {
    pub(super) fn new(storage: Storage, options: FileOptions, coding: Coding) -> Self {
        let arrived = (coding == Coding::Gzip).then(|| options.hasher());
        let file = File {
            stored: options.hasher(),
            options,
            format: Format::Undecided(Vec::new()),
            storage: Some(storage),
        };
        let encoding = match coding {
            Coding::Plain => Encoding::Plain(file),
            Coding::Gzip => Encoding::Undecided(Vec::new(), file),
        };
        Self { encoding, arrived }
    }

    /// # Errors
    /// Returns an error if the file cannot be written, the gzip is damaged, or the body exceeds the
    /// memory limit.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(arrived) = &mut self.arrived {
            arrived.update(bytes);
        }
        match &mut self.encoding {
            Encoding::Undecided(start, _) => {
                start.extend_from_slice(bytes);
                if start.len() < GZIP.len() {
                    return Ok(());
                }
            }
            Encoding::Plain(file) | Encoding::Mislabelled(file) => return file.take(bytes),
            Encoding::Gzip(decoder) => return decoder.write_all(bytes).map_err(explain),
            Encoding::Failed => return Err(unreachable_state()),
        }
        let undecided = std::mem::replace(&mut self.encoding, Encoding::Failed);
        let Encoding::Undecided(start, file) = undecided else {
            return Err(unreachable_state());
        };
        self.encoding = if start.starts_with(&GZIP) {
            let mut decoder = Box::new(MultiGzDecoder::new(file));
            decoder.write_all(&start).map_err(explain)?;
            Encoding::Gzip(decoder)
        } else {
            let mut file = file;
            file.take(&start)?;
            Encoding::Mislabelled(file)
        };
        Ok(())
    }

    /// Checks the hash and puts the file in its place.
    ///
    /// # Errors
    /// Like [`write`](BodyWriter::write), and if the hash differs. Then nothing is kept.
    pub(super) fn finish(self) -> Result<Written> {
        let (file, mislabelled) = match self.encoding {
            Encoding::Plain(file) => (file, false),
            Encoding::Gzip(decoder) => (decoder.finish().map_err(explain)?, false),
            Encoding::Mislabelled(file) => (file, true),
            Encoding::Undecided(start, mut file) => {
                file.take(&start)?;
                (file, true)
            }
            Encoding::Failed => return Err(unreachable_state()),
        };
        // A matching hash proves that the file is whole, whatever its header says. Without one, a
        // mislabelled body may as well be a damaged one.
        if mislabelled && file.options.hashes().next().is_none() {
            return Err(CodingError::Damaged.cause());
        }
        file.finish(self.arrived.map(FileHasher::finish))
    }
}

impl File {
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.stored.update(bytes);
        let Format::Undecided(start) = &mut self.format else {
            return self.pass_on(bytes);
        };
        start.extend_from_slice(bytes);
        if start.len() < GZIP.len() {
            return Ok(());
        }
        // Enough to decide: two bytes are gzip's magic number, and no text of a bill starts so.
        let start = std::mem::take(start);
        self.decide(&start);
        self.pass_on(&start)
    }

    fn finish(mut self, arrived: Option<FileDigests>) -> Result<Written> {
        if let Format::Undecided(start) = &mut self.format {
            let start = std::mem::take(start);
            // A single byte, the first of the two that gzip starts with. Without a hash, nothing else
            // would reveal that the rest is missing.
            let is_cut = self.options.gunzip && start.first() == GZIP.first();
            if is_cut && self.options.hashes().next().is_none() {
                return Err(explain(io::ErrorKind::UnexpectedEof.into()));
            }
            self.format = Format::Plain;
            self.pass_on(&start)?;
        }
        let stored = self.stored.finish();
        let (decompressed, storage) = match self.format {
            Format::Gzip(decoder) => {
                let decompressed = decoder.finish().map_err(explain)?;
                (
                    decompressed.hasher.finish(),
                    self.storage.or(decompressed.storage),
                )
            }
            Format::Undecided(_) | Format::Plain => (stored, self.storage),
        };
        let forms = [arrived, Some(stored), Some(decompressed)];
        let differs = |hash: &FileHash| !forms.iter().flatten().any(|form| form.has(hash));
        if let Some(hash) = self.options.hashes().find(differs) {
            return Err(Cause::new(
                ErrorKind::Verification,
                format!(
                    "the {} of the downloaded file differs from the expected one: the file is \
                     truncated or altered; nothing was kept",
                    hash.name()
                ),
            ));
        }
        // Reported to the caller: the hash of what is in the file, which may be neither of the expected
        // ones.
        let written = if self.options.gunzip {
            decompressed
        } else {
            stored
        };
        match storage {
            Some(Storage::File { partial, len }) => Ok(Written::File(SinkFile {
                path: partial.keep()?,
                len,
                sha1: digest::hex_lower(&written.sha1),
            })),
            Some(Storage::Memory { bytes, .. }) => Ok(Written::Memory(bytes.into())),
            None => Err(unreachable_state()),
        }
    }

    /// Decides the format by the first bytes.
    fn decide(&mut self, start: &[u8]) {
        self.format = if start.starts_with(&GZIP) && !self.options.is_default() {
            let storage = if self.options.gunzip {
                self.storage.take()
            } else {
                None
            };
            Format::Gzip(Box::new(MultiGzDecoder::new(Decompressed {
                hasher: self.options.hasher(),
                storage,
            })))
        } else {
            Format::Plain
        };
    }

    fn pass_on(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(storage) = &mut self.storage {
            storage.write_all(bytes).map_err(explain)?;
        }
        if let Format::Gzip(decoder) = &mut self.format {
            decoder.write_all(bytes).map_err(explain)?;
        }
        Ok(())
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes)
            .map_err(|cause| io::Error::other(StorageError(cause)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Receives what a gzip file decompresses to.
struct Decompressed {
    hasher: FileHasher,
    /// Set if the file is stored decompressed.
    storage: Option<Storage>,
}

impl Write for Decompressed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(storage) = &mut self.storage {
            storage.write_all(bytes)?;
        }
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Storage {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { partial, len } => {
                partial.write_all(bytes).map_err(|source| {
                    let err = partial.failed("cannot be written").with_source(source);
                    io::Error::other(StorageError(err))
                })?;
                *len += bytes.len() as u64;
            }
            Self::Memory { bytes: kept, cap } => {
                // Checked before the bytes are kept, so that a small gzip cannot fill the memory.
                if bytes.len() > cap.saturating_sub(kept.len()) {
                    let err = Cause::new(
                        ErrorKind::TooLarge,
                        format!(
                            "the download exceeds {cap} bytes: use the option `sink`, or raise \
                             `max_response`"
                        ),
                    );
                    return Err(io::Error::other(StorageError(err)));
                }
                kept.extend_from_slice(bytes);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Carries a cause through a decoder, which passes on I/O errors only.
#[derive(Debug)]
struct StorageError(Cause);

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for StorageError {}

/// The error of a state that cannot be reached: an error ends the download before. It is an error
/// and no panic, because this runs inside a payment.
fn unreachable_state() -> Cause {
    Cause::new(ErrorKind::File, "the download has no storage")
}

fn explain(err: io::Error) -> Cause {
    match err.downcast::<StorageError>() {
        Ok(StorageError(cause)) => cause,
        Err(err) => {
            Cause::new(ErrorKind::Decode, "truncated or corrupt gzip stream").with_source(err)
        }
    }
}
