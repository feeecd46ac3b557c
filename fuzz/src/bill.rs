//! Reads bills.

use std::io::Read;

use wechatpay_chain::{BillRow, BillRows, Error, Result};

use crate::{check_error, draw::Draw};

/// Reads any text as a bill, whole and byte by byte. Then writes a bill of values that are drawn, and
/// reads them back.
pub fn bill(data: &[u8]) {
    let whole = read(data);
    assert_eq!(whole, read(OneByOne(data)));
    table(&mut Draw::new(data));
}

/// The values of each row and of the summary, and the errors between them.
#[derive(Debug, Default, PartialEq)]
struct Found {
    rows: Vec<Vec<String>>,
    summary: Option<Vec<String>>,
    errors: Vec<String>,
}

fn read(bill: impl Read) -> Found {
    let mut found = Found::default();
    let mut note = |err: Error| {
        check_error(&err);
        found.errors.push(err.to_string());
    };
    let mut rows = match BillRows::new(bill) {
        Ok(rows) => rows,
        Err(err) => {
            note(err);
            return found;
        }
    };
    let columns = rows.columns().count();
    let mut read = Vec::new();
    let mut line = 1;
    for row in &mut rows {
        match row {
            Ok(row) => {
                assert!(row.line() > line);
                line = row.line();
                read.push(values(&row));
            }
            Err(err) => note(err),
        }
    }
    assert!(rows.next().is_none());
    found.rows = read;
    found.summary = rows.summary().map(values);
    assert!(found.rows.iter().all(|row| row.len() == columns));
    found
}

fn values(row: &BillRow) -> Vec<String> {
    let values: Vec<_> = row.iter().map(|(_, value)| value.to_owned()).collect();
    assert_eq!(values.len(), row.len());
    // Looking a column up by its name takes longer the more columns there are.
    for (name, value) in row.iter().take(64) {
        let value = row.get(name).unwrap_or(value);
        check_number(row.fen(name), value, 2);
        check_number(
            row.count(name).map(|count| i128::from(count) as i64),
            value,
            0,
        );
    }
    values
}

/// A number is read exactly as it is written, to the last digit.
fn check_number(read: Result<i64>, value: &str, places: usize) {
    let number = match read {
        Ok(number) => number,
        Err(err) => return check_error(&err),
    };
    let value = value.trim();
    let digits = value.trim_start_matches(['-', '+']);
    assert!(value.len() - digits.len() <= 1);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let written = format!("{whole}{fraction}");
    let written = written.trim_start_matches('0');
    let zeros = 10_i128.pow(fraction.len().saturating_sub(places).min(30) as u32);
    let missing = 10_i128.pow(places.saturating_sub(fraction.len()) as u32);
    if written.len() <= 30 && fraction.len() <= 30 {
        let written: i128 = format!("0{written}").parse().expect("digits");
        let sign = if value.starts_with('-') { -1 } else { 1 };
        assert_eq!(
            i128::from(number) * zeros,
            sign * written * missing,
            "{value}"
        );
    }
}

fn table(draw: &mut Draw<'_>) {
    let columns = usize::from(draw.byte() % 8) + 1;
    let mut rows: Vec<Vec<String>> = Vec::new();
    while !draw.is_empty() {
        rows.push((0..columns).map(|_| draw.text()).collect());
    }
    // A bill cannot hold other values, or holds them in another way.
    let fits = |value: &String| !value.contains(['\n', '`', ',']) && value.trim_ascii() == value;
    rows.retain(|row| row.iter().all(fits));
    let names: Vec<_> = (0..columns).map(|column| format!("c{column}")).collect();
    let line = |row: &Vec<String>| format!("`{}\r\n", row.join(",`"));
    let mut text = format!("\u{feff}{}\r\n", names.join(","));
    text.extend(rows.iter().map(line));
    if text.len() > 60_000 {
        return;
    }
    let names: Vec<_> = names.iter().map(|name| format!("sum {name}")).collect();
    text.push_str(&format!(
        "{}\n`{}\n",
        names.join(","),
        vec!["1.00"; columns].join(",`")
    ));
    let found = read(text.as_bytes());
    assert_eq!(found.errors, [""; 0]);
    assert_eq!(found.rows, rows);
    assert_eq!(found.summary, Some(vec!["1.00".to_owned(); columns]));
}

/// Gives one byte at a time.
struct OneByOne<'d>(&'d [u8]);

impl Read for OneByOne<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}
