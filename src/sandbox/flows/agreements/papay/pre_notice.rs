//! What the user is told before and after a deduction.

use super::{Contract, contract::in_force, deduction::latest, period::PreNotice, refusals};
use crate::sandbox::{
    checks::merchant::Acting, dispatch::refusal::Refusal,
    flows::payments::pay::order::State as OrderState, state::world::World,
};

/// Tells the user of a periodic contract about the next deduction.
///
/// # Errors
/// Refuses a contract that is not in force or not periodic, and a second notice in a period.
pub(super) fn notify(
    w: &mut World,
    acting: &Acting,
    appid: &str,
    contract_id: &str,
    (fen, days): (u64, Option<u64>),
    now: u64,
) -> Result<(), Refusal> {
    let contract = in_force(w, acting, appid, contract_id)?;
    if contract.schedule.is_some() {
        return Err(refusals::not_periodic());
    }
    let noticed = contract.notice.as_ref();
    if noticed.is_some_and(|notice| !notice.has_ended(now)) {
        return Err(refusals::noticed());
    }
    contract.notice = Some(PreNotice::new(fen, days, now));
    Ok(())
}

/// Tells the user that a deduction failed and will be tried again.
///
/// # Errors
/// Refuses a contract that is not in force, or whose latest deduction has not failed.
pub(super) fn notify_failure(
    w: &mut World,
    acting: &Acting,
    appid: &str,
    contract_id: &str,
) -> Result<(), Refusal> {
    let contract = in_force(w, acting, appid, contract_id)?.clone();
    let order = latest(w, &contract);
    match order.is_some_and(|order| order.state == OrderState::PayError) {
        true => Ok(()),
        false => Err(refusals::nothing_failed()),
    }
}

/// Schedules the one deduction of a contract, and returns the contract.
///
/// # Errors
/// Refuses a contract that is not in force or periodic, another day than the one before the deduction, and
/// another amount than the contract's.
pub(super) fn schedule<'a>(
    w: &'a mut World,
    acting: &Acting,
    appid: &str,
    contract_id: &str,
    fen: u64,
    now: u64,
) -> Result<&'a Contract, Refusal> {
    let contract = in_force(w, acting, appid, contract_id)?;
    let schedule = contract.schedule.as_mut();
    let schedule = schedule.ok_or_else(refusals::without_schedule)?;
    schedule.confirm(fen, now)?;
    Ok(contract)
}
