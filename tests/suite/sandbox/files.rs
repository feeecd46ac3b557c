//! The sandbox's uploads and bills.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use flate2::read::GzDecoder;
use ring::aead;
use serde_json::{Value, json};
use wechatpay_chain::{
    BillRow, BillRows, Client, Media, Options, Outcome,
    sandbox::{MerchantOptions, Sandbox},
};

use super::{noon::to_noon, openssl_client::OpensslClient};

fn sandbox() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

#[test]
fn upload_must_match_its_meta() {
    let (_sandbox, client) = sandbox();
    let image = || Media::from_bytes("微.PNG", vec![7; 70_000]);
    let upload = |media: Media| {
        client
            .chain("v3/merchant/media/upload")
            .post(Options::new().media(media))
    };
    let id: Value = upload(image()).unwrap().json().unwrap();
    assert_eq!(id["media_id"].as_str().map(str::len), Some(64));
    for (media, code) in [
        (image().meta_field("sha256", "00".repeat(32)), "PARAM_ERROR"),
        (image().filename("a.gif"), "PARAM_ERROR"),
        (image().meta(json!({})), "PARAM_ERROR"),
        (image().meta(json!([])), "PARAM_ERROR"),
        (Media::from_bytes("a.png", vec![]), "INVALID_REQUEST"),
    ] {
        let err = upload(media).unwrap_err();
        assert_eq!(err.api().expect("a response").code(), code, "{err}");
        assert_eq!(err.outcome(), Outcome::Rejected);
    }
    let chain = client.chain("v3/merchant/media/upload");
    let err = chain
        .post(json!({ "json": { "filename": "a.png" } }))
        .unwrap_err();
    assert_eq!(err.api().expect("a response").code(), "PARAM_ERROR");
}

#[test]
fn bill_is_available_the_next_day_for_five_minutes() {
    let (sandbox, client) = sandbox();
    client
        .chain("v3/pay/transactions/native")
        .post(json!({ "json": {
            "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "茶, 一杯",
            "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
            "amount": { "total": 1205 },
        }}))
        .unwrap();
    sandbox.user_pays("tea-0001").unwrap();
    let order: Value = client
        .chain("v3/pay/transactions/out-trade-no/tea-0001")
        .get(json!({ "query": { "mchid": sandbox.mchid() } }))
        .unwrap()
        .json()
        .unwrap();
    let day = &order["success_time"].as_str().unwrap()[..10];
    let chain = client.chain("v3/bill/tradebill");
    let code = |day: &str| {
        let err = chain
            .download(json!({ "query": { "bill_date": day } }))
            .unwrap_err();
        err.api().expect("a response").code().to_owned()
    };
    assert_eq!(code(day), "PARAM_ERROR");
    assert_eq!(code("20190611"), "PARAM_ERROR");
    assert_eq!(code("2019-06-11"), "NO_STATEMENT_EXIST");

    sandbox.advance(Duration::from_secs(24 * 3600));
    for tar_type in [Value::Null, json!("GZIP")] {
        let options = json!({ "query": { "bill_date": day, "tar_type": tar_type } });
        let bill = chain.download(options).unwrap();
        let rows = BillRows::new(&bill.bytes()[..])
            .unwrap()
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].get("商品名称"), Some("茶, 一杯"));
        assert_eq!(rows[0].fen("应结订单金额").unwrap(), 1205);
    }
    let bill: Value = chain
        .get(json!({ "query": { "bill_date": day } }))
        .unwrap()
        .json()
        .unwrap();
    let url = bill["download_url"].as_str().unwrap();
    let file = client.chain(url).get(()).unwrap();
    // Its token is of a bill, and of no image.
    let (_, token) = url.split_once("token=").unwrap();
    let image = client.chain("v3/merchant-service/images/{media_id}");
    let image = image.get(json!({ "media_id": token })).unwrap();
    assert_ne!(image.bytes(), file.bytes());
    sandbox.advance(Duration::from_secs(300));
    assert_eq!(
        client.chain(url).get(()).unwrap_err().api().unwrap().code(),
        "NO_AUTH"
    );
}

const SHOP: &str = "1900000109";
pub(super) const DAY: u64 = 24 * 3600;

