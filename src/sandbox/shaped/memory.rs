//! What was answered before, so that the same request gets the same answer, and a query by a merchant's
//! number what was sent under it.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value};

use super::values::hash;
use crate::{catalog::Operation, sandbox::state::bounded_map::BoundedMap};

/// How many requests are remembered.
const MAX_RECORDS: usize = 2_000;
/// The longest request or answer that is remembered, in bytes of JSON.
const MAX_BYTES: usize = 16 << 10;

/// The answers to one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// By the request.
    answers: BoundedMap<Arc<Answer>>,
    /// By the product and a number, the merchant's or one of the answer; if the request named a sub-merchant,
    /// also by that.
    records: BoundedMap<Arc<Answer>>,
}

/// An answer, and the request that it answers.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The parameters, in the clear.
    pub(crate) request: Map<String, Value>,
    pub(crate) response: Map<String, Value>,
    /// The response without encryption.
    pub(crate) clear: Map<String, Value>,
}

/// What a request is about, by its numbers.
pub(crate) enum Remembered {
    /// This very request was answered.
    Same(Arc<Answer>),
    /// Its number was used with other parameters.
    Conflict,
    /// It names something of an earlier request.
    About(Arc<Answer>),
    New,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            answers: BoundedMap::new(MAX_RECORDS),
            records: BoundedMap::new(4 * MAX_RECORDS),
        }
    }
}

impl Memory {
    /// Looks up a request. `request` has the variables of the path, the query and the body.
    pub(crate) fn look_up(&self, op: &Operation, request: &Map<String, Value>) -> Remembered {
        if let Some(number) = created_number(op, request) {
            if let Some(earlier) = self.answers.get(&key(op, sub_merchant(request), number)) {
                return if earlier.request == *request {
                    Remembered::Same(Arc::clone(earlier))
                } else {
                    Remembered::Conflict
                };
            }
        }
        let about = request.iter().find_map(|(name, value)| {
            self.record(op, sub_merchant(request), (name, &number_text(value)?))
        });
        if let Some(about) = about {
            // Even if this request was answered before: the number may be remembered since.
            return Remembered::About(Arc::clone(about));
        }
        match self.answers.get(&whole_key(op, request)) {
            Some(same) if same.request == *request => Remembered::Same(Arc::clone(same)),
            _ => Remembered::New,
        }
    }

    /// Remembers an answer.
    pub(crate) fn add(&mut self, op: &Operation, answer: Answer) {
        let length = |map: &Map<String, Value>| Value::Object(map.clone()).to_string().len();
        if length(&answer.request).max(length(&answer.response)) > MAX_BYTES {
            return;
        }
        let answer = Arc::new(answer);
        let Some(number) = created_number(op, &answer.request) else {
            let key = whole_key(op, &answer.request);
            return self.answers.insert(key, answer);
        };
        let key = key(op, sub_merchant(&answer.request), number);
        self.answers.insert(key, Arc::clone(&answer));
        self.add_record(op, number, &answer);
        for (name, value) in &answer.clear {
            let is_new = is_number(name) && !answer.request.contains_key(name);
            if let Some(value) = number_text(value).filter(|_| is_new) {
                self.add_record(op, (name, &value), &answer);
            }
        }
    }

    fn add_record(&mut self, op: &Operation, number: (&str, &str), answer: &Arc<Answer>) {
        let sub_merchant = sub_merchant(&answer.request);
        for sub_merchant in [None].into_iter().chain(sub_merchant.map(Some)) {
            let key = product_key(op, sub_merchant, number);
            self.records.insert(key, Arc::clone(answer));
        }
    }

    /// Returns what a number is of. Sub-merchants may use the same numbers: a request that names one of them
    /// is not about another's.
    fn record(
        &self,
        op: &Operation,
        named: Option<&str>,
        number: (&str, &str),
    ) -> Option<&Arc<Answer>> {
        let own = named.and_then(|_| self.records.get(&product_key(op, named, number)));
        let any = self.records.get(&product_key(op, None, number));
        own.or(any.filter(|any| named.is_none() || sub_merchant(&any.request).is_none()))
    }
}

