//! Plans of pay-score: a row of services that a user signs at once, and what a user signed.
//!
//! A plan is `NORMAL` until its merchant stops it: `STOP`. What a user signs of it:
//!
//! | state | ends when |
//! | --- | --- |
//! | `UNSIGNED` | the user signs, the merchant or the user cancels, or the plan's days pass |
//! | `SIGNED` | each service was paid or cancelled (`COMPLETE`), or as above |
//! | `COMPLETE`, `SIGN_PLAN_CANCEL`, `EXPIRE` | final |
//!
//! Each service becomes a service order, in the plan's order and one at a time.

mod routes;
mod signed;
mod view;

pub(crate) use routes::ROUTES;
pub(crate) use signed::{Signed, cancel, sign};

use serde_json::{Map, Value};

use crate::sandbox::{
    checks::{fields::Fields, merchant::Acting},
    dispatch::{
        refusal::{Refusal, repeated},
        response::ApiResponse,
    },
    state::world::World,
};

/// The most services that a plan can have.
const MAX_DETAILS: usize = 100;
/// The largest price, in fen.
const MAX_PRICE: u64 = 100_000_000;
/// The longest plan, in days.
const MAX_DAYS: u64 = 3660;

/// A plan. Its merchant's store has it by `merchant_plan_no`.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    acting: Acting,
    /// The body of the creation. The same body again is the same plan.
    request: Map<String, Value>,
    number: String,
    service_id: String,
    appid: String,
    sub_appid: Option<String>,
    plan_id: String,
    days: u64,
    details: Vec<Detail>,
    /// When its merchant stopped it, in seconds since 1970.
    stopped_at: Option<u64>,
}

/// A service of a plan.
#[derive(Clone, Debug)]
struct Detail {
    name: String,
    /// In fen.
    original_price: u64,
    actual_price: u64,
    discount: Option<String>,
}

impl Plan {
    fn read(fields: &Fields<'_>, acting: Acting, plan_id: String) -> Result<Self, ApiResponse> {
        let number = fields.merchant_order_number("merchant_plan_no", 1)?;
        fields.text("plan_name", 64)?;
        let days = fields.integer("plan_duration", 1..=MAX_DAYS)?;
        for name in ["total_original_price", "total_actual_price"] {
            fields.integer(name, 0..=MAX_DETAILS as u64 * MAX_PRICE)?;
        }
        let details = fields.objects("plan_detail_list", MAX_DETAILS)?;
        let details = details.iter().map(Detail::read);
        let details: Vec<_> = details.collect::<Result<_, _>>()?;
        let quantity = fields.integer("deduction_quantity", 1..=MAX_DETAILS as u64)?;
        if quantity != details.len() as u64 {
            return Err(ApiResponse::invalid_request("计划明细数量必须等于扣费次数"));
        }
        let prices = details.iter().map(|detail| detail.actual_price);
        if !prices.is_sorted_by(|one, next| one >= next) {
            return Err(ApiResponse::invalid_request(
                "每个计划明细的实际支付金额不能大于上一个计划明细",
            ));
        }
        Ok(Self {
            acting,
            request: fields.as_map().clone(),
            number: number.to_owned(),
            service_id: fields.text("service_id", 32)?.to_owned(),
            appid: fields.text("appid", 32)?.to_owned(),
            sub_appid: fields.optional_text("sub_appid", 32)?.map(str::to_owned),
            plan_id,
            days,
            details,
            stopped_at: None,
        })
    }

    /// Stops the plan: nobody can sign it any more. Stopping it again changes nothing.
    fn stop(&mut self, now: u64) {
        self.stopped_at.get_or_insert(now);
    }
}

impl Detail {
    fn read(fields: &Fields<'_>) -> Result<Self, ApiResponse> {
        let original_price = fields.integer("original_price", 0..=MAX_PRICE)?;
        let actual_price = fields.integer("actual_price", 0..=MAX_PRICE)?;
        if actual_price > original_price {
            return Err(fields.error("actual_price", "must not be more than original_price"));
        }
        let discount = fields.optional_text("plan_discount_description", 64)?;
        Ok(Self {
            name: fields.text("plan_detail_name", 20)?.to_owned(),
            original_price,
            actual_price,
            discount: discount.map(str::to_owned),
        })
    }
}

/// Keeps a plan, or returns the one that the same request created.
fn create(w: &mut World, new: Plan) -> Result<Plan, Refusal> {
    let plans = &mut w.store(&new.acting.mchid).service_orders.plans;
    let is_same = |known: &Plan| known.request == new.request && known.acting == new.acting;
    if let Some(known) = repeated(plans.get(&new.number), is_same, number_used)? {
        return Ok(known);
    }
    plans.insert(new.number.clone(), new.clone());
    Ok(new)
}

fn number_used() -> Refusal {
    let code = "INVALID_REQUEST";
    let message = "商户单号已被使用，且请求参数与首次请求不一致";
    Refusal::new(400, code, code, message)
}

fn wrong_state(number: &str, state: &str) -> Refusal {
    let code = "INVALID_ORDER_STATE";
    Refusal::new(
        400,
        code,
        code,
        format!("单据状态错误: {number} is {state}"),
    )
}
