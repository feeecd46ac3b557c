//! When a deduction may happen, by the calendar of Beijing, and how much it may be.
//!
//! A periodic deduction: the merchant sends the user a pre-notice with an amount. After the day of the notice
//! and the next one, in which the user can object, it can deduct up to that amount, once, on one of the
//! following days. In the 12 hours after the signature it needs no notice. Official page: "预扣费通知".
//!
//! A scheduled deduction: the contract names a day and an amount. On the day before, the merchant confirms
//! them; on the day, it deducts exactly that amount. Then the contract ends: at once if the money was
//! deducted, and at 8 the next morning if not. Official page: "预约扣费".

pub(super) use crate::sandbox::time::day;

use super::refusals;
use crate::sandbox::{
    dispatch::refusal::Refusal, flows::files::bill::format_date, time::parse_compact,
};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// Beijing's time is ahead of UTC by this, in seconds.
const BEIJING: u64 = 8 * HOUR;

/// On how many days, the one of the pre-notice included, nothing is deducted.
const WAITING_DAYS: u64 = 2;
/// On how many days after these the merchant can deduct, unless the pre-notice says otherwise.
const DEDUCTION_DAYS: u64 = 7;
/// How long after the signature a deduction needs no pre-notice, in seconds.
const FREE_AFTER_SIGNATURE: u64 = 12 * HOUR;
/// When a scheduled contract ends without a deduction: at this time of the day after, in seconds.
const SCHEDULE_ENDS_AT: u64 = 8 * HOUR;

/// From when to when merchants may disturb a user with a pre-notice, or deduct after one.
const NOTICE_HOURS: (u64, u64) = (7 * HOUR, 22 * HOUR);
/// From when to when a merchant can schedule a deduction.
const SCHEDULE_HOURS: (u64, u64) = (8 * HOUR, 19 * HOUR + HOUR / 2);

/// What the user was told about a deduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PreNotice {
    /// The days on which the merchant can deduct.
    first_day: u64,
    last_day: u64,
    /// In fen.
    at_most: u64,
}

impl PreNotice {
    /// Makes the notice of this moment. `days` is for how many days the merchant can deduct.
    pub(super) fn new(at_most: u64, days: Option<u64>, now: u64) -> Self {
        warn_outside(NOTICE_HOURS, now, "a pre-notice");
        let first_day = day(now) + WAITING_DAYS;
        Self {
            first_day,
            last_day: first_day + days.unwrap_or(DEDUCTION_DAYS) - 1,
            at_most,
        }
    }

    pub(super) fn has_ended(&self, now: u64) -> bool {
        day(now) > self.last_day
    }

    fn check(&self, fen: u64, now: u64) -> Result<(), Refusal> {
        if day(now) < self.first_day {
            return Err(refusals::too_early(&date(self.first_day)));
        }
        if fen > self.at_most {
            return Err(refusals::more_than_noticed(self.at_most));
        }
        warn_outside(NOTICE_HOURS, now, "a deduction after a pre-notice");
        Ok(())
    }
}

/// Checks a periodic deduction.
pub(super) fn check_periodic(
    notice: Option<&PreNotice>,
    signed_at: u64,
    fen: u64,
    now: u64,
) -> Result<(), Refusal> {
    let notice = notice.filter(|notice| !notice.has_ended(now));
    match notice {
        _ if now.saturating_sub(signed_at) < FREE_AFTER_SIGNATURE => Ok(()),
        None => Err(refusals::no_notice()),
        Some(notice) => notice.check(fen, now),
    }
}

/// The one deduction of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// The day on which the merchant can deduct.
    pub(super) day: u64,
    /// In fen.
    pub(super) fen: u64,
    pub(super) is_scheduled: bool,
    /// When it was deducted.
    pub(super) deducted_at: Option<u64>,
}

impl Schedule {
    pub(super) fn new(day: u64, fen: u64) -> Self {
        Self {
            day,
            fen,
            is_scheduled: false,
            deducted_at: None,
        }
    }

    /// Returns `NO_SCHEDULED`, `SCHEDULED`, `PAID` or `EXPIRED`.
    pub(super) fn state(&self, now: u64) -> &'static str {
        match self.deducted_at {
            Some(_) => "PAID",
            None if day(now) > self.day => "EXPIRED",
            None if self.is_scheduled => "SCHEDULED",
            None => "NO_SCHEDULED",
        }
    }

    /// Confirms the deduction, on the day before.
    pub(super) fn confirm(&mut self, fen: u64, now: u64) -> Result<(), Refusal> {
        if self.is_scheduled {
            return Err(refusals::scheduled());
        }
        if day(now) + 1 != self.day {
            return Err(refusals::not_the_day_before(&date(self.day)));
        }
        if fen != self.fen {
            return Err(refusals::other_amount(self.fen));
        }
        warn_outside(SCHEDULE_HOURS, now, "a schedule");
        self.is_scheduled = true;
        Ok(())
    }

    /// Checks the deduction.
    pub(super) fn check(&self, fen: u64, now: u64) -> Result<(), Refusal> {
        if !self.is_scheduled {
            return Err(refusals::not_scheduled());
        }
        if day(now) != self.day {
            return Err(refusals::not_the_day(&date(self.day)));
        }
        match fen == self.fen {
            true => Ok(()),
            false => Err(refusals::other_amount(self.fen)),
        }
    }
}

