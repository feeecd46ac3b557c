//! What others see of a service order: the responses of its operations.

use serde_json::{Value, json};

use super::ServiceOrder;

impl ServiceOrder {
    /// Returns the order's IDs: the body of the responses to cancel and pay.
    pub(crate) fn ids_body(&self, mchid: &str) -> Value {
        json!({
            "appid": self.appid,
            "mchid": mchid,
            "out_order_no": self.out_order_no,
            "service_id": self.service_id,
            "order_id": self.ids.order_id,
        })
    }

    /// Returns the order and its `package`, which opens the confirmation page: the body of the
    /// response to a creation.
    pub(crate) fn creation_body(&self, mchid: &str) -> Value {
        let mut body = self.body(mchid);
        body["package"] = self.ids.package.as_str().into();
        body
    }

    /// Returns the whole order: the body of all other responses.
    // A field that does not apply is absent, not null: WeChat Pay sends no nulls.
    pub(crate) fn body(&self, mchid: &str) -> Value {
        let mut body = self.ids_body(mchid);
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
        put("openid", self.openid.clone().map(Value::from));
        let needs_collection = self.charge.total.map(|total| total > 0);
        put("need_collection", needs_collection.map(Value::from));
        put("collection", self.collection());
        body
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
