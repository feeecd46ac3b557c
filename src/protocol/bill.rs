//! Bills: the text files of `bill/tradebill`, `bill/fundflowbill` and APIv2's `pay/downloadbill` and
//! `pay/downloadfundflow`, row by row.

mod row;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    io::{BufRead as _, BufReader, Read},
    sync::Arc,
};

pub use self::row::BillRow;
use crate::error::{Cause, Error, Kind, Result};

/// The longest line that is read, in bytes. A row of a bill has about 500.
const MAX_LINE: usize = 64 * 1024;

/// Reads a bill row by row, in constant memory.
///
/// A bill is a line of column names, a row for each payment, refund or movement of funds, and a
/// summary: a line of names and a row of its own. This iterator gives the rows;
/// [`summary`](Self::summary) is there once they are through. It takes bills of any type: the columns
/// are those that the first line names.
///
/// Every value begins with a backtick, which is taken off, so a comma in the name of the goods does
/// not shift the columns. Where a value holds a comma and a backtick, and the columns would shift, the
/// row is an error instead. Amounts are in yuan in the bill and whole fen in [`BillRow::fen`].
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
    place: Place,
    summary: Option<BillRow>,
}

/// What may come next.
enum Place {
    Rows,
    /// The summary's names were read, in this line.
    SummaryValues(Arc<[String]>, u64),
    /// The summary is through.
    Nothing,
    /// The end of the file, or an error.
    Over,
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
        let mut lines = Lines::new(reader);
        let Some(line) = lines.next_line()? else {
            return Err(decode("the bill is empty"));
        };
        match line {
            [0x1f, 0x8b, ..] => {
                return Err(decode("the bill is compressed by gzip: unpack it first"));
            }
            [b'<' | b'{', ..] => {
                return Err(decode(
                    "this is no bill but XML or JSON, an error that the API answered with",
                ));
            }
            [b'`', ..] => {
                return Err(decode(
                    "the bill has no line of column names before its rows",
                ));
            }
            _ => {}
        }
        let columns = lines.names()?;
        Ok(Self {
            lines,
            columns,
            place: Place::Rows,
            summary: None,
        })
    }

    /// The names of the columns, in the bill's order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// The summary at the end of the bill. `None` before all rows are read, after an error, and in a
    /// bill without one: a trade or fund-flow bill without a summary was cut short.
    pub fn summary(&self) -> Option<&BillRow> {
        self.summary.as_ref()
    }

    fn read_row(&mut self) -> Result<Option<BillRow>> {
        loop {
            let Some(line) = self.lines.next_line()? else {
                if let Place::SummaryValues(_, number) = self.place {
                    return Err(decode(format!(
                        "line {number} of the bill names columns that no row follows: it was cut \
                         short, or its values do not begin with a backtick"
                    )));
                }
                return Ok(None);
            };
            let is_row = line.first() == Some(&b'`');
            match &self.place {
                Place::Rows if is_row => return self.lines.row(&self.columns).map(Some),
                Place::Rows => {
                    self.place = Place::SummaryValues(self.lines.names()?, self.lines.number);
                }
                Place::SummaryValues(names, _) if is_row => {
                    self.summary = Some(self.lines.row(names)?);
                    self.place = Place::Nothing;
                }
                Place::SummaryValues(..) => {
                    return Err(decode(format!(
                        "line {} of the bill does not begin with a backtick, and is no line of \
                         column names",
                        self.lines.number
                    )));
                }
                Place::Nothing | Place::Over => {
                    return Err(decode(format!(
                        "line {} of the bill comes after its summary",
                        self.lines.number
                    )));
                }
            }
        }
    }
}

/// The rows, without the summary. Nothing follows an error. An error names the line.
impl<R: Read> Iterator for BillRows<R> {
    type Item = Result<BillRow>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.place, Place::Over) {
            return None;
        }
        let row = self.read_row();
        if !matches!(row, Ok(Some(_))) {
            self.place = Place::Over;
        }
        if row.is_err() {
            self.summary = None;
        }
        row.transpose()
    }
}

impl<R: Read> std::iter::FusedIterator for BillRows<R> {}

/// The columns and the line reached.
impl<R> fmt::Debug for BillRows<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillRows")
            .field("columns", &self.columns)
            .field("line", &self.lines.number)
            .finish_non_exhaustive()
    }
}

/// The lines that hold something, one at a time.
struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// Of the line, from 1.
    number: u64,
}

impl<R: Read> Lines<R> {
    fn new(reader: R) -> Self {
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            number: 0,
        }
    }

    /// The next line without the space around it; `None` at the end.
    fn next_line(&mut self) -> Result<Option<&[u8]>> {
        loop {
            self.line.clear();
            self.number += 1;
            let read = (&mut self.reader)
                .take(MAX_LINE as u64 + 1)
                .read_until(b'\n', &mut self.line)
                .map_err(|err| {
                    let message = format!("line {} of the bill cannot be read", self.number);
                    Cause::new(Kind::File, message).with_source(err).not_sent()
                })?;
            if read == 0 {
                return Ok(None);
            }
            if read > MAX_LINE {
                let message = format!(
                    "line {} of the bill is longer than {MAX_LINE} bytes",
                    self.number
                );
                return Err(Cause::new(Kind::TooLarge, message).not_sent());
            }
            if self.number == 1 && self.line.starts_with("\u{feff}".as_bytes()) {
                self.line.drain(..3);
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(self.line.trim_ascii()));
            }
        }
    }

    /// The current line as names of columns.
    fn names(&self) -> Result<Arc<[String]>> {
        let names = self.text()?.trim_end_matches(',');
        Ok(names.split(',').map(|n| n.trim().to_owned()).collect())
    }

    /// The current line as values of these columns.
    fn row(&self, columns: &Arc<[String]>) -> Result<BillRow> {
        let row = BillRow::new(self.text()?, self.number, columns);
        if row.len() > columns.len() {
            return Err(decode(format!(
                "line {} of the bill has {} values for {} columns: a value may hold a comma and a \
                 backtick, so that it cannot be told which is which",
                self.number,
                row.len(),
                columns.len()
            )));
        }
        if row.len() < columns.len() && !self.line.ends_with(b"\n") {
            return Err(decode(format!(
                "the bill was cut short within line {}: {} values for {} columns",
                self.number,
                row.len(),
                columns.len()
            )));
        }
        Ok(row)
    }

    fn text(&self) -> Result<&str> {
        std::str::from_utf8(self.line.trim_ascii()).map_err(|err| {
            let message = format!("line {} of the bill is not UTF-8", self.number);
            Cause::new(Kind::Decode, message)
                .with_source(err)
                .not_sent()
        })
    }
}

fn decode(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Cause::new(Kind::Decode, message).not_sent()
}
