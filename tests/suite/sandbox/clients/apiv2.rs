//! APIv2 on the wire: XML written by hand and signed by openssl.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use roxmltree::Document;
use serde_json::{Value, json};
use wechatpay_chain::{
    Error,
    sandbox::{Fault, MerchantOptions, Sandbox},
};

use crate::{
    fixtures::{
        material,
        programs::openssl,
        server::{MockResponse, Server},
    },
    sandbox::noon::to_noon,
};

type Fields = BTreeMap<String, String>;

/// A sandbox, and a client of it that shares no code with it.
struct RawClient {
    sandbox: Sandbox,
}

impl RawClient {
    /// Returns `None` if openssl is not installed.
    fn start() -> Option<Self> {
        material::has_program("openssl").then(|| Self {
            sandbox: Sandbox::start().unwrap(),
        })
    }

    /// Returns these fields with the app, the merchant, a nonce and the sign.
    fn signed(&self, fields: &[(&str, &str)]) -> Fields {
        let mut fields: Fields = fields
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let ids = [
            ("appid", self.sandbox.appid()),
            ("mch_id", self.sandbox.mchid()),
            ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
        ];
        for (name, value) in ids {
            let field = fields.entry(name.to_owned());
            field.or_insert_with(|| value.to_owned());
        }
        let sign = self.sign(&fields);
        fields.insert("sign".to_owned(), sign);
        fields
    }

    fn sign(&self, fields: &Fields) -> String {
        let key = self.sandbox.apiv2_key();
        let joined: String = fields
            .iter()
            .filter(|(name, value)| *name != "sign" && !value.is_empty())
            .map(|(name, value)| format!("{name}={value}&"))
            .collect();
        let text = format!("{joined}key={key}");
        let is_hmac = fields
            .get("sign_type")
            .is_some_and(|name| name == "HMAC-SHA256")
            || fields.get("sign").is_some_and(|sign| sign.len() == 64);
        let args: &[&str] = match is_hmac {
            true => &["dgst", "-r", "-sha256", "-hmac", key],
            false => &["dgst", "-r", "-md5"],
        };
        let output = String::from_utf8(openssl(args, text.as_bytes()).unwrap()).unwrap();
        output.split(' ').next().unwrap().to_uppercase()
    }

    /// Posts these fields, and returns those of the response, whose sign is checked.
    fn call(&self, path: &str, fields: &[(&str, &str)]) -> Fields {
        let (status, text) = self.send("POST", path, &xml(&self.signed(fields)));
        assert_eq!(status, 200, "{text}");
        let response = read(&text);
        assert_eq!(response["return_code"], "SUCCESS", "{text}");
        assert_eq!(response["sign"], self.sign(&response), "{text}");
        response
    }

    /// Posts a body and returns why it is refused.
    fn refusal(&self, path: &str, body: &str) -> String {
        let (status, text) = self.send("POST", path, body);
        assert_eq!(status, 200, "{text}");
        let response = read(&text);
        assert_eq!(response["return_code"], "FAIL", "{text}");
        assert!(!response.contains_key("sign"));
        response["return_msg"].clone()
    }

    fn send(&self, method: &str, target: &str, body: &str) -> (u16, String) {
        let uri = self.sandbox.base_uri();
        let address = uri.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).unwrap();
        let timeout = Some(Duration::from_secs(60));
        stream.set_read_timeout(timeout).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }
}

fn xml(fields: &Fields) -> String {
    let fields: String = fields
        .iter()
        .map(|(name, value)| format!("<{name}><![CDATA[{value}]]></{name}>\n"))
        .collect();
    format!("<xml>\n{fields}</xml>")
}

fn read(text: &str) -> Fields {
    let document = Document::parse(text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "xml");
    let fields = root.children().filter(|child| child.is_element());
    fields
        .map(|field| {
            let text = field.text().unwrap_or_default().to_owned();
            (field.tag_name().name().to_owned(), text)
        })
        .collect()
}

const NATIVE: [(&str, &str); 6] = [
    ("body", "一杯茶"),
    ("total_fee", "100"),
    ("spbill_create_ip", "127.0.0.1"),
    ("notify_url", "https://example.com/notify"),
    ("trade_type", "NATIVE"),
    ("attach", "a=1&b=2"),
];

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let is_replaced = |name: &str| more.iter().any(|(other, _)| *other == name);
    let kept = fields.iter().filter(|(name, _)| !is_replaced(name));
    kept.chain(more).copied().collect()
}

