//! Permissions for a pay-score service, from the pre-authorization to the termination.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{Sandbox, SandboxEvent, StateKind};

use super::{
    super::payments::orders::{SP_MCHID, SUB_MCHID, code, get, post, provider, with_provider},
    check_notice, check_response,
};

const PERMISSIONS: &str = "v3/payscore/permissions";

fn pre_authorization(sandbox: &Sandbox, number: &str) -> Value {
    json!({
        "appid": sandbox.appid(), "service_id": "500001", "authorization_code": number,
        "notify_url": "https://example.com/permissions",
    })
}

#[test]
fn permission_is_opened_queried_and_terminated() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let asked = pre_authorization(&sandbox, "member-0001");
    let token = post(&client, PERMISSIONS, asked.clone()).unwrap();
    check_response("POST v3/payscore/permissions", &token);
    assert_eq!(post(&client, PERMISSIONS, asked.clone()).unwrap(), token);
    let mut other = asked.clone();
    other["service_id"] = "500002".into();
    let refused = post(&client, PERMISSIONS, other);
    assert_eq!(code(refused), (400, "INVALID_REQUEST".to_owned()));

    let by_code = format!("{PERMISSIONS}/authorization-code/member-0001");
    let of_service = json!({ "service_id": "500001" });
    let seen = get(&client, &by_code, of_service.clone()).unwrap();
    assert_eq!(seen["authorization_state"], "UNBINDUSER");
    sandbox.user_opens_permission("member-0001").unwrap();
    assert!(sandbox.user_opens_permission("member-0001").is_err());
    let seen = get(&client, &by_code, of_service.clone()).unwrap();
    check_response(
        "GET v3/payscore/permissions/authorization-code/{authorization_code}",
        &seen,
    );
    assert_eq!(seen["authorization_state"], "AVAILABLE");
    let openid = seen["openid"].as_str().unwrap();

    let by_user = format!("{PERMISSIONS}/openid/{openid}");
    let of_app = json!({ "service_id": "500001", "appid": sandbox.appid() });
    let of_user = get(&client, &by_user, of_app.clone()).unwrap();
    check_response("GET v3/payscore/permissions/openid/{openid}", &of_user);
    assert_eq!(of_user, seen);
    let state = json!({ "service_id": "500001", "appid": sandbox.appid(), "openid": openid });
    let path = "v3/payscore/user-service-state";
    let open = get(&client, path, state.clone()).unwrap();
    check_response("GET v3/payscore/user-service-state", &open);
    assert_eq!(open["use_service_state"], "AVAILABLE");
    let nobody = get(&client, &format!("{PERMISSIONS}/openid/nobody"), of_app);
    assert_eq!(code(nobody), (404, "ORDER_NOT_EXIST".to_owned()));

    let end = json!({ "service_id": "500001", "appid": sandbox.appid(), "reason": "不再使用" });
    let path = format!("{by_user}/terminate");
    assert_eq!(post(&client, &path, end.clone()).unwrap(), Value::Null);
    post(&client, &path, end.clone()).unwrap();
    let end = json!({ "service_id": "500001", "reason": "不再使用" });
    let path_of_code = format!("{by_code}/terminate");
    let refused = post(&client, &path_of_code, end.clone());
    assert_eq!(code(refused), (400, "ORDER_CANCELED".to_owned()));
    let seen = get(&client, &by_code, of_service).unwrap();
    assert_eq!(seen["authorization_state"], "UNAVAILABLE");
    assert!(seen["cancel_authorization_time"].is_string());
    let closed = get(&client, "v3/payscore/user-service-state", state).unwrap();
    assert_eq!(closed["use_service_state"], "UNAVAILABLE");

    // The user comes back, and leaves by another door.
    assert_eq!(post(&client, PERMISSIONS, asked).unwrap(), token);
    sandbox.user_opens_permission("member-0001").unwrap();
    post(&client, &path_of_code, end).unwrap();
    let deliveries = sandbox.deliveries();
    let events = deliveries.iter().map(|delivery| delivery.event_type());
    let (opens, closes) = ("PAYSCORE.USER_OPEN_SERVICE", "PAYSCORE.USER_CLOSE_SERVICE");
    assert_eq!(events.collect::<Vec<_>>(), [opens, closes, opens, closes]);
    for delivery in &deliveries {
        check_notice(delivery);
        assert_eq!(delivery.url(), "https://example.com/permissions");
        assert_eq!(delivery.resource()["openid"], openid);
        assert_eq!(delivery.resource()["authorization_code"], "member-0001");
    }
}

#[test]
fn pre_authorization_lasts_an_hour() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let events = sandbox.subscribe();
    let asked = pre_authorization(&sandbox, "member-0001");
    let first = post(&client, PERMISSIONS, asked.clone()).unwrap();
    sandbox.advance(Duration::from_secs(3600));
    assert!(sandbox.user_opens_permission("member-0001").is_err());
    let second = post(&client, PERMISSIONS, asked).unwrap();
    assert_ne!(first, second);
    sandbox.user_opens_permission("member-0001").unwrap();
    sandbox.user_closes_permission("member-0001").unwrap();
    assert!(sandbox.user_closes_permission("member-0001").is_err());
    assert!(sandbox.user_closes_permission("member-0002").is_err());
    let mut states = Vec::new();
    while let Some(event) = events.try_next() {
        if let SandboxEvent::State(change) = event {
            assert_eq!(
                (change.kind(), change.number()),
                (StateKind::Permission, "member-0001")
            );
            states.push(change.to().to_owned());
        }
    }
    assert_eq!(states, ["UNBINDUSER", "AVAILABLE", "UNAVAILABLE"]);
}

