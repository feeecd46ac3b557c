//! What happens to a download on its way: hashed, unpacked, put where it belongs.

use std::{
    error::Error as StdError,
    fmt,
    io::{self, Write},
    path::PathBuf,
};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

use super::sink::Part;
use crate::{
    base::crypto::digest,
    error::{Cause, Kind, cause::Result},
    protocol::{
        coding::{Coding, GZIP, Undecoded},
        file::{FileHash, Summed, Sums, Wishes},
    },
};

/// Takes a download in parts. None of it is in its place before [`finish`](Intake::finish).
pub(super) struct Intake {
    front: Front,
    /// Of the bytes as they came, where those are not what it is.
    came: Option<Sums>,
}

/// The download, or what it comes in.
enum Front {
    /// Its Content-Encoding is gzip, and too few bytes are here to tell whether that is so.
    Begun(Vec<u8>, Content),
    Plain(Content),
    Gzip(Box<MultiGzDecoder<Content>>),
    /// Its Content-Encoding is gzip and it is none: decoded on the way, or cut or altered.
    Mislabelled(Content),
    Broken,
}

/// The download itself, once it is free of its Content-Encoding.
struct Content {
    wishes: Wishes,
    stage: Stage,
    packed: Sums,
    /// Where what comes goes as it is; the unpacker has it where it unpacks.
    out: Option<Out>,
}

enum Stage {
    /// Too few bytes to tell what it is.
    Begun(Vec<u8>),
    Plain,
    Gzip(Box<MultiGzDecoder<Unpacked>>),
}

/// Where a download goes.
pub(super) enum Out {
    File { part: Part, len: u64 },
    Memory { bytes: Vec<u8>, cap: usize },
}

/// Where it went.
pub(super) enum Kept {
    File(SinkFile),
    Memory(Bytes),
}

/// The file that the option `sink` made: from [`Response::file`](crate::Response::file).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkFile {
    path: PathBuf,
    len: u64,
    sha1: String,
}

impl SinkFile {
    /// The file, as an absolute path.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// How many bytes it has.
    #[expect(clippy::len_without_is_empty, reason = "a length on a disk")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The SHA-1 of what is in it, in lower-case hexadecimal.
    pub fn sha1(&self) -> &str {
        &self.sha1
    }
}

impl Intake {
    pub(super) fn new(out: Out, wishes: Wishes, coding: Coding) -> Self {
        let came = (coding == Coding::Gzip).then(|| wishes.sums());
        let content = Content {
            packed: wishes.sums(),
            wishes,
            stage: Stage::Begun(Vec::new()),
            out: Some(out),
        };
        let front = match coding {
            Coding::Plain => Front::Plain(content),
            Coding::Gzip => Front::Begun(Vec::new(), content),
        };
        Self { front, came }
    }

    /// # Errors
    /// Where the file cannot be written, the gzip is damaged, or memory's cap is reached.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(came) = &mut self.came {
            came.update(bytes);
        }
        match &mut self.front {
            Front::Begun(start, _) => {
                start.extend_from_slice(bytes);
                if start.len() < GZIP.len() {
                    return Ok(());
                }
            }
            Front::Plain(content) | Front::Mislabelled(content) => return content.take(bytes),
            Front::Gzip(decoder) => return decoder.write_all(bytes).map_err(explain),
            Front::Broken => return Err(nowhere()),
        }
        let Front::Begun(start, content) = std::mem::replace(&mut self.front, Front::Broken) else {
            return Err(nowhere());
        };
        self.front = if start.starts_with(&GZIP) {
            let mut decoder = Box::new(MultiGzDecoder::new(content));
            decoder.write_all(&start).map_err(explain)?;
            Front::Gzip(decoder)
        } else {
            let mut content = content;
            content.take(&start)?;
            Front::Mislabelled(content)
        };
        Ok(())
    }

    /// Sees it to be what was asked for, and puts it in its place.
    ///
    /// # Errors
    /// As [`take`](Intake::take), and where the hash is another. Nothing is kept then.
    pub(super) fn finish(self) -> Result<Kept> {
        let (content, mislabelled) = match self.front {
            Front::Plain(content) => (content, false),
            Front::Gzip(decoder) => (decoder.finish().map_err(explain)?, false),
            Front::Mislabelled(content) => (content, true),
            Front::Begun(start, mut content) => {
                content.take(&start)?;
                (content, true)
            }
            Front::Broken => return Err(nowhere()),
        };
        // What its hash vouches for is whole, whatever its header says.
        if mislabelled && content.wishes.hashes().next().is_none() {
            return Err(Undecoded::Damaged.cause());
        }
        content.finish(self.came.map(Sums::finish))
    }
}

