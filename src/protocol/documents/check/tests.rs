use http::{HeaderValue, Method};
use serde_json::{Map, json};

use super::{text::is_listed, *};
use crate::catalog;

const NATIVE: &str = "POST v3/pay/transactions/native";
const UNIFIED: &str = "POST v2/pay/unifiedorder";

fn operation(op: &str) -> &'static Operation {
    let (method, template) = op.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    catalog::find(&method, template).unwrap()
}

/// Returns the findings about a body, a query or the fields of APIv2, as text.
fn found(op: &str, options: &Value) -> Vec<String> {
    found_with(op, options, |_| {})
}

fn found_with<'g>(
    op: &str,
    options: &'g Value,
    change: impl FnOnce(&mut Given<'g>),
) -> Vec<String> {
    let headers = Box::leak(Box::default());
    let operation = operation(op);
    let mut given = Given {
        operation,
        version: match operation.version() {
            "v2" => Version::V2,
            _ => Version::V3,
        },
        vars: &[],
        json: options.get("json"),
        xml: options.get("xml"),
        query: options.get("query"),
        query_in_path: None,
        has_body: false,
        meta: None,
        headers,
        without_nonce: true,
        circumstances: Circumstances {
            mutual_tls: true,
            is_default_base: false,
        },
    };
    change(&mut given);
    given.check().iter().map(ToString::to_string).collect()
}

fn native() -> Value {
    json!({ "json": {
        "appid": "wx8888888888888888", "mchid": "1900000109", "description": "tea",
        "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
        "amount": { "total": 100, "currency": "CNY" },
        "detail": { "goods_detail": [
            { "merchant_goods_id": "1", "quantity": 1, "unit_price": 100 },
            { "merchant_goods_id": "2", "quantity": 2, "unit_price": 0 },
        ]},
    }})
}

fn with(options: &Value, pointer: &str, value: Value) -> Value {
    let mut options = options.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = options.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        parent => parent[name] = value,
    }
    options
}

fn without(options: &Value, pointer: &str) -> Value {
    let mut options = options.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = options.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().shift_remove(name);
    options
}

#[test]
fn documented_request_has_no_findings_and_allocates_nothing() {
    let options = native();
    let headers = HeaderMap::new();
    let given = Given {
        operation: operation(NATIVE),
        version: Version::V3,
        vars: &[],
        json: options.get("json"),
        xml: None,
        query: None,
        query_in_path: None,
        has_body: false,
        meta: None,
        headers: &headers,
        without_nonce: false,
        circumstances: Circumstances {
            mutual_tls: false,
            is_default_base: true,
        },
    };
    assert!(given.check().is_empty());
    let allocations = allocation_counter::measure(|| {
        assert!(given.check().is_empty());
    });
    assert_eq!(allocations.count_total, 0);
}

#[test]
fn findings_name_the_place_and_what_is_documented() {
    for (pointer, value, finding) in [
        (
            "/json/amount/totla",
            json!(1),
            "`/json/amount/totla` is not a documented field: did you mean `total`?",
        ),
        (
            "/json/detail/goods_detail/1/quantitty",
            json!(1),
            "`/json/detail/goods_detail/1/quantitty` is not a documented field: did you mean `quantity`?",
        ),
        (
            "/json/outTradeNo",
            json!("1"),
            "`/json/outTradeNo` is not a documented field: did you mean `out_trade_no`?",
        ),
        (
            "/json/total",
            json!(1),
            "`/json/total` is not a documented field: `/json/amount/total` is",
        ),
        (
            "/json/quantity",
            json!(1),
            "`/json/quantity` is not a documented field: `/json/detail/goods_detail/*/quantity` is",
        ),
        (
            "/json/x/y~z",
            json!(1),
            "`/json/x~1y~0z` is not a documented field",
        ),
        (
            "/json/amount/total",
            json!("1"),
            "`/json/amount/total` is a string: expected an integer",
        ),
        (
            "/json/amount/total",
            json!(1.5),
            "`/json/amount/total` is a number that is not an integer: expected an integer",
        ),
        (
            "/json/amount",
            json!(1),
            "`/json/amount` is a number: expected an object",
        ),
        (
            "/json/detail/goods_detail",
            json!({}),
            "`/json/detail/goods_detail` is an object: expected a list of objects",
        ),
        (
            "/json/detail/goods_detail/0",
            json!("a"),
            "`/json/detail/goods_detail/0` is a string: expected an object",
        ),
        (
            "/json/attach",
            json!(null),
            "`/json/attach` is null: expected a string",
        ),
        (
            "/json/payer",
            json!({ "identity": {
                "type": "IDCRAD", "number": "110101199003078233",
                "name": "wLtdpBc8xoGw4n/+0Hj1h2cJ9w==",
            }}),
            "`/json/payer/identity/type` has a value that is not documented: did you mean `IDCARD`? Expected `IDCARD`",
        ),
    ] {
        // The name of an unknown field may have a slash.
        let options = if pointer == "/json/x/y~z" {
            let mut options = native();
            options["json"]["x/y~z"] = value;
            options
        } else {
            with(&native(), pointer, value)
        };
        let found = found(NATIVE, &options);
        assert!(
            found
                .first()
                .is_some_and(|first| first.starts_with(finding)),
            "{found:#?}"
        );
    }
}

