//! The rules of payment orders, without a server.

use serde_json::json;

use super::{
    engine::{self, NewOrder, Number, Payer, Product},
    notice,
    order::{PREPAID_LIFETIME, Version},
    read, refusals,
};
use crate::sandbox::{
    checks::{fields::Fields, merchant::Acting},
    dispatch::{refusal::Refusal, response::ApiResponse},
    outbox::Content,
    state::{random::Rng, world::World},
};

pub(crate) const NOW: u64 = 1_528_425_296;
pub(crate) const MCHID: &str = "1230000109";
pub(crate) const SP_MCHID: &str = "1900000109";
pub(crate) const SUB_MCHID: &str = "1900000110";
/// What the merchants have at first, in fen.
pub(crate) const OPENING: u64 = 1_000;

pub(crate) fn world() -> World {
    let mut world = World::new(Rng::from_seed(7), None);
    world.add_store(MCHID, OPENING);
    world.add_store(SP_MCHID, OPENING);
    world.add_sub_merchant(SP_MCHID, SUB_MCHID, OPENING);
    world
}

pub(crate) fn direct() -> Acting {
    Acting {
        mchid: MCHID.to_owned(),
        sp_mchid: None,
    }
}

pub(crate) fn partner() -> Acting {
    Acting {
        mchid: SUB_MCHID.to_owned(),
        sp_mchid: Some(SP_MCHID.to_owned()),
    }
}

pub(crate) fn order(product: Product, out_trade_no: &str, total: u64) -> NewOrder {
    NewOrder {
        acting: direct(),
        product,
        appid: "wxd678efh567hg6787".to_owned(),
        sub_appid: None,
        out_trade_no: out_trade_no.to_owned(),
        description: "茶".to_owned(),
        attach: Some("自定义数据".to_owned()),
        total,
        payer: Payer::default(),
        notify_url: Some("https://example.com/notify".to_owned()),
        expires: None,
        profit_sharing: false,
        version: Version::V3,
        combined: None,
        request: json!({ "total": total }),
    }
}

pub(crate) fn paid(w: &mut World, out_trade_no: &str, total: u64) {
    engine::prepay(w, order(Product::Native, out_trade_no, total), NOW).unwrap();
    engine::pay(w, MCHID, out_trade_no, Payer::default(), NOW).unwrap();
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (u16, &'static str) {
    let refusal = result.unwrap_err();
    (refusal.status, refusal.code)
}

pub(crate) fn available(w: &World, mchid: &str) -> u64 {
    w.stores[mchid].account.available()
}

fn state(w: &World, number: &str) -> &'static str {
    engine::by_out_trade_no(w, MCHID, number)
        .unwrap()
        .trade_state()
}

fn pay(w: &mut World, number: &str, now: u64) -> Result<(), Refusal> {
    engine::pay(w, MCHID, number, Payer::default(), now)
}

#[test]
fn prepaid_order_is_paid_once() {
    let mut w = world();
    let codes = engine::prepay(&mut w, order(Product::Jsapi, "tea-0001", 100), NOW).unwrap();
    assert_eq!(codes.prepay_id.len(), 36);
    assert!(codes.prepay_id.starts_with("wx20180608103456"));
    let body = engine::by_out_trade_no(&w, MCHID, "tea-0001")
        .unwrap()
        .query_body();
    assert_eq!(body["trade_state"], "NOTPAY");
    // As seen on the wire: `attach` comes with the payment.
    assert_eq!(
        body.to_string(),
        json!({
            "amount": { "total": 100, "payer_currency": "CNY" },
            "appid": "wxd678efh567hg6787",
            "mchid": MCHID,
            "out_trade_no": "tea-0001",
            "promotion_detail": [],
            "scene_info": { "device_id": "" },
            "trade_state": "NOTPAY",
            "trade_state_desc": "订单未支付",
        })
        .to_string()
    );

    pay(&mut w, "tea-0001", NOW + 10).unwrap();
    assert_eq!(available(&w, MCHID), OPENING + 100);
    let entries: Vec<_> = w.stores[MCHID].account.entries().cloned().collect();
    let order = engine::by_out_trade_no(&w, MCHID, "tea-0001").unwrap();
    let body = order.query_body();
    assert_eq!(body["trade_state"], "SUCCESS");
    assert_eq!(body["success_time"], "2018-06-08T10:35:06+08:00");
    assert_eq!(body["trade_type"], "JSAPI");
    assert_eq!(body["attach"], "自定义数据");
    assert_eq!(body["amount"]["payer_total"], 100);
    assert_eq!((entries.len(), entries[0].fen), (1, 100));
    assert_eq!(body["transaction_id"], entries[0].id);
    let id = entries[0].id.clone();
    assert_eq!(
        engine::find(&w, &direct(), Number::Ours(&id)).unwrap(),
        order
    );

    assert_eq!(code(pay(&mut w, "tea-0001", NOW)), (400, "ORDERPAID"));
    assert_eq!(
        code(engine::close(&mut w, &direct(), "tea-0001")),
        (400, "ORDERPAID")
    );
    let again = order_again(&mut w, 100, NOW);
    assert_eq!(code(again), (400, "ORDERPAID"));
    assert_eq!(available(&w, MCHID), OPENING + 100);
    assert_eq!(code(pay(&mut w, "no-such", NOW)), (404, "ORDER_NOT_EXIST"));
}

