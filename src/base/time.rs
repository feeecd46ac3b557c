//! Times as WeChat Pay writes and reads them. All functions take and return seconds since 1970.

use std::time::Duration;

use x509_cert::der::DateTime;

/// The offset of Beijing's time from UTC, in seconds. China has no daylight saving time.
const BEIJING_OFFSET: u64 = 8 * 3600;

/// Formats a time as `2018-06-08T10:34:56+08:00`: APIv3's format.
pub(crate) fn format_rfc3339(seconds: u64) -> String {
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

/// Formats a time as `20180608103456`: pay-score's format.
pub(crate) fn format_compact(seconds: u64) -> String {
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

/// Formats a time as `2018-06-08 10:34:56`: APIv2's format for contracts and refunds.
#[cfg(feature = "sandbox")]
pub(crate) fn format_date_time(seconds: u64) -> String {
    let text = format_rfc3339(seconds).replace('T', " ");
    text.trim_end_matches("+08:00").to_owned()
}

/// Returns the number of the day in Beijing, counted from 1970.
#[cfg(feature = "sandbox")]
pub(crate) fn day(seconds: u64) -> u64 {
    seconds.saturating_add(BEIJING_OFFSET) / (24 * 3600)
}

/// Parses `2018-06-08T10:34:56+08:00`, with any offset or `Z`, with or without a fraction.
pub(crate) fn parse_rfc3339(text: &str) -> Option<u64> {
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

/// Parses `20180608103456`, or `20180608` for the start of that day, in Beijing's time.
pub(crate) fn parse_compact(text: &str) -> Option<u64> {
    if !matches!(text.len(), 8 | 14) || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A date without a time has no digits there: they count as 0.
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or("0").parse::<u16>().ok();
    let rest = [
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
    ];
    seconds(part(0, 4)?, rest)?.checked_sub(BEIJING_OFFSET)
}

// `DateTime` ends with the year 9999, and a test can move the clock beyond it.
fn beijing(seconds: u64) -> DateTime {
    DateTime::from_unix_duration(Duration::from_secs(seconds.saturating_add(BEIJING_OFFSET)))
        .unwrap_or(DateTime::INFINITY)
}

/// Returns the seconds since 1970 of a UTC date and time, or `None` if there is no such date.
fn seconds(year: u16, rest: [u16; 5]) -> Option<u64> {
    // A number that does not fit becomes one that `DateTime::new` refuses.
    let [month, day, hour, minute, second] = rest.map(|n| u8::try_from(n).unwrap_or(u8::MAX));
    let time = DateTime::new(year, month, day, hour, minute, second).ok()?;
    Some(time.unix_duration().as_secs())
}

/// Splits `text` at a separator into numbers of exactly these widths.
fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[u16; N]> {
    let mut parts = text.split(separator);
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
    fn times_are_formatted_in_beijing_time() {
        assert_eq!(format_rfc3339(SAMPLE), "2018-06-08T10:34:56+08:00");
        assert_eq!(format_compact(SAMPLE), "20180608103456");
    }

    #[test]
    fn valid_times_parse() {
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
    fn invalid_times_do_not_parse() {
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
    fn format_rfc3339_saturates_at_the_end_of_time() {
        assert_eq!(format_rfc3339(u64::MAX).len(), 25);
    }
}