/// Returns when a contract with this schedule ends.
pub(super) fn end_of(schedule: &Schedule) -> u64 {
    start(schedule.day + 1) + SCHEDULE_ENDS_AT
}

/// Parses a date such as `2019-11-22` into the number of its day.
pub(super) fn parse_day(text: &str) -> Option<u64> {
    let start = parse_compact(&text.replace('-', ""))?;
    // Only this one of the forms that the line above reads.
    (format_date(start) == text).then(|| day(start))
}

/// Formats a day as `2019-11-22`.
pub(super) fn date(day: u64) -> String {
    format_date(start(day))
}

fn start(day: u64) -> u64 {
    (day * DAY).saturating_sub(BEIJING)
}

/// Warns of a request that WeChat Pay refuses at this time of the day.
// Only a warning: a test would pass in the afternoon and fail at night.
fn warn_outside((from, to): (u64, u64), now: u64, what: &str) {
    let time = now.saturating_add(BEIJING) % DAY;
    if !(from..to).contains(&time) {
        let clock = |seconds: u64| format!("{}:{:02}", seconds / HOUR, seconds % HOUR / 60);
        tracing::warn!(
            "WeChat Pay refuses {what} now: it is {} in Beijing, and allowed from {} to {}",
            clock(time),
            clock(from),
            clock(to)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2018-06-08T10:34:56 in Beijing.
    const NOW: u64 = 1_528_425_296;

    fn code(result: Result<(), Refusal>) -> &'static str {
        result.unwrap_err().v2_code
    }

    #[test]
    fn days_are_those_of_beijing() {
        let today = day(NOW);
        assert_eq!(date(today), "2018-06-08");
        assert_eq!(parse_day("2018-06-08"), Some(today));
        assert_eq!(day(start(today)), today);
        assert_eq!(day(start(today) - 1), today - 1);
        for text in [
            "20180608",
            "2018-6-8",
            "2018-02-30",
            "2018-06-08T00",
            "",
            "-",
        ] {
            assert_eq!(parse_day(text), None, "{text}");
        }
    }

    // As the page "预扣费通知" says: notified on the 8th, the 9th is for the user, from the 10th on it is
    // deducted.
    #[test]
    fn noticed_deduction_is_possible_from_the_third_day_on() {
        let days = |days: u64| NOW + days * DAY;
        let notice = PreNotice::new(100, Some(1), NOW);
        let check = |fen, now| check_periodic(Some(&notice), 0, fen, now);
        assert_eq!(code(check(100, days(1))), "RULELIMIT");
        assert_eq!(check(100, start(day(NOW) + 2)), Ok(()));
        assert_eq!(check(1, days(2)), Ok(()));
        assert_eq!(code(check(101, days(2))), "RULELIMIT");
        assert_eq!(code(check(100, start(day(NOW) + 3))), "RULELIMIT");
        // 发完通知后，商家可在第3-9天发起扣款
        let notice = PreNotice::new(100, None, NOW);
        assert!(!notice.has_ended(days(8)) && notice.has_ended(days(9)));
    }

    #[test]
    fn first_hours_need_no_notice() {
        let signed_for = |seconds| check_periodic(None, NOW, 100, NOW + seconds);
        assert_eq!(signed_for(12 * HOUR - 1), Ok(()));
        assert_eq!(code(signed_for(12 * HOUR)), "RULELIMIT");
    }

    // As the page "预约扣费" says: for 2022-03-02, it is scheduled on the 1st and deducted on the 2nd.
    #[test]
    fn scheduled_deduction_has_one_day_and_one_amount() {
        let (eve, of_day) = (NOW, NOW + DAY);
        let mut schedule = Schedule::new(day(of_day), 100);
        assert_eq!(code(schedule.check(100, of_day)), "RULELIMIT");
        for (fen, now) in [(100, NOW - DAY), (100, of_day), (99, eve)] {
            assert!(schedule.confirm(fen, now).is_err());
            assert_eq!(schedule.state(eve), "NO_SCHEDULED");
        }
        schedule.confirm(100, eve).unwrap();
        assert!(schedule.confirm(100, eve).is_err());
        assert_eq!(schedule.state(eve), "SCHEDULED");
        for (fen, now) in [(100, eve), (100, of_day + DAY), (99, of_day), (101, of_day)] {
            assert_eq!(code(schedule.check(fen, now)), "RULELIMIT");
        }
        assert_eq!(schedule.check(100, of_day), Ok(()));
        assert_eq!(schedule.state(of_day + DAY), "EXPIRED");
        schedule.deducted_at = Some(of_day);
        assert_eq!(schedule.state(of_day + DAY), "PAID");
        assert_eq!(end_of(&schedule), start(day(NOW) + 2) + 8 * HOUR);
    }
}
