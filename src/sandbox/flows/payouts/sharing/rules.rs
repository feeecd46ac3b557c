//! What happens to an order of profit sharing, and to the money.
//!
//! A payment that is to be shared is frozen, and its order counts what of it nobody claimed yet. A share
//! takes its amount from there when it is asked for; the account moves when it succeeds.

use super::{
    MAX_RATIO, NewShare, NewSharing, ReceiverKind, Share, ShareResult, SharingOrder, Tables,
    notice::notify,
};
use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::Refusal,
    flows::{
        payments::pay::engine::{self, Number, Order},
        payouts::payout::repeated,
    },
    state::{
        account::{Entry, EntryKind},
        merchant::Merchants,
        timers::Timer,
        world::World,
    },
};

/// How many orders a payment can have.
const MAX_REQUESTS: usize = 50;
const NOT_SHARED: &str = "非分账订单不支持分账";

/// Shares money of a payment. The same request again returns the order as it is.
///
/// # Errors
/// Refuses a number that a different request used, a payment that is not to be shared, a receiver that was
/// not added, and more than can be shared.
pub(crate) fn share(world: &mut World, new: NewSharing, now: u64) -> Result<SharingOrder, Refusal> {
    if let Some(existing) = existing(world, &new)? {
        return Ok(existing);
    }
    let payment = payment(world, &new.acting, &new.transaction_id, NOT_SHARED)?;
    check_receivers(world, &new)?;
    let sum: u64 = new.shares.iter().map(|share| share.amount).sum();
    if sum > payment.frozen {
        return Err(not_enough());
    }
    let (requests, shared) = so_far(world, &new);
    if requests >= MAX_REQUESTS {
        return Err(Refusal::invalid_request("同一笔订单最多支持50次分账请求"));
    }
    if shared + sum > payment.refundable * MAX_RATIO / 10_000 {
        return Err(over_ratio());
    }
    insert(world, new, payment, now)
}

/// Gives the merchant what is left of a payment, so that nothing more is shared of it.
///
/// # Errors
/// Refuses a number that a different request used, a payment that is not to be shared, and one of which
/// nothing is left.
pub(crate) fn unfreeze(
    world: &mut World,
    new: NewSharing,
    now: u64,
) -> Result<SharingOrder, Refusal> {
    if let Some(existing) = existing(world, &new)? {
        return Ok(existing);
    }
    let payment = payment(world, &new.acting, &new.transaction_id, NOT_SHARED)?;
    if payment.frozen == 0 {
        return Err(not_enough());
    }
    insert(world, new, payment, now)
}

/// Finishes an order: each share that waits succeeds.
pub(crate) fn finish(
    world: &mut World,
    merchants: &Merchants,
    mchid: &str,
    out_order_no: &str,
    now: u64,
) -> Result<(), Refusal> {
    let store = world.store(mchid);
    let order = store.sharing.orders.get_mut(out_order_no);
    let order = order.ok_or_else(not_found)?;
    if order.has_ended() {
        return Err(Refusal::invalid_request("分账单已完结"));
    }
    let waits = |share: &&Share| share.result == ShareResult::Pending;
    let waiting = order.shares.iter().filter(waits);
    let fen = waiting.map(|share| share.new.amount).sum();
    store.account.unfreeze(fen)?;
    for share in &mut order.shares {
        if share.result == ShareResult::Pending {
            share.result = ShareResult::Success;
        }
    }
    order.finished_at = Some(now);
    let order = order.clone();
    let paid = |share: &&Share| share.result == ShareResult::Success;
    for share in order.shares.iter().filter(paid) {
        settle(world, merchants, &order, share, now)?;
    }
    Ok(())
}

/// Closes one share of an order that is under way, for a reason such as `NO_RELATION`. Its money stays with
/// the payment, or goes to the merchant if the order unfreezes the rest or it is too late to share it.
pub(crate) fn close_share(
    world: &mut World,
    mchid: &str,
    out_order_no: &str,
    account: &str,
    reason: &str,
    now: u64,
) -> Result<(), Refusal> {
    let store = world.store(mchid);
    let order = store.sharing.orders.get_mut(out_order_no);
    let order = order.ok_or_else(not_found)?;
    let waits = |share: &&mut Share| {
        share.new.account == account && share.result == ShareResult::Pending && !share.is_rest
    };
    let Some(share) = order.shares.iter_mut().find(waits) else {
        return Err(Refusal::invalid_request("分账单中没有该接收方待处理的明细"));
    };
    let amount = share.new.amount;
    let payment = store.pay.transactions.get_mut(&order.out_trade_no);
    let stays = |payment: &&mut Order| !order.new.unfreeze_unsplit && !payment.is_past_sharing(now);
    match payment.filter(stays) {
        Some(payment) => payment.frozen += amount,
        None => store.account.unfreeze(amount)?,
    }
    share.result = ShareResult::Closed(reason.to_owned());
    Ok(())
}

