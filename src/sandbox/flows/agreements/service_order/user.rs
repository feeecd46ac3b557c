//! What a user does with a service order: the order, the money and the notification.

use super::{ServiceOrder, routes::not_found};
use crate::sandbox::{
    dispatch::response::ApiResponse,
    flows::payments::pay::engine::fen,
    outbox::{Content, Notice},
    state::{
        account::{Entry, EntryKind},
        world::World,
    },
};

/// Confirms an order, and notifies.
///
/// # Errors
/// Refuses an order that does not exist or is not `CREATED`.
pub(crate) fn confirm(
    w: &mut World,
    mchid: &str,
    number: &str,
    now: u64,
) -> Result<(), ApiResponse> {
    let openid = w.openid();
    let order = find(w, mchid, number, now)?;
    order.confirm(openid, now)?;
    let notice = order.notice("PAYSCORE.USER_CONFIRM", "用户确认订单", mchid);
    w.notify(notice);
    Ok(())
}

/// Pays a completed order to its merchant, and notifies.
///
/// # Errors
/// Refuses an order that does not exist or is not `DOING/MCH_COMPLETE`.
pub(crate) fn pay(w: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), ApiResponse> {
    // Real transaction IDs have 28 digits and begin with 4200.
    let id = w.number("4200", 28);
    let order = find(w, mchid, number, now)?;
    order.pay(id.clone(), now)?;
    let entry = Entry {
        at: now,
        kind: EntryKind::Payment,
        id,
        out_no: number.to_owned(),
        fen: fen(order.charge.total.unwrap_or_default()),
    };
    let notice = order.notice("PAYSCORE.USER_PAID", "用户支付成功", mchid);
    w.store(mchid)
        .account
        .post(entry)
        .map_err(ApiResponse::from)?;
    w.notify(notice);
    Ok(())
}

fn find<'a>(
    w: &'a mut World,
    mchid: &str,
    number: &str,
    now: u64,
) -> Result<&'a mut ServiceOrder, ApiResponse> {
    let order = w.store(mchid).service_orders.orders.get_mut(number);
    let order = order.ok_or_else(not_found)?;
    order.apply_expiry(now);
    Ok(order)
}

impl ServiceOrder {
    fn notice(&self, event_type: &str, summary: &'static str, mchid: &str) -> Notice {
        let url = self.request.get("notify_url").and_then(|url| url.as_str());
        Notice {
            mchid: mchid.to_owned(),
            // Every order has one.
            url: url.unwrap_or_default().to_owned(),
            content: Content::V3 {
                event_type: event_type.to_owned(),
                original_type: "payscore",
                summary,
                resource: self.body(mchid),
            },
        }
    }
}
