use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::head::Head;

/// A byte stream of any make.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Counts what a connection writes, on both sides of its TLS, and can end its writing for good.
///
/// Both sides are needed for an exact answer. TLS takes plaintext that may still wait in its
/// buffer, and it writes bytes that belong to no request; a write that ends in an error may have
/// sent a part. So a byte of a request has left if, and only if, plaintext was handed over and
/// the socket took something since.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    counts: Mutex<Counts>,
    /// How many requests were handed over.
    exchanges: AtomicU32,
    /// How many 1xx answers came to the request under way.
    interim: AtomicU32,
}

/// How many 1xx answers may stand before an answer. Their flood keeps a thread at nothing but
/// parsing, past any timeout.
const MOST_INTERIM: u32 = 16;

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    plaintext: u64,
    socket: u64,
    sealed: bool,
}

impl Meter {
    /// Where the counters stand while the connection is idle, before a request is handed over.
    pub(crate) fn baseline(self: &Arc<Self>) -> Baseline {
        self.interim.store(0, Ordering::Relaxed);
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        Baseline {
            from: *self.lock(),
            meter: Arc::clone(self),
        }
    }

    /// Counts a 1xx answer. After too many, the connection reads no more.
    pub(super) fn interim(&self) {
        self.interim.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's beginning on its connection.
#[derive(Debug)]
pub(crate) struct Baseline {
    meter: Arc<Meter>,
    from: Counts,
}

impl Baseline {
    /// Ends the connection's writing and says whether a byte of the request has left. Since
    /// nothing can follow, a no is final.
    fn seal(&self) -> bool {
        let mut counts = self.meter.lock();
        counts.sealed = true;
        counts.plaintext > self.from.plaintext && counts.socket > self.from.socket
    }
}

/// How far a request came, for a caller that gave it up, such as at a deadline.
///
/// Clone it, give one to the attempt, keep one. Each attempt begins it anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<Mutex<Stand>>);

#[derive(Debug, Default)]
enum Stand {
    #[default]
    Connecting,
    Sending(Baseline),
    /// The attempt is over. Its connection may serve another request by now, which must not be
    /// sealed.
    Settled(bool),
}

impl Progress {
    /// Whether a byte of the request has left. Ends the writing, so ask only once it is given up.
    pub(crate) fn written(&self) -> bool {
        let mut stand = self.lock();
        let written = match &*stand {
            Stand::Connecting => false,
            Stand::Sending(baseline) => baseline.seal(),
            Stand::Settled(written) => *written,
        };
        *stand = Stand::Settled(written);
        written
    }

    pub(super) fn begin(&self) {
        *self.lock() = Stand::Connecting;
    }

    pub(super) fn sending(&self, baseline: Baseline) {
        *self.lock() = Stand::Sending(baseline);
    }

    pub(super) fn answered(&self) {
        *self.lock() = Stand::Settled(true);
    }

    fn lock(&self) -> MutexGuard<'_, Stand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The side of a connection that is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// Above TLS.
    Plaintext,
    /// At the socket.
    Socket,
}

/// A stream whose writes are counted, and above TLS the heads that it reads.
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

    /// Reads no more than the head of the response may still have, as long as it has not ended.
    fn read_head(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; 4096];
        let len = room.min(buf.remaining()).min(bytes.len());
        let mut some = ReadBuf::new(&mut bytes[..len]);
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut some);
        self.head.take(some.filled());
        buf.put_slice(some.filled());
        polled
    }

    /// Writes under the meter's lock, so that sealing and writing have an order.
    fn write(
        &mut self,
        len: usize,
        write: impl FnOnce(Pin<&mut T>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match self.side {
            Side::Plaintext => {
                // The inner stream locks the same meter at its socket: count, unlock, then write.
                let mut counts = self.meter.lock();
                if counts.sealed {
                    return Poll::Ready(Err(given_up()));
                }
                counts.plaintext += len as u64;
                drop(counts);
                write(Pin::new(&mut self.stream))
            }
            Side::Socket => {
                let mut counts = self.meter.lock();
                if counts.sealed {
                    return Poll::Ready(Err(given_up()));
                }
                let result = write(Pin::new(&mut self.stream));
                if let Poll::Ready(Ok(written)) = &result {
                    counts.socket += *written as u64;
                }
                result
            }
        }
    }
}

fn given_up() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the request was given up")
}

impl<T: Io> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.meter.interim.load(Ordering::Relaxed) > MOST_INTERIM {
            return Poll::Ready(Err(io::Error::other(format!(
                "more than {MOST_INTERIM} interim answers (1xx) and none that ends"
            ))));
        }
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

    use super::*;

    /// Keeps what it is given, as TLS may, and passes on what it is told to.
    struct Holding<T> {
        socket: T,
        held: Vec<u8>,
        passes: usize,
        fails: bool,
    }

    impl<T: Io> AsyncRead for Holding<T> {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl<T: Io> AsyncWrite for Holding<T> {
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

    fn stream(passes: usize, fails: bool) -> (Metered<Holding<Metered<Vec8>>>, Arc<Meter>) {
        let meter = Arc::new(Meter::default());
        let socket = Metered::new(Vec8::default(), Arc::clone(&meter), Side::Socket);
        let holding = Holding {
            socket,
            held: Vec::new(),
            passes,
            fails,
        };
        let plaintext = Metered::new(holding, Arc::clone(&meter), Side::Plaintext);
        (plaintext, meter)
    }

    /// A socket that takes everything.
    type Vec8 = std::io::Cursor<Vec<u8>>;

    #[tokio::test]
    async fn what_waits_in_the_tls_buffer_has_not_left_and_never_will() {
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
    async fn a_write_that_fails_after_a_part_has_left() {
        let (mut stream, meter) = stream(1, true);
        let baseline = meter.baseline();
        stream.write_all(b"POST").await.unwrap_err();
        assert!(baseline.seal());
    }

    #[tokio::test]
    async fn a_write_that_fails_before_any_part_has_not_left() {
        let (mut stream, meter) = stream(0, true);
        let baseline = meter.baseline();
        stream.write_all(b"POST").await.unwrap_err();
        assert!(!baseline.seal());
    }

    #[tokio::test]
    async fn what_an_earlier_request_wrote_and_a_farewell_are_not_counted() {
        let (mut stream, meter) = stream(4, false);
        stream.write_all(b"POST").await.unwrap();
        let baseline = meter.baseline();
        // Bytes of the TLS layer itself.
        stream.flush().await.unwrap();
        assert!(!baseline.seal());
    }

    #[tokio::test]
    async fn an_attempt_that_is_over_is_not_sealed_any_more() {
        let (mut stream, meter) = stream(4, false);
        let progress = Progress::default();
        assert!(!progress.written());
        progress.begin();
        progress.sending(meter.baseline());
        stream.write_all(b"POST").await.unwrap();
        progress.answered();
        assert!(progress.written());
        stream.write_all(b"the next request").await.unwrap();
    }
}
