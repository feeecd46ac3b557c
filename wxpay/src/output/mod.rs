//! What a command prints: colour and tables for people, JSON for programs.

mod paint;
mod table;

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use clap::ColorChoice;
use serde_json::{Value, json};

use crate::{exit::Failure, text::t};

pub(crate) use self::{
    paint::{Style, json as painted},
    table::one_line,
};

/// Where a command prints, and how.
pub(crate) struct Output {
    json: bool,
    color: anstream::ColorChoice,
}

impl Output {
    pub(crate) fn new(json: bool, color: ColorChoice) -> Self {
        let color = match color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        Self { json, color }
    }

    /// Returns whether a program reads, with `--json`.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Returns whether standard output is a terminal and a person reads it.
    pub(crate) fn is_for_people(&self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// Prints a line, with a colour where the terminal has colours.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        // A closed pipe, as of `head`, is no failure.
        let _ = writeln!(
            AutoStream::new(io::stdout().lock(), self.color),
            "{}",
            text.as_ref()
        );
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }

    /// Prints a JSON value: in colour on a terminal, on one line with `--json`, else indented.
    pub(crate) fn value(&self, value: &Value) {
        if self.json {
            self.line(value.to_string());
        } else {
            self.line(painted(value));
        }
    }

    /// Says something to a person, beside the output. With `--json` it stays unsaid.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            let _ = writeln!(
                AutoStream::new(io::stderr().lock(), self.color),
                "{}",
                text.as_ref()
            );
        }
    }

    /// Warns. With `--json` too, as a line of JSON.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        if self.json {
            eprintln!("{}", json!({ "warning": text }));
        } else {
            self.note(format!(
                "{} {text}",
                Style::Warning.paint(t("warning:", "警告:"))
            ));
        }
    }

    /// Reports why the command failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            eprintln!("{}", described(failure));
            return;
        }
        let label = Style::Error.paint(t("error:", "错误:"));
        self.note(format!("{label} {}", failure.message));
        if let Some(advice) = &failure.advice {
            self.note(format!("  {advice}"));
        }
    }
}

fn described(failure: &Failure) -> Value {
    let mut error = json!({
        "exit_code": failure.exit as u8,
        "name": failure.exit.name(),
        "message": failure.message,
    });
    if let Some(advice) = &failure.advice {
        error["advice"] = advice.as_str().into();
    }
    if let Some(err) = &failure.source {
        error["kind"] = format!("{:?}", err.kind()).into();
        error["outcome"] = format!("{:?}", err.outcome()).into();
        if let Some(api) = err.api() {
            error["status"] = api.status().as_u16().into();
            error["code"] = api.code().into();
            error["detail"] = api.detail().cloned().unwrap_or_default();
            error["request_id"] = api.request_id().into();
        }
    }
    json!({ "error": error })
}
