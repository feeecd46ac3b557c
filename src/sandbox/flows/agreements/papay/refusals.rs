//! Why papay refuses, by the codes of both versions of the API.

use crate::sandbox::dispatch::refusal::Refusal;

pub(super) fn no_contract() -> Refusal {
    Refusal::new(
        404,
        "RESOURCE_NOT_EXISTS",
        "CONTRACT_NOT_EXIST",
        "签约协议不存在",
    )
}

// APIv2 does not tell it from one that never was, as reports of merchants show.
pub(super) fn terminated() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "CONTRACT_NOT_EXIST",
        "签约协议已解约",
    )
}

pub(super) fn code_used() -> Refusal {
    invalid("商户签约协议号重复：请求重入时，参数与首次请求时不一致")
}

pub(super) fn signed() -> Refusal {
    invalid("签约协议已存在 (the contract was signed before)")
}

pub(super) fn signed_by_payment() -> Refusal {
    invalid("the contract is signed with the payment of its order: call user_pays")
}

pub(super) fn code_of_several_plans() -> Refusal {
    invalid("several plans have a contract with this code: give them different codes")
}

// The text was seen on the wire.
pub(super) fn not_periodic() -> Refusal {
    invalid("当前签约的模板不是周期扣费类型，不能下发扣费前通知")
}

pub(super) fn without_schedule() -> Refusal {
    invalid("当前签约的协议没有预约扣费计划 (it was signed without a deduct_schedule)")
}

pub(super) fn noticed() -> Refusal {
    invalid("当前扣费周期已下发预扣费通知 (one per period)")
}

pub(super) fn nothing_failed() -> Refusal {
    invalid("没有扣费失败的订单 (the latest deduction has not failed)")
}

pub(super) fn scheduled() -> Refusal {
    invalid("该协议已预约扣费，不能再次预约")
}

pub(super) fn not_the_day_before(date: &str) -> Refusal {
    invalid(format!("当前不在可预约日: the day before {date}"))
}

pub(super) fn no_notice() -> Refusal {
    limit("扣费前未下发预扣费通知，或可扣费期已结束")
}

pub(super) fn too_early(date: &str) -> Refusal {
    limit(format!(
        "当前处于扣费等待期，不能扣费: deductions begin on {date}"
    ))
}

pub(super) fn more_than_noticed(fen: u64) -> Refusal {
    limit(format!("扣费金额不能高于预计扣费金额: at most {fen} fen"))
}

pub(super) fn not_scheduled() -> Refusal {
    limit("扣费前未预约扣费")
}

pub(super) fn not_the_day(date: &str) -> Refusal {
    limit(format!("当前不在可扣费期: {date}"))
}

pub(super) fn other_amount(fen: u64) -> Refusal {
    limit(format!("金额必须等于签约时的预计扣费金额: {fen} fen"))
}

pub(super) fn under_way() -> Refusal {
    limit("当前扣费周期有正在进行的扣费")
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(400, "INVALID_REQUEST", "INVALID_REQUEST", message)
}

/// A deduction that the rules of the contract do not allow.
// Codes: documented for deductions of APIv2 as 交易金额或次数超出限制, for APIv3 as 业务规则限制.
fn limit(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(403, "RULE_LIMIT", "RULELIMIT", message)
}