impl Content {
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.packed.update(bytes);
        let Stage::Begun(start) = &mut self.stage else {
            return self.pass(bytes);
        };
        start.extend_from_slice(bytes);
        if start.len() < GZIP.len() {
            return Ok(());
        }
        let start = std::mem::take(start);
        self.begin(&start);
        self.pass(&start)
    }

    fn finish(mut self, came: Option<Summed>) -> Result<Kept> {
        if let Stage::Begun(start) = &mut self.stage {
            let start = std::mem::take(start);
            // Half of what gzip begins with: nothing else vouches for such a file.
            let is_cut = self.wishes.gunzip && start.first() == GZIP.first();
            if is_cut && self.wishes.hashes().next().is_none() {
                return Err(explain(io::ErrorKind::UnexpectedEof.into()));
            }
            self.stage = Stage::Plain;
            self.pass(&start)?;
        }
        let packed = self.packed.finish();
        let (unpacked, out) = match self.stage {
            Stage::Gzip(decoder) => {
                let unpacked = decoder.finish().map_err(explain)?;
                (unpacked.hash.finish(), self.out.or(unpacked.out))
            }
            Stage::Begun(_) | Stage::Plain => (packed, self.out),
        };
        let forms = [came, Some(packed), Some(unpacked)];
        let other = |hash: &FileHash| !forms.iter().flatten().any(|form| form.has(hash));
        if let Some(hash) = self.wishes.hashes().find(other) {
            return Err(Cause::new(
                Kind::Signature,
                format!(
                    "what was downloaded does not have the {} that it should: cut short or \
                     altered; nothing was kept",
                    hash.name()
                ),
            ));
        }
        let kept = if self.wishes.gunzip { unpacked } else { packed };
        match out {
            Some(Out::File { part, len }) => Ok(Kept::File(SinkFile {
                path: part.keep()?,
                len,
                sha1: digest::hex_lower(&kept.sha1),
            })),
            Some(Out::Memory { bytes, .. }) => Ok(Kept::Memory(bytes.into())),
            None => Err(nowhere()),
        }
    }

    /// Decides by the first bytes.
    fn begin(&mut self, start: &[u8]) {
        self.stage = if start.starts_with(&GZIP) && !self.wishes.are_none() {
            let out = if self.wishes.gunzip {
                self.out.take()
            } else {
                None
            };
            Stage::Gzip(Box::new(MultiGzDecoder::new(Unpacked {
                hash: self.wishes.sums(),
                out,
            })))
        } else {
            Stage::Plain
        };
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(out) = &mut self.out {
            out.write_all(bytes).map_err(explain)?;
        }
        if let Stage::Gzip(decoder) = &mut self.stage {
            decoder.write_all(bytes).map_err(explain)?;
        }
        Ok(())
    }
}

impl Write for Content {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes)
            .map_err(|cause| io::Error::other(OutFailure(cause)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What comes out of a gzip: hashed, and passed on where that is asked for.
struct Unpacked {
    hash: Sums,
    out: Option<Out>,
}

impl Write for Unpacked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(out) = &mut self.out {
            out.write_all(bytes)?;
        }
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { part, len } => {
                part.write_all(bytes).map_err(|source| {
                    let err = part.failed("it cannot be written").with_source(source);
                    io::Error::other(OutFailure(err))
                })?;
                *len += bytes.len() as u64;
            }
            Self::Memory { bytes: kept, cap } => {
                if bytes.len() > cap.saturating_sub(kept.len()) {
                    let err = Cause::new(
                        Kind::TooLarge,
                        format!(
                            "the download is longer than {cap} bytes: give it a `sink`, or raise \
                             max_response"
                        ),
                    );
                    return Err(io::Error::other(OutFailure(err)));
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

/// Our own error on its way through a decoder that passes on io's alone.
#[derive(Debug)]
struct OutFailure(Cause);

impl fmt::Display for OutFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for OutFailure {}

/// No way leads here: an error ends the download before.
fn nowhere() -> Cause {
    Cause::new(Kind::File, "the download has nowhere to go")
}

fn explain(err: io::Error) -> Cause {
    match err.downcast::<OutFailure>() {
        Ok(OutFailure(ours)) => ours,
        Err(err) => Cause::new(
            Kind::Decode,
            "the download begins as gzip and is none to its end: cut short or altered",
        )
        .with_source(err),
    }
}