fn order_again(w: &mut World, total: u64, now: u64) -> Result<String, Refusal> {
    let codes = engine::prepay(w, order(Product::Jsapi, "tea-0001", total), now)?;
    Ok(codes.prepay_id)
}

#[test]
fn closed_order_refuses_everything_but_close() {
    let mut w = world();
    order_again(&mut w, 100, NOW).unwrap();
    for _ in 0..2 {
        engine::close(&mut w, &direct(), "tea-0001").unwrap();
    }
    assert_eq!(state(&w, "tea-0001"), "CLOSED");
    assert_eq!(code(pay(&mut w, "tea-0001", NOW)), (400, "ORDER_CLOSED"));
    assert_eq!(code(order_again(&mut w, 100, NOW)), (400, "ORDER_CLOSED"));
    assert_eq!(available(&w, MCHID), OPENING);
}

#[test]
fn repeated_prepayment_must_have_the_same_parameters() {
    let mut w = world();
    let first = order_again(&mut w, 100, NOW).unwrap();
    assert_eq!(order_again(&mut w, 100, NOW + 60).unwrap(), first);
    assert_eq!(
        code(order_again(&mut w, 101, NOW)),
        (403, "OUT_TRADE_NO_USED")
    );
    let other_product = engine::prepay(&mut w, order(Product::Native, "tea-0001", 100), NOW);
    assert_eq!(code(other_product), (403, "OUT_TRADE_NO_USED"));
}

#[test]
fn prepay_id_expires_and_prepaying_again_renews_it() {
    let mut w = world();
    let first = order_again(&mut w, 100, NOW).unwrap();
    let later = NOW + PREPAID_LIFETIME;
    assert_eq!(
        code(pay(&mut w, "tea-0001", later)),
        (400, "INVALID_REQUEST")
    );
    assert_eq!(state(&w, "tea-0001"), "NOTPAY");
    assert_ne!(order_again(&mut w, 100, later).unwrap(), first);
    pay(&mut w, "tea-0001", later + PREPAID_LIFETIME - 1).unwrap();
}

#[test]
fn order_cannot_be_paid_after_time_expire() {
    let mut w = world();
    let mut new = order(Product::App, "tea-0001", 100);
    new.expires = Some(NOW + 600);
    engine::prepay(&mut w, new, NOW).unwrap();
    assert_eq!(
        code(pay(&mut w, "tea-0001", NOW + 601)),
        (400, "INVALID_REQUEST")
    );
    pay(&mut w, "tea-0001", NOW + 600).unwrap();
}

