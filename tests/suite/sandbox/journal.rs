//! Sandboxes that go on where another was killed: what they answer, and what they send.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Error, Method, RetryPolicy,
    sandbox::{
        DeliveryState, Fault, Injection, MerchantOptions, PlatformMode, RefundFailure, Rotation,
        Sandbox, SandboxBuilder,
    },
};

use super::control;
use crate::fixtures::scratch::Scratch;

const MCHID: &str = "1900000109";
const OPENID: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

/// A journal in memory, and the keys of its sandboxes.
struct Kept {
    entries: Arc<Mutex<Vec<Vec<u8>>>>,
    is_full: Arc<AtomicBool>,
    scratch: Scratch,
}

impl Kept {
    fn new() -> Self {
        Self {
            entries: Arc::default(),
            is_full: Arc::default(),
            scratch: Scratch::new(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.scratch.file("keys")
    }

    fn entries(&self) -> Vec<Vec<u8>> {
        self.entries.lock().unwrap().clone()
    }

    fn builder(&self) -> SandboxBuilder {
        let past: Vec<_> = self.entries().into_iter().map(Ok).collect();
        self.with_past(past)
    }

    fn with_past(&self, past: Vec<io::Result<Vec<u8>>>) -> SandboxBuilder {
        let (entries, is_full) = (Arc::clone(&self.entries), Arc::clone(&self.is_full));
        let append = move |entry: &[u8]| {
            if is_full.load(Ordering::Relaxed) {
                return Err(io::Error::other("no space left on device"));
            }
            entries.lock().unwrap().push(entry.to_vec());
            Ok(())
        };
        let builder = Sandbox::builder().mchid(MCHID).keys(self.folder());
        builder
            .settle_after(Some(Duration::ZERO))
            .journal(past, append)
    }

    fn start(&self) -> Sandbox {
        self.builder().start().unwrap()
    }
}

fn client(sandbox: &Sandbox) -> Client {
    let once = RetryPolicy::default().attempts(1);
    sandbox.client_builder().retry(once).build().unwrap()
}

/// Orders a payment and returns its `code_url`.
fn order(client: &Client, number: &str, notify_url: &str) -> Value {
    let native = client.chain("v3/pay/transactions/native");
    let response = native.post(json!({ "json": {
        "appid": "wxd678efh567hg6787",
        "mchid": MCHID,
        "description": "tea",
        "out_trade_no": number,
        "notify_url": notify_url,
        "amount": { "total": 100 },
    }}));
    response.unwrap().json::<Value>().unwrap()["code_url"].take()
}

/// Pays an order on the customer's phone, and returns the status.
fn pay(sandbox: &Sandbox, code_url: &Value) -> String {
    act(sandbox, "phone/pay", "", &json!({ "code_url": code_url }))
}

/// Sends a control request, and returns the status.
fn act(sandbox: &Sandbox, path: &str, headers: &str, body: &Value) -> String {
    let body = body.to_string();
    let base_uri = sandbox.base_uri();
    let address = base_uri.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "POST /_sandbox/v1/{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response[9..12].to_owned()
}

fn refund(client: &Client, number: &str) {
    let refunds = client.chain("v3/refund/domestic/refunds");
    let refund = refunds.post(json!({ "json": {
        "out_trade_no": number,
        "out_refund_no": format!("{number}-r"),
        "amount": { "refund": 30, "total": 100, "currency": "CNY" },
    }}));
    refund.unwrap();
}

fn transfer(client: &Client, number: &str) {
    let transfers = client.chain("v3/fund-app/mch-transfer/transfer-bills");
    let transfer = transfers.post(json!({ "json": {
        "appid": "wxd678efh567hg6787",
        "out_bill_no": number,
        "transfer_scene_id": "1000",
        "openid": OPENID,
        "transfer_amount": 400,
        "transfer_remark": "tea",
        "transfer_scene_report_infos": [
            { "info_type": "活动名称", "info_content": "新会员有礼" },
            { "info_type": "奖励说明", "info_content": "注册会员抽奖一等奖" },
        ],
    }}));
    transfer.unwrap();
}

/// The answers to queries of what these numbers name.
fn answers(client: &Client, numbers: &[String]) -> BTreeMap<String, Value> {
    let mut answers = BTreeMap::new();
    for number in numbers {
        for path in [
            format!("v3/pay/transactions/out-trade-no/{number}"),
            format!("v3/refund/domestic/refunds/{number}-r"),
            format!("v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{number}"),
        ] {
            let query = json!({ "query": { "mchid": MCHID } });
            let options = match path.starts_with("v3/pay") {
                true => query,
                false => json!({}),
            };
            let answer = match client.chain(&path).get(options) {
                Ok(response) => response.json().unwrap(),
                Err(err) => err.api().unwrap().status().as_u16().into(),
            };
            answers.insert(path, answer);
        }
    }
    answers
}

#[test]
fn reopened_sandbox_gives_the_same_answers() {
    let kept = Kept::new();
    let numbers: Vec<_> = (0..6).map(|number| format!("tea{number:04}")).collect();
    let shop = |number: usize| numbers[number].as_str();
    let sandbox = kept.start();
    let merchants = client(&sandbox);
    let url = "https://example.com/notify";
    for number in 0..4 {
        let code_url = order(&merchants, shop(number), url);
        if number < 2 {
            assert_eq!(pay(&sandbox, &code_url), "200");
            assert_ne!(pay(&sandbox, &code_url), "200");
        }
    }
    refund(&merchants, shop(0));
    let close = format!("v3/pay/transactions/out-trade-no/{}/close", shop(2));
    let closed = merchants
        .chain(&close)
        .post(json!({ "json": { "mchid": MCHID } }));
    closed.unwrap();
    transfer(&merchants, shop(4));
    transfer(&merchants, shop(5));
    let bills = "v3/fund-app/mch-transfer/transfer-bills/out-bill-no";
    let cancel = format!("{bills}/{}/cancel", shop(5));
    merchants.chain(&cancel).post(json!({})).unwrap();

    // Before and after the journal of the journal.
    let known = answers(&merchants, &numbers);
    let states = known.values().filter_map(|answer| {
        ["trade_state", "status", "state"]
            .iter()
            .find_map(|name| answer[name].as_str())
    });
    let states: Vec<_> = states.collect();
    for state in ["REFUND", "SUCCESS", "CLOSED", "NOTPAY", "WAIT_USER_CONFIRM"] {
        assert!(states.contains(&state), "{state}: {states:?}");
    }
    let balance = sandbox.balance(MCHID).unwrap();
    let mut recorded = kept.entries().len();
    answers(&merchants, &numbers);
    assert_eq!(kept.entries().len(), recorded, "a query is no entry");
    drop(sandbox);
    for _ in 0..2 {
        let again = kept.start();
        // The start is one.
        recorded += 1;
        assert_eq!(answers(&client(&again), &numbers), known);
        assert_eq!(again.balance(MCHID).unwrap(), balance);
        assert_eq!(kept.entries().len(), recorded);
    }
    // The next number differs from all of before.
    let again = kept.start();
    let code_url = order(&client(&again), "tea-next", url);
    assert_eq!(pay(&again, &code_url), "200");
    let next = answers(&client(&again), &["tea-next".to_owned()]);
    let id = |answer: &Value| answer["transaction_id"].as_str().map(str::to_owned);
    let next = next.values().find_map(id).unwrap();
    assert!(known.values().filter_map(id).all(|known| known != next));
}

#[test]
fn reopened_sandbox_knows_when_states_changed() {
    let kept = Kept::new();
    let sandbox = kept.start();
    let merchant = client(&sandbox);
    let code_url = order(&merchant, "tea-0001", "https://example.com/notify");
    assert_eq!(pay(&sandbox, &code_url), "200");
    refund(&merchant, "tea-0001");
    let seen = |sandbox: &Sandbox| {
        let shown = control::ok(sandbox, "GET", "orders/tea-0001", &Value::Null);
        let mut entries = shown["timeline"].as_array().unwrap().clone();
        // The log of requests is not kept.
        entries.retain(|entry| matches!(entry["kind"].as_str(), Some("state" | "refund")));
        let times = entries.iter().map(|entry| entry["at_ms"].as_u64().unwrap());
        // A journal has seconds.
        let seconds: Vec<_> = times.map(|at| at / 1_000).collect();
        for entry in &mut entries {
            entry["at_ms"].take();
        }
        (entries, seconds)
    };
    let known = seen(&sandbox);
    assert_eq!(known.0.len(), 5);
    drop(sandbox);
    assert_eq!(seen(&kept.start()), known);
}

#[test]
fn request_that_was_sent_before_is_not_carried_out_again() {
    let kept = Kept::new();
    let sandbox = kept.start();
    order(&client(&sandbox), "tea-0001", "https://example.com/notify");
    let request = &sandbox.requests()[0];
    let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    let repeated = format!(
        "POST {} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nAuthorization: {}\r\nAccept: {}\r\n\
         User-Agent: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
        request.path(),
        header("authorization"),
        header("accept"),
        header("user-agent"),
        header("content-type"),
        request.body().len(),
        String::from_utf8_lossy(request.body()),
    );
    drop(sandbox);
    let again = kept.start();
    let base_uri = again.base_uri();
    let address = base_uri.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let repeated = repeated.replace("HOST", address);
    stream.write_all(repeated.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
}

#[test]
fn every_acknowledged_change_of_eight_threads_is_kept_once() {
    let kept = Kept::new();
    let sandbox = kept.start();
    let numbers: Vec<_> = thread::scope(|scope| {
        let sandbox = &sandbox;
        let work = |thread: usize| {
            move || {
                let client = client(sandbox);
                let numbers: Vec<_> = (0..6).map(|nth| format!("tea{thread}x{nth}")).collect();
                for number in &numbers {
                    let code_url = order(&client, number, "https://example.com/notify");
                    assert_eq!(pay(sandbox, &code_url), "200");
                    refund(&client, number);
                    transfer(&client, number);
                }
                numbers
            }
        };
        let working: Vec<_> = (0..8).map(|thread| scope.spawn(work(thread))).collect();
        let worked = working.into_iter().flat_map(|work| work.join().unwrap());
        worked.collect()
    });
    let known = answers(&client(&sandbox), &numbers);
    assert_eq!(known.len(), 3 * 48);
    assert!(known.values().all(Value::is_object));
    let balance = sandbox.balance(MCHID).unwrap();
    drop(sandbox);
    let again = kept.start();
    assert_eq!(answers(&client(&again), &numbers), known);
    assert_eq!(again.balance(MCHID).unwrap(), balance);
}

#[test]
fn damaged_entry_is_named() {
    let kept = Kept::new();
    let sandbox = kept.start();
    order(&client(&sandbox), "tea-0001", "https://example.com/notify");
    drop(sandbox);
    let entries = kept.entries();
    let last = entries.len() - 1;
    let whole = || entries.iter().cloned().map(Ok).collect::<Vec<_>>();
    let refused = |past: Vec<io::Result<Vec<u8>>>, words: [&str; 2]| {
        let refused = kept.with_past(past).start().unwrap_err();
        assert!(refused.is_config(), "{refused}");
        for word in words {
            assert!(refused.to_string().contains(word), "{refused}");
        }
    };
    let named = format!("entry {last} ");
    for length in 0..entries[last].len() {
        let mut past = whole();
        past[last] = Ok(entries[last][..length].to_vec());
        refused(past, [&named, "is damaged"]);
    }
    let mut past = whole();
    past[last].as_mut().unwrap()[20] ^= 1;
    refused(past, [&named, "is damaged"]);
    let mut past = whole();
    past[last] = Err(io::Error::other("disk"));
    refused(past, [&named, "cannot be read"]);
    let mut past = whole();
    drop(past.remove(0));
    refused(past, ["entry 0 ", "is out of place"]);
    // Other keys.
    let mut builder = Sandbox::builder().mchid(MCHID);
    builder = builder.journal(whole(), |_: &[u8]| Ok(()));
    let other = builder.start().unwrap_err().to_string();
    assert!(other.contains(MCHID) && other.contains("keys"), "{other}");
    assert_eq!(kept.entries(), entries, "a failed start adds nothing");
    kept.start();
}

#[test]
fn sandbox_whose_journal_fails_answers_nothing_more() {
    let kept = Kept::new();
    let sandbox = kept.start();
    let client = client(&sandbox);
    order(&client, "tea-0001", "https://example.com/notify");
    kept.is_full.store(true, Ordering::Relaxed);
    let query = || {
        let path = "v3/pay/transactions/out-trade-no/tea-0001";
        client
            .chain(path)
            .get(json!({ "query": { "mchid": MCHID } }))
    };
    query().unwrap();
    let native = client.chain("v3/pay/transactions/native");
    let refused = native.post(json!({ "json": {
        "appid": "wxd678efh567hg6787",
        "mchid": MCHID,
        "description": "tea",
        "out_trade_no": "tea-0002",
        "notify_url": "https://example.com/notify",
        "amount": { "total": 100 },
    }}));
    kept.is_full.store(false, Ordering::Relaxed);
    for refused in [refused.unwrap_err(), query().unwrap_err()] {
        let api = refused.api().unwrap();
        assert_eq!((api.status().as_u16(), api.code()), (500, "SYSTEM_ERROR"));
        let message = api.message();
        assert!(message.contains("no space left on device"), "{message}");
    }
    let recorded = kept.entries().len();
    drop(sandbox);
    let again = kept.start();
    assert_eq!(kept.entries().len(), recorded + 1);
    assert_eq!(again.order_state("tea-0001").as_deref(), Some("NOTPAY"));
    assert_eq!(again.order_state("tea-0002"), None);
}

#[test]
fn methods_that_the_journal_would_not_have_are_refused() {
    let kept = Kept::new();
    let sandbox = kept.start();
    let client = client(&sandbox);
    order(&client, "tea-0001", "https://example.com/notify");
    let refused = [
        sandbox.user_fails("tea-0001").unwrap_err(),
        sandbox.redirect_notifications(None).unwrap_err(),
        sandbox
            .add_merchant(MerchantOptions::new("1900000110"))
            .unwrap_err(),
    ];
    for refused in refused {
        assert!(refused.to_string().contains("/_sandbox/v1/"), "{refused}");
    }
    let query = || {
        let path = "v3/pay/transactions/out-trade-no/tea-0001";
        client
            .chain(path)
            .get(json!({ "query": { "mchid": MCHID } }))
    };
    query().unwrap();
    // It cannot return an error.
    sandbox.advance(Duration::from_secs(1));
    let refused = query().unwrap_err();
    let message = refused.api().unwrap().message().to_owned();
    assert!(message.contains("/_sandbox/v1/"), "{message}");
}

#[test]
fn every_act_of_the_handle_is_refused_and_nothing_else_is_lost() {
    let kept = Kept::new();
    let sandbox = kept.start();
    let client = client(&sandbox);
    let (none, params) = ("x", json!({}));
    let acts: Vec<(&str, Result<(), Error>)> = vec![
        ("user_pays", sandbox.user_pays(none)),
        ("phone_pays", sandbox.phone_pays(&params)),
        ("user_fails", sandbox.user_fails(none)),
        ("order_expires", sandbox.order_expires(none)),
        ("user_enters_password", sandbox.user_enters_password(none)),
        (
            "user_pays_with_coupon",
            sandbox.user_pays_with_coupon(none, none),
        ),
        ("refund_succeeds", sandbox.refund_succeeds(none)),
        (
            "refund_fails",
            sandbox.refund_fails(none, RefundFailure::Abnormal),
        ),
        ("user_confirms", sandbox.user_confirms(none)),
        ("user_opens_permission", sandbox.user_opens_permission(none)),
        (
            "user_closes_permission",
            sandbox.user_closes_permission(none),
        ),
        ("user_signs_plan", sandbox.user_signs_plan(none)),
        ("user_cancels_plan", sandbox.user_cancels_plan(none)),
        (
            "service_binding_is_approved",
            sandbox.service_binding_is_approved(none),
        ),
        (
            "service_binding_is_rejected",
            sandbox.service_binding_is_rejected(none, none),
        ),
        ("user_signs", sandbox.user_signs(none)),
        ("user_terminates", sandbox.user_terminates(none)),
        (
            "user_confirms_transfer",
            sandbox.user_confirms_transfer(none),
        ),
        ("transfer_succeeds", sandbox.transfer_succeeds(none)),
        (
            "transfer_fails",
            sandbox.transfer_fails(none, "PAYEE_ACCOUNT_ABNORMAL"),
        ),
        ("transfer_is_cancelled", sandbox.transfer_is_cancelled(none)),
        (
            "user_authorizes_transfers",
            sandbox.user_authorizes_transfers(none),
        ),
        (
            "user_ends_authorization",
            sandbox.user_ends_authorization(none),
        ),
        ("batch_finishes", sandbox.batch_finishes(none)),
        ("batch_closes", sandbox.batch_closes(none, "OVERDUE_CLOSE")),
        (
            "batch_transfer_fails",
            sandbox.batch_transfer_fails(none, "TRANSFER_RISK"),
        ),
        ("sharing_finishes", sandbox.sharing_finishes(none)),
        (
            "share_fails",
            sandbox.share_fails(none, none, "ACCOUNT_ABNORMAL"),
        ),
        (
            "sharing_return_finishes",
            sandbox.sharing_return_finishes(none),
        ),
        ("user_opens_red_packet", sandbox.user_opens_red_packet(none)),
        ("applyment_passes", sandbox.applyment_passes(none).map(drop)),
        (
            "applyment_advances",
            sandbox.applyment_advances(none).map(drop),
        ),
        (
            "applyment_rejected",
            sandbox.applyment_rejected(none, "store_name", none),
        ),
        ("applyment_fails", sandbox.applyment_fails(none)),
        ("applyment_is_canceled", sandbox.applyment_is_canceled(none)),
        (
            "settlement_change_succeeds",
            sandbox.settlement_change_succeeds(none),
        ),
        (
            "settlement_change_fails",
            sandbox.settlement_change_fails(none, none),
        ),
        (
            "user_complains",
            sandbox.user_complains(none, none).map(drop),
        ),
        (
            "user_asks_for_refund",
            sandbox.user_asks_for_refund(none, 1, none).map(drop),
        ),
        ("user_asks_again", sandbox.user_asks_again(none, none)),
        (
            "user_complains_again",
            sandbox.user_complains_again(none, none),
        ),
        (
            "user_withdraws_complaint",
            sandbox.user_withdraws_complaint(none),
        ),
        ("user_waits_for_answer", sandbox.user_waits_for_answer(none)),
    ];
    for (name, result) in &acts {
        let refused = result.as_ref().expect_err(name).to_string();
        assert!(refused.contains("/_sandbox/v1/"), "{name}: {refused}");
    }
    // A new act belongs into the list.
    let named: BTreeSet<_> = acts.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named, acts_of_the_source());
    let others = [
        (
            "notify_to",
            sandbox
                .notify_to(MCHID, "REFUND.SUCCESS", json!({}), "http://127.0.0.1:9/")
                .map(drop),
        ),
        ("resend", sandbox.resend(none)),
        ("duplicate", sandbox.duplicate(none)),
        ("restore", sandbox.restore(&sandbox.snapshot())),
        (
            "rotate_certificates",
            sandbox.rotate_certificates(MCHID, Rotation::New),
        ),
        (
            "platform_mode",
            sandbox.platform_mode(MCHID, PlatformMode::Both),
        ),
        (
            "respond",
            sandbox.respond(Method::GET, "v3/certificates", json!({})),
        ),
        (
            "inject_with",
            sandbox.inject_with(Injection::new(Fault::Probe)),
        ),
    ];
    for (name, result) in others {
        let refused = result.expect_err(name).to_string();
        assert!(refused.contains("/_sandbox/v1/"), "{name}: {refused}");
    }
    // It goes on, and so does the next one.
    order(&client, "tea-0001", "https://example.com/notify");
    drop(sandbox);
    assert_eq!(
        kept.start().order_state("tea-0001").as_deref(),
        Some("NOTPAY")
    );
}

/// Returns the methods of the handle that return an error if the rules refuse an act.
fn acts_of_the_source() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox/handle/acts");
    let mut acts = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for method in text.split("\n    pub fn ").skip(1) {
            let (head, _) = method.split_once('{').unwrap();
            let (name, _) = head.split_once('(').unwrap();
            if head.contains("-> Result<") {
                acts.insert(name.to_owned());
            }
        }
    }
    acts
}

