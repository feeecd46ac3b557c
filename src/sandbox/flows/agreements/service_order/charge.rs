//! What a service order asks the user to pay: items, discounts and the total.

use http::StatusCode;
use serde_json::{Value, json};

use super::order::MAX_AMOUNT;
use crate::sandbox::{checks::fields::Fields, dispatch::response::ApiResponse};

/// The items, the discounts, and the total in fen once the merchant has stated it.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    // As they arrived: responses return them unchanged, and nothing else reads them.
    pub(super) payments: Option<Value>,
    pub(super) discounts: Option<Value>,
    pub(super) total: Option<u64>,
}

impl Charge {
    /// Reads the charge of a creation: a price list, whose amounts may still be unknown.
    pub(super) fn read_estimate(fields: &Fields<'_>) -> Result<Self, ApiResponse> {
        sum(fields, "post_payments", 100)?;
        sum(fields, "post_discounts", 30)?;
        Ok(Self::new(fields, None))
    }

    /// Reads the charge of a completion or modification. Its total must be the sum of the payments
    /// minus the discounts, and at most the risk amount.
    pub(super) fn read_final(fields: &Fields<'_>, risk_amount: u64) -> Result<Self, ApiResponse> {
        if !fields.has("post_payments") {
            return Err(ApiResponse::missing("/post_payments"));
        }
        let payments = sum(fields, "post_payments", 100)?;
        let discounts = sum(fields, "post_discounts", 30)?;
        let total = fields.integer("total_amount", 0..=MAX_AMOUNT)?;
        // Discounts above the payments fail here too: `None` equals no total.
        if payments.checked_sub(discounts) != Some(total) {
            return Err(fields.total_amount_error(
                "总金额必须等于后付费项目金额之和减去优惠金额之和",
                &format!("must be post_payments {payments} minus post_discounts {discounts}"),
            ));
        }
        if total > risk_amount {
            return Err(fields.total_amount_error(
                "总金额不能大于订单风险金额",
                &format!("must not be over the risk_fund.amount of {risk_amount}"),
            ));
        }
        Ok(Self::new(fields, Some(total)))
    }

    fn new(fields: &Fields<'_>, total: Option<u64>) -> Self {
        Self {
            payments: fields.as_map().get("post_payments").cloned(),
            discounts: fields.as_map().get("post_discounts").cloned(),
            total,
        }
    }
}

impl Fields<'_> {
    /// Returns 400 `INVALID_REQUEST` about `total_amount`.
    pub(super) fn total_amount_error(&self, message: &str, issue: &str) -> ApiResponse {
        ApiResponse::error_with_detail(
            StatusCode::BAD_REQUEST,
            "INVALID_REQUEST",
            message,
            json!({
                "field": "/total_amount",
                "value": self.as_map().get("total_amount"),
                "issue": issue,
                "location": "body",
            }),
        )
    }
}

/// Checks a list of items and returns the sum of their amounts.
// `count` is not a factor: an item's `amount` is already for all of its pieces.
fn sum(fields: &Fields<'_>, name: &str, max: usize) -> Result<u64, ApiResponse> {
    let mut sum = 0_u64;
    for item in fields.objects(name, max)? {
        if item.has("name") {
            item.text("name", 20)?;
        }
        item.optional_text("description", 30)?;
        item.optional_integer("count", 1..=100)?;
        // At most 100 items of at most 1,000,000 yuan: the sum cannot overflow. The tables require no
        // amount: without one, the item costs nothing.
        sum += item
            .optional_integer("amount", 0..=MAX_AMOUNT)?
            .unwrap_or(0);
    }
    Ok(sum)
}