#[test]
fn missing_fields_are_named_with_what_belongs_into_them() {
    for (pointer, finding) in [
        (
            "/json/amount",
            "`/json/amount` is missing and required, with `total`",
        ),
        (
            "/json/amount/total",
            "`/json/amount/total` is missing and required",
        ),
        (
            "/json/detail/goods_detail/1/unit_price",
            "`/json/detail/goods_detail/1/unit_price` is missing and required",
        ),
    ] {
        assert_eq!(found(NATIVE, &without(&native(), pointer)), [finding]);
    }
    let nothing = found(NATIVE, &json!({}));
    assert_eq!(nothing.len(), 1);
    assert!(nothing[0].starts_with("`/json` is missing and required, with `appid`"));
    // What is required in an optional object is required only there.
    assert!(found(NATIVE, &without(&native(), "/json/detail")).is_empty());
}

#[test]
fn misspelt_required_field_is_one_finding() {
    let mut options = without(&native(), "/json/out_trade_no");
    options["json"]["out_trade_on"] = "tea-0001".into();
    assert_eq!(found(NATIVE, &options).len(), 1);
    // The name that is absent is likelier than an equally similar one that is there.
    let options = json!({ "xml": {
        "appid": "a", "mch_id": "1", "out_trade_no": "1", "out_refund_no": "1", "total_fee": 1,
        "refund_fee": 1, "refund_dest": "x",
    }});
    let found = found("POST v2/secapi/pay/refund", &options);
    assert_eq!(
        found,
        ["`/xml/refund_dest` is not a documented field: did you mean `refund_desc`?"]
    );
}

#[test]
fn one_of_several_numbers_is_enough() {
    let base = json!({ "appid": "a", "mch_id": "1" });
    let query = |op: &str, numbers: &[&str]| {
        let mut xml = base.clone();
        for number in numbers {
            xml[number] = "1".into();
        }
        found(op, &json!({ "xml": xml })).len()
    };
    let order = "POST v2/pay/orderquery";
    assert_eq!(query(order, &["out_trade_no"]), 0);
    assert_eq!(query(order, &["transaction_id"]), 0);
    assert_eq!(query(order, &[]), 2);
    let refund = "POST v2/pay/refundquery";
    assert_eq!(query(refund, &["refund_id"]), 0);
    assert_eq!(query(refund, &[]), 4);
    // The number of a new refund has no replacement.
    let found = found(
        "POST v2/secapi/pay/refund",
        &json!({ "xml": {
            "appid": "a", "mch_id": "1", "out_trade_no": "1", "total_fee": 1, "refund_fee": 1,
        }}),
    );
    assert_eq!(found, ["`/xml/out_refund_no` is missing and required"]);
}

#[test]
fn overseas_operation_takes_one_of_two_forms() {
    let op = "GET v3/global/transactions/id/{transaction_id}";
    for (query, len) in [
        (json!({ "mchid": "1" }), 0),
        (json!({ "sp_mchid": "1", "sub_mchid": "2" }), 0),
        (json!({ "sp_mchid": "1" }), 1),
        (json!({ "x": "1" }), 4),
    ] {
        let found = found(op, &json!({ "query": query }));
        assert_eq!(found.len(), len, "{query}: {found:?}");
    }
}

