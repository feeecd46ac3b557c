//! What others see of a combined order: the responses of its operations, and its notification.

use serde_json::{Value, json};

use super::{
    CombinedOrder,
    order::{Order, Product},
};
use crate::sandbox::{flows::payments::pay::engine, state::world::World, time::format_rfc3339};

impl CombinedOrder {
    /// Returns the body of a prepayment's response.
    pub(crate) fn prepay_body(&self) -> Value {
        match self.product {
            Product::Native => json!({ "code_url": self.prepaid.code_url }),
            Product::H5 => json!({ "h5_url": self.prepaid.h5_url }),
            _ => json!({ "prepay_id": self.prepaid.prepay_id }),
        }
    }

    /// Returns the state of the order: of its first part, as they are paid and closed together.
    pub(crate) fn trade_state(&self, w: &World) -> &'static str {
        let mut orders = self.orders(w);
        orders.next().map_or("CLOSED", Order::trade_state)
    }

    /// Returns the total of all parts, in fen.
    pub(crate) fn total(&self, w: &World) -> u64 {
        self.orders(w).map(|order| order.asked.total).sum()
    }

    /// Returns the body of a query's response, which is also the resource of the notification.
    pub(crate) fn body(&self, w: &World) -> Value {
        let mut body = json!({
            "combine_appid": self.appid,
            "combine_mchid": self.mchid,
            "combine_out_trade_no": self.number,
        });
        if let Some(id) = &self.transaction_id {
            body["combine_transaction_id"] = id.as_str().into();
        }
        let scene = self.request.get("scene_info");
        if let Some(device) = scene.and_then(|scene| scene.get("device_id")) {
            body["scene_info"] = json!({ "device_id": device });
        }
        let mut payers = self.orders(w).filter_map(|order| order.payment());
        if let Some(payment) = payers.next() {
            body["combine_payer_info"] = json!({ "openid": payment.openid });
        }
        body["sub_orders"] = self.orders(w).map(part_body).collect();
        body
    }

    /// Returns its parts, as far as they are kept.
    pub(crate) fn orders<'a>(&'a self, w: &'a World) -> impl Iterator<Item = &'a Order> {
        let find = |(mchid, number): &(String, String)| engine::by_out_trade_no(w, mchid, number);
        self.parts.iter().filter_map(move |part| find(part).ok())
    }
}

fn part_body(order: &Order) -> Value {
    let (asked, acting) = (&order.asked, &order.asked.acting);
    let mut body = match &acting.sp_mchid {
        None => json!({ "mchid": acting.mchid }),
        Some(sp_mchid) => json!({ "mchid": sp_mchid, "sub_mchid": acting.mchid }),
    };
    if let Some(sub_appid) = &asked.sub_appid {
        body["sub_appid"] = sub_appid.as_str().into();
    }
    body["out_trade_no"] = asked.out_trade_no.as_str().into();
    body["trade_state"] = order.trade_state().into();
    body["amount"] = json!({ "total_amount": asked.total, "currency": "CNY" });
    if let Some(attach) = &asked.attach {
        body["attach"] = attach.as_str().into();
    }
    if let Some(payment) = order.payment() {
        body["transaction_id"] = payment.transaction_id.as_str().into();
        body["trade_type"] = asked.product.trade_type().into();
        body["bank_type"] = payment.bank_type.into();
        body["success_time"] = format_rfc3339(payment.time).into();
        body["amount"]["payer_amount"] = asked.total.into();
        body["amount"]["payer_currency"] = "CNY".into();
        if let Some(sub_openid) = &payment.sub_openid {
            body["sub_openid"] = sub_openid.as_str().into();
        }
    }
    body
}
