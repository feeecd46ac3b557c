//! Bills: the text files of `bill/tradebill`, `bill/fundflowbill` and APIv2's `pay/downloadbill` and
//! `pay/downloadfundflow`, row by row.

mod lines;
pub(crate) mod row;
mod split;
#[cfg(test)]
mod tests;

use std::{fmt, io::Read, sync::Arc};

use self::{
    lines::{Line, Lines, MAX_LINE},
    row::BillRow,
    split::{Misfit, Shape, Split, Way},
};
use crate::error::{Cause, Error, Kind, Result};

/// How many lines that begin as rows may yet belong to the row before them.
const MAX_LINES: usize = 16;

/// Reads a bill row by row, in constant memory.
///
/// A bill is a line of column names, a row for each payment, refund or movement of funds, and a
/// summary: a line of names and a row of its own. This iterator gives the rows;
/// [`summary`](Self::summary) is there once they are through. It takes bills of any type: the columns
/// are those that the first line names.
///
/// Every value begins with a backtick, which is taken off, or stands in quotes, as the last ones of
/// a coupon's use-flow file do. So a comma, a backtick or a line break in the name of the goods does
/// not shift the columns. A row always has a value for each column: where its text can be split into
/// so many in no way, or in more than one, that row alone is an error, and the next one is read.
/// Amounts are in yuan in the bill and whole fen in [`BillRow::fen`].
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
/// let summary = rows.summary().expect("a bill that ends where it should");
/// assert_eq!(summary.count("总交易单数")?, 2);
/// assert_eq!(summary.fen("应结订单总金额")?, paid);
/// assert_eq!((paid, refunded), (1230, 500));
/// # Ok::<(), wechatpay_chain::Error>(())
/// ```
pub struct BillRows<R> {
    lines: Lines<R>,
    columns: Arc<[String]>,
    shape: Shape,
    place: Place,
    summary: Option<BillRow>,
}

/// What may come next.
enum Place {
    Rows,
    /// The summary is through.
    Nothing,
    /// The end of the file, or an error that ends it.
    Over,
}

/// What is wrong with a bill.
enum Flaw {
    /// This row alone.
    Row(Cause),
    /// Nothing can be read after it.
    End(Cause),
}

impl<R: Read> BillRows<R> {
    /// Takes the text of a bill, unpacked, from anything that can be read: a file, `&[u8]`, a
    /// decompressor. Reads the line of column names; buffers by itself.
    ///
    /// # Errors
    ///
    /// If the text is empty or cannot be read, or is no bill: still compressed, or APIv2's XML, in
    /// which it answers with an error.
    pub fn new(reader: R) -> Result<Self> {
        Self::open(reader).map_err(|flaw| match flaw {
            Flaw::Row(cause) | Flaw::End(cause) => cause.not_sent(),
        })
    }

    fn open(reader: R) -> Result<Self, Flaw> {
        let mut lines = Lines::new(reader);
        let Some(line) = lines.next_filled()? else {
            return Err(Flaw::End(cause("the bill is empty")));
        };
        let wrong = match line.bytes.trim_ascii() {
            [0x1f, 0x8b, ..] => "the bill is compressed by gzip: unpack it first",
            [b'<' | b'{', ..] => {
                "this is no bill but XML or JSON, an error that the API answered with"
            }
            [b'`', ..] => "the bill has no line of column names before its rows",
            _ => "",
        };
        if !wrong.is_empty() {
            return Err(Flaw::End(cause(wrong)));
        }
        let (columns, shape) = names(&line)?;
        Ok(Self {
            lines,
            columns,
            shape,
            place: Place::Rows,
            summary: None,
        })
    }

    /// The names of the columns, in the bill's order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// The summary at the end of the bill. `None` before all rows are read, after an error that
    /// ended them, and in a bill without one: a trade or fund-flow bill without a summary was cut
    /// short. It is there after rows that were errors, too, so count what was read.
    pub fn summary(&self) -> Option<&BillRow> {
        self.summary.as_ref()
    }

