//! `wxpay sandbox`: its configuration, its data file, and what survives a kill.

mod addresses;
#[cfg(target_os = "linux")]
mod disks;
#[cfg(unix)]
mod snippets;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;
use wechatpay_chain::{Client, PrivateKey, PublicKey, RetryPolicy, json};

use crate::program::Program;

/// A running `wxpay sandbox`, which is killed on drop.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it printed: its addresses and merchants.
    pub(crate) banner: Value,
}

impl Server {
    /// Starts a sandbox on a free port, and waits until it listens.
    pub(crate) fn start(program: &Program, arguments: &[&str]) -> Self {
        let keys = program.home().join("keys");
        let mut all = vec!["--json", "sandbox", "--port", "0", "--keys"];
        all.push(keys.to_str().unwrap());
        all.extend(arguments);
        Self::of(&mut program.command(&all))
    }

    /// Runs a command that starts a sandbox with `--json`.
    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Self {
            banner: serde_json::from_str(&line).expect("a sandbox says where it listens"),
            child,
            stdout,
        }
    }

    pub(crate) fn base_uri(&self) -> &str {
        self.banner["base_uri"].as_str().unwrap()
    }

    pub(crate) fn mchid(&self) -> &str {
        self.banner["merchants"][0].as_str().unwrap()
    }

    /// Returns a client with the keys in the program's home.
    fn client(&self, program: &Program) -> Client {
        let folder = program.home().join("keys").join(self.mchid());
        let config = fs::read_to_string(folder.join("config.json")).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        let text = |name: &str| config[name].as_str().unwrap().to_owned();
        Client::builder()
            .base_uri(self.base_uri())
            .no_proxy()
            .retry(RetryPolicy::none())
            .mchid(text("mchid"))
            .serial(text("serial"))
            .private_key(PrivateKey::from_pem_file(folder.join("apiclient_key.pem")).unwrap())
            .platform_key(
                text("platform_key_id"),
                PublicKey::from_pem_file(folder.join("pub_key.pem")).unwrap(),
            )
            .build()
            .unwrap()
    }

    /// Ends the sandbox as `kill -9` does.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pays an order as a customer, over HTTP.
fn pay(server: &Server, number: &str) -> bool {
    let url = format!("{}_sandbox/v1/orders/{number}/pay", server.base_uri());
    ureq::post(&url).send_empty().is_ok()
}

fn native(server: &Server, number: &str) -> Value {
    json!({ "json": {
        "appid": "wxd678efh567hg6787",
        "mchid": server.mchid(),
        "description": "tea",
        "out_trade_no": number,
        "notify_url": "http://127.0.0.1:9/notify",
        "amount": { "total": 100 },
    }})
}

/// What the sandbox acknowledged, by number.
#[derive(Default)]
struct Acknowledged {
    orders: Mutex<BTreeSet<String>>,
    paid: Mutex<BTreeSet<String>>,
    refunds: Mutex<BTreeSet<String>>,
    transfers: Mutex<BTreeSet<String>>,
}

impl Acknowledged {
    /// Orders, pays, refunds and transfers until it is told to stop, or the sandbox is gone.
    fn load(&self, server: &Server, client: &Client, next: &AtomicU32, stop: &AtomicBool) {
        let add = |numbers: &Mutex<BTreeSet<String>>, number: &str| {
            numbers.lock().unwrap().insert(number.to_owned());
        };
        while !stop.load(Ordering::Relaxed) {
            let number = format!("kill-{:06}", next.fetch_add(1, Ordering::Relaxed));
            let order = native(server, &number);
            if client
                .chain("v3/pay/transactions/native")
                .post(order)
                .is_err()
            {
                continue;
            }
            add(&self.orders, &number);
            if !pay(server, &number) {
                continue;
            }
            add(&self.paid, &number);
            let refund = json!({ "json": {
                "out_trade_no": number, "out_refund_no": number,
                "amount": { "refund": 30, "total": 100, "currency": "CNY" },
            }});
            if client
                .chain("v3/refund/domestic/refunds")
                .post(refund)
                .is_ok()
            {
                add(&self.refunds, &number);
            }
            let bill = number.replace('-', "");
            let transfer = json!({ "json": {
                "appid": "wxd678efh567hg6787", "out_bill_no": bill, "transfer_scene_id": "1000",
                "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "transfer_amount": 50, "transfer_remark": "tea",
                "transfer_scene_report_infos": [
                    { "info_type": "活动名称", "info_content": "tea" },
                    { "info_type": "奖励说明", "info_content": "tea" },
                ],
            }});
            let transfers = client.chain("v3/fund-app/mch-transfer/transfer-bills");
            if transfers.post(transfer).is_ok() {
                add(&self.transfers, &bill);
            }
        }
    }

