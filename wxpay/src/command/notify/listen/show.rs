//! What `listen` prints: a line for each notification, and the sums at the end.

use serde_json::json;

use super::{
    super::{forward::NoReply, store::beijing},
    handle::Seen,
};
use crate::{
    output::{Output, Style},
    text::tf,
};

/// Prints a notification, and what became of it.
pub(super) fn seen(seen: &Seen, is_verbose: bool, output: &Output) {
    if let Err(why) = &seen.kept {
        output.warn(tf!(
            "the notification is not kept: {why}",
            "通知未能保存: {why}"
        ));
    }
    if output.is_json() {
        return json_line(seen, output);
    }
    let facts = &seen.verdict.facts;
    let time = beijing(seen.received).to_string();
    // The day and the time zone are the same for all lines.
    let time = Style::Faint.paint(time.get(11..19).unwrap_or(&time));
    let event = Style::Strong.paint(if facts.event.is_empty() {
        "-"
    } else {
        &facts.event
    });
    let number = facts.number.as_deref().unwrap_or("-");
    let amount = facts.amount.as_deref().unwrap_or("-");
    let verdict = seen.verdict.painted();
    output.line(format!("{time}  {event}  {number}  {amount}  {verdict}"));
    if let Some(reason) = seen.verdict.reason() {
        output.line(format!("  {reason}"));
        output.line(Style::Faint.paint(format_args!(
            "  {}",
            seen.verdict.advice().unwrap_or_default()
        )));
    }
    if let (true, Ok(notification)) = (is_verbose, &seen.verdict.opened) {
        output.value(notification.resource_json());
    }
    match &seen.reply {
        None => {}
        Some(Ok(reply)) => reply.show(seen.is_v2, output),
        Some(Err(none)) => no_reply(none, seen.answered, output),
    }
}

fn no_reply(none: &NoReply, answered: u16, output: &Output) {
    let why = none.why();
    let text = tf!(
        "no reply: {why}; the sender got {answered}",
        "没有应答: {why}; 已向发送方应答 {answered}"
    );
    output.line(format!("  → {}", Style::Error.paint(text)));
}

fn json_line(seen: &Seen, output: &Output) {
    let mut line = json!({
        "type": "notification",
        "received": beijing(seen.received).to_string(),
        "stored": seen.kept.as_ref().ok(),
    });
    if let (Some(line), Some(verdict)) = (line.as_object_mut(), seen.verdict.json().as_object()) {
        line.extend(verdict.clone());
    }
    line["answered"] = seen.answered.into();
    line["forwarded"] = match &seen.reply {
        None => serde_json::Value::Null,
        Some(Ok(reply)) => reply.json(seen.is_v2),
        Some(Err(none)) => json!({ "error": none.why() }),
    };
    output.value(&line);
}

/// How many notifications there were.
#[derive(Debug, Default)]
pub(super) struct Totals {
    verified: u64,
    refused: u64,
    forwarded: u64,
    acknowledged: u64,
}

impl Totals {
    pub(super) fn add(&mut self, seen: &Seen) {
        match seen.verdict.is_verified() {
            true => self.verified += 1,
            false => self.refused += 1,
        }
        if let Some(reply) = &seen.reply {
            self.forwarded += 1;
            let is_acknowledged =
                |reply: &super::super::forward::Reply| reply.is_acknowledgement(seen.is_v2);
            self.acknowledged += u64::from(reply.as_ref().is_ok_and(is_acknowledged));
        }
    }

    pub(super) fn all(&self) -> u64 {
        self.verified + self.refused
    }

    pub(super) fn show(&self, output: &Output) {
        let Self {
            verified,
            refused,
            forwarded,
            acknowledged,
        } = self;
        let all = self.all();
        if output.is_json() {
            output.value(&json!({
                "type": "summary",
                "notifications": all,
                "verified": verified,
                "refused": refused,
                "forwarded": forwarded,
                "acknowledged": acknowledged,
            }));
            return;
        }
        output.note(tf!(
            "{all} notifications: {verified} verified, {refused} refused; {forwarded} forwarded, {acknowledged} acknowledged",
            "共 {all} 条通知: {verified} 条验签通过, {refused} 条拒绝; 转发 {forwarded} 条, 成功应答 {acknowledged} 条"
        ));
    }
}
