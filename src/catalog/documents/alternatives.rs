//! Required fields of which one replaces others.
//!
//! A page marks each of them as required, and says in its text that one is enough. A table cannot say it.

use super::field::{Field, Fields};

/// One of each group is enough, in an object that requires all of the group.
const ONE_OF: [&[&str]; 3] = [
    &["transaction_id", "out_trade_no"],
    // "四选一" of the query of refunds: https://pay.weixin.qq.com/wiki/doc/api/jsapi.php?chapter=9_5
    &[
        "refund_id",
        "out_refund_no",
        "transaction_id",
        "out_trade_no",
    ],
    // The query of a customs declaration.
    &[
        "transaction_id",
        "out_trade_no",
        "sub_order_no",
        "sub_order_id",
    ],
];

/// The two forms of overseas operations: "仅适用于直连模式" and "仅适用于机构模式", as in
/// https://pay.weixin.qq.com/wiki/doc/api/wxpay/ch/fusion_wallet_ch/In-AppPay/chapter8_4.shtml
const DIRECT: [&str; 2] = ["mchid", "appid"];
const INSTITUTION: [&str; 3] = ["sp_mchid", "sp_appid", "sub_mchid"];

/// Returns `true` if an absent required field is replaced by another one that is given.
pub(crate) fn is_replaced(field: &Field, fields: Fields, is_given: impl Fn(&str) -> bool) -> bool {
    let name = field.name();
    let requires = |name: &&str| fields.get(name).is_some_and(|field| field.is_required());
    let is_one_of = ONE_OF.iter().any(|group| {
        group.contains(&name)
            && group.iter().all(&requires)
            && group.iter().any(|name| is_given(name))
    });
    let has_forms = || requires(&DIRECT[0]) && requires(&INSTITUTION[0]);
    is_one_of
        || DIRECT.contains(&name) && has_forms() && is_given(INSTITUTION[0])
        || INSTITUTION.contains(&name) && has_forms() && is_given(DIRECT[0])
}
