//! The findings, printed as they come, and all at once with `--json`.

use serde_json::{Value, json};

use crate::{
    exit::{Exit, Failure, Result},
    output::{Output, Style},
    text::{t, tf},
};

pub(super) struct Report<'a> {
    output: &'a Output,
    findings: Vec<Value>,
    errors: Vec<Exit>,
}

impl<'a> Report<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        Self {
            output,
            findings: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(super) fn ok(&mut self, check: &str, message: impl Into<String>) {
        self.add(check, "ok", message.into(), None);
    }

    pub(super) fn warning(
        &mut self,
        check: &str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, "warning", message.into(), Some(advice.into()));
    }

    pub(super) fn error(
        &mut self,
        check: &str,
        exit: Exit,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.errors.push(exit);
        self.add(check, "error", message.into(), Some(advice.into()));
    }

    /// Adds the error of a command or of the library.
    pub(super) fn failure(&mut self, check: &str, failure: Failure, advice: &str) {
        let advice = match (advice, failure.advice) {
            ("", advice) => advice.unwrap_or_default(),
            (advice, _) => advice.to_owned(),
        };
        self.error(check, failure.exit, failure.message, advice);
    }

    /// Returns whether there is an error already.
    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    fn add(&mut self, check: &str, level: &str, message: String, advice: Option<String>) {
        let advice = advice.filter(|advice| !advice.is_empty());
        if self.output.is_json() {
            self.findings.push(
                json!({ "check": check, "level": level, "message": message, "advice": advice }),
            );
            return;
        }
        let mark = match level {
            "ok" => Style::Good.paint("✓"),
            "warning" => Style::Warning.paint("!"),
            _ => Style::Error.paint("✗"),
        };
        self.output.line(format!("{mark} {message}"));
        if let Some(advice) = advice {
            self.output
                .line(format!("    {}", Style::Faint.paint(advice)));
        }
    }

    /// Ends the report: with the exit code of the first error.
    pub(super) fn finish(self) -> Result {
        let first = self.errors.first().copied();
        if self.output.is_json() {
            self.output.value(&json!({
                "ok": first.is_none(),
                "exit_code": first.map_or(0, |exit| exit as u8),
                "findings": self.findings,
            }));
        }
        let Some(exit) = first else {
            self.output.note(t("No errors.", "没有错误。"));
            return Ok(());
        };
        let count = self.errors.len();
        Err(Failure::new(
            exit,
            match count {
                1 => t("1 check failed", "1 项检查未通过").to_owned(),
                _ => tf!("{count} checks failed", "{count} 项检查未通过"),
            },
        ))
    }
}
