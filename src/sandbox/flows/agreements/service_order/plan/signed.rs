//! What a user signs of a plan, and the service orders that come of it.

use serde_json::{Map, Value, json};

use super::{Plan, number_used, wrong_state};
use crate::sandbox::{
    dispatch::refusal::{Refusal, repeated},
    flows::agreements::service_order::{ServiceOrder, Tables, order::User, user::not_found},
    state::{timers::Timer, world::World},
};

/// A plan for one user. Its merchant's store has it by `merchant_sign_plan_no`.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(super) plan: Plan,
    /// The body of the creation. The same body again is the same.
    pub(super) request: Map<String, Value>,
    pub(super) number: String,
    pub(super) id: String,
    /// Opens the page on which the user signs.
    pub(super) package: String,
    pub(super) appid: String,
    pub(super) sub_appid: Option<String>,
    pub(super) user: User,
    pub(super) notify_url: String,
    /// The merchant's number of each service: of the service order that it becomes.
    pub(super) numbers: Vec<String>,
    /// How many of the services became orders.
    pub(super) begun: usize,
    pub(super) expires_at: u64,
    pub(super) signed_at: Option<u64>,
    pub(super) end: Option<End>,
}

/// How it ended before its last service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Expired,
    Cancelled {
        at: u64,
        by: &'static str,
        reason: String,
    },
}

/// How a service of it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    NotUsed,
    Using,
    Used,
    Cancelled,
}

impl Stand {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NotUsed => "NOT_USED",
            Self::Using => "USING",
            Self::Used => "USED",
            Self::Cancelled => "SIGN_PLAN_DETAIL_CANCEL",
        }
    }

    fn has_ended(self) -> bool {
        matches!(self, Self::Used | Self::Cancelled)
    }
}

impl Signed {
    /// Returns the order that a service became.
    pub(super) fn order<'a>(&self, tables: &'a Tables, index: usize) -> Option<&'a ServiceOrder> {
        let number = self.numbers.get(index).filter(|_| index < self.begun)?;
        tables.orders.get(number)
    }

    pub(super) fn stand(&self, tables: &Tables, index: usize) -> Stand {
        if index >= self.begun {
            return match self.end {
                None => Stand::NotUsed,
                Some(_) => Stand::Cancelled,
            };
        }
        match self
            .order(tables, index)
            .map(ServiceOrder::state)
            .as_deref()
        {
            Some("DONE") => Stand::Used,
            Some("REVOKED" | "EXPIRED") => Stand::Cancelled,
            Some(_) => Stand::Using,
            // Dropped, because there were too many newer ones.
            None => Stand::Used,
        }
    }

    pub(super) fn state(&self, tables: &Tables) -> &'static str {
        let mut stands = (0..self.numbers.len()).map(|index| self.stand(tables, index));
        match &self.end {
            Some(End::Expired) => "EXPIRE",
            Some(End::Cancelled { .. }) => "SIGN_PLAN_CANCEL",
            None if stands.all(Stand::has_ended) => "COMPLETE",
            None if self.signed_at.is_some() => "SIGNED",
            None => "UNSIGNED",
        }
    }

    /// Checks that a service can become an order now: the one before it must have ended.
    pub(super) fn check_next(&self, tables: &Tables, index: usize) -> Result<(), Refusal> {
        let state = self.state(tables);
        if state != "SIGNED" {
            return Err(wrong_state(&self.number, state));
        }
        let has_ended = |last: usize| self.stand(tables, last).has_ended();
        if index != self.begun || index.checked_sub(1).is_some_and(|last| !has_ended(last)) {
            let code = "INVALID_REQUEST";
            let message =
                "必须按照签约计划详情的序号依次创建服务订单，且上一个订单已取消或支付成功";
            return Err(Refusal::new(400, code, code, message));
        }
        Ok(())
    }

    /// Returns the body of the service order that a service becomes: the plan tells its price.
    pub(super) fn order_request(
        &self,
        index: usize,
        request: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut body = request.clone();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        let Some(detail) = self.plan.details.get(index) else {
            return body;
        };
        let number = request.get("out_trade_no").cloned().unwrap_or_default();
        put("out_order_no", number);
        let payment = json!({ "name": detail.name, "amount": detail.original_price, "count": 1 });
        put("post_payments", json!([payment]));
        let discount = detail.original_price - detail.actual_price;
        if discount > 0 {
            let name: String = detail
                .discount
                .as_deref()
                .unwrap_or("计划优惠")
                .chars()
                .take(20)
                .collect();
            let discount = json!({ "name": name, "description": name, "amount": discount });
            put("post_discounts", json!([discount]));
        }
        // The order needs an amount of at least one fen, also if the service is free.
        let risk = json!({ "name": "ESTIMATE_ORDER_COST", "amount": detail.actual_price.max(1) });
        put("risk_fund", risk);
        put("need_user_confirm", false.into());
        body
    }
}

