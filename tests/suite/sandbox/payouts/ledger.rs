//! Many orders at once, and a receiver of notifications that fails: the accounts, the bills and the
//! notifications agree to the fen.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, OnceLock},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::{
    BillRow, BillRows, Client, Notifications, Options,
    sandbox::{MerchantOptions, Sandbox},
};

use crate::fixtures::server::{MockResponse, Reply, Request, Server};

const ORDERS: u64 = 1000;
const THREADS: u64 = 16;
const OPENING: u64 = 10_000_000;
const SHOP: &str = "1900000109";

#[test]
fn accounts_bills_and_notifications_agree_to_the_fen() {
    let inbox = Arc::new(Inbox::default());
    let receiver = Server::start({
        let inbox = Arc::clone(&inbox);
        move |request| inbox.receive(request)
    });
    let sandbox = Sandbox::builder()
        .opening_balance(OPENING)
        .seed(11)
        .start()
        .unwrap();
    let notify_url = format!("{}notify", receiver.url());
    let shop = MerchantOptions::new(SHOP).opening_balance(0);
    let shop = shop.notify_url("PROFITSHARING.SUCCESS", &notify_url);
    let shop = sandbox.add_merchant(shop).unwrap();
    let own = [
        sandbox.notifications_builder().build().unwrap(),
        shop.notifications_builder().build().unwrap(),
    ];
    assert!(inbox.notifications.set(Notifications::all(own)).is_ok());

    let client = sandbox.client_builder().build().unwrap();
    let chain = client.chain("v3/profitsharing/receivers/add");
    let receiver_of_shares = json!({
        "appid": sandbox.appid(), "type": "MERCHANT_ID", "account": SHOP, "name": "某某门店",
        "relation_type": "STORE",
    });
    let options = Options::from(json!({ "json": receiver_of_shares }));
    chain.post(options.encrypt(["/name"])).unwrap();

    let merchant = Shop {
        sandbox: &sandbox,
        client,
        notify_url,
    };
    let parts = thread::scope(|scope| {
        let merchant = &merchant;
        let threads: Vec<_> = (0..THREADS)
            .map(|first| {
                scope.spawn(move || {
                    let numbers = (first..ORDERS).step_by(THREADS as usize);
                    numbers.map(|n| merchant.trade(n)).collect::<Vec<_>>()
                })
            })
            .collect();
        let parts = threads.into_iter().map(|thread| thread.join().unwrap());
        parts.flatten().collect::<Vec<_>>()
    });
    let expected = parts.into_iter().fold(Totals::default(), Totals::plus);
    assert!(expected.paid > 0 && expected.refunded > 0);
    assert!(expected.shared > 0 && expected.transferred > 0);

    // WeChat Pay finishes what it accepted; then come the repeats that the receiver made necessary.
    sandbox.advance(Duration::from_secs(60));
    for _ in 0..6 {
        sandbox.settle().unwrap();
        sandbox.advance(Duration::from_secs(600));
    }
    sandbox.settle().unwrap();

    // The notifications that arrived.
    let resources = inbox.resources();
    assert_eq!(Totals::notified(&resources), expected);
    let deliveries = sandbox.deliveries();
    assert_eq!(deliveries.len(), resources.len());
    assert!(deliveries.iter().all(|delivery| delivery.is_acknowledged()));
    let repeated = deliveries
        .iter()
        .filter(|delivery| delivery.attempts().len() > 1);
    assert!(repeated.count() > 100, "the receiver failed too rarely");

    // The accounts.
    let balance = sandbox.balance(sandbox.mchid()).unwrap();
    let out = expected.refunded + expected.shared + expected.transferred;
    assert_eq!(balance.available, OPENING + expected.paid - out);
    assert_eq!(balance.frozen, 0);
    let of_shop = sandbox.balance(SHOP).unwrap();
    assert_eq!((of_shop.available, of_shop.frozen), (expected.shared, 0));

    // The bills.
    let days = days(&resources);
    sandbox.advance(Duration::from_secs(24 * 3600));
    let flow = merchant.fund_flow(&merchant.client, &days);
    assert_eq!(flow, (expected.paid, out));
    let sum = |path, query, column| merchant.sum(&merchant.client, &days, path, query, column);
    let (trades, success, refund) = (
        "v3/bill/tradebill",
        json!({ "bill_type": "SUCCESS" }),
        json!({ "bill_type": "REFUND" }),
    );
    assert_eq!(sum(trades, success, "订单金额"), expected.paid);
    assert_eq!(sum(trades, refund, "申请退款金额"), expected.refunded);
    let mut shared = 0;
    let path = "v3/profitsharing/bills";
    merchant.rows(&merchant.client, &days, path, &json!({}), |row| {
        if row.get("业务类型") == Some("分账") {
            shared += u64::try_from(row.fen("金额").unwrap()).unwrap();
        }
    });
    assert_eq!(shared, expected.shared);
    let client_of_shop = shop.client_builder().build().unwrap();
    assert_eq!(
        merchant.fund_flow(&client_of_shop, &days),
        (expected.shared, 0)
    );
}