    /// Checks that everything is there, with what it moved.
    fn check(&self, server: &Server, client: &Client) {
        for number in self.orders.lock().unwrap().iter() {
            let order: Value = client
                .chain("v3/pay/transactions/out-trade-no/{out_trade_no}")
                .get(json!({ "out_trade_no": number, "query": { "mchid": server.mchid() } }))
                .unwrap_or_else(|err| panic!("{number}: {err}"))
                .json()
                .unwrap();
            // Refunds that are under way have not changed the state yet.
            if self.paid.lock().unwrap().contains(number) {
                let state = order["trade_state"].as_str().unwrap();
                assert!(["SUCCESS", "REFUND"].contains(&state), "{number}: {state}");
            }
        }
        for number in self.refunds.lock().unwrap().iter() {
            let refund: Value = client
                .chain("v3/refund/domestic/refunds/{out_refund_no}")
                .get(json!({ "out_refund_no": number }))
                .unwrap_or_else(|err| panic!("refund {number}: {err}"))
                .json()
                .unwrap();
            assert_eq!(refund["amount"]["refund"], 30);
            // The same again is the same refund: nothing moves twice.
            let again: Value = client
                .chain("v3/refund/domestic/refunds")
                .post(json!({ "json": {
                    "out_trade_no": number, "out_refund_no": number,
                    "amount": { "refund": 30, "total": 100, "currency": "CNY" },
                }}))
                .unwrap()
                .json()
                .unwrap();
            assert_eq!(again["refund_id"], refund["refund_id"], "{number}");
        }
        for number in self.transfers.lock().unwrap().iter() {
            let path = "v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}";
            let bill: Value = client
                .chain(path)
                .get(json!({ "out_bill_no": number }))
                .unwrap_or_else(|err| panic!("transfer {number}: {err}"))
                .json()
                .unwrap();
            assert_eq!(bill["transfer_amount"], 50);
        }
    }
}

/// `WXPAY_KILLS` says how often; `.ci/long kills` sets it to 100.
#[test]
fn kills_under_load_lose_nothing_that_was_acknowledged() {
    let kills: u64 = std::env::var("WXPAY_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let program = Program::new();
    let arguments = ["--data", "sandbox.db"];
    let next = AtomicU32::new(0);
    let mut acknowledged = [0; 4];
    // A simple generator: the moments of the kills differ, and are the same in each run.
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    for _ in 0..kills {
        let known = Acknowledged::default();
        let mut server = Server::start(&program, &arguments);
        let client = server.client(&program);
        let stop = AtomicBool::new(false);
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let until = next.load(Ordering::Relaxed) + 1 + u32::try_from(seed % 24).unwrap();
        let pid = server.child.id();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| known.load(&server, &client, &next, &stop));
            }
            while next.load(Ordering::Relaxed) < until {
                thread::sleep(Duration::from_millis(1));
            }
            // From outside, since the threads borrow the server.
            let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
            assert!(killed.unwrap().success());
            stop.store(true, Ordering::Relaxed);
        });
        server.kill();
        let server = Server::start(&program, &arguments);
        known.check(&server, &server.client(&program));
        let kinds = [known.orders, known.paid, known.refunds, known.transfers];
        for (sum, known) in acknowledged.iter_mut().zip(kinds) {
            *sum += known.into_inner().unwrap().len();
        }
    }
    println!("{kills} kills; orders, payments, refunds, transfers acknowledged: {acknowledged:?}");
    assert!(!acknowledged.contains(&0), "{acknowledged:?}");
}

