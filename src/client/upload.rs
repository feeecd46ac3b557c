//! A multipart body that is read while it is sent.

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
    error::{BoxError, Cause, Kind, cause::Result},
    protocol::{
        media::{Content, Media},
        multipart::Frame,
    },
    wire::{Body, Reporter},
};

/// How much is read and handed over at a time.
const CHUNK: usize = 64 * 1024;

/// A file to be sent, with what stands around it.
pub(crate) struct Upload {
    pub(crate) media: Media,
    pub(crate) frame: Frame,
}

impl Upload {
    /// The body, to be sent once.
    pub(super) async fn into_body(self, reporter: Option<Reporter>) -> Result<Body> {
        let Self { media, frame } = self;
        let source = match media.content() {
            Content::Bytes(bytes) => Source::Bytes(bytes.clone()),
            Content::File(path) => {
                let failed = |what: &str| {
                    Cause::new(Kind::File, format!("media file {}: {what}", path.display()))
                };
                let unread = |err: io::Error| failed("it cannot be read").with_source(err);
                let file = File::open(path).await.map_err(unread)?;
                let len = file.metadata().await.map_err(unread)?.len();
                if len != media.len() {
                    return Err(failed(
                        "it is of another length than when its digest was taken",
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
            expected: media.digest(),
            hash: Some(Sha256::new()),
            given: 0,
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
    given: u64,
    len: u64,
    reporter: Option<Reporter>,
}

impl Multipart {
    /// The next bytes of the file; none at its end.
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

    /// The end, if what was given is what the digest was taken of.
    fn finish(&mut self) -> Option<Result<BodyFrame<Bytes>, BoxError>> {
        let tail = self.tail.take()?;
        let hash = self.hash.take().map(Sha256::finish);
        if self.given != self.len || hash != Some(self.expected) {
            let changed = "the file has changed since its digest was taken";
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
        self.given += chunk.len() as u64;
        if let Some(reporter) = &self.reporter {
            reporter.report(self.given, Some(self.len));
        }
        Poll::Ready(Some(Ok(BodyFrame::data(chunk))))
    }
}
