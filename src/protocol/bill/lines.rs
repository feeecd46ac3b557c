//! The lines of a bill, with lookahead.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read},
};

use super::error::BillError;
use crate::error::{Cause, ErrorKind};

/// The longest accepted line, and the longest row of several lines, in bytes. A typical row has 500.
pub(super) const MAX_LINE: usize = 64 * 1024;
/// How many bytes are skipped to find the next usable line, before the bill is given up. An endless
/// input must not keep the reader busy forever.
const MAX_SKIPPED: usize = 16 * MAX_LINE;

/// One line, including its line break.
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    /// The line's number, from 1.
    pub(super) number: u64,
    /// Whether the line exceeds [`MAX_LINE`]. Its bytes are discarded.
    pub(super) too_long: bool,
    /// Whether this is not a line but the position of [`Lines::error`].
    is_error: bool,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        !self.too_long && !self.is_error && self.bytes.trim_ascii().is_empty()
    }

    /// Returns whether the line begins like a row.
    pub(super) fn is_row(&self) -> bool {
        self.bytes.trim_ascii_start().first() == Some(&b'`')
    }

    /// Returns whether the line can only continue a row that began before it.
    pub(super) fn is_plain(&self) -> bool {
        !self.too_long && !self.is_error && !self.is_row()
    }
}

/// Returns the error of a line, or of a row of several lines, that exceeds [`MAX_LINE`].
pub(super) fn too_long(line: u64) -> Cause {
    let message = format!("line {line} of the bill is longer than {MAX_LINE} bytes");
    Cause::new(ErrorKind::TooLarge, message)
}

/// The lines of a reader.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    ahead: VecDeque<Line>,
    /// An error found while looking ahead, which is returned after the lines before it.
    error: Option<BillError>,
    /// The number of the last line that was read.
    number: u64,
    /// Whether the rest of a line that is too long still has to be skipped.
    in_long_line: bool,
    at_end: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader: BufReader::new(reader),
            ahead: VecDeque::new(),
            error: None,
            number: 0,
            in_long_line: false,
            at_end: false,
        }
    }

    /// Returns the next line, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, BillError> {
        match self.ahead.pop_front() {
            Some(line) if line.is_error => self.error.take().map_or(Ok(None), Err),
            Some(line) => Ok(Some(line)),
            None => self.read(),
        }
    }

    /// Returns the next line that is not blank.
    pub(super) fn next_filled(&mut self) -> Result<Option<Line>, BillError> {
        let mut skipped = 0;
        while let Some(line) = self.next()? {
            if !line.is_blank() {
                return Ok(Some(line));
            }
            skipped += line.bytes.len();
            if skipped > MAX_SKIPPED {
                return Err(BillError::End(self.endless("of blank lines")));
            }
        }
        Ok(None)
    }

    /// Returns a line ahead without consuming it; 0 is the next one.
    pub(super) fn peek(&mut self, at: usize) -> Option<&Line> {
        while self.ahead.len() <= at {
            match self.read() {
                Ok(Some(line)) => self.ahead.push_back(line),
                Ok(None) => return None,
                // The error takes a place in the queue: the lines before it are still good rows.
                Err(error) => {
                    self.error = Some(error);
                    self.ahead.push_back(Line {
                        bytes: Vec::new(),
                        number: self.number,
                        too_long: false,
                        is_error: true,
                    });
                }
            }
        }
        self.ahead.get(at)
    }

    /// Puts a line back, so that it is the next one.
    pub(super) fn give_back(&mut self, line: Line) {
        self.ahead.push_front(line);
    }

    /// Returns the number of the last line that was read, including lookahead.
    pub(super) fn reached(&self) -> u64 {
        self.number
    }

    fn read(&mut self) -> Result<Option<Line>, BillError> {
        if self.at_end {
            return Ok(None);
        }
        self.skip_long_line()?;
        self.number += 1;
        // One byte more than allowed, to see that the line is too long without reading it all.
        let mut bytes = Vec::new();
        let read = (&mut self.reader)
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut bytes)
            .map_err(|err| self.unreadable(err))?;
        if read == 0 {
            self.at_end = true;
            return Ok(None);
        }
        // Bills begin with a byte order mark, which is not part of the first column's name.
        if self.number == 1 && bytes.starts_with("\u{feff}".as_bytes()) {
            bytes.drain(..3);
        }
        let too_long = read > MAX_LINE;
        if too_long {
            self.in_long_line = bytes.last() != Some(&b'\n');
            bytes = Vec::new();
        }
        Ok(Some(Line {
            bytes,
            number: self.number,
            too_long,
            is_error: false,
        }))
    }

    /// Skips the rest of a line that is too long.
    fn skip_long_line(&mut self) -> Result<(), BillError> {
        let mut skipped = 0;
        while std::mem::take(&mut self.in_long_line) {
            let mut part = Vec::new();
            let read = (&mut self.reader)
                .take(MAX_LINE as u64)
                .read_until(b'\n', &mut part)
                .map_err(|err| self.unreadable(err))?;
            skipped += read;
            if skipped > MAX_SKIPPED {
                return Err(BillError::End(self.endless("without a line break")));
            }
            self.in_long_line = read > 0 && part.last() != Some(&b'\n');
        }
        Ok(())
    }

    fn endless(&mut self, what: &str) -> Cause {
        self.at_end = true;
        let message = format!(
            "the bill has more than {MAX_SKIPPED} bytes {what}, up to line {}",
            self.number
        );
        Cause::new(ErrorKind::TooLarge, message)
    }

    fn unreadable(&mut self, err: std::io::Error) -> BillError {
        self.at_end = true;
        let message = format!("cannot read line {} of the bill", self.number.max(1));
        BillError::End(Cause::new(ErrorKind::File, message).with_source(err))
    }
}
