//! Applications for merchants: sealed fields, states, and the sub-merchant at the end.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Options, Result,
    sandbox::{Sandbox, SandboxEvent, StateKind},
};

use crate::sandbox::payments::orders::{code, get, post};

const SUBMIT: &str = "v3/applyment4sub/applyment/";
const PLATFORM: &str = "v3/ecommerce/applyments/";

fn started() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

/// An application of an enterprise, with its sealed fields in the clear.
fn application(number: &str) -> Value {
    json!({
        "business_code": number,
        "contact_info": {
            "contact_type": "SUPER", "contact_name": "张三", "contact_id_number": "11010119900307007X",
            "contact_id_doc_type": "IDENTIFICATION_TYPE_IDCARD", "mobile_phone": "13900000000",
            "contact_email": "tea@example.com",
        },
        "subject_info": {
            "subject_type": "SUBJECT_TYPE_ENTERPRISE",
            "business_license_info": {
                "license_copy": "m1", "license_number": "123456789012345678",
                "merchant_name": "茶馆有限公司", "legal_person": "张三",
            },
            "identity_info": {
                "id_doc_type": "IDENTIFICATION_TYPE_IDCARD", "owner": false,
                "id_card_info": {
                    "id_card_copy": "m2", "id_card_national": "m3", "id_card_name": "张三",
                    "id_card_number": "110101199003070070", "card_period_begin": "2020-01-01",
                    "card_period_end": "2040-01-01",
                },
            },
            "ubo_info_list": [{
                "ubo_id_doc_type": "IDENTIFICATION_TYPE_OVERSEA_PASSPORT", "ubo_id_doc_copy": "m4",
                "ubo_id_doc_copy_back": "m5", "ubo_id_doc_name": "李四", "ubo_id_doc_number": "E1",
                "ubo_id_doc_address": "茶路1号", "ubo_period_begin": "2020-01-01", "ubo_period_end": "长期",
            }],
        },
        "business_info": {
            "merchant_shortname": "茶馆", "service_phone": "0758888",
            "sales_info": { "sales_scenes_type": ["SALES_SCENES_STORE"] },
        },
        "settlement_info": { "settlement_id": "719", "qualification_type": "餐饮" },
        "bank_account_info": {
            "bank_account_type": "BANK_ACCOUNT_TYPE_CORPORATE", "account_name": "茶馆有限公司",
            "account_bank": "招商银行", "bank_address_code": "110000",
            "account_number": "6222021234567890123",
        },
    })
}

fn sealed(body: Value) -> Options {
    Options::from(json!({ "json": body })).encrypt_documented()
}

fn submit(client: &Client, body: Value) -> Result<Value> {
    client.chain(SUBMIT).post(sealed(body))?.json()
}

fn query(client: &Client, number: &str) -> Value {
    let path = format!("v3/applyment4sub/applyment/business_code/{number}");
    get(client, &path, json!({})).unwrap()
}

/// The code and the message of a refusal.
fn refusal(result: Result<Value>) -> (String, String) {
    let err = result.expect_err("refused");
    let api = err.api().unwrap_or_else(|| panic!("{err}"));
    assert_eq!(api.status().as_u16(), 400, "{err}");
    (api.code().to_owned(), api.message().to_owned())
}

