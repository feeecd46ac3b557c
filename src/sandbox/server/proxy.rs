//! A proxy that poses as WeChat Pay's hosts. It ends TLS itself and serves the sandbox: no connection leaves.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::body::Body;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::service_fn,
    upgrade::{self, OnUpgrade},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time,
};

use super::{
    Bound, KEEP_ALIVE_TIMEOUT, accept_each,
    tls::{Acceptor, HANDSHAKE_TIMEOUT, Lazy},
};
use crate::{
    error::cause::Result,
    protocol::url::host::{self, Origin},
    sandbox::state::SandboxState,
};

/// The proxy, which starts when it is first asked for.
pub(in crate::sandbox) struct Proxy {
    /// Spawns onto the server's thread, from any other.
    runtime: Handle,
    listener: Mutex<Lazy>,
}

impl Proxy {
    /// Returns a proxy on this address, or on the sandbox's address and a free port.
    pub(super) fn new(runtime: Handle, bound: Option<Bound>) -> Self {
        Self {
            runtime,
            listener: Mutex::new(Lazy::new(bound)),
        }
    }

    /// Returns the address, which it starts to listen on if this is the first call.
    pub(in crate::sandbox) fn address(&self, state: &Arc<SandboxState>) -> Result<SocketAddr> {
        // Held while it starts: a second caller waits for the same listener.
        self.lock().address(state, |bound| {
            let hosts: Vec<_> = host::of_wechat_pay().collect();
            let acceptor = Acceptor::new(state, bound.address, Some(&hosts))?;
            let listener = bound.listen(&self.runtime)?;
            self.runtime.spawn(accept(listener, Arc::new(acceptor)));
            Ok(())
        })
    }

    /// Returns the address, if it listens.
    pub(in crate::sandbox) fn started(&self) -> Option<SocketAddr> {
        self.lock().started()
    }

    fn lock(&self) -> MutexGuard<'_, Lazy> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, acceptor: Arc<Acceptor>) {
    accept_each(listener, |stream| {
        let acceptor = Arc::clone(&acceptor);
        async move { serve(stream, &acceptor).await }
    })
    .await;
}

/// A tunnel that a client asked for, and the host at its end.
type Tunnel = (&'static str, OnUpgrade);

/// Serves one connection: the request for a tunnel, and then what comes through it.
async fn serve(stream: TcpStream, acceptor: &Acceptor) {
    let tunnel: Arc<Mutex<Option<Tunnel>>> = Arc::default();
    let asked = Arc::clone(&tunnel);
    let service = service_fn(move |request| {
        let response = match open(request) {
            Ok(opened) => {
                *asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
                Response::new(Body::empty())
            }
            Err(message) => refusal(message),
        };
        async { Ok::<_, std::convert::Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(KEEP_ALIVE_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A client that breaks off is not a failure of the server.
    let _ = connection.await;
    let opened = tunnel.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some((host, upgrade)) = opened else {
        return;
    };
    // The connection has ended, so this does not wait for the client.
    if let Ok(Ok(stream)) = time::timeout(HANDSHAKE_TIMEOUT, upgrade).await {
        acceptor.serve(TokioIo::new(stream), Some(host)).await;
    }
}

/// Returns the tunnel that a request asks for, or why it is refused.
fn open(request: Request<Incoming>) -> std::result::Result<Tunnel, String> {
    if request.method() != Method::CONNECT {
        let message = format!(
            "This is the proxy of a sandbox of WeChat Pay. It has tunnels only: send CONNECT, as clients do for \
             https:// URLs. Its hosts are {}.\n",
            hosts()
        );
        return Err(message);
    }
    let target = request.uri().authority();
    let target = target.map_or("", |authority| authority.as_str());
    match posed(target) {
        Some(host) => Ok((host, upgrade::on(request))),
        None => Err(format!(
            "This is the proxy of a sandbox of WeChat Pay, and reaches nothing else. Its hosts are {}, on port \
             443. Set NO_PROXY for the others.\n",
            hosts()
        )),
    }
}

/// Returns the host of WeChat Pay that a target names, with port 443.
fn posed(target: &str) -> Option<&'static str> {
    let (name, port) = Origin::split_authority(target)?;
    let named = host::of_wechat_pay().find(|host| *host == name);
    named.filter(|_| port == Some(443))
}

fn hosts() -> String {
    host::of_wechat_pay().collect::<Vec<_>>().join(", ")
}

fn refusal(message: String) -> Response<Body> {
    let mut response = Response::new(Body::from(message));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_poses_as_hosts_of_wechat_pay_on_their_port() {
        for target in [
            "api.mch.weixin.qq.com:443",
            "API.mch.weixin.qq.com:443",
            "pay.wechatpay.cn:443",
        ] {
            assert!(posed(target).is_some(), "{target}");
        }
        for target in [
            "",
            "api.mch.weixin.qq.com",
            "api.mch.weixin.qq.com:80",
            "api.mch.weixin.qq.com.:443",
            "user@api.mch.weixin.qq.com:443",
            "api.mch.weixin.qq.com.evil.example:443",
            "weixin.qq.com:443",
            "127.0.0.1:443",
            "localhost:443",
        ] {
            assert!(posed(target).is_none(), "{target}");
        }
    }
}