/// Moves the clock to noon, so that everything that a test does is of one day. Returns its date.
pub(super) fn at_noon(sandbox: &Sandbox) -> String {
    to_noon(sandbox);
    let client = sandbox.client_builder().build().unwrap();
    let id = pay(sandbox, &client, "noon-0001", 1);
    let order = json!({ "id": id, "query": { "mchid": sandbox.mchid() } });
    let order: Value = client
        .chain("v3/pay/transactions/id/{id}")
        .get(order)
        .unwrap()
        .json()
        .unwrap();
    order["success_time"].as_str().unwrap()[..10].to_owned()
}

/// Pays a Native order and returns its `transaction_id`.
fn pay(sandbox: &Sandbox, client: &Client, number: &str, fen: u64) -> String {
    let order = json!({
        "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "茶\n一杯",
        "out_trade_no": number, "notify_url": "http://127.0.0.1:9/", "amount": { "total": fen },
        "settle_info": { "profit_sharing": fen > 1 },
    });
    post(client, "v3/pay/transactions/native", order);
    sandbox.user_pays(number).unwrap();
    let query = json!({ "number": number, "query": { "mchid": sandbox.mchid() } });
    let chain = client.chain("v3/pay/transactions/out-trade-no/{number}");
    let order: Value = chain.get(query).unwrap().json().unwrap();
    order["transaction_id"].as_str().unwrap().to_owned()
}

fn post(client: &Client, path: &str, body: Value) -> Value {
    let response = client.chain(path).post(json!({ "json": body }));
    response.unwrap().json().unwrap()
}

pub(super) fn rows(client: &Client, path: &str, query: &Value) -> Vec<BillRow> {
    let bill = client.chain(path).download(json!({ "query": query }));
    let bill = bill.unwrap();
    let rows = BillRows::new(&bill.bytes()[..]).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

pub(super) fn column<'a>(rows: &'a [BillRow], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row.get(name).unwrap()).collect()
}

#[test]
fn bills_agree_with_the_balance_to_the_fen() {
    let sandbox = Sandbox::builder().opening_balance(0).start().unwrap();
    let shop = sandbox
        .add_merchant(MerchantOptions::new(SHOP).opening_balance(0))
        .unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let day = at_noon(&sandbox);

    let id = pay(&sandbox, &client, "tea-0001", 1205);
    let receiver = json!({
        "appid": sandbox.appid(), "type": "MERCHANT_ID", "account": SHOP, "name": "门店",
        "relation_type": "STORE",
    });
    client
        .chain("v3/profitsharing/receivers/add")
        .post(Options::from(json!({ "json": receiver })).encrypt(["/name"]))
        .unwrap();
    let shares = json!([{ "type": "MERCHANT_ID", "account": SHOP, "amount": 300, "description": "分给门店" }]);
    post(
        &client,
        "v3/profitsharing/orders",
        json!({
            "appid": sandbox.appid(), "transaction_id": id, "out_order_no": "s1",
            "receivers": shares, "unfreeze_unsplit": true,
        }),
    );
    sandbox.sharing_finishes("s1").unwrap();
    post(
        &client,
        "v3/profitsharing/return-orders",
        json!({
            "out_order_no": "s1", "out_return_no": "b1", "return_mchid": SHOP, "amount": 7,
            "description": "退回",
        }),
    );
    post(
        &client,
        "v3/refund/domestic/refunds",
        json!({
            "out_trade_no": "tea-0001", "out_refund_no": "r1",
            "amount": { "refund": 105, "total": 1205, "currency": "CNY" },
        }),
    );
    sandbox.advance(Duration::from_secs(DAY));
    let balance = sandbox.balance(sandbox.mchid()).unwrap();
    assert_eq!(balance.available, 1 + 1205 - 300 + 7 - 105);

    let query = json!({ "bill_date": day });
    let all = rows(&client, "v3/bill/tradebill", &query);
    assert_eq!(column(&all, "交易状态"), ["SUCCESS", "SUCCESS", "REFUND"]);
    assert_eq!(column(&all, "商品名称")[1], "茶 一杯");
    assert_eq!(all[2].fen("退款金额").unwrap(), 105);
    let only = json!({ "bill_date": day, "bill_type": "REFUND", "tar_type": "GZIP" });
    let refunds = rows(&client, "v3/bill/tradebill", &only);
    assert_eq!(column(&refunds, "商户退款单号"), ["r1"]);

    let shared = rows(&client, "v3/profitsharing/bills", &query);
    assert_eq!(column(&shared, "业务类型"), ["分账", "解冻", "分账回退"]);
    assert_eq!(column(&shared, "金额"), ["3.00", "9.05", "0.07"]);
    assert_eq!(column(&shared, "商户分账/回退单号"), ["s1", "s1", "b1"]);
    assert_eq!(column(&shared, "分账接收方"), [SHOP, sandbox.mchid(), SHOP]);

    // The receiver's side, and another reader: a plain split, as programs do it.
    let theirs = shop.client_builder().build().unwrap();
    let flow = rows(&theirs, "v3/bill/fundflowbill", &query);
    assert_eq!(column(&flow, "账户结余(元)"), ["3.00", "2.93"]);
    let flow = client
        .chain("v3/bill/fundflowbill")
        .download(json!({ "query": query }));
    let total = plain_split(flow.unwrap().bytes());
    assert_eq!(total, format!("5 {}", balance.available));
    let fees = json!({ "query": { "bill_date": day, "account_type": "FEES" } });
    let err = client.chain("v3/bill/fundflowbill").get(fees).unwrap_err();
    assert_eq!(err.api().expect("a response").code(), "NO_STATEMENT_EXIST");

    // The URL of this bill lives thirty seconds.
    let chain = client.chain("v3/profitsharing/bills");
    let bill: Value = chain
        .get(json!({ "query": query }))
        .unwrap()
        .json()
        .unwrap();
    let url = bill["download_url"].as_str().unwrap();
    sandbox.advance(Duration::from_secs(10));
    client.chain(url).get(()).unwrap();
    assert!(
        theirs.chain(url).get(()).is_err(),
        "it is another merchant's"
    );
    sandbox.advance(Duration::from_secs(20));
    assert!(client.chain(url).get(()).is_err());
}