#[test]
fn finished_application_has_a_sub_merchant_that_takes_payments() {
    let (sandbox, client) = started();
    let submitted = submit(&client, application("tea_1")).unwrap();
    let seen = query(&client, "tea_1");
    assert_eq!(seen["applyment_state"], "APPLYMENT_STATE_AUDITING");
    assert_eq!(seen["applyment_id"], submitted["applyment_id"]);
    let by_id = format!(
        "v3/applyment4sub/applyment/applyment_id/{}",
        submitted["applyment_id"]
    );
    assert_eq!(get(&client, &by_id, json!({})).unwrap(), seen);

    assert_eq!(
        sandbox.applyment_advances("tea_1").unwrap(),
        "APPLYMENT_STATE_TO_BE_CONFIRMED"
    );
    assert_eq!(query(&client, "tea_1").get("sub_mchid"), None);
    assert_eq!(
        sandbox.applyment_advances("tea_1").unwrap(),
        "APPLYMENT_STATE_TO_BE_SIGNED"
    );
    let sub_mchid = query(&client, "tea_1")["sub_mchid"].clone();
    let order = json!({
        "sp_appid": sandbox.appid(), "sp_mchid": sandbox.mchid(), "sub_mchid": sub_mchid,
        "description": "茶", "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
        "amount": { "total": 100 },
    });
    let pay = || post(&client, "v3/pay/partner/transactions/native", order.clone());
    // Not before the contract is signed.
    assert_eq!(code(pay()), (403, "NO_AUTH".to_owned()));
    let before = sandbox.snapshot();
    assert_eq!(sandbox.applyment_passes("tea_1").unwrap(), sub_mchid);
    assert_eq!(
        query(&client, "tea_1")["applyment_state"],
        "APPLYMENT_STATE_FINISHED"
    );
    pay().unwrap();
    sandbox.user_pays("tea-0001").unwrap();
    let balance = sandbox.balance(sub_mchid.as_str().unwrap()).unwrap();
    assert_eq!(balance.available, 100);
    assert!(sandbox.applyment_passes("tea_1").is_err());
    // A snapshot takes the sub-merchant back.
    sandbox.restore(&before).unwrap();
    assert_eq!(code(pay()), (403, "NO_AUTH".to_owned()));
}

#[test]
fn rejected_application_is_submitted_again() {
    let (sandbox, client) = started();
    let first = submit(&client, application("tea_1")).unwrap();
    let busy = (
        "RESOURCE_ALREADY_EXISTS".to_owned(),
        "存在流程进行中的申请单，请检查是否重入".to_owned(),
    );
    assert_eq!(refusal(submit(&client, application("tea_1"))), busy);
    let unknown = sandbox.applyment_rejected("tea_1", "licence_copy", "模糊");
    assert!(unknown.unwrap_err().to_string().contains("licence_copy"));
    sandbox
        .applyment_rejected("tea_1", "license_copy", "模糊")
        .unwrap();
    let seen = query(&client, "tea_1");
    assert_eq!(seen["applyment_state"], "APPLYMENT_STATE_REJECTED");
    assert_eq!(seen["audit_detail"][0]["field"], "license_copy");
    assert_eq!(seen["audit_detail"][0]["reject_reason"], "模糊");
    assert_eq!(submit(&client, application("tea_1")).unwrap(), first);
    sandbox.applyment_fails("tea_1").unwrap();
    assert_eq!(
        query(&client, "tea_1")["applyment_state"],
        "APPLYMENT_STATE_EDITTING"
    );
    assert_eq!(submit(&client, application("tea_1")).unwrap(), first);
    sandbox.applyment_is_canceled("tea_1").unwrap();
    assert_eq!(
        query(&client, "tea_1")["applyment_state"],
        "APPLYMENT_STATE_CANCELED"
    );
    assert_ne!(submit(&client, application("tea_1")).unwrap(), first);

    for path in ["business_code/tea_9", "applyment_id/2000000000000000"] {
        let unknown = get(
            &client,
            &format!("v3/applyment4sub/applyment/{path}"),
            json!({}),
        );
        let expected = ("PARAM_ERROR".to_owned(), "未能找到申请单".to_owned());
        assert_eq!(refusal(unknown), expected);
    }
    assert!(sandbox.applyment_passes("tea_9").is_err());
}

