//! `-f key=value`: where a field belongs, and what its value is.

mod insert;
mod typed;

use serde_json::{Map, Value};
use wechatpay_chain::catalog::{Fields, Kind, Operation};

pub(crate) use self::typed::{is_index, kind};
use self::{insert::insert, typed::typed};

use super::{exact, path::variables};
use crate::{
    exit::{Failure, Result},
    text::{t, tf},
};

/// The parts of a request that can be named in front of a field: `json.amount.total=1`.
const PARTS: [&str; 4] = ["json", "query", "xml", "headers"];

/// The other options of the library that make sense on a command line.
const OPTIONS: [&str; 4] = ["base_uri", "security", "timeout", "connect_timeout"];

/// JSON may be as deep for those who read it.
const MAX_DEPTH: usize = 64;

/// Adds `key=value` or `key:=json` to the options map.
pub(crate) fn add(
    map: &mut Map<String, Value>,
    field: &str,
    template: &str,
    operation: Option<&Operation>,
) -> Result {
    let (key, value, is_json) = split(field)?;
    let place = place(key, template, operation)?;
    add_value(map, key, &place.names, value, is_json, place.kind)
}

/// Adds a value in its documented type.
pub(crate) fn add_value(
    map: &mut Map<String, Value>,
    key: &str,
    names: &[&str],
    value: &str,
    is_json: bool,
    kind: Option<Kind>,
) -> Result {
    let value = match is_json {
        true => exact::parse(value).map_err(|err| {
            Failure::usage(tf!(
                "{key}: the value is not JSON: {err}",
                "{key}: 值不是JSON: {err}"
            ))
        })?,
        false => typed(key, value, kind)?,
    };
    insert(map, names, value).map_err(|name| {
        Failure::usage(tf!(
            "{key}: {name} is given twice, or its list does not begin with 0 and go on in order",
            "{key}: {name} 重复给出, 或列表下标未从0开始依次给出"
        ))
    })
}

pub(crate) fn split(field: &str) -> Result<(&str, &str, bool)> {
    match field.split_once('=') {
        Some((key, _)) if key.split('.').count() > MAX_DEPTH => Err(Failure::usage(tf!(
            "invalid field: more than {MAX_DEPTH} names with dots between",
            "字段无效: 点号分隔的名称超过 {MAX_DEPTH} 层"
        ))),
        Some((key, value)) if !key.trim_end_matches(':').is_empty() => {
            match key.strip_suffix(':') {
                Some(key) => Ok((key, value, true)),
                None => Ok((key, value, false)),
            }
        }
        _ => Err(Failure::usage(tf!(
            "invalid field `{field}`: expected KEY=VALUE or KEY:=JSON",
            "字段 `{field}` 无效: 应为 字段=值 或 字段:=JSON"
        ))),
    }
}

/// Where a field belongs in the options map, and its documented type.
struct Place<'a> {
    names: Vec<&'a str>,
    kind: Option<Kind>,
}

fn place<'a>(key: &'a str, template: &str, operation: Option<&Operation>) -> Result<Place<'a>> {
    let names: Vec<&str> = key.split('.').collect();
    let first = names[0];
    let request = operation.map(|operation| operation.request());
    if PARTS.contains(&first) && names.len() > 1 {
        let fields = request
            .and_then(|request| request.get(first))
            .map(|part| part.fields());
        let kind = fields.and_then(|fields| kind(fields, &names[1..]));
        return Ok(Place { names, kind });
    }
    if variables(template).any(|name| name == first) || OPTIONS.contains(&first) {
        return Ok(Place { names, kind: None });
    }
    let Some(request) = request else {
        return Err(Failure::usage(tf!(
            "{key}: {template} is not documented, so say where the field belongs: json.{key}, query.{key} or xml.{key}",
            "{key}: {template} 不在文档中, 请写明字段位置: json.{key}, query.{key} 或 xml.{key}"
        )));
    };
    let part = PARTS.into_iter().find(|part| {
        request
            .get(part)
            .is_some_and(|part| part.fields().get(first).is_some())
    });
    let Some(part) = part else {
        let nearest = nearest(first, request);
        return Err(Failure::usage(tf!(
            "{key}: the documents have no such field here; the nearest is {nearest}. To send it all the same, write json.{key} or query.{key}",
            "{key}: 文档中没有该字段; 最接近的是 {nearest}。如仍要发送, 请写 json.{key} 或 query.{key}"
        )));
    };
    let kind = request
        .get(part)
        .and_then(|part| kind(part.fields(), &names));
    let names = [part].into_iter().chain(names).collect();
    Ok(Place { names, kind })
}

/// Returns the documented field that is most like this name, with its part.
fn nearest(name: &str, request: Fields) -> String {
    let parts = PARTS
        .into_iter()
        .filter_map(|part| Some((part, request.get(part)?)));
    let fields = parts.flat_map(|(_, part)| part.fields().iter().map(|field| field.name()));
    fields
        .min_by_key(|known| strsim::osa_distance(name, known))
        .unwrap_or(t("none: it has no fields", "无: 该接口没有字段"))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use wechatpay_chain::{Method, catalog};

    use super::*;
    use serde_json::json;

    fn map(method: Method, path: &str, fields: &[&str]) -> Result<Value> {
        let mut map = Map::new();
        for field in fields {
            add(&mut map, field, path, catalog::find(&method, path))?;
        }
        Ok(map.into())
    }

    #[test]
    fn documented_fields_find_their_place_and_type() {
        let order = map(
            Method::POST,
            "v3/pay/transactions/native",
            &[
                "description=茶",
                "out_trade_no=0001",
                "amount.total=1",
                "detail.goods_detail.0.quantity=2",
                "support_fapiao=true",
            ],
        );
        assert_eq!(
            order.unwrap(),
            json!({ "json": {
                "description": "茶", "out_trade_no": "0001", "amount": { "total": 1 },
                "detail": { "goods_detail": [{ "quantity": 2 }] }, "support_fapiao": true,
            }})
        );
        let query = map(
            Method::GET,
            "v3/pay/transactions/out-trade-no/{out_trade_no}",
            &["out_trade_no=1", "mchid=1900000109"],
        );
        assert_eq!(
            query.unwrap(),
            json!({ "out_trade_no": "1", "query": { "mchid": "1900000109" } })
        );
    }

    #[test]
    fn mistakes_are_named() {
        let native = |fields: &[&str]| {
            map(Method::POST, "v3/pay/transactions/native", fields)
                .unwrap_err()
                .message
        };
        assert!(native(&["descripton=tea"]).contains("description"));
        assert!(native(&["amount.total=1.5"]).contains("a whole number"));
        assert!(native(&["=1"]).contains("KEY=VALUE"));
        assert!(native(&["amount.total=1", "amount.total=2"]).contains("twice"));
        assert!(native(&["detail.goods_detail.1.quantity=1"]).contains("begin with 0"));
        assert!(native(&[&format!("json.{}a=1", "a.".repeat(50_000))]).contains("more than 64"));
        assert!(native(&["amount=x"]).contains("a JSON object"));
    }
}
