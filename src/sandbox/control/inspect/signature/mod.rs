//! The check of a signature, step by step, and what a client got wrong if it does not verify.

mod apiv2;
mod apiv3;
mod search;
mod search_v2;

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{brief::is_v3, view};
use crate::sandbox::{RecordedRequest, state::SandboxState};

/// How much of a message is shown.
const MAX_SHOWN: usize = 1 << 20;

/// Returns the check of a request's signature.
pub(super) fn of(state: &SandboxState, request: &RecordedRequest) -> Value {
    match is_v3(request) {
        true => apiv3::of(state, request),
        false => apiv2::of(state, request),
    }
}

/// A sentence for people, in both languages of the page.
#[derive(Clone, Debug)]
struct Text {
    en: Cow<'static, str>,
    zh: Cow<'static, str>,
}

fn text(en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Text {
    Text {
        en: en.into(),
        zh: zh.into(),
    }
}

/// The steps of a check.
#[derive(Default)]
struct Steps {
    shown: Vec<Value>,
    has_failed: bool,
}

impl Steps {
    /// Adds a step. `None` is one that was not taken.
    fn add(&mut self, name: &str, is_ok: Option<bool>, detail: &Text) {
        self.has_failed |= is_ok == Some(false);
        self.shown.push(json!({
            "name": name,
            "ok": is_ok,
            "detail": detail.en,
            "detail_zh": detail.zh,
        }));
    }

    /// Adds a value to the latest step.
    fn with(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(Value::Object(step)) = self.shown.last_mut() {
            step.insert(name.to_owned(), value.into());
        }
    }
}

/// Adds a message, or its beginning.
fn put_message(shown: &mut Value, message: &[u8]) {
    let beginning = message.get(..MAX_SHOWN).unwrap_or(message);
    shown["message_length"] = message.len().into();
    view::put_text(shown, "message", beginning);
}

/// Returns the first byte in which two messages differ. `None`: they are the same.
fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let mut pairs = one.iter().zip(other);
    let at = pairs.position(|(one, other)| one != other);
    at.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

/// Returns a text in ASCII, with a question mark for every unit of UTF-16 that is not.
// As Java and .NET encode it.
fn ascii(text: &str) -> String {
    let marks = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => "?".repeat(c.len_utf16()),
    };
    text.chars().map(marks).collect()
}
