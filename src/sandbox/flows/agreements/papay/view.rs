//! What others see of a contract: the responses of its operations, and its notifications.

use serde_json::{Value, json};

use super::{
    Contract, State, TerminatedBy,
    period::{Schedule, date, day},
};
use crate::sandbox::time::{format_date_time, format_rfc3339};

impl Contract {
    /// Returns the body of a query's response.
    pub(super) fn body(&self, now: u64) -> Value {
        self.body_with("total", now)
    }

    /// Returns the resource of a notification.
    pub(super) fn notice_body(&self, now: u64) -> Value {
        // Its table spells amounts in another way than that of the query.
        self.body_with("amount", now)
    }

    fn body_with(&self, amount: &str, now: u64) -> Value {
        let (asked, acting) = (&self.asked, &self.asked.acting);
        let mut body = json!({
            "contract_id": self.contract_id,
            "plan_id": asked.plan_id.parse::<u64>().unwrap_or_default(),
            "out_contract_code": asked.code,
            "contract_display_account": asked.display_account,
            "contract_state": self.state.name(),
        });
        let is_direct = acting.sp_mchid.is_none();
        let own = |name: &'static str| {
            if is_direct {
                &name["sp_".len()..]
            } else {
                name
            }
        };
        body[own("sp_mchid")] = acting
            .sp_mchid
            .as_ref()
            .unwrap_or(&acting.mchid)
            .as_str()
            .into();
        body[own("sp_appid")] = asked.appid.as_str().into();
        let mut put = |name: &str, value: Option<&String>| {
            if let Some(value) = value {
                body[name] = value.as_str().into();
            }
        };
        put("sub_mchid", acting.sp_mchid.as_ref().map(|_| &acting.mchid));
        put("sub_appid", asked.sub_appid.as_ref());
        put("out_user_code", asked.user_code.as_ref());
        if let Some(signature) = self.signature() {
            put(own("sp_openid"), Some(&signature.openid));
            put("sub_openid", signature.sub_openid.as_ref());
            body["contract_signed_time"] = format_rfc3339(signature.at).into();
            body["contract_expired_time"] = format_rfc3339(self.ends_at()).into();
        }
        if let State::Terminated(_, termination) = &self.state {
            let mut info = json!({
                "contract_termination_mode": match termination.by {
                    TerminatedBy::User => "USER_TERMINATE",
                    TerminatedBy::Merchant => "MCH_API_TERMINATE",
                    TerminatedBy::System => "SYSTEM_TERMINATE",
                },
                "contract_terminated_time": format_rfc3339(termination.at),
            });
            if let Some(remark) = &termination.remark {
                info["contract_termination_remark"] = remark.as_str().into();
            }
            body["contract_terminate_info"] = info;
        }
        if let Some(schedule) = &self.schedule {
            let mut view = json!({
                "estimated_deduct_date": date(schedule.day),
                "estimated_deduct_amount": { amount: schedule.fen, "currency": "CNY" },
            });
            schedule.put_state(&mut view, amount, now);
            body["deduct_schedule"] = view;
        }
        body
    }

    /// Returns the fields of an APIv2 query's response, without the merchants and apps.
    pub(crate) fn v2_fields(&self) -> Vec<(&'static str, String)> {
        let asked = &self.asked;
        let mut fields = vec![
            ("contract_id", self.contract_id.clone()),
            ("plan_id", asked.plan_id.clone()),
            ("contract_code", asked.code.clone()),
            ("contract_display_account", asked.display_account.clone()),
            (
                "contract_state",
                match self.state {
                    State::Signed(_) => "0",
                    _ => "1",
                }
                .to_owned(),
            ),
        ];
        if let Some(serial) = &asked.serial {
            fields.push(("request_serial", serial.clone()));
        }
        if let Some(signature) = self.signature() {
            fields.push(("openid", signature.openid.clone()));
            if let Some(sub_openid) = &signature.sub_openid {
                fields.push(("sub_openid", sub_openid.clone()));
            }
            fields.push(("contract_signed_time", format_date_time(signature.at)));
            fields.push(("contract_expired_time", format_date_time(self.ends_at())));
        }
        if let State::Terminated(_, termination) = &self.state {
            let mode = match termination.by {
                TerminatedBy::System => "1",
                TerminatedBy::User => "2",
                TerminatedBy::Merchant => "3",
            };
            fields.push(("contract_terminated_time", format_date_time(termination.at)));
            fields.push(("contract_termination_mode", mode.to_owned()));
            if let Some(remark) = &termination.remark {
                fields.push(("contract_termination_remark", remark.clone()));
            }
        }
        fields
    }

    /// Returns the body of the response about the one deduction, if the contract has one.
    pub(super) fn schedule_body(&self, now: u64) -> Option<Value> {
        let schedule = self.schedule.as_ref()?;
        let mut body = json!({});
        schedule.put_state(&mut body, "total", now);
        if schedule.is_scheduled {
            // The period is one day long.
            body["deduct_start_date"] = date(schedule.day).into();
            body["deduct_end_date"] = date(schedule.day).into();
        }
        Some(body)
    }
}

impl Schedule {
    /// Puts the state, and the amounts that it has. `amount` is how the table spells them.
    fn put_state(&self, body: &mut Value, amount: &str, now: u64) {
        body["schedule_state"] = self.state(now).into();
        let fen = json!({ amount: self.fen, "currency": "CNY" });
        if self.is_scheduled {
            body["scheduled_amount"] = fen.clone();
        }
        if let Some(at) = self.deducted_at {
            body["deduct_amount"] = fen;
            body["deduct_date"] = date(day(at)).into();
        }
    }
}
