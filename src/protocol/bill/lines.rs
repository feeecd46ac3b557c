//! The lines of a bill, with a few of them known ahead.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read},
};

use super::Flaw;
use crate::error::{Cause, Kind};

/// The longest line, and the longest row of several lines, in bytes. A row of a bill has about
/// 500.
pub(super) const MAX_LINE: usize = 64 * 1024;
/// How much is passed over in search of the next line that says something.
const MAX_SKIPPED: usize = 16 * MAX_LINE;

/// One line as it stands, with its line break.
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    /// From 1.
    pub(super) number: u64,
    /// It is not kept.
    pub(super) too_long: bool,
    /// There is none, but a fault in its place.
    is_fault: bool,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        !self.too_long && !self.is_fault && self.bytes.trim_ascii().is_empty()
    }

    /// Whether it begins as rows do.
    pub(super) fn is_row(&self) -> bool {
        self.bytes.trim_ascii_start().first() == Some(&b'`')
    }

    /// Whether it can be a part of a row that began before it, and no row itself.
    pub(super) fn is_plain(&self) -> bool {
        !self.too_long && !self.is_fault && !self.is_row()
    }
}

pub(super) struct Lines<R> {
    reader: BufReader<R>,
    ahead: VecDeque<Line>,
    /// Found ahead, and told once the lines before it are through.
    fault: Option<Flaw>,
    /// Of the last line that was read.
    number: u64,
    /// The rest of the line that was too long is still to be passed over.
    in_long_line: bool,
    is_over: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader: BufReader::new(reader),
            ahead: VecDeque::new(),
            fault: None,
            number: 0,
            in_long_line: false,
            is_over: false,
        }
    }

    /// The next line, none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Flaw> {
        match self.ahead.pop_front() {
            Some(line) if line.is_fault => self.fault.take().map_or(Ok(None), Err),
            Some(line) => Ok(Some(line)),
            None => self.read(),
        }
    }

    /// The next line that is not blank.
    pub(super) fn next_filled(&mut self) -> Result<Option<Line>, Flaw> {
        let mut skipped = 0;
        while let Some(line) = self.next()? {
            if !line.is_blank() {
                return Ok(Some(line));
            }
            skipped += line.bytes.len();
            if skipped > MAX_SKIPPED {
                return Err(Flaw::End(self.endless("of blank lines")));
            }
        }
        Ok(None)
    }

    /// A line further on: 0 is the next one.
    pub(super) fn peek(&mut self, at: usize) -> Option<&Line> {
        while self.ahead.len() <= at {
            match self.read() {
                Ok(Some(line)) => self.ahead.push_back(line),
                Ok(None) => return None,
                Err(fault) => {
                    self.fault = Some(fault);
                    self.ahead.push_back(Line {
                        bytes: Vec::new(),
                        number: self.number,
                        too_long: false,
                        is_fault: true,
                    });
                }
            }
        }
        self.ahead.get(at)
    }

    /// Gives a line back, to be the next one.
    pub(super) fn give_back(&mut self, line: Line) {
        self.ahead.push_front(line);
    }

    /// Of the last line that was read, which may be ahead of the last one that was given.
    pub(super) fn reached(&self) -> u64 {
        self.number
    }

    fn read(&mut self) -> Result<Option<Line>, Flaw> {
        if self.is_over {
            return Ok(None);
        }
        self.pass_over()?;
        self.number += 1;
        let mut bytes = Vec::new();
        let read = (&mut self.reader)
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut bytes)
            .map_err(|err| self.unreadable(err))?;
        if read == 0 {
            self.is_over = true;
            return Ok(None);
        }
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
            is_fault: false,
        }))
    }

    /// Goes to the end of a line that was too long. An endless one is given up.
    fn pass_over(&mut self) -> Result<(), Flaw> {
        let mut skipped = 0;
        while std::mem::take(&mut self.in_long_line) {
            let mut part = Vec::new();
            let read = (&mut self.reader)
                .take(MAX_LINE as u64)
                .read_until(b'\n', &mut part)
                .map_err(|err| self.unreadable(err))?;
            skipped += read;
            if skipped > MAX_SKIPPED {
                return Err(Flaw::End(self.endless("without a line break")));
            }
            self.in_long_line = read > 0 && part.last() != Some(&b'\n');
        }
        Ok(())
    }

    fn endless(&mut self, what: &str) -> Cause {
        self.is_over = true;
        let message = format!(
            "the bill has more than {MAX_SKIPPED} bytes {what}, up to line {}",
            self.number
        );
        Cause::new(Kind::TooLarge, message)
    }

    fn unreadable(&mut self, err: std::io::Error) -> Flaw {
        self.is_over = true;
        let message = format!("line {} of the bill cannot be read", self.number.max(1));
        Flaw::End(Cause::new(Kind::File, message).with_source(err))
    }
}
