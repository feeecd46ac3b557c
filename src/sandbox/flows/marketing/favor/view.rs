//! What others see of stocks and coupons: responses and the notification.

use serde_json::{Value, json};

use super::{Coupon, Stock};
use crate::sandbox::time::format_rfc3339;

impl Stock {
    /// Returns the body of a query's response.
    pub(super) fn body(&self) -> Value {
        let new = &self.new;
        let asked = |name: &str| new.request.get(name).cloned().unwrap_or_default();
        let mut use_rule = asked("stock_use_rule");
        use_rule["max_amount_by_day"] = new.max_amount_by_day.unwrap_or(0).into();
        use_rule["coupon_type"] = "NORMAL".into();
        use_rule["fixed_normal_coupon"] = self.value();
        let mut body = json!({
            "stock_id": self.stock_id,
            "stock_creator_mchid": self.creator,
            "stock_name": new.name,
            "status": self.state.as_str(),
            "create_time": format_rfc3339(self.created_at),
            "description": self.description(),
            "stock_use_rule": use_rule,
            "available_begin_time": format_rfc3339(new.begin),
            "available_end_time": format_rfc3339(new.end),
            "distributed_coupons": self.sent,
            "no_cash": new.no_cash,
            "singleitem": self.is_for_goods(),
            "stock_type": asked("stock_type"),
        });
        if let Some(at) = self.started_at {
            body["start_time"] = format_rfc3339(at).into();
        }
        if let Some(at) = self.stopped_at {
            body["stop_time"] = format_rfc3339(at).into();
        }
        body
    }

    /// Returns `fixed_normal_coupon`.
    fn value(&self) -> Value {
        json!({ "coupon_amount": self.new.fen, "transaction_minimum": self.new.minimum })
    }

    pub(super) fn description(&self) -> &str {
        let text = self.new.request.pointer("/pattern_info/description");
        text.and_then(Value::as_str).unwrap_or_default()
    }

    fn is_for_goods(&self) -> bool {
        !self.new.items.is_empty()
    }
}

/// Returns the body of a coupon's query.
pub(super) fn coupon_body(coupon: &Coupon, stock: &Stock, now: u64) -> Value {
    let mut body = json!({
        "stock_creator_mchid": coupon.creator,
        "stock_id": coupon.stock_id,
        "coupon_id": coupon.coupon_id,
        "coupon_name": stock.new.name,
        "status": coupon.state(now),
        "description": stock.description(),
        "create_time": format_rfc3339(coupon.sent_at),
        "coupon_type": "NORMAL",
        "no_cash": stock.new.no_cash,
        "available_begin_time": format_rfc3339(coupon.begin),
        "available_end_time": format_rfc3339(coupon.end),
        "singleitem": stock.is_for_goods(),
        "normal_coupon_information": stock.value(),
    });
    if let Some(used) = &coupon.used {
        body["consume_information"] = json!({
            "consume_time": format_rfc3339(used.at),
            "consume_mchid": used.mchid,
            "transaction_id": used.transaction_id,
        });
        if !used.goods.is_empty() {
            let goods = used.goods.iter().map(|goods| {
                json!({
                    "goods_id": goods["goods_id"],
                    "quantity": goods["quantity"],
                    "price": goods["unit_price"],
                    "discount_amount": goods["discount_amount"],
                })
            });
            body["consume_information"]["goods_detail"] = goods.collect();
        }
    }
    body
}

/// Returns what the notification of a used coupon says.
pub(super) fn notice_body(coupon: &Coupon, stock: &Stock, now: u64) -> Value {
    let mut body = coupon_body(coupon, stock, now);
    if let Some(used) = &coupon.used {
        body["consume_information"]["consume_amount"] = used.fen.into();
    }
    body
}