/// Returns whether money that comes back to a payment can still be shared.
pub(crate) fn can_share(tables: &Tables, payment: &Order, now: u64) -> bool {
    let number = payment.out_trade_no();
    let ends = |order: &SharingOrder| order.out_trade_no == number && order.new.unfreeze_unsplit;
    !payment.is_past_sharing(now) && tables.orders.find(ends).is_none()
}

/// Returns what of a payment can still be shared, in fen. The signer may be the merchant or its service
/// provider.
pub(crate) fn unsplit_amount(
    world: &World,
    signer: &str,
    transaction_id: &str,
) -> Result<u64, Refusal> {
    let own = Acting {
        mchid: signer.to_owned(),
        sp_mchid: None,
    };
    let subs = world.stores.get(signer).into_iter();
    let subs = subs
        .flat_map(|store| &store.sub_merchants)
        .map(|sub| Acting {
            mchid: sub.clone(),
            sp_mchid: Some(signer.to_owned()),
        });
    for acting in std::iter::once(own).chain(subs) {
        let found = payment(world, &acting, transaction_id, "非分账订单不支持此查询");
        match found {
            Err(refusal) if refusal.status == 404 => {}
            found => return found.map(|payment| payment.frozen),
        }
    }
    Err(no_payment())
}

/// Finds an order by both of its numbers.
pub(crate) fn find<'a>(
    world: &'a World,
    acting: &Acting,
    out_order_no: &str,
    transaction_id: &str,
) -> Result<&'a SharingOrder, Refusal> {
    let store = world.stores.get(&acting.mchid);
    store
        .and_then(|store| store.sharing.orders.get(out_order_no))
        .filter(|order| order.new.acting == *acting)
        .filter(|order| order.new.transaction_id == transaction_id)
        .ok_or_else(not_found)
}

/// What sharing needs to know of a payment.
struct Payment {
    out_trade_no: String,
    /// What nobody claimed yet, in fen.
    frozen: u64,
    /// Its total less what was refunded, in fen.
    refundable: u64,
}

fn payment(
    world: &World,
    acting: &Acting,
    transaction_id: &str,
    not_shared: &'static str,
) -> Result<Payment, Refusal> {
    let order = engine::find(world, acting, Number::Ours(transaction_id));
    let order = order.map_err(|_| no_payment())?;
    if !order.asked.profit_sharing {
        return Err(Refusal::new(
            400,
            "INVALID_REQUEST",
            "NOT_SHARE_ORDER",
            not_shared,
        ));
    }
    Ok(Payment {
        out_trade_no: order.out_trade_no().to_owned(),
        frozen: order.frozen,
        refundable: order.refundable(),
    })
}

/// Returns the order of an earlier request with this number.
fn existing(world: &World, new: &NewSharing) -> Result<Option<SharingOrder>, Refusal> {
    let store = world.stores.get(&new.acting.mchid);
    let known = store.and_then(|store| store.sharing.orders.get(&new.out_order_no));
    let used = "商户分账单号重复，请求参数与之前请求不一致";
    repeated(known, |order| &order.new, new, used)
}

fn check_receivers(world: &World, new: &NewSharing) -> Result<(), Refusal> {
    let store = world.stores.get(new.program.owner(&new.acting));
    for (index, share) in new.shares.iter().enumerate() {
        let is_it = |other: &NewShare| (other.kind, &other.account) == (share.kind, &share.account);
        if new.shares.iter().position(is_it) != Some(index) {
            return Err(wrong("分账接收方列表中有重复的接收方"));
        }
        let key = new.program.receiver_key(share.kind, &share.account);
        let known = store.and_then(|store| store.sharing.receivers.get(&key));
        // Both texts were reported by merchants.
        let known = known.ok_or_else(|| wrong("分账接收方关系不存在"))?;
        let differs =
            matches!((&known.name, &share.name), (Some(known), Some(name)) if known != name);
        if differs {
            return Err(wrong("分账接收方全称不匹配"));
        }
    }
    Ok(())
}