    fn read_row(&mut self) -> Result<Option<BillRow>, Flaw> {
        let Some(line) = self.lines.next_filled()? else {
            return Ok(None);
        };
        if matches!(self.place, Place::Nothing | Place::Over) {
            return Err(Flaw::End(cause(format!(
                "line {} of the bill comes after its summary",
                line.number
            ))));
        }
        if line.too_long {
            return Err(Flaw::Row(too_long(line.number)));
        }
        if line.is_row() {
            self.row(line).map(Some)
        } else {
            self.summary_or_stray(line)
        }
    }

    /// A row that begins with this line. Lines that do not begin as rows belong to it, as text that
    /// its customer broke, unless they begin the summary.
    fn row(&mut self, first: Line) -> Result<BillRow, Flaw> {
        let number = first.number;
        let mut row = Row::of(&first);
        // What completes a row that broke off is certain: before anything is made of its lines.
        if let Err(misfit) = row.split(&self.shape) {
            if let Ok(split) = self.extend(&mut row, misfit)? {
                return Ok(self.take(split, number));
            }
        }
        let (mut lines, mut len) = (Vec::new(), row.len());
        while let Some(line) = self.plain_line()? {
            len += size(&line);
            if len > MAX_LINE {
                return Err(Flaw::Row(too_long(number)));
            }
            lines.push(line);
        }
        let filled = lines.iter().rposition(|line| !line.is_blank());
        let blank = lines.split_off(filled.map_or(0, |at| at + 1));
        let last = lines.pop();
        lines.iter().for_each(|line| row.push(line));
        let mut is_last = false;
        if let Some(line) = last {
            let without = row.split(&self.shape);
            let mut whole = row.clone();
            whole.push(&line);
            // What completes a row is a part of it.
            let completes = without.is_err() && whole.split(&self.shape).is_ok();
            is_last = !completes && self.may_begin_summary(&line)?;
            if is_last {
                self.lines.give_back(line);
            } else {
                row = whole;
            }
        }
        let split = match row.split(&self.shape) {
            Err(misfit) if !is_last => {
                // Between the lines of a text they are a part of it.
                blank
                    .into_iter()
                    .rev()
                    .for_each(|line| self.lines.give_back(line));
                self.extend(&mut row, misfit)?
            }
            split => split,
        };
        match split {
            Ok(split) => Ok(self.take(split, number)),
            Err(misfit) => Err(Flaw::Row(row.fault(number, &misfit, &self.shape))),
        }
    }

    fn take(&mut self, split: Split, line: u64) -> BillRow {
        self.shape.ticked = self.shape.ticked.or(split.ticked());
        BillRow::new(&split.values, line, &self.columns)
    }

    /// Lines that begin with a backtick belong to the row before them only where that is certain:
    /// the row broke off inside of quotes, or rows begin with a time and this line does not; it is
    /// no row by itself; and with it the row is complete.
    fn extend(&mut self, row: &mut Row, misfit: Misfit) -> Result<Result<Split, Misfit>, Flaw> {
        let mut longer = row.clone();
        let mut taken = Vec::new();
        let (mut is_open, timed) = (misfit.is_open, row.begins_with_time());
        // Whether no line so far can be a row, by its beginning.
        let mut by_time = timed;
        let found = loop {
            let Some(line) = self.lines.next()? else {
                break None;
            };
            let alone = Row::of(&line);
            let goes_on = taken.len() < MAX_LINES
                && !line.too_long
                && longer.len() + size(&line) <= MAX_LINE
                && (is_open || (by_time && !alone.begins_with_time()))
                && alone.split(&self.shape).is_err()
                && (is_open || line.is_row() || !self.may_begin_last_lines(&line)?);
            by_time &= !alone.begins_with_time();
            longer.push(&line);
            taken.push(line);
            if !goes_on {
                break None;
            }
            match longer.split(&self.shape) {
                // Two short rows have as many values as a long one.
                Ok(split) => {
                    break (by_time || matches!(split.way, Way::Quotes(_))).then_some(split);
                }
                Err(misfit) => is_open = misfit.is_open,
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
                Ok(Err(misfit))
            }
        }
    }