/// What moved, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    paid: u64,
    refunded: u64,
    shared: u64,
    transferred: u64,
    cancelled: u64,
}

impl Totals {
    fn plus(self, other: Self) -> Self {
        Self {
            paid: self.paid + other.paid,
            refunded: self.refunded + other.refunded,
            shared: self.shared + other.shared,
            transferred: self.transferred + other.transferred,
            cancelled: self.cancelled + other.cancelled,
        }
    }

    /// Adds up what the notifications say.
    fn notified(resources: &[(String, Value)]) -> Self {
        let mut totals = Self::default();
        for (kind, resource) in resources {
            let fen = |pointer| resource.pointer(pointer).and_then(Value::as_u64).unwrap();
            let state = resource["state"].as_str().unwrap_or_default();
            match (kind.as_str(), state) {
                ("transaction", _) => totals.paid += fen("/amount/total"),
                ("refund", _) => totals.refunded += fen("/amount/refund"),
                ("profitsharing", _) => totals.shared += fen("/receiver/amount"),
                ("mch_payment", "SUCCESS") => totals.transferred += fen("/transfer_amount"),
                ("mch_payment", "CANCELLED") => totals.cancelled += fen("/transfer_amount"),
                ("mch_payment", _) => totals.transferred += fen("/success_amount"),
                other => panic!("{other:?}"),
            }
        }
        totals
    }
}

/// A merchant that trades.
struct Shop<'a> {
    sandbox: &'a Sandbox,
    client: Client,
    notify_url: String,
}

impl Shop<'_> {
    /// Sells something, and does with the money what the order's number says. Returns what moved.
    fn trade(&self, n: u64) -> Totals {
        let total = 1000 + n * 37 % 9000;
        let mut moved = Totals {
            paid: total,
            ..Totals::default()
        };
        self.sell(n, total);
        match n % 4 {
            0 => {
                moved.refunded = total / 3 + total / 4;
                self.refund(n, 1, total, total / 3);
                self.refund(n, 2, total, total / 4);
            }
            1 => {
                moved.shared = total / 10;
                self.share(n, total / 10);
            }
            2 => {
                moved.transferred = total / 2;
                self.transfer(n, total / 2);
                let number = format!("t{n}");
                self.sandbox.user_confirms_transfer(&number).unwrap();
            }
            _ => {
                moved.refunded = total;
                self.refund(n, 1, total, total);
                moved.cancelled = total / 5;
                self.transfer(n, total / 5);
                let chain = self
                    .client
                    .chain("v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{number}/cancel");
                chain.post(json!({ "number": format!("t{n}") })).unwrap();
            }
        }
        if n.is_multiple_of(100) {
            moved.transferred += self.batch(n);
        }
        moved
    }

    fn sell(&self, n: u64, total: u64) {
        let body = json!({
            "appid": self.sandbox.appid(), "mchid": self.sandbox.mchid(), "description": "茶",
            "out_trade_no": format!("order-{n:04}"), "notify_url": self.notify_url,
            "amount": { "total": total }, "settle_info": { "profit_sharing": n % 4 == 1 },
        });
        self.post(n, "v3/pay/transactions/native", &body);
        self.sandbox.user_pays(&format!("order-{n:04}")).unwrap();
    }

    fn refund(&self, n: u64, part: u64, total: u64, fen: u64) {
        let body = json!({
            "out_trade_no": format!("order-{n:04}"), "out_refund_no": format!("refund-{n:04}-{part}"),
            "notify_url": self.notify_url,
            "amount": { "refund": fen, "total": total, "currency": "CNY" },
        });
        self.post(n, "v3/refund/domestic/refunds", &body);
        self.post(n, "v3/refund/domestic/refunds", &body);
    }

    fn share(&self, n: u64, fen: u64) {
        let chain = self
            .client
            .chain("v3/pay/transactions/out-trade-no/{number}");
        let query = json!({ "mchid": self.sandbox.mchid() });
        let options = json!({ "number": format!("order-{n:04}"), "query": query });
        let order: Value = chain.get(options).unwrap().json().unwrap();
        let body = json!({
            "appid": self.sandbox.appid(), "transaction_id": order["transaction_id"],
            "out_order_no": format!("s{n}"), "unfreeze_unsplit": true,
            "receivers": [
                { "type": "MERCHANT_ID", "account": SHOP, "amount": fen, "description": "分账" },
            ],
        });
        self.post(n, "v3/profitsharing/orders", &body);
    }

    fn transfer(&self, n: u64, fen: u64) {
        let body = json!({
            "appid": self.sandbox.appid(), "out_bill_no": format!("t{n}"), "openid": "o1",
            "transfer_amount": fen, "transfer_remark": "奖金", "transfer_scene_id": "1000",
            "notify_url": self.notify_url,
            "transfer_scene_report_infos": [{ "info_type": "活动名称", "info_content": "新会员" }],
        });
        self.post(n, "v3/fund-app/mch-transfer/transfer-bills", &body);
    }

    /// Pays two users at once, and returns how much.
    fn batch(&self, n: u64) -> u64 {
        let detail = |nth: u64, fen: u64| {
            json!({
                "out_detail_no": format!("d{n}x{nth}"), "transfer_amount": fen,
                "transfer_remark": "奖金", "openid": format!("o{nth}"),
            })
        };
        let (one, other) = (101 + n, 203 + n);
        let body = json!({
            "appid": self.sandbox.appid(), "out_batch_no": format!("b{n}"), "batch_name": "奖金",
            "batch_remark": "奖金", "total_amount": one + other, "total_num": 2,
            "notify_url": self.notify_url, "transfer_detail_list": [detail(1, one), detail(2, other)],
        });
        self.post(n, "v3/transfer/batches", &body);
        one + other
    }

    /// Sends a request. One in ten is sent twice, as by a merchant that missed the response.
    fn post(&self, n: u64, path: &str, body: &Value) {
        let times = if n.is_multiple_of(10) { 2 } else { 1 };
        for _ in 0..times {
            let response = self.client.chain(path).post(json!({ "json": body }));
            let response = response.unwrap_or_else(|err| panic!("{path} {n}: {err}"));
            assert_eq!(response.headers()["sandbox-answer"], "stateful", "{path}");
        }
    }

    /// Returns what the fund flow bills of these days say: what came in, and what went out.
    fn fund_flow(&self, client: &Client, days: &BTreeSet<String>) -> (u64, u64) {
        let column = "收支金额(元)";
        let (mut income, mut expense) = (0, 0);
        self.rows(client, days, "v3/bill/fundflowbill", &json!({}), |row| {
            let fen = u64::try_from(row.fen(column).unwrap()).unwrap();
            match row.get("收支类型") {
                Some("收入") => income += fen,
                Some("支出") => expense += fen,
                other => panic!("{other:?}"),
            }
        });
        (income, expense)
    }

    /// Adds up a column of the bills of these days.
    fn sum(
        &self,
        client: &Client,
        days: &BTreeSet<String>,
        path: &str,
        query: Value,
        column: &str,
    ) -> u64 {
        let mut sum = 0;
        self.rows(client, days, path, &query, |row| {
            sum += u64::try_from(row.fen(column).unwrap()).unwrap();
        });
        sum
    }

    fn rows(
        &self,
        client: &Client,
        days: &BTreeSet<String>,
        path: &str,
        query: &Value,
        mut each: impl FnMut(&BillRow),
    ) {
        for day in days {
            let mut query = query.clone();
            query["bill_date"] = day.as_str().into();
            let chain = client.chain(path);
            let bill = match chain.download(json!({ "query": query })) {
                Ok(bill) => bill,
                // Nothing happened on this day.
                Err(err)
                    if err
                        .api()
                        .is_some_and(|api| api.code() == "NO_STATEMENT_EXIST") =>
                {
                    continue;
                }
                Err(err) => panic!("{path}: {err}"),
            };
            for row in BillRows::new(&bill.bytes()[..]).unwrap() {
                each(&row.unwrap());
            }
        }
    }
}

