//! What the merchant is told of service orders and permissions.

use serde_json::{Value, json};

use super::{
    order::ServiceOrder,
    permission::{Permission, State},
    view::put_merchants,
};
use crate::sandbox::{
    checks::merchant::Acting,
    flows::payments::pay::notice::signer,
    outbox::{Content, Notice},
    time::{format_compact, format_rfc3339},
};

impl ServiceOrder {
    /// Returns the notification of what the user did, or `None` if nobody asked for one.
    pub(super) fn notice(&self, event_type: &str, summary: &'static str) -> Option<Notice> {
        let url = self.request.get("notify_url").and_then(Value::as_str)?;
        let mut resource = self.body();
        resource["out_trade_no"] = self.ids.out_trade_no.as_str().into();
        // Documented as required, also where the creation gave none.
        if resource.get("post_payments").is_none() {
            resource["post_payments"] = json!([]);
        }
        // The same, of an order that is completed at once: the most that it can cost is what it costs.
        if resource.get("risk_fund").is_none() {
            let amount = self.charge.total.unwrap_or_default();
            resource["risk_fund"] = json!({ "name": "ESTIMATE_ORDER_COST", "amount": amount });
        }
        put_sub_mchid(&mut resource, &self.acting);
        Some(v3(&self.acting, url, event_type, summary, resource))
    }
}

impl Permission {
    /// Returns the notification that the user opened or closed the service, or `None` if nobody asked for
    /// one.
    pub(super) fn notice(&self) -> Option<Notice> {
        let (event, summary, user, time) = match &self.state {
            State::Unbound => return None,
            State::Open { user, since } => ("USER_OPEN_SERVICE", "授权成功", user, since),
            State::Closed { user, at, .. } => ("USER_CLOSE_SERVICE", "解除授权成功", user, at),
        };
        let mut resource = json!({
            "appid": self.appid,
            "service_id": self.service_id,
            "openid": user.openid,
            "user_service_status": event,
            "openorclose_time": format_compact(*time),
            "authorization_code": self.code,
        });
        if let Some(sub_openid) = &user.sub_openid {
            resource["sub_openid"] = sub_openid.as_str().into();
        }
        put_merchants(&mut resource, &self.acting, self.sub_appid.as_deref());
        put_sub_mchid(&mut resource, &self.acting);
        if let State::Open { since, .. } = &self.state {
            put_contract(&mut resource, self, *since);
        }
        let (url, event) = (self.notify_url.as_deref()?, format!("PAYSCORE.{event}"));
        Some(v3(&self.acting, url, &event, summary, resource))
    }
}

/// Adds `sub_mchid`, which the tables require of every merchant.
// Each table is the union of the direct and the partner page. What a direct merchant gets is a guess: it is
// its own sub-merchant.
pub(super) fn put_sub_mchid(resource: &mut Value, acting: &Acting) {
    resource["sub_mchid"] = acting.mchid.as_str().into();
}

/// Adds the fields of a contract, which the table of `USER_OPEN_SERVICE` requires.
// They are of the services that are opened together with a contract. What they are for a permission alone is
// a guess.
fn put_contract(resource: &mut Value, permission: &Permission, since: u64) {
    resource["contract_id"] = permission.id.as_str().into();
    resource["plan_id"] = permission.service_id.as_str().into();
    resource["contract_status"] = "SIGNED".into();
    resource["create_time"] = format_rfc3339(since).into();
    resource["out_contract_code"] = permission.code.as_str().into();
}

pub(super) fn v3(
    acting: &Acting,
    url: &str,
    event_type: &str,
    summary: &'static str,
    resource: Value,
) -> Notice {
    Notice {
        mchid: signer(acting),
        url: url.to_owned(),
        content: Content::V3 {
            event_type: event_type.to_owned(),
            original_type: "payscore",
            summary,
            resource,
        },
    }
}