#[test]
fn user_who_closed_the_service_gets_no_order_without_confirmation() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    post(
        &client,
        PERMISSIONS,
        pre_authorization(&sandbox, "member-0001"),
    )
    .unwrap();
    sandbox.user_opens_permission("member-0001").unwrap();
    let openid = sandbox.deliveries()[0].resource()["openid"].clone();
    let order = |number: &str| {
        json!({
            "out_order_no": number, "appid": sandbox.appid(), "service_id": "500001",
            "service_introduction": "单车", "time_range": { "start_time": "OnAccept" },
            "post_payments": [{ "name": "骑行", "amount": 350 }], "total_amount": 350,
            "openid": openid, "notify_url": "https://example.com/payscore",
        })
    };
    let path = "v3/payscore/serviceorder/direct-complete";
    let created = post(&client, path, order("bike-0001")).unwrap();
    check_response("POST v3/payscore/serviceorder/direct-complete", &created);
    assert_eq!(created["state_description"], "MCH_COMPLETE");
    assert_eq!(post(&client, path, order("bike-0001")).unwrap(), created);
    sandbox.user_pays("bike-0001").unwrap();
    check_notice(&sandbox.deliveries()[1]);

    sandbox.user_closes_permission("member-0001").unwrap();
    let refused = post(&client, path, order("bike-0002"));
    assert_eq!(code(refused), (403, "NO_AUTH".to_owned()));
    let path = "v3/payscore/serviceorder";
    let mut body = order("bike-0003");
    body["risk_fund"] = json!({ "name": "ESTIMATE_ORDER_COST", "amount": 1000 });
    body["need_user_confirm"] = false.into();
    let refused = post(&client, path, body.clone());
    assert_eq!(code(refused), (403, "NO_AUTH".to_owned()));
    body["need_user_confirm"] = true.into();
    post(&client, path, body).unwrap();
}

#[test]
fn provider_has_the_permissions_of_its_sub_merchants_alone() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let base = "v3/payscore/partner/permissions";
    let asked = json!({
        "appid": "wx1", "sub_appid": "wx2", "sub_mchid": SUB_MCHID, "service_id": "500001",
        "authorization_code": "member-0001", "notify_url": "https://example.com/permissions",
    });
    let mut wrong = asked.clone();
    wrong["sub_mchid"] = "1900000111".into();
    assert_eq!(
        code(post(&client, base, wrong)),
        (403, "NO_AUTH".to_owned())
    );
    check_response(
        "POST v3/payscore/partner/permissions",
        &post(&client, base, asked.clone()).unwrap(),
    );
    sandbox.user_opens_permission("member-0001").unwrap();
    let by_code = format!("{base}/authorization-code/member-0001");
    let of_service = json!({ "service_id": "500001", "sub_mchid": SUB_MCHID });
    let seen = get(&client, &by_code, of_service).unwrap();
    check_response(
        "GET v3/payscore/partner/permissions/authorization-code/{authorization_code}",
        &seen,
    );
    assert_eq!(
        (&seen["mchid"], &seen["sub_mchid"]),
        (&SP_MCHID.into(), &SUB_MCHID.into())
    );

    let user = json!({
        "service_id": "500001", "appid": "wx1", "sub_mchid": SUB_MCHID,
        "sub_openid": seen["sub_openid"], "sub_appid": "wx2",
    });
    let search = format!("{base}/search");
    let found = get(&client, &search, user.clone()).unwrap();
    check_response("GET v3/payscore/partner/permissions/search", &found);
    assert_eq!(found, seen);
    let mut scene = asked.clone();
    scene["authorization_code"] = "member-0002".into();
    scene["scene"] = "TRANSACTION".into();
    scene["transaction_scene_info"] = json!({ "mchid": SP_MCHID, "sub_mchid": SUB_MCHID });
    let token = post(&client, &format!("{base}/apply-for-scene"), scene).unwrap();
    check_response(
        "POST v3/payscore/partner/permissions/apply-for-scene",
        &token,
    );

    let mut end = user;
    end["reason"] = "不再使用".into();
    post(&client, &format!("{base}/terminate"), end).unwrap();
    let deliveries = sandbox.deliveries();
    assert_eq!(deliveries.len(), 2);
    for delivery in &deliveries {
        check_notice(delivery);
        assert_eq!(delivery.mchid(), SP_MCHID);
        assert_eq!(delivery.resource()["sub_mchid"], SUB_MCHID);
    }
    // Nor has the sub-merchant's own list it: the provider made it.
    let risk = json!({ "json": {
        "service_id": "500001", "appid": "wx1", "authorization_code": "member-0001",
    }, "query": { "sub_mchid": SUB_MCHID } });
    let path = format!("{base}/assess-user-risk-level");
    let assessed: Value = client.chain(&path).post(risk).unwrap().json().unwrap();
    check_response(
        "POST v3/payscore/partner/permissions/assess-user-risk-level",
        &assessed,
    );
    assert_eq!(assessed["authorization_state"], "UNAVAILABLE");
}
