//! The receivers that a merchant may share with.

use super::Program;
use crate::sandbox::{dispatch::refusal::Refusal, state::world::World};

/// What an account of a receiver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceiverKind {
    MerchantId,
    PersonalOpenid,
    /// Of the sub-merchant's app.
    PersonalSubOpenid,
}

/// A merchant or a person that a merchant shares with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receiver {
    pub(crate) kind: ReceiverKind,
    pub(crate) account: String,
    /// In the clear.
    pub(crate) name: Option<String>,
    pub(crate) relation_type: String,
    pub(crate) custom_relation: Option<String>,
}

impl ReceiverKind {
    /// Reads the kind as the API names it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [
            Self::MerchantId,
            Self::PersonalOpenid,
            Self::PersonalSubOpenid,
        ]
        .into_iter()
        .find(|kind| kind.name() == text)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MerchantId => "MERCHANT_ID",
            Self::PersonalOpenid => "PERSONAL_OPENID",
            Self::PersonalSubOpenid => "PERSONAL_SUB_OPENID",
        }
    }
}

/// Adds a receiver to those of the owner, or replaces what is known of it.
pub(crate) fn add_receiver(
    world: &mut World,
    owner: &str,
    program: &Program,
    receiver: Receiver,
) -> Result<(), Refusal> {
    let receivers = &mut world.store(owner).sharing.receivers;
    let key = program.receiver_key(receiver.kind, &receiver.account);
    if receivers.try_insert(key, receiver, |_| false) {
        return Ok(());
    }
    Err(Refusal::invalid_request(
        "分账接收方数量超过上限: a merchant can have 20000 receivers",
    ))
}

/// Removes a receiver. To remove one that is gone succeeds.
// A merchant that missed the first response removes it again.
pub(crate) fn delete_receiver(
    world: &mut World,
    owner: &str,
    program: &Program,
    kind: ReceiverKind,
    account: &str,
) {
    let receivers = &mut world.store(owner).sharing.receivers;
    receivers.remove(&program.receiver_key(kind, account));
}