#[test]
fn order_of_apiv2_is_one_with_that_of_apiv3() {
    let Some(client) = RawClient::start() else {
        return;
    };
    let v3 = client.sandbox.client_builder().build().unwrap();
    for (number, sign_type) in [("v2-md5", ""), ("v2-hmac", "HMAC-SHA256")] {
        let ids = [("out_trade_no", number), ("sign_type", sign_type)];
        let order = with(&NATIVE, &ids);
        let created = client.call("/pay/unifiedorder", &order);
        assert_eq!(created["result_code"], "SUCCESS");
        assert_eq!(created["mch_id"], client.sandbox.mchid());
        assert_eq!(
            created["sign"].len(),
            if sign_type.is_empty() { 32 } else { 64 }
        );
        assert!(created["prepay_id"].starts_with("wx"));
        assert!(created["code_url"].starts_with("weixin://wxpay/bizpayurl?pr="));
        // The same again is the same order. Another amount is not.
        assert_eq!(
            client.call("/pay/unifiedorder", &order)["prepay_id"],
            created["prepay_id"]
        );
        let other = client.call("/pay/unifiedorder", &with(&order, &[("total_fee", "101")]));
        assert_eq!(other["err_code"], "OUT_TRADE_NO_USED");

        let queried = client.call("/pay/orderquery", &ids);
        assert_eq!(queried["trade_state"], "NOTPAY");
        assert!(!queried.contains_key("transaction_id"));
        client.sandbox.user_pays(number).unwrap();
        let queried = client.call("/pay/orderquery", &ids);
        assert_eq!(queried["trade_state"], "SUCCESS");
        assert_eq!(queried["attach"], "a=1&b=2");
        assert_eq!(
            (queried["total_fee"].as_str(), queried["cash_fee"].as_str()),
            ("100", "100")
        );
        assert_eq!(queried["time_end"].len(), 14);
        let id = queried["transaction_id"].as_str();
        let by_id = [("transaction_id", id), ("sign_type", sign_type)];
        assert_eq!(
            client.call("/pay/orderquery", &by_id)["out_trade_no"],
            number
        );

        let chain = v3.chain("v3/pay/transactions/out-trade-no/{out_trade_no}");
        let by_number =
            json!({ "out_trade_no": number, "query": { "mchid": client.sandbox.mchid() } });
        let seen: Value = chain.get(by_number).unwrap().json().unwrap();
        assert_eq!(seen["transaction_id"], id);
        assert_eq!(seen["trade_state"], "SUCCESS");

        let closed = client.call("/pay/closeorder", &ids);
        assert_eq!(
            (closed["result_code"].as_str(), closed["err_code"].as_str()),
            ("FAIL", "ORDERPAID")
        );
    }
    let unknown = client.call("/pay/orderquery", &[("out_trade_no", "no-such")]);
    assert_eq!(unknown["err_code"], "ORDERNOTEXIST");

    // Created by APIv3, closed by APIv2.
    v3.chain("v3/pay/transactions/native")
        .post(json!({ "json": {
            "appid": client.sandbox.appid(), "mchid": client.sandbox.mchid(), "description": "茶",
            "out_trade_no": "v3-order", "notify_url": "https://example.com/notify",
            "amount": { "total": 100 },
        }}))
        .unwrap();
    let closed = client.call("/pay/closeorder", &[("out_trade_no", "v3-order")]);
    assert_eq!(closed["result_code"], "SUCCESS");
    assert_eq!(client.sandbox.order_state("v3-order").unwrap(), "CLOSED");
}

