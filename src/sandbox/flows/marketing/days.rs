//! Days and weeks in Beijing, by which coupons can be sent and used.

/// The offset of Beijing's time from UTC, in seconds.
const BEIJING: u64 = 8 * 3600;
pub(super) const DAY: u64 = 24 * 3600;

/// Returns the day of the week, 0 being Sunday.
pub(super) fn week_day(now: u64) -> u64 {
    // 1970 began on a Thursday.
    (now.saturating_add(BEIJING) / DAY + 4) % 7
}

pub(super) fn second_of_day(now: u64) -> u64 {
    now.saturating_add(BEIJING) % DAY
}

/// Returns the first second of the next day.
pub(super) fn midnight_after(now: u64) -> u64 {
    let days = now.saturating_add(BEIJING) / DAY;
    (days + 1).saturating_mul(DAY).saturating_sub(BEIJING)
}

pub(super) fn same_day(one: u64, other: u64) -> bool {
    midnight_after(one) == midnight_after(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    // `date -u -d 2018-06-08T02:34:56Z +%s`: a Friday, 10:34:56 in Beijing.
    const SAMPLE: u64 = 1_528_425_296;

    #[test]
    fn days_are_those_of_beijing() {
        assert_eq!(week_day(SAMPLE), 5);
        assert_eq!(second_of_day(SAMPLE), 10 * 3600 + 34 * 60 + 56);
        let midnight = midnight_after(SAMPLE);
        // `date -u -d 2018-06-08T16:00:00Z +%s`
        assert_eq!(midnight, 1_528_473_600);
        assert_eq!((week_day(midnight), second_of_day(midnight)), (6, 0));
        assert!(same_day(SAMPLE, midnight - 1) && !same_day(SAMPLE, midnight));
    }
}
