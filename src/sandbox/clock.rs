//! The sandbox's time: real for signatures, movable for everything that waits or expires.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use x509_cert::der::DateTime;

/// WeChat Pay writes its times as Beijing's.
const BEIJING: u64 = 8 * 3600;

/// How far the sandbox's own time has been moved ahead of the real one.
#[derive(Default)]
pub(super) struct Clock(Mutex<Duration>);

impl Clock {
    /// Now, in seconds since 1970, as orders and schedules see it.
    pub(super) fn now(&self) -> u64 {
        let ahead = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        real_now().saturating_add(ahead.as_secs())
    }

    /// Moves the time ahead.
    pub(super) fn advance(&self, by: Duration) {
        let mut ahead = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(by);
    }
}

/// The real time, in seconds since 1970: the one that signatures carry.
pub(super) fn real_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// `2018-06-08T10:34:56+08:00`, as APIv3 answers write a time.
pub(super) fn rfc3339(seconds: u64) -> String {
    let t = beijing(seconds);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+08:00",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minutes(),
        t.seconds()
    )
}

/// `20180608103456`, as pay-score writes a time.
pub(super) fn compact(seconds: u64) -> String {
    let t = beijing(seconds);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minutes(),
        t.seconds()
    )
}

/// Reads `2018-06-08T10:34:56+08:00`, with any offset or `Z` and perhaps a fraction.
pub(super) fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let time = rest.strip_prefix('T')?;
    let (time, rest) = (time.get(..8)?, time.get(8..)?);
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return None;
            }
            zone
        }
        None => rest,
    };
    let offset = match rest {
        "Z" => 0,
        zone => {
            let [hours, minutes] = numbers(zone.get(1..)?, ':', [2, 2])?;
            let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
            match zone.get(..1)? {
                "+" => seconds,
                "-" => -seconds,
                _ => return None,
            }
        }
    };
    seconds(year, [month, day, hour, minute, second])?.checked_add_signed(-offset)
}

/// Reads `20180608103456`, or `20180608` for that day's beginning.
pub(super) fn parse_compact(text: &str) -> Option<u64> {
    if !matches!(text.len(), 8 | 14) || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or("0").parse::<u16>().ok();
    let rest = [
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
    ];
    seconds(part(0, 4)?, rest)?.checked_sub(BEIJING)
}

fn beijing(seconds: u64) -> DateTime {
    DateTime::from_unix_duration(Duration::from_secs(seconds.saturating_add(BEIJING)))
        .unwrap_or(DateTime::INFINITY)
}

fn seconds(year: u16, rest: [u16; 5]) -> Option<u64> {
    let [month, day, hour, minute, second] = rest.map(|n| u8::try_from(n).unwrap_or(u8::MAX));
    let time = DateTime::new(year, month, day, hour, minute, second).ok()?;
    Some(time.unix_duration().as_secs())
}

/// Splits `text` at `at` into numbers of exactly these widths.
fn numbers<const N: usize>(text: &str, at: char, widths: [usize; N]) -> Option<[u16; N]> {
    let mut parts = text.split(at);
    let mut found = [0; N];
    for (slot, width) in found.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    // `date -u -d 2018-06-08T02:34:56Z +%s`
    const SAMPLE: u64 = 1_528_425_296;

    #[test]
    fn times_are_written_as_beijings() {
        assert_eq!(rfc3339(SAMPLE), "2018-06-08T10:34:56+08:00");
        assert_eq!(compact(SAMPLE), "20180608103456");
    }

    #[test]
    fn times_are_read_back() {
        for text in [
            "2018-06-08T10:34:56+08:00",
            "2018-06-08T02:34:56Z",
            "2018-06-08T02:34:56.123Z",
            "2018-06-07T22:34:56-04:00",
        ] {
            assert_eq!(parse_rfc3339(text), Some(SAMPLE), "{text}");
        }
        assert_eq!(parse_compact("20180608103456"), Some(SAMPLE));
        assert_eq!(
            parse_compact("20180608"),
            Some(SAMPLE - 10 * 3600 - 34 * 60 - 56)
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2018-06-08",
            "2018-06-08 10:34:56+08:00",
            "2018-13-08T10:34:56+08:00",
            "2018-06-31T10:34:56+08:00",
            "2018-06-08T10:34:56",
            "2018-06-08T10:34:56.Z",
            "2018-06-08T10:34:56+0800",
            "2018-06-08T10:34:56+08:00x",
            "时时时时时时时时时",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
        for text in [
            "",
            "2018060810345",
            "20181308103456",
            "OnAccept",
            "时时时时x",
        ] {
            assert_eq!(parse_compact(text), None, "{text}");
        }
    }

    #[test]
    fn advancing_moves_the_clock_and_never_overflows() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(Duration::from_secs(7200));
        assert!(clock.now() >= before + 7200);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), u64::MAX);
        assert_eq!(rfc3339(clock.now()).len(), 25);
    }
}
