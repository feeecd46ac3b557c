//! Combined orders: several orders, also of several merchants, paid at once.
//!
//! Each part is an order of its merchant's, which is refunded and shared like any other. The combined order
//! is in the store of the merchant that made it.

mod routes;
mod view;

pub(crate) use routes::ROUTES;

use serde_json::Value;

use super::pay::{
    codes::{codes_of, prepay_id},
    engine::{self, NewOrder, Payer, Product},
    order,
    order::{Order, Prepaid},
    refusals,
};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    outbox::{Content, Notice},
    state::{bounded_map::BoundedMap, world::World},
};

/// How many combined orders of a merchant are kept.
const MAX_ORDERS: usize = 10_000;
/// How many parts an order can have.
const MAX_PARTS: usize = 50;

/// The combined orders of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `combine_out_trade_no`.
    pub(crate) orders: BoundedMap<CombinedOrder>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            orders: BoundedMap::new(MAX_ORDERS),
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewCombined {
    /// The merchant that made it.
    pub(crate) mchid: String,
    pub(crate) appid: String,
    /// `combine_out_trade_no`
    pub(crate) number: String,
    pub(crate) product: Product,
    pub(crate) notify_url: String,
    pub(crate) parts: Vec<NewOrder>,
    /// Everything that the request said. The same again is the same order.
    pub(crate) request: Value,
}

/// A combined order. Its state is that of its parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CombinedOrder {
    pub(crate) mchid: String,
    pub(crate) appid: String,
    pub(crate) number: String,
    pub(crate) product: Product,
    pub(crate) notify_url: String,
    /// Merchant and `out_trade_no` of each part.
    pub(crate) parts: Vec<(String, String)>,
    pub(crate) prepaid: Prepaid,
    /// `combine_transaction_id`, once it is paid.
    pub(crate) transaction_id: Option<String>,
    pub(crate) request: Value,
}

/// Creates a combined order with all its parts, or none. Returns what opens the payment.
///
/// # Errors
/// Refuses a number that a different request used, of the whole or of a part, and an order that is paid or
/// closed.
pub(crate) fn prepay(w: &mut World, new: NewCombined, now: u64) -> Result<Prepaid, Refusal> {
    let prepay_id = prepay_id(w, now);
    let codes = codes_of(w, new.product, prepay_id, now);
    if let Some(existing) = w.store(&new.mchid).combine.orders.get(&new.number).cloned() {
        return prepay_again(w, existing, &new, codes);
    }
    for (index, part) in new.parts.iter().enumerate() {
        let is_same = |other: &NewOrder| {
            other.acting.mchid == part.acting.mchid && other.out_trade_no == part.out_trade_no
        };
        let is_used = engine::by_out_trade_no(w, &part.acting.mchid, &part.out_trade_no).is_ok();
        if is_used || new.parts.iter().take(index).any(is_same) {
            return Err(refusals::number_used());
        }
    }
    let mut parts: Vec<(String, String)> = Vec::new();
    for part in new.parts {
        let key = (part.acting.mchid.clone(), part.out_trade_no.clone());
        if let Err(refusal) = engine::insert(w, Order::new(part, codes.clone(), now)) {
            for (mchid, number) in &parts {
                w.store(mchid).pay.transactions.remove(number);
            }
            return Err(refusal);
        }
        parts.push(key);
    }
    let order = CombinedOrder {
        mchid: new.mchid,
        appid: new.appid,
        number: new.number,
        product: new.product,
        notify_url: new.notify_url,
        parts,
        prepaid: codes.clone(),
        transaction_id: None,
        request: new.request,
    };
    let orders = &mut w.store(&order.mchid.clone()).combine.orders;
    orders.insert(order.number.clone(), order);
    Ok(codes)
}

/// Pays all parts, and notifies once.
///
/// # Errors
/// Refuses an order of which a part cannot be paid.
pub(crate) fn pay(
    w: &mut World,
    mchid: &str,
    number: &str,
    payer: &Payer,
    now: u64,
) -> Result<(), Refusal> {
    let order = find(w, mchid, number)?.clone();
    let mut payer = payer_of(w, &order, payer, now)?;
    payer.openid = payer.openid.or_else(|| Some(w.openid()));
    for (mchid, number) in &order.parts {
        engine::take_payment(w, mchid, number, payer.clone(), None, now)?;
    }
    let transaction_id = w.number("4200", 28);
    find_mut(w, mchid, number)?.transaction_id = Some(transaction_id);
    let order = find(w, mchid, number)?;
    let notice = Notice {
        mchid: mchid.to_owned(),
        url: order.notify_url.clone(),
        content: Content::V3 {
            event_type: "TRANSACTION.SUCCESS".to_owned(),
            original_type: "transaction",
            summary: "支付成功",
            resource: order.body(w),
        },
    };
    w.notify(notice);
    Ok(())
}

