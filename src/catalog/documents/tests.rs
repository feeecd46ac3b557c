//! The packed tables against their sources, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::{
    Method,
    catalog::{all, find},
    material,
};

#[test]
fn every_field_of_every_operation_is_as_in_the_source() {
    let Some(mut sources) = sources() else { return };
    for operation in all() {
        let op = operation.to_string();
        let source = sources.remove(&op).expect(&op);
        let known = json!({
            "op": op,
            "request": described(operation.request()),
            "response": described(operation.response()),
        });
        assert_eq!(known, source);
    }
    assert!(sources.is_empty(), "not in the catalogue: {sources:?}");
}

#[test]
fn every_event_is_as_in_the_source() {
    let Some(lines) = material::lines("documents/events.jsonl") else {
        return;
    };
    assert_eq!(lines.len(), 115);
    assert_eq!(events().len(), 115);
    let (v2, v3): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["version"] == "v2");
    for (event, source) in events().zip(v2.iter().chain(&v3)) {
        let mut known = json!({ "version": event.version(), "event": event.name() });
        let fields = if event.event_types().is_empty() {
            "fields"
        } else {
            known["event_type"] = event.event_types().into();
            known["original_type"] = event.original_types().into();
            "resource"
        };
        known[fields] = described(event.fields());
        assert_eq!(&known, *source);
    }
    assert_eq!(
        events().filter(|event| event.fields().is_empty()).count(),
        5
    );
}

#[test]
fn every_pointer_finds_its_field() {
    let Some(sources) = sources() else { return };
    for operation in all() {
        let source = &sources[&operation.to_string()];
        for (fields, side) in [
            (operation.request(), "request"),
            (operation.response(), "response"),
        ] {
            let mut places: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
            for (pointer, field) in flat(&source[side]) {
                places.entry(pointer).or_default().push(field);
            }
            for (pointer, forms) in places {
                let found = fields.at(&pointer).map(described_field);
                let found = found.unwrap_or_else(|| panic!("{operation} {side} {pointer}"));
                assert!(forms.contains(&&found), "{operation} {side} {pointer}");
            }
        }
    }
}

#[test]
fn by_field_finds_all_uses_in_order() {
    let Some(sources) = sources() else { return };
    let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for operation in all() {
        for side in ["request", "response"] {
            for (pointer, field) in flat(&sources[&operation.to_string()][side]) {
                let name = field["name"].as_str().unwrap().to_owned();
                let used = format!("{operation} {side} {pointer}");
                uses.entry(name).or_default().push(used);
            }
        }
    }
    assert!(uses.len() > 2000, "{}", uses.len());
    let with_digits = uses.keys().filter(|name| name.contains('$'));
    let some = uses.keys().filter(|name| !name.contains('$')).step_by(97);
    for documented in some.chain(with_digits) {
        let name = documented.replace("$n", "0").replace("$m", "12");
        let found: Vec<_> = by_field(&name).map(|used| used.to_string()).collect();
        assert_eq!(found, uses[documented], "{name}");
    }
    assert_eq!(by_field("no_such_field").count(), 0);
    assert_eq!(by_field("").count(), 0);
}

#[test]
fn documented_names_need_no_escape_in_a_pointer() {
    fn check(fields: Fields) {
        for field in fields {
            let name = field.name();
            assert!(!name.is_empty() && !name.contains(['/', '~']), "{name}");
            check(field.fields());
        }
    }
    for operation in all() {
        check(operation.request());
        check(operation.response());
    }
    for event in events() {
        check(event.fields());
    }
}

#[test]
fn what_by_field_finds_is_at_its_pointer() {
    let mut sides = BTreeSet::new();
    for used in by_field("goods_id") {
        let operation = used.operation();
        let fields = if used.is_request() {
            operation.request()
        } else {
            operation.response()
        };
        let field = fields.at(used.pointer()).expect("a field");
        assert_eq!(field.name(), "goods_id");
        assert_eq!(field.kind(), used.field().kind());
        sides.insert(used.is_request());
    }
    assert_eq!(sides.len(), 2);
}

#[test]
fn digits_stand_for_the_variables_of_a_name() {
    let query = find(&Method::POST, "v2/pay/refundquery")
        .unwrap()
        .response();
    let name = |name: &str| query.get(name).map(|field| field.name());
    assert_eq!(
        name("coupon_refund_id_0_12"),
        Some("coupon_refund_id_$n_$m")
    );
    assert_eq!(name("refund_fee_7"), Some("refund_fee_$n"));
    assert_eq!(name("refund_fee_$n"), Some("refund_fee_$n"));
    assert_eq!(name("refund_count"), Some("refund_count"));
    for unknown in [
        "refund_fee",
        "refund_fee_",
        "refund_fee_x",
        "refund_fee_1x",
        "refund_fee_1_",
        "refund_fee_1_2_3",
    ] {
        assert_eq!(name(unknown), None, "{unknown}");
    }
    assert_eq!(query.at("/refund_fee_7").unwrap().name(), "refund_fee_$n");
}

