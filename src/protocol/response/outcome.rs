//! The outcome of a refused request: what the refusal proves about the money.
//!
//! `Rejected` tells a merchant that nothing happened and that a new order number is safe, so a wrong
//! `Rejected` can pay twice. A refusal counts as `Rejected` only if its code is about this very
//! request. "Order already paid" is not: after an unknown outcome the merchant repeats the request
//! under the same number, and that repeat is refused *because* the first request succeeded. Codes
//! that may refer to an earlier request are therefore `Unknown`, and the merchant has to query.

use http::{Method, StatusCode};

use crate::{
    error::Outcome,
    protocol::{url::path::Version, v2},
};

/// What a request does, as far as the meaning of its refusal depends on it.
///
/// It follows from the request alone: the method and the path that the caller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: a query.
    Read,
    /// Creates or changes something under a number that the merchant chose.
    Create,
    /// Closes, reverses or cancels what an earlier request created. A code about that earlier
    /// request ("order paid") is a definite refusal here.
    End,
    /// Sends money to someone. The documents say to query after any failure and never to change
    /// the number, so only codes that are listed as definite prove anything.
    Payout,
}

/// A part of the APIv3 paths that pay money out.
const PAYOUTS_WITHIN: &str = "/mch-transfer/";
/// The beginnings of further paths that pay money out.
const PAYOUTS: [&str; 6] = [
    "/mmpaymkttransfers/",
    "/mmpaysptrans/",
    "/v3/bank-transfer/batches",
    "/v3/partner-transfer/batches",
    "/v3/payroll-card/transfer-batches",
    "/v3/transfer/batches",
];

/// The last segments of the paths that end something, sorted.
const ENDS: [&str; 9] = [
    "cancel",
    "cancelbill",
    "close",
    "closecombinedorder",
    "closeorder",
    "facepayreverse",
    "reverse",
    "revoke",
    "terminate",
];

/// The codes that refer to an earlier request under the same number, sorted. The first request may
/// have succeeded.
const EARLIER: [&str; 6] = [
    "ORDERCLOSED",
    "ORDERPAID",
    "ORDERREVERSED",
    "ORDER_CLOSED",
    "OUT_TRADE_NO_USED",
    "REFUND_FEE_MISMATCH",
];

/// Words in the message of an `INVALID_REQUEST` that refers to an earlier request: "repeated",
/// "already exists", "the earlier request", "inconsistent" (with it), "already paid".
///
/// The code alone does not tell: `INVALID_REQUEST` also stands for an invalid appid.
const EARLIER_WORDS: [&str; 5] = ["重复", "已存在", "之前请求", "不一致", "已支付"];

/// The codes that are definite elsewhere but not for a payout, sorted. Their pages say to repeat the
/// request with the same number once the balance or the rate allows it, which contradicts
/// `Rejected` (a new number is safe); and `INVALID_REQUEST` stands for too many things.
const UNCERTAIN_FOR_PAYOUTS: [&str; 5] = [
    "FREQUENCY_LIMITED",
    "FREQ_LIMIT",
    "INVALID_REQUEST",
    "INVALID_REQ_TOO_MUCH",
    "NOTENOUGH",
];

impl Effect {
    /// Returns the effect of a request to `path`, which excludes the base URI's prefix, `v2` and the
    /// query.
    pub(crate) fn of(version: Version, method: &Method, path: &str) -> Self {
        let reads = match version {
            Version::V3 => method == Method::GET,
            // Most reads of APIv2 are POST requests, so they are listed.
            Version::V2 => v2::paths::is_read(path),
        };
        let pays_out =
            || path.contains(PAYOUTS_WITHIN) || PAYOUTS.iter().any(|start| path.starts_with(start));
        let last = path.rsplit('/').next().unwrap_or_default();
        // Payouts come before endings: cancelling a transfer bill is judged as strictly as making one.
        if reads {
            Self::Read
        } else if pays_out() {
            Self::Payout
        } else if ENDS.binary_search(&last).is_ok() {
            Self::End
        } else {
            Self::Create
        }
    }