/// Returns how many orders there are of the payment, and what they share.
fn so_far(world: &World, new: &NewSharing) -> (usize, u64) {
    let Some(store) = world.stores.get(&new.acting.mchid) else {
        return (0, 0);
    };
    let orders = store.sharing.orders.iter();
    orders
        .filter(|order| order.new.transaction_id == new.transaction_id)
        .fold((0, 0), |(count, sum), order| {
            (count + 1, sum + order.shared())
        })
}

/// Adds the order and takes its money from what is unclaimed.
fn insert(
    world: &mut World,
    new: NewSharing,
    payment: Payment,
    now: u64,
) -> Result<SharingOrder, Refusal> {
    let sum: u64 = new.shares.iter().map(|share| share.amount).sum();
    let rest = payment.frozen.saturating_sub(sum);
    let mut shares = Vec::new();
    for share in &new.shares {
        shares.push(pending(world, share.clone(), false));
    }
    if new.unfreeze_unsplit && rest > 0 {
        let share = NewShare {
            kind: ReceiverKind::MerchantId,
            account: new.acting.mchid.clone(),
            name: None,
            amount: rest,
            description: "解冻给分账方".to_owned(),
        };
        shares.push(pending(world, share, true));
    }
    let taken: u64 = shares.iter().map(|share| share.new.amount).sum();
    let order = SharingOrder {
        // As real ones: 28 digits.
        order_id: world.number("3008", 28),
        out_trade_no: payment.out_trade_no,
        created_at: now,
        shares,
        finished_at: None,
        new,
    };
    let (mchid, key) = (
        order.new.acting.mchid.clone(),
        order.new.out_order_no.clone(),
    );
    let orders = &mut world.store(&mchid).sharing.orders;
    let has_ended = SharingOrder::has_ended;
    orders.keep(key.clone(), order.clone(), has_ended, "sharing orders")?;
    let paid = engine::by_out_trade_no_mut(world, &mchid, &order.out_trade_no)?;
    paid.frozen = paid.frozen.saturating_sub(taken);
    let timer = Timer {
        mchid,
        key,
        fire: |w, merchants, timer, now| finish(w, merchants, &timer.mchid, &timer.key, now),
    };
    world.settle_later(now, timer);
    Ok(order)
}

fn pending(world: &mut World, new: NewShare, is_rest: bool) -> Share {
    Share {
        new,
        detail_id: world.number("3601", 23),
        result: ShareResult::Pending,
        is_rest,
        returned: 0,
    }
}

/// Moves the money of a share that succeeded, which is no longer frozen, and tells the receiver.
fn settle(
    world: &mut World,
    merchants: &Merchants,
    order: &SharingOrder,
    share: &Share,
    now: u64,
) -> Result<(), Refusal> {
    let amount = share.new.amount;
    let entry = |kind, fen| Entry {
        at: now,
        kind,
        id: order.order_id.clone(),
        out_no: order.new.out_order_no.clone(),
        fen,
    };
    let account = &mut world.store(&order.new.acting.mchid).account;
    // The rest belonged to the merchant all along.
    if share.is_rest {
        return Ok(());
    }
    account.post(entry(EntryKind::SharingOut, -engine::fen(amount)))?;
    if share.new.kind != ReceiverKind::MerchantId {
        return Ok(());
    }
    // A merchant that the sandbox does not know has its account elsewhere.
    if let Some(receiver) = world.stores.get_mut(&share.new.account) {
        let entry = entry(EntryKind::SharingIn, engine::fen(amount));
        receiver.account.post(entry)?;
    }
    notify(
        world,
        merchants,
        "PROFITSHARING.SUCCESS",
        order,
        share,
        amount,
        now,
    );
    Ok(())
}

pub(super) fn not_found() -> Refusal {
    Refusal::new(404, "RESOURCE_NOT_EXISTS", "ORDERNOTEXIST", "记录不存在")
}

pub(super) fn wrong(message: &'static str) -> Refusal {
    Refusal::new(400, "PARAM_ERROR", "PARAM_ERROR", message)
}

pub(super) fn not_enough() -> Refusal {
    Refusal::new(403, "NOT_ENOUGH", "NOTENOUGH", "分账金额不足")
}

fn no_payment() -> Refusal {
    Refusal::new(404, "RESOURCE_NOT_EXISTS", "ORDERNOTEXIST", "订单不存在")
}

// As on the wire. The documents say 403 RULE_LIMIT.
fn over_ratio() -> Refusal {
    Refusal::new(
        400,
        "INVALID_REQUEST",
        "RULE_LIMIT",
        "分账金额超出最大分账比例，最大可分账金额需等比例扣除退款与补差回退等逆向交易金额",
    )
}
