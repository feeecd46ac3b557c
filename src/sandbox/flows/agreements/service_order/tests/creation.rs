//! How an order begins.

use serde_json::{Value, json};

use super::{NOW, completion, created_by, created_from, direct, ids, request};
use crate::sandbox::{
    checks::{fields::Fields, merchant::Acting},
    dispatch::response::ApiResponse,
    flows::agreements::service_order::ServiceOrder,
};

fn provider() -> Acting {
    Acting {
        mchid: "sub".to_owned(),
        sp_mchid: Some("sp".to_owned()),
    }
}

fn completed_at_once(request: &Value) -> Result<ServiceOrder, ApiResponse> {
    let fields = Fields::of_body(request.as_object().unwrap());
    ServiceOrder::create_completed(&fields, direct(), ids(), NOW)
}

#[test]
fn order_without_confirmation_starts_at_once() {
    let mut body = request();
    body["need_user_confirm"] = false.into();
    assert_eq!(
        created_from(&body).unwrap_err().body_json()["detail"]["field"],
        "/openid"
    );
    body["openid"] = "o1".into();
    assert_eq!(created_from(&body).unwrap().state(), "DOING/USER_CONFIRM");
}

#[test]
fn creation_error_names_the_invalid_field() {
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
        let error = created_from(&body).expect_err(pointer).body_json();
        assert_eq!(error["code"], "PARAM_ERROR");
        assert_eq!(error["detail"]["location"], "body");
        // The wire names the field in the message, and not in `detail` as the documents do.
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(pointer), "{message}");
    }
    for name in request().as_object().unwrap().keys() {
        let mut body = request();
        body.as_object_mut().unwrap().remove(name);
        let error = created_from(&body).expect_err(name).body_json();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&format!("/body/{name}”")), "{message}");
    }
    let mut body = request();
    body["time_range"] = json!({ "start_time": "20180609", "end_time": "20180608" });
    let error = created_from(&body).unwrap_err().body_json();
    assert_eq!(error["detail"]["field"], "/time_range/end_time");
}

#[test]
fn order_that_is_completed_at_once_waits_for_the_payment() {
    let mut body = request();
    let body_fields = body.as_object_mut().unwrap();
    for name in ["risk_fund", "notify_url"] {
        body_fields.shift_remove(name);
    }
    body_fields.extend(completion(3900, 4000, 100).as_object().unwrap().clone());
    assert_eq!(
        completed_at_once(&body).unwrap_err().body_json()["detail"]["field"],
        "/openid"
    );
    body["openid"] = "o1".into();
    body["profit_sharing"] = true.into();
    let order = completed_at_once(&body).unwrap();
    assert_eq!(order.state(), "DOING/MCH_COMPLETE");
    assert!(order.profit_sharing);
    let seen = order.body();
    assert_eq!(seen["time_range"]["start_time"], "20180608103456");
    assert_eq!(seen["collection"]["paying_amount"], 3900);

    body["total_amount"] = 4000.into();
    let error = completed_at_once(&body).unwrap_err().body_json();
    assert_eq!(error["code"], "INVALID_REQUEST");
}

#[test]
fn order_of_a_provider_names_both_merchants_and_both_apps() {
    let mut body = request();
    body["sub_appid"] = "wx2".into();
    body["time_range"] = json!({});
    body["need_user_confirm"] = false.into();
    body["openid"] = "o1".into();
    body["sub_openid"] = "o2".into();
    let both = created_by(&body, provider()).unwrap_err().body_json();
    assert_eq!(both["detail"]["field"], "/sub_openid");
    body.as_object_mut().unwrap().shift_remove("openid");
    let order = created_by(&body, provider()).unwrap();
    let seen = order.body();
    for (name, value) in [
        ("mchid", "sp"),
        ("sub_mchid", "sub"),
        ("sub_appid", "wx2"),
        // WeChat Pay knows the user in either app.
        ("openid", "openid"),
        ("sub_openid", "o2"),
        ("state_description", "USER_CONFIRM"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    // Without a start, the service starts at the confirmation.
    assert_eq!(seen["time_range"]["start_time"], "20180608103456");
    body.as_object_mut().unwrap().shift_remove("sub_appid");
    let error = created_by(&body, provider()).unwrap_err().body_json();
    assert_eq!(error["detail"]["field"], "/sub_appid");
}