#[test]
fn sealed_fields_are_decrypted_and_checked() {
    let (sandbox, client) = started();
    let not_sealed = (
        "PARAM_ERROR".to_owned(),
        "请确认待处理的消息是否为加密后的密文".to_owned(),
    );
    // In the clear, under the right serial.
    let clear = json!({
        "headers": { "Wechatpay-Serial": sandbox.platform_key_id() }, "json": application("tea_1"),
    });
    let send = |options: Value| client.chain(SUBMIT).post(options)?.json::<Value>();
    assert_eq!(refusal(send(clear.clone())), not_sealed);
    // Under a serial that is none of the platform's.
    let mut wrong = clear.clone();
    wrong["headers"]["Wechatpay-Serial"] = "PUB_KEY_ID_X".into();
    let expected = (
        "PARAM_ERROR".to_owned(),
        "平台证书序列号Wechatpay-Serial错误".to_owned(),
    );
    assert_eq!(refusal(send(wrong)), expected);
    // Sealed, but with another key. All others are right.
    let other = Sandbox::builder().fresh_keys().start().unwrap();
    let other = other.client_builder().build().unwrap();
    let pointers = [
        "/contact_info/contact_name",
        "/contact_info/contact_id_number",
        "/contact_info/mobile_phone",
        "/contact_info/contact_email",
        "/subject_info/identity_info/id_card_info/id_card_name",
        "/subject_info/identity_info/id_card_info/id_card_number",
        "/subject_info/ubo_info_list/0/ubo_id_doc_name",
        "/subject_info/ubo_info_list/0/ubo_id_doc_number",
        "/subject_info/ubo_info_list/0/ubo_id_doc_address",
        "/bank_account_info/account_name",
        "/bank_account_info/account_number",
    ];
    let sealed_with = |wrong: Option<usize>| {
        let mut options = clear.clone();
        for (at, pointer) in pointers.into_iter().enumerate() {
            let value = options["json"].pointer_mut(pointer).unwrap();
            let key = if wrong == Some(at) { &other } else { &client };
            *value = key
                .encrypt(value.as_str().unwrap())
                .unwrap()
                .as_str()
                .into();
        }
        options
    };
    for (at, pointer) in pointers.iter().enumerate() {
        let refused = refusal(send(sealed_with(Some(at))));
        assert_eq!(refused, not_sealed, "{pointer}");
    }
    // What is inside counts, too.
    for (pointer, value) in [
        ("/contact_info/mobile_phone", "1390000000"),
        ("/contact_info/contact_email", "tea"),
        ("/contact_info/contact_id_number", "E1"),
        (
            "/subject_info/identity_info/id_card_info/id_card_number",
            "11010119900307",
        ),
        ("/bank_account_info/account_number", "6222 0212"),
        ("/bank_account_info/account_name", " 茶馆"),
    ] {
        let mut body = application("tea_1");
        *body.pointer_mut(pointer).unwrap() = value.into();
        let (code, message) = refusal(submit(&client, body));
        assert_eq!(code, "PARAM_ERROR");
        assert!(
            message.contains(pointer) && !message.contains(value),
            "{message}"
        );
    }
    send(sealed_with(None)).unwrap();
}

#[test]
fn parts_of_an_application_depend_on_its_merchant() {
    let (_sandbox, client) = started();
    let without = |pointer: &str, change: &dyn Fn(&mut Value)| {
        let mut body = application("tea_1");
        let (object, name) = pointer.rsplit_once('/').unwrap();
        let object = body.pointer_mut(object).unwrap();
        object.as_object_mut().unwrap().remove(name).unwrap();
        change(&mut body);
        refusal(submit(&client, body)).1
    };
    let nothing = |_: &mut Value| {};
    let license = "/subject_info/business_license_info";
    assert!(without(license, &nothing).contains("business_license_info"));
    let certified = |body: &mut Value| {
        body["subject_info"]["certificate_info"] = json!({
            "cert_copy": "m1", "cert_type": "CERTIFICATE_TYPE_2388", "cert_number": "1",
            "merchant_name": "茶馆", "company_address": "茶路1号", "legal_person": "张三",
            "period_begin": "2020-01-01", "period_end": "长期",
        });
    };
    // An enterprise has a license, whatever else it has.
    assert!(without(license, &certified).contains("business_license_info"));
    let id_card = "/subject_info/identity_info/id_card_info";
    assert!(without(id_card, &nothing).contains("id_card_info"));
    let number = |body: &mut Value| body["business_code"] = "tea-1".into();
    let shortname = "/business_info/service_phone";
    assert!(without(shortname, &number).contains("service_phone"));
    let mut body = application("tea-1");
    assert!(
        refusal(submit(&client, body.clone()))
            .1
            .contains("business_code")
    );
    // An institution has a certificate in place of the license.
    body["business_code"] = "tea_1".into();
    body["subject_info"]["subject_type"] = "SUBJECT_TYPE_INSTITUTIONS".into();
    certified(&mut body);
    let subject = body["subject_info"].as_object_mut().unwrap();
    subject.remove("business_license_info").unwrap();
    submit(&client, body.clone()).unwrap();
    // A small trader has neither.
    body["business_code"] = "tea_2".into();
    let subject = body["subject_info"].as_object_mut().unwrap();
    subject.remove("certificate_info").unwrap();
    subject["subject_type"] = "SUBJECT_TYPE_MICRO".into();
    assert!(
        refusal(submit(&client, body.clone()))
            .1
            .contains("business_license_info")
    );
    body["subject_info"]["micro_biz_info"] = json!({ "micro_biz_type": "MICRO_TYPE_STORE" });
    submit(&client, body).unwrap();
}

