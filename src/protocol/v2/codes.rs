//! The error codes of APIv2 that definitely refuse a request.

/// The codes whose pages say that the request was refused and had no effect, sorted.
///
/// A code that is not listed counts as `Unknown`, so a missing entry costs a query, while a wrong one
/// could cost a second payment. Not listed, because they leave the result open: `SYSTEMERROR`,
/// `BANKERROR`, `USERPAYING`, `BIZERR_NEED_RETRY`, `ERROR`, `PROCESSING`, `FATAL_ERROR`, and
/// `NOT_FOUND`, which the query of a payout also returns while the payout is in progress.
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

/// The numeric codes of bill downloads that refuse definitely: an invalid parameter, no bill (yet),
/// no permission. The other two, 20003 and 20100, are system errors.
const DEFINITE_FOR_READS: [&str; 3] = ["20001", "20002", "20007"];

/// Returns whether the code says that the request was refused and had no effect.
pub(crate) fn is_definite(code: &str) -> bool {
    DEFINITE.binary_search(&code).is_ok()
}

/// Returns whether the code, in addition to those of [`is_definite`], refuses a read.
pub(crate) fn is_definite_for_read(code: &str) -> bool {
    DEFINITE_FOR_READS.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_found() {
        assert!(DEFINITE.is_sorted());
        assert!(is_definite("PARAM_ERROR") && !is_definite("SYSTEMERROR"));
    }
}