#[test]
fn order_that_expires_is_as_one_whose_time_expire_has_passed() {
    let mut w = world();
    let later = NOW + 601;
    let mut timed = order(Product::Native, "tea-0001", 100);
    timed.expires = Some(NOW + 600);
    engine::prepay(&mut w, timed.clone(), NOW).unwrap();
    engine::prepay(&mut w, order(Product::Native, "tea-0002", 100), NOW).unwrap();
    engine::expire(&mut w, MCHID, "tea-0002", later).unwrap();
    let same = order(Product::Native, "tea-0002", 100);
    for (number, again) in [("tea-0001", timed), ("tea-0002", same)] {
        assert_eq!(state(&w, number), "NOTPAY");
        let refused = pay(&mut w, number, later).unwrap_err();
        assert_eq!(refused, refusals::overdue());
        // Also when new codes would be due.
        for now in [later, later + PREPAID_LIFETIME] {
            let refused = engine::prepay(&mut w, again.clone(), now).unwrap_err();
            assert_eq!(refused, refusals::overdue());
        }
        let expired = engine::expire(&mut w, MCHID, number, later);
        assert_eq!(expired.unwrap_err(), refusals::overdue());
        engine::close(&mut w, &direct(), number).unwrap();
        assert_eq!(state(&w, number), "CLOSED");
    }
    paid(&mut w, "tea-0003", 100);
    let refused = engine::expire(&mut w, MCHID, "tea-0003", NOW);
    assert_eq!(refused.unwrap_err(), refusals::paid());
}

#[test]
fn only_the_named_payer_can_pay() {
    let mut w = world();
    let mut new = order(Product::Jsapi, "tea-0001", 100);
    new.payer.openid = Some("o1".to_owned());
    engine::prepay(&mut w, new, NOW).unwrap();
    let payer = |openid: &str| Payer {
        openid: Some(openid.to_owned()),
        sub_openid: None,
    };
    let other = engine::pay(&mut w, MCHID, "tea-0001", payer("o2"), NOW);
    assert_eq!(code(other), (400, "OPENID_MISMATCH"));
    engine::pay(&mut w, MCHID, "tea-0001", payer("o1"), NOW).unwrap();
    let body = engine::by_out_trade_no(&w, MCHID, "tea-0001")
        .unwrap()
        .query_body();
    assert_eq!(body["payer"], json!({ "openid": "o1" }));
}

#[test]
fn order_belongs_to_the_merchant_and_its_service_provider() {
    let mut w = world();
    let mut new = order(Product::Native, "tea-0001", 100);
    new.acting = partner();
    new.sub_appid = Some("wx2".to_owned());
    engine::prepay(&mut w, new, NOW).unwrap();
    engine::pay(&mut w, SUB_MCHID, "tea-0001", Payer::default(), NOW).unwrap();
    assert_eq!(available(&w, SUB_MCHID), OPENING + 100);
    assert_eq!(available(&w, SP_MCHID), OPENING);

    let by = Number::Merchants("tea-0001");
    let found = engine::find(&w, &partner(), by).unwrap();
    let body = found.query_body();
    assert_eq!(
        (&body["sp_mchid"], &body["sub_mchid"], &body["sub_appid"]),
        (&json!(SP_MCHID), &json!(SUB_MCHID), &json!("wx2"))
    );
    assert!(body.get("mchid").is_none() && body["payer"]["sp_openid"].is_string());
    // The provider's keys sign the notification.
    assert_eq!(notice::paid(found).unwrap().mchid, SP_MCHID);

    let alone = Acting {
        mchid: SUB_MCHID.to_owned(),
        sp_mchid: None,
    };
    assert_eq!(code(engine::find(&w, &alone, by)), (404, "ORDER_NOT_EXIST"));
    assert_eq!(
        code(engine::find(&w, &direct(), by)),
        (404, "ORDER_NOT_EXIST")
    );
}

#[test]
fn notification_says_what_was_paid() {
    let mut w = world();
    order_again(&mut w, 100, NOW).unwrap();
    let order = engine::by_out_trade_no(&w, MCHID, "tea-0001")
        .unwrap()
        .clone();
    pay(&mut w, "tea-0001", NOW).unwrap();
    let paid = engine::by_out_trade_no(&w, MCHID, "tea-0001").unwrap();
    let notice = notice::paid(paid).unwrap();
    assert_eq!(notice.url, "https://example.com/notify");
    match notice.content {
        Content::V3 {
            event_type,
            resource,
            ..
        } => {
            assert_eq!(event_type, "TRANSACTION.SUCCESS");
            let mut queried = paid.query_body();
            queried.as_object_mut().unwrap().remove("promotion_detail");
            assert_eq!(resource, queried);
        }
        Content::V2 { .. } => panic!("of APIv2"),
    }

    // An order of APIv2 has one of APIv2.
    let mut v2 = paid.clone();
    v2.asked.version = Version::V2 { hmac: true };
    match notice::paid(&v2).unwrap().content {
        Content::V2 { fields, req_info } => {
            assert_eq!(fields["return_code"], "SUCCESS");
            assert_eq!(fields["total_fee"], "100");
            assert_eq!(fields["time_end"], "20180608103456");
            assert_eq!(fields["sign_type"], "HMAC-SHA256");
            assert!(req_info.is_none());
        }
        Content::V3 { .. } => panic!("of APIv3"),
    }
    v2.asked.notify_url = None;
    assert!(notice::paid(&v2).is_none());
    assert_eq!(order.trade_state(), "NOTPAY");
}

