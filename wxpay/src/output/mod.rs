//! What a command prints: colour and tables for people, JSON for programs.

mod paint;
mod safe;
mod table;

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex},
};

use anstream::AutoStream;
use clap::ColorChoice;
use serde_json::{Value, json};

use crate::{
    exit::{Failure, Result},
    text::{t, tf},
};

pub(crate) use self::{
    paint::{Style, json as painted},
    safe::plain,
    table::one_line,
};

/// Where a command prints, and how.
#[derive(Clone)]
pub(crate) struct Output {
    json: bool,
    color: anstream::ColorChoice,
    /// The first error of standard output.
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Output {
    pub(crate) fn new(json: bool, color: ColorChoice) -> Self {
        let color = match color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        Self {
            json,
            color,
            failed: Arc::default(),
        }
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
        let mut stdout = AutoStream::new(io::stdout().lock(), self.color);
        let text = safe::painted(text.as_ref());
        self.printed(writeln!(stdout, "{text}"));
    }

    /// Prints the text of others: to a program as it is, to a person without commands to the terminal.
    pub(crate) fn text(&self, text: &str) {
        match self.is_for_people() {
            true => self.line(plain(text)),
            false => self.raw(format!("{text}\n").as_bytes()),
        }
    }

    /// Prints the bytes of others: to a program as they are, to a person as text.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        match self.is_for_people() {
            true => self.raw(plain(&String::from_utf8_lossy(bytes)).as_bytes()),
            false => self.raw(bytes),
        }
    }

    fn raw(&self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        self.printed(stdout.write_all(bytes).and_then(|()| stdout.flush()));
    }

    /// Prints a JSON value: in colour on a terminal, on one line with `--json`, else indented.
    pub(crate) fn value(&self, value: &Value) {
        if self.json {
            let text = value.to_string();
            self.raw(format!("{}\n", safe::json(&text)).as_bytes());
        } else {
            self.line(safe::json(&painted(value)));
        }
    }

    fn printed(&self, printed: io::Result<()>) {
        if let Err(err) = printed {
            let mut failed = self.failed.lock().unwrap_or_else(|err| err.into_inner());
            failed.get_or_insert(err);
        }
    }

    /// Returns whether the reader of standard output is gone, as `head` after its last line.
    pub(crate) fn is_unheard(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(|err| err.into_inner());
        failed.as_ref().is_some_and(is_closed)
    }

    /// Returns an error if something could not be printed. A closed pipe, as of `head`, is not an error.
    pub(crate) fn finish(&self) -> Result {
        let failed = self.failed.lock().unwrap_or_else(|err| err.into_inner());
        match &*failed {
            Some(err) if !is_closed(err) => Err(Failure::local(tf!(
                "cannot write the output: {err}",
                "无法写入输出: {err}"
            ))),
            _ => Ok(()),
        }
    }

    /// Says something to a person, beside the output. With `--json` it stays unsaid.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            let mut stderr = AutoStream::new(io::stderr().lock(), self.color);
            let _ = writeln!(stderr, "{}", safe::painted(text.as_ref()));
        }
    }

    /// Warns. With `--json` too, as a line of JSON.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        if self.json {
            complain(&json!({ "warning": text }));
        } else {
            let label = Style::Warning.paint(t("warning:", "警告:"));
            self.note(format!("{label} {}", plain(text)));
        }
    }

    /// Reports why the command failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            complain(&described(failure));
            return;
        }
        let label = Style::Error.paint(t("error:", "错误:"));
        self.note(format!("{label} {}", plain(&failure.message)));
        if let Some(advice) = &failure.advice {
            self.note(format!("  {}", plain(advice)));
        }
    }
}

/// Prints a line of JSON on standard error. If nobody reads it, the exit code still says how the command ended.
fn complain(value: &Value) {
    let text = value.to_string();
    let _ = writeln!(io::stderr(), "{}", safe::json(&text));
}

fn is_closed(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::BrokenPipe
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
