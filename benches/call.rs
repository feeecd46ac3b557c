//! Compares a whole call with a baseline: a plain hyper client that signs and verifies with the same keys.
//!
//! Prints the CPU time of both and their ratio. The server is a separate process, so the figures cover
//! the client only. The two are measured in alternating rounds, so that the ratio holds on a noisy
//! machine. Run it with `cargo bench --bench call`.

use std::{
    env,
    future::Future,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as HyperClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use rsa::{
    pkcs1::EncodeRsaPublicKey,
    pkcs8::{EncodePrivateKey, EncodePublicKey},
};
use serde_json::{Value, json};
use wechatpay_chain::{Client, PrivateKey, PublicKey};

const SERVE: &str = "WECHATPAY_CHAIN_BENCH_SERVE";
const MCHID: &str = "1900000109";
const SERIAL: &str = "3775B6A45ACD588826D15E583A95F5DD0000FACE";
const PLATFORM: &str = "PUB_KEY_ID_0119000001092024000000000000";
const PATH: &str = "v3/payscore/serviceorder/{out_order_no}/sync";
const NUMBER: &str = "1234323JKHDFE1243252";

fn main() {
    if env::var_os(SERVE).is_some() {
        return serve();
    }
    let quick = !env::args().any(|arg| arg == "--bench");
    let (rounds, calls) = if quick { (1, 4) } else { (15, 256) };
    let merchant = generate();
    let platform = generate();
    let server = Server::start(&platform);
    let ours = client(&merchant, &platform, server.port);
    let baseline = Arc::new(Baseline::new(&merchant, &platform, server.port));

    println!(
        "CPU time per call, this library / plain hyper (medians of {rounds} rounds of {calls} calls)"
    );
    for (name, threads, concurrency) in [
        ("async, sequential, current thread", 0, 1),
        ("async, 64 in flight, current thread", 0, 64),
        ("async, sequential, two workers", 2, 1),
        ("async, 64 in flight, two workers", 2, 64),
    ] {
        let runtime = runtime(threads);
        let measure = |concurrency: usize, calls: usize, is_ours: bool| {
            let (ours, baseline) = (ours.clone(), Arc::clone(&baseline));
            cpu(|| {
                runtime.block_on(async move {
                    let tasks = (0..concurrency).map(|_| {
                        let (ours, baseline) = (ours.clone(), Arc::clone(&baseline));
                        tokio::spawn(async move {
                            for _ in 0..calls / concurrency {
                                if is_ours {
                                    call(&ours).await;
                                } else {
                                    baseline.call().await;
                                }
                            }
                        })
                    });
                    for task in tasks.collect::<Vec<_>>() {
                        task.await.expect("a call");
                    }
                });
            })
        };
        report(name, rounds, calls, |is_ours| {
            measure(concurrency, calls.max(concurrency), is_ours)
        });
    }

    // The plain client, polled on the caller's thread as the blocking verbs do.
    let background = Box::leak(Box::new(runtime(1)));
    let blocking_baseline = Baseline::new(&merchant, &platform, server.port);
    let blocking = report("blocking, one thread", rounds, calls, |is_ours| {
        cpu(|| {
            for _ in 0..calls {
                if is_ours {
                    ours.chain(PATH).post(options()).expect("a response");
                } else {
                    let _inside = background.enter();
                    block_on(blocking_baseline.call());
                }
            }
        })
    });
    let sequential = runtime(0);
    let asynchronous = median(
        (0..rounds)
            .map(|_| {
                cpu(|| {
                    sequential.block_on(async {
                        for _ in 0..calls {
                            call(&ours).await;
                        }
                    });
                })
            })
            .collect(),
    ) / calls as f64;
    println!(
        "blocking / async (sequential, current thread): {:.3}",
        blocking / asynchronous
    );
}

fn options() -> Value {
    json!({ "out_order_no": NUMBER, "json": body() })
}

fn body() -> Value {
    json!({
        "appid": "wxd678efh567hg6787", "service_id": "500001",
        "type": "Order_Paid", "detail": { "paid_time": "20091225091210" },
    })
}

async fn call(client: &Client) {
    let response = client
        .chain(PATH)
        .post_async(options())
        .await
        .expect("a response");
    assert!(response.verification().is_verified());
}

fn client(merchant: &rsa::PrivateKey, platform: &rsa::PrivateKey, port: u16) -> Client {
    let private = merchant.to_pkcs8_der().expect("DER");
    let public = platform.to_public_key().to_public_key_der().expect("DER");
    Client::builder()
        .mchid(MCHID)
        .serial(SERIAL)
        .private_key(PrivateKey::from_der(private.as_bytes()).expect("a key"))
        .platform_key(
            PLATFORM,
            PublicKey::from_der(public.as_bytes()).expect("a key"),
        )
        .base_uri(format!("http://127.0.0.1:{port}/"))
        .no_proxy()
        .build()
        .expect("a client")
}

/// The minimum that every client does: serialize, sign, send, receive and verify.
struct Baseline {
    client: HyperClient<HttpConnector, Full<Bytes>>,
    key: RsaKeyPair,
    platform: UnparsedPublicKey<Vec<u8>>,
    random: SystemRandom,
    authority: String,
}

impl Baseline {
    fn new(merchant: &rsa::PrivateKey, platform: &rsa::PrivateKey, port: u16) -> Self {
        let private = merchant.to_pkcs8_der().expect("DER");
        let public = platform.to_public_key().to_pkcs1_der().expect("DER");
        Self {
            client: HyperClient::builder(TokioExecutor::new()).build_http(),
            key: RsaKeyPair::from_pkcs8(private.as_bytes()).expect("a key"),
            platform: UnparsedPublicKey::new(
                &RSA_PKCS1_2048_8192_SHA256,
                public.as_bytes().to_vec(),
            ),
            random: SystemRandom::new(),
            authority: format!("127.0.0.1:{port}"),
        }
    }

    async fn call(&self) {
        let body = serde_json::to_vec(&body()).expect("JSON");
        let target = format!("/v3/payscore/serviceorder/{NUMBER}/sync");
        let mut random = [0; 16];
        self.random.fill(&mut random).expect("random bytes");
        let nonce = random
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<String>();
        let now = now();
        let mut message = format!("POST\n{target}\n{now}\n{nonce}\n").into_bytes();
        message.extend_from_slice(&body);
        message.push(b'\n');
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &self.random, &message, &mut signature)
            .expect("a signature");
        let authorization = format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{MCHID}\",serial_no=\"{SERIAL}\",timestamp=\"{now}\",nonce_str=\"{nonce}\",signature=\"{}\"",
            STANDARD.encode(signature)
        );
        let request = http::Request::post(format!("http://{}{target}", self.authority))
            .header("accept", "application/json")
            .header("user-agent", "hyper")
            .header("content-type", "application/json")
            .header("wechatpay-serial", PLATFORM)
            .header("authorization", authorization)
            .body(Full::from(body))
            .expect("a request");
        let response = self.client.request(request).await.expect("a response");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let field = |name: &str| head.headers[name].to_str().expect("text");
        let mut message = format!(
            "{}\n{}\n",
            field("wechatpay-timestamp"),
            field("wechatpay-nonce")
        )
        .into_bytes();
        message.extend_from_slice(&body);
        message.push(b'\n');
        let signature = STANDARD
            .decode(field("wechatpay-signature"))
            .expect("base64");
        self.platform
            .verify(&message, &signature)
            .expect("a signature");
    }
}

