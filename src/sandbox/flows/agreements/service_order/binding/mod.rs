//! The binding of a sub-merchant to a pay-score service, which a service provider applies for:
//! `PROCESSING` → `APPROVED` or `REJECTED`.

mod routes;

pub(crate) use routes::ROUTES;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::view::put_merchants;
use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::{Refusal, repeated},
    flows::payments::pay::notice::signer,
    outbox::{Content, Notice},
    state::{StateKind, changes::Stateful, timers::Timer, world::World},
};

/// An application for a binding. The store of the service provider has it.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    acting: Acting,
    service_id: String,
    appid: String,
    sub_appid: Option<String>,
    out_apply_no: String,
    notify_url: Option<String>,
    /// The body of the application. The same body again is the same application.
    request: Map<String, Value>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Processing,
    Approved,
    Rejected(String),
}

impl Stateful for Binding {
    const KIND: StateKind = StateKind::ServiceBinding;

    fn state_name(&self) -> Cow<'static, str> {
        self.state_text().into()
    }
}

impl Binding {
    fn state_text(&self) -> &'static str {
        match self.state {
            State::Processing => "PROCESSING",
            State::Approved => "APPROVED",
            State::Rejected(_) => "REJECTED",
        }
    }

    /// Returns the body of the responses, and what the notification says.
    fn body(&self) -> Value {
        let mut body = json!({ "service_id": self.service_id, "appid": self.appid });
        put_merchants(&mut body, &self.acting, self.sub_appid.as_deref());
        body["out_apply_no"] = self.out_apply_no.as_str().into();
        if let Some(url) = &self.notify_url {
            body["result_notify_url"] = url.as_str().into();
        }
        body["apply_state"] = self.state_text().into();
        if let State::Rejected(reason) = &self.state {
            body["reject_reason"] = reason.as_str().into();
        }
        body
    }

    fn notice(&self) -> Option<Notice> {
        let mut resource = self.body();
        if let Some(resource) = resource.as_object_mut() {
            resource.shift_remove("result_notify_url");
        }
        Some(Notice {
            mchid: signer(&self.acting),
            url: self.notify_url.clone()?,
            content: Content::V3 {
                event_type: "PAYSCORE.BIND_SERVICE_ACCOUNT".to_owned(),
                original_type: "",
                summary: "服务账户绑定结果",
                resource,
            },
        })
    }
}

/// Keeps an application, or returns the one that the same request made.
fn apply(w: &mut World, new: Binding, now: u64) -> Result<Binding, Refusal> {
    let (mchid, number) = (signer(&new.acting), new.out_apply_no.clone());
    let bindings = &mut w.store(&mchid).service_orders.bindings;
    let is_same = |known: &Binding| known.request == new.request;
    let number_used = || Refusal::invalid_request("申请单号已被使用，且请求参数与首次请求不一致");
    if let Some(known) = repeated(bindings.get(&number), is_same, number_used)? {
        return Ok(known);
    }
    let may_drop = |known: &Binding| known.state != State::Processing;
    bindings.keep(number.clone(), new.clone(), may_drop, "applications")?;
    let timer = Timer {
        mchid,
        key: number,
        fire: |w, _, timer, _| approve(w, &timer.mchid, &timer.key),
    };
    w.settle_later(now, timer);
    Ok(new)
}

/// Approves an application, and notifies.
pub(crate) fn approve(w: &mut World, mchid: &str, number: &str) -> Result<(), Refusal> {
    decide(w, mchid, number, State::Approved)
}

/// Rejects an application, and notifies.
pub(crate) fn reject(
    w: &mut World,
    mchid: &str,
    number: &str,
    reason: &str,
) -> Result<(), Refusal> {
    decide(w, mchid, number, State::Rejected(reason.to_owned()))
}

fn decide(w: &mut World, mchid: &str, number: &str, state: State) -> Result<(), Refusal> {
    let binding = w.store(mchid).service_orders.bindings.get_mut(number);
    let binding = binding.ok_or_else(super::user::not_found)?;
    if binding.state != State::Processing {
        let code = "INVALID_ORDER_STATE";
        let message = format!("单据状态错误: {number} is {}", binding.state_text());
        return Err(Refusal::new(400, code, code, message));
    }
    binding.state = state;
    let notice = binding.notice();
    if let Some(notice) = notice {
        w.notify(notice);
    }
    Ok(())
}