#[test]
fn shared_money_is_frozen() {
    let mut w = world();
    let mut new = order(Product::Native, "tea-0001", 100);
    new.profit_sharing = true;
    engine::prepay(&mut w, new, NOW).unwrap();
    pay(&mut w, "tea-0001", NOW).unwrap();
    let account = |w: &World| {
        let account = &w.stores[MCHID].account;
        (account.available(), account.frozen())
    };
    assert_eq!(account(&w), (OPENING, 100));
    assert_eq!(engine::unfreeze(&mut w, MCHID, "tea-0001").unwrap(), 100);
    assert_eq!(engine::unfreeze(&mut w, MCHID, "tea-0001").unwrap(), 0);
    assert_eq!(account(&w), (OPENING + 100, 0));
}

fn scan(w: &mut World, number: &str, total: u64, code: &str) -> Result<&'static str, Refusal> {
    let mut new = order(Product::Code, number, total);
    new.notify_url = None;
    engine::code_pay(w, new, code, NOW).map(|order| order.trade_state())
}

#[test]
fn code_payment_waits_for_the_password_from_1000_yuan_on() {
    let mut w = world();
    assert_eq!(
        scan(&mut w, "tea-0001", 99_999, "130000000000000001"),
        Ok("SUCCESS")
    );
    assert_eq!(
        scan(&mut w, "tea-0002", 100_000, "130000000000000002"),
        Ok("USERPAYING")
    );
    assert_eq!(
        scan(&mut w, "tea-0002", 100_000, "130000000000000002"),
        Ok("USERPAYING")
    );
    assert_eq!(
        code(engine::close(&mut w, &direct(), "tea-0002")),
        (400, "USERPAYING")
    );
    engine::enter_password(&mut w, MCHID, "tea-0002", NOW).unwrap();
    assert_eq!(
        scan(&mut w, "tea-0002", 100_000, "130000000000000002"),
        Ok("SUCCESS")
    );
    assert_eq!(available(&w, MCHID), OPENING + 199_999);
    assert!(engine::enter_password(&mut w, MCHID, "tea-0002", NOW).is_err());

    scan(&mut w, "tea-0003", 100_000, "130000000000000003").unwrap();
    engine::fail(&mut w, MCHID, "tea-0003").unwrap();
    assert_eq!(state(&w, "tea-0003"), "PAYERROR");
    assert!(engine::enter_password(&mut w, MCHID, "tea-0003", NOW).is_err());
}

#[test]
fn auth_code_is_checked_and_pays_once() {
    let mut w = world();
    for invalid in [
        "",
        "130",
        "160000000000000001",
        "1300000000000000012",
        "13000000000000000x",
    ] {
        let refused = scan(&mut w, "tea-0001", 1, invalid).unwrap_err();
        assert_eq!(refused.v2_code, "AUTH_CODE_INVALID", "{invalid}");
    }
    scan(&mut w, "tea-0001", 1, "100000000000000001").unwrap();
    let again = scan(&mut w, "tea-0002", 1, "100000000000000001").unwrap_err();
    assert_eq!(again.v2_code, "AUTHCODEEXPIRE");
    assert_eq!(available(&w, MCHID), OPENING + 1);
    let other = scan(&mut w, "tea-0001", 2, "100000000000000002");
    assert_eq!(code(other), (403, "OUT_TRADE_NO_USED"));
}