#[test]
fn settlement_account_is_that_of_the_application_until_it_is_changed() {
    let (sandbox, client) = started();
    submit(&client, application("tea_1")).unwrap();
    let sub_mchid = sandbox.applyment_passes("tea_1").unwrap();
    let base = format!("v3/apply4sub/sub_merchants/{sub_mchid}");
    let settlement = || get(&client, &format!("{base}/settlement"), json!({})).unwrap();
    let seen = settlement();
    assert_eq!(
        (
            &seen["account_type"],
            &seen["account_bank"],
            &seen["account_number"]
        ),
        (
            &json!("ACCOUNT_TYPE_BUSINESS"),
            &json!("招商银行"),
            &json!("62***************23")
        )
    );
    let change = json!({
        "account_type": "ACCOUNT_TYPE_PRIVATE", "account_bank": "工商银行",
        "bank_address_code": "110000", "account_number": "6222020000000000456",
    });
    let modify = |body: &Value| -> Result<Value> {
        let chain = client.chain(format!("{base}/modify-settlement"));
        chain.post(sealed(body.clone()))?.json()
    };
    let clear = post(
        &client,
        &format!("{base}/modify-settlement"),
        change.clone(),
    );
    assert_eq!(code(clear), (400, "PARAM_ERROR".to_owned()));
    let number = modify(&change).unwrap()["application_no"]
        .as_str()
        .unwrap()
        .to_owned();
    let seen_change =
        |query: Value| get(&client, &format!("{base}/application/{number}"), query).unwrap();
    assert_eq!(seen_change(json!({}))["verify_result"], "AUDITING");
    assert_eq!(refusal(modify(&change)).0, "INVALID_REQUEST");
    sandbox
        .settlement_change_fails(&number, "卡号有误")
        .unwrap();
    let failed = seen_change(json!({}));
    assert_eq!(failed["verify_result"], "AUDIT_FAIL");
    assert_eq!(failed["verify_fail_reason"], "卡号有误");
    assert_eq!(settlement(), seen);

    let number = modify(&change).unwrap()["application_no"]
        .as_str()
        .unwrap()
        .to_owned();
    sandbox.advance(Duration::from_secs(60));
    let path = format!("{base}/application/{number}");
    let masked = json!({ "account_number_rule": "ACCOUNT_NUMBER_RULE_MASK_V2" });
    let passed = get(&client, &path, masked).unwrap();
    assert_eq!(passed["verify_result"], "AUDIT_SUCCESS");
    assert_eq!(passed["account_number"], "***************0456");
    assert_eq!(passed["account_name"], "茶*****");
    assert_eq!(settlement()["account_bank"], "工商银行");
    assert!(sandbox.settlement_change_succeeds(&number).is_err());

    let other = "v3/apply4sub/sub_merchants/1900000110/settlement";
    assert_eq!(
        code(get(&client, other, json!({}))),
        (403, "NO_AUTH".to_owned())
    );
    let unknown = get(&client, &format!("{base}/application/1"), json!({}));
    assert_eq!(code(unknown), (404, "RESOURCE_NOT_EXISTS".to_owned()));
}