#[test]
fn pointers_lead_through_lists_by_index_and_star() {
    let order = find(&Method::POST, "v3/pay/transactions/jsapi")
        .unwrap()
        .request();
    let name = |pointer: &str| order.at(pointer).map(|field| field.name());
    assert_eq!(name("/json"), Some("json"));
    assert_eq!(name("/json/amount/total"), Some("total"));
    assert_eq!(name("/json/detail/goods_detail"), Some("goods_detail"));
    for item in ["0", "17", "*"] {
        let item = format!("/json/detail/goods_detail/{item}");
        assert_eq!(name(&item), Some("goods_detail"));
        assert_eq!(name(&format!("{item}/quantity")), Some("quantity"));
        assert_eq!(name(&format!("{item}/quality")), None);
        assert_eq!(name(&format!("{item}/quantity/more")), None);
        assert_eq!(name(&format!("{item}/")), None);
    }
    for nothing in [
        "",
        "/",
        "json",
        "//json",
        "/json/",
        "/json/*",
        "/json/*/amount",
        "/json/amount/0/total",
        "/json/detail/goods_detail/quantity",
        "/json/detail/goods_detail/-1/quantity",
        "/json/detail/goods_detail/",
    ] {
        assert_eq!(name(nothing), None, "{nothing:?}");
    }
}

#[test]
fn fields_of_every_form_are_found() {
    // The page has five tables for `scene_info`, one per scene.
    let pay = find(&Method::POST, "v2/vehicle/pay/payapply")
        .unwrap()
        .request();
    let info = pay.at("/xml/scene_info").unwrap().fields();
    let forms = info.iter().filter(|field| field.name() == "scene_info");
    let forms: Vec<_> = forms.collect();
    assert_eq!(forms.len(), 5);
    for field in forms.iter().flat_map(Field::fields) {
        let pointer = format!("/xml/scene_info/scene_info/{}", field.name());
        assert!(pay.at(&pointer).is_some(), "{pointer}");
    }
}

#[test]
fn date_is_that_of_the_pages() {
    let Some(source) = material::text("documents/date") else {
        return;
    };
    assert_eq!(date(), source.trim());
    let shape: String = date()
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00");
}

#[test]
fn lists_know_the_type_of_their_items() {
    for kind in Kind::ALL {
        let text = kind.to_string();
        let item = kind.item().map(|item| item.to_string());
        assert_eq!(item.as_deref(), text.strip_suffix("[]"), "{text}");
        assert_eq!(kind.is_list(), text.ends_with("[]"), "{text}");
    }
}

/// Writes fields as the sources do.
fn described(fields: Fields) -> Value {
    fields.iter().map(described_field).collect()
}

fn described_field(field: Field) -> Value {
    let mut described = json!({ "name": field.name(), "type": field.kind().to_string() });
    if field.is_required() {
        described["required"] = true.into();
    }
    if !field.values().is_empty() {
        described["enum"] = field.values().into();
    }
    if let Some(sealing) = field.sealed() {
        described["sealed"] = match sealing {
            Sealing::RsaOaep => "by-rsa-pubkey",
            Sealing::RsaPkcs1 => "by-rsa-pkcs1",
            Sealing::AesGcm => "by-aes-gcm",
            Sealing::AesEcb => "by-aes-ecb",
        }
        .into();
    }
    if !field.fields().is_empty() {
        described["of"] = self::described(field.fields());
    }
    described
}

/// Reads the fields of each operation, by `METHOD template`, and applies the overlay. Returns `None` in a
/// published package, which has no sources.
fn sources() -> Option<BTreeMap<String, Value>> {
    let lines = material::lines("documents/fields.jsonl")?;
    let also = material::lines("documents/also.jsonl")?;
    assert_eq!(lines.len(), 1143);
    let fields = lines
        .iter()
        .flat_map(|line| [&line["request"], &line["response"]]);
    assert_eq!(
        fields.map(|fields| flat(fields).len()).sum::<usize>(),
        28_060
    );
    let by_operation = |line: Value| (line["op"].as_str().unwrap().to_owned(), line);
    let mut sources: BTreeMap<_, _> = lines.into_iter().map(by_operation).collect();
    assert_eq!(sources.len(), 1143, "one line for each operation");
    for line in &also {
        apply(line, sources.get_mut(line["op"].as_str().unwrap()).unwrap());
    }
    Some(sources)
}

fn apply(also: &Value, operation: &mut Value) {
    if let Some(sealing) = also.get("sealed") {
        seal(operation, sealing);
        return;
    }
    let names = also["at"].as_str().unwrap().split('/').skip(1);
    let mut place = operation;
    for (depth, name) in names.enumerate() {
        let fields = &mut place[if depth == 0 { "request" } else { "of" }];
        let mut fields = fields.as_array_mut().unwrap().iter_mut();
        place = fields.find(|field| field["name"] == name).unwrap();
    }
    if let Some(field) = also.get("field") {
        place["of"].as_array_mut().unwrap().push(field.clone());
    }
    if let Some(values) = also.get("values") {
        let values = values.as_array().unwrap().clone();
        place["enum"].as_array_mut().unwrap().extend(values);
    }
}

fn seal(fields: &mut Value, sealing: &Value) {
    match fields {
        Value::Array(fields) => fields.iter_mut().for_each(|field| seal(field, sealing)),
        Value::Object(field) => {
            for (key, value) in field {
                match key.as_str() {
                    "sealed" => *value = sealing.clone(),
                    _ => seal(value, sealing),
                }
            }
        }
        _ => {}
    }
}

/// Returns all fields with their pointers, those within others too.
fn flat(fields: &Value) -> Vec<(String, &Value)> {
    let mut all = Vec::new();
    for field in fields.as_array().unwrap() {
        let pointer = format!("/{}", field["name"].as_str().unwrap());
        all.push((pointer.clone(), field));
        let is_list = field["type"].as_str().unwrap().ends_with("[]");
        let item = if is_list { "/*" } else { "" };
        if let Some(inner) = field.get("of") {
            let inner = flat(inner).into_iter();
            all.extend(inner.map(|(rest, field)| (format!("{pointer}{item}{rest}"), field)));
        }
    }
    all
}
