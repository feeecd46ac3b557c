//! What a service provider or a platform sees of an application.

use serde_json::{Value, json};

use super::{Application, Kind, State};

const SIGN_URL: &str = "https://pay.weixin.qq.com/public/apply4ec_sign/s?applymentId=";
const LEGAL_URL: &str = "https://pay.weixin.qq.com/public/apply4ec_legal/s?applymentId=";

impl Application {
    /// Returns the response to the request that submitted it.
    pub(super) fn submitted_body(kind: Kind, id: u64, number: &str) -> Value {
        match kind {
            Kind::Special => json!({ "applyment_id": id }),
            Kind::Ecommerce => json!({ "applyment_id": id, "out_request_no": number }),
        }
    }

    /// Returns the response to a query.
    pub(super) fn body(&self) -> Value {
        let mut body = match self.new.kind {
            Kind::Special => self.special_body(),
            Kind::Ecommerce => self.ecommerce_body(),
        };
        if let Some(sub_mchid) = &self.sub_mchid {
            body["sub_mchid"] = sub_mchid.as_str().into();
        }
        body
    }

    // With an empty list and a link at all times, as seen on the wire.
    fn special_body(&self) -> Value {
        let audit_detail = match &self.state {
            State::Rejected(objection) => json!([{
                "field": objection.field,
                "field_name": objection.field,
                "reject_reason": objection.reason,
            }]),
            _ => json!([]),
        };
        json!({
            "business_code": self.new.number,
            "applyment_id": self.id,
            "applyment_state": self.name_of_state(),
            "applyment_state_msg": self.state_description(),
            "sign_url": format!("{SIGN_URL}{}", self.id),
            "audit_detail": audit_detail,
        })
    }

    fn ecommerce_body(&self) -> Value {
        let mut body = json!({
            "out_request_no": self.new.number,
            "applyment_id": self.id,
            "applyment_state": self.name_of_state(),
            "applyment_state_desc": self.state_description(),
            "sign_state": match self.state {
                State::ToBeSigned | State::Signing => "UNSIGNED",
                State::Finished => "SIGNED",
                _ => "NOT_SIGNABLE",
            },
        });
        match &self.state {
            State::Rejected(objection) => {
                body["audit_detail"] = json!([{
                    "param_name": objection.field,
                    "reject_reason": objection.reason,
                }]);
            }
            State::ToBeConfirmed => {
                body["legal_validation_url"] = format!("{LEGAL_URL}{}", self.id).into();
            }
            State::ToBeSigned | State::Signing => {
                body["sign_url"] = format!("{SIGN_URL}{}", self.id).into();
            }
            _ => {}
        }
        body
    }

    /// Returns the state as the operations of its kind name it.
    pub(super) fn name_of_state(&self) -> &'static str {
        let (special, ecommerce) = match self.state {
            State::Editing | State::Checking => ("APPLYMENT_STATE_EDITTING", "CHECKING"),
            State::Auditing => ("APPLYMENT_STATE_AUDITING", "AUDITING"),
            State::Rejected(_) => ("APPLYMENT_STATE_REJECTED", "REJECTED"),
            State::ToBeConfirmed => ("APPLYMENT_STATE_TO_BE_CONFIRMED", "ACCOUNT_NEED_VERIFY"),
            State::ToBeSigned => ("APPLYMENT_STATE_TO_BE_SIGNED", "NEED_SIGN"),
            State::Signing => ("APPLYMENT_STATE_SIGNING", "NEED_SIGN"),
            State::Finished => ("APPLYMENT_STATE_FINISHED", "FINISH"),
            State::Canceled => ("APPLYMENT_STATE_CANCELED", "CANCELED"),
        };
        match self.new.kind {
            Kind::Special => special,
            Kind::Ecommerce => ecommerce,
        }
    }

    fn state_description(&self) -> &'static str {
        match self.state {
            State::Editing => "编辑中",
            State::Checking => "资料校验中",
            State::Auditing => "审核中",
            State::Rejected(_) => "已驳回",
            State::ToBeConfirmed => "待账户验证",
            State::ToBeSigned => "待签约",
            State::Signing => "开通权限中",
            State::Finished => "已完成",
            State::Canceled => "已作废",
        }
    }
}
