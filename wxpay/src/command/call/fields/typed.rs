//! Values in their documented types.

use serde_json::Value;
use wechatpay_chain::catalog::{Field, Fields, Kind};

use super::super::exact;
use crate::{
    exit::{Failure, Result},
    text::{t, tf},
};

/// Returns the documented type of the field that these names lead to.
pub(crate) fn kind(fields: Fields, names: &[&str]) -> Option<Kind> {
    let (first, rest) = names.split_first()?;
    // A number is the place in a list, whose items have the list's fields.
    if is_index(first) {
        return kind(fields, rest);
    }
    let field: Field = fields.get(first)?;
    match rest {
        [] => Some(field.kind()),
        [index] if is_index(index) => Some(item(field.kind())),
        rest => kind(field.fields(), rest),
    }
}

fn item(list: Kind) -> Kind {
    match list {
        Kind::StringList => Kind::String,
        Kind::IntegerList => Kind::Integer,
        Kind::NumberList => Kind::Number,
        Kind::BooleanList => Kind::Boolean,
        Kind::ObjectList => Kind::Object,
        other => other,
    }
}

pub(crate) fn is_index(name: &str) -> bool {
    !name.is_empty() && name.len() < 4 && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns a value in the documented type. Without one, it is text.
pub(super) fn typed(key: &str, value: &str, kind: Option<Kind>) -> Result<Value> {
    let parsed = || exact::parse(value).ok();
    let typed = match kind {
        Some(Kind::Integer) => parsed().filter(|value| value.is_i64() || value.is_u64()),
        Some(Kind::Number) => parsed().filter(Value::is_number),
        Some(Kind::Boolean) => parsed().filter(Value::is_boolean),
        Some(Kind::Object) => parsed().filter(Value::is_object),
        Some(Kind::StringList) if !value.starts_with('[') => {
            Some(value.split(',').map(Value::from).collect())
        }
        Some(
            Kind::StringList
            | Kind::IntegerList
            | Kind::NumberList
            | Kind::BooleanList
            | Kind::ObjectList,
        ) => parsed().filter(Value::is_array),
        _ => Some(value.into()),
    };
    typed.ok_or_else(|| {
        let expected = match kind {
            Some(Kind::Integer) => t("a whole number", "整数"),
            Some(Kind::Number) => t("a number", "数字"),
            Some(Kind::Boolean) => t("true or false", "true 或 false"),
            Some(Kind::Object) => t("a JSON object", "JSON对象"),
            _ => t("a JSON array", "JSON数组"),
        };
        // The value may be a name or a number of a customer.
        Failure::usage(tf!("{key}: expected {expected}", "{key}: 应为 {expected}"))
    })
}
