//! Through a proxy: HTTP's CONNECT, and SOCKS5.

use std::{
    future::{Ready, ready},
    io,
    task::{Context, Poll},
};

use http::Uri;
use hyper_util::{client::legacy::connect::proxy::SocksV5, rt::TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_service::Service;
use zeroize::Zeroizing;

use super::{
    super::{Failure, Stage, meter::Io},
    proxy::Proxy,
};
use crate::protocol::url::host::Origin;

const MAX_HEAD: usize = 16 * 1024;

/// Asks an HTTP proxy for a tunnel to `origin`, over a connection to that proxy.
///
/// Written out here rather than sent with hyper: it is one request and one status line, and no byte
/// after the response's head may be read, because those belong to the origin.
pub(crate) async fn connect<T: Io>(
    mut stream: T,
    proxy: &Proxy,
    origin: &Origin,
) -> Result<T, Failure> {
    let broke = |e: io::Error| {
        Failure::new(
            Stage::Proxy,
            format!(
                "the proxy {} closed the connection before opening a tunnel",
                proxy.host
            ),
        )
        .with_source(e)
    };
    stream
        .write_all(connect_request(proxy, origin).as_bytes())
        .await
        .map_err(broke)?;
    stream.flush().await.map_err(broke)?;

    let head = read_head(&mut stream).await.map_err(broke)?;
    // A 407 is told apart by whether there were credentials: one is a wrong password, the other a
    // missing one.
    match head.as_deref().and_then(status) {
        Some(200..=299) => Ok(stream),
        Some(407) if proxy.credentials.is_some() => Err(refused(format!(
            "the proxy {} rejected the user name and password (407)",
            proxy.host
        ))),
        Some(407) => Err(refused(format!(
            "the proxy {} requires a user name and password (407): add them to its URL",
            proxy.host
        ))),
        Some(status) => Err(refused(format!(
            "the proxy {} refused a tunnel to {}:{} with status {status}",
            proxy.host, origin.host, origin.port
        ))),
        None => Err(refused(format!(
            "the response of the proxy {} to CONNECT is not HTTP/1.1",
            proxy.host
        ))),
    }
}

fn refused(message: String) -> Failure {
    Failure::new(Stage::Proxy, message)
}

fn connect_request(proxy: &Proxy, origin: &Origin) -> Zeroizing<String> {
    let authority = format!("{}:{}", origin.host, origin.port);
    let authorization = proxy.credentials.as_ref().map(|c| c.basic());
    // Pushed into one buffer that is large enough: `format!`, or a buffer that grows, would leave
    // copies of the password behind that nothing wipes.
    let mut request = Zeroizing::new(String::with_capacity(1024));
    let fields = [
        "CONNECT ",
        &authority,
        " HTTP/1.1\r\nHost: ",
        &authority,
        "\r\n",
    ];
    fields.iter().for_each(|field| request.push_str(field));
    if let Some(value) = &authorization {
        let fields = ["Proxy-Authorization: ", value, "\r\n"];
        fields.iter().for_each(|field| request.push_str(field));
    }
    request.push_str("\r\n");
    request
}

/// Reads the head of the proxy's response, or returns `None` if it is too long.
///
/// Reads byte by byte, so that nothing of what follows the head is taken. A tunnel is opened once per
/// connection, so the cost does not matter.
async fn read_head<T: Io>(stream: &mut T) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::with_capacity(256);
    while head.len() < MAX_HEAD {
        head.push(stream.read_u8().await?);
        if head.ends_with(b"\r\n\r\n") {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

fn status(head: &[u8]) -> Option<u16> {
    let rest = head
        .strip_prefix(b"HTTP/1.1 ")
        .or_else(|| head.strip_prefix(b"HTTP/1.0 "))?;
    let (digits, after) = rest.split_at_checked(3)?;
    if !after.starts_with(b" ") && !after.starts_with(b"\r\n") {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Asks a SOCKS5 proxy for a connection to `destination`, over a connection to that proxy.
pub(crate) async fn socks<T: Io + 'static>(
    stream: T,
    proxy: &Proxy,
    destination: Uri,
) -> Result<T, Failure> {
    let mut socks = SocksV5::new(Uri::from_static("http://proxy"), Connected(Some(stream)));
    if let Some(credentials) = &proxy.credentials {
        socks = socks.with_auth(
            credentials.user.to_string(),
            credentials.password.to_string(),
        );
    }
    socks
        .call(destination)
        .await
        .map(TokioIo::into_inner)
        .map_err(|e| {
            let message = format!("the SOCKS5 proxy {} did not connect: {e}", proxy.host);
            Failure::new(Stage::Socks, message)
        })
}

/// A connector that returns the connection made before.
struct Connected<T>(Option<T>);

impl<T: Io> Service<Uri> for Connected<T> {
    type Response = TokioIo<T>;
    type Error = io::Error;
    type Future = Ready<io::Result<TokioIo<T>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().map(TokioIo::new).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotConnected,
                "the connection was already taken",
            )
        }))
    }
}