/// Returns the sub-merchant that a request names.
fn sub_merchant(request: &Map<String, Value>) -> Option<&str> {
    let names = ["sub_mchid", "sub_mch_id"].into_iter();
    let mut named = names.filter_map(|name| request.get(name)?.as_str());
    named.find(|mchid| !mchid.is_empty())
}

/// Returns the number that a request creates something under.
fn created_number<'r>(
    op: &Operation,
    request: &'r Map<String, Value>,
) -> Option<(&'r str, &'r str)> {
    // These act on something that exists, each time anew.
    const ACTIONS: [&str; 11] = [
        "cancel",
        "close",
        "complete",
        "confirm",
        "delete",
        "modify",
        "notify",
        "reverse",
        "sync",
        "terminate",
        "update",
    ];
    let template = op.template().trim_end_matches("/{empty}");
    let last = template.rsplit(['/', '-']).next().unwrap_or_default();
    // APIv2 has POST for queries: orderquery, queryrentbill, getstate.
    let segment = template.rsplit('/').next().unwrap_or_default();
    let is_query = segment.contains("query") || segment.starts_with("get");
    let is_action = is_query || ACTIONS.contains(&last);
    if op.method() != Method::POST || template.contains('{') || is_action {
        return None;
    }
    let numbers = request.iter().filter_map(|(name, value)| {
        let value = value.as_str().filter(|value| !value.is_empty())?;
        Some((rank(name)?, (name.as_str(), value)))
    });
    numbers
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, number)| number)
}

/// Orders the merchant's numbers: a refund names the number of its order too, which is not its own.
fn rank(name: &str) -> Option<u8> {
    let is_merchants = name.starts_with("out_")
        && ["_no", "_code", "_id"]
            .iter()
            .any(|end| name.ends_with(end));
    match name {
        "out_trade_no" => Some(3),
        "out_order_no" => Some(2),
        "business_code" | "mch_billno" | "partner_trade_no" | "combine_out_trade_no" => Some(1),
        _ if name.ends_with("_request_no") => Some(0),
        _ if is_merchants => Some(1),
        _ => None,
    }
}

