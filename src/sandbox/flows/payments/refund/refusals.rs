//! Why refunds are refused, by the codes of both versions of the API.

use crate::sandbox::dispatch::refusal::Refusal;

pub(crate) fn no_refund() -> Refusal {
    Refusal::new(404, "RESOURCE_NOT_EXISTS", "REFUNDNOTEXIST", "退款单不存在")
}

pub(crate) fn no_order_to_refund() -> Refusal {
    Refusal::new(
        404,
        "RESOURCE_NOT_EXISTS",
        "INVALID_TRANSACTIONID",
        "订单不存在",
    )
}

pub(crate) fn refund_number_used() -> Refusal {
    Refusal::invalid_request("订单金额或退款金额与之前请求不一致，请核实后再试")
}

pub(crate) fn not_paid() -> Refusal {
    Refusal::new(
        404,
        "RESOURCE_NOT_EXISTS",
        "TRADE_STATE_ERROR",
        "原订单不存在",
    )
}

pub(crate) fn other_total() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "REFUND_FEE_MISMATCH",
        "订单金额或退款金额与之前请求不一致，请核实后再试",
    )
}

pub(crate) fn all_refunded() -> Refusal {
    Refusal::invalid_request("订单已全额退款")
}

pub(crate) fn not_enough_to_refund() -> Refusal {
    Refusal::new(
        403,
        "NOT_ENOUGH",
        "NOTENOUGH",
        "基本账户余额不足，请充值后重新发起",
    )
}

pub(crate) fn more_than_paid() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "REFUND_FEE_INVALID",
        "申请退款金额大于订单剩余可退金额",
    )
}

pub(crate) fn too_many_refunds() -> Refusal {
    Refusal::invalid_request("一笔订单最多支持50次部分退款")
}

pub(crate) fn too_old_to_refund() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "TRADE_OVERDUE",
        "订单已超过可退款的最大期限",
    )
}

pub(crate) fn refund_not_abnormal() -> Refusal {
    Refusal::invalid_request("退款单状态不是退款异常")
}

pub(crate) fn refund_finished() -> Refusal {
    Refusal::invalid_request("the refund is not PROCESSING")
}
