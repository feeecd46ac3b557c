//! The days of a bill, which are Beijing's.

use std::time::Duration;

use wechatpay_chain::model::BeijingTime;

use crate::{
    exit::{Failure, Result},
    text::tf,
};

/// WeChat Pay keeps bills for three months.
const MAX: usize = 366;
/// For a timer that runs every day.
const YESTERDAY: &str = "yesterday";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns all days from one to another, both included.
pub(super) fn days(from: &str, to: Option<&str>) -> Result<Vec<String>> {
    let last = to.unwrap_or(from);
    let (mut at, end) = (day(from)?, day(last)?);
    let mut days = Vec::new();
    while at <= end && days.len() <= MAX {
        days.push(at.date());
        at = at + DAY;
    }
    match days.len() {
        0 => Err(Failure::usage(tf!(
            "{last} is before {from}",
            "{last} 早于 {from}"
        ))),
        1..=MAX => Ok(days),
        _ => Err(Failure::usage(tf!("more than {MAX} days", "超过 {MAX} 天"))),
    }
}

fn day(text: &str) -> Result<BeijingTime> {
    let yesterday = (BeijingTime::now() - DAY).date();
    let text = match text {
        YESTERDAY => yesterday.as_str(),
        text => text,
    };
    let start: Option<BeijingTime> = format!("{text}T00:00:00+08:00").parse().ok();
    start.filter(|start| start.date() == text).ok_or_else(|| {
        Failure::usage(tf!(
            "invalid date `{text}`: expected one such as 2025-11-20, or yesterday",
            "日期 `{text}` 无效: 应如 2025-11-20 或 yesterday"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_include_both_ends() {
        let between = |from, to| days(from, to).map_err(|err| err.message);
        assert_eq!(between("2025-11-20", None).unwrap(), ["2025-11-20"]);
        assert_eq!(
            between("2024-02-28", Some("2024-03-01")).unwrap(),
            ["2024-02-28", "2024-02-29", "2024-03-01"]
        );
        // It may be midnight now.
        let yesterday = || (BeijingTime::now() - DAY).date();
        let (before, named, after) = (yesterday(), between("yesterday", None), yesterday());
        assert!([before, after].contains(&named.unwrap()[0]));
        assert!(between("2025-11-20", Some("2025-11-19")).is_err());
        assert!(between("2020-01-01", Some("2025-11-19")).is_err());
        for wrong in [
            "2025-11-31",
            "20251120",
            "2025-1-1",
            "",
            "2025-11-20T00:00:00Z",
        ] {
            assert!(between(wrong, None).is_err(), "{wrong}");
        }
    }
}
