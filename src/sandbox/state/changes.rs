//! Which states changed while the world was locked.
//!
//! A map that was made by [`BoundedMap::watched`](super::bounded_map::BoundedMap::watched) notes the values
//! that were inserted or lent out for a change. When the lock is released, their states are compared with
//! those of before. So no flow has to report what it does, and none can forget it.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
};

/// How many states of a value are remembered.
const MAX_PAST: usize = 32;

/// How many changes wait until the lock is released. One more drops the oldest: a subscriber keeps no more.
const MAX_CHANGES: usize = 1_000;

/// A value with a state.
pub(crate) trait Stateful {
    /// What it is.
    const KIND: StateKind;

    /// Returns the state as the API names it.
    fn state_name(&self) -> Cow<'static, str>;
}

/// What has a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StateKind {
    /// A payment of any product, by its `out_trade_no`. The parts of a combined order are payments, too, and
    /// its state is theirs.
    Payment,
    /// A refund, by its `out_refund_no`.
    Refund,
    /// A service order of pay-score, by its `out_order_no`.
    ServiceOrder,
    /// A contract of papay, by its plan and the merchant's code: `12535/tea-club-0001`. Until it is signed, it
    /// is `UNSIGNED`.
    Contract,
    /// A permission for a service of pay-score, by its `authorization_code`: `UNBINDUSER`, `AVAILABLE` or
    /// `UNAVAILABLE`.
    Permission,
    /// The binding of a sub-merchant to a service of pay-score, by its `out_apply_no`: of the service
    /// provider.
    ServiceBinding,
    /// A profit sharing order, by its `out_order_no`: `PROCESSING` or `FINISHED`.
    Sharing,
    /// A return of shared money, by its `out_return_no`.
    SharingReturn,
    /// A merchant transfer, by its `out_bill_no`.
    Transfer,
    /// A user's authorization to transfer without a confirmation, by its `out_authorization_no`.
    TransferAuthorization,
    /// A batch of transfers, by its `out_batch_no`.
    TransferBatch,
    /// An application for a merchant, by its `business_code` or `out_request_no`, with the service provider.
    Application,
    /// A change of the account that money is settled to, by its `application_no`: `AUDITING`, `AUDIT_SUCCESS` or
    /// `AUDIT_FAIL`.
    SettlementChange,
    /// A complaint, by its `complaint_id`.
    Complaint,
    /// A red packet of APIv2, by its `mch_billno`.
    RedPacket,
    /// A stock of coupons of WeChat Pay, by its `stock_id`, with the merchant that made it.
    CouponStock,
    /// A coupon of such a stock, by its `coupon_id`, with the merchant that made the stock.
    Coupon,
    /// A coupon of a merchant, by its `stock_id` and `coupon_code` with a `/` between them, with the merchant
    /// that made the stock.
    MerchantCoupon,
}

impl StateKind {
    /// Returns the name in the events over HTTP.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::ServiceOrder => "service_order",
            Self::Contract => "contract",
            Self::Permission => "permission",
            Self::ServiceBinding => "service_binding",
            Self::Sharing => "sharing",
            Self::SharingReturn => "sharing_return",
            Self::Transfer => "transfer",
            Self::TransferAuthorization => "transfer_authorization",
            Self::TransferBatch => "transfer_batch",
            Self::Application => "application",
            Self::SettlementChange => "settlement_change",
            Self::Complaint => "complaint",
            Self::RedPacket => "red_packet",
            Self::CouponStock => "coupon_stock",
            Self::Coupon => "coupon",
            Self::MerchantCoupon => "merchant_coupon",
        }
    }
}

/// A change of a state: see [`SandboxEvent::State`](crate::sandbox::SandboxEvent::State).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    pub(crate) mchid: String,
    pub(crate) kind: StateKind,
    pub(crate) number: String,
    pub(crate) from: Option<Cow<'static, str>>,
    pub(crate) to: Cow<'static, str>,
}

impl StateChange {
    /// Returns the merchant whose it is: of what a service provider made for a sub-merchant, the latter, unless
    /// its [`StateKind`] says otherwise.
    pub fn mchid(&self) -> &str {
        &self.mchid
    }

    /// Returns what changed.
    pub fn kind(&self) -> StateKind {
        self.kind
    }

    /// Returns the number of it, such as an `out_trade_no`: see [`StateKind`].
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Returns the state before, as the API names it, or `None` if it is new.
    pub fn from(&self) -> Option<&str> {
        self.from.as_deref()
    }

    /// Returns the state now, as the API names it.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Returns about how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.mchid.len() + self.number.len() + self.to.len() + self.from().map_or(0, str::len)
    }
}

/// A state that something had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    /// Since when, in milliseconds since 1970 of the sandbox's clock.
    pub(crate) at_ms: u64,
    pub(crate) state: Cow<'static, str>,
}

/// What a map notes about its values.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// The keys of values that may have changed.
    touched: Vec<String>,
    /// The states so far, oldest first. Of many, those after the first are dropped.
    seen: HashMap<String, Vec<Past>>,
}

impl Watch {
    pub(super) fn touch(&mut self, key: &str) {
        // A flow often looks twice at the same order.
        if self.touched.last().is_none_or(|last| last != key) {
            self.touched.push(key.to_owned());
        }
    }

    /// Returns the states that the value of a key had, oldest first.
    pub(super) fn past(&self, key: &str) -> &[Past] {
        self.seen.get(key).map_or(&[], Vec::as_slice)
    }