#[test]
fn sealed_field_in_clear_text_is_found() {
    let identity = |name: &str| {
        let number = "wLtdpBc8xoGw4n/+0Hj1h2cJ9wQ==";
        let identity = json!({ "type": "IDCARD", "number": number, "name": name });
        found(
            NATIVE,
            &with(&native(), "/json/payer", json!({ "identity": identity })),
        )
    };
    for clear in [
        "张三",
        "Zhang San",
        "13900001111",
        "a@example.com",
        "110101199003078233",
    ] {
        let found = identity(clear);
        assert_eq!(found.len(), 1, "{clear}");
        assert!(found[0].starts_with("`/json/payer/identity/name` is in clear text"));
        assert!(!found[0].contains(clear));
    }
    for ciphertext in [&"A7+/".repeat(86)[..], ""] {
        assert!(identity(ciphertext).is_empty());
    }
}

#[test]
fn field_that_the_page_requires_only_of_some_is_not_missing() {
    let order = |op: &str, part: Value| {
        let mut missing = found(op, &json!({ "json": part }));
        missing.retain(|finding| finding.contains("is missing"));
        missing
    };
    for (op, part, not_missing) in [
        // A store that has an ID.
        (
            NATIVE,
            json!({ "scene_info": { "store_info": { "id": "0001" } } }),
            "store_info",
        ),
        // One of the user's two IDs.
        (
            "POST v3/pay/partner/transactions/jsapi",
            json!({ "payer": { "sub_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" } }),
            "openid",
        ),
        // A merchant's own combined order.
        (
            "POST v3/combine-transactions/jsapi",
            json!({ "sub_orders": [{ "mchid": "1900000109" }] }),
            "sub_mchid",
        ),
        // A transfer below 2,000 yuan.
        (
            "POST v3/transfer/batches",
            json!({ "transfer_detail_list": [{ "out_detail_no": "1" }] }),
            "user_name",
        ),
        (
            "POST v3/ecommerce/refunds/apply",
            json!({ "out_trade_no": "1" }),
            "transaction_id",
        ),
        (
            "POST v3/ecommerce/refunds/apply",
            json!({ "out_trade_no": "1" }),
            "funds_account",
        ),
    ] {
        let missing = order(op, part);
        assert!(!missing.is_empty());
        let named = missing.iter().any(|finding| finding.contains(not_missing));
        assert!(!named, "{missing:?}");
    }
    for (op, part, missing) in [
        (
            NATIVE,
            json!({ "scene_info": { "store_info": {} } }),
            "`/json/scene_info/store_info/address`",
        ),
        (
            "POST v3/pay/partner/transactions/jsapi",
            json!({ "payer": {} }),
            "`/json/payer/sp_openid`",
        ),
        (
            "POST v3/pay/partner/transactions/jsapi",
            json!({}),
            "`/json/sub_mchid`",
        ),
        (
            "POST v3/ecommerce/refunds/apply",
            json!({}),
            "`/json/transaction_id`",
        ),
    ] {
        let found = order(op, part);
        let named = found.iter().any(|finding| finding.contains(missing));
        assert!(named, "{missing}: {found:?}");
    }
}

#[test]
fn empty_list_in_place_of_the_body_lacks_the_required_fields() {
    let found = found("POST v2/pay/closeorder", &json!({ "xml": [] }));
    assert!(
        found.contains(&"`/xml/out_trade_no` is missing and required".to_owned()),
        "{found:?}"
    );
}

#[test]
fn name_that_is_far_from_those_that_are_absent_has_no_suggestion() {
    for name in ["openid", "sub_mch_id"] {
        let order = with(&native(), &format!("/json/{name}"), json!("x"));
        let finding = format!("`/json/{name}` is not a documented field");
        assert_eq!(found(NATIVE, &order), [finding]);
    }
}

