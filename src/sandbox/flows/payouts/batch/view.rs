//! What others see of a batch: responses and notifications.

use serde_json::{Value, json};

use super::{Batch, Detail, DetailStatus, NewDetail, Status};
use crate::sandbox::time::format_rfc3339;

impl Batch {
    /// Returns the response to the request that created it.
    pub(super) fn creation_body(&self) -> Value {
        json!({
            "out_batch_no": self.new.out_batch_no,
            "batch_id": self.batch_id,
            "create_time": format_rfc3339(self.created_at),
            "batch_status": self.status(),
        })
    }

    /// Returns `transfer_batch` of the response to a query.
    pub(super) fn summary(&self) -> Value {
        let (success_num, success_amount) = self.count("SUCCESS");
        let (fail_num, fail_amount) = self.count("FAIL");
        let mut body = json!({
            "mchid": self.new.mchid,
            "out_batch_no": self.new.out_batch_no,
            "batch_id": self.batch_id,
            "appid": self.new.appid,
            "batch_status": self.status(),
            "batch_type": "API",
            "batch_name": self.new.name,
            "batch_remark": self.new.remark,
            "total_amount": self.new.total,
            "total_num": self.new.details.len(),
            "create_time": format_rfc3339(self.created_at),
            "update_time": format_rfc3339(self.updated_at),
            "success_amount": success_amount,
            "success_num": success_num,
            "fail_amount": fail_amount,
            "fail_num": fail_num,
        });
        if let Some(scene) = &self.new.scene {
            body["transfer_scene_id"] = scene.as_str().into();
        }
        if let Status::Closed(reason) = &self.status {
            body["close_reason"] = reason.as_str().into();
        }
        body
    }

    /// Returns `transfer_detail_list` of the response to a query: those of this status, or all.
    pub(super) fn list(&self, status: Option<&str>, offset: usize, limit: usize) -> Vec<Value> {
        self.pairs()
            .filter(|(_, detail)| status.is_none_or(|status| detail.status() == status))
            .skip(offset)
            .take(limit)
            .map(|(new, detail)| {
                json!({
                    "detail_id": detail.detail_id,
                    "out_detail_no": new.out_detail_no,
                    "detail_status": detail.status(),
                })
            })
            .collect()
    }

    /// Returns the response to a query for one transfer. `user_name` is sealed for the merchant.
    pub(super) fn detail_body(
        &self,
        new: &NewDetail,
        detail: &Detail,
        user_name: Option<String>,
    ) -> Value {
        let mut body = json!({
            "mchid": self.new.mchid,
            "out_batch_no": self.new.out_batch_no,
            "batch_id": self.batch_id,
            "appid": self.new.appid,
            "out_detail_no": new.out_detail_no,
            "detail_id": detail.detail_id,
            "detail_status": detail.status(),
            "transfer_amount": new.amount,
            "transfer_remark": new.remark,
            "openid": new.openid,
            "initiate_time": format_rfc3339(self.created_at),
            "update_time": format_rfc3339(detail.updated_at),
        });
        if let Some(name) = user_name {
            body["user_name"] = name.into();
        }
        if let DetailStatus::Fail(reason) = &detail.status {
            body["fail_reason"] = reason.as_str().into();
        }
        body
    }

    /// Returns what the notification says.
    pub(super) fn resource(&self) -> Value {
        let mut body = json!({
            "mchid": self.new.mchid,
            "out_batch_no": self.new.out_batch_no,
            "batch_id": self.batch_id,
            "batch_status": self.status(),
            "total_num": self.new.details.len(),
            "total_amount": self.new.total,
            "update_time": format_rfc3339(self.updated_at),
        });
        if let Status::Closed(reason) = &self.status {
            body["close_reason"] = reason.as_str().into();
            return body;
        }
        let (success_num, success_amount) = self.count("SUCCESS");
        let (fail_num, fail_amount) = self.count("FAIL");
        body["success_amount"] = success_amount.into();
        body["success_num"] = success_num.into();
        body["fail_amount"] = fail_amount.into();
        body["fail_num"] = fail_num.into();
        body
    }
}
