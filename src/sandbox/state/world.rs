//! The orders and money of all merchants, and what is still to happen to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    ops::Deref,
};

use super::{
    account::Account,
    bounded_map::BoundedMap,
    changes::Changes,
    files::Files,
    merchant::{Merchant, Merchants},
    random::Rng,
    timers::{Timer, Timers},
};
use crate::sandbox::{
    flows::{
        agreements::{papay, service_order},
        files::receipt,
        marketing::{busifavor, favor},
        merchants::{applyment, complaint},
        payments::{combine, pay, refund},
        payouts::{authorization, batch, sharing, transfer},
        v2,
    },
    outbox::{MAX_DELIVERIES, Notice, Outbox},
    shaped,
};

/// How many timers fire at a time.
// A timer that sets itself again for its own time would never let go of the lock.
const MAX_FIRED: usize = 1_000_000;

/// Everything that a snapshot keeps: one lock covers it, so that a change to several merchants is seen as
/// a whole or not at all.
#[derive(Clone)]
pub(crate) struct World {
    /// By merchant ID.
    pub(crate) stores: Stores,
    pub(crate) outbox: Outbox,
    pub(crate) timers: Timers,
    pub(crate) rng: Rng,
    pub(crate) files: Files,
    /// After how many seconds WeChat Pay finishes what it accepted. `None`: only when the handle says so.
    pub(crate) settle_after: Option<u64>,
    changes: Changes,
    /// Notifications that were queued since the last time.
    queued: Vec<String>,
    /// When each notification was queued, as [`Past`](super::changes::Past) has it.
    queued_at: BoundedMap<u64>,
}

/// The stores of merchants. It knows which were lent out for a change.
#[derive(Clone, Default)]
pub(crate) struct Stores {
    stores: BTreeMap<String, Store>,
    touched: BTreeSet<String>,
}

/// What belongs to one merchant, or to a sub-merchant.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) account: Account,
    /// The merchants that this one may act for as their service provider.
    pub(crate) sub_merchants: BTreeSet<String>,
    pub(crate) pay: pay::Tables,
    pub(crate) combine: combine::Tables,
    pub(crate) refund: refund::Tables,
    pub(crate) transfer: transfer::Tables,
    pub(crate) authorization: authorization::Tables,
    pub(crate) sharing: sharing::Tables,
    pub(crate) batch: batch::Tables,
    pub(crate) service_orders: service_order::Tables,
    pub(crate) papay: papay::Tables,
    pub(crate) receipt: receipt::Tables,
    pub(crate) favor: favor::Tables,
    pub(crate) applyment: applyment::Tables,
    pub(crate) complaint: complaint::Tables,
    pub(crate) busifavor: busifavor::Tables,
    pub(crate) v2: v2::Tables,
    pub(crate) shaped: shaped::Memory,
}

impl World {
    pub(crate) fn new(rng: Rng, settle_after: Option<u64>) -> Self {
        Self {
            stores: Stores::default(),
            outbox: Outbox::default(),
            timers: Timers::default(),
            rng,
            files: Files::default(),
            settle_after,
            changes: Changes::default(),
            queued: Vec::new(),
            queued_at: BoundedMap::new(MAX_DELIVERIES),
        }
    }

    /// Opens the accounts of a merchant and of its sub-merchants, as far as they have none.
    pub(crate) fn open(&mut self, merchant: &Merchant) {
        self.add_store(&merchant.mchid, merchant.opening_balance);
        for sub_mchid in &merchant.partner_of {
            self.add_sub_merchant(&merchant.mchid, sub_mchid, merchant.opening_balance);
        }
    }

    /// Adds a merchant's store with this balance, unless it has one.
    pub(crate) fn add_store(&mut self, mchid: &str, balance: u64) {
        self.stores.get_or_insert(mchid, balance);
    }

    /// Lets a merchant act for a sub-merchant, which gets a store with this balance.
    pub(crate) fn add_sub_merchant(&mut self, sp_mchid: &str, sub_mchid: &str, balance: u64) {
        self.add_store(sub_mchid, balance);
        self.store(sp_mchid)
            .sub_merchants
            .insert(sub_mchid.to_owned());
    }

    /// Returns whether `sp_mchid` may act for `sub_mchid`.
    pub(crate) fn may_act_for(&self, sp_mchid: &str, sub_mchid: &str) -> bool {
        let provider = self.stores.get(sp_mchid);
        provider.is_some_and(|store| store.sub_merchants.contains(sub_mchid))
    }

