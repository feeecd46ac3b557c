//! What an APIv2 failure's code says of the request.

use crate::error::Outcome;

/// The codes whose pages say that the request was refused and nothing came of it, sorted. They
/// speak of this request: `ORDERPAID` is a refusal because an earlier one under the same number
/// was paid. What says that, or nothing certain, is left out: `SYSTEMERROR`, `BANKERROR`,
/// `USERPAYING`, `BIZERR_NEED_RETRY`, `ERROR`, `PROCESSING`, `FATAL_ERROR`, and `NOT_FOUND`, which
/// a payout's query answers also while the payout is under way.
const DEFINITE: [&str; 60] = [
    "ACCOUNTERROR",
    "AMOUNT_LIMIT",
    "API_METHOD_CLOSED",
    "APPID_MCHID_NOT_MATCH",
    "APPID_NOT_EXIST",
    "AUTHCODEEXPIRE",
    "AUTH_CODE_ERROR",
    "AUTH_CODE_INVALID",
    "BUYER_MISMATCH",
    "CA_ERROR",
    "CERT_ERROR",
    "CONTRACT_NOT_EXIST",
    "FREQUENCY_LIMITED",
    "FREQ_LIMIT",
    "ILLEGAL_APPID",
    "INVALID_REQUEST",
    "INVALID_REQ_TOO_MUCH",
    "INVALID_TRANSACTIONID",
    "LACK_PARAMS",
    "MCHID_NOT_EXIST",
    "MONEY_LIMIT",
    "MSGAPPID_ERROR",
    "NAME_MISMATCH",
    "NOAUTH",
    "NOTENOUGH",
    "NOTSUPORTCARD",
    "NOT_SHARE_ORDER",
    "NOT_UTF8",
    "NO_AUTH",
    "OPENID_ERROR",
    "OPENID_MISMATCH",
    "ORDERCLOSED",
    "ORDERNOTEXIST",
    "ORDERPAID",
    "ORDERREVERSED",
    "ORDER_NOT_READY",
    "OUT_TRADE_NO_USED",
    "PARAM_ERROR",
    "PARAM_IS_NOT_UTF8",
    "PAY_CHANNEL_NOT_ALLOWED",
    "POST_DATA_EMPTY",
    "RCVDAMOUNT_LIMIT",
    "RECEIVER_INVALID",
    "RECV_ACCOUNT_NOT_ALLOWED",
    "REFUNDNOTEXIST",
    "REQUIRE_POST_METHOD",
    "REVERSE_EXPIRE",
    "RULELIMIT",
    "SENDAMOUNT_LIMIT",
    "SENDNUM_LIMIT",
    "SEND_FAILED",
    "SIGNERROR",
    "SIGN_ERROR",
    "TRADE_ERROR",
    "TRADE_OVERDUE",
    "USER_ACCOUNT_ABNORMAL",
    "USER_NOT_EXIST",
    "V2_ACCOUNT_SIMPLE_BAN",
    "XML_ERROR",
    "XML_FORMAT_ERROR",
];

/// Where money is paid out. These pages ask for the same number again once the account is topped
/// up, and in a burst: a new number may pay twice.
const PAYOUTS: [&str; 2] = ["/mmpaymkttransfers/", "/mmpaysptrans/"];
const PAYOUTS_UNCERTAIN: [&str; 2] = ["FREQ_LIMIT", "NOTENOUGH"];

/// What became of a request to `path` that failed with this code and message.
pub(crate) fn outcome(path: &str, code: &str, message: &str) -> Outcome {
    let payout = PAYOUTS.iter().any(|prefix| path.starts_with(prefix));
    let definite =
        DEFINITE.binary_search(&code).is_ok() && !(payout && PAYOUTS_UNCERTAIN.contains(&code));
    if definite || is_sign_refused(code, message) {
        Outcome::Rejected
    } else {
        Outcome::Unknown
    }
}

/// A request whose sign does not match is refused before anything else; its `return_code` is all
/// the code there is.
fn is_sign_refused(code: &str, message: &str) -> bool {
    code == "FAIL" && (message.starts_with("签名错误") || message.starts_with("签名失败"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAY: &str = "/pay/micropay";
    const TRANSFER: &str = "/mmpaymkttransfers/promotion/transfers";

    #[test]
    fn only_what_is_known_as_definite_is_a_rejection() {
        assert!(DEFINITE.is_sorted());
        for code in DEFINITE {
            assert_eq!(outcome(PAY, code, ""), Outcome::Rejected, "{code}");
        }
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
        ] {
            assert_eq!(outcome(PAY, code, "失败"), Outcome::Unknown, "{code}");
        }
    }

    #[test]
    fn a_payout_is_repeated_under_its_number() {
        for code in ["NOTENOUGH", "FREQ_LIMIT", "SYSTEMERROR"] {
            assert_eq!(outcome(TRANSFER, code, ""), Outcome::Unknown);
        }
        assert_eq!(outcome(TRANSFER, "NAME_MISMATCH", ""), Outcome::Rejected);
    }

    #[test]
    fn a_refused_sign_is_definite_without_a_code() {
        assert_eq!(
            outcome(PAY, "FAIL", "签名错误，请检查后再试"),
            Outcome::Rejected
        );
        assert_eq!(outcome(PAY, "FAIL", "签名失败"), Outcome::Rejected);
        assert_eq!(outcome(PAY, "FAIL", "系统繁忙"), Outcome::Unknown);
        assert_eq!(outcome(PAY, "SYSTEMERROR", "签名错误"), Outcome::Unknown);
    }
}