#[test]
fn control_requests_are_entries_without_their_token() {
    const TOKEN: &str = "a token of this test";
    let token = TOKEN.replace(' ', "-");
    let kept = Kept::new();
    let start = |token: &str| kept.builder().control_token(token).start().unwrap();
    let sandbox = start(&token);
    let url = "https://example.com/notify";
    for number in ["tea-paid", "tea-open", "tea-late"] {
        order(&client(&sandbox), number, url);
    }
    let right = format!("Authorization: Bearer {token}\r\n");
    let none = json!({});
    let pay = |headers: &str, number: &str| {
        act(&sandbox, &format!("orders/{number}/pay"), headers, &none)
    };
    assert!(pay(&right, "tea-paid").starts_with('2'));
    // Who was refused then is refused again, though the token is not compared.
    assert_eq!(pay("", "tea-open"), "401");
    let advance = json!({ "advance_s": 8 * 24 * 3600 });
    assert!(act(&sandbox, "clock", &right, &advance).starts_with('2'));
    let states = |sandbox: &Sandbox| {
        let numbers = ["tea-paid", "tea-open", "tea-late"].iter();
        numbers
            .map(|number| sandbox.order_state(number))
            .collect::<Vec<_>>()
    };
    let known = states(&sandbox);
    assert_eq!(known[0].as_deref(), Some("SUCCESS"));
    assert_ne!(known[1].as_deref(), Some("SUCCESS"));
    drop(sandbox);
    for entry in kept.entries() {
        let has_token = entry
            .windows(token.len())
            .any(|part| part == token.as_bytes());
        assert!(!has_token);
    }
    assert_eq!(states(&start("another-token-of-this-test")), known);
}

