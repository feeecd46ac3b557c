//! What a receiver of shared money is told.

use serde_json::json;

use super::{Share, SharingOrder};
use crate::sandbox::{
    outbox::{Content, Notice},
    state::{merchant::Merchants, world::World},
    time::format_rfc3339,
};

/// Tells a receiver that is a merchant, if it has a URL for this event.
pub(super) fn notify(
    world: &mut World,
    merchants: &Merchants,
    event: &str,
    order: &SharingOrder,
    share: &Share,
    amount: u64,
    now: u64,
) {
    let Some(receiver) = merchants.get(&share.new.account) else {
        return;
    };
    let url = receiver.url_of(event).or(world.outbox.redirect());
    let Some(url) = url.map(str::to_owned) else {
        return;
    };
    let acting = &order.new.acting;
    let mut resource = match &acting.sp_mchid {
        None => json!({ "mchid": acting.mchid }),
        Some(sp_mchid) => json!({ "sp_mchid": sp_mchid, "sub_mchid": acting.mchid }),
    };
    resource["transaction_id"] = order.new.transaction_id.as_str().into();
    resource["order_id"] = order.order_id.as_str().into();
    resource["out_order_no"] = order.new.out_order_no.as_str().into();
    resource["receiver"] = json!({
        "type": share.new.kind.name(),
        "account": share.new.account,
        "amount": amount,
        "description": share.new.description,
    });
    resource["success_time"] = format_rfc3339(now).into();
    world.notify(Notice {
        // The notification is the receiver's, not that of the merchant who shares.
        mchid: share.new.account.clone(),
        url,
        content: Content::V3 {
            event_type: "TRANSACTION.SUCCESS".to_owned(),
            original_type: "profitsharing",
            summary: match event {
                "PROFITSHARING.RETURN" => "分账回退",
                _ => "分账",
            },
            resource,
        },
    });
}