#[test]
fn state_survives_a_restart_with_data_and_ends_without() {
    let program = Program::new();
    for (arguments, survives) in [(&["--data", "sandbox.db"][..], true), (&[], false)] {
        let mut server = Server::start(&program, arguments);
        let order = native(&server, "tea-0001");
        let client = server.client(&program);
        client
            .chain("v3/pay/transactions/native")
            .post(order)
            .unwrap();
        server.kill();
        // What SQLite leaves behind does not stop the next one.
        let rest = program.home().join("sandbox.db-wal");
        assert!(rest.exists() || !survives);
        let server = Server::start(&program, arguments);
        let found = server
            .client(&program)
            .chain("v3/pay/transactions/out-trade-no/tea-0001")
            .get(json!({ "query": { "mchid": server.mchid() } }));
        assert_eq!(found.is_ok(), survives);
    }
}

#[test]
fn data_file_belongs_to_one_sandbox_and_to_this_program() {
    let program = Program::new();
    let server = Server::start(&program, &["--data", "sandbox.db"]);
    let keys = program.home().join("others");
    let sandbox = |data: &Path| {
        let arguments = [
            "sandbox",
            "--port",
            "0",
            "--keys",
            keys.to_str().unwrap(),
            "--data",
        ];
        let arguments = [&arguments[..], &[data.to_str().unwrap()]].concat();
        program.run(&arguments).failed(3)
    };
    let taken = sandbox(Path::new("sandbox.db"));
    assert!(taken.contains("another sandbox uses it"), "{taken}");
    drop(server);
    fs::write(
        program.home().join("letter.db"),
        "Dear sir or madam, this is not a database at all.",
    )
    .unwrap();
    let foreign = sandbox(Path::new("letter.db"));
    assert!(
        foreign.contains("letter.db: it is no database"),
        "{foreign}"
    );
    for (file, id, expected) in [
        ("newer.db", 0x7778_7002, "a newer version of wxpay wrote it"),
        ("other.db", 0x7778_7101, "a database of another program"),
    ] {
        let other = rusqlite::Connection::open(program.home().join(file)).unwrap();
        other.pragma_update(None, "application_id", id).unwrap();
        drop(other);
        let refused = sandbox(Path::new(file));
        assert!(refused.contains(expected), "{refused}");
    }
    for (path, reason) in [
        ("missing/sandbox.db", "No such file or directory"),
        (".", "Is a directory"),
    ] {
        let refused = sandbox(Path::new(path));
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn configuration_is_printed_for_each_language() {
    let program = Program::new();
    let server = Server::start(
        &program,
        &["--merchant", "1900000109", "--merchant", "1900000110"],
    );
    assert_eq!(
        server.banner["merchants"],
        json!(["1900000109", "1900000110"])
    );
    let keys = program.home().join("keys");
    for language in ["rust", "php", "node", "python", "go", "java"] {
        let config = |more: &[&str]| {
            let arguments = [
                "sandbox",
                "config",
                "--for",
                language,
                "--keys",
                keys.to_str().unwrap(),
            ];
            program.run(&[&arguments[..], more].concat())
        };
        let first = config(&[]).ok();
        assert!(
            first.contains("1900000109") && !first.contains("1900000110"),
            "{first}"
        );
        assert!(
            !first.contains('{') || !first.contains("{mchid}"),
            "{first}"
        );
        assert!(
            config(&["--mchid", "1900000110"])
                .ok()
                .contains("1900000110")
        );
        let unknown = config(&["--mchid", "1900000111"]).failed(3);
        assert!(unknown.contains("no merchant"), "{unknown}");
    }
    let program = program.in_chinese();
    let wrong = program.run(&["sandbox", "--merchant", "x"]).failed(2);
    assert!(wrong.contains("商户 `x` 无效"), "{wrong}");
}

#[test]
fn calls_take_the_keys_of_a_running_sandbox() {
    let program = Program::new();
    let mut server = Server::start(&program, &[]);
    let sandbox = format!("--sandbox={}", server.base_uri());
    let echo = [
        "post",
        "v3/security/echo",
        "-f",
        "echo_message=hello",
        &sandbox,
    ];
    assert_eq!(program.run(&echo).ok(), r#"{"echo_message":"hello"}"#);
    let gone = server.base_uri().to_owned();
    server.kill();
    let mut rest = String::new();
    server.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    let absent = program
        .run(&["get", "v3/certificates", &format!("--sandbox={gone}")])
        .failed(4);
    assert!(absent.contains("no sandbox at"), "{absent}");
}
