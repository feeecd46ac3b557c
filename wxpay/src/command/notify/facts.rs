//! What a notification is about: its event, its number and its amount, as one line shows them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wechatpay_chain::{
    Notification,
    catalog::{self, Event},
};

use super::message::{Message, excerpt};

/// Some of a notification's fields. All of them are on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Facts {
    /// Empty if it is not known.
    pub(super) event: String,
    pub(super) notification_id: Option<String>,
    pub(super) mchid: Option<String>,
    pub(super) number: Option<String>,
    pub(super) amount: Option<String>,
}

/// Amounts in fen, the one that the notification is about first: a refund names the payment's, too.
const AMOUNTS: [&str; 9] = [
    "/amount/refund",
    "/amount/total",
    "/amount/total_amount",
    "/refund_fee",
    "/total_fee",
    "/transfer_amount",
    "/total_amount",
    "/amount",
    "/sub_orders",
];
const CURRENCIES: [&str; 3] = ["/amount/currency", "/fee_type", "/refund_fee_type"];

/// Numbers, the one that the notification is about first: a refund names its payment, too.
const NUMBERS: [&str; 10] = [
    "out_refund_no",
    "out_bill_no",
    "out_batch_no",
    "out_detail_no",
    "out_return_no",
    "out_order_no",
    "combine_out_trade_no",
    "out_trade_no",
    "out_contract_code",
    "contract_code",
];

impl Facts {
    pub(super) fn of(notification: &Notification) -> Self {
        let fields = notification.resource_json();
        let event = match notification.event_type() {
            "" => most_alike(notification.envelope()).map_or("", |event| event.name()),
            event => event,
        };
        Self {
            event: excerpt(event, 64),
            notification_id: Some(excerpt(notification.id(), 128)),
            mchid: notification.mchid().map(|mchid| excerpt(mchid, 32)),
            number: number(fields),
            amount: amount(fields),
        }
    }

    /// What a message says of itself. Nothing proves it.
    pub(super) fn claimed(message: &Message) -> Self {
        let body: Map<String, Value> = serde_json::from_slice(&message.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        Self {
            event: excerpt(text("event_type").unwrap_or_default(), 64),
            notification_id: text("id").map(|id| excerpt(id, 128)),
            ..Self::default()
        }
    }
}

fn number(fields: &Value) -> Option<String> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let known = NUMBERS.into_iter().find_map(text);
    let found = known.or_else(|| {
        let mut fields = fields.as_object()?.iter();
        fields.find_map(|(name, value)| {
            let is_number = ["_no", "_id", "_code"]
                .iter()
                .any(|end| name.ends_with(end));
            let is_account = ["mch_id", "openid", "service_id", "brand_id", "plan_id"];
            match is_number && !is_account.iter().any(|end| name.ends_with(end)) {
                true => value.as_str(),
                false => None,
            }
        })
    });
    found.map(|number| excerpt(number, 64))
}

fn amount(fields: &Value) -> Option<String> {
    let fen = AMOUNTS.iter().find_map(|at| fen(fields.pointer(at)?))?;
    let currency = CURRENCIES
        .iter()
        .find_map(|at| fields.pointer(at)?.as_str());
    Some(money(fen, currency.unwrap_or("CNY")))
}

/// Returns fen, which APIv2 writes as text. A combined order has one amount for each of its orders.
fn fen(value: &Value) -> Option<i64> {
    match value {
        Value::Number(fen) => fen.as_i64(),
        Value::String(fen) => fen.parse().ok(),
        Value::Array(orders) => {
            let amounts = orders
                .iter()
                .map(|order| fen(order.pointer("/amount/total_amount")?));
            amounts.sum()
        }
        _ => None,
    }
}

/// Currencies without a smaller unit.
const WHOLE: [&str; 2] = ["JPY", "KRW"];

fn money(amount: i64, currency: &str) -> String {
    let currency = excerpt(currency, 8);
    if WHOLE.contains(&&*currency) {
        return format!("{amount} {currency}");
    }
    let (sign, fen) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    let number = format!("{sign}{}.{:02}", fen / 100, fen % 100);
    match &*currency {
        "CNY" => format!("¥{number}"),
        other => format!("{number} {other}"),
    }
}

/// Returns the documented notification of APIv2 whose fields are most like these: most of them have no
/// field that says which they are.
fn most_alike(envelope: &Value) -> Option<Event> {
    let fields = envelope.as_object()?;
    let differences = |event: &Event| {
        let known = event.fields();
        let unknown = fields.keys().filter(|name| known.get(name).is_none());
        let missing = known.iter().filter(|field| field.is_required());
        let missing = missing.filter(|field| !fields.contains_key(field.name()));
        unknown.count() + missing.count()
    };
    let events = catalog::events().filter(|event| event.version() == "v2");
    events.min_by_key(differences)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refund_is_named_by_its_own_number_and_amount() {
        let refund = json!({
            "out_trade_no": "tea-1", "out_refund_no": "tea-1-1",
            "amount": { "total": 100, "refund": 5, "currency": "CNY" },
        });
        assert_eq!(number(&refund).as_deref(), Some("tea-1-1"));
        assert_eq!(amount(&refund).as_deref(), Some("¥0.05"));
    }

    #[test]
    fn other_fields_are_not_taken_for_numbers() {
        let complaint =
            json!({ "sub_mch_id": "1", "complaint_id": "200", "action_type": "CREATE" });
        assert_eq!(number(&complaint).as_deref(), Some("200"));
        assert_eq!(number(&json!({ "mch_id": "1" })), None);
        assert_eq!(number(&json!("text")), None);
    }

    #[test]
    fn amounts_of_both_versions_are_read() {
        let v2 = json!({ "total_fee": "1999", "fee_type": "USD" });
        assert_eq!(amount(&v2).as_deref(), Some("19.99 USD"));
        let combined = json!({ "sub_orders": [
            { "amount": { "total_amount": 1 } }, { "amount": { "total_amount": 2 } },
        ]});
        assert_eq!(amount(&combined).as_deref(), Some("¥0.03"));
        assert_eq!(amount(&json!({ "amount": { "total": "x" } })), None);
        assert_eq!(money(-5, "CNY"), "¥-0.05");
        assert_eq!(money(500, "JPY"), "500 JPY");
    }

    #[test]
    fn notification_of_apiv2_is_found_by_its_fields() {
        let paid = json!({
            "appid": "wx", "mch_id": "1", "transaction_id": "4200", "out_trade_no": "tea-1", "openid": "o",
            "total_fee": "1", "cash_fee": "1", "result_code": "SUCCESS", "return_code": "SUCCESS",
            "bank_type": "OTHERS", "time_end": "20260101000000", "is_subscribe": "N", "trade_type": "NATIVE",
            "nonce_str": "n", "sign": "s",
        });
        assert_eq!(most_alike(&paid).unwrap().name(), "transaction-success");
        let refund = json!({ "return_code": "SUCCESS", "appid": "wx", "mch_id": "1", "nonce_str": "n", "req_info": "…" });
        assert_eq!(most_alike(&refund).unwrap().name(), "refund-processed");
    }
}
