//! Bills: the text files of `bill/tradebill`, `bill/fundflowbill` and APIv2's `pay/downloadbill` and
//! `pay/downloadfundflow`, read row by row.
//!
//! The format looks like CSV but has no escaping: every value begins with a backtick, and a value may
//! contain commas, backticks and line breaks that a customer typed. A reader that guesses wrong
//! shifts the columns, so that an amount is taken from a wrong one. Therefore a row counts only if
//! there is exactly one way to split it into as many values as there are columns; everything else is
//! an error of that row alone.

mod error;
mod lines;
mod raw_row;
pub(crate) mod row;
mod split;
#[cfg(test)]
mod tests;

use std::{fmt, io::Read, sync::Arc};

use self::{
    error::{BillError, cause, stray},
    lines::{Line, Lines, MAX_LINE, too_long},
    raw_row::RawRow,
    row::BillRow,
    split::{RowLayout, Split, SplitError, Style},
};
use crate::error::Result;

/// How many lines that begin like rows are tried as a part of the row before them.
const MAX_LINES: usize = 16;

/// Reads a bill row by row, in constant memory.
///
/// A bill consists of a line of column names, a row for each payment, refund or movement of funds, and
/// a summary, which is a line of names and one row. This iterator returns the rows; afterwards
/// [`summary`](Self::summary) returns the summary. Bills of all types are supported, because the
/// columns are named by the first line.
///
/// Every value begins with a backtick, which is removed, or is in quotes, as the last values of a
/// coupon's use-flow file are. A comma, a backtick or a line break in the name of the goods does not
/// shift the columns: if a row cannot be split into one value per column in exactly one way, this row
/// is an error, and the next one is read. Amounts are in yuan in the bill and in fen in
/// [`BillRow::fen`].
///
/// ```
/// use wechatpay_chain::BillRows;
///
/// let bill = "\
/// 交易时间,商户订单号,商品名称,应结订单金额,退款金额
/// `2025-11-20 10:00:00,`N20251120001,`茶, 一杯,`12.30,`0.00
/// `2025-11-20 11:00:00,`N20251120002,`咖啡,`0.00,`5.00
/// 总交易单数,应结订单总金额,退款总金额
/// `2,`12.30,`5.00
/// ";
/// let mut rows = BillRows::new(bill.as_bytes())?;
/// let (mut paid, mut refunded) = (0, 0);
/// for row in &mut rows {
///     let row = row?;
///     paid += row.fen("应结订单金额")?;
///     refunded += row.fen("退款金额")?;
/// }
/// let summary = rows.summary().expect("the bill is complete");
/// assert_eq!(summary.count("总交易单数")?, 2);
/// assert_eq!(summary.fen("应结订单总金额")?, paid);
/// assert_eq!((paid, refunded), (1230, 500));
/// # Ok::<(), wechatpay_chain::Error>(())
/// ```
///
/// Official pages: "申请交易账单", "申请资金账单" and "下载账单".
pub struct BillRows<R> {
    lines: Lines<R>,
    columns: Arc<[String]>,
    layout: RowLayout,
    position: Position,
    summary: Option<BillRow>,
}

/// Where in the bill the reader is.
enum Position {
    Rows,
    AfterSummary,
    /// At the end of the file, or after an error that ended it.
    End,
}

impl<R: Read> BillRows<R> {
    /// Creates a reader for the decompressed text of a bill, from a file, a `&[u8]`, a decompressor
    /// or any other [`Read`]. Reads the line of column names. The input needs no buffering.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is empty, cannot be read, or is not a bill, for example because it
    /// is still compressed, or is the XML of an APIv2 error.
    pub fn new(reader: R) -> Result<Self> {
        Self::open(reader).map_err(|error| match error {
            BillError::Row(cause) | BillError::End(cause) => cause.not_sent(),
        })
    }

