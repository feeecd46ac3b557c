//! Payments on the world: both versions of the API, combined orders, contracts and the handle
//! go through these functions, so that an order is one thing to all of them.
//!
//! Each posts the money, queues the notification and changes all or nothing. `mchid` is always the merchant
//! that receives the money: its store has the order. The caller checks the fields of the request.

use super::{
    codes::{codes_of, is_auth_code, prepay_id},
    discount::Discount,
    notice,
    order::{Prepaid, Reversal, State},
    refusals,
};
use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::Refusal,
    flows::{agreements::papay, marketing::favor},
    state::{
        account::{Entry, EntryKind},
        timers::Timer,
        world::World,
    },
};

pub(crate) use super::order::{NewOrder, Order, PartOf, Payer, Payment, Product, Version};

/// From how many fen on a scanned code needs the customer's password.
const PASSWORD_FROM: u64 = 100_000;
/// How long a code payment can be taken back, in seconds.
const REVERSIBLE_FOR: u64 = 7 * 24 * 3600;

/// Which order is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number<'a> {
    /// WeChat Pay's `transaction_id`.
    Ours(&'a str),
    /// The merchant's `out_trade_no`.
    Merchants(&'a str),
}

/// Creates an order that a customer pays later, or returns the codes of the one that the same request
/// created.
///
/// # Errors
/// Refuses a number that a different request used, and an order that is paid or closed.
pub(crate) fn prepay(w: &mut World, new: NewOrder, now: u64) -> Result<Prepaid, Refusal> {
    let prepay_id = prepay_id(w, now);
    let codes = codes_of(w, new.product, prepay_id, now);
    let orders = &mut w.store(&new.acting.mchid).pay.transactions;
    if let Some(order) = orders.get_mut(&new.out_trade_no) {
        order.prepay_again(&new, codes)?;
        return Ok(order.prepaid.clone());
    }
    insert(w, Order::new(new, codes.clone(), now))?;
    Ok(codes)
}

/// Pays an order as the customer: posts the money, freezes it if it is to be shared, and notifies.
///
/// # Errors
/// Refuses an order that is not payable, or not by this payer, and one that is part of a combined order.
pub(crate) fn pay(
    w: &mut World,
    mchid: &str,
    out_trade_no: &str,
    payer: Payer,
    now: u64,
) -> Result<(), Refusal> {
    pay_less(w, mchid, out_trade_no, payer, None, now)
}

/// Pays an order like [`pay`], less what a coupon takes off. The coupon is the caller's.
pub(crate) fn pay_less(
    w: &mut World,
    mchid: &str,
    out_trade_no: &str,
    payer: Payer,
    discount: Option<Discount>,
    now: u64,
) -> Result<(), Refusal> {
    check_alone(by_out_trade_no(w, mchid, out_trade_no)?)?;
    take_payment(w, mchid, out_trade_no, payer, discount, now)?;
    let order = by_out_trade_no(w, mchid, out_trade_no)?;
    if let Some(notice) = notice::paid(order) {
        w.notify(notice);
    }
    papay::order_paid(w, mchid, out_trade_no, now);
    Ok(())
}

/// Checks that a customer without a name can pay an order now, by its own number.
pub(crate) fn check_payable(order: &Order, now: u64) -> Result<(), Refusal> {
    check_alone(order)?;
    order.check_payable(&Payer::default(), now)
}

/// Ends the time in which the customer can pay an order: see [`Order::expire`].
///
/// # Errors
/// Refuses an order that does not wait for a customer, and one that is part of a combined order.
pub(crate) fn expire(
    w: &mut World,
    mchid: &str,
    out_trade_no: &str,
    now: u64,
) -> Result<(), Refusal> {
    let order = by_out_trade_no_mut(w, mchid, out_trade_no)?;
    check_expirable(order, now)?;
    order.expire(now)
}

/// Checks that an order can [`expire`], by its own number.
pub(crate) fn check_expirable(order: &Order, now: u64) -> Result<(), Refusal> {
    check_alone(order)?;
    order.check_expirable(now)
}

/// Checks that a customer has to enter the password of an order.
pub(crate) fn check_waiting(order: &Order) -> Result<(), Refusal> {
    match order.state {
        State::UserPaying => Ok(()),
        _ => Err(refusals::not_waiting()),
    }
}

/// Checks that an order is not part of a combined one.
fn check_alone(order: &Order) -> Result<(), Refusal> {
    match order.asked.combined {
        None => Ok(()),
        Some(_) => Err(refusals::part_of_combined()),
    }
}

/// Pays an order without a notification: of a combined order, the whole has one.
pub(crate) fn take_payment(
    w: &mut World,
    mchid: &str,
    out_trade_no: &str,
    payer: Payer,
    discount: Option<Discount>,
    now: u64,
) -> Result<(), Refusal> {
    by_out_trade_no(w, mchid, out_trade_no)?.check_payable(&payer, now)?;
    // Real transaction IDs have 28 digits and begin with 4200.
    let transaction_id = w.number("4200", 28);
    let someone = w.openid();
    let store = w.store(mchid);
    let order = store.pay.order_mut(out_trade_no)?;
    let unfunded = discount.as_ref().filter(|discount| !discount.is_funded);
    let less = unfunded.map_or(0, |discount| discount.fen);
    let total = order.asked.total.saturating_sub(less);
    store.account.post(Entry {
        at: now,
        kind: EntryKind::Payment,
        id: transaction_id.clone(),
        out_no: out_trade_no.to_owned(),
        fen: fen(total),
    })?;
    if order.asked.profit_sharing {
        store.account.freeze(total)?;
        order.frozen = total;
    }
    let named = order.asked.payer.clone();
    order.state = State::Paid(Payment {
        transaction_id,
        time: now,
        openid: named.openid.or(payer.openid).unwrap_or(someone),
        sub_openid: named.sub_openid.or(payer.sub_openid),
        bank_type: "OTHERS",
        discount,
    });
    if order.frozen > 0 {
        let timer = Timer {
            mchid: mchid.to_owned(),
            key: out_trade_no.to_owned(),
            fire: |w, _, timer, _| unfreeze(w, &timer.mchid, &timer.key).map(drop),
        };
        w.after(now.saturating_add(Order::SHARED_WITHIN), timer);
    }
    Ok(())
}

/// Pays an order with the code that a customer showed to the cashier. From 1,000 yuan on, the order waits
/// in `USERPAYING` for the customer's password. The same request again returns the order as it is.
///
/// # Errors
/// Refuses a number that a different request used, and a code that is not valid or was used.
pub(crate) fn code_pay(
    w: &mut World,
    new: NewOrder,
    auth_code: &str,
    now: u64,
) -> Result<Order, Refusal> {
    if !is_auth_code(auth_code) {
        return Err(refusals::invalid_auth_code());
    }
    let (mchid, number) = (new.acting.mchid.clone(), new.out_trade_no.clone());
    let orders = &mut w.store(&mchid).pay.transactions;
    if let Some(order) = orders.get(&number) {
        if order.asked.product != new.product || order.asked.request != new.request {
            return Err(refusals::number_used());
        }
        return match order.state {
            State::Closed => Err(refusals::closed()),
            State::Revoked(_) => Err(refusals::revoked()),
            State::PayError => Err(refusals::pay_error()),
            State::NotPaid | State::UserPaying | State::Paid(_) => Ok(order.clone()),
        };
    }
    let paid_with_it = |order: &Order| order.auth_code.as_deref() == Some(auth_code);
    let mut stores = w.stores.values();
    if stores.any(|store| store.pay.transactions.find(paid_with_it).is_some()) {
        return Err(refusals::auth_code_used());
    }
    let needs_password = new.total >= PASSWORD_FROM;
    let payer = new.payer.clone();
    let mut order = Order::new(new, Prepaid::default(), now);
    order.auth_code = Some(auth_code.to_owned());
    insert(w, order)?;
    if needs_password {
        by_out_trade_no_mut(w, &mchid, &number)?.state = State::UserPaying;
    } else {
        pay(w, &mchid, &number, payer, now)?;
    }
    by_out_trade_no(w, &mchid, &number).cloned()
}

/// Finds an order of those that the merchant acts on.
///
/// # Errors
/// Refuses an order that does not exist, or that another service provider made.
pub(crate) fn find<'a>(
    w: &'a World,
    acting: &Acting,
    by: Number<'_>,
) -> Result<&'a Order, Refusal> {
    let store = w
        .stores
        .get(&acting.mchid)
        .ok_or_else(refusals::not_found)?;
    let orders = &store.pay.transactions;
    let order = match by {
        Number::Merchants(number) => orders.get(number),
        Number::Ours(id) => orders.find(|order| order.transaction_id() == Some(id)),
    };
    order
        .filter(|order| order.asked.acting == *acting)
        .ok_or_else(refusals::not_found)
}