    /// Returns whether a refusal with this code proves nothing about the money.
    fn leaves_open(self, code: &str, message: &str) -> bool {
        match self {
            // A read has no effect to be unsure about. For an ending, "already paid" and "already
            // closed" are statements about the order that this request was about.
            Self::Read | Self::End => false,
            Self::Create => refers_to_earlier(code, message),
            Self::Payout => {
                refers_to_earlier(code, message)
                    || UNCERTAIN_FOR_PAYOUTS.binary_search(&code).is_ok()
                    || !v2::codes::is_definite(code)
            }
        }
    }
}

/// Returns whether a code may be about an earlier request under the same number.
fn refers_to_earlier(code: &str, message: &str) -> bool {
    EARLIER.binary_search(&code).is_ok()
        || code == "INVALID_REQUEST" && EARLIER_WORDS.iter().any(|word| message.contains(word))
}

/// Returns the outcome of a request whose APIv3 response is not a success.
///
/// A 5xx is always `Unknown`, signed or not: the request may have been processed before the error.
pub(crate) fn outcome_v3(
    effect: Effect,
    status: StatusCode,
    (code, message): (&str, &str),
    verified: bool,
) -> Outcome {
    // The signature covers the body and not the status. A signed body without a code is the body of
    // a success, whatever status it arrived under; something on the way may have changed that.
    let contradicts_status = verified && code.is_empty();
    // Without a signature anyone on the way could have written the refusal. These three statuses
    // are the exception: they are issued before a request is processed, and WeChat Pay does not
    // sign them (it may not even know for whom to sign).
    let is_believed =
        verified || effect == Effect::Read || matches!(status.as_u16(), 401 | 403 | 429);
    if status.is_client_error()
        && is_believed
        && !contradicts_status
        && !effect.leaves_open(code, message)
    {
        Outcome::Rejected
    } else {
        Outcome::Unknown
    }
}

/// Returns the outcome of a request that APIv2 refused. Its HTTP status is 200.
///
/// APIv2 does not sign its failures, so only known definite codes count.
pub(crate) fn outcome_v2(effect: Effect, code: &str, message: &str) -> Outcome {
    let is_documented = v2::codes::is_definite(code)
        || effect == Effect::Read && v2::codes::is_definite_for_read(code);
    if is_sign_refused(code, message) || is_documented && !effect.leaves_open(code, message) {
        Outcome::Rejected
    } else {
        Outcome::Unknown
    }
}

/// Returns the outcome of an APIv2 request that got an HTTP error, which APIv2 itself never sends.
pub(crate) fn outcome_of_status(effect: Effect, status: StatusCode) -> Outcome {
    // A gateway in front of the API sends these before a request is processed. For a payout even that
    // is not enough, because its documents demand a query after any failure.
    let refused = matches!(status.as_u16(), 401 | 403 | 429) && effect != Effect::Payout;
    if refused || effect == Effect::Read && status.is_client_error() {
        Outcome::Rejected
    } else {
        Outcome::Unknown
    }
}

/// Returns whether APIv2 refused the request's sign. It checks the sign before anything else, so
/// nothing happened; `return_code` is the only code of such a failure.
fn is_sign_refused(code: &str, message: &str) -> bool {
    code == "FAIL" && (message.starts_with("签名错误") || message.starts_with("签名失败"))
}

#[cfg(test)]
mod tests {
    use super::{Effect::*, *};

    const BAD: StatusCode = StatusCode::BAD_REQUEST;

    fn v3(path: &str) -> Effect {
        Effect::of(Version::V3, &Method::POST, path)
    }

    fn v2(path: &str) -> Effect {
        Effect::of(Version::V2, &Method::POST, path)
    }

    #[test]
    fn tables_are_sorted() {
        assert!(ENDS.is_sorted() && EARLIER.is_sorted() && UNCERTAIN_FOR_PAYOUTS.is_sorted());
    }

