//! Measures the documents as data: what the first use costs, and each lookup. Run it with
//! `cargo bench --bench documents --features documents`.
//!
//! The tables are decoded once per process, so the first use is measured in processes of its own.

use std::{
    env,
    process::{Command, exit},
    time::{Duration, Instant},
};

use divan::{AllocProfiler, Bencher, black_box};
use wechatpay_chain::{Checks, Client, Method, Signature, Signer, catalog, json};

// Shows what a lookup allocates: `find`, `request` and `at` nothing.
#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

/// Set in a process that prints the time of its first use.
const FIRST: &str = "WECHATPAY_CHAIN_BENCH_FIRST";

fn main() {
    if env::var_os(FIRST).is_some() {
        let start = Instant::now();
        black_box(catalog::date());
        println!("{}", start.elapsed().as_nanos());
        exit(0);
    }
    // `cargo test --benches` only runs each once.
    if env::args().any(|argument| argument == "--bench") {
        let mut times: Vec<Duration> = (0..50).map(|_| first_use()).collect();
        times.sort();
        println!(
            "first use: {:?} (median of 50 processes), fastest {:?}",
            times[25], times[0]
        );
    }
    divan::main();
}

fn first_use() -> Duration {
    let program = env::current_exe().expect("this program");
    let output = Command::new(program)
        .env(FIRST, "1")
        .output()
        .expect("a process");
    let nanoseconds = String::from_utf8(output.stdout).expect("a number");
    Duration::from_nanos(nanoseconds.trim().parse().expect("a number"))
}

#[divan::bench(args = [
    "v3/pay/transactions/native",
    "v3/pay/transactions/out-trade-no/tea-0001",
    "v3/undocumented/path",
])]
fn find(path: &str) -> Option<&'static catalog::Operation> {
    catalog::find(&Method::POST, black_box(path))
}

#[divan::bench(args = ["/json/amount/total", "/json/detail/goods_detail/*/quantity"])]
fn request_at(bencher: Bencher<'_, '_>, pointer: &str) {
    let native = catalog::find(&Method::POST, "v3/pay/transactions/native").expect("documented");
    bencher.bench(|| native.request().at(black_box(pointer)));
}

#[divan::bench(args = ["out_trade_no", "no_such_field"])]
fn by_field(name: &str) -> usize {
    catalog::by_field(black_box(name)).count()
}

/// The quick start's call, prepared with a signature that costs nothing: the difference is the check.
#[divan::bench(args = [Checks::Off, Checks::Deny])]
fn prepare_with(bencher: Bencher<'_, '_>, checks: &Checks) {
    let client = Client::builder()
        .mchid("1900000109")
        .signer(NoopSigner)
        .no_proxy()
        .check_documents(*checks)
        .build()
        .expect("a client");
    let chain = client.chain("v3/payscore/serviceorder/{out_order_no}/sync");
    let options = json!({
        "out_order_no": "1234323JKHDFE1243252",
        "json": {
            "appid": "wxd678efh567hg6787", "service_id": "500001",
            "type": "Order_Paid", "detail": { "paid_time": "20091225091210" },
        },
    });
    bencher.bench_local(|| chain.prepare(Method::POST, &options).expect("a request"));
}

/// A signer without any work.
struct NoopSigner;

impl Signer for NoopSigner {
    type Error = std::io::Error;

    async fn sign(&self, _message: &[u8]) -> Result<Signature, Self::Error> {
        let serial = "3775B6A45ACD588826D15E583A95F5DD0000FACE";
        Ok(Signature::new(serial, vec![0; 256]))
    }
}

#[divan::bench]
fn all_fields() -> usize {
    fn count(fields: catalog::Fields) -> usize {
        fields.iter().map(|field| 1 + count(field.fields())).sum()
    }
    let operations = catalog::all().iter();
    operations
        .map(|operation| count(operation.request()) + count(operation.response()))
        .sum()
}