/// Returns the days on which something happened: the test may run at midnight.
fn days(resources: &[(String, Value)]) -> BTreeSet<String> {
    let times = resources.iter().flat_map(|(_, resource)| {
        let time = |name: &str| resource[name].as_str().map(|time| time[..10].to_owned());
        ["success_time", "create_time", "update_time"].map(time)
    });
    times.flatten().collect()
}

/// A receiver of notifications that fails at first, for each as often as its ID says.
#[derive(Default)]
struct Inbox {
    notifications: OnceLock<Notifications>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    attempts: HashMap<String, u64>,
    /// `original_type` and resource, by the ID: a repeat is the same notification.
    resources: BTreeMap<String, (String, Value)>,
}

impl Inbox {
    fn receive(&self, request: &Request) -> Reply {
        let headers = request.headers.iter().map(|(name, value)| (name, value));
        let notifications = self.notifications.get().unwrap();
        let notice = notifications.receive(headers, &request.body).unwrap();
        let id = notice.id().to_owned();
        let failures = id.bytes().map(u64::from).sum::<u64>() % 4;
        let mut seen = self.seen.lock().unwrap();
        let attempts = seen.attempts.entry(id.clone()).or_default();
        *attempts += 1;
        let (attempt, will_fail) = (*attempts, *attempts <= failures);
        // The first failure comes before the receiver noted anything, and the others after.
        if !will_fail || attempt > 1 {
            let content = (
                notice.original_type().to_owned(),
                notice.resource_json().clone(),
            );
            let known = seen.resources.insert(id, content.clone());
            assert!(
                known.is_none_or(|known| known == content),
                "a repeat differs"
            );
        }
        match (will_fail, attempt) {
            (false, _) => MockResponse::plain(204, "").into(),
            (true, 1) => MockResponse::plain(500, "").into(),
            (true, 2) => Reply::Close,
            (true, _) => MockResponse::plain(404, "").into(),
        }
    }

    fn resources(&self) -> Vec<(String, Value)> {
        self.seen
            .lock()
            .unwrap()
            .resources
            .values()
            .cloned()
            .collect()
    }
}
