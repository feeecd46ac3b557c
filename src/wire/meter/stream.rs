//! A byte stream whose writes are counted, and whose responses' heads are capped.

use std::{
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{MAX_INTERIM, Meter, head::Head};

/// Any byte stream.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// The side of TLS on which a stream is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// Above TLS.
    Plaintext,
    /// At the socket.
    Socket,
}

/// A stream whose writes are counted. Above TLS, it also follows the heads of responses.
pub(crate) struct Metered<T> {
    stream: T,
    meter: Arc<Meter>,
    side: Side,
    head: Head,
}

impl<T: Io> Metered<T> {
    pub(crate) fn new(stream: T, meter: Arc<Meter>, side: Side) -> Self {
        Self {
            stream,
            meter,
            side,
            head: Head::default(),
        }
    }

    /// Reads at most `room` bytes: what the head of the response may still have.
    fn read_head(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // `buf` may be larger than `room`, and `ReadBuf` has no safe way to lend a part of it.
        let mut bytes = [0; 4096];
        let len = room.min(buf.remaining()).min(bytes.len());
        let mut some = ReadBuf::new(&mut bytes[..len]);
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut some);
        self.head.take(some.filled());
        buf.put_slice(some.filled());
        polled
    }

    /// Writes, unless the connection is sealed, and counts.
    fn write(
        &mut self,
        len: usize,
        write: impl FnOnce(Pin<&mut T>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match self.side {
            Side::Plaintext => {
                // All of it is counted beforehand, although TLS may take less or fail: too high a
                // count can only turn "not written" into "may be written", which is the safe
                // mistake. The lock is released before writing, because the write goes down to the
                // socket's side, which takes it again.
                let mut counts = self.meter.lock();
                if counts.sealed {
                    return Poll::Ready(Err(abandoned()));
                }
                counts.plaintext += len as u64;
                drop(counts);
                write(Pin::new(&mut self.stream))
            }
            Side::Socket => {
                // The lock is held during the write (which never blocks: it would rather return
                // `Pending`), so that sealing comes either before the write, which then fails, or
                // after it has been counted. This is what makes the result of sealing final.
                let mut counts = self.meter.lock();
                if counts.sealed {
                    return Poll::Ready(Err(abandoned()));
                }
                let result = write(Pin::new(&mut self.stream));
                // A failed write on a socket has taken nothing.
                if let Poll::Ready(Ok(written)) = &result {
                    counts.socket += *written as u64;
                }
                result
            }
        }
    }
}

fn abandoned() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the request was abandoned")
}

impl<T: Io> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Checked here because hyper's callback for an interim response cannot fail, and a failing
        // read is the only way to stop its loop.
        if self.meter.interim.load(Ordering::Relaxed) > MAX_INTERIM {
            return Poll::Ready(Err(io::Error::other(format!(
                "more than {MAX_INTERIM} interim responses (1xx) to one request"
            ))));
        }
        // Heads are plaintext. The first read of a new exchange finds its number changed.
        if let Side::Plaintext = self.side {
            let exchange = self.meter.exchanges.load(Ordering::Relaxed);
            if self.head.exchange != exchange {
                self.head = Head::of(exchange);
            }
            if let Some(room) = self.head.room().map_err(io::Error::other)? {
                return self.read_head(cx, room, buf);
            }
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<T: Io> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(buf.len(), |stream| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len = bufs.iter().map(|buf| buf.len()).sum();
        self.write(len, |stream| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // Flushing and shutting down are not guarded themselves: what TLS still holds goes out through
    // `poll_write` of the socket's side, and fails there once the connection is sealed.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::{super::Progress, *};

    /// Buffers what it is given, as TLS may, and passes on the first `passes` bytes.
    struct Buffering<T> {
        socket: T,
        held: Vec<u8>,
        passes: usize,
        fails: bool,
    }

    impl<T: Io> AsyncRead for Buffering<T> {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl<T: Io> AsyncWrite for Buffering<T> {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            let this = &mut *self;
            this.held.extend_from_slice(buf);
            let passed = this.passes.min(this.held.len());
            if passed > 0 {
                let _ = Pin::new(&mut this.socket).poll_write(cx, &this.held[..passed]);
            }
            match this.fails {
                true => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                false => Poll::Ready(Ok(buf.len())),
            }
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let this = &mut *self;
            Pin::new(&mut this.socket)
                .poll_write(cx, &this.held)
                .map_ok(drop)
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_flush(cx)
        }
    }

    fn stream(passes: usize, fails: bool) -> (Metered<Buffering<Metered<Vec8>>>, Arc<Meter>) {
        let meter = Arc::new(Meter::default());
        let socket = Metered::new(Vec8::default(), Arc::clone(&meter), Side::Socket);
        let buffering = Buffering {
            socket,
            held: Vec::new(),
            passes,
            fails,
        };
        let plaintext = Metered::new(buffering, Arc::clone(&meter), Side::Plaintext);
        (plaintext, meter)
    }

    /// A socket that takes everything.
    type Vec8 = std::io::Cursor<Vec<u8>>;

    #[tokio::test]
    async fn bytes_in_the_tls_buffer_never_leave_after_sealing() {
        let (mut stream, meter) = stream(0, false);
        let baseline = meter.baseline();
        stream.write_all(b"POST").await.unwrap();
        assert!(!baseline.seal());
        stream.flush().await.unwrap_err();
        stream.shutdown().await.unwrap_err();
        stream.write_all(b"more").await.unwrap_err();
        assert!(stream.stream.socket.stream.get_ref().is_empty());
        assert!(!baseline.seal());
    }

    #[tokio::test]
    async fn failed_write_counts_if_a_part_has_left() {
        let (mut stream, meter) = stream(1, true);
        let baseline = meter.baseline();
        stream.write_all(b"POST").await.unwrap_err();
        assert!(baseline.seal());
    }

    #[tokio::test]
    async fn failed_write_does_not_count_if_nothing_has_left() {
        let (mut stream, meter) = stream(0, true);
        let baseline = meter.baseline();
        stream.write_all(b"POST").await.unwrap_err();
        assert!(!baseline.seal());
    }

    #[tokio::test]
    async fn earlier_requests_bytes_and_tls_bytes_do_not_count() {
        let (mut stream, meter) = stream(4, false);
        stream.write_all(b"POST").await.unwrap();
        let baseline = meter.baseline();
        // Flushes bytes that were handed over before the baseline.
        stream.flush().await.unwrap();
        assert!(!baseline.seal());
    }

    #[tokio::test]
    async fn finished_attempt_no_longer_seals_its_connection() {
        let (mut stream, meter) = stream(4, false);
        let progress = Progress::default();
        assert!(!progress.written());
        progress.begin();
        progress.sending(meter.baseline());
        stream.write_all(b"POST").await.unwrap();
        progress.responded();
        assert!(progress.written());
        stream.write_all(b"the next request").await.unwrap();
    }
}
