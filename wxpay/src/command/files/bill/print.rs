//! How the rows of a bill are printed, one after another: CSV, lines of JSON, or a table.

use std::io::{self, BufWriter, Write};

use serde_json::{Map, Value, json};
use wechatpay_chain::BillRow;

use crate::output::{Output, one_line};

/// How many rows of a day a person is shown.
const SHOWN: usize = 50;

/// The columns that a person is shown: a bill has more than a terminal is wide.
const SHOWN_COLUMNS: [&str; 16] = [
    "交易时间",
    "商户订单号",
    "交易状态",
    "应结订单金额",
    "退款金额",
    "手续费",
    "记账时间",
    "业务名称",
    "业务类型",
    "收支类型",
    "收支金额(元)",
    "账户结余(元)",
    "分账时间",
    "分账接收方",
    "金额",
    "处理状态",
];

/// What is printed of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing: the files are kept.
    Files,
    Csv,
    Lines,
    Table,
}

/// Prints the rows of all days.
pub(super) struct Printer<'o> {
    form: Form,
    output: &'o Output,
    out: BufWriter<io::Stdout>,
    /// Of the CSV's head, and of the table.
    columns: Vec<String>,
    table: Vec<Vec<String>>,
    /// How many rows the table leaves out.
    pub(super) hidden: u64,
}

impl<'o> Printer<'o> {
    pub(super) fn new(form: Form, output: &'o Output) -> Self {
        Self {
            form,
            output,
            out: BufWriter::new(io::stdout()),
            columns: Vec::new(),
            table: Vec::new(),
            hidden: 0,
        }
    }

    pub(super) fn begin(&mut self, columns: Vec<String>) -> io::Result<()> {
        match self.form {
            // One head for all days, unless a day has other columns.
            Form::Csv if self.columns != columns => {
                csv(&mut self.out, columns.iter().map(String::as_str))?;
                self.columns = columns;
            }
            Form::Table => {
                let is_shown = |name: &&String| SHOWN_COLUMNS.contains(&name.as_str());
                let shown: Vec<_> = columns.iter().filter(is_shown).cloned().collect();
                self.columns = match shown.is_empty() {
                    false => shown,
                    true => columns.into_iter().take(6).collect(),
                };
                self.hidden = 0;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn row(&mut self, date: &str, row: &BillRow) -> io::Result<()> {
        match self.form {
            Form::Files => Ok(()),
            // A customer's text must not steer the terminal.
            Form::Csv if self.output.is_for_people() => {
                let values: Vec<_> = row.iter().map(|(_, value)| one_line(value)).collect();
                csv(&mut self.out, values.iter().map(String::as_str))
            }
            Form::Csv => csv(&mut self.out, row.iter().map(|(_, value)| value)),
            Form::Lines => self.line(&json!({ "date": date, "row": object(row) })),
            Form::Table if self.table.len() == SHOWN => {
                self.hidden += 1;
                Ok(())
            }
            Form::Table => {
                let value = |name: &String| row.get(name).unwrap_or_default().to_owned();
                self.table.push(self.columns.iter().map(value).collect());
                Ok(())
            }
        }
    }

    /// Prints a line of JSON, if that is the form.
    pub(super) fn line(&mut self, value: &Value) -> io::Result<()> {
        match self.output.is_json() {
            true => writeln!(self.out, "{value}"),
            false => Ok(()),
        }
    }

    pub(super) fn end(&mut self) -> io::Result<()> {
        if !self.table.is_empty() {
            let head: Vec<_> = self.columns.iter().map(String::as_str).collect();
            self.output.table(&head, &self.table);
            self.table.clear();
        }
        self.flush()
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

pub(super) fn object(row: &BillRow) -> Map<String, Value> {
    row.iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

/// Writes a line as RFC 4180 has it, without the backticks of the bill.
fn csv<'v>(out: &mut impl Write, values: impl Iterator<Item = &'v str>) -> io::Result<()> {
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        match value.contains([',', '"', '\n', '\r']) {
            true => write!(out, "\"{}\"", value.replace('"', "\"\""))?,
            false => out.write_all(value.as_bytes())?,
        }
    }
    out.write_all(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::csv;

    #[test]
    fn values_are_quoted_where_csv_needs_it() {
        let mut out = Vec::new();
        csv(
            &mut out,
            ["a", "茶, 一杯", "\"b\"", "two\nlines", ""].into_iter(),
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "a,\"茶, 一杯\",\"\"\"b\"\"\",\"two\nlines\",\r\n"
        );
    }
}
