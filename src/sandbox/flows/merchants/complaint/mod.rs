//! Complaints of customers about paid orders: `PENDING` → `PROCESSING` → `PROCESSED`, and back if the
//! customer complains again.

mod callback;
mod history;
mod routes;
mod rules;
mod view;

pub(crate) use routes::ROUTES;
pub(crate) use rules::{
    ask_again, complain, complain_again, need_answer_at_once, refund_succeeded, withdraw,
};

use std::borrow::Cow;

use serde_json::Value;

use crate::sandbox::{
    dispatch::refusal::Refusal,
    state::{StateKind, bounded_map::BoundedMap, changes::Stateful},
};

/// How many complaints about a merchant are kept.
const MAX_COMPLAINTS: usize = 10_000;
/// How many steps the history of a complaint has at most.
const MAX_HISTORY: usize = 300;

/// The complaints about one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `complaint_id`.
    pub(crate) complaints: BoundedMap<Complaint>,
    /// Where the merchant is told about complaints, its sub-merchants' included.
    notify_url: Option<String>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            complaints: BoundedMap::watched(MAX_COMPLAINTS),
            notify_url: None,
        }
    }
}

/// A customer's complaint about an order. The store of the order's merchant has it.
#[derive(Clone, Debug)]
pub(crate) struct Complaint {
    id: String,
    /// The merchant that it is about.
    mchid: String,
    order: OrderInfo,
    /// The customer's number, in the clear.
    phone: String,
    text: String,
    created_at: u64,
    state: State,
    /// The refund that the customer asks for.
    claim: Option<Claim>,
    /// How often the customer complained.
    times: u64,
    /// Whether the customer wrote something that the merchant has not answered.
    is_unanswered: bool,
    needs_answer_at_once: bool,
    history: Vec<Step>,
}

/// The order that a complaint is about.
#[derive(Clone, Debug)]
struct OrderInfo {
    transaction_id: String,
    out_trade_no: String,
    openid: String,
    /// In fen.
    amount: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Processing,
    Processed,
}

/// A refund that a customer asks for.
#[derive(Clone, Copy, Debug)]
struct Claim {
    /// In fen.
    amount: u64,
    /// Whether the merchant approved it, once it has decided.
    approved: Option<bool>,
}

/// One entry of the negotiation history.
#[derive(Clone, Debug)]
struct Step {
    log_id: String,
    at: u64,
    happened: Happened,
    said: Said,
}

/// What happened to a complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happened {
    Complained,
    ComplainedAgain,
    AskedAgain,
    Withdrew,
    MerchantAnswered,
    MerchantCompleted,
    MerchantApproved,
    MerchantRefused,
    RefundedInPart,
    RefundedInFull,
    /// The refund that the customer asked for.
    RefundReceived,
}

/// What somebody wrote.
#[derive(Clone, Debug, Default)]
struct Said {
    text: String,
    /// The media IDs of images.
    images: Vec<String>,
    /// An answer of immediate service, with the ID that repeats it.
    message: Option<(String, Value)>,
}

impl Said {
    fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Processing => "PROCESSING",
            Self::Processed => "PROCESSED",
        }
    }
}

impl Stateful for Complaint {
    const KIND: StateKind = StateKind::Complaint;

    fn state_name(&self) -> Cow<'static, str> {
        self.state.name().into()
    }
}

impl Complaint {
    /// Checks that the complaint is not processed, and that its history has room.
    fn check_open(&self) -> Result<(), Refusal> {
        if self.state == State::Processed {
            return Err(Refusal::invalid_request("投诉单已处理完成，不支持此操作"));
        }
        self.check_room()
    }

    fn check_room(&self) -> Result<(), Refusal> {
        if self.history.len() < MAX_HISTORY {
            return Ok(());
        }
        let message = "频率超限: the sandbox keeps 300 steps of a complaint";
        Err(Refusal::new(
            429,
            "FREQUENCY_LIMITED",
            "FREQUENCY_LIMITED",
            message,
        ))
    }
}

#[cfg(test)]
mod tests;
