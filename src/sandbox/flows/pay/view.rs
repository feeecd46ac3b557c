//! What others see of a transaction: the responses of its operations, and the rows of bills.

use serde_json::{Value, json};

use super::{TradeState, Transaction};
use crate::sandbox::time::format_rfc3339;

/// A paid transaction, as bills list it.
pub(crate) struct PaidTransaction<'a> {
    /// When it was paid, in seconds since 1970.
    pub(crate) time: u64,
    pub(crate) appid: &'a str,
    pub(crate) transaction_id: &'a str,
    pub(crate) out_trade_no: &'a str,
    pub(crate) openid: &'a str,
    pub(crate) description: &'a str,
    pub(crate) attach: &'a str,
    /// In fen.
    pub(crate) total: u64,
}

impl Transaction {
    /// Returns the body of a prepayment's response.
    pub(crate) fn prepay_body(&self) -> Value {
        json!({ "code_url": self.code_url })
    }

    /// Returns the body of a query's response.
    // Fields of a payment appear only after it, as in production: a test that reads
    // `transaction_id` of an unpaid order fails here first.
    pub(crate) fn query_body(&self) -> Value {
        let requested = |name: &str| self.request.get(name).cloned().unwrap_or(Value::Null);
        let mut body = json!({
            "appid": requested("appid"),
            "mchid": requested("mchid"),
            "out_trade_no": self.out_trade_no,
            "trade_state": self.trade_state(),
            "trade_state_desc": self.trade_state_desc(),
            "amount": { "total": self.total, "currency": "CNY" },
        });
        if let Some(attach) = self.request.get("attach") {
            body["attach"] = attach.clone();
        }
        if let TradeState::Paid(payment) = &self.trade_state {
            body["transaction_id"] = payment.transaction_id.as_str().into();
            body["trade_type"] = "NATIVE".into();
            body["bank_type"] = "OTHERS".into();
            body["success_time"] = format_rfc3339(payment.time).into();
            body["payer"] = json!({ "openid": payment.openid });
            body["amount"]["payer_total"] = self.total.into();
            body["amount"]["payer_currency"] = "CNY".into();
        }
        body
    }

    /// Returns the payment for a bill, or `None` if the transaction is not paid.
    pub(crate) fn paid(&self) -> Option<PaidTransaction<'_>> {
        let TradeState::Paid(payment) = &self.trade_state else {
            return None;
        };
        let requested = |name: &str| self.request.get(name).and_then(Value::as_str);
        Some(PaidTransaction {
            time: payment.time,
            appid: requested("appid").unwrap_or_default(),
            transaction_id: &payment.transaction_id,
            out_trade_no: &self.out_trade_no,
            openid: &payment.openid,
            description: requested("description").unwrap_or_default(),
            attach: requested("attach").unwrap_or_default(),
            total: self.total,
        })
    }

    fn trade_state_desc(&self) -> &'static str {
        match &self.trade_state {
            TradeState::NotPaid => "订单未支付",
            TradeState::Paid(_) => "支付成功",
            TradeState::Closed => "订单已关闭",
        }
    }
}