    /// Returns the store of a merchant, of a new one if need be.
    // Never call it with an ID that a request made up: each one stays.
    pub(crate) fn store(&mut self, mchid: &str) -> &mut Store {
        self.stores.get_or_insert(mchid, 0)
    }

    /// Returns a random number of `length` digits that begins with `prefix`.
    pub(crate) fn number(&mut self, prefix: &str, length: usize) -> String {
        let digits = self.rng.digits(length.saturating_sub(prefix.len()));
        format!("{prefix}{digits}")
    }

    /// Returns `length` random letters and digits.
    pub(crate) fn token(&mut self, length: usize) -> String {
        self.rng.token(length)
    }

    /// Returns a random user of an app.
    pub(crate) fn openid(&mut self) -> String {
        format!("oSANDBOX{}", self.rng.token(20))
    }

    /// Queues a notification, and returns its ID.
    pub(crate) fn notify(&mut self, notice: Notice) -> String {
        let id = self.rng.uuid();
        self.outbox.push(id.clone(), notice);
        self.queued.push(id.clone());
        id
    }

    /// Sets a timer, in seconds since 1970 of the sandbox's clock.
    pub(crate) fn after(&mut self, at: u64, timer: Timer) {
        self.timers.add(at, timer);
    }

    /// Sets a timer for what WeChat Pay finishes on its own, if it does.
    pub(crate) fn settle_later(&mut self, now: u64, timer: Timer) {
        if let Some(seconds) = self.settle_after {
            self.after(now.saturating_add(seconds), timer);
        }
    }

    /// Returns whether there is something that the sender of notifications does not know, and forgets it.
    pub(super) fn take_news(&mut self) -> bool {
        let (timers, outbox) = (self.timers.take_news(), self.outbox.take_news());
        timers || outbox
    }

    /// Returns the changes of states since the last time. The time is in milliseconds of the sandbox's clock.
    pub(crate) fn take_changes(&mut self, now_ms: u64) -> Changes {
        self.note_changes(now_ms);
        let at_ms = self.changes.at_ms;
        let next = Changes {
            at_ms,
            ..Changes::default()
        };
        mem::replace(&mut self.changes, next)
    }

    /// Returns when a notification was queued, in milliseconds since 1970 of the sandbox's clock.
    pub(crate) fn queued_at(&self, id: &str) -> Option<u64> {
        self.queued_at.get(id).copied()
    }

    fn note_changes(&mut self, now_ms: u64) {
        // The time of a timer has no milliseconds, and a clock can be set back: what happens later is not
        // earlier.
        let at_ms = self.changes.at_ms.max(now_ms);
        self.changes.at_ms = at_ms;
        for id in mem::take(&mut self.queued) {
            self.queued_at.insert(id, at_ms);
        }
        for mchid in mem::take(&mut self.stores.touched) {
            if let Some(store) = self.stores.stores.get_mut(&mchid) {
                store.take_changes(&mchid, &mut self.changes);
            }
        }
    }

    /// Fires the timers that are due, in order.
    pub(crate) fn run_due(&mut self, merchants: &Merchants, now: u64) {
        for _ in 0..MAX_FIRED {
            let Some((at, timer)) = self.timers.take_due(now) else {
                return;
            };
            if let Err(refusal) = (timer.fire)(self, merchants, &timer, at) {
                let (mchid, code, message) = (&timer.mchid, refusal.code, &refusal.message);
                tracing::debug!(%mchid, code, "a timer had nothing to do: {message}");
            }
            // What it notified about is due at its own time, not at the end of a long `advance`.
            self.outbox.admit(at);
            // What changes twice in a long `advance` is two changes.
            self.note_changes(at.saturating_mul(1_000));
        }
        tracing::warn!("more than {MAX_FIRED} timers were due at once: the others wait");
    }
}

impl Stores {
    /// Returns a merchant's store, for a change.
    pub(crate) fn get_mut(&mut self, mchid: &str) -> Option<&mut Store> {
        let store = self.stores.get_mut(mchid)?;
        if !self.touched.contains(mchid) {
            self.touched.insert(mchid.to_owned());
        }
        Some(store)
    }

    fn get_or_insert(&mut self, mchid: &str, balance: u64) -> &mut Store {
        if !self.touched.contains(mchid) {
            self.touched.insert(mchid.to_owned());
        }
        let store = self.stores.entry(mchid.to_owned());
        store.or_insert_with(|| Store::with_balance(balance))
    }
}

