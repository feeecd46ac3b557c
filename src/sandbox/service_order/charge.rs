//! What a service order asks the user to pay.

use http::StatusCode;
use serde_json::{Value, json};

use super::{super::answer::Answer, super::fields::Fields, MAX_AMOUNT};

/// The items, the discounts and, once the merchant has said it, the total in fen.
pub(super) struct Charge {
    pub(super) payments: Option<Value>,
    pub(super) discounts: Option<Value>,
    pub(super) total: Option<u64>,
}

impl Charge {
    /// As creation states it: a price list, amounts where they are known.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Answer> {
        sum(fields, "post_payments", 100, false)?;
        sum(fields, "post_discounts", 30, false)?;
        Ok(Self::of(fields, None))
    }

    /// As completion and modification state it: with the total, which is the sum of the payments
    /// less the discounts and at most the risk amount.
    pub(super) fn read_final(fields: &Fields<'_>, risk_amount: u64) -> Result<Self, Answer> {
        if !fields.has("post_payments") {
            return Err(fields.error("post_payments", "is required"));
        }
        let payments = sum(fields, "post_payments", 100, true)?;
        let discounts = sum(fields, "post_discounts", 30, true)?;
        let total = fields.integer("total_amount", 0..=MAX_AMOUNT)?;
        if payments.checked_sub(discounts) != Some(total) {
            return Err(fields.refuse_amount(
                "总金额必须等于后付费项目金额之和减去优惠金额之和",
                &format!("must be post_payments {payments} less post_discounts {discounts}"),
            ));
        }
        if total > risk_amount {
            return Err(fields.refuse_amount(
                "总金额不能大于订单风险金额",
                &format!("is over the risk_fund.amount of {risk_amount}"),
            ));
        }
        Ok(Self::of(fields, Some(total)))
    }

    fn of(fields: &Fields<'_>, total: Option<u64>) -> Self {
        Self {
            payments: fields.raw().get("post_payments").cloned(),
            discounts: fields.raw().get("post_discounts").cloned(),
            total,
        }
    }
}

impl Fields<'_> {
    /// 400 `INVALID_REQUEST` about `total_amount`.
    pub(super) fn refuse_amount(&self, message: &str, issue: &str) -> Answer {
        Answer::error_with(
            StatusCode::BAD_REQUEST,
            "INVALID_REQUEST",
            message,
            &json!({
                "field": "/total_amount",
                "value": self.raw().get("total_amount"),
                "issue": issue,
                "location": "body",
            }),
        )
    }
}

/// The sum of a list's amounts; each item is one amount, however many its `count` says.
fn sum(fields: &Fields<'_>, name: &str, max: usize, is_final: bool) -> Result<u64, Answer> {
    let mut sum = 0_u64;
    for item in fields.objects(name, max)? {
        item.text("name", 20)?;
        item.optional_text("description", 30)?;
        item.optional_integer("count", 1..=100)?;
        sum += if is_final {
            item.integer("amount", 0..=MAX_AMOUNT)?
        } else {
            item.optional_integer("amount", 0..=MAX_AMOUNT)?
                .unwrap_or(0)
        };
    }
    Ok(sum)
}
