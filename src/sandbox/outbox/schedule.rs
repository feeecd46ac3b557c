//! When a notification is sent again, and which response ends that.

use http::StatusCode;

use crate::base::xml;

/// The waits of APIv3 after each attempt that was not acknowledged, in seconds: 24 hours and 4 minutes in
/// all. Official page: "通知规则".
const V3: [u64; 15] = [
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600,
];
/// The waits of APIv2. The documents begin with a 0, which is the first attempt itself.
const V2: [u64; 9] = [15, 15, 30, 180, 1800, 1800, 1800, 1800, 3600];

/// The largest acknowledgement of APIv2 that is read as XML.
const MAX_XML: usize = 64 << 10;

/// Returns how many seconds after its last attempt a notification is sent again, or `None` if it is given
/// up. `attempts` counts those of the schedule so far.
pub(super) fn wait_after(attempts: usize, is_v2: bool) -> Option<u64> {
    let waits: &[u64] = if is_v2 { &V2 } else { &V3 };
    waits.get(attempts.checked_sub(1)?).copied()
}

/// Returns whether a response acknowledges a notification.
pub(super) fn is_acknowledged(is_v2: bool, status: StatusCode, body: &[u8]) -> bool {
    if !is_v2 {
        return matches!(status, StatusCode::OK | StatusCode::NO_CONTENT);
    }
    // APIv2 answers 200 to say no as well, so only the body tells.
    let says_success = || {
        let fields = xml::parse(body, MAX_XML).ok()?;
        Some(fields.get("return_code")?.as_str()? == "SUCCESS")
    };
    status == StatusCode::OK && says_success().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedule_has_the_documented_lengths() {
        // 通知频率为15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h - 总计 24h4m
        assert_eq!(V3.iter().sum::<u64>(), 24 * 3600 + 4 * 60);
        let of = |is_v2| (1..).map_while(move |made| wait_after(made, is_v2));
        assert_eq!(of(false).count(), 15);
        assert_eq!(of(true).collect::<Vec<_>>(), V2);
        assert_eq!(wait_after(0, false), None);
        assert_eq!(wait_after(16, false), None);
    }

    #[test]
    fn acknowledgement_is_a_status_or_an_xml() {
        let v3 = |status| is_acknowledged(false, StatusCode::from_u16(status).unwrap(), b"{}");
        assert!(v3(200) && v3(204));
        assert!(![201, 202, 301, 400, 500].into_iter().any(v3));
        let v2 = |status, body: &str| {
            is_acknowledged(true, StatusCode::from_u16(status).unwrap(), body.as_bytes())
        };
        let yes = "<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>";
        assert!(v2(200, yes));
        for (status, body) in [
            (204, yes),
            (500, yes),
            (200, "SUCCESS"),
            (200, ""),
            (200, "<xml><return_code>FAIL</return_code></xml>"),
            (200, "<xml><result_code>SUCCESS</result_code></xml>"),
        ] {
            assert!(!v2(status, body), "{status} {body}");
        }
    }
}