/// Closes an order that is not paid.
///
/// # Errors
/// Refuses an order that is paid, waits for a password, or is part of a combined one.
pub(crate) fn close(w: &mut World, acting: &Acting, out_trade_no: &str) -> Result<(), Refusal> {
    check_alone(find(w, acting, Number::Merchants(out_trade_no))?)?;
    by_out_trade_no_mut(w, &acting.mchid, out_trade_no)?.close()
}

/// Takes a code payment back: gives the money back if it was paid, and closes the order. Taking it back
/// again succeeds.
///
/// # Errors
/// Refuses an order of another product, one that was refunded, one older than 7 days, and one whose money
/// the merchant no longer has.
pub(crate) fn reverse(
    w: &mut World,
    acting: &Acting,
    by: Number<'_>,
    now: u64,
) -> Result<(), Refusal> {
    let order = find(w, acting, by)?;
    let number = order.out_trade_no().to_owned();
    let is_reversible = matches!(order.asked.product, Product::Code)
        && order.refunds == 0
        && now.saturating_sub(order.created_at) <= REVERSIBLE_FOR;
    let payment = match &order.state {
        State::Revoked(_) => return Ok(()),
        _ if !is_reversible => return Err(refusals::not_reversible()),
        State::Closed => return Err(refusals::closed()),
        State::Paid(payment) => Some(payment.clone()),
        State::NotPaid | State::UserPaying | State::PayError => None,
    };
    let (total, received) = (order.asked.total, order.settlement_total());
    if let Some(payment) = &payment {
        let entry = Entry {
            at: now,
            kind: EntryKind::Refund,
            id: payment.transaction_id.clone(),
            out_no: number.clone(),
            fen: -fen(received),
        };
        spend(w, &acting.mchid, &number, entry)?;
    }
    let reversal = payment.map(|payment| Reversal { payment, time: now });
    let order = by_out_trade_no_mut(w, &acting.mchid, &number)?;
    order.state = State::Revoked(reversal);
    let order = order.clone();
    if let Some(back) = order.discount_back(total) {
        let id = format!("reversal of {number}");
        favor::given_back(w, &order, &back, (&id, true), now);
    }
    Ok(())
}

