use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

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
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    plaintext: u64,
    socket: u64,
    sealed: bool,
}

impl Meter {
    /// Where the counters stand while the connection is idle, before a request is handed over.
    pub(crate) fn baseline(self: &Arc<Self>) -> Baseline {
        Baseline {
            from: *self.lock(),
            meter: Arc::clone(self),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's beginning on its connection.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    meter: Arc<Meter>,
    from: Counts,
}

impl Baseline {
    /// Ends the connection's writing and says whether a byte of the request has left. Since
    /// nothing can follow, a no is final.
    pub(crate) fn seal(&self) -> bool {
        let mut counts = self.meter.lock();
        counts.sealed = true;
        counts.plaintext > self.from.plaintext && counts.socket > self.from.socket
    }
}

/// How far a request came, for a caller that gave it up, such as at a deadline.
///
/// Clone it, give one to the attempt, keep one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    baseline: Arc<Mutex<Option<Baseline>>>,
}

impl Progress {
    /// Whether a byte of the request has left. Ends the writing, so ask only once it is given up.
    pub(crate) fn written(&self) -> bool {
        let baseline = self
            .baseline
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        baseline.is_some_and(|baseline| baseline.seal())
    }

    pub(super) fn begin(&self, baseline: Baseline) {
        *self.baseline.lock().unwrap_or_else(PoisonError::into_inner) = Some(baseline);
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

/// A stream whose writes are counted.
pub(crate) struct Metered<T> {
    stream: T,
    meter: Arc<Meter>,
    side: Side,
}

impl<T: Io> Metered<T> {
    pub(crate) fn new(stream: T, meter: Arc<Meter>, side: Side) -> Self {
        Self {
            stream,
            meter,
            side,
        }
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
