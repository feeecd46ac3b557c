//! The operations of APIv2 that are documented exceptions, by their paths without the host and
//! without `v2`.
//!
//! They are looked up with the path of the request. Anything that is not listed follows the strict
//! rule: signed, with a nonce, a write.

/// The operations whose responses are unsigned, sorted.
const UNSIGNED: [&str; 26] = [
    "/appauth/getaccesstoken",
    "/billcommentsp/batchquerycomment",
    "/mchrisk/querymchrisk",
    "/mchrisk/setmchriskcallback",
    "/mchrisk/syncmchriskresult",
    "/mmpaymkttransfers/gethbinfo",
    "/mmpaymkttransfers/gettransferinfo",
    "/mmpaymkttransfers/promotion/paywwsptrans2pocket",
    "/mmpaymkttransfers/promotion/querywwsptrans2pocket",
    "/mmpaymkttransfers/promotion/transfers",
    "/mmpaymkttransfers/sendgroupredpack",
    "/mmpaymkttransfers/sendminiprogramhb",
    "/mmpaymkttransfers/sendredpack",
    "/mmpaysptrans/pay_bank",
    "/mmpaysptrans/query_bank",
    "/papay/entrustweb",
    "/papay/h5entrustweb",
    "/papay/partner/entrustweb",
    "/papay/partner/h5entrustweb",
    "/pay/downloadbill",
    "/pay/downloadfundflow",
    "/payitil/report",
    "/risk/getpublickey",
    "/risk/getviolation",
    "/secapi/mch/submchmanage",
    "/xdc/apiv2getsignkey/sign/getsignkey",
];

/// The operations whose requests are documented without `nonce_str`, sorted.
const NONCELESS: [&str; 19] = [
    "/cgi-bin/mch/customs/customdeclareorder",
    "/cgi-bin/mch/customs/customdeclarequery",
    "/cgi-bin/mch/newcustoms/customdeclareredeclare",
    "/papay/deletecontract",
    "/papay/h5entrustweb",
    "/papay/partner/deletecontract",
    "/papay/partner/h5entrustweb",
    "/papay/partner/preentrustweb",
    "/papay/partner/querycontract",
    "/papay/preentrustweb",
    "/papay/querycontract",
    "/pay/queryexchagerate",
    "/secapi/mch/addInstitutionsub",
    "/secapi/mch/addsubdevconfig",
    "/secapi/mch/channelsetting",
    "/secapi/mch/modifyInstitutionsub",
    "/secapi/mch/modifymchinfo",
    "/secapi/mch/queryInstitutionsub",
    "/secapi/mch/querysubdevconfig",
];

/// The operations that require the merchant's API certificate, sorted.
const WITH_CERTIFICATE: [&str; 57] = [
    "/applyment/micro/getstate",
    "/applyment/micro/getupgradestate",
    "/applyment/micro/modifyarchives",
    "/applyment/micro/modifycontactinfo",
    "/applyment/micro/signcontract",
    "/applyment/micro/submit",
    "/applyment/micro/submitupgrade",
    "/billcommentsp/batchquerycomment",
    "/deposit/consume",
    "/deposit/refund",
    "/deposit/reverse",
    "/fund/queryautowithdrawbydate",
    "/fund/reautowithdrawbydate",
    "/mchrisk/querymchrisk",
    "/mchrisk/syncmchriskresult",
    "/mmpaymkttransfers/gethbinfo",
    "/mmpaymkttransfers/gettransferinfo",
    "/mmpaymkttransfers/promotion/paywwsptrans2pocket",
    "/mmpaymkttransfers/promotion/querywwsptrans2pocket",
    "/mmpaymkttransfers/promotion/transfers",
    "/mmpaymkttransfers/queryworkwxredpack",
    "/mmpaymkttransfers/send_coupon",
    "/mmpaymkttransfers/sendgroupredpack",
    "/mmpaymkttransfers/sendminiprogramhb",
    "/mmpaymkttransfers/sendredpack",
    "/mmpaymkttransfers/sendworkwxredpack",
    "/mmpaysptrans/pay_bank",
    "/mmpaysptrans/query_bank",
    "/pay/downloadfundflow",
    "/risk/getpublickey",
    "/risk/getviolation",
    "/secapi/mch/addInstitutionsub",
    "/secapi/mch/addsubdevconfig",
    "/secapi/mch/channelsetting",
    "/secapi/mch/modifyInstitutionsub",
    "/secapi/mch/modifymchinfo",
    "/secapi/mch/queryInstitutionsub",
    "/secapi/mch/querysubdevconfig",
    "/secapi/mch/submchmanage",
    "/secapi/mch/uploadmedia",
    "/secapi/mkt/addrecommendconf",
    "/secapi/pay/facepayreverse",
    "/secapi/pay/multiprofitsharing",
    "/secapi/pay/profitsharing",
    "/secapi/pay/profitsharingfinish",
    "/secapi/pay/profitsharingreturn",
    "/secapi/pay/refund",
    "/secapi/pay/refundv2",
    "/secapi/pay/reverse",
    "/wxv/cancelbill",
    "/wxv/changerentmoney",
    "/wxv/createhotelbill",
    "/wxv/createrentbill",
    "/wxv/finishhotelbill",
    "/wxv/finishrentbill",
    "/wxv/queryhotelbill",
    "/wxv/queryrentbill",
];