/// Lets the customer enter the password of a scanned code.
pub(crate) fn enter_password(
    w: &mut World,
    mchid: &str,
    out_trade_no: &str,
    now: u64,
) -> Result<(), Refusal> {
    check_waiting(by_out_trade_no(w, mchid, out_trade_no)?)?;
    pay(w, mchid, out_trade_no, Payer::default(), now)
}

/// Lets the customer's payment fail, for want of money. Of a deduction, the merchant is notified.
pub(crate) fn fail(w: &mut World, mchid: &str, out_trade_no: &str) -> Result<(), Refusal> {
    fail_because(w, mchid, out_trade_no, &refusals::customer_has_too_little())
}

/// Like [`fail`], for another reason.
pub(crate) fn fail_because(
    w: &mut World,
    mchid: &str,
    out_trade_no: &str,
    reason: &Refusal,
) -> Result<(), Refusal> {
    let order = by_out_trade_no_mut(w, mchid, out_trade_no)?;
    order.fail()?;
    if let Some(notice) = notice::failed(order, reason) {
        w.notify(notice);
    }
    Ok(())
}

/// Takes money of an order out of the merchant's account. What of the order is frozen for sharing is used
/// first, the rest must be available. `entry.fen` is negative. Returns how much was frozen.
pub(crate) fn spend(
    w: &mut World,
    mchid: &str,
    out_trade_no: &str,
    entry: Entry,
) -> Result<u64, Refusal> {
    let store = w.store(mchid);
    let order = store.pay.order_mut(out_trade_no)?;
    let from_frozen = order.frozen.min(entry.fen.unsigned_abs());
    store.account.unfreeze(from_frozen)?;
    if let Err(refusal) = store.account.post(entry) {
        store.account.freeze(from_frozen)?;
        return Err(refusal);
    }
    order.frozen -= from_frozen;
    Ok(from_frozen)
}

/// Makes what is left of an order's frozen money available, and returns how much that was: nothing more is
/// shared of it.
pub(crate) fn unfreeze(w: &mut World, mchid: &str, out_trade_no: &str) -> Result<u64, Refusal> {
    let store = w.store(mchid);
    let order = store.pay.order_mut(out_trade_no)?;
    store.account.unfreeze(order.frozen)?;
    Ok(std::mem::take(&mut order.frozen))
}

/// Returns the order with this number, of either version of the API.
pub(crate) fn by_out_trade_no<'a>(
    w: &'a World,
    mchid: &str,
    out_trade_no: &str,
) -> Result<&'a Order, Refusal> {
    let store = w.stores.get(mchid).ok_or_else(refusals::not_found)?;
    store.pay.order(out_trade_no)
}

/// Like [`by_out_trade_no`], to change it.
pub(crate) fn by_out_trade_no_mut<'a>(
    w: &'a mut World,
    mchid: &str,
    out_trade_no: &str,
) -> Result<&'a mut Order, Refusal> {
    let store = w.stores.get_mut(mchid).ok_or_else(refusals::not_found)?;
    store.pay.order_mut(out_trade_no)
}

/// Adds an order. Orders whose money is frozen stay.
pub(crate) fn insert(w: &mut World, order: Order) -> Result<(), Refusal> {
    let orders = &mut w.store(&order.asked.acting.mchid).pay.transactions;
    let may_drop = |order: &Order| order.frozen == 0;
    if orders.try_insert(order.asked.out_trade_no.clone(), order, may_drop) {
        Ok(())
    } else {
        Err(refusals::too_many_orders())
    }
}

/// Returns an amount as a change of a balance.
// Amounts are at most 10,000,000,000 fen.
pub(crate) fn fen(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
