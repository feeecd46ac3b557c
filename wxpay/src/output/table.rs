//! Tables: drawn on a terminal, lines of values between tabs elsewhere.

use comfy_table::{ContentArrangement, Table};

use super::Output;

/// In the form of comfy-table's presets: a line below the head, and no other.
const PRESET: &str = "     ──            ";

impl Output {
    /// Prints a table. On a terminal it has a head and fits the width; elsewhere each row is a line of
    /// values between tabs, without a head, for `cut` and `awk`.
    pub(crate) fn table(&self, head: &[&str], rows: &[Vec<String>]) {
        if !self.is_for_people() {
            for row in rows {
                let values: Vec<_> = row.iter().map(|value| one_line(value)).collect();
                self.line(values.join("\t"));
            }
            return;
        }
        let width = terminal_size::terminal_size().map(|(width, _)| width.0);
        self.line(drawn(head, rows, width));
    }
}

fn drawn(head: &[&str], rows: &[Vec<String>], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_preset(PRESET);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    table.set_header(head);
    for row in rows {
        table.add_row(row.iter().map(|value| one_line(value)));
    }
    table.trim_fmt()
}

/// Returns a value without tabs, line breaks and other control characters. A customer's text may have them.
pub(crate) fn one_line(value: &str) -> String {
    value.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_places() {
        let rows = [
            vec!["茶, 一杯".to_owned(), "1.00".to_owned()],
            vec!["tea\n".to_owned(), "12.00".to_owned()],
        ];
        let table = drawn(&["商品", "金额"], &rows, None);
        assert!(table.contains(" 茶, 一杯   1.00"), "{table}");
        assert!(table.contains(" tea        12.00"), "{table}");
    }

    #[test]
    fn table_fits_the_terminal() {
        let rows = [vec!["long words in a row ".repeat(10)]];
        for line in drawn(&["text"], &rows, Some(40)).lines() {
            assert!(line.chars().count() <= 40, "{line}");
        }
    }
}
