//! Makes any documented notification, filled in from its table.

use std::cmp::Reverse;

use http::Method;
use serde_json::{Map, Value};

use super::{Content, Notice, fill::Known, message};
use crate::{
    base::edit_distance::levenshtein,
    catalog::{self, Event, Field, Fields, Sealing},
    error::{Cause, cause::Result},
    sandbox::state::{merchant::Merchant, random::Rng},
};

/// What a payment's notification has, whether or not the table marks it as required.
const PAYMENT: &[&str] = &[
    "appid",
    "mchid",
    "sp_appid",
    "sp_mchid",
    "sub_mchid",
    "out_trade_no",
    "transaction_id",
    "trade_type",
    "trade_state",
    "trade_state_desc",
    "bank_type",
    "success_time",
    "payer",
    "amount",
];
const COMBINED: &[&str] = &[
    "combine_appid",
    "combine_mchid",
    "combine_out_trade_no",
    "combine_payer_info",
    "sub_orders",
];
/// What a refund's notification has as well.
const USUAL: &[&str] = &["success_time", "mchid"];

/// Makes the notification of an event for a merchant. `given` is its resource, as far as it matters.
///
/// # Errors
/// Returns an error if the event is not documented, if `given` is no object, or if it does not fit the
/// format.
pub(crate) fn notice(
    event: &str,
    given: Value,
    url: String,
    merchant: &Merchant,
    now: u64,
    rng: Rng,
) -> Result<Notice> {
    let given = match given {
        Value::Object(given) => given,
        Value::Null => Map::new(),
        _ => {
            return Err(Cause::request(
                "invalid resource: expected an object of fields",
            ));
        }
    };
    let (event, event_type) = find(event)?;
    let known = Known {
        mchid: &merchant.mchid,
        sub_mchid: merchant
            .partner_of
            .first()
            .map_or("1900000109", String::as_str),
        appid: merchant.appid(),
        event_type,
        is_v2: event.version() == "v2",
        now,
        rng,
    };
    let content = match event.version() {
        "v2" => v2(event, given, merchant, known)?,
        _ => v3(event, given, merchant, known)?,
    };
    Ok(Notice {
        mchid: merchant.mchid.clone(),
        url,
        content,
    })
}

/// Finds an event by its name or its event type, with or without the version: `v2/TRANSACTION.SUCCESS`.
/// Returns it with the event type to send.
fn find(wanted: &str) -> Result<(Event, &str)> {
    let (version, name) = match wanted.split_once('/') {
        Some((version @ ("v2" | "v3"), name)) => (Some(version), name),
        _ => (None, wanted),
    };
    let of_version = |event: &Event| version.is_none_or(|version| event.version() == version);
    // The latest version first: both have a `TRANSACTION.SUCCESS`.
    let events = || catalog::events().rev().filter(of_version);
    let found = events()
        .find(|event| event.name() == name)
        .or_else(|| events().find(|event| event.event_types().contains(&name)));
    let event = found.ok_or_else(|| {
        let similar = |event: &Event| levenshtein(event.name().as_bytes(), name.as_bytes());
        let nearest = catalog::events().rev().min_by_key(similar);
        let nearest = nearest.map_or("", |event| event.name());
        Cause::request(format!(
            "the event `{name:.64}` is not documented: the nearest is `{nearest}`"
        ))
    })?;
    let types = event.event_types();
    let event_type = match types.contains(&name) || types.is_empty() {
        true => name,
        false => types.first().copied().unwrap_or(name),
    };
    Ok((event, event_type))
}

fn v3(
    event: Event,
    mut given: Map<String, Value>,
    merchant: &Merchant,
    mut known: Known<'_>,
) -> Result<Content> {
    let event_type = known.event_type.to_owned();
    let form = Form::of(event, &event_type, &given);
    known.complete(form.fields, &mut given, form.usual);
    seal(form.fields, &mut given, merchant)?;
    Ok(Content::V3 {
        summary: summary(&event_type),
        event_type,
        original_type: form.original_type,
        resource: given.into(),
    })
}

/// One of the forms that the notifications of an event have.
struct Form {
    fields: Fields,
    original_type: &'static str,
    usual: &'static [&'static str],
}

impl Form {
    fn of(event: Event, event_type: &str, given: &Map<String, Value>) -> Self {
        let has = |name: &str| given.contains_key(name);
        let original = event.original_types().first().copied();
        let documented = Self {
            fields: event.fields(),
            original_type: original.unwrap_or_default(),
            usual: USUAL,
        };
        if event_type != "TRANSACTION.SUCCESS" || original != Some("transaction") {
            return documented;
        }
        // Its table is of payments, of those of service providers, and of profit sharing at once. A payment
        // is notified as a query returns it.
        if has("receiver") || has("receivers") {
            let mut events = catalog::events().rev();
            return Self {
                fields: events
                    .find(|event| event.name() == "PROFITSHARING.SUCCESS")
                    .map_or(documented.fields, |event| event.fields()),
                original_type: "profitsharing",
                usual: USUAL,
            };
        }
        let (query, usual) = if given.keys().any(|name| name.starts_with("combine_")) {
            let query = "v3/combine-transactions/out-trade-no/{combine_out_trade_no}";
            (query, COMBINED)
        } else if has("sp_mchid") || has("sub_mchid") {
            let query = "v3/pay/partner/transactions/id/{transaction_id}";
            (query, PAYMENT)
        } else {
            ("v3/pay/transactions/id/{transaction_id}", PAYMENT)
        };
        let query = catalog::find(&Method::GET, query);
        Self {
            fields: query.map_or(documented.fields, |query| query.response()),
            original_type: "transaction",
            usual,
        }
    }
}