/// Returns the number of rows and the sum of a fund flow bill in fen, as Python reads it.
fn plain_split(bill: &[u8]) -> String {
    const SCRIPT: &str = "\
import sys
lines = sys.stdin.buffer.read().decode().replace('`', '').split('\\r\\n')
head, rows = lines[0].split(','), [line.split(',') for line in lines[1:-3]]
money = head.index('收支金额(元)')
fen = [round(float(row[money]) * 100) * (-1 if row[5] == '支出' else 1) for row in rows]
print(len(rows), sum(fen))
";
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    python.stdin.take().unwrap().write_all(bill).unwrap();
    let output = python.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Downloads an encrypted bill and opens it with the key that is sealed for the merchant.
fn open_bill(client: &Client, bill: &Value) -> Vec<u8> {
    let text = |name: &str| bill[name].as_str().unwrap();
    let key = client.decrypt(text("encrypt_key")).unwrap();
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, key.as_bytes()).unwrap();
    let nonce = aead::Nonce::try_assume_unique_for_key(text("nonce").as_bytes()).unwrap();
    let file = client.chain(text("download_url")).get(()).unwrap();
    let mut sealed = file.bytes().to_vec();
    aead::LessSafeKey::new(key)
        .open_in_place(nonce, aead::Aad::empty(), &mut sealed)
        .unwrap()
        .to_vec()
}