#[test]
fn each_trade_type_has_what_opens_it() {
    let Some(client) = RawClient::start() else {
        return;
    };
    for (trade_type, more, opens) in [
        ("JSAPI", ("openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"), None),
        ("APP", ("device_info", "WEB"), None),
        ("MWEB", ("scene_info", "{\"h5_info\":{}}"), Some("mweb_url")),
        ("NATIVE", ("product_id", "1"), Some("code_url")),
    ] {
        let ids = [
            ("out_trade_no", trade_type),
            ("trade_type", trade_type),
            more,
        ];
        let created = client.call("/pay/unifiedorder", &with(&NATIVE, &ids));
        assert_eq!(created["trade_type"], trade_type);
        for name in ["code_url", "mweb_url"] {
            assert_eq!(
                created.contains_key(name),
                opens == Some(name),
                "{trade_type} {name}"
            );
        }
    }
    let refusal = |more: &[(&str, &str)]| {
        let order = with(&with(&NATIVE, &[("out_trade_no", "refused")]), more);
        client.refusal("/pay/unifiedorder", &xml(&client.signed(&order)))
    };
    assert_eq!(refusal(&[("trade_type", "JSAPI")]), "JSAPI支付必须传openid");
    assert_eq!(refusal(&[("trade_type", "V3")]), "trade_type参数格式错误");
    assert_eq!(refusal(&[("total_fee", "0")]), "invalid total_fee");
    assert_eq!(
        refusal(&[("notify_url", "https://example.com/?a=1")]),
        "notify_url参数格式错误"
    );
    assert_eq!(
        refusal(&[("time_expire", "20091227091010")]),
        "time_expire时间过短，刷卡至少1分钟，其他5分钟"
    );
    assert_eq!(
        refusal(&[("appid", "wx0000000000000000")]),
        "商户号mch_id与appid不匹配"
    );
    assert!(client.sandbox.order_state("refused").is_none());
}

#[test]
fn wrong_requests_are_refused_as_on_the_wire() {
    let Some(client) = RawClient::start() else {
        return;
    };
    let path = "/pay/orderquery";
    let good = client.signed(&[("out_trade_no", "tea")]);
    let changed = |name: &str, value: &str| {
        let mut fields = good.clone();
        fields.insert(name.to_owned(), value.to_owned());
        xml(&fields)
    };
    let resigned =
        |more: &[(&str, &str)]| xml(&client.signed(&with(&[("out_trade_no", "tea")], more)));
    let wrong_sign = "签名错误，请检查后再试";
    assert_eq!(
        client.refusal(path, &changed("out_trade_no", "teb")),
        wrong_sign
    );
    assert_eq!(client.refusal(path, &changed("sign", "")), wrong_sign);
    assert_eq!(
        client.refusal(path, &changed("sign", &good["sign"].to_lowercase())),
        wrong_sign
    );
    assert_eq!(
        client.refusal(path, &changed("sign_type", "HMAC-SHA256")),
        wrong_sign
    );
    // Signed right, but with a digest that the field does not name.
    let mut hmac = client.signed(&[("out_trade_no", "tea"), ("sign_type", "HMAC-SHA256")]);
    hmac.remove("sign_type");
    assert_eq!(client.refusal(path, &xml(&hmac)), wrong_sign);
    assert_eq!(client.refusal(path, ""), "post数据为空");
    assert_eq!(client.refusal(path, "{\"appid\":1}"), "XML格式错误");
    assert_eq!(client.refusal(path, "<xml><a></xml>"), "XML格式错误");
    assert_eq!(client.refusal(path, "<xml></xml>"), "缺少参数mch_id");
    assert_eq!(
        client.refusal(path, &resigned(&[("mch_id", "1")])),
        "mch_id参数格式错误"
    );
    // Everything below is signed right.
    let missing = |name: &str| {
        format!("输入源“/body/xml/{name}”映射到字段“{name}”必填性规则校验失败，此字段为必填项")
    };
    assert_eq!(
        client.refusal(path, &resigned(&[("nonce_str", "")])),
        missing("nonce_str")
    );
    assert_eq!(
        client.refusal(path, &resigned(&[("out_trade_no", "")])),
        missing("transaction_id")
    );
    let order = with(&NATIVE, &[("out_trade_no", "tea"), ("total_fee", "0.01")]);
    assert_eq!(
        client.refusal("/pay/unifiedorder", &xml(&client.signed(&order))),
        "无法将输入源“/body/xml/total_fee”映射到目标字段“total_fee”中，此字段需要一个合法的 64 位有符号整数"
    );
    // A plain HTTP request has no client certificate. The gateway says so before anything is read.
    for body in [&resigned(&[]), &changed("sign", "0"), ""] {
        let (status, page) = client.send("POST", "/secapi/pay/refund", body);
        assert_eq!(status, 400);
        assert!(
            page.contains("<center>No required SSL certificate was sent</center>"),
            "{page}"
        );
    }

    let (status, text) = client.send("POST", "/pay/orderqueri", &resigned(&[]));
    assert_eq!(status, 404);
    assert!(
        read(&text)["return_msg"].ends_with("the nearest is /pay/orderquery"),
        "{text}"
    );
    let query = good.iter().map(|(name, value)| format!("{name}={value}"));
    let query = query.collect::<Vec<_>>().join("&");
    let (_, text) = client.send("GET", &format!("{path}?{query}"), "");
    assert_eq!(read(&text)["return_msg"], "请使用post方法");
}