    #[test]
    fn effect_follows_from_the_path() {
        for (effect, path) in [
            (Create, "/v3/pay/transactions/native"),
            (Create, "/v3/refund/domestic/refunds"),
            (Create, "/v3/payscore/serviceorder/x/complete"),
            (End, "/v3/pay/transactions/out-trade-no/x/close"),
            (End, "/v3/pay/partner/transactions/out-trade-no/x/reverse"),
            (End, "/v3/payscore/serviceorder/x/cancel"),
            (Payout, "/v3/fund-app/mch-transfer/transfer-bills"),
            (
                Payout,
                "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/x/cancel",
            ),
            (
                Payout,
                "/v3/platsolution/ecommerce/mch-transfer/compensate-bills",
            ),
            (Payout, "/v3/transfer/batches"),
            (Payout, "/v3/partner-transfer/batches"),
        ] {
            assert_eq!(v3(path), effect, "{path}");
            assert_eq!(Effect::of(Version::V3, &Method::GET, path), Read, "{path}");
        }
        for (effect, path) in [
            (Create, "/pay/unifiedorder"),
            (Create, "/pay/micropay"),
            (Create, "/secapi/pay/refund"),
            (Create, "/never/heard/of"),
            (End, "/pay/closeorder"),
            (End, "/secapi/pay/reverse"),
            (End, "/deposit/reverse"),
            (Payout, "/mmpaymkttransfers/promotion/transfers"),
            (Payout, "/mmpaysptrans/pay_bank"),
            (Read, "/mmpaymkttransfers/gettransferinfo"),
            (Read, "/pay/downloadbill"),
            (Read, "/pay/orderquery"),
        ] {
            assert_eq!(v2(path), effect, "{path}");
        }
    }

