//! What happens to a service order later, and what the user does: the order, the money and the notification.

use serde_json::Value;

use super::order::ServiceOrder;
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payments::pay::{
        engine::{self, NewOrder, Payer, Product, Version},
        order::{Order, Prepaid},
    },
    state::{timers::Timer, world::World},
};

/// Keeps a new order, until it expires if the user does not confirm it.
pub(super) fn keep(w: &mut World, order: ServiceOrder) {
    let (mchid, key) = (order.acting.mchid.clone(), order.out_order_no.clone());
    if let Some(at) = order.expires_at() {
        let timer = Timer {
            mchid: mchid.clone(),
            key: key.clone(),
            fire: |w, _, timer, at| {
                find(w, &timer.mchid, &timer.key)?.apply_expiry(at);
                Ok(())
            },
        };
        w.after(at, timer);
    }
    w.store(&mchid).service_orders.orders.insert(key, order);
}

/// Confirms an order, and notifies.
///
/// # Errors
/// Refuses an order that does not exist or is not `CREATED`.
pub(crate) fn confirm(w: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), Refusal> {
    let order = find(w, mchid, number)?;
    order.confirm(now)?;
    let notice = order.notice("PAYSCORE.USER_CONFIRM", "用户确认订单");
    if let Some(notice) = notice {
        w.notify(notice);
    }
    Ok(())
}

/// Pays a completed order to its merchant, and notifies.
///
/// # Errors
/// Refuses an order that does not exist or is not `DOING/MCH_COMPLETE`.
pub(crate) fn pay(w: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), Refusal> {
    let order = find(w, mchid, number)?;
    order.check_collectable()?;
    let deduction = order.deduction();
    let trade_no = deduction.out_trade_no.clone();
    engine::insert(w, Order::new(deduction, Prepaid::default(), now))?;
    engine::take_payment(w, mchid, &trade_no, Payer::default(), None, now)?;
    let paid = engine::by_out_trade_no(w, mchid, &trade_no)?;
    let id = paid.transaction_id().unwrap_or_default().to_owned();
    let order = find(w, mchid, number)?;
    order.pay(id, now)?;
    let notice = order.notice("PAYSCORE.USER_PAID", "用户支付成功");
    if let Some(notice) = notice {
        w.notify(notice);
    }
    Ok(())
}

/// Expires an order that the user has not confirmed, as 30 days do.
///
/// # Errors
/// Refuses an order that does not exist or is not `CREATED`.
pub(crate) fn expire(w: &mut World, mchid: &str, number: &str) -> Result<(), Refusal> {
    find(w, mchid, number)?.expire()
}

fn find<'a>(w: &'a mut World, mchid: &str, number: &str) -> Result<&'a mut ServiceOrder, Refusal> {
    let order = w.store(mchid).service_orders.orders.get_mut(number);
    order.ok_or_else(not_found)
}

pub(super) fn not_found() -> Refusal {
    Refusal::new(404, "ORDER_NOT_EXIST", "ORDERNOTEXIST", "订单不存在")
}

impl ServiceOrder {
    /// Returns the payment that WeChat Pay makes of the order. It can be queried, refunded and shared like
    /// any other, and is in the bills.
    fn deduction(&self) -> NewOrder {
        let text = |name: &str| self.request.get(name).and_then(Value::as_str);
        NewOrder {
            acting: self.acting.clone(),
            product: Product::Deduction,
            appid: self.appid.clone(),
            sub_appid: self.sub_appid.clone(),
            // Only a query by `transaction_id` tells it: the `out_order_no` finds no payment.
            out_trade_no: self.ids.out_trade_no.clone(),
            description: text("service_introduction").unwrap_or_default().to_owned(),
            attach: text("attach").map(str::to_owned),
            total: self.charge.total.unwrap_or_default(),
            payer: Payer {
                openid: self.user.openid.clone(),
                sub_openid: self.user.sub_openid.clone(),
            },
            // The merchant is told of the service order instead.
            notify_url: None,
            expires: None,
            profit_sharing: self.profit_sharing,
            version: Version::V3,
            combined: None,
            request: self.request.clone().into(),
        }
    }
}
