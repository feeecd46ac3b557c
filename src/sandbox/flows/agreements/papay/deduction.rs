//! Deductions: orders that nobody opens. WeChat Pay accepts one, and pays it a little later.

use super::{
    Contract, TerminatedBy,
    contract::{find, in_force, sign, terminate},
    period, refusals,
};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payments::pay::{
        engine::{self, NewOrder, Order, Payer, Product},
        order::{Prepaid, State as OrderState},
    },
    state::{timers::Timer, world::World},
};

/// Accepts a deduction under a contract. The same request again is the same deduction, and tries again if it
/// failed.
///
/// # Errors
/// Refuses a number that a different request used, a contract that is not in force, and what the contract's
/// period does not allow.
pub(crate) fn deduct(
    w: &mut World,
    mut new: NewOrder,
    contract_id: &str,
    now: u64,
) -> Result<(), Refusal> {
    let (mchid, number) = (new.acting.mchid.clone(), new.out_trade_no.clone());
    let mut is_retry = false;
    if let Ok(order) = engine::by_out_trade_no_mut(w, &mchid, &number) {
        is_retry = order.state == OrderState::PayError && is_same(order, &new);
        if !is_retry {
            return order.prepay_again(&new, Prepaid::default());
        }
    }
    let (key, payer) = check(w, &new, contract_id, now)?;
    if is_retry {
        engine::by_out_trade_no_mut(w, &mchid, &number)?.state = OrderState::NotPaid;
    } else {
        new.payer = payer;
        engine::insert(w, Order::new(new, Prepaid::default(), now))?;
    }
    let tables = &mut w.store(&mchid).papay;
    find(tables, &key)?.latest = Some(number.clone());
    tables.orders.insert(number.clone(), key);
    let timer = Timer {
        mchid,
        key: number,
        fire: |w, _, timer, now| settle(w, &timer.mchid, &timer.key, now),
    };
    w.settle_later(now, timer);
    Ok(())
}

fn is_same(order: &Order, new: &NewOrder) -> bool {
    order.asked.product == new.product && order.asked.request == new.request
}

/// Checks that this deduction is allowed now. Returns the key of its contract, and whose money it is.
fn check(
    w: &mut World,
    new: &NewOrder,
    contract_id: &str,
    now: u64,
) -> Result<(String, Payer), Refusal> {
    let contract = in_force(w, &new.acting, &new.appid, contract_id)?.clone();
    match (&contract.schedule, contract.signature()) {
        (Some(schedule), _) => schedule.check(new.total, now)?,
        (None, Some(signature)) => {
            period::check_periodic(contract.notice.as_ref(), signature.at, new.total, now)?;
        }
        (None, None) => return Err(refusals::no_contract()),
    }
    if is_limited(&contract) && is_under_way(w, &contract) {
        return Err(refusals::under_way());
    }
    let payer = contract.signature().map(|signature| Payer {
        openid: Some(signature.openid.clone()),
        sub_openid: signature.sub_openid.clone(),
    });
    Ok((contract.asked.key(), payer.unwrap_or_default()))
}

/// Returns whether only one deduction can succeed now.
fn is_limited(contract: &Contract) -> bool {
    contract.schedule.is_some() || contract.notice.is_some()
}

fn is_under_way(w: &World, contract: &Contract) -> bool {
    latest(w, contract).is_some_and(|order| order.state == OrderState::NotPaid)
}

/// Returns the latest deduction under a contract.
pub(super) fn latest<'a>(w: &'a World, contract: &Contract) -> Option<&'a Order> {
    let number = contract.latest.as_ref()?;
    engine::by_out_trade_no(w, &contract.asked.acting.mchid, number).ok()
}

/// Pays a deduction, or lets it fail if its contract has ended since.
fn settle(w: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), Refusal> {
    let tables = &mut w.store(mchid).papay;
    let is_in_force = match tables.orders.get(number).cloned() {
        Some(key) => find(tables, &key).is_ok_and(|contract| contract.is_signed()),
        None => false,
    };
    match is_in_force {
        true => engine::pay(w, mchid, number, Payer::default(), now),
        false => engine::fail_because(w, mchid, number, &refusals::terminated()),
    }
}

/// Tells the contract of a paid order: a deduction ends a period, another payment can be a signature.
pub(crate) fn order_paid(w: &mut World, mchid: &str, number: &str, now: u64) {
    let Some(key) = w.store(mchid).papay.orders.get(number).cloned() else {
        return;
    };
    let Ok(order) = engine::by_out_trade_no(w, mchid, number) else {
        return;
    };
    let payment = order.payment();
    let payer = payment.map(|payment| Payer {
        openid: Some(payment.openid.clone()),
        sub_openid: payment.sub_openid.clone(),
    });
    if order.asked.product != Product::Deduction {
        // It was open until now: nothing else signs it.
        let _ = sign(w, mchid, &key, payer.unwrap_or_default(), now);
        return;
    }
    let Ok(contract) = find(&mut w.store(mchid).papay, &key) else {
        return;
    };
    contract.notice = None;
    if let Some(schedule) = &mut contract.schedule {
        schedule.deducted_at = Some(now);
        // A contract that was terminated meanwhile has nothing left to end.
        let _ = terminate(w, mchid, &key, TerminatedBy::System, None, now);
    }
}
