use super::*;

const NOW: u64 = 1_528_425_296;

fn request() -> Value {
    json!({
        "out_order_no": "1234323JKHDFE1243252",
        "appid": "wxd678efh567hg6787",
        "service_id": "500001",
        "service_introduction": "某某酒店",
        "time_range": { "start_time": "OnAccept" },
        "risk_fund": { "name": "ESTIMATE_ORDER_COST", "amount": 10000 },
        "notify_url": "https://example.com/notify",
    })
}

fn completion(total: u64, payment: u64, discount: u64) -> Value {
    json!({
        "post_payments": [{ "name": "就餐费用", "amount": payment, "count": 4 }],
        "post_discounts": [{ "name": "满20减1元", "description": "不叠加", "amount": discount }],
        "total_amount": total,
        "reason": "用户投诉",
    })
}

fn paid_elsewhere() -> Value {
    json!({ "type": "Order_Paid", "detail": { "paid_time": "20091225091210" } })
}

fn created_from(request: &Value) -> Result<ServiceOrder, Answer> {
    let ids = Ids {
        order_id: "1".to_owned(),
        query_id: "q".to_owned(),
        package: "p".to_owned(),
    };
    ServiceOrder::create(&Fields::body(request.as_object().unwrap()), ids, NOW)
}

fn created() -> ServiceOrder {
    created_from(&request()).unwrap()
}

fn confirmed() -> ServiceOrder {
    let mut order = created();
    order.confirm("openid".to_owned(), NOW).unwrap();
    order
}

fn completed() -> ServiceOrder {
    let mut order = confirmed();
    complete(&mut order, &completion(3900, 4000, 100)).unwrap();
    order
}

fn complete(order: &mut ServiceOrder, body: &Value) -> Result<(), Answer> {
    order.complete(&Fields::body(body.as_object().unwrap()))
}

fn modify(order: &mut ServiceOrder, body: &Value) -> Result<(), Answer> {
    order.modify(&Fields::body(body.as_object().unwrap()))
}

fn cancel(order: &mut ServiceOrder) -> Result<(), Answer> {
    order.cancel(&Fields::body(json!({ "reason": "r" }).as_object().unwrap()))
}

fn sync(order: &mut ServiceOrder, body: &Value) -> Result<(), Answer> {
    order.sync(&Fields::body(body.as_object().unwrap()))
}

fn code(result: Result<(), Answer>) -> String {
    let value = result.expect_err("refused").value();
    value["code"].as_str().unwrap().to_owned()
}

#[test]
fn the_whole_way_to_done() {
    let mut order = created();
    assert_eq!(order.state(), "CREATED");
    assert_eq!(order.view("m")["time_range"]["start_time"], "OnAccept");
    assert_eq!(order.creation("m")["package"], "p");
    assert!(order.view("m").get("package").is_none());

    order.confirm("openid".to_owned(), NOW).unwrap();
    let view = order.view("m");
    assert_eq!(view["state_description"], "USER_CONFIRM");
    assert_eq!(view["time_range"]["start_time"], "20180608103456");
    assert!(view.get("collection").is_none());

    complete(&mut order, &completion(3900, 4000, 100)).unwrap();
    let view = order.view("m");
    assert_eq!(
        (&view["state"], &view["state_description"]),
        (&json!("DOING"), &json!("MCH_COMPLETE"))
    );
    assert_eq!(view["need_collection"], true);
    assert_eq!(
        view["collection"],
        json!({ "state": "USER_PAYING", "total_amount": 3900, "paying_amount": 3900, "paid_amount": 0 })
    );

    order.pay("42".to_owned(), NOW).unwrap();
    let view = order.view("m");
    assert_eq!(view["state"], "DONE");
    assert!(view.get("state_description").is_none());
    assert_eq!(view["collection"]["state"], "USER_PAID");
    assert_eq!(view["collection"]["details"][0]["paid_type"], "NEWTON");
    assert_eq!(view["collection"]["details"][0]["transaction_id"], "42");
}

#[test]
fn sync_ends_an_order_that_was_paid_elsewhere() {
    let mut order = completed();
    sync(&mut order, &paid_elsewhere()).unwrap();
    let detail = &order.view("m")["collection"]["details"][0];
    assert_eq!(order.state(), "DONE");
    assert_eq!(detail["paid_type"], "MCH");
    assert_eq!(detail["paid_time"], "20091225091210");
    assert!(detail.get("transaction_id").is_none());
}

#[test]
fn each_step_has_its_state() {
    let mut order = created();
    assert_eq!(
        code(complete(&mut order, &completion(1, 1, 0))),
        "INVALID_ORDER_STATE"
    );
    assert_eq!(
        code(modify(&mut order, &completion(1, 1, 0))),
        "INVALID_ORDER_STATE"
    );
    assert_eq!(
        code(sync(&mut order, &paid_elsewhere())),
        "INVALID_ORDER_STATE"
    );
    assert_eq!(code(order.pay("1".to_owned(), NOW)), "INVALID_ORDER_STATE");
    assert_eq!(code(order.collect()), "INVALID_ORDER_STATE");

    let mut order = confirmed();
    assert_eq!(
        code(order.confirm("o".to_owned(), NOW)),
        "INVALID_ORDER_STATE"
    );
    assert_eq!(
        code(sync(&mut order, &paid_elsewhere())),
        "INVALID_ORDER_STATE"
    );
    cancel(&mut order).unwrap();
    assert_eq!(order.state(), "REVOKED");
    assert_eq!(code(cancel(&mut order)), "ORDER_CANCELED");
    assert_eq!(
        code(complete(&mut order, &completion(1, 1, 0))),
        "ORDER_CANCELED"
    );

    let mut order = completed();
    assert_eq!(code(cancel(&mut order)), "INVALID_ORDER_STATE");
    order.collect().unwrap();
    sync(&mut order, &paid_elsewhere()).unwrap();
    assert_eq!(code(sync(&mut order, &paid_elsewhere())), "ORDER_DONE");
    assert_eq!(code(cancel(&mut order)), "ORDER_DONE");
    assert_eq!(code(order.pay("1".to_owned(), NOW)), "ORDER_DONE");
}