fn v2(
    event: Event,
    given: Map<String, Value>,
    merchant: &Merchant,
    mut known: Known<'_>,
) -> Result<Content> {
    let fields = event.fields();
    let sealed = fields.iter().find(|field| field.sealed().is_some());
    // What is not a field of the envelope is one of the encrypted part.
    let (mut outer, mut inner) = (Map::new(), Map::new());
    for (name, value) in given {
        let is_outer = sealed.is_none() || fields.get(&name).is_some();
        if is_outer { &mut outer } else { &mut inner }.insert(name, value);
    }
    let own = ["sign", "nonce_str"].into_iter();
    let own: Vec<_> = own.chain(sealed.map(|field| field.name())).collect();
    for name in &own {
        // So that they are not filled in. They are made when the notification is.
        outer.insert((*name).to_owned(), Value::Null);
    }
    known.complete(fields, &mut outer, &[]);
    for name in &own {
        outer.shift_remove(*name);
    }
    let mut req_info = None;
    if let Some(field) = sealed {
        match field.sealed() {
            Some(Sealing::AesGcm) => seal_event(&field, inner, &mut outer, merchant, &mut known)?,
            _ => {
                known.complete(field.fields(), &mut inner, &["success_time"]);
                req_info = Some(inner);
            }
        }
    }
    Ok(Content::V2 {
        fields: outer,
        req_info,
    })
}

/// Encrypts what happened into an APIv2 notification whose content is JSON.
fn seal_event(
    field: &Field,
    mut inner: Map<String, Value>,
    outer: &mut Map<String, Value>,
    merchant: &Merchant,
    known: &mut Known<'_>,
) -> Result<()> {
    known.complete(field.fields(), &mut inner, &[]);
    let nonce = known.rng.token(12);
    let associated_data = outer.get("event_associated_data").and_then(Value::as_str);
    let text = Value::from(inner).to_string();
    let ciphertext = message::seal(
        &merchant.apiv3,
        &nonce,
        associated_data.unwrap_or_default(),
        &text,
    )?;
    outer.insert("event_nonce".to_owned(), nonce.into());
    outer.insert(field.name().to_owned(), ciphertext.into());
    Ok(())
}

/// Encrypts the sealed fields with the merchant's key.
fn seal(fields: Fields, given: &mut Map<String, Value>, merchant: &Merchant) -> Result<()> {
    for field in fields {
        if let Some(value) = given.get_mut(field.name()) {
            seal_value(&field, value, merchant)?;
        }
    }
    Ok(())
}

fn seal_value(field: &Field, value: &mut Value, merchant: &Merchant) -> Result<()> {
    match value {
        Value::Object(object) => seal(field.fields(), object, merchant)?,
        Value::Array(items) => {
            for item in items {
                seal_value(field, item, merchant)?;
            }
        }
        Value::String(text) if field.sealed() == Some(Sealing::RsaOaep) => {
            *text = merchant.key.encrypt(text.as_bytes())?;
        }
        _ => {}
    }
    Ok(())
}

/// Returns the description for people. The longest name that fits wins.
fn summary(event_type: &str) -> &'static str {
    const SUMMARIES: [(&str, &str); 14] = [
        ("TRANSACTION.SUCCESS", "支付成功"),
        ("TRANSACTION.FAIL", "支付失败"),
        ("REFUND.SUCCESS", "退款成功"),
        ("REFUND.ABNORMAL", "退款异常"),
        ("REFUND.CLOSED", "退款关闭"),
        ("PAYSCORE.USER_CONFIRM", "用户确认订单"),
        ("PAYSCORE.USER_PAID", "用户支付成功"),
        ("PROFITSHARING", "分账通知"),
        ("MCHTRANSFER.BILL", "商家转账单据终态通知"),
        ("MCHTRANSFER.BATCH", "商家转账批次回调通知"),
        ("COMPLAINT.CREATE", "产生新投诉"),
        ("COMPLAINT.STATE_CHANGE", "投诉状态变化"),
        ("COUPON.USE", "代金券核销通知"),
        ("ENTRUST", "签约状态变更"),
    ];
    let fits = SUMMARIES
        .iter()
        .filter(|(name, _)| event_type.starts_with(name));
    let longest = fits.min_by_key(|(name, _)| Reverse(name.len()));
    longest.map_or("通知", |(_, summary)| summary)
}
