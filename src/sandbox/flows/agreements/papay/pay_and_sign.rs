//! Paying and signing at once: the order is one of the order engine, and its payment signs the contract.

use super::{NewContract, presign};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payments::pay::{
        engine::{self, NewOrder},
        order::Prepaid,
    },
    state::world::World,
};

/// Creates an order whose payment signs this contract. The same request again returns the same codes.
///
/// # Errors
/// Refuses what [`presign`] and [`engine::prepay`] refuse, and then creates neither.
pub(crate) fn pay_and_sign(
    w: &mut World,
    order: NewOrder,
    contract: NewContract,
    now: u64,
) -> Result<Prepaid, Refusal> {
    let (mchid, number) = (order.acting.mchid.clone(), order.out_trade_no.clone());
    let key = contract.key();
    let was_known = w.store(&mchid).papay.contracts.get(&key).is_some();
    presign(w, contract, now)?;
    let prepaid = engine::prepay(w, order, now);
    let tables = &mut w.store(&mchid).papay;
    if prepaid.is_ok() {
        tables.orders.insert(number, key);
    } else if !was_known {
        tables.contracts.remove(&key);
    }
    prepaid
}