/// Returns who pays, after the check that all parts can be paid now.
///
/// # Errors
/// Returns the errors of [`pay`].
pub(crate) fn payer_of(
    w: &World,
    order: &CombinedOrder,
    payer: &Payer,
    now: u64,
) -> Result<Payer, Refusal> {
    let mut payer = payer.clone();
    for (mchid, number) in &order.parts {
        let part = engine::by_out_trade_no(w, mchid, number)?;
        part.check_payable(&payer, now)?;
        // All parts have one payer: whom the request named, or else anybody.
        payer.openid = payer.openid.or_else(|| part.asked.payer.openid.clone());
    }
    Ok(payer)
}

/// Ends the time in which the customer can pay, of all parts or of none: see [`Order::expire`].
///
/// # Errors
/// Refuses an order of which a part does not wait for the customer.
pub(crate) fn expire(w: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), Refusal> {
    let order = find(w, mchid, number)?.clone();
    check_expirable(w, &order, now)?;
    for (mchid, number) in &order.parts {
        engine::by_out_trade_no_mut(w, mchid, number)?.expire(now)?;
    }
    Ok(())
}

/// Checks that an order can [`expire`].
pub(crate) fn check_expirable(w: &World, order: &CombinedOrder, now: u64) -> Result<(), Refusal> {
    let mut parts = order.parts.iter();
    parts.try_for_each(|(mchid, number)| {
        engine::by_out_trade_no(w, mchid, number)?.check_expirable(now)
    })
}

/// Closes all parts, or none. `parts` is what the request names: merchant and `out_trade_no` of each.
///
/// # Errors
/// Refuses other parts than those of the order, and an order that is paid.
pub(crate) fn close(
    w: &mut World,
    mchid: &str,
    number: &str,
    parts: &[(String, String)],
) -> Result<(), Refusal> {
    let mut own = find(w, mchid, number)?.parts.clone();
    let mut named = parts.to_vec();
    own.sort();
    named.sort();
    if own != named {
        return Err(refusals::other_parts());
    }
    for (mchid, number) in &own {
        engine::by_out_trade_no(w, mchid, number)?.clone().close()?;
    }
    for (mchid, number) in &own {
        engine::by_out_trade_no_mut(w, mchid, number)?.close()?;
    }
    Ok(())
}

/// Finds a combined order of the merchant that made it.
pub(crate) fn find<'a>(
    w: &'a World,
    mchid: &str,
    number: &str,
) -> Result<&'a CombinedOrder, Refusal> {
    let store = w.stores.get(mchid).ok_or_else(refusals::not_found)?;
    store
        .combine
        .orders
        .get(number)
        .ok_or_else(refusals::not_found)
}

fn find_mut<'a>(
    w: &'a mut World,
    mchid: &str,
    number: &str,
) -> Result<&'a mut CombinedOrder, Refusal> {
    let store = w.stores.get_mut(mchid).ok_or_else(refusals::not_found)?;
    let order = store.combine.orders.get_mut(number);
    order.ok_or_else(refusals::not_found)
}

/// Handles a second request under the same number, by the rules of a single order.
fn prepay_again(
    w: &mut World,
    existing: CombinedOrder,
    new: &NewCombined,
    codes: Prepaid,
) -> Result<Prepaid, Refusal> {
    if existing.request != new.request || existing.product != new.product {
        return Err(refusals::number_used());
    }
    let mut prepaid = existing.prepaid;
    for ((mchid, number), part) in existing.parts.iter().zip(&new.parts) {
        let order = engine::by_out_trade_no_mut(w, mchid, number)?;
        order.prepay_again(part, codes.clone())?;
        prepaid = order.prepaid.clone();
    }
    find_mut(w, &new.mchid, &new.number)?.prepaid = prepaid.clone();
    Ok(prepaid)
}

#[cfg(test)]
mod tests;
