//! Times as WeChat Pay writes them.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    base::time::{format_compact, format_rfc3339, parse_compact, parse_rfc3339},
    error::{Cause, Error},
};

/// A time to the second, which it shows in Beijing's time zone: WeChat Pay's days begin and end there,
/// whatever the time zone of the server.
///
/// `Display` writes RFC 3339, which APIv3 expects. `FromStr` reads RFC 3339 with any offset, and the
/// compact form of APIv2 and pay-score, which is always Beijing's time. Times before 1970 become 1970.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use wechatpay_chain::model::BeijingTime;
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let time = BeijingTime::from(UNIX_EPOCH + Duration::from_secs(1_528_425_296));
/// assert_eq!(time.to_string(), "2018-06-08T10:34:56+08:00");
/// assert_eq!(time.compact(), "20180608103456"); // `time_start` of APIv2
/// assert_eq!(time.date(), "2018-06-08"); // `bill_date`
/// assert_eq!((time - Duration::from_secs(86_400)).date(), "2018-06-07");
///
/// let paid: BeijingTime = "2018-06-08T02:34:56Z".parse()?;
/// assert_eq!(paid, time);
///
/// // `time_expire`: the order can be paid for 15 minutes.
/// let expires = BeijingTime::now() + Duration::from_secs(15 * 60);
/// assert!(expires > BeijingTime::now());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BeijingTime(u64);

impl BeijingTime {
    /// Returns the system's time.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Returns the date, as `bill_date` expects it: `2018-06-08`.
    pub fn date(&self) -> String {
        let mut text = self.to_string();
        text.truncate("2018-06-08".len());
        text
    }

    /// Returns the time as APIv2 and pay-score write it: `20180608103456`.
    pub fn compact(&self) -> String {
        format_compact(self.0)
    }

    /// Returns the seconds since 1970, as a signature's timestamp has them.
    pub fn seconds(&self) -> u64 {
        self.0
    }
}

impl From<SystemTime> for BeijingTime {
    fn from(time: SystemTime) -> Self {
        Self(
            time.duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        )
    }
}

impl From<BeijingTime> for SystemTime {
    /// Saturates at the end of the year 9999.
    fn from(time: BeijingTime) -> Self {
        // The last second of the year 9999, in UTC: `SystemTime` holds it on every platform.
        const LAST: u64 = 253_402_300_799;
        UNIX_EPOCH + Duration::from_secs(time.0.min(LAST))
    }
}

impl std::ops::Add<Duration> for BeijingTime {
    type Output = Self;

    /// Adds whole seconds. Saturates.
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by.as_secs()))
    }
}

impl std::ops::Sub<Duration> for BeijingTime {
    type Output = Self;

    /// Subtracts whole seconds. Saturates at 1970.
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by.as_secs()))
    }
}

impl fmt::Display for BeijingTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format_rfc3339(self.0))
    }
}

impl FromStr for BeijingTime {
    type Err = Error;

    /// # Errors
    ///
    /// Returns an error if the text is in neither form, or names a date that does not exist.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse_rfc3339(text)
            .or_else(|| parse_compact(text))
            .map(Self)
            .ok_or_else(|| {
                let shown: String = text.chars().take(64).collect();
                Cause::request(format!(
                    "expected a time such as 2018-06-08T10:34:56+08:00 or 20180608103456, got {shown:?}"
                ))
                .not_sent()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_beijing_and_not_utc() {
        // 2018-06-07T16:00:00Z is midnight in Beijing.
        let midnight: BeijingTime = "2018-06-07T16:00:00Z".parse().unwrap();
        assert_eq!(midnight.date(), "2018-06-08");
        assert_eq!((midnight - Duration::from_secs(1)).date(), "2018-06-07");
        assert_eq!(midnight, "20180608".parse().unwrap());
    }

    #[test]
    fn times_at_the_ends_do_not_panic() {
        let end = BeijingTime(u64::MAX) + Duration::MAX;
        assert_eq!(end.date(), "9999-12-31");
        assert_eq!(end.compact().len(), 14);
        let _ = SystemTime::from(end);
        let start = BeijingTime(5) - Duration::MAX;
        assert_eq!(start.seconds(), 0);
        let before = BeijingTime::from(UNIX_EPOCH - Duration::from_secs(5));
        assert_eq!(before, start);
    }

    #[test]
    fn an_invalid_time_is_an_error_that_shows_at_most_64_characters() {
        let error = "昨天".parse::<BeijingTime>().unwrap_err();
        assert!(error.to_string().contains("昨天"), "{error}");
        let long = "9".repeat(10_000).parse::<BeijingTime>().unwrap_err();
        assert!(long.to_string().len() < 300, "{long}");
    }
}
