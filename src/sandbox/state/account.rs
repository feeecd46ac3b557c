//! The balance of a merchant, and what moved it.

use std::collections::VecDeque;

use crate::sandbox::dispatch::refusal::Refusal;

/// How many entries are kept. The balance counts all of them.
const MAX_ENTRIES: usize = 100_000;

/// A merchant's money with WeChat Pay, in fen.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Everything that belongs to the merchant, frozen money included.
    balance: u64,
    frozen: u64,
    entries: VecDeque<Entry>,
}

/// One movement of the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When it moved, in seconds since 1970.
    pub(crate) at: u64,
    pub(crate) kind: EntryKind,
    /// WeChat Pay's number, such as a transaction ID.
    pub(crate) id: String,
    /// The merchant's number, such as an `out_trade_no`.
    pub(crate) out_no: String,
    /// Positive if the merchant received it.
    pub(crate) fen: i64,
}

/// Why a balance moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Payment,
    Refund,
    /// A refund that failed and came back.
    RefundBack,
    SharingOut,
    SharingIn,
    /// Money that a receiver gave back, on either side.
    SharingReturn,
    Transfer,
    RedPacket,
    /// What a coupon of the merchant's took off an order.
    Coupon,
    /// What came back of it with a refund.
    CouponBack,
    /// What a merchant paid another one for honouring a coupon, on either side.
    Subsidy,
    /// What came back of it with a refund, on either side.
    SubsidyReturn,
}

impl Account {
    /// Returns an account with this balance and no entries.
    pub(crate) fn with_balance(fen: u64) -> Self {
        Self {
            balance: fen,
            frozen: 0,
            entries: VecDeque::new(),
        }
    }

    /// Returns what the merchant can spend.
    pub(crate) fn available(&self) -> u64 {
        self.balance.saturating_sub(self.frozen)
    }

    /// Returns what is set aside, for profit sharing or for a transfer that is not finished.
    pub(crate) fn frozen(&self) -> u64 {
        self.frozen
    }

    /// Moves the balance. Refuses to take more than is available.
    pub(crate) fn post(&mut self, entry: Entry) -> Result<(), Refusal> {
        let amount = entry.fen.unsigned_abs();
        self.balance = if entry.fen < 0 {
            if amount > self.available() {
                return Err(not_enough());
            }
            self.balance - amount
        } else {
            self.balance.saturating_add(amount)
        };
        self.entries.push_back(entry);
        if self.entries.len() > MAX_ENTRIES {
            self.entries.pop_front();
        }
        Ok(())
    }

    /// Sets money aside. Refuses if it is not available.
    pub(crate) fn freeze(&mut self, fen: u64) -> Result<(), Refusal> {
        if fen > self.available() {
            return Err(not_enough());
        }
        self.frozen += fen;
        Ok(())
    }

    /// Spends frozen money. `entry.fen` is negative.
    pub(crate) fn spend_frozen(&mut self, entry: Entry) -> Result<(), Refusal> {
        self.unfreeze(entry.fen.unsigned_abs())?;
        self.post(entry)
    }

    /// Makes frozen money available again.
    pub(crate) fn unfreeze(&mut self, fen: u64) -> Result<(), Refusal> {
        let Some(left) = self.frozen.checked_sub(fen) else {
            // No request leads here: only money that was frozen before is asked for.
            tracing::error!(
                "the sandbox's accounts are wrong: {} fen are frozen, not {fen}",
                self.frozen
            );
            return Err(not_enough());
        };
        self.frozen = left;
        Ok(())
    }

    /// Returns the movements, oldest first.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }
}

fn not_enough() -> Refusal {
    Refusal::new(403, "NOT_ENOUGH", "NOTENOUGH", "商户账户余额不足")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fen: i64) -> Entry {
        Entry {
            at: 1,
            kind: EntryKind::Payment,
            id: "4200".to_owned(),
            out_no: "tea".to_owned(),
            fen,
        }
    }

    #[test]
    fn frozen_money_cannot_be_spent() {
        let mut account = Account::with_balance(100);
        account.post(entry(50)).unwrap();
        account.freeze(120).unwrap();
        assert_eq!((account.available(), account.frozen()), (30, 120));
        assert_eq!(account.post(entry(-31)).unwrap_err().code, "NOT_ENOUGH");
        assert_eq!(account.freeze(31).unwrap_err().code, "NOT_ENOUGH");
        account.post(entry(-30)).unwrap();
        account.unfreeze(120).unwrap();
        assert!(account.unfreeze(1).is_err());
        account.post(entry(-120)).unwrap();
        assert_eq!(account.available(), 0);
        assert!(account.post(entry(i64::MIN)).is_err());
        let moved: Vec<_> = account.entries().map(|entry| entry.fen).collect();
        assert_eq!(moved, [50, -30, -120]);
    }
}