    fn open(reader: R) -> Result<Self, BillError> {
        let mut lines = Lines::new(reader);
        let Some(line) = lines.next_filled()? else {
            return Err(BillError::End(cause("the bill is empty")));
        };
        // The usual mistakes are named, because what follows would report them as a strange column.
        let wrong = match line.bytes.trim_ascii() {
            [0x1f, 0x8b, ..] => "the bill is compressed with gzip: decompress it first",
            [b'<' | b'{', ..] => {
                "expected a bill, found XML or JSON, which is probably an error of the API"
            }
            [b'`', ..] => "the bill does not begin with a line of column names",
            _ => "",
        };
        if !wrong.is_empty() {
            return Err(BillError::End(cause(wrong)));
        }
        let (columns, layout) = names(&line)?;
        Ok(Self {
            lines,
            columns,
            layout,
            position: Position::Rows,
            summary: None,
        })
    }

    /// Returns the names of the columns, in the bill's order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// Returns the summary at the end of the bill.
    ///
    /// Returns `None` before all rows have been read, after an error that ended them, and for a bill
    /// without a summary. A trade or fund-flow bill without a summary is truncated. The summary is
    /// also returned if some rows were errors, so compare its counts with the rows read.
    pub fn summary(&self) -> Option<&BillRow> {
        self.summary.as_ref()
    }

    fn read_row(&mut self) -> Result<Option<BillRow>, BillError> {
        let Some(line) = self.lines.next_filled()? else {
            return Ok(None);
        };
        if matches!(self.position, Position::AfterSummary | Position::End) {
            return Err(BillError::End(cause(format!(
                "line {} of the bill is after its summary",
                line.number
            ))));
        }
        // The summary may follow, so one absurd line does not end the bill.
        if line.too_long {
            return Err(BillError::Row(too_long(line.number)));
        }
        if line.is_row() {
            self.row(line).map(Some)
        } else {
            self.summary_or_stray(line)
        }
    }

    /// Reads the row that begins with this line.
    ///
    /// Following lines that do not begin like a row belong to it, as text in which a customer typed a
    /// line break, unless they begin the summary.
    fn row(&mut self, first: Line) -> Result<BillRow, BillError> {
        let number = first.number;
        let mut row = RawRow::of(&first);
        // Lines that complete the row are tried first, because that case is certain.
        if let Err(error) = row.split(&self.layout) {
            if let Ok(split) = self.extend(&mut row, error)? {
                return Ok(self.take(split, number));
            }
        }
        let (mut lines, mut len) = (Vec::new(), row.len());
        while let Some(line) = self.plain_line()? {
            // Checked while collecting: a bill whose rest contains no row must not be read into memory.
            len += size(&line);
            if len > MAX_LINE {
                return Err(BillError::Row(too_long(number)));
            }
            lines.push(line);
        }
        // Trailing blank lines are set aside: they are either part of a text that continues after them,
        // or nothing.
        let filled = lines.iter().rposition(|line| !line.is_blank());
        let blank = lines.split_off(filled.map_or(0, |at| at + 1));
        let last = lines.pop();
        lines.iter().for_each(|line| row.push(line));
        let mut is_last = false;
        if let Some(line) = last {
            let without = row.split(&self.layout);
            let mut whole = row.clone();
            whole.push(&line);
            // A line that completes the row belongs to it.
            let completes = without.is_err() && whole.split(&self.layout).is_ok();
            is_last = !completes && self.may_begin_summary(&line)?;
            if is_last {
                self.lines.give_back(line);
            } else {
                row = whole;
            }
        }
        let split = match row.split(&self.layout) {
            Err(error) if !is_last => {
                // Blank lines between two lines of a text belong to the text.
                blank
                    .into_iter()
                    .rev()
                    .for_each(|line| self.lines.give_back(line));
                self.extend(&mut row, error)?
            }
            split => split,
        };
        match split {
            Ok(split) => Ok(self.take(split, number)),
            Err(error) => Err(BillError::Row(row.error(number, &error, &self.layout))),
        }
    }

    fn take(&mut self, split: Split, line: u64) -> BillRow {
        // Later rows are split by the same rule. This removes most ambiguities, and a customer's text
        // cannot change it any more.
        self.layout.ticked = self.layout.ticked.or(split.ticked());
        BillRow::new(&split.values, line, &self.columns)
    }

