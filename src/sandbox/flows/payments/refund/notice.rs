//! The notifications of refunds, in the version of the API that made them.

use serde_json::json;

use super::{Refund, Status};
use crate::sandbox::{
    flows::payments::pay::{
        Version,
        notice::{signer, v2_ids},
    },
    outbox::{Content, Notice},
    time::format_rfc3339,
};

/// Returns the notification of a refund that is finished, or `None` if nobody asked for one.
pub(crate) fn refunded(refund: &Refund) -> Option<Notice> {
    let (event, summary) = match refund.status {
        Status::Processing => return None,
        Status::Success(_) => ("REFUND.SUCCESS", "退款成功"),
        Status::Abnormal => ("REFUND.ABNORMAL", "退款异常"),
        Status::Closed => ("REFUND.CLOSED", "退款关闭"),
    };
    let content = match refund.asked.version {
        Version::V3 => Content::V3 {
            event_type: event.to_owned(),
            original_type: "refund",
            summary,
            resource: refund.notice_body(),
        },
        Version::V2 { .. } => v2_refund(refund),
    };
    Some(Notice {
        mchid: signer(&refund.asked.acting),
        url: refund.asked.notify_url.clone()?,
        content,
    })
}

fn v2_refund(refund: &Refund) -> Content {
    let mut fields = v2_ids(&refund.asked.acting);
    for name in ["appid", "sub_appid"] {
        if let Some(value) = refund.asked.request.get(name) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    let status = match refund.status {
        Status::Success(_) => "SUCCESS",
        // APIv2 has a word of its own for it.
        Status::Abnormal => "CHANGE",
        _ => "REFUNDCLOSE",
    };
    let mut info = json!({
        "transaction_id": refund.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "refund_id": refund.refund_id,
        "out_refund_no": refund.asked.out_refund_no,
        "total_fee": refund.total.to_string(),
        "settlement_total_fee": refund.settlement_total.to_string(),
        "refund_fee": refund.asked.fen.to_string(),
        "settlement_refund_fee": refund.settlement_refund().to_string(),
        "refund_status": status,
        "refund_recv_accout": refund.user_received_account,
        "refund_account": "REFUND_SOURCE_UNSETTLED_FUNDS",
        "refund_request_source": "API",
    });
    if let Status::Success(time) = refund.status {
        // `2017-12-15 09:46:01`
        let time = format_rfc3339(time).replace('T', " ");
        info["success_time"] = time.trim_end_matches("+08:00").into();
    }
    Content::V2 {
        fields,
        req_info: info.as_object().cloned(),
    }
}
