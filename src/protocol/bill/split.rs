//! Splitting a row into its values, if there is exactly one way to get one value per column.

/// What is known about how the rows of a bill are written.
#[derive(Clone, Debug)]
pub(super) struct RowLayout {
    pub(super) columns: usize,
    /// The number of commas after the last column name. A spreadsheet appends as many to every row.
    pub(super) commas: usize,
    /// The number of columns with a backtick; the rest is in quotes. It is known after the first row
    /// that can be split, because all rows of a file are written the same way.
    pub(super) ticked: Option<usize>,
}

/// The values of a row, and how they were separated.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) values: Vec<String>,
    pub(super) style: Style,
}

/// How the values of a row are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// All have a backtick.
    Ticks,
    /// The last ones are missing, with only their commas present.
    Filled,
    /// This many have a backtick; the others are in quotes, with quotes inside them doubled.
    Quotes(usize),
    /// The same, but with quotes inside them not doubled.
    Loose(usize),
}

/// Why a row cannot be split.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SplitError {
    /// The number of values that it seems to have.
    pub(super) found: usize,
    /// Whether it ends inside quotes.
    pub(super) is_open: bool,
}

impl RowLayout {
    /// Splits a row that begins with a backtick and has no space around it.
    ///
    /// # Errors
    /// Returns an error if there is no way to get one value per column, or more than one.
    pub(super) fn split(&self, row: &str, is_whole: bool) -> Result<Split, SplitError> {
        let text = row.trim_end_matches(',');
        let commas = row.len() - text.len();
        let ticks: Vec<usize> = text.match_indices(",`").map(|(at, _)| at).collect();
        // All ways to split the row are collected, and it counts only if there is exactly one. Taking
        // the first that works would let a customer's text decide which column an amount is in.
        let mut splits = Vec::new();
        let found = ticks.len() + 1;
        let is_possible = |ticked| self.ticked.is_none_or(|known| known == ticked);
        if found == self.columns && is_possible(found) {
            let values = ticked(text, &ticks);
            splits.push(Split {
                values,
                style: Style::Ticks,
            });
        }
        let quoted = Quoted::of(text);
        let series = quoted.series(text);
        // The quoted values begin at the first position where they can: the columns before them do
        // not contain text that a customer typed.
        let first = series
            .iter()
            .rev()
            .map(|(at, outcome)| (*at, *outcome, ticks.partition_point(|tick| tick < at)))
            .find(|(_, _, before)| is_possible(before + 1));
        if let Some((at, Series::Ends(cells), before)) = first {
            if before + 1 + cells == self.columns {
                let mut values = ticked(&text[..at], &ticks[..before]);
                values.extend(quoted.values(text, at));
                splits.push(Split {
                    values,
                    style: Style::Quotes(before + 1),
                });
            }
        }
        let is_open = matches!(
            first,
            Some((_, Series::Open(cells), before)) if before + 1 + cells <= self.columns
        );
        let filled =
            found < self.columns && is_whole && found + commas == self.columns + self.commas;
        let as_known = self
            .ticked
            .is_none_or(|known| known == found || known == self.columns);
        // A row that was saved by a spreadsheet lacks its empty values at the end. This is tried only if
        // nothing else matches and the line is complete: a truncated row looks the same.
        if splits.is_empty() && filled && as_known && !is_open {
            let mut values = ticked(text, &ticks);
            values.resize(self.columns, String::new());
            splits.push(Split {
                values,
                style: Style::Filled,
            });
        }
        // Some files do not double the quotes inside quotes, for example around JSON.
        if splits.is_empty() && !is_open {
            splits.extend(self.loose(text, &ticks));
        }
        match splits.pop() {
            Some(split) if splits.is_empty() => Ok(split),
            _ => Err(SplitError { found, is_open }),
        }
    }

    /// Splits a row with quotes inside quotes that are not doubled, if the number of `","` is exactly
    /// right.
    fn loose(&self, text: &str, ticks: &[usize]) -> Option<Split> {
        let at = text.match_indices(",\"").map(|(at, _)| at).find(|at| {
            let before = ticks.partition_point(|tick| tick < at) + 1;
            self.ticked.is_none_or(|known| known == before)
        })?;
        let before = ticks.partition_point(|tick| *tick < at);
        let inner = text.get(at + 2..)?.strip_suffix('"')?;
        let bytes = text.as_bytes().get(at + 1..)?;
        // Overlapping ones count, too: it is unknown which of them is the separator.
        let separators = bytes.windows(3).filter(|part| part == b"\",\"").count();
        let values = inner.split("\",\"").map(str::to_owned);
        let mut all = ticked(&text[..at], &ticks[..before]);
        all.extend(values);
        let exact = before + 1 + separators + 1 == self.columns && all.len() == self.columns;
        exact.then_some(Split {
            values: all,
            style: Style::Loose(before + 1),
        })
    }
}

