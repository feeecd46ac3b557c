//! The service order's rules, without a server.

mod creation;

use serde_json::{Value, json};

use super::order::{CONFIRMATION_PERIOD, OrderIds, ServiceOrder};
use crate::sandbox::{
    checks::{fields::Fields, merchant::Acting},
    dispatch::response::ApiResponse,
};

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

fn ids() -> OrderIds {
    OrderIds {
        order_id: "1".to_owned(),
        query_id: "q".to_owned(),
        package: "p".to_owned(),
        out_trade_no: "t".to_owned(),
        someone: "openid".to_owned(),
    }
}

fn direct() -> Acting {
    Acting {
        mchid: "m".to_owned(),
        sp_mchid: None,
    }
}

fn created_from(request: &Value) -> Result<ServiceOrder, ApiResponse> {
    created_by(request, direct())
}

fn created_by(request: &Value, acting: Acting) -> Result<ServiceOrder, ApiResponse> {
    let fields = Fields::of_body(request.as_object().unwrap());
    ServiceOrder::create(&fields, acting, ids(), NOW)
}

fn created() -> ServiceOrder {
    created_from(&request()).unwrap()
}

fn confirmed() -> ServiceOrder {
    let mut order = created();
    order.confirm(NOW).unwrap();
    order
}

fn completed() -> ServiceOrder {
    let mut order = confirmed();
    complete(&mut order, &completion(3900, 4000, 100)).unwrap();
    order
}

fn complete(order: &mut ServiceOrder, body: &Value) -> Result<(), ApiResponse> {
    order.complete(&Fields::of_body(body.as_object().unwrap()))
}

fn modify(order: &mut ServiceOrder, body: &Value) -> Result<(), ApiResponse> {
    order.modify(&Fields::of_body(body.as_object().unwrap()))
}

fn cancel(order: &mut ServiceOrder) -> Result<(), ApiResponse> {
    order.cancel(&Fields::of_body(
        json!({ "reason": "r" }).as_object().unwrap(),
    ))
}

fn sync(order: &mut ServiceOrder, body: &Value) -> Result<(), ApiResponse> {
    order.sync(&Fields::of_body(body.as_object().unwrap()))
}

fn code(result: Result<(), impl Into<ApiResponse>>) -> String {
    let error: ApiResponse = result.map_err(Into::into).expect_err("refused");
    let error = error.body_json();
    error["code"].as_str().unwrap().to_owned()
}

#[test]
fn order_goes_from_created_to_done() {
    let mut order = created();
    assert_eq!(order.state(), "CREATED");
    assert_eq!(order.body()["time_range"]["start_time"], "OnAccept");
    assert_eq!(order.creation_body()["package"], "p");
    assert!(order.body().get("package").is_none());

    order.confirm(NOW).unwrap();
    let body = order.body();
    assert_eq!(body["state_description"], "USER_CONFIRM");
    assert_eq!(body["time_range"]["start_time"], "20180608103456");
    assert!(body.get("collection").is_none());

    complete(&mut order, &completion(3900, 4000, 100)).unwrap();
    let body = order.body();
    assert_eq!(
        (&body["state"], &body["state_description"]),
        (&json!("DOING"), &json!("MCH_COMPLETE"))
    );
    assert_eq!(body["need_collection"], true);
    assert_eq!(
        body["collection"],
        json!({ "state": "USER_PAYING", "total_amount": 3900, "paying_amount": 3900, "paid_amount": 0 })
    );

    order.pay("42".to_owned(), NOW).unwrap();
    let body = order.body();
    assert_eq!(body["state"], "DONE");
    assert!(body.get("state_description").is_none());
    assert_eq!(body["collection"]["state"], "USER_PAID");
    assert_eq!(body["collection"]["details"][0]["paid_type"], "NEWTON");
    assert_eq!(body["collection"]["details"][0]["transaction_id"], "42");
}

#[test]
fn sync_marks_an_order_as_paid_elsewhere() {
    let mut order = completed();
    sync(&mut order, &paid_elsewhere()).unwrap();
    let detail = &order.body()["collection"]["details"][0];
    assert_eq!(order.state(), "DONE");
    assert_eq!(detail["paid_type"], "MCH");
    assert_eq!(detail["paid_time"], "20091225091210");
    assert!(detail.get("transaction_id").is_none());
}

