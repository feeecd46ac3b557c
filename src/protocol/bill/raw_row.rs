//! The text of a row before it is split.

use super::{
    error::cause,
    lines::Line,
    split::{RowLayout, Split, SplitError},
};
use crate::error::Cause;

/// The text of a row that is not split yet: one line or several.
#[derive(Clone)]
pub(super) struct RawRow(Vec<u8>);

impl RawRow {
    pub(super) fn of(line: &Line) -> Self {
        Self(line.bytes.clone())
    }

    pub(super) fn push(&mut self, line: &Line) {
        self.0.extend_from_slice(&line.bytes);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.0.trim_ascii()).ok()
    }

    pub(super) fn split(&self, layout: &RowLayout) -> Result<Split, SplitError> {
        let not_a_row = SplitError {
            found: 0,
            is_open: false,
        };
        let text = self
            .text()
            .filter(|text| text.starts_with('`'))
            .ok_or(not_a_row)?;
        layout.split(text, self.is_whole())
    }

    /// Returns whether its last line has a line break. Without one, it may be truncated.
    fn is_whole(&self) -> bool {
        self.0.ends_with(b"\n")
    }

    /// Returns how many values begin with a backtick.
    pub(super) fn ticks(&self) -> usize {
        self.0.windows(2).filter(|pair| pair == b",`").count() + 1
    }

    /// Returns whether it begins with a date, as rows of payments do.
    pub(super) fn begins_with_time(&self) -> bool {
        let date = self.0.trim_ascii_start().get(..11).unwrap_or_default();
        date.len() == 11
            && date
                .iter()
                .zip(b"`0000-00-00")
                .all(|(byte, expected)| match expected {
                    b'0' => byte.is_ascii_digit(),
                    expected => byte == expected,
                })
    }

    pub(super) fn error(&self, line: u64, error: &SplitError, layout: &RowLayout) -> Cause {
        let (found, columns) = (error.found, layout.columns);
        if let Err(err) = std::str::from_utf8(&self.0) {
            return cause(format!("line {line} of the bill is not UTF-8")).with_source(err);
        }
        // A short last line without a line break is the sign of an interrupted download.
        if found < columns && !self.is_whole() {
            return cause(format!(
                "the bill is truncated in line {line}: {found} values for {columns} columns"
            ));
        }
        cause(format!(
            "line {line} of the bill has {found} values for {columns} columns: a value may contain a \
             comma and a backtick, or be missing, so the columns are ambiguous"
        ))
    }
}