    #[test]
    fn rejection_needs_a_signature_or_401_403_429() {
        let code = ("PARAM_ERROR", "");
        assert_eq!(outcome_v3(Create, BAD, code, true), Outcome::Rejected);
        assert_eq!(outcome_v3(Create, BAD, code, false), Outcome::Unknown);
        assert_eq!(outcome_v3(Read, BAD, code, false), Outcome::Rejected);
        for status in [401, 403, 429] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                outcome_v3(Create, status, ("", ""), false),
                Outcome::Rejected
            );
        }
        for status in [200, 302, 500, 502] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(outcome_v3(Create, status, code, true), Outcome::Unknown);
        }
    }

    #[test]
    fn signed_body_without_a_code_is_unknown() {
        for status in [400, 401, 403, 404, 409, 429] {
            let status = StatusCode::from_u16(status).unwrap();
            for effect in [Create, End, Payout, Read] {
                assert_eq!(
                    outcome_v3(effect, status, ("", ""), true),
                    Outcome::Unknown,
                    "{status} {effect:?}"
                );
            }
        }
    }

    #[test]
    fn codes_about_an_earlier_request_are_unknown() {
        let invalid = "INVALID_REQUEST";
        for (code, message) in [
            ("ORDERPAID", ""),
            ("OUT_TRADE_NO_USED", ""),
            ("ORDERCLOSED", ""),
            ("ORDER_CLOSED", ""),
            ("ORDERREVERSED", ""),
            ("REFUND_FEE_MISMATCH", ""),
            (invalid, "201 商户订单号重复"),
            (invalid, "该单号已存在"),
            (invalid, "订单金额或退款金额与之前请求不一致，请核实后再试"),
            (invalid, "请求参数不一致"),
            (invalid, "订单已支付"),
        ] {
            for status in [400, 403] {
                let status = StatusCode::from_u16(status).unwrap();
                let of = |effect| outcome_v3(effect, status, (code, message), true);
                assert_eq!(of(Create), Outcome::Unknown, "{code} {message}");
                assert_eq!(of(Payout), Outcome::Unknown, "{code} {message}");
                assert_eq!(of(End), Outcome::Rejected, "{code} {message}");
                assert_eq!(of(Read), Outcome::Rejected, "{code} {message}");
            }
            assert_eq!(
                outcome_v3(Create, StatusCode::FORBIDDEN, (code, message), false),
                Outcome::Unknown
            );
            assert_eq!(outcome_v2(Create, code, message), Outcome::Unknown);
            assert_eq!(outcome_v2(Payout, code, message), Outcome::Unknown);
        }
        for code in ["ORDERPAID", "ORDERCLOSED", "ORDERREVERSED"] {
            assert_eq!(outcome_v2(End, code, ""), Outcome::Rejected, "{code}");
        }
        let other = (invalid, "无效的 appid");
        assert_eq!(outcome_v3(Create, BAD, other, true), Outcome::Rejected);
        assert_eq!(outcome_v2(Create, other.0, other.1), Outcome::Rejected);
    }

    #[test]
    fn payout_is_rejected_only_by_definite_codes() {
        for code in [
            "NOT_ENOUGH",
            "NOTENOUGH",
            "ALREADY_EXISTS",
            "FREQUENCY_LIMITED",
            "INVALID_REQUEST",
            "NEVER_HEARD_OF",
        ] {
            assert_eq!(
                outcome_v3(Payout, BAD, (code, ""), true),
                Outcome::Unknown,
                "{code}"
            );
            assert_eq!(outcome_v2(Payout, code, ""), Outcome::Unknown, "{code}");
        }
        for code in ["PARAM_ERROR", "NO_AUTH", "SIGN_ERROR", "NAME_MISMATCH"] {
            assert_eq!(
                outcome_v3(Payout, BAD, (code, ""), true),
                Outcome::Rejected,
                "{code}"
            );
            assert_eq!(outcome_v2(Payout, code, ""), Outcome::Rejected, "{code}");
        }
        let unsigned = |status: u16, code| {
            let status = StatusCode::from_u16(status).unwrap();
            outcome_v3(Payout, status, (code, ""), false)
        };
        assert_eq!(unsigned(401, "SIGN_ERROR"), Outcome::Rejected);
        assert_eq!(unsigned(403, ""), Outcome::Unknown);
        assert_eq!(unsigned(429, "RATELIMIT_EXCEEDED"), Outcome::Unknown);
        assert_eq!(unsigned(400, "PARAM_ERROR"), Outcome::Unknown);
        let forbidden = StatusCode::FORBIDDEN;
        assert_eq!(outcome_of_status(Payout, forbidden), Outcome::Unknown);
        assert_eq!(outcome_of_status(Create, forbidden), Outcome::Rejected);
    }

    #[test]
    fn apiv2_write_is_rejected_only_by_definite_codes() {
        for code in [
            "SYSTEMERROR",
            "BANKERROR",
            "USERPAYING",
            "BIZERR_NEED_RETRY",
            "ERROR",
            "PROCESSING",
            "FATAL_ERROR",
            "NOT_FOUND",
            "FAIL",
            "SUCCESS",
            "",
            "param_error",
            "NEVER_HEARD_OF",
            "20002",
        ] {
            assert_eq!(outcome_v2(Create, code, "失败"), Outcome::Unknown, "{code}");
        }
        assert_eq!(outcome_v2(Create, "NOTENOUGH", ""), Outcome::Rejected);
    }

    #[test]
    fn read_is_rejected_by_its_documented_codes() {
        for code in ["20001", "20002", "20007", "ORDERNOTEXIST", "ORDERCLOSED"] {
            assert_eq!(outcome_v2(Read, code, ""), Outcome::Rejected, "{code}");
        }
        // Two system errors, an undocumented code, and one that the query of a payout returns
        // while the payout is in progress.
        for code in ["20003", "20100", "SYSTEMERROR", "99999", "NOT_FOUND"] {
            assert_eq!(outcome_v2(Read, code, ""), Outcome::Unknown, "{code}");
        }
    }

    #[test]
    fn refused_sign_is_rejected_without_a_code() {
        for effect in [Create, Payout, Read] {
            let of = |code, message| outcome_v2(effect, code, message);
            assert_eq!(of("FAIL", "签名错误，请检查后再试"), Outcome::Rejected);
            assert_eq!(of("FAIL", "签名失败"), Outcome::Rejected);
            assert_eq!(of("FAIL", "系统繁忙"), Outcome::Unknown);
            assert_eq!(of("SYSTEMERROR", "签名错误"), Outcome::Unknown);
        }
    }
}
