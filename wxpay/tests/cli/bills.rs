//! `wxpay bill`.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::{
    Method, http,
    model::BeijingTime,
    sandbox::{Fault, Sandbox},
};

use crate::{
    files::assert_private,
    program::{Program, Run},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const FILE: &str = "v3/billdownload/file";

/// Two orders were paid on the first of these days, or on the second if it is midnight now.
fn shop() -> (Sandbox, [String; 2]) {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let today = BeijingTime::now();
    let days = [today.date(), (today + DAY).date()];
    for (number, description) in [("tea-0001", "茶, 一杯"), ("tea-0002", "a \"cup\"")] {
        let order = json!({ "json": {
            "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": description,
            "out_trade_no": number, "notify_url": "https://example.com/notify",
            "amount": { "total": 129 },
        }});
        client
            .chain("v3/pay/transactions/native")
            .post(order)
            .unwrap();
        sandbox.user_pays(number).unwrap();
    }
    sandbox.advance(2 * DAY);
    (sandbox, days)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn bill_of_several_days_is_printed_with_its_totals() {
    let (sandbox, [first, last]) = shop();
    let program = Program::with(&sandbox).env("TMPDIR", ".");
    let printed = lines(
        &program
            .run(&["bill", "trade", &first, &last, "--json"])
            .ok(),
    );
    let rows: Vec<_> = printed.iter().filter_map(|line| line.get("row")).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["商户订单号"], "tea-0001");
    assert_eq!(rows[0]["商品名称"], "茶, 一杯");
    let days = printed.iter().filter(|line| line.get("summary").is_some());
    let mut counts: Vec<_> = days.map(|day| day["rows"].as_u64()).collect();
    counts.sort();
    assert_eq!(counts, [Some(0), Some(2)]);
    let totals = printed.last().unwrap();
    assert_eq!((&totals["days"], &totals["rows"]), (&json!(2), &json!(2)));
    assert_eq!(
        totals["totals"]["订单总金额"],
        json!({ "fen": 258, "yuan": "2.58" })
    );
    assert_eq!(totals["totals"]["总交易单数"], 2);

    // A file between the steps is gone.
    let left = fs::read_dir(program.home()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["sandbox"]);

    let run = program.run(&["bill", "trade", &first, &last]);
    assert!(run.stdout.contains(",\"茶, 一杯\","), "{}", run.stdout);
    assert_eq!(run.stdout.lines().count(), 3);
    assert!(run.stderr.contains("no bill, nothing happened on that day"));
    assert!(
        run.stderr.contains("订单总金额: 2.58 yuan, 258 fen"),
        "{}",
        run.stderr
    );
    let run = program
        .in_chinese()
        .run(&["bill", "fundflow", &first, &last, "--csv"]);
    assert!(
        run.stderr.contains("没有账单, 当天没有发生业务"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("收入金额: 2.58 元, 258 分"),
        "{}",
        run.stderr
    );
    assert_eq!(run.ok().lines().count(), 3);
}

#[test]
fn bills_are_kept_and_not_replaced() {
    let (sandbox, [first, last]) = shop();
    let program = Program::with(&sandbox);
    let keep = ["bill", "trade", &first, &last, "--out", "bills"];
    let stdout = program.run(&keep).ok();
    let path = stdout.trim_end().split('\t').next_back().unwrap();
    let path = program.home().join(path);
    let bill = fs::read_to_string(&path).unwrap();
    assert!(
        bill.contains(",`tea-0001,"),
        "the file is as WeChat Pay wrote it"
    );
    assert_private(&path);

    // Nothing is sent for a file that would be replaced.
    fs::write(&path, "mine").unwrap();
    sandbox.clear_requests();
    let err = program.run(&keep).failed(1);
    assert!(err.contains("exists; --force replaces it"), "{err}");
    assert!(sandbox.requests().is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    program.run(&[&keep[..], &["--force"]].concat()).ok();
    assert_eq!(fs::read_to_string(&path).unwrap(), bill);

    program
        .run(&[&keep[..], &["-f", "bill_type=SUCCESS"]].concat())
        .ok();
    assert_eq!(
        fs::read_dir(program.home().join("bills")).unwrap().count(),
        2
    );
}

#[test]
fn mistakes_are_named_before_anything_is_sent() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let bill = |more: &[&str]| program.run(&[&["bill", "trade"], more].concat()).failed(2);
    assert!(bill(&["2025-13-01"]).contains("invalid date `2025-13-01`"));
    assert!(bill(&["2025-11-20", "2025-11-19"]).contains("is before"));
    assert!(bill(&["2025-11-20", "-f", "bill_tpe=ALL"]).contains("bill_type"));
    assert!(bill(&["2025-11-20", "-f", "json.x=1"]).contains("query parameters only"));
    assert!(sandbox.requests().is_empty());
}

#[test]
fn failed_hash_keeps_no_file() {
    let (sandbox, [first, last]) = shop();
    let altered = Fault::Raw {
        status: http::StatusCode::OK,
        headers: http::HeaderMap::new(),
        body: "交易时间\n`1\n".into(),
    };
    sandbox.inject_at(FILE, altered);
    let program = Program::with(&sandbox);
    let run = program.run(&["bill", "trade", &first, &last, "--out", "bills"]);
    let err = run.failed(7);
    assert!(err.contains("SHA-1"), "{err}");
    assert_eq!(
        fs::read_dir(program.home().join("bills")).unwrap().count(),
        0
    );
}

#[cfg(unix)]
#[test]
fn interrupted_bill_leaves_no_file() {
    let (sandbox, [first, last]) = shop();
    let program = Program::with(&sandbox).env("TMPDIR", ".");
    for out in [&["--out", "bills"][..], &[]] {
        sandbox.clear_requests();
        sandbox.inject_at(FILE, Fault::Delay(Duration::from_secs(600)));
        let mut command = program.command(&[&["bill", "trade", &first, &last], out].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while sandbox.requests_to(Method::GET, FILE).is_empty() {
            assert!(child.try_wait().unwrap().is_none(), "the program has ended");
            thread::yield_now();
        }
        let sent = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let run = Run::from(child.wait_with_output().unwrap());
        assert!(run.failed(130).contains("interrupted; nothing was changed"));
        sandbox.clear_faults();
    }
    assert_eq!(
        fs::read_dir(program.home().join("bills")).unwrap().count(),
        0
    );
    let left = fs::read_dir(program.home()).unwrap().flatten();
    let mut left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    left.sort();
    assert_eq!(left, ["bills", "sandbox"]);
}

/// A sandbox whose bill is this text, with its hash.
fn with_bill(text: String) -> Sandbox {
    let sandbox = Sandbox::start().unwrap();
    let folder = Program::new();
    let path = folder.home().join("bill");
    fs::write(&path, &text).unwrap();
    let digest = Command::new("openssl")
        .args(["dgst", "-sha1", "-r"])
        .arg(&path)
        .output()
        .unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap();
    let answer = json!({
        "hash_type": "SHA1",
        "hash_value": digest.split(' ').next().unwrap(),
        "download_url": format!("{}{FILE}?token=1", sandbox.base_uri()),
    });
    sandbox
        .respond(Method::GET, "v3/bill/tradebill", answer)
        .unwrap();
    let file = Fault::Raw {
        status: http::StatusCode::OK,
        headers: http::HeaderMap::new(),
        body: text.into(),
    };
    sandbox.inject_at(FILE, file);
    sandbox
}

const COLUMNS: &str = "交易时间,商户订单号,订单金额";

#[test]
fn rows_that_cannot_be_read_are_counted_and_the_others_printed() {
    let sandbox = with_bill(format!(
        "{COLUMNS}\n`2025-11-20 10:00:00,`tea-0001,`1.29\n`2025-11-20 10:00:01,`tea-0002\n`2025-11-20 10:00:02,`tea-0003,`1.29\n"
    ));
    let program = Program::with(&sandbox);
    let run = program.run(&["bill", "trade", "2025-11-20"]);
    assert_eq!(
        run.stdout,
        format!(
            "{COLUMNS}\r\n2025-11-20 10:00:00,tea-0001,1.29\r\n2025-11-20 10:00:02,tea-0003,1.29\r\n"
        )
    );
    let err = run.failed(1);
    assert!(err.contains("2025-11-20: line 3"), "{err}");
    assert!(err.contains("the bill has no summary"), "{err}");
    assert!(err.contains("rows that could not be read: 1"), "{err}");
}

#[test]
fn reader_that_goes_away_is_no_failure() {
    let row = "`2025-11-20 10:00:00,`tea-0001,`1.29\n";
    let sandbox = with_bill(format!("{COLUMNS}\n{}", row.repeat(100_000)));
    let program = Program::with(&sandbox);
    let mut command = program.command(&["bill", "trade", "2025-11-20"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut first).unwrap();
    assert_eq!(first, format!("{COLUMNS}\r\n"));
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}
