//! The page of an operation or a notification, for people.

use wechatpay_chain::catalog::{Event, Field, Fields, Kind, Operation};

use super::{
    events,
    sample::{SERIAL, Sample},
};
use crate::{
    command::documents::{fen::is_fen, subject::Subject, types::cipher},
    output::{Output, Style},
    text::{t, tf},
};

pub(super) fn print(subject: &Subject, output: &Output) {
    match subject {
        Subject::Operation(operation) => print_operation(operation, output),
        Subject::Event(event) => print_event(event, output),
    }
}

fn print_operation(operation: &Operation, output: &Output) {
    output.line(Style::Strong.paint(operation));
    output.line(operation.title());

    heading(t("Request", "请求"), output);
    print_fields(operation.request(), "", output);
    heading(t("Response", "应答"), output);
    print_fields(operation.response(), "", output);

    let notifications = events::of(operation);
    if !notifications.is_empty() {
        heading(t("Notifications", "通知"), output);
        for event in notifications {
            output.line(format!("  {}", Subject::Event(event).key()));
        }
    }
    let sample = Sample::of(operation);
    heading(t("Sample", "示例"), output);
    output.line(sample.command());
    if !sample.has_file() {
        heading(t("Options map", "参数 (JSON)"), output);
        output.line(crate::output::painted(sample.options()));
    }
    output.line("");
    output.note(Style::Faint.paint(tf!(
        "`wxpay types '{operation}'` writes the fields as Rust types.",
        "`wxpay types '{operation}'` 可生成Rust类型。"
    )));
}

fn print_event(event: &Event, output: &Output) {
    output.line(Style::Strong.paint(format!("{} {}", event.version(), event.name())));
    let labelled = |label: &str, values: &[&str]| {
        if !values.is_empty() {
            output.line(format!("{label}: {}", values.join(", ")));
        }
    };
    labelled("event_type", event.event_types());
    labelled("original_type", event.original_types());
    match event.version() {
        "v2" => heading(t("Fields", "字段"), output),
        _ => heading(t("Decrypted resource", "解密后的resource"), output),
    }
    print_fields(event.fields(), "", output);
    let mut operations = events::operations(event).peekable();
    if operations.peek().is_some() {
        heading(t("Operations that lead to it", "相关接口"), output);
        for operation in operations {
            output.line(format!("  {operation}  {}", operation.title()));
        }
    }
}

fn heading(text: &str, output: &Output) {
    output.line("");
    output.line(Style::Strong.paint(text));
}

/// A line of the table: a field with its depth.
struct Row {
    name: String,
    kind: String,
    required: bool,
    notes: String,
}

fn print_fields(fields: Fields, within: &str, output: &Output) {
    let mut rows = Vec::new();
    collect(fields, within, 1, &mut rows);
    if rows.is_empty() {
        return output.line(format!("  {}", t("no documented fields", "没有文档字段")));
    }
    let width = |column: fn(&Row) -> &String| rows.iter().map(|row| column(row).len()).max();
    let names = width(|row| &row.name).unwrap_or(0);
    let kinds = width(|row| &row.kind).unwrap_or(0);
    for row in rows {
        let required = t("required", "必填");
        // The columns that follow an empty one keep their place, and no line ends in spaces.
        let required = match (row.required, row.notes.is_empty()) {
            (true, _) => Style::Warning.paint(required),
            (false, true) => String::new(),
            (false, false) => t("        ", "    ").to_owned(),
        };
        let kind = match required.is_empty() {
            true => row.kind,
            false => format!("{:kinds$}  ", row.kind),
        };
        let name = Style::Name.paint(format!("{:names$}", row.name));
        let notes = match row.notes.is_empty() {
            true => String::new(),
            false => format!("  {}", Style::Faint.paint(row.notes)),
        };
        output.line(format!("{name}  {kind}{required}{notes}"));
    }
}

fn collect(fields: Fields, within: &str, depth: usize, rows: &mut Vec<Row>) {
    for field in fields {
        rows.push(Row {
            name: format!("{}{}", "  ".repeat(depth), field.name()),
            kind: field.kind().to_string(),
            required: field.is_required(),
            notes: notes(field, within),
        });
        collect(field.fields(), field.name(), depth + 1, rows);
    }
}

fn notes(field: Field, within: &str) -> String {
    let mut notes = Vec::new();
    if field.name() == SERIAL {
        notes.push(t("set by the client", "由客户端设置").to_owned());
    }
    if matches!(field.kind(), Kind::Integer | Kind::Number) && is_fen(field.name(), within) {
        notes.push(t("fen", "分").to_owned());
    }
    if let Some(sealed) = field.sealed() {
        let cipher = cipher(sealed);
        notes.push(tf!("encrypted: {cipher}", "加密: {cipher}"));
    }
    if field.kind() == Kind::String && !field.fields().is_empty() {
        notes.push(t("JSON text", "JSON文本").to_owned());
    }
    if !field.values().is_empty() {
        notes.push(field.values().join(" | "));
    }
    notes.join("; ")
}
