//! Sends a notification to a receiver, with its own headers and bytes.

mod reply;
mod target;

pub(super) use self::{
    reply::{Reply, show as show_reply},
    target::Target,
};

use std::{io, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout},
};
use wechatpay_chain::{
    Notifications,
    http::{HeaderValue, Request, Response, header},
};

use super::message::{Message, is_hop_by_hop};
use crate::{
    exit::{Exit, Failure, chain},
    text::{reason, t, tf},
};

/// Longer than WeChat Pay waits, for a receiver that stands at a breakpoint.
const MAX_WAIT: Duration = Duration::from_secs(120);
const MAX_CONNECT: Duration = Duration::from_secs(5);

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum NoReply {
    /// The receiver has not got it.
    NotSent(String),
    /// The receiver may have got it.
    Unknown(String),
}

/// Sends a message and returns the receiver's reply.
pub(super) async fn send(message: &Message, target: &Target) -> Result<Reply, NoReply> {
    let started = Instant::now();
    let connecting = target.connect();
    let stream = match timeout(MAX_CONNECT, connecting).await {
        Ok(connected) => connected.map_err(|err| NoReply::NotSent(reason(&err)))?,
        Err(_) => return Err(NoReply::NotSent(t("no connection", "无法连接").to_owned())),
    };
    match timeout(MAX_WAIT, exchange(stream, message, target)).await {
        Ok(Ok(response)) => Ok(Reply::new(response, started.elapsed())),
        Ok(Err(why)) => Err(NoReply::Unknown(why)),
        Err(_) => {
            let seconds = MAX_WAIT.as_secs();
            Err(NoReply::Unknown(tf!(
                "no response in {seconds} seconds",
                "{seconds} 秒内没有应答"
            )))
        }
    }
}

async fn exchange(
    stream: impl Stream,
    message: &Message,
    target: &Target,
) -> Result<Response<Bytes>, String> {
    let text = |err: hyper::Error| chain(&err);
    let mut builder = http1::Builder::new();
    // What is sent again from a file has names in small letters only; WeChat Pay writes `Wechatpay-Serial`,
    // and PHP's getallheaders() tells them apart.
    builder.preserve_header_case(true).title_case_headers(true);
    let (mut sender, connection) = builder
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(text)?;
    // It ends with the sender, which is dropped at the end of this function.
    tokio::spawn(connection);
    let response = sender
        .send_request(request(message, target))
        .await
        .map_err(text)?;
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(parts, read(body).await?))
}

async fn read(body: Incoming) -> Result<Bytes, String> {
    let body = Limited::new(body, Notifications::MAX_BODY).collect().await;
    body.map(|body| body.to_bytes())
        .map_err(|err| err.to_string())
}

fn request(message: &Message, target: &Target) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(message.body.clone()));
    *request.method_mut() = message.method.clone();
    *request.uri_mut() = target.path_for(&message.target);
    *request.extensions_mut() = message.extensions.clone();
    let headers = request.headers_mut();
    headers.insert(header::HOST, target.host_header());
    for (name, value) in &message.headers {
        if !is_hop_by_hop(name) {
            headers.append(name, value.clone());
        }
    }
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    request
}

/// A connection, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl Stream for TcpStream {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream
    for tokio_rustls::client::TlsStream<S>
{
}
impl Stream for Box<dyn Stream> {}

impl NoReply {
    pub(super) fn into_failure(self, target: &Target) -> Failure {
        let url = target.url();
        match self {
            Self::NotSent(why) => Failure::new(
                Exit::NotSent,
                tf!("cannot reach {url}: {why}", "无法连接 {url}: {why}"),
            ),
            Self::Unknown(why) => Failure::new(
                Exit::Unknown,
                tf!("no response from {url}: {why}", "{url} 没有应答: {why}"),
            ),
        }
    }

    pub(super) fn why(&self) -> &str {
        match self {
            Self::NotSent(why) | Self::Unknown(why) => why,
        }
    }
}

fn other(err: impl std::fmt::Display) -> io::Error {
    io::Error::other(err.to_string())
}
