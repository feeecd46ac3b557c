//! The notifications of payments, in the version of the API that made them.

use serde_json::{Map, Value};

use super::order::{Order, Product, Version};
use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::Refusal,
    outbox::{Content, Notice},
    time::format_compact,
};

/// Returns the notification of a paid order, or `None` if nobody asked for one.
pub(crate) fn paid(order: &Order) -> Option<Notice> {
    let content = match order.asked.version {
        Version::V3 => Content::V3 {
            event_type: "TRANSACTION.SUCCESS".to_owned(),
            original_type: "transaction",
            summary: "支付成功",
            resource: order.notice_body()?,
        },
        Version::V2 { hmac } => Content::V2 {
            fields: v2_payment(order, hmac)?,
            req_info: None,
        },
    };
    Some(Notice {
        mchid: signer(&order.asked.acting),
        url: order.asked.notify_url.clone()?,
        content,
    })
}

/// Returns the notification of a deduction that failed, or `None` if it is not one.
pub(super) fn failed(order: &Order, reason: &Refusal) -> Option<Notice> {
    let asked = &order.asked;
    if asked.product != Product::Deduction {
        return None;
    }
    let content = match asked.version {
        Version::V3 => Content::V3 {
            event_type: "TRANSACTION.FAIL".to_owned(),
            original_type: "transaction",
            summary: "支付失败",
            resource: order.failure_body(),
        },
        Version::V2 { hmac } => Content::V2 {
            fields: v2_failure(order, reason, hmac),
            req_info: None,
        },
    };
    Some(Notice {
        mchid: signer(&asked.acting),
        url: asked.notify_url.clone()?,
        content,
    })
}

/// Returns the merchant that signs requests, and whose keys its notifications are made with.
pub(crate) fn signer(acting: &Acting) -> String {
    acting.sp_mchid.as_ref().unwrap_or(&acting.mchid).clone()
}

fn v2_payment(order: &Order, hmac: bool) -> Option<Map<String, Value>> {
    let (asked, payment) = (&order.asked, order.payment()?);
    let mut fields = v2_ids(&asked.acting);
    let mut put = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    put("result_code", "SUCCESS");
    put("appid", &asked.appid);
    if let Some(sub_appid) = &asked.sub_appid {
        put("sub_appid", sub_appid);
    }
    put("openid", &payment.openid);
    put("is_subscribe", "N");
    if let Some(sub_openid) = &payment.sub_openid {
        put("sub_openid", sub_openid);
        put("sub_is_subscribe", "N");
    }
    if let Some(device) = asked.request.get("device_info").and_then(Value::as_str) {
        put("device_info", device);
    }
    put("trade_type", asked.product.trade_type());
    put("bank_type", payment.bank_type);
    put("total_fee", &asked.total.to_string());
    put("fee_type", "CNY");
    put("cash_fee", &order.payer_total().to_string());
    for (name, value) in order.coupon_fields() {
        put(name, &value);
    }
    put("transaction_id", &payment.transaction_id);
    put("out_trade_no", &asked.out_trade_no);
    if let Some(attach) = &asked.attach {
        put("attach", attach);
    }
    put("time_end", &format_compact(payment.time));
    if asked.product == Product::Deduction {
        put("trade_state", "SUCCESS");
    }
    if let Some(contract) = contract_id(order) {
        put("contract_id", contract);
    }
    if hmac {
        put("sign_type", "HMAC-SHA256");
    }
    Some(fields)
}

/// Returns the fields of a failed deduction, which are fewer: as reports of merchants show them.
fn v2_failure(order: &Order, reason: &Refusal, hmac: bool) -> Map<String, Value> {
    let mut fields = v2_ids(&order.asked.acting);
    let mut put = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    put("return_msg", "OK");
    put("result_code", "FAIL");
    put("err_code", reason.v2_code);
    put("err_code_des", &reason.message);
    put("appid", &order.asked.appid);
    put("out_trade_no", &order.asked.out_trade_no);
    if let Some(contract) = contract_id(order) {
        put("contract_id", contract);
    }
    if hmac {
        put("sign_type", "HMAC-SHA256");
    }
    fields
}

/// Returns the contract that a deduction names.
fn contract_id(order: &Order) -> Option<&str> {
    let is_deduction = order.asked.product == Product::Deduction;
    let id = order.asked.request.get("contract_id")?.as_str()?;
    Some(id).filter(|_| is_deduction)
}

/// Returns the fields of APIv2 that name the merchants.
pub(crate) fn v2_ids(acting: &Acting) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    put("return_code", "SUCCESS");
    match &acting.sp_mchid {
        None => put("mch_id", &acting.mchid),
        Some(sp_mchid) => {
            put("mch_id", sp_mchid);
            put("sub_mch_id", &acting.mchid)
        }
    };
    fields
}
