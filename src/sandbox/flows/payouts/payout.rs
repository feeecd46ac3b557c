//! What all payouts have in common: one under each number, and money that is frozen until they end.

use serde_json::Value;

use crate::sandbox::{
    dispatch::refusal::{self, Refusal},
    outbox::{Content, Notice},
    state::account::Account,
};

/// Like [`refusal::repeated`], with a message for a number that a different request used.
pub(super) fn repeated<T: Clone, N: PartialEq>(
    made: Option<&T>,
    asked_for: impl FnOnce(&T) -> &N,
    new: &N,
    number_used: &'static str,
) -> Result<Option<T>, Refusal> {
    let is_same = |made: &T| asked_for(made) == new;
    refusal::repeated(made, is_same, || Refusal::invalid_request(number_used))
}

/// Freezes the money of a payout and keeps the payout: both or neither.
///
/// # Errors
/// Refuses more than the merchant has, with this message, and what `keep` refuses.
pub(super) fn freeze_and_keep(
    account: &mut Account,
    fen: u64,
    not_enough: &'static str,
    keep: impl FnOnce() -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    account
        .freeze(fen)
        .map_err(|_| Refusal::new(403, "NOT_ENOUGH", "NOTENOUGH", not_enough))?;
    match keep() {
        Ok(()) => Ok(()),
        Err(refusal) => account.unfreeze(fen).and(Err(refusal)),
    }
}

/// Returns the notification that a transfer or a batch has ended.
pub(super) fn ended_notice(
    mchid: &str,
    url: &str,
    event_type: &str,
    summary: &'static str,
    resource: Value,
) -> Notice {
    Notice {
        mchid: mchid.to_owned(),
        url: url.to_owned(),
        content: Content::V3 {
            event_type: event_type.to_owned(),
            original_type: "mch_payment",
            summary,
            resource,
        },
    }
}

/// The text that merchants see for a number that a different transfer or batch used.
pub(super) const NUMBER_USED: &str = "单号已存在但信息不一致,请查单后比较确认";

/// Refuses a number that no transfer or batch has.
pub(super) fn not_found() -> Refusal {
    Refusal::new(404, "NOT_FOUND", "NOT_FOUND", "记录不存在")
}

/// Refuses what the state of a transfer or a batch does not allow.
pub(super) fn wrong_state(state: &str) -> Refusal {
    Refusal::invalid_request(format!("当前单据状态不支持此操作: it is {state}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_frozen_only_for_what_is_kept() {
        let mut account = Account::with_balance(100);
        let mut freeze = |fen, kept: Result<(), Refusal>| {
            let result = freeze_and_keep(&mut account, fen, "too little", || kept);
            (result, account.available(), account.frozen())
        };
        assert_eq!(freeze(60, Ok(())), (Ok(()), 40, 60));
        let full = Refusal::too_many(1_000, "batches");
        assert_eq!(freeze(40, Err(full.clone())), (Err(full), 40, 60));
        let (poor, ..) = freeze(41, Ok(()));
        assert_eq!(poor.unwrap_err().message, "too little");
    }

    #[test]
    fn number_belongs_to_the_first_request() {
        let known = (1, "made");
        let ask = |made, new| repeated(made, |known: &(i32, &str)| &known.0, &new, NUMBER_USED);
        assert_eq!(ask(None, 1), Ok(None));
        assert_eq!(ask(Some(&known), 1), Ok(Some(known)));
        assert_eq!(ask(Some(&known), 2).unwrap_err().message, NUMBER_USED);
    }
}