#[test]
fn text_is_compared_by_how_it_reads() {
    let base = json!({ "xml": {
        "appid": "wx8888888888888888", "mch_id": "1900000109", "body": "tea", "out_trade_no": "1",
        "total_fee": 100, "spbill_create_ip": "127.0.0.1", "notify_url": "https://example.com",
        "trade_type": "JSAPI",
    }});
    for (pointer, value, finding) in [
        ("/xml/total_fee", json!("100"), None),
        (
            "/xml/total_fee",
            json!("1.5"),
            Some("is a string: expected an integer"),
        ),
        (
            "/xml/total_fee",
            json!(true),
            Some("is a boolean: expected an integer"),
        ),
        ("/xml/out_trade_no", json!(20_261_126), None),
        (
            "/xml/out_trade_no",
            json!(["1"]),
            Some("is a list: expected a string"),
        ),
        ("/xml/attach", json!(null), None),
        ("/xml/receipt", json!(""), None),
        (
            "/xml/receipt",
            json!("J"),
            Some("has a value that is not documented"),
        ),
        ("/xml/sign", json!("x"), None),
        ("/xml/nonce_str", json!("x"), None),
        ("/xml/sub_mch_id", json!("1900000110"), None),
        ("/xml/sub_openid", json!("o"), None),
        (
            "/xml/sub_mchid",
            json!("1900000110"),
            Some("did you mean `sub_mch_id`?"),
        ),
    ] {
        let found = found(UNIFIED, &with(&base, pointer, value.clone()));
        match finding {
            None => assert!(found.is_empty(), "{pointer} {value}: {found:?}"),
            Some(text) => assert!(found[0].contains(text), "{found:?}"),
        }
    }
    // Required, and null means that it is not given.
    let found = found(UNIFIED, &with(&base, "/xml/body", Value::Null));
    assert_eq!(found, ["`/xml/body` is missing and required"]);
}

#[test]
fn sign_is_a_finding_nowhere_and_sub_mch_id_only_on_apiv3() {
    assert!(found(NATIVE, &with(&native(), "/json/sign", json!("x"))).is_empty());
    assert_eq!(
        found(NATIVE, &with(&native(), "/json/sub_mch_id", json!("x"))).len(),
        1
    );
}

#[test]
fn code_in_the_form_of_a_documented_one_is_accepted() {
    for (value, accepted) in [
        ("1000", true),
        ("1011", true),
        ("Color010", true),
        ("Color0100", true),
        ("Colour010", false),
        ("PRODUCT_9", true),
        ("PRODUKT", false),
        ("SUCCES", false),
        ("", false),
    ] {
        let listed = ["1000", "Color010", "PRODUCT_1", "SUCCESS"];
        assert_eq!(is_listed(&listed, value), accepted, "{value}");
    }
}

#[test]
fn numbered_names_match_digits() {
    let name = "sub_order_no_$n";
    let uses: Vec<_> = catalog::by_field("sub_order_no_12")
        .map(|used| used.field().name())
        .collect();
    assert!(uses.iter().all(|used| *used == name) && !uses.is_empty());
    assert_eq!(catalog::by_field("sub_order_no_x").count(), 0);
    assert_eq!(catalog::by_field("sub_order_no_").count(), 0);
}

#[test]
fn query_is_compared_in_each_form() {
    let op = "GET v3/bill/tradebill";
    let queries = [
        ("bill_date=2026-11-01", None),
        ("bill_date=2026-11-01&bill_type=ALL&tar_type=GZIP", None),
        (
            "bill_date=2026-11-01&bill_type=SUCESS",
            Some("did you mean `SUCCESS`?"),
        ),
        (
            "bill_dat=2026-11-01",
            Some("`/query/bill_dat` is not a documented field: did you mean `bill_date`?"),
        ),
        ("bill%5Fdate=2026-11-01", None),
        ("", Some("`/query/bill_date` is missing and required")),
    ];
    for (query, finding) in queries {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let map: Map<String, Value> = pairs
            .map(|(name, value)| (name.replace("%5F", "_"), value.into()))
            .collect();
        for found in [
            found(op, &json!({ "query": query })),
            found(op, &json!({ "query": map })),
            found_with(op, &json!({}), |given| given.query_in_path = Some(query)),
        ] {
            match finding {
                None => assert!(found.is_empty(), "{query}: {found:?}"),
                Some(text) => assert!(found[0].contains(text), "{query}: {found:?}"),
            }
        }
    }
    let found = found(op, &json!({}));
    assert_eq!(
        found,
        ["`/query` is missing and required, with `bill_date`"]
    );
}

