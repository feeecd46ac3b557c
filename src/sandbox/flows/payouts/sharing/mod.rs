//! Profit sharing: a merchant shares the frozen money of a payment with receivers.
//!
//! An order is `PROCESSING` → `FINISHED`, each of its shares `PENDING` → `SUCCESS` or `CLOSED`. A receiver
//! that is a merchant can give its share back.

pub(crate) mod give_back;
mod notice;
mod platform;
pub(crate) mod receiver;
mod routes;
pub(crate) mod rules;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use platform::ROUTES as PLATFORM_ROUTES;
pub(crate) use routes::ROUTES;

use std::borrow::Cow;

use self::{
    give_back::Return,
    receiver::{Receiver, ReceiverKind},
};
use crate::sandbox::{
    checks::merchant::Acting,
    state::{StateKind, bounded_map::BoundedMap, changes::Stateful},
};

/// How many orders and returns of a merchant are kept, each.
const MAX_ORDERS: usize = 10_000;
/// How many receivers a merchant can have.
const MAX_RECEIVERS: usize = 20_000;
/// How much of a payment can be shared, in parts of ten thousand.
pub(crate) const MAX_RATIO: u64 = 3000;

/// The profit sharing of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By program, kind and account: see [`Program::receiver_key`].
    pub(crate) receivers: BoundedMap<Receiver>,
    /// By `out_order_no`.
    pub(crate) orders: BoundedMap<SharingOrder>,
    /// By `out_return_no`.
    pub(crate) returns: BoundedMap<Return>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            receivers: BoundedMap::new(MAX_RECEIVERS),
            orders: BoundedMap::watched(MAX_ORDERS),
            returns: BoundedMap::watched(MAX_ORDERS),
        }
    }
}

/// What a merchant asks to be shared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewSharing {
    pub(crate) acting: Acting,
    /// The payment.
    pub(crate) transaction_id: String,
    pub(crate) out_order_no: String,
    pub(crate) shares: Vec<NewShare>,
    /// Whether the merchant gets the rest, so that nothing more is shared of this payment.
    pub(crate) unfreeze_unsplit: bool,
    /// Why the rest is unfrozen. Ordinary profit sharing does not keep it.
    pub(crate) description: Option<String>,
    pub(crate) program: Program,
}

/// Whose receivers an order is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Program {
    /// Those of the merchant itself, or of the sub-merchant.
    #[default]
    Ordinary,
    /// Those of the e-commerce platform.
    Platform,
    /// Those of a brand, added by its service provider.
    Brand { brand_mchid: String },
}

impl Program {
    /// Returns the names of the fields of a receiver in an order: the account's and the sealed name's.
    fn receiver_names(&self) -> [&'static str; 2] {
        match self {
            Self::Platform => ["receiver_account", "receiver_name"],
            Self::Ordinary | Self::Brand { .. } => ["account", "name"],
        }
    }

    /// Returns the key of a receiver in its table: see [`Tables::receivers`].
    fn receiver_key(&self, kind: ReceiverKind, account: &str) -> String {
        let kind = kind.name();
        match self {
            Self::Ordinary => format!("{kind} {account}"),
            Self::Platform => format!("platform {kind} {account}"),
            Self::Brand { brand_mchid } => format!("brand {brand_mchid} {kind} {account}"),
        }
    }

    /// Returns the merchant whose table has the receivers.
    fn owner<'a>(&self, acting: &'a Acting) -> &'a str {
        match self {
            Self::Ordinary => &acting.mchid,
            Self::Platform | Self::Brand { .. } => acting.signer(),
        }
    }
}

/// What a receiver is to get.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewShare {
    pub(crate) kind: ReceiverKind,
    pub(crate) account: String,
    /// In the clear.
    pub(crate) name: Option<String>,
    /// In fen.
    pub(crate) amount: u64,
    pub(crate) description: String,
}

/// A request to share, or to unfreeze the rest.
#[derive(Clone, Debug)]
pub(crate) struct SharingOrder {
    /// What was asked for. The same again is the same order.
    pub(crate) new: NewSharing,
    pub(crate) order_id: String,
    pub(crate) out_trade_no: String,
    pub(crate) created_at: u64,
    pub(crate) shares: Vec<Share>,
    pub(crate) finished_at: Option<u64>,
}

impl Stateful for SharingOrder {
    const KIND: StateKind = StateKind::Sharing;

    fn state_name(&self) -> Cow<'static, str> {
        self.state().into()
    }
}

/// One receiver's part of an order.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) new: NewShare,
    pub(crate) detail_id: String,
    pub(crate) result: ShareResult,
    /// Whether it is what the merchant itself gets: the unfrozen rest.
    pub(crate) is_rest: bool,
    /// What the receiver gave back, or is about to, in fen.
    pub(crate) returned: u64,
}

/// Where a share stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ShareResult {
    Pending,
    Success,
    /// With the reason.
    Closed(String),
}

impl ShareResult {
    /// Returns the result and its reason, as the API names them.
    fn names(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Pending => ("PENDING", None),
            Self::Success => ("SUCCESS", None),
            Self::Closed(reason) => ("CLOSED", Some(reason)),
        }
    }
}

impl SharingOrder {
    /// Returns whether nothing more will happen to it.
    pub(crate) fn has_ended(&self) -> bool {
        self.finished_at.is_some()
    }

    /// Returns `PROCESSING` or `FINISHED`.
    fn state(&self) -> &'static str {
        match self.has_ended() {
            true => "FINISHED",
            false => "PROCESSING",
        }
    }

    /// Returns what of the payment this order took for receivers, in fen.
    fn shared(&self) -> u64 {
        let taken =
            |share: &&Share| !share.is_rest && !matches!(share.result, ShareResult::Closed(_));
        self.shares
            .iter()
            .filter(taken)
            .map(|share| share.new.amount)
            .sum()
    }
}
