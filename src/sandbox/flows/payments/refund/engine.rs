//! Refunds on the world: the money, the order and the notification.

use super::{NewRefund, Refund, RefundFailure, RefundNumber, Status, notice, refusals};
use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::{Refusal, repeated},
    flows::{
        marketing::favor,
        merchants::complaint,
        payments::pay::engine::{self, Number, Order, fen},
        payouts::sharing,
    },
    state::{
        account::{Entry, EntryKind},
        timers::Timer,
        world::World,
    },
};

/// How many refunds an order can have.
const MAX_PARTS: usize = 50;
/// How long an order can be refunded, in seconds.
const REFUNDABLE_FOR: u64 = 365 * 24 * 3600;

/// Refunds a part of an order, or all of it. The money leaves the merchant's account at once; the refund
/// stays `PROCESSING` until it succeeds or fails. The same request again returns the refund as it is.
///
/// # Errors
/// Refuses a number that a different request used, an order that is not paid, more than is left of it, the
/// 51st refund, more than the merchant has, and a refund that cannot be kept.
pub(crate) fn refund(w: &mut World, new: NewRefund, now: u64) -> Result<Refund, Refusal> {
    let mchid = new.acting.mchid.clone();
    let refunds = &w.store(&mchid).refund.refunds;
    let is_same =
        |known: &Refund| known.asked.request == new.request && known.asked.acting == new.acting;
    let known = refunds.get(&new.out_refund_no);
    if let Some(refund) = repeated(known, is_same, refusals::refund_number_used)? {
        return Ok(refund);
    }
    let order = refunded_order(w, &new)?;
    check(order, &new, now)?;
    let (out_trade_no, total) = (order.out_trade_no().to_owned(), order.asked.total);
    let transaction_id = order.transaction_id().unwrap_or_default().to_owned();
    let (payer_total, settlement_total) = (order.payer_total(), order.settlement_total());
    let discount = order.discount_back(new.fen);

    // Real refund IDs have 29 digits and begin with 50.
    let refund_id = w.number("5030", 29);
    let number = new.out_refund_no.clone();
    let mut refund = Refund {
        asked: new,
        refund_id,
        transaction_id,
        out_trade_no,
        total,
        payer_total,
        settlement_total,
        discount,
        created_at: now,
        status: Status::Processing,
        from_frozen: 0,
        user_received_account: "支付用户零钱".to_owned(),
    };
    let entry = Entry {
        at: now,
        kind: EntryKind::Refund,
        id: refund.refund_id.clone(),
        out_no: number.clone(),
        fen: -fen(refund.settlement_refund()),
    };
    let refunds = &mut w.store(&mchid).refund.refunds;
    let may_drop = |known: &Refund| known.status.is_final();
    refunds.keep(number.clone(), refund.clone(), may_drop, "refunds")?;
    let Ok(from_frozen) = engine::spend(w, &mchid, &refund.out_trade_no, entry) else {
        w.store(&mchid).refund.refunds.remove(&number);
        return Err(refusals::not_enough_to_refund());
    };
    by_number(w, &mchid, &number)?.from_frozen = from_frozen;
    refund.from_frozen = from_frozen;
    let order = engine::by_out_trade_no_mut(w, &mchid, &refund.out_trade_no)?;
    order.refunded += refund.asked.fen;
    order.discount_refunded += refund.discount_refund();
    order.refunds += 1;
    succeed_later(w, mchid, number, now);
    Ok(refund)
}

/// Finds a refund of those that the merchant acts on.
///
/// # Errors
/// Refuses a refund that does not exist, or that another service provider made.
pub(crate) fn find_refund<'a>(
    w: &'a World,
    acting: &Acting,
    by: RefundNumber<'_>,
) -> Result<&'a Refund, Refusal> {
    let store = w.stores.get(&acting.mchid);
    let refunds = &store.ok_or_else(refusals::no_refund)?.refund.refunds;
    let refund = match by {
        RefundNumber::Merchants(number) => refunds.get(number),
        RefundNumber::Ours(id) => refunds.find(|refund| refund.refund_id == id),
    };
    refund
        .filter(|refund| refund.asked.acting == *acting)
        .ok_or_else(refusals::no_refund)
}

/// Returns the refunds of an order, oldest first.
pub(crate) fn refunds_of<'a>(w: &'a World, order: &Order) -> Vec<&'a Refund> {
    let Some(store) = w.stores.get(&order.asked.acting.mchid) else {
        return Vec::new();
    };
    let is_part = |refund: &&Refund| refund.out_trade_no == order.out_trade_no();
    store.refund.refunds.iter().filter(is_part).collect()
}

/// Sends the money of an abnormal refund to another account.
///
/// # Errors
/// Refuses a refund that does not exist or is not abnormal.
pub(crate) fn refund_again(
    w: &mut World,
    acting: &Acting,
    refund_id: &str,
    account: &str,
    now: u64,
) -> Result<Refund, Refusal> {
    let refund = find_refund(w, acting, RefundNumber::Ours(refund_id))?;
    if refund.status != Status::Abnormal {
        return Err(refusals::refund_not_abnormal());
    }
    let number = refund.asked.out_refund_no.clone();
    let refund = by_number(w, &acting.mchid, &number)?;
    refund.status = Status::Processing;
    refund.user_received_account = account.to_owned();
    let refund = refund.clone();
    succeed_later(w, acting.mchid.clone(), number, now);
    Ok(refund)
}