#[test]
fn parts_that_the_page_does_not_have_are_found() {
    let mut options = native();
    options["query"] = json!({ "mchid": "1" });
    let found_in_map = found(NATIVE, &options);
    assert_eq!(
        found_in_map,
        ["`/query/mchid` is not a documented field: `/json/mchid` is"]
    );
    let in_path = found_with(NATIVE, &native(), |given| given.query_in_path = Some("a=1"));
    assert_eq!(in_path, ["`/query/a` is not a documented field"]);
}

#[test]
fn keys_of_the_options_map_are_required_where_documented() {
    let refund = json!({ "xml": {
        "appid": "a", "mch_id": "1", "out_trade_no": "1", "out_refund_no": "1", "total_fee": 1, "refund_fee": 1,
    }});
    let op = "POST v2/secapi/pay/refund";
    let found = found_with(op, &refund, |given| given.circumstances.mutual_tls = false);
    assert_eq!(found, ["`/security` is missing and required"]);
    let op = "GET v3/settle/settlements";
    let base = |is_default| {
        let found = found_with(op, &json!({}), |given| {
            given.circumstances.is_default_base = is_default
        });
        found
            .iter()
            .filter(|text| text.contains("base_uri"))
            .count()
    };
    let required = operation(op)
        .request()
        .get("base_uri")
        .unwrap()
        .is_required();
    assert_eq!((base(true), base(false)), (usize::from(required), 0));
}

#[test]
fn required_headers_are_found_but_for_the_clients_own() {
    let ops = || {
        catalog::all().iter().filter_map(|op| {
            let headers = op.request().get("headers")?.fields();
            let name = headers.iter().find(|field| field.is_required())?.name();
            Some((op.to_string(), name))
        })
    };
    let (idempotent, name) = ops().find(|(_, name)| *name != "Wechatpay-Serial").unwrap();
    let pointer = format!("`/headers/{name}` is missing and required");
    assert!(found(&idempotent, &json!({})).contains(&pointer));
    let mut headers = HeaderMap::new();
    headers.insert("Idempotency-Key", HeaderValue::from_static("1"));
    let options = json!({});
    let found_given = found_with(&idempotent, &options, |given| given.headers = &headers);
    assert!(!found_given.contains(&pointer));
    let (sealed, _) = ops().find(|(_, name)| *name == "Wechatpay-Serial").unwrap();
    assert!(
        !found(&sealed, &json!({}))
            .join("")
            .contains("Wechatpay-Serial")
    );
}

#[test]
fn meta_of_an_upload_is_compared() {
    let op = "POST v3/marketing/bank/packages/{package_id}/tasks";
    let media = Media::from_bytes("list.csv", "oA1b2\n");
    let options = json!({});
    let meta = media.meta_value();
    let found_in = found_with(op, &options, |given| given.meta = Some(&meta));
    assert_eq!(found_in, ["`/body/meta/bank_type` is missing and required"]);
    let meta = media.meta_field("bank_type", "CFT").meta_value();
    let found_in = found_with(op, &options, |given| given.meta = Some(&meta));
    assert!(found_in.is_empty(), "{found_in:?}");
    assert_eq!(
        found(op, &options),
        ["`/body` is missing and required, with `file`, `meta`"]
    );
}

#[test]
fn number_of_findings_is_bounded() {
    let goods = vec![json!({ "a": 1 }); 100_000];
    let options = with(&native(), "/json/detail", json!({ "goods_detail": goods }));
    assert_eq!(found(NATIVE, &options).len(), 16);
    let mut deep = json!(1);
    // Deeper than any table.
    for _ in 0..1_000 {
        deep = json!({ "a": deep });
    }
    let found = found(NATIVE, &with(&native(), "/json/deep", deep));
    assert_eq!(found.len(), 1);
}

#[test]
fn no_object_has_more_fields_than_are_counted() {
    fn largest(fields: Fields) -> usize {
        let inner = fields.iter().map(|field| largest(field.fields()));
        inner.max().unwrap_or(0).max(fields.len())
    }
    let largest = catalog::all().iter().map(|op| largest(op.request())).max();
    assert!(largest <= Some(128), "{largest:?}");
}