// For reading only: without `DerefMut`, no change goes unnoticed.
impl Deref for Stores {
    type Target = BTreeMap<String, Store>;

    fn deref(&self) -> &Self::Target {
        &self.stores
    }
}

impl Store {
    pub(crate) fn with_balance(fen: u64) -> Self {
        Self {
            account: Account::with_balance(fen),
            sub_merchants: BTreeSet::new(),
            pay: pay::Tables::default(),
            combine: combine::Tables::default(),
            refund: refund::Tables::default(),
            transfer: transfer::Tables::default(),
            authorization: authorization::Tables::default(),
            sharing: sharing::Tables::default(),
            batch: batch::Tables::default(),
            service_orders: service_order::Tables::default(),
            papay: papay::Tables::default(),
            receipt: receipt::Tables::default(),
            favor: favor::Tables::default(),
            applyment: applyment::Tables::default(),
            complaint: complaint::Tables::default(),
            busifavor: busifavor::Tables::default(),
            v2: v2::Tables::default(),
            shaped: shaped::Memory::default(),
        }
    }

    /// Moves the changes of states since the last time to the others.
    // Every field is named: who adds one says here whether it has states, or the crate does not compile.
    // The map of such a table is made by `BoundedMap::watched`.
    pub(super) fn take_changes(&mut self, mchid: &str, changes: &mut Changes) {
        let Self {
            account: _,
            sub_merchants: _,
            pay,
            combine: _,
            refund,
            transfer,
            authorization,
            sharing,
            batch,
            service_orders,
            papay,
            receipt: _,
            favor,
            applyment,
            complaint,
            busifavor,
            v2,
            shaped: _,
        } = self;
        pay.transactions.take_changes(mchid, changes);
        refund.refunds.take_changes(mchid, changes);
        service_orders.orders.take_changes(mchid, changes);
        papay.contracts.take_changes(mchid, changes);
        service_orders.permissions.take_changes(mchid, changes);
        service_orders.bindings.take_changes(mchid, changes);
        sharing.orders.take_changes(mchid, changes);
        sharing.returns.take_changes(mchid, changes);
        transfer.bills.take_changes(mchid, changes);
        authorization.authorizations.take_changes(mchid, changes);
        batch.batches.take_changes(mchid, changes);
        favor.take_changes(mchid, changes);
        applyment.applications.take_changes(mchid, changes);
        applyment.changes.take_changes(mchid, changes);
        complaint.complaints.take_changes(mchid, changes);
        busifavor.take_changes(mchid, changes);
        v2.red_packets.take_changes(mchid, changes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dispatch::refusal::Refusal;

    fn world() -> World {
        World::new(Rng::from_seed(1), Some(60))
    }

    #[test]
    fn timers_see_their_own_time_and_may_set_others() {
        // The ledger of this test: the times at which its timers fired.
        fn fire(world: &mut World, _: &Merchants, timer: &Timer, at: u64) -> Result<(), Refusal> {
            let order: u64 = timer.key.parse().unwrap();
            world.add_store(&format!("{at}"), order);
            if order == 1 {
                world.settle_later(at, timer_named("3"));
            }
            // A refusal keeps no other timer from its turn.
            Err(Refusal::invalid_request("decided meanwhile"))
        }
        fn timer_named(key: &str) -> Timer {
            Timer {
                mchid: "1900000109".to_owned(),
                key: key.to_owned(),
                fire,
            }
        }
        let mut world = world();
        world.after(100, timer_named("1"));
        world.after(200, timer_named("2"));
        // The first one sets the third, which is due too; the second one waits.
        for (now, fired) in [
            (99, &[][..]),
            (170, &["100", "160"]),
            (199, &["100", "160"]),
            (200, &["100", "160", "200"]),
        ] {
            world.run_due(&Merchants::default(), now);
            let stores: Vec<_> = world.stores.keys().map(String::as_str).collect();
            assert_eq!(stores, fired);
        }
    }

    #[test]
    fn provider_may_act_for_its_sub_merchants_only() {
        let mut world = world();
        world.add_sub_merchant("1", "2", 500);
        assert!(world.may_act_for("1", "2"));
        for (provider, sub_merchant) in [("2", "1"), ("1", "1"), ("1", "3"), ("9", "2")] {
            assert!(!world.may_act_for(provider, sub_merchant));
        }
        assert_eq!(world.store("2").account.available(), 500);
        assert_eq!(world.number("4200", 28).len(), 28);
    }
}
