//! The body of a file upload, read while it is sent.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::Frame as BodyFrame;
use tokio::{fs::File, io::AsyncRead, io::ReadBuf};

use crate::{
    base::crypto::digest::Sha256,
    error::{BoxError, Cause, ErrorKind, cause::Result},
    protocol::{
        options::media::{Content, Media},
        request::multipart::Frame,
    },
    wire::{Body, Reporter},
};

/// How many bytes are read at a time.
const CHUNK: usize = 64 * 1024;

/// A file to upload, and the multipart frame around it.
pub(crate) struct Upload {
    pub(crate) media: Media,
    pub(crate) frame: Frame,
}

impl Upload {
    /// Opens the file and returns the body of one attempt.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened or its length has changed.
    pub(super) async fn into_body(self, reporter: Option<Reporter>) -> Result<Body> {
        let Self { media, frame } = self;
        let source = match media.content() {
            Content::Bytes(bytes) => Source::Bytes(bytes.clone()),
            Content::File(path) => {
                let failed = |what: &str| {
                    Cause::new(
                        ErrorKind::File,
                        format!("the media file {} {what}", path.display()),
                    )
                };
                let unread = |err: io::Error| failed("cannot be read").with_source(err);
                let file = File::open(path).await.map_err(unread)?;
                let len = file.metadata().await.map_err(unread)?.len();
                // The digest is already signed. A file that has grown since would be cut off in the middle.
                if len != media.len() {
                    return Err(failed(
                        "has changed in length since its digest was computed",
                    ));
                }
                Source::File(file)
            }
        };
        let len = frame.head.len() as u64 + media.len() + frame.tail.len() as u64;
        let stream = Multipart {
            head: Some(frame.head),
            source,
            tail: Some(frame.tail),
            // The file is hashed again while it is sent: it may change in the meantime.
            expected: media.digest(),
            hash: Some(Sha256::new()),
            read: 0,
            len: media.len(),
            reporter,
        };
        Ok(Body::stream(stream, len))
    }
}

enum Source {
    Bytes(Bytes),
    File(File),
}

struct Multipart {
    head: Option<Bytes>,
    source: Source,
    tail: Option<Bytes>,
    expected: [u8; 32],
    hash: Option<Sha256>,
    /// Bytes of the file read so far.
    read: u64,
    len: u64,
    reporter: Option<Reporter>,
}

impl Multipart {
    /// Reads the next bytes of the file. Empty at its end.
    fn poll_file(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        match &mut self.source {
            Source::Bytes(bytes) => Poll::Ready(Ok(bytes.split_to(bytes.len().min(CHUNK)))),
            Source::File(file) => {
                let mut chunk = BytesMut::zeroed(CHUNK);
                let mut buffer = ReadBuf::new(&mut chunk);
                ready!(pin!(file).poll_read(cx, &mut buffer))?;
                let filled = buffer.filled().len();
                chunk.truncate(filled);
                Poll::Ready(Ok(chunk.freeze()))
            }
        }
    }

    /// Ends the body, if the file is still the one whose digest was signed. Otherwise the request is
    /// cut off: the server would refuse a complete one, but only after it has received it.
    fn finish(&mut self) -> Option<Result<BodyFrame<Bytes>, BoxError>> {
        let tail = self.tail.take()?;
        let hash = self.hash.take().map(Sha256::finish);
        if self.read != self.len || hash != Some(self.expected) {
            let changed = "the file has changed since its digest was computed";
            return Some(Err(changed.into()));
        }
        Some(Ok(BodyFrame::data(tail)))
    }
}

impl http_body::Body for Multipart {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, BoxError>>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(BodyFrame::data(head))));
        }
        if self.tail.is_none() {
            return Poll::Ready(None);
        }
        // Waits for a slow callback, so that what it reports is what has really been sent.
        if let Some(reporter) = &self.reporter {
            ready!(reporter.poll_room(cx));
        }
        let chunk = match ready!(self.poll_file(cx)) {
            Ok(chunk) => chunk,
            Err(err) => return Poll::Ready(Some(Err(err.into()))),
        };
        if chunk.is_empty() {
            return Poll::Ready(self.finish());
        }
        if let Some(hash) = &mut self.hash {
            hash.update(&chunk);
        }
        self.read += chunk.len() as u64;
        if let Some(reporter) = &self.reporter {
            reporter.report(self.read, Some(self.len));
        }
        Poll::Ready(Some(Ok(BodyFrame::data(chunk))))
    }
}