/// A receiver of notifications: it acknowledges those of one path and refuses the others.
struct Receiver {
    origin: String,
    arrived: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let arrived: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&arrived);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                let mut bytes = [0; 4096];
                let text = loop {
                    let read = stream.read(&mut bytes).unwrap();
                    request.extend_from_slice(&bytes[..read]);
                    let text = String::from_utf8_lossy(&request).into_owned();
                    // The body is JSON of one object.
                    if read == 0 || text.contains("\r\n\r\n") && text.ends_with('}') {
                        break text;
                    }
                };
                let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                let status = match path.as_str() {
                    "/good" => "204 No Content",
                    _ => "500 Internal Server Error",
                };
                seen.lock().unwrap().push(path);
                let response = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                let _ = stream.write_all(response.as_bytes());
            }
        });
        Self { origin, arrived }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.origin)
    }

    fn arrivals(&self, path: &str) -> usize {
        let arrived = self.arrived.lock().unwrap();
        arrived.iter().filter(|known| *known == path).count()
    }
}

#[test]
fn acknowledged_notification_is_not_sent_again() {
    let (kept, receiver) = (Kept::new(), Receiver::start());
    let sandbox = kept.start();
    for path in ["good", "bad"] {
        let code_url = order(
            &client(&sandbox),
            &format!("tea-{path}"),
            &receiver.url(path),
        );
        assert_eq!(pay(&sandbox, &code_url), "200");
    }
    sandbox.settle().unwrap();
    assert_eq!(receiver.arrivals("/good"), 1);
    drop(sandbox);

    let again = kept.start();
    again.settle().unwrap();
    assert_eq!(receiver.arrivals("/good"), 1);
    let deliveries = again.deliveries();
    let [good, bad] = &deliveries[..] else {
        panic!("{deliveries:?}");
    };
    assert_eq!(good.state(), &DeliveryState::Acknowledged);
    assert_eq!(good.attempts().len(), 1);
    // It goes on by its schedule.
    let is_waiting = matches!(bad.state(), DeliveryState::Waiting { .. });
    assert!(is_waiting, "{bad:?}");
    assert_eq!(bad.attempts()[0].status().unwrap().as_u16(), 500);
}

