//! A TCP connection that can be asked, from outside its driver, whether it is still quiet.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    net::Shutdown,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A TCP connection that a [`Probe`] can look at while something else reads and writes it.
pub(crate) struct Socket(Arc<TcpStream>);

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> (Self, Probe) {
        let stream = Arc::new(stream);
        let probe = Probe(Arc::downgrade(&stream));
        (Self(stream), probe)
    }
}

/// Looks at a connection without owning it.
///
/// Weak, so that a probe in the pool does not keep a socket open whose driver has closed it.
#[derive(Debug)]
pub(crate) struct Probe(Weak<TcpStream>);

impl Probe {
    /// Returns whether the connection is open and has nothing to read, as an idle one should.
    ///
    /// Asks the socket itself, with a system call. The runtime's idea of it may be out of date:
    /// while a runtime is parked nothing polls its sockets, and a request would be written to a
    /// server that closed the connection long ago. That write succeeds, a reset comes back, and a
    /// payment's outcome is unknown for no reason.
    pub(crate) fn is_quiet(&self) -> bool {
        let Some(stream) = self.0.upgrade() else {
            return false;
        };
        match SockRef::from(&*stream).peek(&mut [MaybeUninit::uninit()]) {
            // The end of the stream, a response that nothing asked for, or TLS's close_notify.
            Ok(_) => false,
            Err(e) => e.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

// The same as for tokio's `TcpStream`, by its methods on `&self`: the stream is shared with the probe,
// and tokio implements the traits for an owned stream only.
impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            // Readiness may be stale. `try_read_buf` then clears it, and the next round waits.
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read_buf(buf) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }
}

impl Socket {
    fn poll_try_write(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match write(&self.0) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_try_write(cx, |stream| stream.try_write(buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_try_write(cx, |stream| stream.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match SockRef::from(&*self.0).shutdown(Shutdown::Write) {
            // The server has reset the connection, which closes it as well.
            Err(e) if e.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}