/// Returns a number as it is in a path, whatever its type in JSON.
fn number_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_number(name: &str) -> bool {
    ["_id", "_no", "_code"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn key(op: &Operation, sub_merchant: Option<&str>, (name, value): (&str, &str)) -> String {
    format!("{op} {} {name}={value}", sub_merchant.unwrap_or_default())
}

fn whole_key(op: &Operation, request: &Map<String, Value>) -> String {
    let whole = Value::Object(request.clone()).to_string();
    format!("{op} {:016x}", hash(whole.as_bytes()))
}

/// Numbers of one product are not those of another: the first segment of the path tells them apart.
fn product_key(op: &Operation, sub_merchant: Option<&str>, (name, value): (&str, &str)) -> String {
    let product = op.template().split('/').nth(1).unwrap_or_default();
    let sub_merchant = sub_merchant.unwrap_or_default();
    format!("{product} {sub_merchant} {name}={value}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog;

    fn op(method: Method, template: &str) -> &'static Operation {
        catalog::find(&method, template).unwrap()
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn answer(request: Value, response: Value) -> Answer {
        Answer {
            request: map(request),
            clear: map(response.clone()),
            response: map(response),
        }
    }

    const APPLY: &str = "v3/apply4subject/applyment";

    #[test]
    fn number_is_used_once() {
        let mut memory = Memory::default();
        let post = op(Method::POST, APPLY);
        let request = json!({ "business_code": "b1", "name": "x" });
        let look_up = |memory: &Memory, request: Value| memory.look_up(post, &map(request));
        assert!(matches!(look_up(&memory, request.clone()), Remembered::New));
        memory.add(
            post,
            answer(request.clone(), json!({ "applyment_id": "7" })),
        );
        assert!(matches!(look_up(&memory, request), Remembered::Same(_)));
        let other = json!({ "business_code": "b1", "name": "y" });
        assert!(matches!(look_up(&memory, other), Remembered::Conflict));
        let new = json!({ "business_code": "b2", "name": "y" });
        assert!(matches!(look_up(&memory, new), Remembered::New));
    }

    #[test]
    fn query_finds_what_was_sent_by_each_of_its_numbers() {
        let mut memory = Memory::default();
        let sent = answer(
            json!({ "business_code": "b1" }),
            json!({ "applyment_id": 7 }),
        );
        memory.add(op(Method::POST, APPLY), sent);
        for (request, is_known) in [
            (json!({ "business_code": "b1" }), true),
            (json!({ "applyment_id": "7" }), true),
            (json!({ "business_code": "b2" }), false),
            (json!({ "out_trade_no": "b1" }), false),
        ] {
            let get = op(Method::GET, "v3/apply4subject/applyment");
            let found = memory.look_up(get, &map(request));
            assert_eq!(matches!(found, Remembered::About(_)), is_known);
            let other = op(Method::GET, "v3/certificates");
            assert!(matches!(
                memory.look_up(other, &map(json!({ "business_code": "b1" }))),
                Remembered::New
            ));
        }
    }

    #[test]
    fn query_by_post_creates_nothing() {
        let mut memory = Memory::default();
        let query = op(Method::POST, "v2/deposit/orderquery");
        let create = op(Method::POST, "v2/deposit/micropay");
        let asked = json!({ "out_trade_no": "1" });
        memory.add(query, answer(asked.clone(), json!({ "total_fee": "100" })));
        let paid = json!({ "out_trade_no": "1", "total_fee": "500" });
        memory.add(create, answer(paid, json!({ "transaction_id": "4200" })));
        // Also with another number besides.
        let both = json!({ "out_trade_no": "1", "transaction_id": "4200" });
        for asked in [asked, both] {
            let Remembered::About(found) = memory.look_up(query, &map(asked)) else {
                panic!("the query is not about the payment");
            };
            assert_eq!(found.request["total_fee"], "500");
        }
        for template in ["v2/applyment/micro/getstate", "v2/pay/querycombinedorder"] {
            let query = op(Method::POST, template);
            let number = map(json!({ "out_trade_no": "1" }));
            assert_eq!(created_number(query, &number), None, "{template}");
        }
    }

    #[test]
    fn sub_merchants_have_numbers_of_their_own() {
        let mut memory = Memory::default();
        let post = op(Method::POST, APPLY);
        let of = |sub: &str| json!({ "business_code": "b1", "sub_mchid": sub });
        for sub in ["1", "2"] {
            assert!(matches!(
                memory.look_up(post, &map(of(sub))),
                Remembered::New
            ));
            memory.add(post, answer(of(sub), json!({ "applyment_id": sub })));
        }
        let get = op(Method::GET, APPLY);
        let found = |asked: Value| match memory.look_up(get, &map(asked)) {
            Remembered::About(found) => found.clear["applyment_id"].as_str().map(str::to_owned),
            _ => None,
        };
        assert_eq!(found(of("1")).as_deref(), Some("1"));
        assert_eq!(found(of("2")).as_deref(), Some("2"));
        assert_eq!(found(of("3")), None);
        // By a number that only one of them has, and without the sub-merchant.
        let id = json!({ "applyment_id": "1" });
        assert_eq!(found(id).as_deref(), Some("1"));
    }

    #[test]
    fn own_number_comes_before_that_of_the_order() {
        let post = op(Method::POST, APPLY);
        let number =
            |request: Value| created_number(post, &map(request)).map(|(name, _)| name.to_owned());
        let refund = json!({ "out_trade_no": "1", "out_refund_no": "2" });
        assert_eq!(number(refund).as_deref(), Some("out_refund_no"));
        assert_eq!(
            number(json!({ "out_trade_no": "1" })).as_deref(),
            Some("out_trade_no")
        );
        assert_eq!(number(json!({ "openid": "1" })), None);
        let cancel = op(
            Method::POST,
            "v3/apply4subject/applyment/{business_code}/cancel",
        );
        assert_eq!(
            created_number(cancel, &map(json!({ "business_code": "1" }))),
            None
        );
    }

    #[test]
    fn large_requests_are_not_remembered() {
        let mut memory = Memory::default();
        let post = op(Method::POST, APPLY);
        let request = json!({ "business_code": "b1", "text": "x".repeat(MAX_BYTES) });
        memory.add(post, answer(request.clone(), json!({})));
        assert!(matches!(
            memory.look_up(post, &map(request)),
            Remembered::New
        ));
    }
}
