//! Why coupons are refused, by the codes of both versions of the API.
//!
//! The codes and texts are those of the documents' list of errors, if not said otherwise.

use crate::sandbox::dispatch::refusal::Refusal;

pub(super) fn no_stock() -> Refusal {
    Refusal::new(
        404,
        "RESOURCE_NOT_EXISTS",
        "COUPON_STOCK_NOT_FOUND",
        "批次不存在",
    )
}

pub(super) fn no_coupon() -> Refusal {
    Refusal::new(404, "RESOURCE_NOT_EXISTS", "COUPON_NOT_FOUND", "券不存在")
}

pub(super) fn not_yours() -> Refusal {
    Refusal::new(403, "REQUEST_BLOCKED", "CODE_2_ID_ERR", "商户无权发券")
}

pub(super) fn no_permission() -> Refusal {
    Refusal::new(403, "REQUEST_BLOCKED", "NOAUTH", "调用商户无权限")
}

pub(super) fn other_stock() -> Refusal {
    Refusal::new(
        400,
        "RESOURCE_ALREADY_EXISTS",
        "INVALID_REQUEST",
        "创建请求重入，但本次请求与上次请求信息不一致",
    )
}

// A guess: no list has a code for it.
pub(super) fn other_coupon() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "INVALID_REQUEST",
        "发券凭据号重复，本次请求与之前请求信息不一致",
    )
}

// As seen on the wire.
pub(super) fn wrong_budget() -> Refusal {
    Refusal::new(
        400,
        "PARAM_ERROR",
        "PARAM_ERROR",
        "批次预算等于批次面额乘以发券数",
    )
}

pub(super) fn wrong_state(state: &str) -> Refusal {
    Refusal::new(
        400,
        "PARAM_ERROR",
        "PARAM_ERROR",
        format!("非法的批次状态: the stock is {state}"),
    )
}

pub(super) fn not_running() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "STOCK_IS_NOT_VALID",
        "活动已结束或未激活",
    )
}

// A guess, like `other_coupon`.
pub(super) fn not_for_goods() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "INVALID_REQUEST",
        "批次不支持修改可用单品: it must be made for goods, and be for 1 to 500 of them",
    )
}

// From a published SDK's list.
pub(super) fn not_its_time() -> Refusal {
    Refusal::new(
        403,
        "REQUEST_BLOCKED",
        "AL_STOCK_OVER",
        "活动未开始或已结束",
    )
}

pub(super) fn budget_used() -> Refusal {
    Refusal::new(403, "NOT_ENOUGH", "STOCK_AMOUNT_NOT_ENOUGH", "批次预算不足")
}

pub(super) fn user_limit() -> Refusal {
    Refusal::new(
        403,
        "REQUEST_BLOCKED",
        "USER_AL_GET_COUPON",
        "用户被限领拦截",
    )
}

// A guess: of the funds that a started stock needs, the documents only say that they must be there.
pub(super) fn no_funds() -> Refusal {
    Refusal::new(
        403,
        "NOT_ENOUGH",
        "NOTENOUGH",
        "商户账户余额不足: a stock with funds sets its max_amount aside when it starts",
    )
}

/// A coupon that does not fit its order. Only the handle sees it: on a phone, WeChat does not offer it.
pub(super) fn not_usable(why: &str) -> Refusal {
    Refusal::new(400, "INVALID_REQUEST", "INVALID_REQUEST", why.to_owned())
}
