use std::{
    future::{Future, Ready, poll_fn, ready},
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
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
    ClientIdentity, Clock, Failure, Stage, Target,
    metered::{Io, Meter, Metered, Side},
    proxy::{Proxy, ProxyKind, ProxyRule},
    socket::{Socket, Watch},
    tls::Tls,
    tunnel,
};
use crate::error::BoxError;

const WITHOUT_IO: &str =
    "the tokio runtime around has no I/O: build it by enable_io() or enable_all()";

/// How long the preferred family of addresses has before the other is tried beside it.
const HEAD_START: Duration = Duration::from_millis(300);

/// A connection that is ready for its first request.
pub(crate) type Stream = Metered<Box<dyn Io>>;

/// Such a connection, and what may be asked of it from beside.
pub(crate) struct Connected {
    pub(crate) stream: Stream,
    pub(crate) meter: Arc<Meter>,
    pub(crate) watch: Watch,
}

/// Connects to `target`, by way of a proxy where one is set.
pub(crate) async fn connect(
    (proxy, tls): (&ProxyRule, &Tls),
    target: &Target,
    identity: Option<&ClientIdentity>,
    timeout: Option<Duration>,
    clock: Clock,
) -> Result<Connected, Failure> {
    let step = Step {
        reached: AtomicU8::default(),
        clock,
    };
    let connecting = async {
        let meter = Arc::new(Meter::default());
        let (stream, watch) = open(proxy, tls, target, identity, &meter, &step).await?;
        Ok(Connected {
            stream: Metered::new(stream, Arc::clone(&meter), Side::Plaintext),
            meter,
            watch,
        })
    };
    let Some(limit) = timeout else {
        return connecting.await;
    };
    match clock.timeout(limit, connecting).await {
        Ok(result) => result,
        Err(_) => Err(Failure::new(
            Stage::ConnectTimeout,
            format!(
                "no connection to {} within {} s: {}",
                target.host,
                limit.as_secs_f64(),
                step.describe()
            ),
        )),
    }
}

async fn open(
    rule: &ProxyRule,
    tls: &Tls,
    target: &Target,
    identity: Option<&ClientIdentity>,
    meter: &Arc<Meter>,
    step: &Step,
) -> Result<(Box<dyn Io>, Watch), Failure> {
    let proxy = rule
        .for_target(target)
        .map_err(|e| Failure::new(Stage::ProxySetting, e.to_string()))?;
    let (stream, watch): (Box<dyn Io>, _) = match proxy {
        None => {
            let (socket, watch) = tcp(&target.host, target.port, meter, step).await?;
            (Box::new(socket), watch)
        }
        Some(proxy) => through(proxy, tls, target, meter, step).await?,
    };
    if !target.https {
        return Ok((stream, watch));
    }
    step.set(Step::TLS);
    let stream = tls.connect(stream, target.bare_host(), identity).await?;
    Ok((Box::new(stream), watch))
}

async fn through(
    proxy: &Proxy,
    tls: &Tls,
    target: &Target,
    meter: &Arc<Meter>,
    step: &Step,
) -> Result<(Box<dyn Io>, Watch), Failure> {
    match proxy.kind {
        ProxyKind::Http { tls: over_tls } => {
            let (socket, watch) = tcp(&proxy.host, proxy.port, meter, step).await?;
            if over_tls {
                step.set(Step::TLS);
                let host = proxy.host.trim_start_matches('[').trim_end_matches(']');
                let socket = tls.connect(socket, host, None).await?;
                step.set(Step::PROXY);
                let tunnel = tunnel::connect(socket, proxy, target).await?;
                return Ok((Box::new(tunnel), watch));
            }
            step.set(Step::PROXY);
            let tunnel = tunnel::connect(socket, proxy, target).await?;
            Ok((Box::new(tunnel), watch))
        }
        ProxyKind::Socks5 { local_dns } => {
            let authority = if local_dns {
                resolve(&target.host, target.port, step)
                    .await?
                    .first()
                    .map_or_else(|| target.authority(), SocketAddr::to_string)
            } else {
                format!("{}:{}", target.host, target.port)
            };
            let destination = uri(&authority)?;
            let (socket, watch) = tcp(&proxy.host, proxy.port, meter, step).await?;
            step.set(Step::PROXY);
            let socket = tunnel::socks(socket, proxy, destination).await?;
            Ok((Box::new(socket), watch))
        }
    }
}

