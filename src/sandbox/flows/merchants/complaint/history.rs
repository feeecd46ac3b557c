//! The history of a complaint, and the notifications about it.

use serde_json::json;

use super::{Happened, Said, Step, rules::by_id};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    outbox::{Content, Notice},
    state::world::{Store, World},
};

/// Adds a step to the history, and tells those who are to know. Returns the step's ID.
pub(super) fn record(
    w: &mut World,
    mchid: &str,
    id: &str,
    happened: Happened,
    said: Said,
    now: u64,
) -> Result<String, Refusal> {
    let log_id = w.number("3002", 32);
    let complaint = by_id(w, mchid, id)?;
    complaint.check_room()?;
    complaint.history.push(Step {
        log_id: log_id.clone(),
        at: now,
        happened,
        said,
    });
    if let Some(action_type) = happened.action_type() {
        notify(w, mchid, id, action_type);
    }
    Ok(log_id)
}

/// Tells the merchant and its service providers, as far as they have a URL.
fn notify(w: &mut World, mchid: &str, id: &str, action_type: &str) {
    let sees =
        |(known, store): &(&String, &Store)| *known == mchid || store.sub_merchants.contains(mchid);
    let told = w.stores.iter().filter(sees);
    let told = told.filter_map(|(known, store)| {
        let url = store.complaint.notify_url.clone()?;
        Some((known.clone(), url))
    });
    let (event_type, summary) = match action_type {
        "CREATE_COMPLAINT" => ("COMPLAINT.CREATE", "产生新投诉"),
        _ => ("COMPLAINT.STATE_CHANGE", "投诉状态变化"),
    };
    for (mchid, url) in told.collect::<Vec<_>>() {
        w.notify(Notice {
            mchid,
            url,
            content: Content::V3 {
                event_type: event_type.to_owned(),
                original_type: "complaint",
                summary,
                resource: json!({ "complaint_id": id, "action_type": action_type }),
            },
        });
    }
}

impl Happened {
    /// Returns what the notification calls it, if there is one.
    fn action_type(self) -> Option<&'static str> {
        match self {
            Self::Complained => Some("CREATE_COMPLAINT"),
            Self::ComplainedAgain => Some("CONTINUE_COMPLAINT"),
            Self::AskedAgain => Some("USER_RESPONSE"),
            Self::MerchantAnswered => Some("MERCHANT_RESPONSE"),
            Self::MerchantCompleted => Some("MERCHANT_CONFIRM_COMPLETE"),
            Self::MerchantApproved => Some("MERCHANT_APPROVE_REFUND"),
            Self::MerchantRefused => Some("MERCHANT_REJECT_REFUND"),
            Self::RefundedInFull => Some("SELLER_REFUND"),
            Self::RefundReceived => Some("REFUND_SUCCESS"),
            // The documents list no action for these.
            Self::Withdrew | Self::RefundedInPart => None,
        }
    }
}