#[test]
fn each_changed_byte_of_the_body_is_refused() {
    let Some(client) = RawClient::start() else {
        return;
    };
    for sign_type in ["MD5", "HMAC-SHA256"] {
        let order = with(
            &NATIVE,
            &[("out_trade_no", "byte"), ("sign_type", sign_type)],
        );
        // Without white space and sections, where a change can mean nothing.
        let fields = client.signed(&with(&order, &[("attach", "a")]));
        let fields = fields.iter();
        let fields: String = fields
            .map(|(name, value)| format!("<{name}>{value}</{name}>"))
            .collect();
        let body = format!("<xml>{fields}</xml>");
        for at in 0..body.len() {
            let byte = body.as_bytes()[at];
            // Characters of several bytes are changed as a whole, to stay text.
            if !byte.is_ascii() {
                continue;
            }
            let other = if byte == b'0' { "1" } else { "0" };
            let changed = format!("{}{other}{}", &body[..at], &body[at + 1..]);
            let reason = client.refusal("/pay/unifiedorder", &changed);
            let is_expected = ["XML格式错误", "签名错误", "mch_id"]
                .iter()
                .any(|expected| reason.contains(expected));
            assert!(is_expected, "{reason}: {changed}");
        }
        assert!(client.sandbox.order_state("byte").is_none());
        let (_, text) = client.send("POST", "/pay/unifiedorder", &body);
        assert_eq!(read(&text)["result_code"], "SUCCESS");
        client.sandbox.reset();
    }
}

#[test]
fn scanned_code_waits_for_the_password_from_1000_yuan_on() {
    let Some(client) = RawClient::start() else {
        return;
    };
    let scan = |number: &str, code: &str, total: &str| {
        client.call(
            "/pay/micropay",
            &[
                ("out_trade_no", number),
                ("auth_code", code),
                ("total_fee", total),
                ("body", "茶"),
                ("spbill_create_ip", "127.0.0.1"),
            ],
        )
    };
    let paid = scan("scan-1", "134567890123456789", "99999");
    assert_eq!(
        (paid["result_code"].as_str(), paid["trade_type"].as_str()),
        ("SUCCESS", "MICROPAY")
    );
    assert_eq!(paid["transaction_id"].len(), 28);
    assert_eq!(
        scan("scan-2", "134567890123456789", "1")["err_code"],
        "AUTHCODEEXPIRE"
    );
    assert_eq!(
        scan("scan-2", "94567890123456789", "1")["err_code"],
        "AUTH_CODE_INVALID"
    );

    let waiting = scan("scan-3", "134567890123456780", "100000");
    assert_eq!(waiting["err_code"], "USERPAYING");
    let state =
        || client.call("/pay/orderquery", &[("out_trade_no", "scan-3")])["trade_state"].clone();
    assert_eq!(state(), "USERPAYING");
    client.sandbox.user_fails("scan-3").unwrap();
    assert_eq!(state(), "PAYERROR");

    let again = || scan("scan-4", "134567890123456781", "100000");
    assert_eq!(again()["err_code"], "USERPAYING");
    client.sandbox.user_enters_password("scan-4").unwrap();
    assert_eq!(again()["result_code"], "SUCCESS");
}

#[test]
fn injected_error_is_xml_and_signed() {
    let Some(client) = RawClient::start() else {
        return;
    };
    for sign_type in ["MD5", "HMAC-SHA256"] {
        client.sandbox.inject(Fault::Error {
            status: StatusCode::OK,
            code: "SYSTEMERROR".to_owned(),
            message: "系统超时".to_owned(),
            retry_after: None,
        });
        let asked = [("out_trade_no", "tea"), ("sign_type", sign_type)];
        let failed = client.call("/pay/orderquery", &asked);
        let shown = ["result_code", "err_code", "err_code_des"].map(|name| failed[name].as_str());
        assert_eq!(shown, ["FAIL", "SYSTEMERROR", "系统超时"]);
        assert_eq!(
            client.call("/pay/orderquery", &asked)["err_code"],
            "ORDERNOTEXIST"
        );
    }
}

