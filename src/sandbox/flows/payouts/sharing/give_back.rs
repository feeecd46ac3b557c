//! A receiver that is a merchant gives money back: `PROCESSING` → `SUCCESS` or `FAILED`.

use std::borrow::Cow;

use super::{
    ReceiverKind, Share, ShareResult, SharingOrder,
    notice::notify,
    rules::{not_enough, not_found, wrong},
};
use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::Refusal,
    flows::{payments::pay::engine::fen, payouts::payout::repeated},
    state::{
        StateKind,
        account::{Entry, EntryKind},
        changes::Stateful,
        merchant::Merchants,
        timers::Timer,
        world::{Store, World},
    },
};

/// What a merchant asks to get back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewReturn {
    pub(crate) acting: Acting,
    /// Of the order that shared it.
    pub(crate) out_order_no: String,
    pub(crate) out_return_no: String,
    /// The receiver.
    pub(crate) return_mchid: String,
    /// In fen.
    pub(crate) amount: u64,
    pub(crate) description: String,
}

impl NewReturn {
    /// Returns whether this is the share of which money comes back.
    // A person's account can be the same text as a merchant's.
    fn is_of(&self, share: &Share) -> bool {
        share.new.kind == ReceiverKind::MerchantId
            && share.new.account == self.return_mchid
            && !share.is_rest
    }
}

/// Money that a receiver gives back.
#[derive(Clone, Debug)]
pub(crate) struct Return {
    pub(crate) new: NewReturn,
    pub(crate) order_id: String,
    pub(crate) return_id: String,
    pub(crate) created_at: u64,
    pub(crate) finished_at: Option<u64>,
    pub(crate) result: ReturnResult,
}

/// Where a return stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReturnResult {
    Processing,
    Success,
    /// With the reason.
    Failed(&'static str),
}

impl ReturnResult {
    /// Returns the result as the API names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Success => "SUCCESS",
            Self::Failed(_) => "FAILED",
        }
    }
}

impl Stateful for Return {
    const KIND: StateKind = StateKind::SharingReturn;

    fn state_name(&self) -> Cow<'static, str> {
        self.result.name().into()
    }
}

/// Asks a receiver for money back. The same request again returns the return as it is.
///
/// # Errors
/// Refuses a number that a different request used, an order that did not share with this receiver, and more
/// than it got.
pub(crate) fn give_back(world: &mut World, new: NewReturn, now: u64) -> Result<Return, Refusal> {
    let (mchid, key) = (new.acting.mchid.clone(), new.out_return_no.clone());
    // As real ones: 28 digits.
    let return_id = world.number("3008", 28);
    let sharing = &mut world.store(&mchid).sharing;
    let known = sharing.returns.get(&key);
    let used = "商户回退单号重复，请求参数与之前请求不一致";
    if let Some(known) = repeated(known, |known| &known.new, &new, used)? {
        return Ok(known);
    }
    let order = sharing
        .orders
        .get_mut(&new.out_order_no)
        .filter(|order| order.new.acting == new.acting)
        .ok_or_else(not_found)?;
    let mut shares = order.shares.iter_mut();
    let share = shares.find(|share| new.is_of(share) && share.result == ShareResult::Success);
    let share = share.ok_or_else(|| wrong("分账并没有分给对应的回退方"))?;
    if new.amount > share.new.amount - share.returned {
        return Err(not_enough());
    }
    let new = Return {
        order_id: order.order_id.clone(),
        return_id,
        created_at: now,
        finished_at: None,
        result: ReturnResult::Processing,
        new,
    };
    let may_drop = |known: &Return| known.result != ReturnResult::Processing;
    let returns = &mut sharing.returns;
    returns.keep(key.clone(), new.clone(), may_drop, "returns")?;
    share.returned += new.new.amount;
    let timer = Timer {
        mchid,
        key,
        fire: |w, merchants, timer, now| finish_return(w, merchants, &timer.mchid, &timer.key, now),
    };
    world.settle_later(now, timer);
    Ok(new)
}

/// Finishes a return. It fails if the receiver does not have the money.
pub(crate) fn finish_return(
    world: &mut World,
    merchants: &Merchants,
    mchid: &str,
    out_return_no: &str,
    now: u64,
) -> Result<(), Refusal> {
    let known = world.store(mchid).sharing.returns.get(out_return_no);
    let known = known.ok_or_else(not_found)?;
    if known.result != ReturnResult::Processing {
        return Err(Refusal::invalid_request("分账回退单已完结"));
    }
    let new = known.new.clone();
    let entry = |known: &Return, fen| Entry {
        at: now,
        kind: EntryKind::SharingReturn,
        id: known.return_id.clone(),
        out_no: new.out_return_no.clone(),
        fen,
    };
    let (out, back) = (
        entry(known, -fen(new.amount)),
        entry(known, fen(new.amount)),
    );
    // A merchant that the sandbox does not know has its account elsewhere, and the money.
    let taken = match world.stores.get_mut(&new.return_mchid) {
        Some(receiver) => receiver.account.post(out),
        None => Ok(()),
    };
    let store = world.store(mchid);
    let result = match taken {
        Ok(()) => {
            store.account.post(back)?;
            ReturnResult::Success
        }
        Err(_) => ReturnResult::Failed("BALANCE_NOT_ENOUGH"),
    };
    if let Some(known) = store.sharing.returns.get_mut(out_return_no) {
        known.result = result;
        known.finished_at = Some(now);
    }
    let order = claimed(store, &new, result);
    if let (Some(order), ReturnResult::Success) = (order, result) {
        if let Some(share) = order.shares.iter().find(|share| new.is_of(share)) {
            let event = "PROFITSHARING.RETURN";
            notify(world, merchants, event, &order, share, new.amount, now);
        }
    }
    Ok(())
}

/// Returns the order of a return, which keeps the claim unless the return failed.
fn claimed(store: &mut Store, new: &NewReturn, result: ReturnResult) -> Option<SharingOrder> {
    let order = store.sharing.orders.get_mut(&new.out_order_no)?;
    let share = order.shares.iter_mut().find(|share| new.is_of(share))?;
    if result != ReturnResult::Success {
        share.returned = share.returned.saturating_sub(new.amount);
    }
    Some(order.clone())
}
