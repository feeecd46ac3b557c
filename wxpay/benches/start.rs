//! Times one call from the start of a process to its end: `wxpay`, a script for Node.js, and a bare program.
//!
//! Each reads the merchant's key, signs, sends one request to a sandbox and verifies the response. The bare
//! program is the floor: ring and one socket of the standard library. The three run in turns, so that the
//! ratios hold on a noisy machine. Run it with `cargo bench -p wechatpay-chain-cli`.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use wechatpay_chain::sandbox::Sandbox;

use self::program::Program;

#[allow(dead_code)]
#[path = "../tests/cli/program.rs"]
mod program;

/// Tells this program to be the floor.
const FLOOR: &str = "WXPAY_BENCH_FLOOR";
const PATH: &str = "v3/merchant/fund/balance/OPERATION";
const SCRIPT: &str = include_str!("start.js");

fn main() {
    if env::var_os(FLOOR).is_some() {
        return floor();
    }
    let rounds = if env::args().any(|arg| arg == "--bench") {
        100
    } else {
        1
    };
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    fs::write(program.home().join("start.js"), SCRIPT).unwrap();

    let this = env::current_exe().unwrap();
    let commands: [(&str, &dyn Fn() -> Command); 3] = [
        ("bare", &|| {
            let mut bare = in_place_of(&program, this.as_os_str());
            bare.env(FLOOR, "1");
            bare
        }),
        ("wxpay", &|| program.command(&["get", PATH])),
        ("node", &|| {
            let mut node = in_place_of(&program, "node".as_ref());
            node.arg("start.js");
            node
        }),
    ];
    let mut times = commands.map(|(name, _)| (name, Vec::new()));
    for _ in 0..rounds {
        for ((_, command), (_, times)) in commands.iter().zip(&mut times) {
            times.push(time(&mut command()));
        }
    }

    let medians = times.map(|(name, mut times)| {
        times.sort();
        (name, times[times.len() / 2], times[0])
    });
    let (_, floor, _) = medians[0];
    println!("one call from start to exit, {rounds} rounds in turns");
    println!("{:<6} {:>10} {:>10} {:>8}", "", "median", "least", "ratio");
    for (name, median, least) in medians {
        let ratio = median.as_secs_f64() / floor.as_secs_f64();
        println!(
            "{name:<6} {:>10} {:>10} {ratio:>8.2}",
            millis(median),
            millis(least)
        );
    }
    let size = fs::metadata(env!("CARGO_BIN_EXE_wxpay")).unwrap().len();
    println!("wxpay is {:.1} MB", size as f64 / 1e6);
}

/// Returns a command with the variables of `wxpay` in this program's home.
fn in_place_of(program: &Program, other: &OsStr) -> Command {
    let like = program.command(&[]);
    let mut command = Command::new(other);
    let variables = like
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command
        .env_clear()
        .envs(variables)
        .current_dir(program.home());
    command
}

/// Runs a command that must succeed.
fn time(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let began = Instant::now();
    let output = command.output().expect("the program is installed");
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("available_amount"),
        "{output:?}"
    );
    took
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The least that makes the call: no library of this project.
fn floor() {
    let var = |name: &str| env::var(format!("WXPAY_{name}")).unwrap();
    let host = var("BASE_URI");
    let host = host.strip_prefix("http://").unwrap().trim_end_matches('/');
    let key = RsaKeyPair::from_pkcs8(&from_pem(&var("PRIVATE_KEY"))).unwrap();
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (timestamp, nonce) = (
        timestamp.as_secs(),
        format!("{:032x}", timestamp.as_nanos()),
    );
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        format!("GET\n/{PATH}\n{timestamp}\n{nonce}\n\n").as_bytes(),
        &mut signature,
    )
    .unwrap();

    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{PATH} HTTP/1.1\r\nhost: {host}\r\naccept: application/json\r\nuser-agent: bare\r\n\
         wechatpay-serial: {}\r\nconnection: close\r\nauthorization: WECHATPAY2-SHA256-RSA2048 \
         mchid=\"{}\",nonce_str=\"{nonce}\",timestamp=\"{timestamp}\",serial_no=\"{}\",signature=\"{}\"\r\n\r\n",
        var("PUB_KEY_ID"),
        var("MCHID"),
        var("SERIAL"),
        STANDARD.encode(signature),
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        values.next().unwrap_or_else(|| panic!("{response}")).1
    };
    let message = format!(
        "{}\n{}\n{body}\n",
        header("wechatpay-timestamp"),
        header("wechatpay-nonce")
    );
    let public = from_pem(&var("PUB_KEY"));
    // ring reads the key without the algorithm around it, which is 24 bytes long for RSA of 2048 bits.
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public[24..])
        .verify(
            message.as_bytes(),
            &STANDARD.decode(header("wechatpay-signature")).unwrap(),
        )
        .unwrap();
    println!("{body}");
}

fn from_pem(path: &str) -> Vec<u8> {
    let pem = fs::read_to_string(path).unwrap();
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}
