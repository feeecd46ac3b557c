//! The sums over the summaries of several days.

use serde_json::{Map, Value, json};
use wechatpay_chain::BillRow;

/// In the name of every column of a summary that is an amount; the others are counts.
const AMOUNT: &str = "金额";

/// The summaries' columns, in order, with their sums. An amount is in fen.
#[derive(Default)]
pub(super) struct Totals {
    sums: Vec<(String, i128)>,
    pub(super) rows: u64,
}

impl Totals {
    /// Adds a summary. Returns the column that is neither an amount nor a count, if one is.
    pub(super) fn add(&mut self, summary: &BillRow) -> Option<String> {
        let mut wrong = None;
        for (name, _) in summary.iter() {
            let value = match name.contains(AMOUNT) {
                true => summary.fen(name).map(i128::from),
                false => summary.count(name).map(i128::from),
            };
            match value {
                Ok(value) => self.add_to(name, value),
                Err(_) => wrong = Some(name.to_owned()),
            }
        }
        wrong
    }

    fn add_to(&mut self, name: &str, value: i128) {
        match self.sums.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += value,
            None => self.sums.push((name.to_owned(), value)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Returns counts as numbers, and amounts in fen and in yuan.
    pub(super) fn json(&self) -> Value {
        let sums = self.sums.iter().map(|(name, sum)| {
            let value = match name.contains(AMOUNT) {
                true => json!({ "fen": number(*sum), "yuan": yuan(*sum) }),
                false => number(*sum),
            };
            (name.clone(), value)
        });
        Value::Object(sums.collect::<Map<_, _>>())
    }

    /// Returns the name, the count or the yuan, and the fen.
    pub(super) fn cells(&self) -> Vec<Vec<String>> {
        let sums = self.sums.iter().map(|(name, sum)| {
            let name = name.clone();
            match name.contains(AMOUNT) {
                true => vec![name, yuan(*sum), sum.to_string()],
                false => vec![name, sum.to_string(), String::new()],
            }
        });
        sums.collect()
    }
}

/// Returns a number, or text if JSON's numbers do not reach that far.
fn number(sum: i128) -> Value {
    i64::try_from(sum).map_or_else(|_| sum.to_string().into(), Value::from)
}

fn yuan(fen: i128) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use wechatpay_chain::BillRows;

    use super::*;

    #[test]
    fn summaries_add_up_in_fen() {
        let mut totals = Totals::default();
        for (count, amount) in [("2", "0.29"), ("3.0", "-12.30")] {
            let bill = format!("a,b\n`1,`2\n总笔数,退款总金额\n`{count},`{amount}\n");
            let mut rows = BillRows::new(bill.as_bytes()).unwrap();
            assert_eq!(rows.by_ref().count(), 1);
            assert_eq!(totals.add(rows.summary().unwrap()), None);
        }
        assert_eq!(
            totals.json(),
            json!({ "总笔数": 5, "退款总金额": { "fen": -1201, "yuan": "-12.01" } })
        );
        assert_eq!(totals.cells()[1], ["退款总金额", "-12.01", "-1201"]);
    }
}
