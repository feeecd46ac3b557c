//! What others see of stocks, codes and coupons.

use serde_json::{Map, Value, json};

use super::{Code, Coupon, State, Stock, Tables, key};
use crate::sandbox::{flows::marketing::days::same_day, time::format_rfc3339};

/// What the request that makes a stock has, and its responses do not.
const ONLY_ASKED: [&str; 1] = ["out_request_no"];

impl Stock {
    /// Returns the body of a query's response.
    pub(super) fn body(&self, tables: &Tables, now: u64) -> Value {
        let mut body = self.body.clone();
        body.retain(|name, _| !ONLY_ASKED.contains(&name.as_str()));
        let mut send_rule = self.part("stock_send_rule");
        send_rule["max_coupons"] = self.max_coupons.into();
        send_rule["max_amount"] = self.fen.saturating_mul(self.max_coupons).into();
        if let Some(by_day) = self.max_coupons_by_day {
            send_rule["max_coupons_by_day"] = by_day.into();
            send_rule["max_amount_by_day"] = self.fen.saturating_mul(by_day).into();
        }
        body.insert("stock_send_rule".to_owned(), send_rule);
        body.insert("stock_id".to_owned(), self.stock_id.as_str().into());
        body.insert("stock_state".to_owned(), self.state(now).into());
        let codes = tables
            .codes
            .iter()
            .filter(|code| code.stock_id == self.stock_id);
        let codes: Vec<_> = codes.collect();
        let free = codes.iter().filter(|code| code.dispatched_at.is_none());
        let counts = json!({ "total_count": codes.len(), "available_count": free.count() });
        body.insert("coupon_code_count".to_owned(), counts);
        let today = tables
            .coupons
            .iter()
            .filter(|coupon| coupon.stock_id == self.stock_id && same_day(coupon.received_at, now));
        let today = today.count() as u64;
        let sent = json!({
            "total_send_num": self.sent,
            "total_send_amount": self.fen.saturating_mul(self.sent),
            "today_send_num": today,
            "today_send_amount": self.fen.saturating_mul(today),
        });
        body.insert("send_count_information".to_owned(), sent);
        body.into()
    }

    fn state(&self, now: u64) -> &'static str {
        // As the documents spell it.
        if now > self.end { "STOPED" } else { "RUNNING" }
    }

    /// Returns an object of the request.
    fn part(&self, name: &str) -> Value {
        let part = self.body.get(name).filter(|part| part.is_object());
        part.cloned().unwrap_or_else(|| json!({}))
    }

    /// Returns what a coupon shows of its stock.
    fn of_coupon(&self) -> Map<String, Value> {
        let mut body = Map::new();
        for name in [
            "stock_name",
            "belong_merchant",
            "comment",
            "goods_name",
            "stock_type",
            "coupon_use_rule",
            "custom_entrance",
        ] {
            if let Some(value) = self.body.get(name) {
                body.insert(name.to_owned(), value.clone());
            }
        }
        let rule = self.part("stock_send_rule");
        for name in ["transferable", "shareable"] {
            let flag = rule[name].as_bool().unwrap_or(false);
            body.insert(name.to_owned(), flag.into());
        }
        let pattern = self.part("display_pattern_info");
        body.insert("display_pattern_info".to_owned(), pattern);
        body
    }
}

impl Coupon {
    /// Returns the body of a coupon.
    pub(super) fn body(&self, stock: &Stock, now: u64) -> Value {
        let mut body = Value::Object(stock.of_coupon());
        body["coupon_code"] = self.code.as_str().into();
        body["coupon_state"] = self.state(now).into();
        body["stock_id"] = self.stock_id.as_str().into();
        body["send_request_no"] = self.send_request_no.as_str().into();
        body["available_start_time"] = format_rfc3339(self.begin).into();
        body["expire_time"] = format_rfc3339(self.end).into();
        body["receive_time"] = format_rfc3339(self.received_at).into();
        if let State::Used { request_no, at } = &self.state {
            body["use_request_no"] = request_no.as_str().into();
            body["use_time"] = format_rfc3339(*at).into();
        }
        body
    }
}

/// Returns the body of an uploaded code.
pub(super) fn code_body(tables: &Tables, code: &Code, now: u64) -> Value {
    let coupon = tables.coupons.get(&key(&code.stock_id, &code.code));
    // A guess: the documents list only the states that a coupon has.
    let status = coupon.map_or("AVAILABLE", |coupon| coupon.state(now));
    let mut body = json!({
        "code": code.code,
        "coupon_code": code.code,
        "code_status": status,
        "upload_time": format_rfc3339(code.uploaded_at),
    });
    if let (Some(at), Some(coupon)) = (code.dispatched_at, coupon) {
        body["dispatched_time"] = format_rfc3339(at).into();
        body["openid"] = coupon.openid.as_str().into();
    }
    body
}

/// Returns the body of a query of one uploaded code.
pub(super) fn code_detail(tables: &Tables, stock: &Stock, code: &Code, now: u64) -> Value {
    let mut coupon = Value::Object(stock.of_coupon());
    if let Some(sent) = tables.coupons.get(&key(&code.stock_id, &code.code)) {
        coupon["coupon_state"] = sent.state(now).into();
    }
    json!({ "code_information": code_body(tables, code, now), "coupon_information": coupon })
}
