//! A payment transaction and its rules: `NOTPAY` → `SUCCESS`, or `CLOSED`.

mod routes;

pub(super) use routes::routes;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    clock::{self, rfc3339},
    fields::Fields,
};

/// How long a prepayment can be paid, in seconds.
const PREPAY_LIFE: u64 = 2 * 3600;

pub(super) struct Transaction {
    /// The request as it came: the same again is the same transaction.
    request: Map<String, Value>,
    out_trade_no: String,
    total: u64,
    /// Not to be paid after this time.
    expires: Option<u64>,
    code_url: String,
    /// When the code was drawn.
    prepaid: u64,
    state: State,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    NotPaid,
    Paid(Payment),
    Closed,
}

#[derive(Clone, Debug, PartialEq)]
struct Payment {
    transaction_id: String,
    time: u64,
    openid: String,
}

/// What a bill tells of a payment.
pub(super) struct Paid<'a> {
    pub(super) time: u64,
    pub(super) appid: &'a str,
    pub(super) transaction_id: &'a str,
    pub(super) out_trade_no: &'a str,
    pub(super) openid: &'a str,
    pub(super) description: &'a str,
    pub(super) attach: &'a str,
    /// In fen.
    pub(super) total: u64,
}

impl Transaction {
    /// The transaction that this Native prepayment makes.
    pub(super) fn prepay(
        fields: &Fields<'_>,
        mchid: &str,
        code_url: String,
        now: u64,
    ) -> Result<Self, Answer> {
        fields.text("appid", 32)?;
        check_mchid(fields, mchid)?;
        fields.text("description", 127)?;
        let out_trade_no = fields.own_number("out_trade_no", 6)?;
        fields.optional_text("attach", 128)?;
        fields.optional_text("goods_tag", 32)?;
        fields.notify_url()?;
        fields.optional_bool("support_fapiao")?;
        let amount = fields.object("amount")?;
        let total = amount.integer("total", 1..=10_000_000_000)?;
        if amount.optional_text("currency", 16)?.unwrap_or("CNY") != "CNY" {
            return Err(amount.error("currency", "must be CNY"));
        }
        let expires = match fields.optional_text("time_expire", 64)? {
            None => None,
            Some(text) => match clock::parse_rfc3339(text) {
                None => {
                    return Err(fields.error(
                        "time_expire",
                        "must be a time such as 2018-06-08T10:34:56+08:00",
                    ));
                }
                Some(time) if time <= now => {
                    return Err(fields.error("time_expire", "has passed"));
                }
                Some(time) => Some(time),
            },
        };
        Ok(Self {
            request: fields.raw().clone(),
            out_trade_no: out_trade_no.to_owned(),
            total,
            expires,
            code_url,
            prepaid: now,
            state: State::NotPaid,
        })
    }

    pub(super) fn out_trade_no(&self) -> &str {
        &self.out_trade_no
    }

    pub(super) fn has_transaction_id(&self, id: &str) -> bool {
        matches!(&self.state, State::Paid(payment) if payment.transaction_id == id)
    }

    /// The same number was prepaid again: a new code for the same order, or a refusal.
    pub(super) fn prepay_again(&mut self, again: Self) -> Result<(), Answer> {
        match &self.state {
            State::Paid(_) => Err(paid()),
            State::Closed => Err(closed()),
            State::NotPaid if self.request != again.request => Err(Answer::error(
                StatusCode::FORBIDDEN,
                "OUT_TRADE_NO_USED",
                "商户订单号重复：请求重入时，参数与首次请求时不一致",
            )),
            State::NotPaid => {
                if again.prepaid.saturating_sub(self.prepaid) >= PREPAY_LIFE {
                    self.code_url = again.code_url;
                    self.prepaid = again.prepaid;
                }
                Ok(())
            }
        }
    }

    /// The payment, if it is paid.
    pub(super) fn paid(&self) -> Option<Paid<'_>> {
        let State::Paid(payment) = &self.state else {
            return None;
        };
        let asked = |name: &str| self.request.get(name).and_then(Value::as_str);
        Some(Paid {
            time: payment.time,
            appid: asked("appid").unwrap_or_default(),
            transaction_id: &payment.transaction_id,
            out_trade_no: &self.out_trade_no,
            openid: &payment.openid,
            description: asked("description").unwrap_or_default(),
            attach: asked("attach").unwrap_or_default(),
            total: self.total,
        })
    }

    /// What prepayment answers.
    pub(super) fn prepayment(&self) -> Value {
        json!({ "code_url": self.code_url })
    }

    /// The user scans the code and pays.
    pub(super) fn pay(
        &mut self,
        transaction_id: String,
        openid: String,
        now: u64,
    ) -> Result<(), Answer> {
        match &self.state {
            State::Paid(_) => return Err(paid()),
            State::Closed => return Err(closed()),
            State::NotPaid => {}
        }
        if now.saturating_sub(self.prepaid) >= PREPAY_LIFE {
            return Err(Answer::invalid_request(
                "二维码已过期，请重新下单 (code_url lives 2 hours)",
            ));
        }
        if self.expires.is_some_and(|expires| now > expires) {
            return Err(Answer::invalid_request(
                "订单已过期 (time_expire has passed)",
            ));
        }
        self.state = State::Paid(Payment {
            transaction_id,
            time: now,
            openid,
        });
        Ok(())
    }

    /// The merchant closes it. Closing again is no error.
    pub(super) fn close(&mut self) -> Result<(), Answer> {
        match &self.state {
            State::Paid(_) => Err(paid()),
            State::NotPaid | State::Closed => {
                self.state = State::Closed;
                Ok(())
            }
        }
    }

    /// `NOTPAY`, `SUCCESS` or `CLOSED`.
    pub(super) fn state(&self) -> &'static str {
        match &self.state {
            State::NotPaid => "NOTPAY",
            State::Paid(_) => "SUCCESS",
            State::Closed => "CLOSED",
        }
    }

    /// The transaction as a query answers it.
    pub(super) fn view(&self) -> Value {
        let asked = |name: &str| self.request.get(name).cloned().unwrap_or(Value::Null);
        let mut view = json!({
            "appid": asked("appid"),
            "mchid": asked("mchid"),
            "out_trade_no": self.out_trade_no,
            "trade_state": self.state(),
            "trade_state_desc": self.description(),
            "amount": { "total": self.total, "currency": "CNY" },
        });
        if let Some(attach) = self.request.get("attach") {
            view["attach"] = attach.clone();
        }
        if let State::Paid(payment) = &self.state {
            view["transaction_id"] = payment.transaction_id.as_str().into();
            view["trade_type"] = "NATIVE".into();
            view["bank_type"] = "OTHERS".into();
            view["success_time"] = rfc3339(payment.time).into();
            view["payer"] = json!({ "openid": payment.openid });
            view["amount"]["payer_total"] = self.total.into();
            view["amount"]["payer_currency"] = "CNY".into();
        }
        view
    }

    fn description(&self) -> &'static str {
        match &self.state {
            State::NotPaid => "订单未支付",
            State::Paid(_) => "支付成功",
            State::Closed => "订单已关闭",
        }
    }
}

/// The merchant in the body must be the one that signed.
fn check_mchid(fields: &Fields<'_>, mchid: &str) -> Result<(), Answer> {
    if fields.text("mchid", 32)? == mchid {
        Ok(())
    } else {
        Err(fields.error("mchid", "is not the merchant that signed the request"))
    }
}

fn paid() -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "ORDERPAID", "该订单已支付")
}

fn closed() -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "ORDER_CLOSED", "订单已关闭")
}

#[cfg(test)]
mod tests;
