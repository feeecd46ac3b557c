//! Money to users: red packets and transfers, each once under its number.

use serde_json::Value;

use crate::sandbox::{
    dispatch::refusal::Refusal,
    state::{
        account::{Entry, EntryKind},
        bounded_map::BoundedMap,
        changes::{Changes, Stateful},
        world::World,
    },
    v2::V2Error,
};

/// How many payouts of a kind and a merchant are kept.
pub(super) const MAX_PAYOUTS: usize = 10_000;

/// Payouts by the merchant's number.
#[derive(Clone, Debug)]
pub(crate) struct Payouts<T>(BoundedMap<Payout<T>>);

/// A payout that was made.
#[derive(Clone, Debug)]
pub(crate) struct Payout<T> {
    /// Everything that the request said. The same again is the same payout.
    asked: Value,
    pub(crate) made: T,
}

impl<T> Default for Payouts<T> {
    fn default() -> Self {
        Self(BoundedMap::new(MAX_PAYOUTS))
    }
}

impl<T> Payouts<T> {
    /// Returns the payout that the same request made before, or `None` if the number is new.
    ///
    /// # Errors
    /// Refuses a number that a different request used.
    pub(super) fn repeated(&self, number: &str, asked: &Value) -> Result<Option<&T>, V2Error> {
        match self.0.get(number) {
            Some(payout) if payout.asked != *asked => Err(V2Error::Result {
                code: "FATAL_ERROR",
                message: "两次请求商户单号一样，但是参数不一致".to_owned(),
            }),
            None if self.0.was_dropped(number) => Err(V2Error::Result {
                code: "FATAL_ERROR",
                message: format!(
                    "单号已被使用: the sandbox keeps the latest {MAX_PAYOUTS} payouts of a merchant, and this number is an older one's"
                ),
            }),
            payout => Ok(payout.map(|payout| &payout.made)),
        }
    }

    pub(super) fn insert(&mut self, number: &str, asked: Value, made: T) {
        self.0.insert(number.to_owned(), Payout { asked, made });
    }

    /// Inserts a payout like [`insert`](Self::insert), but drops only one that may be dropped.
    ///
    /// # Errors
    /// Refuses a new payout if none may.
    pub(super) fn try_insert(
        &mut self,
        number: &str,
        asked: Value,
        made: T,
        may_drop: impl Fn(&T) -> bool,
    ) -> Result<(), V2Error> {
        let payout = Payout { asked, made };
        let may_drop = |known: &Payout<T>| may_drop(&known.made);
        if self.0.try_insert(number.to_owned(), payout, may_drop) {
            return Ok(());
        }
        Err(V2Error::Result {
            code: "FREQ_LIMIT",
            message: format!(
                "超过频率限制: the sandbox keeps {MAX_PAYOUTS} payouts of a merchant, and all of them are under way"
            ),
        })
    }

    pub(super) fn remove(&mut self, number: &str) {
        self.0.remove(number);
    }

    /// Returns a payout by its number.
    ///
    /// # Errors
    /// Refuses a number that does not exist.
    pub(super) fn find(&self, number: &str) -> Result<&T, V2Error> {
        self.get(number).ok_or_else(|| V2Error::Result {
            code: "NOT_FOUND",
            message: "指定单号数据不存在".to_owned(),
        })
    }

    pub(crate) fn get(&self, number: &str) -> Option<&T> {
        self.0.get(number).map(|payout| &payout.made)
    }

    pub(crate) fn get_mut(&mut self, number: &str) -> Option<&mut T> {
        self.0.get_mut(number).map(|payout| &mut payout.made)
    }
}

impl<T> Payouts<T>
where
    Payout<T>: Stateful,
{
    /// Returns payouts whose changes of states are noted: see [`BoundedMap::watched`].
    pub(super) fn watched() -> Self {
        Self(BoundedMap::watched(MAX_PAYOUTS))
    }

    /// Moves the changes of states since the last time to the others.
    pub(crate) fn take_changes(&mut self, mchid: &str, changes: &mut Changes) {
        self.0.take_changes(mchid, changes);
    }
}

/// Takes the money of a payout out of the merchant's account.
pub(super) fn take(
    w: &mut World,
    mchid: &str,
    kind: EntryKind,
    ids: (&str, &str),
    fen: u64,
    now: u64,
) -> Result<(), Refusal> {
    let (id, out_no) = ids;
    w.store(mchid).account.post(Entry {
        at: now,
        kind,
        id: id.to_owned(),
        out_no: out_no.to_owned(),
        fen: -crate::sandbox::flows::payments::pay::engine::fen(fen),
    })
}