/// Lets a refund succeed, and notifies.
///
/// # Errors
/// Refuses a refund that does not exist or is not `PROCESSING`.
pub(crate) fn refund_succeeds(
    w: &mut World,
    mchid: &str,
    out_refund_no: &str,
    now: u64,
) -> Result<(), Refusal> {
    let refund = processing(w, mchid, out_refund_no)?;
    refund.status = Status::Success(now);
    let number = refund.out_trade_no.clone();
    let refund = refund.clone();
    // The order may have been dropped since, if there were 10,000 newer ones.
    if let Ok(order) = engine::by_out_trade_no_mut(w, mchid, &number) {
        order.has_refund = true;
        if let Some(back) = &refund.discount {
            let (order, fen) = (order.clone(), refund.asked.fen);
            let is_whole = fen == order.asked.total;
            favor::given_back(w, &order, back, (&refund.refund_id, is_whole), now);
        }
    }
    complaint::refund_succeeded(w, mchid, &number, now);
    notify(w, mchid, out_refund_no)
}

/// Lets a refund fail, and notifies. A closed one gives the money back to the merchant.
///
/// # Errors
/// Refuses a refund that does not exist or is not `PROCESSING`.
pub(crate) fn refund_fails(
    w: &mut World,
    mchid: &str,
    out_refund_no: &str,
    failure: RefundFailure,
    now: u64,
) -> Result<(), Refusal> {
    let refund = processing(w, mchid, out_refund_no)?;
    match failure {
        RefundFailure::Abnormal => refund.status = Status::Abnormal,
        RefundFailure::Closed => {
            let (amount, number) = (refund.asked.fen, refund.out_trade_no.clone());
            let discount = refund.discount_refund();
            let back = Entry {
                at: now,
                kind: EntryKind::RefundBack,
                id: refund.refund_id.clone(),
                out_no: out_refund_no.to_owned(),
                fen: fen(refund.settlement_refund()),
            };
            let was_frozen = refund.from_frozen;
            let store = w.store(mchid);
            store.account.post(back)?;
            if let Ok(order) = store.pay.order_mut(&number) {
                order.refunded = order.refunded.saturating_sub(amount);
                order.discount_refunded = order.discount_refunded.saturating_sub(discount);
                if sharing::rules::can_share(&store.sharing, order, now) {
                    store.account.freeze(was_frozen)?;
                    order.frozen += was_frozen;
                }
            }
            by_number(w, mchid, out_refund_no)?.status = Status::Closed;
        }
    }
    notify(w, mchid, out_refund_no)
}

/// Returns the order that a refund is about.
fn refunded_order<'a>(w: &'a World, new: &NewRefund) -> Result<&'a Order, Refusal> {
    let by = match (&new.transaction_id, &new.out_trade_no) {
        (Some(id), _) => Number::Ours(id),
        (None, Some(number)) => Number::Merchants(number),
        (None, None) => return Err(refusals::no_order_to_refund()),
    };
    engine::find(w, &new.acting, by).map_err(|_| refusals::no_order_to_refund())
}

/// Checks that an order can have this refund.
fn check(order: &Order, new: &NewRefund, now: u64) -> Result<(), Refusal> {
    let payment = order.payment().ok_or_else(refusals::not_paid)?;
    if now.saturating_sub(payment.time) > REFUNDABLE_FOR {
        return Err(refusals::too_old_to_refund());
    }
    if new.total.is_some_and(|total| total != order.asked.total) {
        return Err(refusals::other_total());
    }
    if order.refundable() == 0 {
        return Err(refusals::all_refunded());
    }
    if order.refunds >= MAX_PARTS {
        return Err(refusals::too_many_refunds());
    }
    if new.fen > order.refundable() {
        return Err(refusals::more_than_paid());
    }
    Ok(())
}

fn succeed_later(w: &mut World, mchid: String, key: String, now: u64) {
    let timer = Timer {
        mchid,
        key,
        fire: |w, _, timer, at| refund_succeeds(w, &timer.mchid, &timer.key, at),
    };
    w.settle_later(now, timer);
}

fn notify(w: &mut World, mchid: &str, out_refund_no: &str) -> Result<(), Refusal> {
    let refund = by_number(w, mchid, out_refund_no)?;
    if let Some(notice) = notice::refunded(refund) {
        w.notify(notice);
    }
    Ok(())
}

fn processing<'a>(
    w: &'a mut World,
    mchid: &str,
    out_refund_no: &str,
) -> Result<&'a mut Refund, Refusal> {
    let refund = by_number(w, mchid, out_refund_no)?;
    match refund.is_processing() {
        true => Ok(refund),
        false => Err(refusals::refund_finished()),
    }
}

fn by_number<'a>(
    w: &'a mut World,
    mchid: &str,
    out_refund_no: &str,
) -> Result<&'a mut Refund, Refusal> {
    let store = w.stores.get_mut(mchid).ok_or_else(refusals::no_refund)?;
    let refund = store.refund.refunds.get_mut(out_refund_no);
    refund.ok_or_else(refusals::no_refund)
}