#[test]
fn bill_of_a_sub_merchant_opens_with_the_providers_key() {
    let provider = MerchantOptions::new(SHOP).partner_of(["1900000110"]);
    let sandbox = Sandbox::builder().merchant(provider).start().unwrap();
    let day = at_noon(&sandbox);
    let provider = &sandbox.merchants()[if sandbox.mchid() < SHOP { 1 } else { 0 }];
    let client = provider.client_builder().build().unwrap();
    post(
        &client,
        "v3/pay/partner/transactions/native",
        json!({
            "sp_appid": provider.appid(), "sp_mchid": SHOP, "sub_mchid": "1900000110",
            "description": "茶", "out_trade_no": "sub-0001", "notify_url": "http://127.0.0.1:9/",
            "amount": { "total": 1205 },
        }),
    );
    sandbox.user_pays("sub-0001").unwrap();
    sandbox.advance(Duration::from_secs(DAY));

    // In the clear, a provider sees its own flow alone, and it has none.
    let query = json!({ "bill_date": day, "sub_mchid": "1900000110" });
    let clear = client.chain("v3/bill/fundflowbill");
    let err = clear.get(json!({ "query": query })).unwrap_err();
    assert_eq!(err.api().expect("a response").code(), "NO_STATEMENT_EXIST");

    let request = |sub_mchid: &str| {
        let query = json!({
            "bill_date": day, "sub_mchid": sub_mchid, "account_type": "BASIC",
            "algorithm": "AEAD_AES_256_GCM",
        });
        let chain = client.chain("v3/bill/sub-merchant-fundflowbill");
        chain.get(json!({ "query": query }))
    };
    let list: Value = request("1900000110").unwrap().json().unwrap();
    assert_eq!(list["download_bill_count"], 1);
    let opened = open_bill(&client, &list["download_bill_list"][0]);
    let rows: Vec<_> = BillRows::new(&opened[..]).unwrap().collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].as_ref().unwrap().fen("收支金额(元)").unwrap(), 1205);

    // All sub-merchants in one bill, also compressed.
    let query = json!({
        "bill_date": day, "account_type": "ALL", "algorithm": "AEAD_AES_256_GCM", "tar_type": "GZIP",
    });
    let chain = client.chain("v3/ecommerce/bill/fundflowbill");
    let list: Value = chain
        .get(json!({ "query": query }))
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(list["download_bill_count"], 1);
    let opened = open_bill(&client, &list["download_bill_list"][0]);
    let rows: Vec<_> = BillRows::new(GzDecoder::new(&opened[..]))
        .unwrap()
        .collect();
    let row = rows[0].as_ref().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(row.get("特约商户号"), Some("1900000110"));
    assert_eq!(row.fen("收支金额(元)").unwrap(), 1205);

    let stranger = request(sandbox.mchid()).unwrap_err();
    assert_eq!(stranger.api().expect("a response").code(), "NO_AUTH");
    let query = json!({ "bill_date": day, "sub_mchid": sandbox.mchid() });
    let chain = client.chain("v3/profitsharing/bills");
    let stranger = chain.get(json!({ "query": query })).unwrap_err();
    assert_eq!(
        stranger.api().expect("a response").code(),
        "INVALID_REQUEST"
    );
}

#[test]
fn uploads_of_published_clients_are_accepted() {
    let Some(client) = OpensslClient::start() else {
        return;
    };
    let hash = |file: &[u8]| {
        let digest = ring::digest::digest(&ring::digest::SHA256, file);
        let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        hex.collect::<String>()
    };
    let upload = |content_type: &str, meta_head: &str, signed: &[u8]| {
        let meta = format!(
            "{{\"filename\":\"a.jpeg\",\"sha256\":\"{}\"}}",
            hash(signed)
        );
        let body = format!(
            "--0f1e\r\nContent-Disposition: form-data; name=\"meta\"{meta_head}\r\n\r\n{meta}\r\n\
             --0f1e\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpeg\"\r\n\
             Content-Type: image/jpeg\r\n\r\nimage\r\n--0f1e--\r\n"
        );
        let mut request = client.request("POST", "/v3/merchant-service/images/upload", body);
        request.signed_body = Some(meta.into_bytes());
        request.headers.retain(|(name, _)| *name != "Content-Type");
        request
            .headers
            .push(("Content-Type", content_type.to_owned()));
        client.send(&request)
    };
    let with_boundary = "multipart/form-data; boundary=0f1e";
    for (content_type, meta_head) in [
        (with_boundary, "\r\nContent-Type: application/json"),
        // wechatpay-axios-plugin 0.7.
        (with_boundary, ""),
        // wechatpayv3 2.0: its header has no boundary.
        ("multipart/form-data", ""),
    ] {
        let taken = upload(content_type, meta_head, b"image");
        assert_eq!(taken.status, 200, "{content_type}: {}", taken.json());
        assert!(client.verifies(&taken));
        let id = taken.json()["media_id"].as_str().unwrap().to_owned();
        let path = format!("/v3/merchant-service/images/{id}");
        let image = client.send(&client.request("GET", &path, ""));
        assert_eq!((image.status, &image.body[..]), (200, &b"image"[..]));
        assert_eq!(image.header("wechatpay-signature"), None);
        let other = upload(content_type, meta_head, b"imagE");
        assert_eq!((other.status, other.code().as_str()), (400, "PARAM_ERROR"));
    }
}