/// The operations that change nothing, sorted. A write that is listed here by mistake would be
/// reported as `Rejected` when it may have happened, so only certain ones are listed.
const READS: [&str; 51] = [
    "/appauth/getaccesstoken",
    "/applyment/micro/getstate",
    "/applyment/micro/getupgradestate",
    "/billcommentsp/batchquerycomment",
    "/cgi-bin/mch/customs/customdeclarequery",
    "/deposit/orderquery",
    "/deposit/refundquery",
    "/fund/queryautowithdrawbydate",
    "/mchrisk/bankquerymchauditinfo",
    "/mchrisk/channelquerymchauditinfo",
    "/mchrisk/querymchrisk",
    "/mmpaymkttransfers/gethbinfo",
    "/mmpaymkttransfers/gettransferinfo",
    "/mmpaymkttransfers/promotion/querywwsptrans2pocket",
    "/mmpaymkttransfers/query_coupon_stock",
    "/mmpaymkttransfers/querycouponsinfo",
    "/mmpaymkttransfers/queryworkwxredpack",
    "/mmpaysptrans/query_bank",
    "/papay/partner/querycontract",
    "/papay/querycontract",
    "/pay/downloadbill",
    "/pay/downloadfundflow",
    "/pay/facepayquery",
    "/pay/orderquery",
    "/pay/paporderquery",
    "/pay/partner/paporderquery",
    "/pay/profitsharingmerchantratioquery",
    "/pay/profitsharingorderamountquery",
    "/pay/profitsharingquery",
    "/pay/profitsharingreturnquery",
    "/pay/querycombinedorder",
    "/pay/queryexchagerate",
    "/pay/refundquery",
    "/pay/refundqueryv2",
    "/pay/settlementquery",
    "/risk/getcertficates",
    "/risk/getpublickey",
    "/risk/getviolation",
    "/secapi/mch/queryInstitutionsub",
    "/secapi/mch/querysubdevconfig",
    "/tools/authcodetoopenid",
    "/transit/partnerpay/queryorder",
    "/transit/partnerpay/querystate",
    "/transit/pay/querystate",
    "/transit/queryorder",
    "/vehicle/partnerpay/querystate",
    "/vehicle/pay/querystate",
    "/wxv/queryhotelbill",
    "/wxv/queryrentbill",
    "/xdc/apiv2getsignkey/sign/getsignkey",
    "/xdc/apiv2sandbox/pay/orderquery",
];

/// The kind of a response that is not XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseKind {
    /// A table as text, possibly compressed. A failure is XML.
    Table,
    /// JSON, including failures.
    Json,
    /// An HTML page for a browser.
    Page,
}

/// Returns whether the responses of `path` are unsigned.
pub(crate) fn is_unsigned(path: &str) -> bool {
    UNSIGNED.binary_search(&path).is_ok()
}

/// Returns whether requests to `path` are documented without `nonce_str`.
pub(crate) fn is_nonceless(path: &str) -> bool {
    NONCELESS.binary_search(&path).is_ok()
}

/// Returns whether requests to `path` change nothing.
pub(crate) fn is_read(path: &str) -> bool {
    READS.binary_search(&path).is_ok()
}

/// Returns whether `path` requires the merchant's API certificate.
pub(crate) fn needs_certificate(path: &str) -> bool {
    WITH_CERTIFICATE.binary_search(&path).is_ok()
}

/// Returns the kind of the successes of `path` if they are not XML.
pub(crate) fn response_kind(path: &str) -> Option<ResponseKind> {
    match path {
        "/appauth/getaccesstoken" => Some(ResponseKind::Json),
        "/billcommentsp/batchquerycomment" | "/pay/downloadbill" | "/pay/downloadfundflow" => {
            Some(ResponseKind::Table)
        }
        "/papay/entrustweb" | "/papay/partner/entrustweb" => Some(ResponseKind::Page),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_sorted_and_found() {
        assert!(UNSIGNED.is_sorted());
        assert!(NONCELESS.is_sorted());
        assert!(READS.is_sorted());
        assert!(READS.iter().all(|path| is_read(path)));
        assert!(UNSIGNED.iter().all(|path| is_unsigned(path)));
        assert!(NONCELESS.iter().all(|path| is_nonceless(path)));
        for path in [
            "/pay/unifiedorder",
            "/pay/downloadbill/",
            "pay/downloadbill",
            "",
        ] {
            assert!(!is_unsigned(path) && !is_nonceless(path) && response_kind(path).is_none());
        }
    }

    #[test]
    fn responses_other_than_xml_are_unsigned() {
        let unsigned = UNSIGNED
            .iter()
            .filter(|path| response_kind(path).is_some())
            .count();
        assert_eq!(unsigned, 6);
    }
}