impl Split {
    /// Returns the number of values with a backtick, if the row shows it.
    pub(super) fn ticked(&self) -> Option<usize> {
        match self.style {
            Style::Ticks => Some(self.values.len()),
            Style::Quotes(ticked) | Style::Loose(ticked) => Some(ticked),
            Style::Filled => None,
        }
    }
}

/// Returns the values with a backtick, split at these commas.
fn ticked(text: &str, ticks: &[usize]) -> Vec<String> {
    let mut values = Vec::with_capacity(ticks.len() + 1);
    let mut begin = 1;
    for at in ticks {
        values.push(text[begin..*at].to_owned());
        begin = at + 2;
    }
    values.push(text[begin..].to_owned());
    values
}

/// The positions at which quoted values may begin, with what follows each of them. Quotes inside a
/// value are doubled, so its beginning determines its end.
struct Quoted(Vec<(usize, Next)>);

#[derive(Clone, Copy)]
enum Next {
    /// The value ends at the end of the row.
    End,
    /// The value ends at this comma, and another quoted value follows.
    Comma(usize),
    /// The row ends inside the value.
    Open,
    /// Anything else follows the value.
    Broken,
}

/// How a series of quoted values ends, and its number of values.
#[derive(Clone, Copy)]
enum Series {
    Ends(usize),
    Open(usize),
    Broken,
}

impl Quoted {
    /// Finds the positions in linear time: no byte is visited by more than a few of the scans, because
    /// a value that begins later ends earlier.
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let commas = text.match_indices(",\"").map(|(at, _)| at);
        Self(commas.map(|at| (at, next(bytes, at + 2))).collect())
    }

    /// Returns how the series from each position ends, from right to left.
    fn series(&self, text: &str) -> Vec<(usize, Series)> {
        let mut series: Vec<(usize, Series)> = Vec::with_capacity(self.0.len());
        for (at, next) in self.0.iter().rev() {
            let outcome = match next {
                Next::End => Series::Ends(1),
                Next::Open => Series::Open(1),
                Next::Broken => Series::Broken,
                Next::Comma(comma) => {
                    // A value that ends at this comma continues with the series that begins there. The
                    // results so far are sorted by position in descending order.
                    let found = series.binary_search_by(|(other, _)| comma.cmp(other));
                    match found.ok().and_then(|found| series.get(found)) {
                        Some((_, Series::Ends(cells))) => Series::Ends(cells + 1),
                        Some((_, Series::Open(cells))) => Series::Open(cells + 1),
                        _ => Series::Broken,
                    }
                }
            };
            debug_assert!(text[*at..].starts_with(",\""));
            series.push((*at, outcome));
        }
        series
    }

    /// Returns the values of a series that ends at the end of the row.
    fn values(&self, text: &str, mut at: usize) -> Vec<String> {
        let mut values = Vec::new();
        loop {
            let found = self.0.binary_search_by_key(&at, |(comma, _)| *comma);
            let next = found.ok().and_then(|found| self.0.get(found));
            let end = match next {
                Some((_, Next::Comma(comma))) => *comma,
                _ => text.len(),
            };
            let value = text.get(at + 2..end - 1).unwrap_or_default();
            values.push(value.replace("\"\"", "\""));
            if end == text.len() {
                return values;
            }
            at = end;
        }
    }
}

/// Returns what follows a quoted value whose content begins at `begin`.
fn next(bytes: &[u8], begin: usize) -> Next {
    let mut at = begin;
    while let Some(byte) = bytes.get(at) {
        if *byte != b'"' {
            at += 1;
            continue;
        }
        match (bytes.get(at + 1), bytes.get(at + 2)) {
            (Some(b'"'), _) => at += 2,
            (Some(b','), Some(b'"')) => return Next::Comma(at + 1),
            (None, _) => return Next::End,
            _ => return Next::Broken,
        }
    }
    Next::Open
}
