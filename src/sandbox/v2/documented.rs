//! The fields of a request, against the documented table of its operation.

use serde_json::{Map, Value};

use super::{V2Error, optional};
use crate::{
    catalog::{self, Fields, Kind, Operation},
    protocol::v2::paths,
    sandbox::checks::titles::title,
};

/// The longest `nonce_str`.
const MAX_NONCE: usize = 32;

/// Checks that required fields are present and that amounts and counts are integers.
///
/// Values and unknown fields are not checked: WeChat Pay adds values before it documents them.
pub(super) fn check(
    op: &Operation,
    path: &str,
    fields: &Map<String, Value>,
) -> Result<(), V2Error> {
    let inner = |name| op.request().get(name).map(|field| field.fields());
    let documented = inner("xml").or_else(|| inner("query"));
    let documented = documented.unwrap_or(Fields::NONE);
    let is_given = |name: &str| optional(fields, name).is_some();
    for field in documented {
        let name = field.name();
        match fields.get(name) {
            Some(value) if is_given(name) || !value.is_string() => {
                if field.kind() == Kind::Integer && !is_integer(value) {
                    return Err(not_an_integer(name));
                }
            }
            _ => {
                // Some tables require the one and make the other optional, although either suffices.
                let is_exempt = name == "out_trade_no" && is_given("transaction_id")
                    || catalog::may_be_absent(&field, documented, is_given);
                if field.is_required() && !is_exempt {
                    return Err(missing(name));
                }
            }
        }
    }
    match optional(fields, "nonce_str") {
        Some(nonce) => check_length("nonce_str", nonce, MAX_NONCE),
        None if paths::is_nonceless(path) => Ok(()),
        None => Err(missing("nonce_str")),
    }
}

/// Refuses a request without a required field.
// In the words of the rules that refuse a wrong type, which were seen on the wire for APIv2 too.
pub(super) fn missing(name: &str) -> V2Error {
    let title = title(name);
    V2Error::Return(format!(
        "输入源“/body/xml/{name}”映射到字段“{title}”必填性规则校验失败，此字段为必填项"
    ))
}

/// Refuses a field that is not an integer.
pub(super) fn not_an_integer(name: &str) -> V2Error {
    let title = title(name);
    V2Error::Return(format!(
        "无法将输入源“/body/xml/{name}”映射到目标字段“{title}”中，此字段需要一个合法的 64 位有符号整数"
    ))
}

/// Checks that a text has at most `max` characters.
pub(super) fn check_length(name: &str, text: &str, max: usize) -> Result<(), V2Error> {
    let length = text.chars().count();
    if length <= max {
        return Ok(());
    }
    let title = title(name);
    Err(V2Error::Return(format!(
        "输入源“/body/xml/{name}”映射到值字段“{title}”字符串规则校验失败，字符数 {length}，大于最大值 {max}"
    )))
}

fn is_integer(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    // `parse` alone would accept "+1".
    text.parse::<i64>().is_ok() && !text.starts_with('+')
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;

    fn checked(path: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), String> {
        let Value::Object(mut fields) = json!({
            "appid": "wx", "mch_id": "1", "nonce_str": "n", "out_trade_no": "tea", "body": "tea",
            "total_fee": "100", "spbill_create_ip": "127.0.0.1", "notify_url": "https://example.com",
            "trade_type": "NATIVE", "out_refund_no": "r", "refund_fee": "1",
        }) else {
            unreachable!()
        };
        change(&mut fields);
        let op = catalog::find(&Method::POST, &format!("v2{path}")).unwrap();
        match check(op, path, &fields) {
            Ok(()) => Ok(()),
            Err(V2Error::Return(message)) => Err(message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn required_fields_must_be_there_and_integers_be_integers() {
        let order = "/pay/unifiedorder";
        assert_eq!(checked(order, |_| {}), Ok(()));
        for name in ["total_fee", "body", "nonce_str", "appid", "trade_type"] {
            let removed = checked(order, |fields| drop(fields.remove(name))).unwrap_err();
            assert_eq!(
                removed,
                format!(
                    "输入源“/body/xml/{name}”映射到字段“{name}”必填性规则校验失败，此字段为必填项"
                )
            );
            let empty = checked(order, |fields| drop(fields.insert(name.into(), "".into())));
            assert_eq!(empty, Err(removed));
        }
        for total in ["1.5", "0x1", "+1", "一", "99999999999999999999"] {
            let refused = checked(order, |fields| {
                drop(fields.insert("total_fee".into(), total.into()))
            });
            assert_eq!(
                refused.unwrap_err(),
                "无法将输入源“/body/xml/total_fee”映射到目标字段“total_fee”中，此字段需要一个合法的 64 位有符号整数"
            );
        }
        let long = checked(order, |fields| {
            drop(fields.insert("nonce_str".into(), "n".repeat(33).into()))
        });
        assert!(long.unwrap_err().contains("字符数 33，大于最大值 32"));
        // A field that occurs twice is a list, which is not an integer either.
        let twice = checked(order, |fields| {
            drop(fields.insert("total_fee".into(), json!(["1", "1"])))
        });
        assert!(twice.is_err());
    }

    #[test]
    fn one_of_two_numbers_is_enough() {
        let refund = "/secapi/pay/refund";
        assert_eq!(checked(refund, |_| {}), Ok(()));
        let without = checked(refund, |fields| drop(fields.remove("out_trade_no")));
        assert!(without.is_err());
        assert!(checked("/pay/orderquery", |_| {}).is_ok());
        // Only the tables of service providers' operations require it.
        let provider = checked("/deposit/consume", |_| {}).unwrap_err();
        assert!(provider.contains("/body/xml/"), "{provider}");
    }

    #[test]
    fn nonce_is_required_unless_the_operation_is_documented_without() {
        let without = |path| {
            checked(path, |fields| {
                fields.remove("nonce_str");
                fields.insert("contract_id".into(), "1".into());
                for name in [
                    "plan_id",
                    "contract_code",
                    "contract_termination_remark",
                    "version",
                ] {
                    fields.insert(name.into(), "1".into());
                }
            })
        };
        assert_eq!(without("/papay/deletecontract"), Ok(()));
        assert!(without("/pay/orderquery").is_err());
    }
}
