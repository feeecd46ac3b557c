//! What others see of profit sharing: the responses of its operations.

use serde_json::{Value, json};

use super::{Receiver, Return, Share, SharingOrder, give_back::ReturnResult};
use crate::sandbox::{checks::merchant::Acting, time::format_rfc3339};

impl SharingOrder {
    /// Returns the order: the body of all responses about it.
    pub(super) fn body(&self) -> Value {
        let receivers: Vec<_> = self
            .shares
            .iter()
            .map(|share| self.receiver(share))
            .collect();
        let mut body = json!({
            "transaction_id": self.new.transaction_id,
            "out_order_no": self.new.out_order_no,
            "order_id": self.order_id,
            "state": self.state(),
            "receivers": receivers,
        });
        add_sub_mchid(&mut body, &self.new.acting);
        body
    }

    fn receiver(&self, share: &Share) -> Value {
        let (result, reason) = share.result.names();
        // It is documented as always there.
        let finished_at = self.finished_at.unwrap_or(self.created_at);
        let mut body = json!({
            "type": share.new.kind.name(),
            "account": share.new.account,
            "amount": share.new.amount,
            "description": share.new.description,
            "result": result,
            "detail_id": share.detail_id,
            "create_time": format_rfc3339(self.created_at),
            "finish_time": format_rfc3339(finished_at),
        });
        if let Some(reason) = reason {
            body["fail_reason"] = reason.into();
        }
        body
    }
}

impl Return {
    /// Returns the return: the body of all responses about it.
    pub(super) fn body(&self) -> Value {
        let finished_at = self.finished_at.unwrap_or(self.created_at);
        let mut body = json!({
            "order_id": self.order_id,
            "out_order_no": self.new.out_order_no,
            "out_return_no": self.new.out_return_no,
            "return_id": self.return_id,
            "return_mchid": self.new.return_mchid,
            "amount": self.new.amount,
            "description": self.new.description,
            "result": self.result.name(),
            "create_time": format_rfc3339(self.created_at),
            "finish_time": format_rfc3339(finished_at),
        });
        if let ReturnResult::Failed(reason) = self.result {
            body["fail_reason"] = reason.into();
        }
        add_sub_mchid(&mut body, &self.new.acting);
        body
    }
}

impl Receiver {
    /// Returns the response to its addition. `name` is sealed for the merchant.
    pub(super) fn body(&self, acting: &Acting, name: Option<String>) -> Value {
        let mut body = json!({
            "type": self.kind.name(),
            "account": self.account,
            "relation_type": self.relation_type,
        });
        if let Some(name) = name {
            body["name"] = name.into();
        }
        if let Some(custom) = &self.custom_relation {
            body["custom_relation"] = custom.as_str().into();
        }
        add_sub_mchid(&mut body, acting);
        body
    }
}

pub(super) fn add_sub_mchid(body: &mut Value, acting: &Acting) {
    if acting.sp_mchid.is_some() {
        body["sub_mchid"] = acting.mchid.as_str().into();
    }
}
