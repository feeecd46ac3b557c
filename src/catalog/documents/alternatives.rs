//! Required fields that others replace, or that only some merchants send.
//!
//! A page marks them as required, and says in its text when they are not. A table cannot say it.

use super::field::{Field, Fields};

/// One of each group is enough, in an object that requires all of the group.
const ONE_OF: [&[&str]; 2] = [
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

/// One of each pair is enough, even where the table requires one and not the other.
const PAIRS: [[&str; 2]; 3] = [
    // "transaction_id、out_trade_no二选一": of a reversal and a platform's refund too.
    ["transaction_id", "out_trade_no"],
    // The user's ID at the service provider or at its merchant: "sp_openid or sub_openid must set", as in
    // https://github.com/wechatpay-apiv3/wechatpay-go services/partnerpayments/jsapi/models.go
    ["sp_openid", "sub_openid"],
    // "主体为个体户/企业，必填" and "主体为政府机关/事业单位/其他组织时，必填": of an application for a merchant.
    LICENSES,
];

/// What an application proves its merchant with. A merchant without a registration has neither, but this:
/// "主体类型为小微商户时，必填".
const LICENSES: [&str; 2] = ["business_license_info", "certificate_info"];
const UNREGISTERED: &str = "micro_biz_info";

/// A store that is named by its ID needs none of these: `StoreInfo`, as in
/// https://github.com/wechatpay-apiv3/wechatpay-go services/partnerpayments/jsapi/models.go
const OF_A_STORE: [&str; 3] = ["name", "area_code", "address"];

/// Fields that depend on a value or on the merchant, in the objects that have the second field as well.
const CONDITIONAL: [(&str, &str); 7] = [
    // Required from 2,000 yuan, and refused below 0.3 yuan: "明细转账金额<0.3元时，不允许填写收款用户姓名".
    ("user_name", "out_detail_no"),
    // A platform's refund, as `CreateRefundRequest` in
    // https://github.com/wechatpay-apiv3/wechatpay-go services/ecommerce/refund/models.go
    ("combine_transaction_id", "refund_account"),
    ("funds_account", "refund_account"),
    // Parking is documented for service providers, and direct merchants have it too: "服务商模式下必传" and
    // "服务商模式下选传", as in
    // https://github.com/wechatpay-apiv3/wechatpay-go services/wexinpayscoreparking/models.go
    ("sub_mchid", "plate_number"),
    ("sub_mchid", "parking_info"),
    ("sub_appid", "parking_info"),
    // Of coupons: "需要指定领取后延时生效可选填", as `CouponRule` in
    // https://github.com/wechatpay-apiv3/wechatpay-go services/cashcoupons/models.go
    ("coupon_available_time", "limit_pay"),
];

/// The two forms of overseas operations: "仅适用于直连模式" and "仅适用于机构模式", as in
/// https://pay.weixin.qq.com/wiki/doc/api/wxpay/ch/fusion_wallet_ch/In-AppPay/chapter8_4.shtml
const DIRECT: [&str; 2] = ["mchid", "appid"];
const INSTITUTION: [&str; 3] = ["sp_mchid", "sp_appid", "sub_mchid"];

/// Returns `true` if a required field of `fields` may be absent: another one that is given replaces it, or
/// only some merchants send it.
pub(crate) fn may_be_absent(
    field: &Field,
    fields: Fields,
    is_given: impl Fn(&str) -> bool,
) -> bool {
    let name = field.name();
    let documents = |name: &str| fields.get(name).is_some();
    let requires = |name: &str| fields.get(name).is_some_and(|field| field.is_required());
    let is_one_of = ONE_OF.iter().any(|group| {
        group.contains(&name)
            && group.iter().all(|name| requires(name))
            && group.iter().any(|name| is_given(name))
    });
    let is_of_pair = PAIRS.iter().any(|pair| {
        pair.contains(&name)
            && pair.iter().all(|name| documents(name))
            && pair.iter().any(|name| is_given(name))
    });
    let is_of_store = || OF_A_STORE.contains(&name) && documents("address") && is_given("id");
    let is_conditional = || {
        let mut conditional = CONDITIONAL.iter();
        conditional.any(|(field, with)| *field == name && documents(with))
    };
    let is_unregistered =
        || LICENSES.contains(&name) && documents(UNREGISTERED) && is_given(UNREGISTERED);
    // A combined order names a merchant for each of its orders. "直连商户不用传二级商户号".
    let is_own_order = || {
        name == "sub_mchid"
            && requires(DIRECT[0])
            && !documents(INSTITUTION[0])
            && documents("settle_info")
    };
    let has_forms = || requires(DIRECT[0]) && requires(INSTITUTION[0]);
    is_one_of
        || is_of_pair
        || is_of_store()
        || is_conditional()
        || is_own_order()
        || is_unregistered()
        || DIRECT.contains(&name) && has_forms() && is_given(INSTITUTION[0])
        || INSTITUTION.contains(&name) && has_forms() && is_given(DIRECT[0])
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::catalog;

    #[test]
    fn field_that_only_some_merchants_send_may_be_absent() {
        for (path, object, name, expected) in [
            ("v3/vehicle/parking/parkings", "json", "sub_mchid", true),
            ("v3/vehicle/parking/parkings", "json", "plate_number", false),
            ("v3/vehicle/transactions/parking", "json", "sub_mchid", true),
            ("v3/vehicle/transactions/parking", "json", "sub_appid", true),
            ("v3/vehicle/transactions/parking", "json", "appid", false),
            (
                "v3/pay/partner/transactions/jsapi",
                "json",
                "sub_mchid",
                false,
            ),
            (
                "v3/marketing/favor/coupon-stocks",
                "json/coupon_use_rule",
                "coupon_available_time",
                true,
            ),
            ("v3/marketing/favor/coupon-stocks", "json", "no_cash", false),
            (
                "v3/marketing/busifavor/stocks",
                "json/coupon_use_rule",
                "coupon_available_time",
                false,
            ),
        ] {
            let op = catalog::find(&Method::POST, path).unwrap();
            let inner = |fields: Fields, name| fields.get(name).unwrap().fields();
            let fields = object.split('/').fold(op.request(), inner);
            let field = fields.get(name).unwrap();
            assert!(field.is_required(), "{path} {name}");
            let absent = may_be_absent(&field, fields, |given| given != name);
            assert_eq!(absent, expected, "{path} {name}");
        }
    }
}