#[test]
fn notification_is_of_the_version_and_digest_of_the_request() {
    let Some(client) = RawClient::start() else {
        return;
    };
    let sandbox = &client.sandbox;
    let acknowledged = "<xml><return_code>SUCCESS</return_code></xml>";
    let receiver = Server::start(move |_| MockResponse::plain(200, acknowledged));
    let url = format!("{}notify", receiver.url());
    let received = || {
        sandbox.settle().unwrap();
        let last = receiver.requests().pop().unwrap();
        read(std::str::from_utf8(&last.body).unwrap())
    };
    for (number, sign_type) in [("note-1", ""), ("note-2", "HMAC-SHA256")] {
        let ids = [
            ("out_trade_no", number),
            ("sign_type", sign_type),
            ("notify_url", url.as_str()),
        ];
        client.call("/pay/unifiedorder", &with(&NATIVE, &ids));
        sandbox.user_pays(number).unwrap();
        let paid = received();
        assert_eq!(paid["out_trade_no"], number);
        assert_eq!(paid["attach"], "a=1&b=2");
        assert_eq!(
            paid["sign"].len(),
            if sign_type.is_empty() { 32 } else { 64 }
        );
        assert_eq!(paid["sign"], client.sign(&paid));
    }

    let secured = sandbox.merchant().https_client_builder().unwrap();
    let secured = secured.build().unwrap();
    let refund = json!({ "security": true, "xml": {
        "appid": sandbox.appid(), "mch_id": sandbox.mchid(), "out_trade_no": "note-1",
        "out_refund_no": "note-1-r", "total_fee": 100, "refund_fee": 7, "notify_url": url,
    }});
    secured.chain("v2/secapi/pay/refund").post(refund).unwrap();
    sandbox.advance(Duration::from_secs(60));
    let refunded = received();
    // The key is the MD5 of the APIv2 key, in lower-case digits.
    let digest = openssl(&["dgst", "-r", "-md5"], sandbox.apiv2_key().as_bytes()).unwrap();
    let key: String = digest[..32]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let sealed = STANDARD.decode(&refunded["req_info"]).unwrap();
    let info = openssl(&["enc", "-d", "-aes-256-ecb", "-K", &key], &sealed).unwrap();
    let info = String::from_utf8(info).unwrap();
    for part in [
        "<root>",
        "<out_refund_no>note-1-r</out_refund_no>",
        "<refund_fee>7</refund_fee>",
        "<refund_status>SUCCESS</refund_status>",
    ] {
        assert!(info.contains(part), "{part}: {info}");
    }
    assert_eq!(receiver.requests().len(), 3);
}