#[test]
fn code_payment_can_be_taken_back() {
    let mut w = world();
    let by = |number| Number::Merchants(number);
    scan(&mut w, "tea-0001", 100, "130000000000000001").unwrap();
    for _ in 0..2 {
        engine::reverse(&mut w, &direct(), by("tea-0001"), NOW).unwrap();
    }
    assert_eq!(state(&w, "tea-0001"), "REVOKED");
    assert_eq!(available(&w, MCHID), OPENING);
    let again = scan(&mut w, "tea-0001", 100, "130000000000000001");
    assert_eq!(code(again), (400, "ORDER_REVERSED"));

    // One that waits for the password is not paid later.
    scan(&mut w, "tea-0002", 100_000, "130000000000000002").unwrap();
    engine::reverse(&mut w, &direct(), by("tea-0002"), NOW).unwrap();
    assert!(engine::enter_password(&mut w, MCHID, "tea-0002", NOW).is_err());

    // Another product cannot, nor an old order, nor without the money.
    paid(&mut w, "tea-0003", 100);
    let refused = engine::reverse(&mut w, &direct(), by("tea-0003"), NOW);
    assert_eq!(code(refused), (400, "INVALID_REQUEST"));
    scan(&mut w, "tea-0004", 100, "130000000000000004").unwrap();
    let late = engine::reverse(&mut w, &direct(), by("tea-0004"), NOW + 8 * 24 * 3600);
    assert_eq!(code(late), (400, "INVALID_REQUEST"));
    let all = available(&w, MCHID);
    w.store(MCHID).account.freeze(all - 99).unwrap();
    let poor = engine::reverse(&mut w, &direct(), by("tea-0004"), NOW);
    assert_eq!(code(poor), (403, "NOT_ENOUGH"));
    assert_eq!(state(&w, "tea-0004"), "SUCCESS");
}

fn request() -> serde_json::Value {
    json!({
        "appid": "wxd678efh567hg6787",
        "mchid": "1230000109",
        "description": "Image形象店-深圳腾大-QQ公仔",
        "out_trade_no": "1217752501201407033233368018",
        "notify_url": "https://www.weixin.qq.com/wxpay/pay.php",
        "amount": { "total": 100, "currency": "CNY" },
        "attach": "自定义数据",
        "payer": { "openid": "o1" },
    })
}

fn read(request: &serde_json::Value, product: Product) -> Result<NewOrder, ApiResponse> {
    let fields = Fields::of_body(request.as_object().unwrap());
    read::new_order(&fields, direct(), product, NOW)
}

#[test]
fn prepayment_error_names_the_invalid_field() {
    assert_eq!(read(&request(), Product::Jsapi).unwrap().total, 100);
    for (pointer, value) in [
        ("/appid", json!("")),
        ("/mchid", json!(1)),
        ("/out_trade_no", json!("12345")),
        ("/out_trade_no", json!("中文中文中文")),
        ("/description", json!("")),
        ("/notify_url", json!("ftp://example.com")),
        ("/amount/total", json!(0)),
        ("/amount/total", json!(-1)),
        ("/amount/total", json!(1.5)),
        ("/amount/total", json!("100")),
        ("/amount/currency", json!("XYZ")),
        ("/payer", json!("o1")),
        ("/payer/openid", json!("")),
    ] {
        let mut body = request();
        *body.pointer_mut(pointer).unwrap() = value;
        let error = read(&body, Product::Jsapi).expect_err(pointer).body_json();
        assert_eq!(error["code"], "PARAM_ERROR");
        // The wire names the field in the message, and not in `detail` as the documents do.
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(pointer), "{message}");
    }
    for time in ["2018-06-08 10:44:56", "2018-06-08T10:34:56+08:00"] {
        let mut body = request();
        body["time_expire"] = time.into();
        let error = read(&body, Product::Jsapi).expect_err(time).body_json();
        assert_eq!(error["detail"]["field"], "/time_expire");
    }
    // Each product has its own required fields.
    for (product, pointer) in [(Product::H5, "/scene_info"), (Product::Code, "/scene_info")] {
        let error = read(&request(), product).unwrap_err().body_json();
        assert!(
            error["message"].as_str().unwrap().contains(pointer),
            "{error}"
        );
    }
    let mut native = request();
    native.as_object_mut().unwrap().remove("payer");
    read(&native, Product::Native).unwrap();
    assert!(read(&native, Product::Jsapi).is_err());
}