#[test]
fn notification_that_was_on_its_way_is_sent_again() {
    let (kept, receiver) = (Kept::new(), Receiver::start());
    let sandbox = kept.start();
    let code_url = order(&client(&sandbox), "tea-0001", &receiver.url("good"));
    assert_eq!(pay(&sandbox, &code_url), "200");
    sandbox.settle().unwrap();
    drop(sandbox);
    // How it ended, which the sandbox did not see before it was killed.
    kept.entries.lock().unwrap().pop().unwrap();
    for _ in 0..2 {
        let again = kept.start();
        again.settle().unwrap();
        assert_eq!(receiver.arrivals("/good"), 2);
        let state = again.deliveries()[0].state().clone();
        assert_eq!(state, DeliveryState::Acknowledged);
    }
}

/// How fast it is. Run it with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed_of_a_journal() {
    let kept = Kept::new();
    let sandbox = kept.start();
    let client = client(&sandbox);
    let started = Instant::now();
    for number in 0..10_000 {
        order(
            &client,
            &format!("tea-{number:05}"),
            "https://example.com/notify",
        );
    }
    let took = started.elapsed();
    drop(sandbox);
    let entries = kept.entries();
    let bytes: usize = entries.iter().map(Vec::len).sum();
    println!(
        "{} entries, {bytes} bytes, written in {took:?}",
        entries.len()
    );
    let started = Instant::now();
    let again = kept.start();
    println!("carried out again in {:?}", started.elapsed());
    assert_eq!(again.order_state("tea-09999").as_deref(), Some("NOTPAY"));
}
