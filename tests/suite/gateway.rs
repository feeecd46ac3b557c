//! A proxy that is every host of WeChat Pay at once: it takes CONNECT, shows a certificate for the
//! host that is asked for, and keeps what arrives inside.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{
    server::{Answer, Request, read},
    tls::Authority,
};

/// The documented hosts.
const HOSTS: [&str; 10] = [
    "api.mch.weixin.qq.com",
    "api2.mch.weixin.qq.com",
    "apihk.mch.weixin.qq.com",
    "apius.mch.weixin.qq.com",
    "apieu.mch.weixin.qq.com",
    "fraud.mch.weixin.qq.com",
    "payapp.weixin.qq.com",
    "api.wechatpay.cn",
    "api2.wechatpay.cn",
    "pay.wechatpay.cn",
];

/// A request, and by what connection it came.
#[derive(Debug)]
pub struct Arrival {
    pub request: Request,
    /// What CONNECT named, and the name in the TLS handshake.
    pub authority: String,
    pub sni: Option<String>,
    /// The certificate that the client showed.
    pub certificate: Option<Vec<u8>>,
}

impl Arrival {
    /// The URL, once all that names the host is seen to name the same.
    pub fn url(&self) -> Result<String, String> {
        let host = self.request.header("host").unwrap_or_default();
        if self.sni.as_deref() != Some(host) || self.authority != format!("{host}:443") {
            let (sni, authority) = (&self.sni, &self.authority);
            return Err(format!("Host {host}, SNI {sni:?}, CONNECT {authority}"));
        }
        Ok(format!("https://{host}{}", self.request.target))
    }
}

type Answering = dyn Fn(&Arrival) -> Answer + Send + Sync;

pub struct Gateway {
    port: u16,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

impl Gateway {
    pub fn start(
        authority: &Authority,
        answer: impl Fn(&Arrival) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let config = Arc::new(authority.server_config(&HOSTS, false));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Answering> = Arc::new(answer);
        let kept = Arc::clone(&arrivals);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let stream = stream.expect("a connection");
                let (config, kept) = (Arc::clone(&config), Arc::clone(&kept));
                let answer = Arc::clone(&answer);
                thread::spawn(move || serve(stream, number, config, &kept, &*answer));
            }
        });
        Self { port, arrivals }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What has arrived since this was last asked.
    pub fn take(&self) -> Vec<Arrival> {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *arrivals)
    }
}

fn serve(
    mut stream: TcpStream,
    number: usize,
    config: Arc<ServerConfig>,
    arrivals: &Mutex<Vec<Arrival>>,
    answer: &Answering,
) {
    let _ = stream.set_nodelay(true);
    let Some(authority) = connect(&mut stream) else {
        return;
    };
    let tls = ServerConnection::new(config).expect("a connection");
    let mut reader = BufReader::new(StreamOwned::new(tls, stream));
    while let Some(request) = read(&mut reader, number) {
        let tls = &reader.get_ref().conn;
        let shown = tls.peer_certificates().and_then(|chain| chain.first());
        let arrival = Arrival {
            request,
            authority: authority.clone(),
            sni: tls.server_name().map(str::to_owned),
            certificate: shown.map(|certificate| certificate.to_vec()),
        };
        let bytes = answer(&arrival).bytes();
        let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.push(arrival);
        drop(arrivals);
        let stream = reader.get_mut();
        if stream
            .write_all(&bytes)
            .and_then(|()| stream.flush())
            .is_err()
        {
            return;
        }
    }
}

/// Takes CONNECT, and gives what it named.
fn connect(stream: &mut TcpStream) -> Option<String> {
    let mut authority = None;
    // The client says nothing more before it has its answer: nothing is read too far.
    let mut reader = BufReader::new(&*stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            first if authority.is_none() => {
                let named = first.strip_prefix("CONNECT ");
                authority = Some(named?.split(' ').next()?.to_owned());
            }
            _ => {}
        }
    }
    stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    authority
}