    /// Lines where a row should begin: the last one may name the columns of the summary.
    fn summary_or_stray(&mut self, first: Line) -> Result<Option<BillRow>, Flaw> {
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
                return Err(Flaw::Row(stray(number)));
            }
        }
        let begins = self.may_begin_summary(&last)?;
        if last.number != number {
            if begins {
                self.lines.give_back(last);
            }
            return Err(Flaw::Row(stray(number)));
        }
        if !begins {
            return Err(Flaw::Row(stray(number)));
        }
        let Some(values) = self.lines.next_filled()? else {
            return Err(Flaw::End(cause(format!(
                "line {number} of the bill names columns that no row follows: it was cut short, or \
                 its values do not begin with a backtick"
            ))));
        };
        let (columns, mut shape) = names(&last).map_err(Flaw::ending)?;
        shape.ticked = Some(shape.columns);
        let number = values.number;
        let row = Row::of(&values);
        let split = row
            .split(&shape)
            .map_err(|misfit| Flaw::End(row.fault(number, &misfit, &shape)))?;
        self.summary = Some(BillRow::new(&split.values, number, &columns));
        self.place = Place::Nothing;
        match self.lines.next_filled()? {
            None => Ok(None),
            Some(line) => Err(Flaw::End(cause(format!(
                "line {} of the bill comes after its summary",
                line.number
            )))),
        }
    }

    /// Whether a line that does not begin as a row may name the columns of the summary, by what
    /// follows it: the end of the bill, its values as the last line, or values that fit it and no
    /// row of the bill.
    fn may_begin_summary(&mut self, line: &Line) -> Result<bool, Flaw> {
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
        let values = Row::of(values);
        let is_row = values.split(&self.shape).is_ok();
        let is_named = values.ticks() == named.columns;
        let is_end = self.ends_after_next();
        Ok(if is_end {
            is_named || !is_row
        } else {
            is_named && !is_row
        })
    }

    /// As [`may_begin_summary`](Self::may_begin_summary), with nothing after the summary.
    fn may_begin_last_lines(&mut self, line: &Line) -> Result<bool, Flaw> {
        Ok(self.may_begin_summary(line)? && self.ends_after_next())
    }

    /// Whether the bill has one line more at most.
    fn ends_after_next(&mut self) -> bool {
        let mut at = 1;
        loop {
            match self.lines.peek(at) {
                None => return true,
                Some(line) if line.is_blank() && at <= MAX_LINES => at += 1,
                Some(_) => return false,
            }
        }
    }

    /// The next line, if it does not begin as a row.
    fn plain_line(&mut self) -> Result<Option<Line>, Flaw> {
        match self.lines.peek(0) {
            Some(line) if line.is_plain() => self.lines.next(),
            _ => Ok(None),
        }
    }
}

/// The rows, without the summary. An error names the line. Where a row alone is wrong, the next one
/// follows; nothing follows an error of reading, or of what is no bill any more.
impl<R: Read> Iterator for BillRows<R> {
    type Item = Result<BillRow>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.place, Place::Over) {
            return None;
        }
        match self.read_row() {
            Ok(Some(row)) => Some(Ok(row)),
            Ok(None) => {
                self.place = Place::Over;
                None
            }
            Err(Flaw::Row(cause)) => Some(Err(cause.not_sent())),
            Err(Flaw::End(cause)) => {
                self.place = Place::Over;
                self.summary = None;
                Some(Err(cause.not_sent()))
            }
        }
    }
}

impl<R: Read> std::iter::FusedIterator for BillRows<R> {}

