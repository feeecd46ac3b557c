//! Why coupons of merchants are refused.
//!
//! The documents list few codes for them. What is not said to be seen elsewhere is a guess: the code of the
//! same case of WeChat Pay's own coupons, or `INVALID_REQUEST`.

use crate::sandbox::dispatch::refusal::Refusal;

fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    // None of them has an operation of APIv2.
    Refusal::new(status, code, code, message.into())
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    refusal(400, "INVALID_REQUEST", message)
}

pub(super) fn no_stock() -> Refusal {
    refusal(404, "RESOURCE_NOT_EXISTS", "批次不存在")
}

pub(super) fn no_coupon() -> Refusal {
    refusal(404, "RESOURCE_NOT_EXISTS", "券不存在")
}

pub(super) fn no_receipt() -> Refusal {
    refusal(404, "RESOURCE_NOT_EXISTS", "单据不存在")
}

pub(super) fn no_transaction() -> Refusal {
    refusal(404, "RESOURCE_NOT_EXISTS", "支付订单或退款单不存在")
}

// In published lists of errors.
pub(super) fn other_stock() -> Refusal {
    let message = "创建请求重入，但本次请求与上次请求信息不一致";
    refusal(400, "RESOURCE_ALREADY_EXISTS", message)
}

pub(super) fn other_request() -> Refusal {
    invalid("请求单号重复，本次请求与之前请求信息不一致")
}

// As seen on the wire.
pub(super) fn wrong_merchant() -> Refusal {
    invalid("商户票据校验失败")
}

// As seen on the wire.
pub(super) fn wrong_mode() -> Refusal {
    invalid("发券模式不合法")
}

pub(super) fn not_yours() -> Refusal {
    refusal(403, "NO_AUTH", "商户无权操作该批次")
}

pub(super) fn not_its_time() -> Refusal {
    refusal(403, "REQUEST_BLOCKED", "活动未开始或已结束")
}

pub(super) fn budget_used() -> Refusal {
    refusal(403, "NOT_ENOUGH", "批次预算不足")
}

pub(super) fn user_limit() -> Refusal {
    refusal(403, "RULE_LIMIT", "用户领取已经达到上限")
}

pub(super) fn wrong_state(state: &str) -> Refusal {
    invalid(format!("券状态不支持该操作: the coupon is {state}"))
}

pub(super) fn not_enough() -> Refusal {
    refusal(403, "NOT_ENOUGH", "商户账户余额不足")
}
