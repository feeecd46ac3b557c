//! What the merchant sees of plans, and is told of them.

use serde_json::{Value, json};

use super::{
    Plan,
    signed::{End, Signed},
};
use crate::sandbox::{
    flows::{
        agreements::service_order::{
            Tables,
            notice::{put_sub_mchid, v3},
            view::put_merchants,
        },
        payments::pay::notice::signer,
    },
    outbox::Notice,
    time::{format_rfc3339, parse_compact},
};

impl Plan {
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "plan_id": self.plan_id, "service_id": self.service_id, "appid": self.appid,
        });
        put_merchants(&mut body, &self.acting, self.sub_appid.as_deref());
        for name in [
            "merchant_plan_no",
            "plan_name",
            "plan_duration",
            "total_original_price",
            "deduction_quantity",
            "total_actual_price",
        ] {
            if let Some(value) = self.request.get(name) {
                body[name] = value.clone();
            }
        }
        let details = (0..self.details.len()).map(|index| self.detail_body(index));
        body["plan_detail_list"] = details.collect();
        body["plan_state"] = match self.stopped_at {
            None => "NORMAL",
            Some(_) => "STOP",
        }
        .into();
        if let Some(at) = self.stopped_at {
            body["stop_mchid"] = signer(&self.acting).into();
            body["stop_time"] = format_rfc3339(at).into();
        }
        body
    }

    /// Returns a service of the plan. They are numbered from 1.
    fn detail_body(&self, index: usize) -> Value {
        let Some(detail) = self.details.get(index) else {
            return json!({});
        };
        let mut body = json!({
            "plan_detail_no": index + 1,
            "plan_detail_name": detail.name,
            "original_price": detail.original_price,
            "actual_price": detail.actual_price,
        });
        if let Some(discount) = &detail.discount {
            body["plan_discount_description"] = discount.as_str().into();
        }
        body
    }
}

impl Signed {
    pub(super) fn body(&self, tables: &Tables) -> Value {
        let plan = &self.plan;
        let mut body =
            json!({ "sign_plan_id": self.id, "service_id": plan.service_id, "appid": self.appid });
        put_merchants(&mut body, &plan.acting, self.sub_appid.as_deref());
        body["merchant_sign_plan_no"] = self.number.as_str().into();
        body["merchant_callback_url"] = self.notify_url.as_str().into();
        body["plan_id"] = plan.plan_id.as_str().into();
        body["going_detail_no"] = self.begun.into();
        body["sign_state"] = self.state(tables).into();
        body["plan_over_time"] = format_rfc3339(self.expires_at).into();
        for (name, of_plan) in [
            ("plan_name", "plan_name"),
            ("deduction_quantity", "deduction_quantity"),
            // Spelled differently.
            ("total_origin_price", "total_original_price"),
            ("total_actual_price", "total_actual_price"),
        ] {
            if let Some(value) = plan.request.get(of_plan) {
                body[name] = value.clone();
            }
        }
        let mut optional = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                body[name] = value.into();
            }
        };
        optional("openid", self.user.openid.clone());
        optional("sub_openid", self.user.sub_openid.clone());
        optional("sign_time", self.signed_at.map(format_rfc3339));
        if let Some(End::Cancelled { at, by, reason }) = &self.end {
            optional("cancel_sign_time", Some(format_rfc3339(*at)));
            optional("cancel_sign_type", Some((*by).to_owned()));
            optional("cancel_reason", Some(reason.clone()));
        }
        let details = (0..self.numbers.len()).map(|index| self.detail_body(tables, index));
        body["signed_detail_list"] = details.collect();
        body
    }

    fn detail_body(&self, tables: &Tables, index: usize) -> Value {
        let mut body = self.plan.detail_body(index);
        body["plan_detail_state"] = self.stand(tables, index).as_str().into();
        body["merchant_plan_detail_no"] = self.numbers.get(index).cloned().into();
        let Some(order) = self.order(tables, index) else {
            return body;
        };
        body["order_id"] = order.ids.order_id.as_str().into();
        body["use_time"] = format_rfc3339(order.created_at).into();
        if let Some(payment) = &order.payment {
            body["actual_pay_price"] = order.charge.total.unwrap_or_default().into();
            let paid_at = parse_compact(&payment.paid_time).unwrap_or_default();
            body["complete_time"] = format_rfc3339(paid_at).into();
        }
        body
    }

    /// Returns the notification that the user signed or cancelled.
    pub(super) fn notice(&self, tables: &Tables, event: &str, summary: &'static str) -> Notice {
        let mut resource = self.body(tables);
        // The table requires times of what has not happened: they are empty.
        let fill = |object: &mut Value, names: &[&str]| {
            for name in names {
                if object.get(name).is_none() {
                    object[*name] = "".into();
                }
            }
        };
        fill(&mut resource, &["cancel_sign_time", "sign_time"]);
        for detail in resource["signed_detail_list"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            fill(detail, &["use_time", "complete_time", "cancel_time"]);
        }
        put_sub_mchid(&mut resource, &self.plan.acting);
        v3(
            &self.plan.acting,
            &self.notify_url,
            event,
            summary,
            resource,
        )
    }
}