    /// Extends an incomplete row with lines that begin with a backtick.
    ///
    /// They belong to it only if that is certain: the row ends inside quotes, or rows begin with a
    /// time and this line does not; the line is not a complete row itself; and it completes the row.
    fn extend(
        &mut self,
        row: &mut RawRow,
        error: SplitError,
    ) -> Result<Result<Split, SplitError>, BillError> {
        // Everything is tried on a copy. If no extension is certain, all lines are put back and are
        // read as rows of their own.
        let mut longer = row.clone();
        let mut taken = Vec::new();
        let (mut is_open, timed) = (error.is_open, row.begins_with_time());
        // Whether the beginning of every line so far shows that it is not a row.
        let mut by_time = timed;
        let found = loop {
            let Some(line) = self.lines.next()? else {
                break None;
            };
            let alone = RawRow::of(&line);
            // Inside quotes any line may follow. Otherwise the beginning of the line must show that it
            // is not a row, and even then a line that is complete on its own stays a row.
            let goes_on = taken.len() < MAX_LINES
                && !line.too_long
                && longer.len() + size(&line) <= MAX_LINE
                && (is_open || (by_time && !alone.begins_with_time()))
                && alone.split(&self.layout).is_err()
                && (is_open || line.is_row() || !self.may_begin_last_lines(&line)?);
            by_time &= !alone.begins_with_time();
            longer.push(&line);
            taken.push(line);
            if !goes_on {
                break None;
            }
            match longer.split(&self.layout) {
                // Without that, two truncated rows could add up to one.
                Ok(split) => {
                    break (by_time || matches!(split.style, Style::Quotes(_))).then_some(split);
                }
                // Still incomplete: whether the quotes are still open decides what may follow.
                Err(error) => is_open = error.is_open,
            }
        };
        match found {
            Some(split) => {
                *row = longer;
                Ok(Ok(split))
            }
            None => {
                while let Some(line) = taken.pop() {
                    self.lines.give_back(line);
                }
                Ok(Err(error))
            }
        }
    }

    /// Reads lines where a row should begin. The last of them may name the columns of the summary.
    fn summary_or_stray(&mut self, first: Line) -> Result<Option<BillRow>, BillError> {
        let number = first.number;
        let mut last = first;
        let mut strays = 0;
        while let Some(line) = self.plain_line()? {
            strays += size(&last);
            let is_blank = line.is_blank();
            if !is_blank {
                last = line;
            }
            if strays > MAX_LINE {
                return Err(BillError::Row(stray(number)));
            }
        }
        let begins = self.may_begin_summary(&last)?;
        // Several lines that are not rows: all but the last one are reported as one error, so that a long
        // stray text is not an error per line.
        if last.number != number {
            if begins {
                self.lines.give_back(last);
            }
            return Err(BillError::Row(stray(number)));
        }
        if !begins {
            return Err(BillError::Row(stray(number)));
        }
        let Some(values) = self.lines.next_filled()? else {
            return Err(BillError::End(cause(format!(
                "line {number} of the bill names columns, but no row follows: the bill is truncated, \
                 or its values do not begin with a backtick"
            ))));
        };
        // In a summary every value has a backtick, whatever the rows look like.
        let (columns, mut layout) = names(&last).map_err(BillError::ending)?;
        layout.ticked = Some(layout.columns);
        let number = values.number;
        let row = RawRow::of(&values);
        let split = row
            .split(&layout)
            .map_err(|error| BillError::End(row.error(number, &error, &layout)))?;
        self.summary = Some(BillRow::new(&split.values, number, &columns));
        self.position = Position::AfterSummary;
        match self.lines.next_filled()? {
            None => Ok(None),
            Some(line) => Err(BillError::End(cause(format!(
                "line {} of the bill is after its summary",
                line.number
            )))),
        }
    }