    /// Reports the values whose state is another than before: the key, the states before and now.
    pub(super) fn compare<T: Stateful>(
        &mut self,
        values: &HashMap<String, T>,
        at_ms: u64,
        mut report: impl FnMut(String, Option<Cow<'static, str>>, Cow<'static, str>),
    ) {
        for key in self.touched.drain(..) {
            // One that was dropped to make room did not change.
            let Some(value) = values.get(&key) else {
                self.seen.remove(&key);
                continue;
            };
            let now = value.state_name();
            let past = self.seen.entry(key.clone()).or_default();
            let before = past.last().map(|last| last.state.clone());
            if before.as_ref() == Some(&now) {
                continue;
            }
            past.push(Past {
                at_ms,
                state: now.clone(),
            });
            // The first one says when it was made.
            if past.len() > MAX_PAST {
                past.remove(1);
            }
            report(key, before, now);
        }
    }
}

/// The changes that nobody was told yet, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) waiting: VecDeque<StateChange>,
    /// How many were dropped.
    pub(crate) missed: u64,
    /// The time of those that are added, as [`Past`] has it.
    pub(super) at_ms: u64,
}

impl Changes {
    pub(super) fn add(&mut self, change: StateChange) {
        self.waiting.push_back(change);
        if self.waiting.len() > MAX_CHANGES {
            self.waiting.pop_front();
            self.missed += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::bounded_map::BoundedMap, *};

    struct Order(&'static str);

    impl Stateful for Order {
        const KIND: StateKind = StateKind::Payment;

        fn state_name(&self) -> Cow<'static, str> {
            self.0.into()
        }
    }

    fn changes(map: &mut BoundedMap<Order>) -> Vec<String> {
        let mut changes = Changes::default();
        map.take_changes("1", &mut changes);
        let text = |change: StateChange| {
            let from = change.from().unwrap_or("-").to_owned();
            format!("{} {from} {}", change.number(), change.to())
        };
        changes.waiting.into_iter().map(text).collect()
    }

    #[test]
    fn every_way_to_change_a_value_is_noticed() {
        let mut map = BoundedMap::watched(2);
        map.insert("a".to_owned(), Order("NOTPAY"));
        assert!(map.try_insert("b".to_owned(), Order("NOTPAY"), |_| true));
        assert_eq!(changes(&mut map), ["a - NOTPAY", "b - NOTPAY"]);
        // Lent out, but not changed.
        map.get_mut("a").unwrap();
        map.find_mut(|_| false);
        assert!(changes(&mut map).is_empty());
        map.get_mut("a").unwrap().0 = "SUCCESS";
        map.find_mut(|order| order.0 == "NOTPAY").unwrap().0 = "CLOSED";
        assert_eq!(changes(&mut map), ["a NOTPAY SUCCESS", "b NOTPAY CLOSED"]);
        map.insert("b".to_owned(), Order("NOTPAY"));
        assert_eq!(changes(&mut map), ["b CLOSED NOTPAY"]);
        // Replaces the oldest one, which is forgotten; later it is new again.
        map.insert("c".to_owned(), Order("NOTPAY"));
        assert_eq!(changes(&mut map), ["c - NOTPAY"]);
        map.remove("b");
        map.insert("a".to_owned(), Order("SUCCESS"));
        assert_eq!(changes(&mut map), ["a - SUCCESS"]);
    }

    #[test]
    fn changes_are_limited_and_the_dropped_ones_counted() {
        let mut map = BoundedMap::watched(MAX_CHANGES + 3);
        for n in 0..MAX_CHANGES + 3 {
            map.insert(n.to_string(), Order("NOTPAY"));
        }
        let mut changes = Changes::default();
        map.take_changes("1", &mut changes);
        assert_eq!((changes.waiting.len(), changes.missed), (MAX_CHANGES, 3));
        assert_eq!(changes.waiting[0].number(), "3");
    }

    #[test]
    fn states_of_a_value_are_remembered_with_their_times() {
        let mut map = BoundedMap::watched(1);
        let mut changes = Changes::default();
        let mut change = |map: &mut BoundedMap<Order>, at_ms, state| {
            map.insert("a".to_owned(), Order(state));
            changes.at_ms = at_ms;
            map.take_changes("1", &mut changes);
        };
        let past = |map: &BoundedMap<Order>| {
            let past = map.past("a").iter();
            past.map(|past| (past.at_ms, past.state.clone().into_owned()))
                .collect::<Vec<_>>()
        };
        assert!(past(&map).is_empty());
        for (at_ms, state) in [(1, "NOTPAY"), (2, "NOTPAY"), (3, "SUCCESS")] {
            change(&mut map, at_ms, state);
        }
        let named = |at_ms, state: &str| (at_ms, state.to_owned());
        assert_eq!(past(&map), [named(1, "NOTPAY"), named(3, "SUCCESS")]);
        for at_ms in 4..100 {
            let state = ["NOTPAY", "SUCCESS"][at_ms as usize % 2];
            change(&mut map, at_ms, state);
        }
        let kept = past(&map);
        assert_eq!((kept.len(), kept[0].0), (MAX_PAST, 1));
        assert_eq!(kept[MAX_PAST - 1], named(99, "SUCCESS"));
        // With the value, its past is forgotten.
        map.insert("b".to_owned(), Order("NOTPAY"));
        let mut changes = Changes::default();
        map.take_changes("1", &mut changes);
        assert!(past(&map).is_empty());
    }
}
