//! What others see of an order: the responses of its operations, its notification, and the rows of bills.

use serde_json::{Value, json};

use super::order::{Order, Payment, Product};
use crate::sandbox::time::format_rfc3339;

impl Order {
    /// Returns the body of a prepayment's response.
    pub(crate) fn prepay_body(&self) -> Value {
        let codes = &self.prepaid;
        match self.asked.product {
            Product::Native => json!({ "code_url": codes.code_url }),
            Product::H5 => json!({ "h5_url": codes.h5_url }),
            _ => json!({ "prepay_id": codes.prepay_id }),
        }
    }

    /// Returns the body of the response to a code payment.
    // With the fields and their order as seen on the wire. Fields of a payment appear only after it: a test
    // that reads `transaction_id` of an unpaid order fails here first.
    pub(crate) fn query_body(&self) -> Value {
        let mut body = match self.payment() {
            Some(payment) => self.paid_body(payment),
            None => self.state_body(),
        };
        body["promotion_detail"] = match self.payment() {
            Some(payment) => payment.promotions(),
            None => json!([]),
        };
        match self.device() {
            Some(device) => body["scene_info"] = json!({ "device_id": device }),
            None if self.payment().is_none() => body["scene_info"] = json!({ "device_id": "" }),
            None => {}
        }
        if let Value::Object(fields) = &mut body {
            fields.sort_keys();
        }
        body
    }

    /// Returns the body of a query's response, with what its table requires beside the payment's.
    // The notification does not have them.
    pub(crate) fn found_body(&self) -> Value {
        let mut body = self.query_body();
        body["description"] = self.asked.description.as_str().into();
        body["notify_url"] = self.asked.notify_url.as_deref().unwrap_or_default().into();
        body
    }

    /// Returns the resource of the notification, or `None` if the order is not paid.
    pub(crate) fn notice_body(&self) -> Option<Value> {
        Some(self.paid_body(self.payment()?))
    }

    /// Returns the resource of the notification of a failed deduction.
    // Its table is the union of several products. Here are the fields that this product has; those of a
    // payment are not among them.
    pub(super) fn failure_body(&self) -> Value {
        let asked = &self.asked;
        let mut body = self.state_body();
        body["trade_type"] = asked.product.trade_type().into();
        body["attach"] = asked.attach.as_deref().unwrap_or_default().into();
        body["description"] = asked.description.as_str().into();
        body["create_time"] = format_rfc3339(self.created_at).into();
        body["user_repaid"] = "N".into();
        let payer = &asked.payer;
        let is_direct = asked.acting.sp_mchid.is_none();
        let openid = if is_direct { "openid" } else { "sp_openid" };
        body["payer"] = json!({ openid: payer.openid.as_deref().unwrap_or_default() });
        if let Some(sub_openid) = &payer.sub_openid {
            body["payer"]["sub_openid"] = sub_openid.as_str().into();
        }
        body["amount"] = json!({
            "total": asked.total, "currency": "CNY", "payer_currency": "CNY",
        });
        body
    }

    fn paid_body(&self, payment: &Payment) -> Value {
        let asked = &self.asked;
        let mut body = self.state_body();
        body["transaction_id"] = payment.transaction_id.as_str().into();
        body["trade_type"] = asked.product.trade_type().into();
        body["bank_type"] = payment.bank_type.into();
        body["attach"] = asked.attach.as_deref().unwrap_or_default().into();
        body["success_time"] = format_rfc3339(payment.time).into();
        body["payer"] = self.payer_body(payment);
        body["amount"] = json!({
            "total": asked.total,
            "payer_total": self.payer_total(),
            "currency": "CNY",
            "payer_currency": "CNY",
        });
        if payment.discount.is_some() {
            body["promotion_detail"] = payment.promotions();
        }
        body
    }

    /// What every order has. `attach` comes with the payment.
    fn state_body(&self) -> Value {
        let mut body = self.ids_body();
        body["out_trade_no"] = self.asked.out_trade_no.as_str().into();
        body["trade_state"] = self.trade_state().into();
        body["trade_state_desc"] = self.trade_state_desc().into();
        body["amount"] = json!({ "total": self.asked.total, "payer_currency": "CNY" });
        body
    }

    /// Returns the IDs of the order's app and merchants.
    pub(crate) fn ids_body(&self) -> Value {
        let (asked, acting) = (&self.asked, &self.asked.acting);
        let Some(sp_mchid) = &acting.sp_mchid else {
            return json!({ "appid": asked.appid, "mchid": acting.mchid });
        };
        let mut body = json!({
            "sp_appid": asked.appid, "sp_mchid": sp_mchid, "sub_mchid": acting.mchid,
        });
        if let Some(sub_appid) = &asked.sub_appid {
            body["sub_appid"] = sub_appid.as_str().into();
        }
        body
    }

    fn payer_body(&self, payment: &Payment) -> Value {
        if self.asked.acting.sp_mchid.is_none() {
            return json!({ "openid": payment.openid });
        }
        let mut body = json!({ "sp_openid": payment.openid });
        if let Some(sub_openid) = &payment.sub_openid {
            body["sub_openid"] = sub_openid.as_str().into();
        }
        body
    }

    fn device(&self) -> Option<&str> {
        let device = self.asked.request.get("scene_info")?.get("device_id")?;
        device.as_str()
    }
}