    /// Returns whether a line that does not begin like a row may name the columns of the summary.
    ///
    /// What follows decides: the end of the bill, a last line with values, or values that match these
    /// columns but not the bill's.
    fn may_begin_summary(&mut self, line: &Line) -> Result<bool, BillError> {
        // Column names never contain a backtick, unlike most stray text from a broken row.
        if line.is_blank() || line.bytes.contains(&b'`') {
            return Ok(false);
        }
        let Ok((_, named)) = names(line) else {
            return Ok(false);
        };
        let Some(values) = self.lines.peek(0) else {
            return Ok(true);
        };
        if !values.is_row() {
            return Ok(false);
        }
        let values = RawRow::of(values);
        // A customer's line break can make any text look like column names. If what follows is a normal
        // row of the bill, it probably is one, except at the very end, where the summary must be.
        let is_row = values.split(&self.layout).is_ok();
        let is_named = values.ticks() == named.columns;
        let is_end = self.ends_after_next();
        Ok(if is_end {
            is_named || !is_row
        } else {
            is_named && !is_row
        })
    }

    /// Like [`may_begin_summary`](Self::may_begin_summary), but with nothing after the summary.
    fn may_begin_last_lines(&mut self, line: &Line) -> Result<bool, BillError> {
        Ok(self.may_begin_summary(line)? && self.ends_after_next())
    }

    /// Returns whether the bill has at most one more line.
    fn ends_after_next(&mut self) -> bool {
        let mut at = 1;
        loop {
            match self.lines.peek(at) {
                None => return true,
                // Limited, because every line that is looked at is kept in memory.
                Some(line) if line.is_blank() && at <= MAX_LINES => at += 1,
                Some(_) => return false,
            }
        }
    }

    /// Returns the next line if it does not begin like a row.
    fn plain_line(&mut self) -> Result<Option<Line>, BillError> {
        match self.lines.peek(0) {
            Some(line) if line.is_plain() => self.lines.next(),
            _ => Ok(None),
        }
    }
}

/// Returns the rows, without the summary. Every error names the line. After an error of a single row
/// the next row follows; after any other error the iterator ends.
impl<R: Read> Iterator for BillRows<R> {
    type Item = Result<BillRow>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.position, Position::End) {
            return None;
        }
        match self.read_row() {
            Ok(Some(row)) => Some(Ok(row)),
            Ok(None) => {
                self.position = Position::End;
                None
            }
            Err(BillError::Row(cause)) => Some(Err(cause.not_sent())),
            Err(BillError::End(cause)) => {
                // A summary before an error is not the end of a complete bill.
                self.position = Position::End;
                self.summary = None;
                Some(Err(cause.not_sent()))
            }
        }
    }
}

impl<R: Read> std::iter::FusedIterator for BillRows<R> {}

/// Shows the columns and the current line.
impl<R: Read> fmt::Debug for BillRows<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillRows")
            .field("columns", &self.columns)
            .field("line", &self.lines.reached())
            .finish_non_exhaustive()
    }
}

/// Parses a line of column names. Returns the names and the layout of the rows below it.
fn names(line: &Line) -> Result<(Arc<[String]>, RowLayout), BillError> {
    if line.too_long {
        return Err(BillError::End(too_long(line.number)));
    }
    let text = std::str::from_utf8(line.bytes.trim_ascii()).map_err(|err| {
        let message = format!("line {} of the bill is not UTF-8", line.number);
        BillError::End(cause(message).with_source(err))
    })?;
    // Spreadsheets append commas to all lines when one of them has more columns.
    let names = text.trim_end_matches(',');
    let columns: Arc<[String]> = names.split(',').map(|n| n.trim().to_owned()).collect();
    // In bills of payments and of funds every value has a backtick, so quotes are ordinary text.
    let is_bill = matches!(
        columns.first().map(String::as_str),
        Some("交易时间" | "记账时间")
    );
    let layout = RowLayout {
        columns: columns.len(),
        commas: text.len() - names.len(),
        ticked: is_bill.then_some(columns.len()),
    };
    Ok((columns, layout))
}

/// Returns how much memory a line takes, so that empty lines are limited, too.
fn size(line: &Line) -> usize {
    line.bytes.len() + 64
}
