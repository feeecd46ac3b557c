//! Measures how much memory a download of 1 GiB to a file needs, compared with a small one. Fails if it
//! is more than 16 MiB. Linux only. Run it with `cargo bench --bench download`.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use wechatpay_chain::{Client, Options, PrivateKey, PublicKey};

const LARGE: u64 = 1 << 30;
const SMALL: u64 = 1 << 20;
const MAX_MEMORY: u64 = 16 << 20;
/// The SHA-1 of `LARGE` zeros, computed with sha1sum.
const SHA1: &str = "2a492f15396a6768bcbca016993f4b4c8b0b5307";

fn main() {
    if std::env::args().any(|arg| arg == "serve") {
        return serve();
    }
    if !cfg!(target_os = "linux") {
        println!("skipped: this benchmark needs Linux");
        return;
    }
    let mut server = Server::start();
    let client = client(&server.url);
    let sink = std::env::temp_dir().join(format!("wechatpay-chain-{}", std::process::id()));
    let get = |query: &str| {
        let options = Options::new()
            .query(query)
            .sink(&sink)
            .gunzip(true)
            .timeout(Duration::ZERO);
        let options = match query.contains("large") {
            true => options.expect_sha1(SHA1),
            false => options,
        };
        let start = Instant::now();
        let response = client
            .chain("v3/billdownload/file")
            .get(options)
            .expect("a file");
        (response.file().expect("a file").len(), start.elapsed())
    };
    get("small");
    get("small-gzip");
    let mut worst = 0;
    for query in ["large", "large-gzip"] {
        reset_peak();
        let before = memory("VmRSS");
        let (len, took) = get(query);
        assert_eq!(len, LARGE);
        let more = memory("VmHWM").saturating_sub(before);
        worst = worst.max(more);
        println!(
            "{query:<11} {} MiB in {:.2} s ({:.0} MiB/s), at most {:.1} MiB more memory (from {:.1} MiB)",
            len >> 20,
            took.as_secs_f64(),
            (len >> 20) as f64 / took.as_secs_f64(),
            more as f64 / 1048576.0,
            before as f64 / 1048576.0,
        );
    }
    let _ = fs::remove_file(&sink);
    server.stop();
    assert!(worst <= MAX_MEMORY, "more than {} MiB", MAX_MEMORY >> 20);
}

fn client(url: &str) -> Client {
    let pem = |args: &[&str], input: &[u8]| {
        let mut openssl = Command::new("openssl")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is installed");
        let mut stdin = openssl.stdin.take().expect("a pipe");
        stdin.write_all(input).expect("a pipe");
        drop(stdin);
        let out = openssl.wait_with_output().expect("the output");
        String::from_utf8(out.stdout).expect("PEM")
    };
    let key = pem(&["genrsa", "2048"], b"");
    let other = pem(&["genrsa", "2048"], b"");
    let public = pem(&["rsa", "-pubout"], other.as_bytes());
    Client::builder()
        .mchid("1900000109")
        .serial("3775B6A45ACD588826D15E583A95F5DD0000FACE")
        .private_key(PrivateKey::from_pem(&key).expect("a key"))
        .platform_key(
            "PUB_KEY_ID_0119000001092024000000000000",
            PublicKey::from_pem(&public).expect("a key"),
        )
        .base_uri(url)
        .no_proxy()
        .build()
        .expect("a client")
}

/// Returns a value of `/proc/self/status` in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .expect("the line");
    let digits = line.split_whitespace().nth(1).expect("a number");
    digits.parse::<u64>().expect("a number") * 1024
}

fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("Linux 4.0");
}

/// The server process. It is separate, so that its memory is not counted.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Self {
        let exe = std::env::current_exe().expect("the path of this program");
        let mut child = Command::new(exe)
            .arg("serve")
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a port");
        Self {
            child,
            url: format!("http://127.0.0.1:{}/", line.trim()),
        }
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve_connection(stream));
    }
}

fn serve_connection(mut stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.by_ref().take(64 << 10).read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let len = if head.contains("large") { LARGE } else { SMALL };
        let zeros = vec![0; 64 << 10];
        if head.contains("gzip") {
            let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
            for _ in 0..len >> 16 {
                compressed.write_all(&zeros).ok()?;
            }
            let compressed = compressed.finish().ok()?;
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                compressed.len()
            )
            .ok()?;
            stream.write_all(&compressed).ok()?;
        } else {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n").ok()?;
            for _ in 0..len >> 16 {
                stream.write_all(&zeros).ok()?;
            }
        }
    }
}