#[test]
fn amounts_obey_the_rules() {
    let mut order = confirmed();
    for (body, part) in [
        (
            completion(4000, 4000, 100),
            "post_payments 4000 less post_discounts 100",
        ),
        (completion(0, 100, 200), "less post_discounts 200"),
        (completion(10001, 10001, 0), "risk_fund.amount of 10000"),
    ] {
        let answer = complete(&mut order, &body).unwrap_err().value();
        assert_eq!(answer["code"], "INVALID_REQUEST");
        let issue = answer["detail"]["issue"].as_str().unwrap();
        assert!(issue.contains(part), "{issue}");
    }
    assert_eq!(order.state(), "DOING/USER_CONFIRM");
    complete(&mut order, &completion(10000, 10000, 0)).unwrap();

    assert_eq!(
        code(modify(&mut order, &completion(10000, 10000, 0))),
        "INVALID_REQUEST"
    );
    modify(&mut order, &completion(9000, 10000, 1000)).unwrap();
    modify(&mut order, &completion(9000, 10000, 1000)).unwrap();
    assert_eq!(
        code(modify(&mut order, &completion(9500, 9500, 0))),
        "INVALID_REQUEST"
    );
    assert_eq!(order.view("m")["collection"]["paying_amount"], 9000);
    assert_eq!(order.view("m")["post_discounts"][0]["amount"], 1000);
}

#[test]
fn nothing_to_pay_is_done_at_once() {
    let mut order = confirmed();
    complete(&mut order, &completion(0, 100, 100)).unwrap();
    let view = order.view("m");
    assert_eq!(view["state"], "DONE");
    assert_eq!(view["need_collection"], false);
    assert!(view.get("collection").is_none());
}

#[test]
fn the_same_completion_again_is_the_same() {
    let mut order = completed();
    complete(&mut order, &completion(3900, 4000, 100)).unwrap();
    assert_eq!(
        code(complete(&mut order, &completion(3800, 3800, 0))),
        "INVALID_ORDER_STATE"
    );
}

#[test]
fn an_unconfirmed_order_expires_after_thirty_days() {
    let mut order = created();
    order.settle(NOW + UNCONFIRMED - 1);
    assert_eq!(order.state(), "CREATED");
    order.settle(NOW + UNCONFIRMED);
    assert_eq!(order.state(), "EXPIRED");
    assert_eq!(
        code(order.confirm("o".to_owned(), NOW)),
        "INVALID_ORDER_STATE"
    );

    let mut order = confirmed();
    order.settle(NOW + 2 * UNCONFIRMED);
    assert_eq!(order.state(), "DOING/USER_CONFIRM");
}

#[test]
fn an_order_without_confirmation_begins_at_once() {
    let mut body = request();
    body["need_user_confirm"] = false.into();
    assert_eq!(
        created_from(&body).err().unwrap().value()["detail"]["field"],
        "/openid"
    );
    body["openid"] = "o1".into();
    assert_eq!(created_from(&body).unwrap().state(), "DOING/USER_CONFIRM");
}

#[test]
fn creation_names_the_field_at_fault() {
    for (pointer, value) in [
        ("/out_order_no", json!("has space")),
        ("/out_order_no", json!("123456789012345678901234567890123")),
        ("/appid", json!("")),
        ("/service_id", json!(500_001)),
        ("/service_introduction", json!("123456789012345678901")),
        ("/time_range", json!("now")),
        ("/time_range/start_time", json!("2009-12-25")),
        ("/risk_fund", json!([])),
        ("/risk_fund/name", json!("RISK")),
        ("/risk_fund/amount", json!(0)),
        ("/risk_fund/amount", json!("100")),
        ("/notify_url", json!("example.com")),
        ("/notify_url", json!("https://example.com/?a=b")),
    ] {
        let mut body = request();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        let answer = created_from(&body).err().expect(pointer).value();
        assert_eq!(answer["code"], "PARAM_ERROR");
        assert_eq!(answer["detail"]["field"], pointer);
        assert_eq!(answer["detail"]["value"], value);
        assert_eq!(answer["detail"]["location"], "body");
    }
    for name in request().as_object().unwrap().keys() {
        let mut body = request();
        body.as_object_mut().unwrap().remove(name);
        let answer = created_from(&body).err().expect(name).value();
        assert_eq!(answer["detail"]["field"], format!("/{name}"));
    }
    let mut body = request();
    body["time_range"] = json!({ "start_time": "20180609", "end_time": "20180608" });
    let answer = created_from(&body).err().unwrap().value();
    assert_eq!(answer["detail"]["field"], "/time_range/end_time");
}
