//! From a host's name to a TCP connection.

use std::{
    future::{Future, Ready, poll_fn, ready},
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{HttpConnector, dns::Name},
    rt::TokioIo,
};
use tokio::net::{TcpStream, lookup_host};
use tower_service::Service;

use super::{
    super::{
        Clock, Failure, Stage,
        meter::{Meter, Metered, Side},
    },
    socket::{Probe, Socket},
    step::Step,
};
use crate::error::BoxError;

const WITHOUT_IO: &str =
    "the current tokio runtime has no I/O: build it with `enable_io()` or `enable_all()`";

/// How long the preferred family of addresses has before the other is tried too, as in hyper-util.
const HEAD_START: Duration = Duration::from_millis(300);

/// Connects to the first address that accepts, IPv4 or IPv6.
pub(super) async fn tcp(
    host: &str,
    port: u16,
    meter: &Arc<Meter>,
    step: &Step,
) -> Result<(Metered<Socket>, Probe), Failure> {
    let addresses = resolve(host, port, step).await?;
    step.set(Step::TCP);
    let uri = uri(&format!("{host}:{port}"))?;
    // The system's resolver sorts by preference (RFC 6724), so its first address names the family.
    let first = addresses.first().map(SocketAddr::is_ipv4);
    let (preferred, others) = addresses
        .into_iter()
        .partition::<Vec<_>, _>(|address| Some(address.is_ipv4()) == first);
    let stream = happy_eyeballs([preferred, others], &uri, step.clock)
        .await
        .map_err(|e| {
            let message = format!("cannot open a TCP connection to {host}:{port}");
            Failure::new(Stage::Tcp, message).with_source(e)
        })?;
    // Metered here, below any TLS and any tunnel: what the socket takes is what leaves.
    let (socket, probe) = Socket::new(stream.into_inner());
    let socket = Metered::new(socket, Arc::clone(meter), Side::Socket);
    Ok((socket, probe))
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, BoxError>> + Send>>;

/// Connects to the preferred addresses, and to those of the other family as well if the preferred
/// ones fail or are slow.
///
/// hyper-util's connector can do this itself, but with a timer of the current runtime, which may
/// have none: see [`Clock`].
async fn happy_eyeballs(
    addresses: [Vec<SocketAddr>; 2],
    uri: &Uri,
    clock: Clock,
) -> Result<TokioIo<TcpStream>, BoxError> {
    let [preferred, others] = addresses.map(|addresses| -> Option<Connecting> {
        (!addresses.is_empty()).then(|| {
            let mut connector = HttpConnector::new_with_resolver(Resolved(addresses));
            // A request may be several writes. With Nagle's algorithm, the second would wait until
            // the server has acknowledged the first.
            connector.set_nodelay(true);
            connector.set_happy_eyeballs_timeout(None);
            let mut connecting = Box::pin(connector.call(uri.clone()));
            Box::pin(poll_fn(move |cx| {
                // tokio panics if the current runtime has no I/O, and cannot be asked beforehand.
                // Nothing has been sent yet, so an error is enough: a panic would take down the
                // program's task over a setting of its runtime.
                catch_unwind(AssertUnwindSafe(|| connecting.as_mut().poll(cx))).map_or_else(
                    |_| Poll::Ready(Err(WITHOUT_IO.into())),
                    |polled| polled.map_err(BoxError::from),
                )
            })) as Connecting
        })
    });
    let mut preferred = preferred.ok_or("no address")?;
    let Some(others) = others else {
        return preferred.await;
    };
    match clock.timeout(HEAD_START, preferred.as_mut()).await {
        Ok(Ok(stream)) => return Ok(stream),
        // Typically IPv6 without a route: no reason to wait.
        Ok(Err(_)) => return others.await,
        Err(_) => {}
    }
    // From here on both race. The first to connect wins; if both fail, the last error is returned.
    let mut racing = [Some(preferred), Some(others)];
    let mut failure = None;
    poll_fn(|cx| {
        for lane in &mut racing {
            let Some(connecting) = lane else { continue };
            match connecting.as_mut().poll(cx) {
                Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                Poll::Ready(Err(err)) => {
                    *lane = None;
                    failure = Some(err);
                }
                Poll::Pending => {}
            }
        }
        match failure.take_if(|_| racing.iter().all(Option::is_none)) {
            Some(err) => Poll::Ready(Err(err)),
            None => Poll::Pending,
        }
    })
    .await
}

pub(super) fn uri(authority: &str) -> Result<Uri, Failure> {
    Uri::builder()
        .scheme("http")
        .authority(authority)
        .path_and_query("/")
        .build()
        .map_err(|e| Failure::new(Stage::Request, "the host is not valid in a URI").with_source(e))
}

/// Looks a host up.
///
/// Separate from connecting, so that an error says which of the two failed: a name that does not
/// resolve is often a mistake in the configuration, an address that does not connect an outage.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    step: &Step,
) -> Result<Vec<SocketAddr>, Failure> {
    step.set(Step::DNS);
    let failed = || Failure::new(Stage::Dns, format!("the DNS lookup of `{host}` failed"));
    let addresses: Vec<_> = lookup_host((bare_host(host), port))
        .await
        .map_err(|e| failed().with_source(e))?
        .collect();
    if addresses.is_empty() {
        return Err(failed());
    }
    Ok(addresses)
}

/// Returns the host without the brackets of an IPv6 address.
pub(super) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// A resolver that returns the addresses found before.
#[derive(Clone)]
struct Resolved(Vec<SocketAddr>);

impl Service<Name> for Resolved {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(std::mem::take(&mut self.0).into_iter()))
    }
}