/// Measures both in alternating rounds, prints the medians and their ratio, and returns this library's
/// median.
fn report(name: &str, rounds: usize, calls: usize, measure: impl Fn(bool) -> f64) -> f64 {
    measure(true);
    measure(false);
    let (mut ours, mut baseline, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (a, b) = (measure(true), measure(false));
        ours.push(a);
        baseline.push(b);
        ratios.push(a / b);
    }
    let per_call = |all: Vec<f64>| median(all) / calls as f64;
    let (ours, baseline) = (per_call(ours), per_call(baseline));
    println!(
        "{name}: {:.1} µs / {:.1} µs = {:.3}",
        ours * 1e6,
        baseline * 1e6,
        median(ratios)
    );
    ours
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Returns the CPU time of all threads of this process in seconds, or the elapsed time where the system
/// does not report it.
fn cpu(work: impl FnOnce()) -> f64 {
    let clock = Instant::now();
    let before = cpu_time();
    work();
    match (before, cpu_time()) {
        (Some(before), Some(after)) => (after - before) as f64 / 1e9,
        _ => clock.elapsed().as_secs_f64(),
    }
}

fn cpu_time() -> Option<u64> {
    let mut total = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        total += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(total)
}

fn runtime(workers: usize) -> tokio::runtime::Runtime {
    let mut builder = match workers {
        0 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder
        .worker_threads(workers.max(1))
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Polls a future on this thread.
fn block_on(future: impl Future<Output = ()>) {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    while future.as_mut().poll(&mut cx) == Poll::Pending {
        thread::park();
    }
}

fn generate() -> rsa::PrivateKey {
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
    rsa::PrivateKey::new(&mut random, 2048).expect("a key")
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

/// The server process.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(platform: &rsa::PrivateKey) -> Self {
        let der = platform.to_pkcs8_der().expect("DER");
        let key = RsaKeyPair::from_pkcs8(der.as_bytes()).expect("a key");
        let mut child = Command::new(env::current_exe().expect("the path of this program"))
            .env(SERVE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        child
            .stdin
            .as_mut()
            .expect("its standard input")
            .write_all(response(&key).as_bytes())
            .expect("the response");
        child.stdin = None;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("its standard output"))
            .read_line(&mut line)
            .expect("its port");
        Self {
            port: line.trim().parse().expect("a port"),
            child,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A signed response. Its timestamp is in the future, so that it stays valid for longer.
fn response(key: &RsaKeyPair) -> String {
    let body = json!({ "out_order_no": NUMBER, "state": "DONE" }).to_string();
    let (now, nonce) = (now() + 120, "0123456789abcdef0123456789abcdef");
    let mut signature = vec![0; key.public().modulus_len()];
    let message = format!("{now}\n{nonce}\n{body}\n");
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nWechatpay-Timestamp: {now}\r\nWechatpay-Nonce: {nonce}\r\nWechatpay-Serial: {PLATFORM}\r\nWechatpay-Signature: {}\r\n\r\n{body}",
        body.len(),
        STANDARD.encode(signature)
    )
}

/// Sends the same response to every request, with a thread per connection.
fn serve() {
    let mut response = Vec::new();
    std::io::stdin()
        .read_to_end(&mut response)
        .expect("the response");
    let response: &'static [u8] = response.leak();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve_connection(stream, response));
    }
}

fn serve_connection(mut stream: TcpStream, response: &[u8]) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        while let Some(length) = request_length(&buffer) {
            buffer.drain(..length);
            if stream.write_all(response).is_err() {
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => buffer.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
}

/// Returns the length of the first request in the buffer, if it is complete.
fn request_length(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head])
        .ok()?
        .to_ascii_lowercase();
    let length = text
        .split("content-length: ")
        .nth(1)?
        .split('\r')
        .next()?
        .parse::<usize>()
        .ok()?;
    (buffer.len() >= head + length).then_some(head + length)
}
