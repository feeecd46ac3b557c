//! What others see of a refund: the responses of its operations, and its notification.

use serde_json::{Value, json};

use super::{Refund, Status};
use crate::sandbox::{flows::payments::pay::discount::DiscountBack, time::format_rfc3339};

impl Refund {
    /// Returns the body of a refund's or a query's response.
    // With the fields and their order as seen on the wire.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "amount": {
                "currency": "CNY",
                "discount_refund": self.discount_refund(),
                "from": self.from(),
                "payer_refund": self.payer_refund(),
                "payer_total": self.payer_total,
                "refund": self.asked.fen,
                "refund_fee": 0,
                "settlement_refund": self.settlement_refund(),
                "settlement_total": self.settlement_total,
                "total": self.total,
            },
            "channel": "ORIGINAL",
            "create_time": format_rfc3339(self.created_at),
            "funds_account": self.funds_account(),
            "out_refund_no": self.asked.out_refund_no,
            "out_trade_no": self.out_trade_no,
            "promotion_detail": self.promotions(),
            "refund_id": self.refund_id,
            "status": self.status.as_str(),
        });
        if let Status::Success(time) = self.status {
            body["success_time"] = format_rfc3339(time).into();
        }
        body["transaction_id"] = self.transaction_id.as_str().into();
        body["user_received_account"] = self.user_received_account.as_str().into();
        body
    }

    /// Returns the body of the response to an e-commerce platform's refund.
    pub(crate) fn application_body(&self) -> Value {
        json!({
            "refund_id": self.refund_id,
            "out_refund_no": self.asked.out_refund_no,
            "create_time": format_rfc3339(self.created_at),
            "amount": self.ecommerce_amount(),
            "refund_account": self.refund_account(),
        })
    }

    /// Returns the body of the response to an e-commerce platform's query.
    pub(crate) fn ecommerce_body(&self) -> Value {
        let mut body = self.body();
        body["amount"] = self.ecommerce_amount();
        body["refund_account"] = self.refund_account().into();
        body
    }

    /// Returns the resource of the refund's notification.
    pub(crate) fn notice_body(&self) -> Value {
        let acting = &self.asked.acting;
        let mut body = match &acting.sp_mchid {
            None => json!({ "mchid": acting.mchid }),
            Some(sp_mchid) => json!({ "sp_mchid": sp_mchid, "sub_mchid": acting.mchid }),
        };
        body["out_trade_no"] = self.out_trade_no.as_str().into();
        body["transaction_id"] = self.transaction_id.as_str().into();
        body["out_refund_no"] = self.asked.out_refund_no.as_str().into();
        body["refund_id"] = self.refund_id.as_str().into();
        body["refund_status"] = self.status.as_str().into();
        if let Status::Success(time) = self.status {
            body["success_time"] = format_rfc3339(time).into();
        }
        body["amount"] = json!({
            "total": self.total,
            "refund": self.asked.fen,
            "payer_total": self.payer_total,
            "payer_refund": self.payer_refund(),
        });
        body["user_received_account"] = self.user_received_account.as_str().into();
        body
    }

    fn ecommerce_amount(&self) -> Value {
        json!({
            "refund": self.asked.fen,
            "from": self.from(),
            "payer_refund": self.payer_refund(),
            "discount_refund": self.discount_refund(),
            "currency": "CNY",
        })
    }

    fn promotions(&self) -> Value {
        self.discount.iter().map(DiscountBack::body).collect()
    }

    /// The accounts that the request named.
    fn from(&self) -> Value {
        let asked = self.asked.request.pointer("/amount/from");
        asked.cloned().unwrap_or_else(|| json!([]))
    }

    fn funds_account(&self) -> &str {
        self.requested("funds_account").unwrap_or("UNSETTLED")
    }

    fn refund_account(&self) -> &str {
        let asked = self.requested("refund_account");
        asked.unwrap_or("REFUND_SOURCE_SUB_MERCHANT")
    }

    fn requested(&self, name: &str) -> Option<&str> {
        self.asked.request.get(name)?.as_str()
    }
}
