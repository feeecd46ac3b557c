//! What others see of a transfer: responses and the notification.

use serde_json::{Value, json};

use super::{Bill, State};
use crate::sandbox::time::format_rfc3339;

impl Bill {
    /// Returns what the user and WeChat Pay can do with it now, by the names of the endpoints.
    pub(crate) fn acts(&self) -> &'static [&'static str] {
        match self.state {
            State::WaitUserConfirm => &["confirm", "fail"],
            State::Transfering => &["succeed", "fail"],
            State::Canceling => &["cancel"],
            State::Success | State::Fail(_) | State::Cancelled => &[],
        }
    }

    /// Returns why it failed, if it did.
    pub(crate) fn fail_reason(&self) -> Option<&str> {
        match &self.state {
            State::Fail(reason) => Some(reason),
            _ => None,
        }
    }

    /// Returns the response to the request that created it.
    pub(super) fn creation_body(&self) -> Value {
        let mut body = json!({
            "out_bill_no": self.new.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "create_time": format_rfc3339(self.created_at),
            "state": self.state(),
        });
        self.add_sub_mchid(&mut body);
        if self.state == State::WaitUserConfirm {
            body["package_info"] = self.package_info.as_str().into();
        }
        self.add_fail_reason(&mut body);
        body
    }

    /// Returns the response to a query. `user_name` is sealed for the merchant.
    pub(super) fn query_body(&self, user_name: Option<String>) -> Value {
        let mut body = json!({
            "out_bill_no": self.new.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "appid": self.new.appid,
            "state": self.state(),
            "transfer_amount": self.new.amount,
            "transfer_remark": self.new.remark,
            "openid": self.new.openid,
            "create_time": format_rfc3339(self.created_at),
            "update_time": format_rfc3339(self.updated_at),
        });
        self.add_merchants(&mut body);
        if let Some(name) = user_name {
            body["user_name"] = name.into();
        }
        self.add_fail_reason(&mut body);
        body
    }

    /// Returns the response to a cancellation.
    pub(super) fn cancel_body(&self) -> Value {
        let mut body = json!({
            "out_bill_no": self.new.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "state": self.state(),
            "update_time": format_rfc3339(self.updated_at),
        });
        self.add_sub_mchid(&mut body);
        body
    }

    /// Returns what the notification says.
    pub(super) fn resource(&self) -> Value {
        let mut body = json!({
            "out_bill_no": self.new.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "state": self.state(),
            "transfer_amount": self.new.amount,
            "openid": self.new.openid,
            "create_time": format_rfc3339(self.created_at),
            "update_time": format_rfc3339(self.updated_at),
        });
        self.add_merchants(&mut body);
        self.add_fail_reason(&mut body);
        body
    }

    /// Adds `mch_id`, or `mchid` and `sub_mchid` as service providers get them.
    fn add_merchants(&self, body: &mut Value) {
        let acting = self.acting();
        match &acting.sp_mchid {
            None => body["mch_id"] = acting.mchid.as_str().into(),
            Some(sp_mchid) => {
                body["mchid"] = sp_mchid.as_str().into();
                body["sub_mchid"] = acting.mchid.as_str().into();
            }
        }
    }

    fn add_sub_mchid(&self, body: &mut Value) {
        if self.acting().sp_mchid.is_some() {
            body["sub_mchid"] = self.acting().mchid.as_str().into();
        }
    }

    fn add_fail_reason(&self, body: &mut Value) {
        if let Some(reason) = self.fail_reason() {
            body["fail_reason"] = reason.into();
        }
    }
}
