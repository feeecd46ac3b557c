//! What others see of a service order: the responses of its operations.

use serde_json::{Value, json};

use super::order::ServiceOrder;
use crate::sandbox::checks::merchant::Acting;

impl ServiceOrder {
    /// Returns the order's IDs: the body of the responses to cancel and pay.
    pub(super) fn ids_body(&self) -> Value {
        let mut body = json!({ "appid": self.appid });
        put_merchants(&mut body, &self.acting, self.sub_appid.as_deref());
        body["out_order_no"] = self.out_order_no.as_str().into();
        body["service_id"] = self.service_id.as_str().into();
        body["order_id"] = self.ids.order_id.as_str().into();
        body
    }

    /// Returns the order and its `package`, which opens the confirmation page: the body of the
    /// response to a creation.
    pub(super) fn creation_body(&self) -> Value {
        let mut body = self.body();
        body["package"] = self.ids.package.as_str().into();
        // Of an order to be paid after its delivery.
        if let Some(shopping) = self.request.get("shopping_info") {
            body["shopping_info"] = shopping.clone();
        }
        body
    }

    /// Returns the whole order: the body of all other responses.
    // A field that does not apply is absent, not null: WeChat Pay sends no nulls.
    pub(crate) fn body(&self) -> Value {
        let mut body = self.ids_body();
        let requested = |name: &str| self.request.get(name).cloned();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[name] = value;
            }
        };
        put("service_introduction", requested("service_introduction"));
        put("state", Some(self.state.name().into()));
        put(
            "state_description",
            self.state.description().map(Value::from),
        );
        put("total_amount", self.charge.total.map(Value::from));
        put("post_payments", self.charge.payments.clone());
        put("post_discounts", self.charge.discounts.clone());
        put("risk_fund", requested("risk_fund"));
        put("time_range", Some(self.time_range.clone().into()));
        put("location", self.location.clone());
        put("attach", requested("attach"));
        put("notify_url", requested("notify_url"));
        put("openid", self.user.openid.clone().map(Value::from));
        put("sub_openid", self.user.sub_openid.clone().map(Value::from));
        let needs_collection = self.charge.total.map(|total| total > 0);
        put("need_collection", needs_collection.map(Value::from));
        put("collection", self.collection());
        body
    }

    /// Returns the merchants that it is of.
    pub(crate) fn acting(&self) -> &Acting {
        &self.acting
    }

    /// Returns when it was created, in seconds since 1970.
    pub(crate) fn created_at(&self) -> u64 {
        self.created_at
    }

    /// Returns what the user pays, in fen, once the merchant has stated it.
    pub(crate) fn total(&self) -> Option<u64> {
        self.charge.total
    }

    /// Returns the most that it can cost, in fen.
    pub(crate) fn risk_amount(&self) -> u64 {
        self.risk_amount
    }

    /// Returns WeChat Pay's number.
    pub(crate) fn order_id(&self) -> &str {
        &self.ids.order_id
    }

    /// Returns the `out_trade_no` of its payment, which there is once the user has paid.
    pub(crate) fn payment_number(&self) -> &str {
        &self.ids.out_trade_no
    }

    /// Returns what opens the page on which the user confirms it.
    pub(crate) fn package(&self) -> &str {
        &self.ids.package
    }

    /// Returns how the payment stands, or `None` if there is nothing to pay.
    fn collection(&self) -> Option<Value> {
        let total = self.charge.total.filter(|total| *total > 0)?;
        let Some(payment) = &self.payment else {
            return Some(json!({
                "state": "USER_PAYING",
                "total_amount": total,
                "paying_amount": total,
                "paid_amount": 0,
            }));
        };
        let mut detail = json!({
            "seq": 1,
            "amount": total,
            "paid_type": payment.paid_type,
            "paid_time": payment.paid_time,
        });
        if let Some(id) = &payment.transaction_id {
            detail["transaction_id"] = id.as_str().into();
        }
        Some(json!({
            "state": "USER_PAID",
            "total_amount": total,
            "paying_amount": 0,
            "paid_amount": total,
            "details": [detail],
        }))
    }
}

/// Adds the merchants: `mchid` is the one that signs.
pub(super) fn put_merchants(body: &mut Value, acting: &Acting, sub_appid: Option<&str>) {
    let Some(sp_mchid) = &acting.sp_mchid else {
        body["mchid"] = acting.mchid.as_str().into();
        return;
    };
    body["mchid"] = sp_mchid.as_str().into();
    if let Some(sub_appid) = sub_appid {
        body["sub_appid"] = sub_appid.into();
    }
    body["sub_mchid"] = acting.mchid.as_str().into();
}
