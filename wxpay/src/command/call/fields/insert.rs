//! Values at their place in the options map.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::typed::is_index;

/// Inserts a value at a path of names. Returns the name at which there already is something else.
pub(super) fn insert<'a>(
    map: &mut Map<String, Value>,
    names: &[&'a str],
    value: Value,
) -> std::result::Result<(), &'a str> {
    let (first, rest) = names.split_first().expect("a key has a name");
    if rest.is_empty() {
        return match map.insert((*first).to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(first),
        };
    }
    let next = map
        .entry(*first)
        .or_insert_with(|| match is_index(rest[0]) {
            true => Value::Array(Vec::new()),
            false => Value::Object(Map::new()),
        });
    insert_below(next, first, rest, value)
}

fn insert_below<'a>(
    next: &mut Value,
    first: &&'a str,
    rest: &[&'a str],
    value: Value,
) -> std::result::Result<(), &'a str> {
    match next {
        Value::Object(map) => insert(map, rest, value),
        Value::Array(items) => {
            let index: usize = rest[0].parse().map_err(|_| *first)?;
            match (items.len().cmp(&index), &rest[1..]) {
                (Ordering::Equal, []) => items.push(value),
                (Ordering::Equal, deeper) => {
                    let mut map = Map::new();
                    insert(&mut map, deeper, value)?;
                    items.push(Value::Object(map));
                }
                (Ordering::Greater, deeper) if !deeper.is_empty() => {
                    return insert_below(&mut items[index], &rest[0], deeper, value);
                }
                _ => return Err(first),
            }
            Ok(())
        }
        _ => Err(first),
    }
}
