//! One row, split into its values: the one way in which it has as many as there are columns.

/// How the rows of a bill are written, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) columns: usize,
    /// How many commas follow the last name of a column. A spreadsheet puts as many after a row.
    pub(super) commas: usize,
    /// How many columns are led by a backtick; the rest is in quotes. Known from the first row that
    /// can be split, since all rows of a file are written alike.
    pub(super) ticked: Option<usize>,
}

/// The values of a row, and how they were told apart.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) values: Vec<String>,
    pub(super) way: Way,
}

/// How the values of a row were told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// All are led by a backtick.
    Ticks,
    /// The last ones are missing, and empty commas stand for them.
    Filled,
    /// So many are led by a backtick, the others are in quotes, and quotes in them are doubled.
    Quotes(usize),
    /// As above, and quotes in them are not doubled.
    Loose(usize),
}

/// Why a row was not split.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// How many values it seems to have.
    pub(super) found: usize,
    /// It breaks off inside of quotes.
    pub(super) is_open: bool,
}

impl Shape {
    /// Splits a row, which begins with a backtick and has no space around it.
    ///
    /// # Errors
    /// Where there is no way to have a value for each column, or more than one.
    pub(super) fn split(&self, row: &str, is_whole: bool) -> Result<Split, Misfit> {
        let text = row.trim_end_matches(',');
        let commas = row.len() - text.len();
        let ticks: Vec<usize> = text.match_indices(",`").map(|(at, _)| at).collect();
        let mut ways = Vec::new();
        let found = ticks.len() + 1;
        let fits = |ticked| self.ticked.is_none_or(|known| known == ticked);
        if found == self.columns && fits(found) {
            let values = ticked(text, &ticks);
            ways.push(Split {
                values,
                way: Way::Ticks,
            });
        }
        let quoted = Quoted::of(text);
        let chains = quoted.chains(text);
        // Quotes begin where they can first: what stands before them is no customer's text.
        let first = chains
            .iter()
            .rev()
            .map(|(at, chain)| (*at, *chain, ticks.partition_point(|tick| tick < at)))
            .find(|(_, _, before)| fits(before + 1));
        if let Some((at, Chain::Ends(cells), before)) = first {
            if before + 1 + cells == self.columns {
                let mut values = ticked(&text[..at], &ticks[..before]);
                values.extend(quoted.values(text, at));
                ways.push(Split {
                    values,
                    way: Way::Quotes(before + 1),
                });
            }
        }
        let is_open = matches!(
            first,
            Some((_, Chain::Open(cells), before)) if before + 1 + cells <= self.columns
        );
        let filled =
            found < self.columns && is_whole && found + commas == self.columns + self.commas;
        let as_known = self
            .ticked
            .is_none_or(|known| known == found || known == self.columns);
        if ways.is_empty() && filled && as_known && !is_open {
            let mut values = ticked(text, &ticks);
            values.resize(self.columns, String::new());
            ways.push(Split {
                values,
                way: Way::Filled,
            });
        }
        if ways.is_empty() && !is_open {
            ways.extend(self.loose(text, &ticks));
        }
        match ways.pop() {
            Some(way) if ways.is_empty() => Ok(way),
            _ => Err(Misfit { found, is_open }),
        }
    }

    /// Quotes inside of quotes, without a second one to mark them: split where there are exactly
    /// as many `","` as must be.
    fn loose(&self, text: &str, ticks: &[usize]) -> Option<Split> {
        let at = text.match_indices(",\"").map(|(at, _)| at).find(|at| {
            let before = ticks.partition_point(|tick| tick < at) + 1;
            self.ticked.is_none_or(|known| known == before)
        })?;
        let before = ticks.partition_point(|tick| *tick < at);
        let inner = text.get(at + 2..)?.strip_suffix('"')?;
        let bytes = text.as_bytes().get(at + 1..)?;
        // Ones that overlap count, too: which of them it is cannot be told.
        let separators = bytes.windows(3).filter(|part| part == b"\",\"").count();
        let values = inner.split("\",\"").map(str::to_owned);
        let mut all = ticked(&text[..at], &ticks[..before]);
        all.extend(values);
        let exact = before + 1 + separators + 1 == self.columns && all.len() == self.columns;
        exact.then_some(Split {
            values: all,
            way: Way::Loose(before + 1),
        })
    }
}

impl Split {
    /// How many values were led by a backtick, where that is seen.
    pub(super) fn ticked(&self) -> Option<usize> {
        match self.way {
            Way::Ticks => Some(self.values.len()),
            Way::Quotes(ticked) | Way::Loose(ticked) => Some(ticked),
            Way::Filled => None,
        }
    }
}

/// The values that begin with a backtick, split at these commas.
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

/// The places where values in quotes may begin, and what follows from each: a value in quotes has
/// a quote doubled, so where it begins decides where it ends.
struct Quoted(Vec<(usize, Next)>);

#[derive(Clone, Copy)]
enum Next {
    /// The value ends here, and the row with it.
    End,
    /// The value ends at this comma, which another one in quotes follows.
    Comma(usize),
    /// The row ends inside of the value.
    Open,
    /// Something else follows the value.
    Broken,
}

/// What a series of values in quotes comes to, and of how many it is.
#[derive(Clone, Copy)]
enum Chain {
    Ends(usize),
    Open(usize),
    Broken,
}

impl Quoted {
    /// Each of the commas is looked at once: a value that does not end at the next quote begins
    /// with an even number of them inside, and one that begins later ends before it.
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let commas = text.match_indices(",\"").map(|(at, _)| at);
        Self(commas.map(|at| (at, next(bytes, at + 2))).collect())
    }

    /// From right to left.
    fn chains(&self, text: &str) -> Vec<(usize, Chain)> {
        let mut chains: Vec<(usize, Chain)> = Vec::with_capacity(self.0.len());
        for (at, next) in self.0.iter().rev() {
            let chain = match next {
                Next::End => Chain::Ends(1),
                Next::Open => Chain::Open(1),
                Next::Broken => Chain::Broken,
                Next::Comma(comma) => {
                    // The ones found so far lie further right, in falling order.
                    let found = chains.binary_search_by(|(other, _)| comma.cmp(other));
                    match found.ok().and_then(|found| chains.get(found)) {
                        Some((_, Chain::Ends(cells))) => Chain::Ends(cells + 1),
                        Some((_, Chain::Open(cells))) => Chain::Open(cells + 1),
                        _ => Chain::Broken,
                    }
                }
            };
            debug_assert!(text[*at..].starts_with(",\""));
            chains.push((*at, chain));
        }
        chains
    }

    /// The values of a series that ends with the row.
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

/// What follows a value whose first byte is at `begin`, after its quote.
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
