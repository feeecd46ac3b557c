//! `wxpay types`: sources that are compiled with this test. `.ci/long types` compiles all of them.
//!
//! `WXPAY_WRITE_TYPES=1` writes the files again.

use std::{env, fs, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use wechatpay_chain::sandbox::Sandbox;

use super::samples::recorded;
use crate::program::Program;

/// Compiles each source, and lists what to run for it.
macro_rules! generated {
    ($($module:ident: $key:literal),* $(,)?) => {
        $(
            #[allow(dead_code)]
            #[rustfmt::skip]
            mod $module {
                include!(concat!("generated/", stringify!($module), ".rs"));
            }
        )*

        const GENERATED: &[(&str, &str)] = &[$((stringify!($module), $key)),*];
    };
}

generated! {
    native: "POST v3/pay/transactions/native",
    // Digits in names, and numbers that are text.
    refundquery: "POST v2/pay/refundquery",
    // JSON text in a field, in two forms.
    payapply: "POST v2/transit/pay/payapply",
    // A list in a query.
    invitation: "GET v3/new-tax-control-fapiao/fapiaomerchant/getspinviteurl",
    refund_success: "REFUND.SUCCESS",
}

#[test]
fn sources_are_those_that_are_compiled_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/documents/generated");
    for (module, key) in GENERATED {
        let source = Program::new().run(&["types", key]).ok();
        let path = folder.join(module).with_extension("rs");
        if env::var_os("WXPAY_WRITE_TYPES").is_some() {
            fs::write(&path, &source).unwrap();
        }
        // Without the date of the documents.
        let body = |text: &str| text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            body(&fs::read_to_string(&path).unwrap()),
            body(&source),
            "{key}"
        );
    }
}

fn trip<T: DeserializeOwned + Serialize>(value: &Value) -> String {
    let value: T = serde_json::from_value(value.clone()).unwrap();
    serde_json::to_string(&value).unwrap()
}

/// What a type makes of a value, as text: the order of the fields counts.
type Trip = fn(&Value) -> String;

#[test]
fn recorded_requests_stay_as_they_are() {
    let trips: [(&str, Trip); 4] = [
        ("POST v3/pay/transactions/native", trip::<native::Request>),
        ("POST v2/pay/refundquery", trip::<refundquery::Request>),
        ("POST v2/transit/pay/payapply", trip::<payapply::Request>),
        (
            "GET v3/new-tax-control-fapiao/fapiaomerchant/getspinviteurl",
            trip::<invitation::Request>,
        ),
    ];
    let mut compared = 0;
    for (operation, options) in recorded() {
        for (key, trip) in trips {
            if operation.to_string() == key {
                assert_eq!(trip(&options), options.to_string(), "{key}");
                compared += 1;
            }
        }
    }
    // The project has a part of all recorded requests.
    assert!(compared >= 2, "{compared}");
}

#[test]
fn other_values_are_kept_and_other_fields_ignored() {
    let amount = json!({
        "total": 1, "currency": "CNY", "refund": 1,
        "payer_total": 1, "payer_currency": "CNY", "payer_refund": 1,
    });
    let mut resource = json!({
        "mchid": "1900000109",
        "out_trade_no": "tea-0001",
        "transaction_id": "4200001234",
        "out_refund_no": "tea-0001-1",
        "refund_id": "5000001234",
        "refund_status": "SOMETHING_NEW",
        "user_received_account": "招商银行信用卡0403",
        "amount": amount,
    });
    let documented = resource.to_string();
    resource["new_field"] = json!({ "deep": [1, 2, 3] });
    assert_eq!(trip::<refund_success::Resource>(&resource), documented);
    let refund: refund_success::Resource = serde_json::from_value(resource).unwrap();
    let status = serde_json::to_value(&refund.refund_status).unwrap();
    assert_eq!(status, "SOMETHING_NEW");
    assert_eq!(refund.amount.total, 1_i64);
}

#[test]
fn optional_fields_are_absent_or_null() {
    let base = json!({ "json": {
        "appid": "wx8888888888888888", "mchid": "1900000109", "description": "茶",
        "out_trade_no": "tea-0001", "amount": { "total": 1 }, "notify_url": "https://example.com/",
    }});
    let mut with_null = base.clone();
    with_null["json"]["attach"] = Value::Null;
    assert_eq!(trip::<native::Request>(&base), base.to_string());
    assert_eq!(trip::<native::Request>(&with_null), base.to_string());
    let mut without_total = base;
    without_total["json"]["amount"] = json!({});
    let refused = serde_json::from_value::<native::Request>(without_total).unwrap_err();
    assert!(refused.to_string().contains("total"), "{refused}");
}