async fn tcp(
    host: &str,
    port: u16,
    meter: &Arc<Meter>,
    step: &Step,
) -> Result<(Metered<Socket>, Watch), Failure> {
    let addresses = resolve(host, port, step).await?;
    step.set(Step::TCP);
    let uri = uri(&format!("{host}:{port}"))?;
    let first = addresses.first().map(SocketAddr::is_ipv4);
    let (preferred, others) = addresses
        .into_iter()
        .partition::<Vec<_>, _>(|address| Some(address.is_ipv4()) == first);
    let stream = happy_eyeballs([preferred, others], &uri, step.clock)
        .await
        .map_err(|e| {
            Failure::new(Stage::Tcp, format!("no TCP connection to {host}:{port}")).with_source(e)
        })?;
    let (socket, watch) = Socket::new(stream.into_inner());
    let socket = Metered::new(socket, Arc::clone(meter), Side::Socket);
    Ok((socket, watch))
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, BoxError>> + Send>>;

/// Connects to the first addresses, and beside that to those of the other family where the first
/// fail or are slow. hyper-util would do it too, by a timer of the runtime.
async fn happy_eyeballs(
    addresses: [Vec<SocketAddr>; 2],
    uri: &Uri,
    clock: Clock,
) -> Result<TokioIo<TcpStream>, BoxError> {
    let [preferred, others] = addresses.map(|addresses| -> Option<Connecting> {
        (!addresses.is_empty()).then(|| {
            let mut connector = HttpConnector::new_with_resolver(Resolved(addresses));
            connector.set_nodelay(true);
            connector.set_happy_eyeballs_timeout(None);
            let mut connecting = Box::pin(connector.call(uri.clone()));
            Box::pin(poll_fn(move |cx| {
                // tokio panics where the runtime around has no I/O, and says so only then.
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
        Ok(Err(_)) => return others.await,
        Err(_) => {}
    }
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

fn uri(authority: &str) -> Result<Uri, Failure> {
    Uri::builder()
        .scheme("http")
        .authority(authority)
        .path_and_query("/")
        .build()
        .map_err(|e| Failure::new(Stage::Request, "the host cannot be connected to").with_source(e))
}

/// Looks a name up, apart from connecting so that the two failures can be told apart.
async fn resolve(host: &str, port: u16, step: &Step) -> Result<Vec<SocketAddr>, Failure> {
    step.set(Step::DNS);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let failed = || {
        Failure::new(
            Stage::Dns,
            format!("the host `{host}` cannot be found by DNS"),
        )
    };
    let addresses: Vec<_> = lookup_host((bare, port))
        .await
        .map_err(|e| failed().with_source(e))?
        .collect();
    if addresses.is_empty() {
        return Err(failed());
    }
    Ok(addresses)
}

/// Gives the connector the addresses that were found.
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

/// Where connecting stands, for the message when its time runs out.
struct Step {
    reached: AtomicU8,
    clock: Clock,
}

impl Step {
    const DNS: u8 = 1;
    const TCP: u8 = 2;
    const PROXY: u8 = 3;
    const TLS: u8 = 4;

    fn set(&self, step: u8) {
        self.reached.store(step, Ordering::Relaxed);
    }

    fn describe(&self) -> &'static str {
        match self.reached.load(Ordering::Relaxed) {
            Self::DNS => "DNS did not answer",
            Self::TCP => "TCP got no answer",
            Self::PROXY => "the proxy did not answer",
            Self::TLS => "the TLS handshake did not end",
            _ => "it had not begun",
        }
    }
}
