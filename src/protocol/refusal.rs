//! What a refusal says of the money.
//!
//! "Rejected" tells a merchant that nothing happened, and that a new order number is safe. A
//! refusal says so only where its code speaks of this very request. "Order already paid" does not:
//! repeated after an unknown outcome, a payment is refused because the first request succeeded.

use http::{Method, StatusCode};

use super::{path::Version, v2};
use crate::error::Outcome;

/// What a request does, as far as the meaning of its refusal depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changes nothing, so neither does its refusal.
    Read,
    /// It creates something under a number that the merchant chose, or changes what stands there.
    Create,
    /// It closes, reverses or cancels what an earlier request created. A refusal that speaks of the
    /// earlier request answers this one.
    End,
    /// It sends money out. The documents advise to query after any failure and never to change the
    /// number, so only codes that are listed as definite prove anything.
    Payout,
}

/// Where money is paid out: APIv3 within a path, and at its beginning.
const PAYOUTS_WITHIN: &str = "/mch-transfer/";
const PAYOUTS: [&str; 6] = [
    "/mmpaymkttransfers/",
    "/mmpaysptrans/",
    "/v3/bank-transfer/batches",
    "/v3/partner-transfer/batches",
    "/v3/payroll-card/transfer-batches",
    "/v3/transfer/batches",
];

/// The last segments of the paths that end something.
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

/// The codes that refer to an earlier request under the same number, sorted.
const EARLIER: [&str; 6] = [
    "ORDERCLOSED",
    "ORDERPAID",
    "ORDERREVERSED",
    "ORDER_CLOSED",
    "OUT_TRADE_NO_USED",
    "REFUND_FEE_MISMATCH",
];

/// What an `INVALID_REQUEST` says where it refers to an earlier request: repeated, already exists,
/// the request before, inconsistent with it, already paid.
const EARLIER_WORDS: [&str; 5] = ["重复", "已存在", "之前请求", "不一致", "已支付"];

/// Definite elsewhere, and not for a payout, sorted: their pages ask for the same number again once
/// the balance or the rate allows it, and `INVALID_REQUEST` stands for too many things.
const UNCERTAIN_FOR_PAYOUTS: [&str; 5] = [
    "FREQUENCY_LIMITED",
    "FREQ_LIMIT",
    "INVALID_REQUEST",
    "INVALID_REQ_TOO_MUCH",
    "NOTENOUGH",
];

impl Effect {
    /// The effect of a request to `path`, which is without the base URI's own prefix, without `v2`
    /// and without the query.
    pub(crate) fn of(version: Version, method: &Method, path: &str) -> Self {
        let reads = match version {
            Version::V3 => method == Method::GET,
            // Most reads of APIv2 are a POST, so they are listed.
            Version::V2 => v2::paths::is_read(path),
        };
        let pays_out =
            || path.contains(PAYOUTS_WITHIN) || PAYOUTS.iter().any(|start| path.starts_with(start));
        let last = path.rsplit('/').next().unwrap_or_default();
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

    /// Whether a refusal with this code leaves it open what became of the money.
    fn leaves_open(self, code: &str, message: &str) -> bool {
        match self {
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

fn refers_to_earlier(code: &str, message: &str) -> bool {
    EARLIER.binary_search(&code).is_ok()
        || code == "INVALID_REQUEST" && EARLIER_WORDS.iter().any(|word| message.contains(word))
}

/// What an APIv3 response that is not a success says of its request.
pub(crate) fn outcome_v3(
    effect: Effect,
    status: StatusCode,
    (code, message): (&str, &str),
    verified: bool,
) -> Outcome {
    // The signature covers the body and not the status: under any other status, a body without a
    // code is a success.
    let contradicts_itself = verified && code.is_empty();
    let is_believed =
        verified || effect == Effect::Read || matches!(status.as_u16(), 401 | 403 | 429);
    if status.is_client_error()
        && is_believed
        && !contradicts_itself
        && !effect.leaves_open(code, message)
    {
        Outcome::Rejected
    } else {
        Outcome::Unknown
    }
}

/// What an APIv2 failure says of its request. HTTP says 200 then.
pub(crate) fn outcome_v2(effect: Effect, code: &str, message: &str) -> Outcome {
    let is_documented = v2::codes::is_definite(code)
        || effect == Effect::Read && v2::codes::is_definite_for_a_read(code);
    if is_sign_refused(code, message) || is_documented && !effect.leaves_open(code, message) {
        Outcome::Rejected
    } else {
        Outcome::Unknown
    }
}

/// What an HTTP error that APIv2 did not write says of its request.
pub(crate) fn outcome_of_status(effect: Effect, status: StatusCode) -> Outcome {
    let refused = matches!(status.as_u16(), 401 | 403 | 429) && effect != Effect::Payout;
    if refused || effect == Effect::Read && status.is_client_error() {
        Outcome::Rejected
    } else {
        Outcome::Unknown
    }
}

/// An APIv2 request whose sign does not match is refused before anything else; its `return_code`
/// is all the code there is.
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
    fn the_tables_are_sorted() {
        assert!(ENDS.is_sorted() && EARLIER.is_sorted() && UNCERTAIN_FOR_PAYOUTS.is_sorted());
    }

    #[test]
    fn an_effect_follows_from_the_operation() {
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
    fn a_refusal_needs_a_signature_or_a_status_that_stops_at_the_door() {
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
    fn a_signed_body_without_a_code_contradicts_its_status() {
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
    fn a_code_about_an_earlier_request_says_nothing_of_a_repeated_one() {
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
    fn a_payout_is_rejected_by_a_definite_code_alone() {
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
        let at_the_door = |status: u16, code| {
            let status = StatusCode::from_u16(status).unwrap();
            outcome_v3(Payout, status, (code, ""), false)
        };
        assert_eq!(at_the_door(401, "SIGN_ERROR"), Outcome::Rejected);
        assert_eq!(at_the_door(403, ""), Outcome::Unknown);
        assert_eq!(at_the_door(429, "RATELIMIT_EXCEEDED"), Outcome::Unknown);
        assert_eq!(at_the_door(400, "PARAM_ERROR"), Outcome::Unknown);
        let forbidden = StatusCode::FORBIDDEN;
        assert_eq!(outcome_of_status(Payout, forbidden), Outcome::Unknown);
        assert_eq!(outcome_of_status(Create, forbidden), Outcome::Rejected);
    }

    #[test]
    fn only_what_is_known_as_definite_rejects_an_apiv2_write() {
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
    fn a_read_is_rejected_by_its_documented_codes() {
        for code in ["20001", "20002", "20007", "ORDERNOTEXIST", "ORDERCLOSED"] {
            assert_eq!(outcome_v2(Read, code, ""), Outcome::Rejected, "{code}");
        }
        // A system error, an undocumented code, and one that a payout's query gives while the
        // payout is under way.
        for code in ["20003", "20100", "SYSTEMERROR", "99999", "NOT_FOUND"] {
            assert_eq!(outcome_v2(Read, code, ""), Outcome::Unknown, "{code}");
        }
    }

    #[test]
    fn a_refused_sign_is_definite_without_a_code() {
        for effect in [Create, Payout, Read] {
            let of = |code, message| outcome_v2(effect, code, message);
            assert_eq!(of("FAIL", "签名错误，请检查后再试"), Outcome::Rejected);
            assert_eq!(of("FAIL", "签名失败"), Outcome::Rejected);
            assert_eq!(of("FAIL", "系统繁忙"), Outcome::Unknown);
            assert_eq!(of("SYSTEMERROR", "签名错误"), Outcome::Unknown);
        }
    }
}