#[test]
fn trade_bill_lists_payments_refunds_and_reversals() {
    let Some(client) = RawClient::start() else {
        return;
    };
    to_noon(&client.sandbox);
    let v3 = client.sandbox.client_builder().build().unwrap();
    client.call(
        "/pay/unifiedorder",
        &with(&NATIVE, &[("out_trade_no", "bill-1")]),
    );
    client.sandbox.user_pays("bill-1").unwrap();
    for (number, fen) in [("bill-1-a", 30), ("bill-1-b", 3)] {
        let refund = json!({ "json": {
            "out_trade_no": "bill-1", "out_refund_no": number,
            "amount": { "refund": fen, "total": 100, "currency": "CNY" },
        }});
        v3.chain("v3/refund/domestic/refunds").post(refund).unwrap();
    }
    let scanned = [
        ("out_trade_no", "bill-2"),
        ("auth_code", "134567890123456789"),
        ("total_fee", "7"),
        ("body", "茶\n两杯"),
        ("spbill_create_ip", "127.0.0.1"),
    ];
    client.call("/pay/micropay", &scanned);

    // `20180608` of today: a bill is made on the next day.
    let paid = client.call("/pay/orderquery", &[("out_trade_no", "bill-1")]);
    let today = &paid["time_end"][..8];
    let bill = |bill_type: &str| {
        let asked = [("bill_date", today), ("bill_type", bill_type)];
        client
            .send("POST", "/pay/downloadbill", &xml(&client.signed(&asked)))
            .1
    };
    let early = read(&bill("ALL"));
    assert_eq!(early["return_code"], "FAIL");
    assert_eq!(
        (early["return_msg"].as_str(), early["error_code"].as_str()),
        ("No Bill Exist", "20002")
    );
    client.sandbox.advance(Duration::from_secs(24 * 3600));

    // Sorted: within a second, any order is right.
    let columns = |bill: &str, names: [&str; 4]| -> Vec<String> {
        let mut lines = bill.split("\r\n");
        let header: Vec<_> = lines
            .next()
            .unwrap()
            .trim_start_matches('\u{feff}')
            .split(',')
            .collect();
        let at = names.map(|name| header.iter().position(|column| *column == name).unwrap());
        let rows = lines.take_while(|line| line.starts_with('`'));
        let mut rows: Vec<_> = rows
            .map(|row| {
                let values: Vec<_> = row.split(',').collect();
                assert_eq!(values.len(), header.len(), "{row}");
                at.map(|at| values[at].trim_start_matches('`')).join(" ")
            })
            .collect();
        rows.sort();
        rows
    };
    let shown = ["商户订单号", "交易状态", "应结订单金额", "退款金额"];
    assert_eq!(
        columns(&bill("ALL"), shown),
        [
            "bill-1 REFUND 0.00 0.03",
            "bill-1 REFUND 0.00 0.30",
            "bill-1 SUCCESS 1.00 0.00",
            "bill-2 SUCCESS 0.07 0.00",
        ]
    );
    let all = bill("ALL");
    assert!(
        all.ends_with("`4,`1.07,`0.33,`0.00,`0.00000,`1.07,`0.33\r\n"),
        "{all}"
    );
    let refunds = columns(
        &bill("REFUND"),
        ["商户退款单号", "退款状态", "退款金额", "退款类型"],
    );
    assert_eq!(
        refunds,
        [
            "bill-1-a SUCCESS 0.30 ORIGINAL",
            "bill-1-b SUCCESS 0.03 ORIGINAL"
        ]
    );
    let success = bill("SUCCESS");
    let header = success.lines().next().unwrap();
    assert_eq!(header.split(',').count(), 20);
    assert!(!header.contains("退款"), "{header}");
}

#[test]
fn service_provider_acts_for_its_sub_merchants_only() {
    let sandbox = Sandbox::start().unwrap();
    let partner = MerchantOptions::new("1900000200").partner_of(["1900000109"]);
    let partner = sandbox.add_merchant(partner).unwrap();
    let client = partner.client_builder().build().unwrap();
    let call = |path: &str, more: Value| -> Result<Value, Error> {
        let mut fields = json!({
            "appid": partner.appid(), "mch_id": "1900000200", "out_trade_no": "sp",
        });
        let fields_of_call = more.as_object().unwrap().clone();
        fields.as_object_mut().unwrap().extend(fields_of_call);
        Ok(client
            .chain(path)
            .post(json!({ "xml": fields }))?
            .xml()?
            .into())
    };
    let order = |sub_mch_id: &str| {
        json!({
            "sub_mch_id": sub_mch_id, "body": "茶", "total_fee": 100, "spbill_create_ip": "127.0.0.1",
            "notify_url": "https://example.com/notify", "trade_type": "NATIVE",
        })
    };
    let refused = call("v2/pay/unifiedorder", order("1900000110")).unwrap_err();
    assert_eq!(refused.api().unwrap().code(), "NOAUTH");
    let created = call("v2/pay/unifiedorder", order("1900000109")).unwrap();
    assert_eq!(created["sub_mch_id"], "1900000109");
    sandbox.user_pays("sp").unwrap();
    let of_sub = call("v2/pay/orderquery", json!({ "sub_mch_id": "1900000109" })).unwrap();
    assert_eq!(
        (&of_sub["trade_state"], &of_sub["mch_id"]),
        (&json!("SUCCESS"), &json!("1900000200"))
    );
    // It is not an order of the provider's own.
    let own = call("v2/pay/orderquery", json!({})).unwrap_err();
    assert_eq!(own.api().unwrap().code(), "ORDERNOTEXIST");
}