#[test]
fn each_operation_requires_its_state() {
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
    assert_eq!(code(order.check_collectable()), "INVALID_ORDER_STATE");

    let mut order = confirmed();
    assert_eq!(code(order.confirm(NOW)), "INVALID_ORDER_STATE");
    assert_eq!(
        code(sync(&mut order, &paid_elsewhere())),
        "INVALID_ORDER_STATE"
    );
    cancel(&mut order).unwrap();
    assert_eq!(order.state(), "REVOKED");
    // The same request again is how a merchant recovers from a lost response.
    cancel(&mut order).unwrap();
    let other = json!({ "reason": "s" });
    let other = order.cancel(&Fields::of_body(other.as_object().unwrap()));
    assert_eq!(code(other), "ORDER_CANCELED");
    assert_eq!(
        code(complete(&mut order, &completion(1, 1, 0))),
        "ORDER_CANCELED"
    );

    let mut order = completed();
    assert_eq!(code(cancel(&mut order)), "INVALID_ORDER_STATE");
    order.check_collectable().unwrap();
    sync(&mut order, &paid_elsewhere()).unwrap();
    assert_eq!(code(sync(&mut order, &paid_elsewhere())), "ORDER_DONE");
    assert_eq!(code(cancel(&mut order)), "ORDER_DONE");
    assert_eq!(code(order.pay("1".to_owned(), NOW)), "ORDER_DONE");
}

#[test]
fn total_amount_must_match_items_and_risk_fund() {
    let mut order = confirmed();
    for (body, part) in [
        (
            completion(4000, 4000, 100),
            "post_payments 4000 minus post_discounts 100",
        ),
        (completion(0, 100, 200), "minus post_discounts 200"),
        (completion(10001, 10001, 0), "risk_fund.amount of 10000"),
    ] {
        let error = complete(&mut order, &body).unwrap_err().body_json();
        assert_eq!(error["code"], "INVALID_REQUEST");
        let issue = error["detail"]["issue"].as_str().unwrap();
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
    assert_eq!(order.body()["collection"]["paying_amount"], 9000);
    assert_eq!(order.body()["post_discounts"][0]["amount"], 1000);
}

#[test]
fn completion_with_zero_total_is_done_at_once() {
    let mut order = confirmed();
    complete(&mut order, &completion(0, 100, 100)).unwrap();
    let body = order.body();
    assert_eq!(body["state"], "DONE");
    assert_eq!(body["need_collection"], false);
    assert!(body.get("collection").is_none());
}

#[test]
fn repeated_completion_must_be_identical() {
    let mut order = completed();
    complete(&mut order, &completion(3900, 4000, 100)).unwrap();
    assert_eq!(
        code(complete(&mut order, &completion(3800, 3800, 0))),
        "INVALID_ORDER_STATE"
    );
}

#[test]
fn unconfirmed_order_expires_after_thirty_days() {
    let mut order = created();
    order.apply_expiry(NOW + CONFIRMATION_PERIOD - 1);
    assert_eq!(order.state(), "CREATED");
    order.apply_expiry(NOW + CONFIRMATION_PERIOD);
    assert_eq!(order.state(), "EXPIRED");
    assert_eq!(code(order.confirm(NOW)), "INVALID_ORDER_STATE");

    let mut order = confirmed();
    order.apply_expiry(NOW + 2 * CONFIRMATION_PERIOD);
    assert_eq!(order.state(), "DOING/USER_CONFIRM");
}

#[test]
fn notices_have_what_their_tables_require() {
    use crate::{catalog, sandbox::outbox::Content};

    let mut paid = completed();
    paid.pay("42".to_owned(), NOW).unwrap();
    for (order, event) in [
        (confirmed(), "PAYSCORE.USER_CONFIRM"),
        (paid, "PAYSCORE.USER_PAID"),
    ] {
        let notice = order.notice(event, "").unwrap();
        let Content::V3 { resource, .. } = notice.content else {
            panic!("a notice of APIv3");
        };
        let table = catalog::events().find(|known| known.name() == event);
        for field in table.unwrap().fields().iter() {
            let value = resource.get(field.name());
            assert!(
                value.is_some() || !field.is_required(),
                "{event} has no {}",
                field.name()
            );
        }
        assert_eq!(resource["sub_mchid"], "m");
        assert_eq!(resource["out_trade_no"], "t");
    }
}

#[test]
fn message_about_the_cost_needs_a_running_service() {
    let mut body = completion(3900, 4000, 100);
    body["prepaid_time"] = "20180608103456".into();
    let fields = Fields::of_body(body.as_object().unwrap());
    confirmed().check_message(&fields).unwrap();
    assert_eq!(
        code(created().check_message(&fields)),
        "INVALID_ORDER_STATE"
    );
    assert_eq!(
        code(completed().check_message(&fields)),
        "INVALID_ORDER_STATE"
    );
}

#[test]
fn payment_elsewhere_has_a_date_or_a_time() {
    let mut order = completed();
    let mut body = paid_elsewhere();
    for wrong in ["2009", "20091332", "now"] {
        body["detail"]["paid_time"] = wrong.into();
        assert_eq!(code(sync(&mut order, &body)), "PARAM_ERROR");
    }
    body["detail"] = json!({ "paid_time": "20091225", "paid_amount": "3900" });
    assert_eq!(code(sync(&mut order, &body)), "PARAM_ERROR");
    body["detail"]["paid_amount"] = 3900.into();
    sync(&mut order, &body).unwrap();
    let detail = &order.body()["collection"]["details"][0];
    assert_eq!(detail["paid_time"], "20091225000000");
}
