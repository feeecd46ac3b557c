//! Why payments are refused, by the codes of both versions of the API.

use crate::sandbox::dispatch::refusal::Refusal;

pub(crate) fn paid() -> Refusal {
    Refusal::new(400, "ORDERPAID", "ORDERPAID", "该订单已支付")
}

pub(crate) fn closed() -> Refusal {
    Refusal::new(400, "ORDER_CLOSED", "ORDERCLOSED", "订单已关闭")
}

pub(crate) fn revoked() -> Refusal {
    Refusal::new(400, "ORDER_REVERSED", "ORDERREVERSED", "订单已撤销")
}

pub(crate) fn pay_error() -> Refusal {
    Refusal::new(
        400,
        "TRADE_ERROR",
        "TRADE_ERROR",
        "支付失败，请更换商户订单号重新下单",
    )
}

pub(crate) fn user_paying() -> Refusal {
    Refusal::new(400, "USERPAYING", "USERPAYING", "需要用户输入支付密码")
}

pub(crate) fn number_used() -> Refusal {
    Refusal::new(
        403,
        "OUT_TRADE_NO_USED",
        "OUT_TRADE_NO_USED",
        "商户订单号重复：请求重入时，参数与首次请求时不一致",
    )
}

pub(crate) fn not_found() -> Refusal {
    Refusal::new(404, "ORDER_NOT_EXIST", "ORDERNOTEXIST", "订单不存在")
}

pub(crate) fn prepaid_expired() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "TRADE_OVERDUE",
        "二维码已过期，请重新下单 (a prepay_id or code_url expires after 2 hours)",
    )
}

pub(crate) fn overdue() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "TRADE_OVERDUE",
        "订单已过期 (time_expire has passed)",
    )
}

pub(crate) fn does_not_expire() -> Refusal {
    Refusal::invalid_request("a code payment and a deduction do not expire: let them fail")
}

pub(crate) fn other_payer() -> Refusal {
    Refusal::new(
        400,
        "OPENID_MISMATCH",
        "INVALID_REQUEST",
        "openid和下单时的支付者不匹配",
    )
}

pub(crate) fn part_of_combined() -> Refusal {
    Refusal::invalid_request("订单属于合单，请通过合单操作 (the order is part of a combined one)")
}

pub(crate) fn invalid_auth_code() -> Refusal {
    Refusal::new(
        400,
        "PARAM_ERROR",
        "AUTH_CODE_INVALID",
        "付款码无效: an auth_code has 18 digits and begins with 10 to 15",
    )
}

pub(crate) fn auth_code_used() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "AUTHCODEEXPIRE",
        "付款码已过期，请用户在微信上刷新付款码 (an auth_code pays once)",
    )
}

pub(crate) fn not_reversible() -> Refusal {
    Refusal::invalid_request(
        "订单不支持撤销 (only code payments of the last 7 days without refunds)",
    )
}

pub(crate) fn too_many_orders() -> Refusal {
    Refusal::new(
        429,
        "RATELIMIT_EXCEEDED",
        "FREQUENCY_LIMITED",
        "the sandbox keeps 10,000 orders of a merchant, and all of them hold money",
    )
}

pub(crate) fn not_waiting() -> Refusal {
    Refusal::invalid_request("the order does not wait for a password")
}

pub(crate) fn customer_has_too_little() -> Refusal {
    Refusal::new(403, "NOT_ENOUGH", "NOTENOUGH", "用户账户余额不足")
}

pub(crate) fn other_parts() -> Refusal {
    Refusal::invalid_request(
        "子单信息与下单时不一致 (sub_orders must name all parts of the order, and no others)",
    )
}

pub(crate) fn not_a_sub_merchant() -> Refusal {
    Refusal::new(
        403,
        "NO_AUTH",
        "NOAUTH",
        "特约子商户商户号未授权服务商的产品权限",
    )
}
