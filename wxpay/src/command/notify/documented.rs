//! The documented notifications: found by name, and listed with their fields.

use serde_json::{Value, json};
use wechatpay_chain::catalog::{self, Event, Field, Fields};

use crate::{
    exit::{Failure, Result},
    output::{Output, Style},
    text::{t, tf},
};

/// Returns the documented notification of a name or an event type, whatever its capitals, with the name that
/// a sandbox understands. `v2/…` and `v3/…` tell those of equal names apart.
pub(super) fn find(wanted: &str) -> Result<(Event, String)> {
    let (version, name) = split(wanted);
    // The latest version first, as the sandbox has it.
    let events = || {
        catalog::events()
            .rev()
            .filter(|event| version.is_none_or(|version| event.version() == version))
    };
    let known = |text: &str| text.eq_ignore_ascii_case(name);
    let named = events().find(|event| known(event.name()));
    if let Some(event) = named {
        return Ok((event, format!("{}/{}", event.version(), event.name())));
    }
    let typed = events().find_map(|event| {
        let mut types = event.event_types().iter();
        Some((event, *types.find(|event_type| known(event_type))?))
    });
    match typed {
        Some((event, event_type)) => Ok((event, format!("{}/{event_type}", event.version()))),
        None => Err(unknown(wanted, name)),
    }
}

/// Splits `v2/…` and `v3/…`.
fn split(wanted: &str) -> (Option<&str>, &str) {
    match wanted.split_once('/') {
        Some((version @ ("v2" | "v3"), name)) => (Some(version), name),
        _ => (None, wanted),
    }
}

fn unknown(wanted: &str, name: &str) -> Failure {
    let name = name.to_lowercase();
    let distance = |event: &Event| {
        let known = event.name().to_lowercase();
        // A part of a name is nearer than another name of its length: `refund`.
        (!known.contains(&name), strsim::osa_distance(&known, &name))
    };
    let nearest = catalog::events().rev().min_by_key(distance);
    let nearest = nearest.map_or("", |event| event.name());
    Failure::usage(tf!(
        "no event {wanted} is documented; the nearest is {nearest}",
        "文档中没有事件 {wanted}; 最接近的是 {nearest}"
    ))
    .with_advice(t(
        "`wxpay trigger --list` lists them all.",
        "`wxpay trigger --list` 列出全部事件。",
    ))
}

/// Lists the notifications whose name has this part. A single one is shown with its fields.
pub(super) fn list(query: &str, output: &Output) -> Result {
    let (version, name) = split(query);
    let name = name.to_lowercase();
    let is_meant = |event: &Event| {
        let contains = |known: &str| known.to_lowercase().contains(&name);
        version.is_none_or(|version| event.version() == version)
            && (contains(event.name()) || event.event_types().iter().any(|known| contains(known)))
    };
    let is_exactly = |event: &Event| event.name().eq_ignore_ascii_case(&name);
    let mut events: Vec<_> = catalog::events().filter(is_meant).collect();
    // `REFUND.SUCCESS` is also a part of `MALL_REFUND.SUCCESS`.
    if events.iter().any(is_exactly) {
        events.retain(is_exactly);
    }
    if output.is_json() {
        output.value(&events.iter().map(value).collect());
        return Ok(());
    }
    match &*events {
        [] => return Err(unknown(query, &name)),
        [event] => show(event, output),
        events => {
            let rows: Vec<_> = events.iter().map(row).collect();
            let head = [
                t("Version", "版本"),
                t("Event", "事件"),
                t("Fields", "字段数"),
            ];
            output.table(&head, &rows);
        }
    }
    Ok(())
}

fn row(event: &Event) -> Vec<String> {
    vec![
        event.version().to_owned(),
        event.name().to_owned(),
        count(event.fields()).to_string(),
    ]
}

fn count(fields: Fields) -> usize {
    fields.iter().map(|field| 1 + count(field.fields())).sum()
}

fn show(event: &Event, output: &Output) {
    let name = Style::Strong.paint(event.name());
    output.line(format!("{name} {}", event.version()));
    for event_type in event.event_types() {
        output.line(format!("event_type {event_type}"));
    }
    for original_type in event.original_types() {
        output.line(format!("original_type {original_type}"));
    }
    lines(event.fields(), 1, output);
}

fn lines(fields: Fields, depth: usize, output: &Output) {
    for field in fields {
        let indent = "  ".repeat(depth);
        let name = Style::Name.paint(field.name());
        let required = match field.is_required() {
            true => t(" required", " 必填"),
            false => "",
        };
        let values = field.values();
        let values = match values.is_empty() {
            true => String::new(),
            false => Style::Faint.paint(format_args!(" {}", values.join(" "))),
        };
        output.line(format!("{indent}{name} {}{required}{values}", field.kind()));
        lines(field.fields(), depth + 1, output);
    }
}

fn value(event: &Event) -> Value {
    json!({
        "version": event.version(),
        "name": event.name(),
        "event_types": event.event_types(),
        "original_types": event.original_types(),
        "fields": fields(event.fields()),
    })
}

fn fields(list: Fields) -> Value {
    let field = |field: Field| {
        let mut value = json!({
            "name": field.name(),
            "type": field.kind().to_string(),
            "required": field.is_required(),
        });
        if !field.values().is_empty() {
            value["values"] = field.values().into();
        }
        if !field.fields().is_empty() {
            value["fields"] = fields(field.fields());
        }
        value
    };
    list.iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_event_is_found_by_its_name() {
        for event in catalog::events() {
            let name = format!("{}/{}", event.version(), event.name());
            let (found, key) = find(&name.to_lowercase()).unwrap();
            assert_eq!(
                (found.version(), found.name()),
                (event.version(), event.name())
            );
            assert_eq!(key, name);
        }
    }

    #[test]
    fn equal_names_mean_the_latest_version() {
        let (event, key) = find("transaction.success").unwrap();
        assert_eq!((event.version(), &*key), ("v3", "v3/TRANSACTION.SUCCESS"));
        assert_eq!(find("v2/TRANSACTION.SUCCESS").unwrap().0.version(), "v2");
    }

    #[test]
    fn misspelt_event_names_the_nearest() {
        for (wrong, right) in [
            ("TRANSACTION.SUCESS", "TRANSACTION.SUCCESS"),
            ("papay", "PAPAY."),
        ] {
            let failure = find(wrong).unwrap_err();
            assert!(failure.message.contains(right), "{}", failure.message);
        }
    }
}