#[test]
fn order_is_placed_with_the_types() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let request = native::Request {
        json: native::RequestBody {
            appid: sandbox.appid().to_owned(),
            mchid: sandbox.mchid().to_owned(),
            description: "茶".to_owned(),
            attach: None,
            out_trade_no: "tea-0001".to_owned(),
            amount: native::RequestAmount {
                total: 1,
                currency: None,
            },
            time_expire: None,
            notify_url: "https://example.com/wxpay".to_owned(),
            goods_tag: None,
            limit_pay: Some(vec![native::RequestLimitPay::NoCredit]),
            support_fapiao: None,
            detail: None,
            scene_info: None,
            payer: None,
            settle_info: None,
        },
        headers: None,
    };
    let options = serde_json::to_value(&request).unwrap();
    let response = client
        .chain("v3/pay/transactions/native")
        .post(options)
        .unwrap();
    let response: native::Response = response.json().unwrap();
    assert!(response.code_url.starts_with("weixin://"), "{response:?}");
}

#[test]
fn numbered_fields_are_kept_in_order() {
    let body = json!({
        "return_code": "SUCCESS", "result_code": "SUCCESS", "appid": "wx8888888888888888",
        "mch_id": "1900000109", "nonce_str": "x", "sign": "x", "transaction_id": "1",
        "out_trade_no": "1", "total_fee": "100", "cash_fee": "100", "refund_count": "1",
        "refund_fee": "1", "refund_id_0": "5001", "out_refund_no_0": "a", "coupon_refund_id_0_1": "c",
    });
    assert_eq!(trip::<refundquery::Response>(&body), body.to_string());
    let response: refundquery::Response = serde_json::from_value(body).unwrap();
    assert_eq!(response.refund_id(0), Some("5001"));
    assert_eq!(response.coupon_refund_id(0, 1), Some("c"));
    assert_eq!(response.refund_id(1), None);
    assert_eq!(response.cash_fee, 100_i64);
}

#[test]
fn operations_are_named_in_every_form() {
    let program = Program::new();
    let native = program
        .run(&["types", "POST v3/pay/transactions/native"])
        .ok();
    for form in [
        &["post", "/v3/pay/transactions/native"][..],
        &["v3.pay.transactions.native"],
    ] {
        assert_eq!(
            program.run(&[&["types"], form].concat()).ok(),
            native,
            "{form:?}"
        );
    }
    let derived = program
        .run(&["types", "REFUND.SUCCESS", "--derive", "Eq,Hash"])
        .ok();
    assert!(
        derived.contains("serde::Serialize, Eq, Hash)]\npub struct Resource {"),
        "{derived}"
    );

    let optional = program.run(&["types", "REFUND.SUCCESS", "--optional"]).ok();
    assert!(
        derived.contains("    pub mchid: String,\n")
            && optional.contains("    pub mchid: Option<String>,\n")
    );

    let several = program.run(&["types", "TRANSACTION.SUCCESS"]).failed(2);
    assert!(
        several.contains("v2 TRANSACTION.SUCCESS, v3 TRANSACTION.SUCCESS"),
        "{several}"
    );
    let misspelt = program
        .run(&["types", "POST v3/pay/transactions/natve"])
        .failed(2);
    assert!(
        misspelt.contains("nearest is v3/pay/transactions/native"),
        "{misspelt}"
    );
    let method = program
        .run(&["types", "GET", "v3/pay/transactions/native"])
        .failed(2);
    assert!(
        method.contains("POST v3/pay/transactions/native"),
        "{method}"
    );
    let injected = program
        .run(&["types", "REFUND.SUCCESS", "--derive", "Eq)] struct X;"])
        .failed(2);
    assert!(injected.contains("invalid trait"), "{injected}");

    let chinese = Program::new()
        .in_chinese()
        .run(&["types", "REFUND.SUCCESS"])
        .ok();
    assert!(chinese.contains("/// 必填。单位: 分。\n"), "{chinese}");
}