/// Keeps what a user is to sign, or returns what the same request created.
///
/// # Errors
/// Refuses a plan that is stopped, and a number that a different request used.
pub(super) fn create(w: &mut World, new: Signed, now: u64) -> Result<Signed, Refusal> {
    let (mchid, number) = (new.plan.acting.mchid.clone(), new.number.clone());
    let signed = &mut w.store(&mchid).service_orders.signed;
    let is_same =
        |known: &Signed| known.request == new.request && known.plan.acting == new.plan.acting;
    if let Some(known) = repeated(signed.get(&number), is_same, number_used)? {
        return Ok(known);
    }
    if new.plan.stopped_at.is_some() {
        return Err(wrong_state(&new.plan.number, "STOP"));
    }
    signed.insert(number.clone(), new.clone());
    let timer = Timer {
        mchid,
        key: number,
        fire: |w, _, timer, at| finish(w, &timer.mchid, &timer.key, at, End::Expired),
    };
    w.after(new.expires_at.max(now), timer);
    Ok(new)
}

/// Signs as the user, and notifies.
///
/// # Errors
/// Refuses what does not exist or is not `UNSIGNED`.
pub(crate) fn sign(w: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), Refusal> {
    let tables = &mut w.store(mchid).service_orders;
    let state = find(tables, number)?.state(tables);
    if state != "UNSIGNED" {
        return Err(wrong_state(number, state));
    }
    if let Some(signed) = tables.signed.get_mut(number) {
        signed.signed_at = Some(now);
    }
    notify(
        w,
        mchid,
        number,
        "PAYSCORE.USER_SIGN_PLAN",
        "用户签约支付分计划",
    )
}

/// Cancels as the user, and notifies.
///
/// # Errors
/// Refuses what does not exist or has ended.
pub(crate) fn cancel(w: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), Refusal> {
    let end = End::Cancelled {
        at: now,
        by: "USER",
        reason: "用户取消签约".to_owned(),
    };
    finish(w, mchid, number, now, end)?;
    let summary = "用户取消签约支付分计划";
    notify(w, mchid, number, "PAYSCORE.USER_CANCEL_SIGN_PLAN", summary)
}

/// Ends it before its last service. The merchant that cancels again with the same reason changes nothing.
pub(super) fn finish(
    w: &mut World,
    mchid: &str,
    number: &str,
    now: u64,
    end: End,
) -> Result<(), Refusal> {
    let tables = &mut w.store(mchid).service_orders;
    let known = find(tables, number)?;
    match (&known.end, &end) {
        (
            Some(End::Cancelled {
                by: "MERCHANT",
                reason: known,
                ..
            }),
            End::Cancelled {
                by: "MERCHANT",
                reason,
                ..
            },
        ) if known == reason => {
            return Ok(());
        }
        (None, End::Expired) if now < known.expires_at => return Ok(()),
        _ => {}
    }
    let state = known.state(tables);
    if !matches!(state, "UNSIGNED" | "SIGNED") {
        return Err(wrong_state(number, state));
    }
    if let Some(signed) = tables.signed.get_mut(number) {
        signed.end = Some(end);
    }
    Ok(())
}

fn find<'a>(tables: &'a Tables, number: &str) -> Result<&'a Signed, Refusal> {
    tables.signed.get(number).ok_or_else(not_found)
}

fn notify(
    w: &mut World,
    mchid: &str,
    number: &str,
    event: &'static str,
    summary: &'static str,
) -> Result<(), Refusal> {
    let tables = &w.store(mchid).service_orders;
    let notice = find(tables, number)?.notice(tables, event, summary);
    w.notify(notice);
    Ok(())
}
