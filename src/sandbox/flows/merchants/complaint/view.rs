//! What a merchant sees of a complaint.

use serde_json::{Value, json};

use super::{Complaint, Happened, Step};
use crate::sandbox::{state::world::World, time::format_rfc3339};

impl Complaint {
    /// Returns a complaint as the list and the detail show it, without the sealed `payer_phone`.
    pub(super) fn body(&self, w: &World) -> Value {
        let mut body = json!({
            "complaint_id": self.id,
            "complaint_time": format_rfc3339(self.created_at),
            "complaint_detail": self.text,
            "complaint_state": self.state.name(),
            "complainted_mchid": self.mchid,
            "complaint_order_info": [{
                "transaction_id": self.order.transaction_id,
                "out_trade_no": self.order.out_trade_no,
                "amount": self.order.amount,
            }],
            "complaint_full_refunded": self.is_fully_refunded(w),
            "incoming_user_response": self.is_unanswered,
            "user_complaint_times": self.times,
            "in_platform_service": false,
            "need_immediate_service": self.needs_answer_at_once,
        });
        match self.claim {
            None => {
                body["problem_type"] = "OTHERS".into();
                body["problem_description"] = "其他问题".into();
            }
            Some(claim) => {
                body["problem_type"] = "REFUND".into();
                body["problem_description"] = "申请退款".into();
                body["apply_refund_amount"] = claim.amount.into();
                // Only such users get a refund that the merchant approves here.
                body["user_tag_list"] = json!(["TRUSTED"]);
            }
        }
        body
    }

    /// Returns the number of the customer's phone, which only the merchant may read.
    pub(super) fn phone(&self) -> &str {
        &self.phone
    }

    pub(super) fn openid(&self) -> &str {
        &self.order.openid
    }
}

impl Step {
    /// Returns an entry of the history. `images` is the URL that a media ID is added to.
    pub(super) fn body(&self, images: &str) -> Value {
        let urls = self.said.images.iter().map(|id| format!("{images}{id}"));
        let mut body = json!({
            "log_id": self.log_id,
            "operator": self.happened.operator(),
            "operate_time": format_rfc3339(self.at),
            "operate_type": self.happened.operate_type(),
            "operate_details": self.said.text,
            "image_list": urls.collect::<Vec<_>>(),
        });
        if let Some((_, message)) = &self.said.message {
            body["normal_message"] = message.clone();
        }
        body
    }
}

impl Happened {
    fn operate_type(self) -> &'static str {
        match self {
            Self::Complained => "USER_CREATE_COMPLAINT",
            Self::ComplainedAgain => "USER_CONTINUE_COMPLAINT",
            Self::AskedAgain => "USER_RESPONSE",
            Self::Withdrew => "USER_REVOKE_COMPLAINT",
            Self::MerchantAnswered => "MERCHANT_RESPONSE",
            Self::MerchantCompleted => "MERCHANT_CONFIRM_COMPLETE",
            Self::MerchantApproved => "MERCHANT_APPROVE_REFUND",
            // Spelt like this in the documents.
            Self::MerchantRefused => "MERCHANT_REFUSE_RERUND",
            Self::RefundedInPart => "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE",
            Self::RefundedInFull => "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE",
            Self::RefundReceived => "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE",
        }
    }

    fn operator(self) -> &'static str {
        match self {
            Self::Complained | Self::ComplainedAgain | Self::AskedAgain | Self::Withdrew => {
                "投诉人"
            }
            Self::MerchantAnswered
            | Self::MerchantCompleted
            | Self::MerchantApproved
            | Self::MerchantRefused => "商家",
            Self::RefundedInPart | Self::RefundedInFull | Self::RefundReceived => "系统",
        }
    }
}