/// The columns and the line reached.
impl<R: Read> fmt::Debug for BillRows<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillRows")
            .field("columns", &self.columns)
            .field("line", &self.lines.reached())
            .finish_non_exhaustive()
    }
}

impl Flaw {
    fn ending(self) -> Self {
        match self {
            Self::Row(cause) | Self::End(cause) => Self::End(cause),
        }
    }
}

/// A row whose values are still to be told apart, of one line or several.
#[derive(Clone)]
struct Row(Vec<u8>);

impl Row {
    fn of(line: &Line) -> Self {
        Self(line.bytes.clone())
    }

    fn push(&mut self, line: &Line) {
        self.0.extend_from_slice(&line.bytes);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.0.trim_ascii()).ok()
    }

    fn split(&self, shape: &Shape) -> Result<Split, Misfit> {
        let none = Misfit {
            found: 0,
            is_open: false,
        };
        let text = self
            .text()
            .filter(|text| text.starts_with('`'))
            .ok_or(none)?;
        shape.split(text, self.is_whole())
    }

    /// Whether its last line has an end: one that has none may have been cut.
    fn is_whole(&self) -> bool {
        self.0.ends_with(b"\n")
    }

    /// How many values are led by a backtick.
    fn ticks(&self) -> usize {
        self.0.windows(2).filter(|pair| pair == b",`").count() + 1
    }

    /// Whether it begins with a date, as rows of payments do.
    fn begins_with_time(&self) -> bool {
        let date = self.0.trim_ascii_start().get(..11).unwrap_or_default();
        date.len() == 11
            && date
                .iter()
                .zip(b"`0000-00-00")
                .all(|(byte, due)| match due {
                    b'0' => byte.is_ascii_digit(),
                    due => byte == due,
                })
    }

    fn fault(&self, line: u64, misfit: &Misfit, shape: &Shape) -> Cause {
        let (found, columns) = (misfit.found, shape.columns);
        if let Err(err) = std::str::from_utf8(&self.0) {
            return cause(format!("line {line} of the bill is not UTF-8")).with_source(err);
        }
        if found < columns && !self.is_whole() {
            return cause(format!(
                "the bill was cut short within line {line}: {found} values for {columns} columns"
            ));
        }
        cause(format!(
            "line {line} of the bill has {found} values for {columns} columns: a value may hold a \
             comma and a backtick, or be missing, so that it cannot be told which is which"
        ))
    }
}

/// A line as names of columns, and how rows under it are written.
fn names(line: &Line) -> Result<(Arc<[String]>, Shape), Flaw> {
    if line.too_long {
        return Err(Flaw::End(too_long(line.number)));
    }
    let text = std::str::from_utf8(line.bytes.trim_ascii()).map_err(|err| {
        let message = format!("line {} of the bill is not UTF-8", line.number);
        Flaw::End(cause(message).with_source(err))
    })?;
    let names = text.trim_end_matches(',');
    let columns: Arc<[String]> = names.split(',').map(|n| n.trim().to_owned()).collect();
    // Bills of payments and of funds have a backtick before every value.
    let is_bill = matches!(
        columns.first().map(String::as_str),
        Some("交易时间" | "记账时间")
    );
    let shape = Shape {
        columns: columns.len(),
        commas: text.len() - names.len(),
        ticked: is_bill.then_some(columns.len()),
    };
    Ok((columns, shape))
}

fn size(line: &Line) -> usize {
    // What a line costs besides its bytes.
    line.bytes.len() + 64
}

fn too_long(line: u64) -> Cause {
    let message = format!("line {line} of the bill is longer than {MAX_LINE} bytes");
    Cause::new(Kind::TooLarge, message)
}

fn stray(line: u64) -> Cause {
    cause(format!(
        "line {line} of the bill does not begin with a backtick, and is no line of column names"
    ))
}

fn cause(message: impl Into<std::borrow::Cow<'static, str>>) -> Cause {
    Cause::new(Kind::Decode, message)
}

fn decode(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    cause(message).not_sent()
}
