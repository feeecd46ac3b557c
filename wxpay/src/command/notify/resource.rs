//! `-f key=value` of a notification: the fields of its content.

use serde_json::{Map, Value};
use wechatpay_chain::{
    Method,
    catalog::{self, Event, Fields},
};

use crate::{
    command::call::fields::{add_value, is_index, kind, split},
    exit::{Failure, Result},
    text::tf,
};

/// Adds `key=value` or `key:=json` to the content of a documented notification.
pub(super) fn add(map: &mut Map<String, Value>, field: &str, event: &Event) -> Result {
    let (key, value, is_json) = split(field)?;
    let names: Vec<&str> = key.split('.').collect();
    let lists = contents(event);
    let is_known = lists.iter().any(|list| has(*list, &names));
    // A page without a table has no fields to compare with.
    let is_listed = lists.iter().any(|list| !list.is_empty());
    if is_listed && !is_known {
        let all = lists.iter().flat_map(|list| paths(*list, ""));
        let nearest = all
            .min_by_key(|known| strsim::osa_distance(key, known))
            .unwrap_or_default();
        let event = event.name();
        return Err(Failure::usage(tf!(
            "{key}: {event} has no such field; the nearest is {nearest}",
            "{key}: {event} 没有该字段; 最接近的是 {nearest}"
        )));
    }
    let kind = lists.iter().find_map(|list| kind(*list, &names));
    add_value(map, key, &names, value, is_json, kind)
}

/// Returns the fields of a notification, and on APIv2 those of its encrypted part.
pub(crate) fn contents(event: &Event) -> Vec<Fields> {
    let fields = event.fields();
    let sealed = fields.iter().filter(|field| field.sealed().is_some());
    let inner = sealed.map(|field| field.fields());
    let inner: Vec<_> = inner.filter(|inner| !inner.is_empty()).collect();
    // The page of a payment's notification mixes several kinds of payments, and lacks some of their fields:
    // the content is that of the query.
    let is_payment = (event.version(), event.name()) == ("v3", "TRANSACTION.SUCCESS");
    let query = "v3/pay/transactions/out-trade-no/{out_trade_no}";
    let query = catalog::find(&Method::GET, query).filter(|_| is_payment);
    let query = query.map(|operation| operation.response());
    [fields].into_iter().chain(inner).chain(query).collect()
}

/// Returns whether these names lead to a documented field, or into an object whose fields are not documented.
fn has(fields: Fields, names: &[&str]) -> bool {
    match names.split_first() {
        None => true,
        Some((first, rest)) if is_index(first) => has(fields, rest),
        Some((first, rest)) => fields
            .get(first)
            .is_some_and(|field| field.fields().is_empty() || has(field.fields(), rest)),
    }
}

/// Returns the names of all fields, with a dot between those of an object and its fields.
fn paths(fields: Fields, before: &str) -> Vec<String> {
    let mut all = Vec::new();
    for field in fields {
        let path = format!("{before}{}", field.name());
        all.extend(paths(field.fields(), &format!("{path}.")));
        all.push(path);
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_events_are_compared_with_their_documents() {
        let paid = catalog::events().rfind(|event| event.name() == "TRANSACTION.SUCCESS");
        let map = |fields: &[&str]| {
            let mut map = Map::new();
            let added = fields
                .iter()
                .try_for_each(|field| add(&mut map, field, &paid.unwrap()));
            added.map(|()| Value::from(map))
        };
        assert_eq!(
            map(&["out_trade_no=0001", "amount.total=5", "payer.openid=o"]).unwrap(),
            json!({ "out_trade_no": "0001", "amount": { "total": 5 }, "payer": { "openid": "o" } })
        );
        let wrong = map(&["amount.totla=5"]).unwrap_err().message;
        assert!(wrong.ends_with("the nearest is amount.total"), "{wrong}");
        assert!(map(&["amount.total=x"]).is_err());
    }
}
