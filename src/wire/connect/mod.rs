//! From a destination to a connection that is ready for its first request: DNS, TCP, the proxy
//! and TLS, within one time limit.

mod identity;
mod proxy;
mod socket;
mod step;
mod tcp;
mod tls;
mod tunnel;

use std::{net::SocketAddr, sync::Arc};

pub(crate) use self::{
    identity::ClientIdentity,
    proxy::{Environment, Proxy, ProxyRule},
    socket::Probe,
    tls::{Tls, Trust},
};
use self::{
    proxy::ProxyKind,
    step::Step,
    tcp::{bare_host, resolve, tcp, uri},
};
use super::{
    Clock, Destination, Failure, Stage,
    meter::{Io, Meter, Metered, Side},
};
use crate::protocol::url::host::Origin;

/// A connection that is ready for its first request.
pub(crate) type Stream = Metered<Box<dyn Io>>;

/// A connection, and what can be asked of it while something else reads and writes it.
pub(crate) struct Connected {
    pub(crate) stream: Stream,
    pub(crate) meter: Arc<Meter>,
    pub(crate) probe: Probe,
}

/// Connects to the destination's origin, through a proxy if the rule has one for it.
pub(crate) async fn connect(
    (proxy, tls): (&ProxyRule, &Tls),
    destination: &Destination,
    clock: Clock,
) -> Result<Connected, Failure> {
    let step = Step::new(clock);
    let connecting = async {
        // One meter for both sides of TLS: see `Meter`.
        let meter = Arc::new(Meter::default());
        let (stream, probe) = open(proxy, tls, destination, &meter, &step).await?;
        Ok(Connected {
            stream: Metered::new(stream, Arc::clone(&meter), Side::Plaintext),
            meter,
            probe,
        })
    };
    // One limit for all steps: a caller cares when it can send, and not which step is slow. The
    // message says that.
    let Some(limit) = destination.connect_timeout else {
        return connecting.await;
    };
    match clock.timeout(limit, connecting).await {
        Ok(result) => result,
        Err(_) => Err(Failure::new(
            Stage::ConnectTimeout,
            format!(
                "no connection to {} within {} s: {}",
                destination.origin.host,
                limit.as_secs_f64(),
                step.describe()
            ),
        )),
    }
}

/// Opens the connection, up to the innermost TLS.
async fn open(
    rule: &ProxyRule,
    tls: &Tls,
    destination: &Destination,
    meter: &Arc<Meter>,
    step: &Step,
) -> Result<(Box<dyn Io>, Probe), Failure> {
    let origin = &destination.origin;
    let proxy = rule
        .for_origin(origin)
        .map_err(|e| Failure::new(Stage::ProxySetting, e.to_string()))?;
    let (stream, probe): (Box<dyn Io>, _) = match proxy {
        None => {
            let (socket, probe) = tcp(&origin.host, origin.port, meter, step).await?;
            (Box::new(socket), probe)
        }
        Some(proxy) => through(proxy, tls, origin, meter, step).await?,
    };
    if !origin.https {
        return Ok((stream, probe));
    }
    step.set(Step::TLS);
    let stream = tls
        .connect(
            stream,
            bare_host(&origin.host),
            destination.identity.as_deref(),
        )
        .await?;
    Ok((Box::new(stream), probe))
}

/// Connects to an origin through a proxy. Always by a tunnel, for plain http too: the request and
/// its signature are the same bytes with a proxy and without.
async fn through(
    proxy: &Proxy,
    tls: &Tls,
    origin: &Origin,
    meter: &Arc<Meter>,
    step: &Step,
) -> Result<(Box<dyn Io>, Probe), Failure> {
    match proxy.kind {
        ProxyKind::Http { tls: over_tls } => {
            let (socket, probe) = tcp(&proxy.host, proxy.port, meter, step).await?;
            if over_tls {
                // TLS to the proxy, and inside its tunnel TLS to the origin. Only the innermost
                // side is the request's plaintext; the socket below both is the one that counts.
                step.set(Step::TLS);
                // The client identity is for WeChat Pay, never for a proxy.
                let socket = tls.connect(socket, bare_host(&proxy.host), None).await?;
                step.set(Step::PROXY);
                let tunnel = tunnel::connect(socket, proxy, origin).await?;
                return Ok((Box::new(tunnel), probe));
            }
            step.set(Step::PROXY);
            let tunnel = tunnel::connect(socket, proxy, origin).await?;
            Ok((Box::new(tunnel), probe))
        }
        ProxyKind::Socks5 { local_dns } => {
            // An address in the authority makes hyper-util send an address, a name a name.
            let authority = if local_dns {
                resolve(&origin.host, origin.port, step)
                    .await?
                    .first()
                    .map_or_else(|| origin.authority(), SocketAddr::to_string)
            } else {
                format!("{}:{}", origin.host, origin.port)
            };
            let destination = uri(&authority)?;
            let (socket, probe) = tcp(&proxy.host, proxy.port, meter, step).await?;
            step.set(Step::PROXY);
            let socket = tunnel::socks(socket, proxy, destination).await?;
            Ok((Box::new(socket), probe))
        }
    }
}