#[test]
fn platform_applies_for_its_merchants_by_the_same_rules() {
    let (sandbox, client) = started();
    let body = |number: &str| {
        json!({
            "out_request_no": number, "organization_type": "2", "merchant_shortname": "茶馆",
            "business_license_info": { "business_license_copy": "m1", "merchant_name": "茶馆" },
            "id_card_info": { "id_card_name": "张三", "id_card_number": "11010119900307007X" },
            "account_info": {
                "bank_account_type": "75", "account_bank": "招商银行", "account_name": "张三",
                "bank_address_code": "110000", "account_number": "6222021234567890123",
            },
            "contact_info": { "contact_type": "65", "contact_name": "张三", "mobile_phone": "13900000000" },
            "sales_scene_info": { "store_name": "茶馆" },
        })
    };
    let submit = |number: &str| -> Result<Value> {
        client.chain(PLATFORM).post(sealed(body(number)))?.json()
    };
    let query = |number: &str| {
        get(
            &client,
            &format!("{PLATFORM}out-request-no/{number}"),
            json!({}),
        )
    };
    let submitted = submit("tea_1").unwrap();
    assert_eq!(submitted["out_request_no"], "tea_1");
    assert_eq!(refusal(submit("tea_1")).0, "RESOURCE_ALREADY_EXISTS");
    let clear = post(&client, PLATFORM, body("tea_2"));
    assert_eq!(code(clear), (400, "PARAM_ERROR".to_owned()));
    let seen = query("tea_1").unwrap();
    let by_id = format!("{PLATFORM}{}", submitted["applyment_id"]);
    assert_eq!(get(&client, &by_id, json!({})).unwrap(), seen);
    assert_eq!(
        (&seen["applyment_state"], &seen["sign_state"]),
        (&json!("CHECKING"), &json!("NOT_SIGNABLE"))
    );
    sandbox
        .applyment_rejected("tea_1", "id_card_name", "与执照不符")
        .unwrap();
    let seen = query("tea_1").unwrap();
    assert_eq!(seen["audit_detail"][0]["param_name"], "id_card_name");
    submit("tea_1").unwrap();
    let sub_mchid = sandbox.applyment_passes("tea_1").unwrap();
    let seen = query("tea_1").unwrap();
    assert_eq!(
        (
            &seen["applyment_state"],
            &seen["sign_state"],
            &seen["sub_mchid"]
        ),
        (&json!("FINISH"), &json!("SIGNED"), &json!(sub_mchid))
    );
    let revoke = |number: &str| {
        post(
            &client,
            &format!("{PLATFORM}out-request-no/{number}/revoke"),
            json!({}),
        )
    };
    assert_eq!(code(revoke("tea_1")), (400, "INVALID_REQUEST".to_owned()));
    let third = submit("tea_3").unwrap();
    assert_eq!(revoke("tea_3").unwrap(), third);
    assert_eq!(query("tea_3").unwrap()["applyment_state"], "CANCELED");
    let again = post(
        &client,
        &format!("{PLATFORM}{}/revoke", third["applyment_id"]),
        json!({}),
    );
    assert_eq!(again.unwrap(), third);
    assert_eq!(
        code(query("tea_9")),
        (404, "RESOURCE_NOT_EXISTS".to_owned())
    );
    // The two kinds do not see each other.
    let other = get(
        &client,
        "v3/applyment4sub/applyment/business_code/tea_1",
        json!({}),
    );
    assert_eq!(code(other).1, "PARAM_ERROR");
}

#[test]
fn subscriber_sees_each_state_of_an_application() {
    let (sandbox, client) = started();
    let events = sandbox.subscribe();
    submit(&client, application("tea_1")).unwrap();
    sandbox
        .applyment_rejected("tea_1", "license_copy", "模糊")
        .unwrap();
    let mut seen = Vec::new();
    while let Some(event) = events.try_next() {
        if let SandboxEvent::State(change) = event {
            assert_eq!(
                (change.kind(), change.number()),
                (StateKind::Application, "tea_1")
            );
            seen.push(change.to().to_owned());
        }
    }
    assert_eq!(
        seen,
        ["APPLYMENT_STATE_AUDITING", "APPLYMENT_STATE_REJECTED"]
    );
}
