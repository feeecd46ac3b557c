//! Makes any documented notification, filled in from its table.

use std::cmp::Reverse;

use serde_json::{Map, Value, json};

use super::{Content, Notice, message};
use crate::{
    base::edit_distance::levenshtein,
    catalog::{self, Event, Field, Fields, Sealing},
    error::{Cause, cause::Result},
    sandbox::{
        shaped::{Form, Known, Values, fill},
        state::{merchant::Merchant, random::Rng},
        time::format_rfc3339,
    },
};

/// What makes a notification: the merchant it is for, and the time and the chance of its values.
pub(crate) struct Maker<'a> {
    pub(crate) merchant: &'a Merchant,
    /// Scheme, host and port of the sandbox.
    pub(crate) origin: &'a str,
    /// In seconds since 1970.
    pub(crate) now: u64,
    pub(crate) rng: Rng,
}

impl Maker<'_> {
    /// Makes the notification of an event. `given` is its resource, as far as it matters.
    ///
    /// # Errors
    /// Returns an error if the event is not documented, if `given` is not an object, or if it does not fit the
    /// format.
    pub(crate) fn notice(mut self, event: &str, given: Value, url: String) -> Result<Notice> {
        let given = match given {
            Value::Object(given) => given,
            Value::Null => Map::new(),
            _ => {
                let message = "invalid resource: expected an object of fields";
                return Err(Cause::request(message));
            }
        };
        let (event, event_type) = find(event)?;
        let content = match event.version() {
            "v2" => self.v2(event, given)?,
            _ => self.v3(event, event_type, given),
        };
        Ok(Notice {
            mchid: self.merchant.mchid.clone(),
            url,
            content,
        })
    }

    fn v3(&mut self, event: Event, event_type: &str, mut given: Map<String, Value>) -> Content {
        let mut fields = event.fields();
        let mut original_type = event.original_types().first().copied().unwrap_or_default();
        // The table of `TRANSACTION.SUCCESS` is of payments, of those of service providers, and of profit
        // sharing at once.
        let is_transaction = event_type == "TRANSACTION.SUCCESS" && original_type == "transaction";
        let is_sharing = given.contains_key("receiver") || given.contains_key("receivers");
        if is_transaction && is_sharing {
            let mut events = catalog::events().rev();
            let sharing = events.find(|event| event.name() == "PROFITSHARING.SUCCESS");
            fields = sharing.map_or(fields, |event| event.fields());
            original_type = "profitsharing";
        }
        let resource = if is_transaction && !is_sharing {
            merge(self.payment(&given), given.into())
        } else {
            self.prefill(fields, event_type, &mut given);
            self.filled(fields, &given, Form::Json).into()
        };
        Content::V3 {
            event_type: event_type.to_owned(),
            original_type,
            summary: summary(event_type),
            resource,
        }
    }

    fn v2(&mut self, event: Event, given: Map<String, Value>) -> Result<Content> {
        let fields = event.fields();
        let sealed = fields.iter().find(|field| field.sealed().is_some());
        // What is not a field of the envelope is one of the encrypted part.
        let (mut outer, mut inner) = (Map::new(), Map::new());
        for (name, value) in given {
            let is_outer = sealed.is_none() || fields.get(&name).is_some();
            if is_outer { &mut outer } else { &mut inner }.insert(name, value);
        }
        self.prefill(fields, event.name(), &mut outer);
        let mut outer = self.filled(fields, &outer, Form::Text);
        // Made when the notification is.
        for name in ["sign", "nonce_str"] {
            outer.shift_remove(name);
        }
        let mut req_info = None;
        if let Some(field) = sealed {
            outer.shift_remove(field.name());
            self.prefill(field.fields(), event.name(), &mut inner);
            if field.sealed() == Some(Sealing::AesGcm) {
                let inner = self.filled(field.fields(), &inner, Form::Json);
                self.seal_event(&field, inner, &mut outer)?;
            } else {
                req_info = Some(self.filled(field.fields(), &inner, Form::Text));
            }
        }
        Ok(Content::V2 {
            fields: outer,
            req_info,
        })
    }

    /// Encrypts what happened into an APIv2 notification whose content is JSON.
    fn seal_event(
        &mut self,
        field: &Field,
        inner: Map<String, Value>,
        outer: &mut Map<String, Value>,
    ) -> Result<()> {
        let nonce = self.rng.token(12);
        let associated_data = outer.get("event_associated_data").and_then(Value::as_str);
        let associated_data = associated_data.unwrap_or_default();
        let text = Value::from(inner).to_string();
        let ciphertext = message::seal(&self.merchant.apiv3, &nonce, associated_data, &text)?;
        outer.insert("event_nonce".to_owned(), nonce.into());
        outer.insert(field.name().to_owned(), ciphertext.into());
        Ok(())
    }

    /// Adds what the names and the types of a table do not tell.
    fn prefill(&self, fields: Fields, event_type: &str, given: &mut Map<String, Value>) {
        // The last part of an event is often a state: `REFUND.CLOSED`.
        let state = event_type.rsplit('.').next().unwrap_or_default();
        let time = format_rfc3339(self.now);
        for field in fields {
            let name = field.name();
            let value = match name {
                _ if given.contains_key(name) => continue,
                _ if field.is_required() && field.values().contains(&state) => state.into(),
                "combine_mch_id" | "sp_mch_id" => self.merchant.mchid.as_str().into(),
                "success_time" if state == "SUCCESS" => time.as_str().into(),
                "sign_type" if field.values().is_empty() => "HMAC-SHA256".into(),
                // Of a contract: `2015-07-01 10:00:00`.
                "operate_time" => time.get(..19).unwrap_or(&time).replace('T', " ").into(),
                "receiver" => json!({}),
                _ => continue,
            };
            given.insert(name.to_owned(), value);
        }
        if let Some(Value::Object(receiver)) = given.get_mut("receiver") {
            let own = [("type", "MERCHANT_ID"), ("account", &self.merchant.mchid)];
            for (name, value) in own {
                receiver.entry(name).or_insert_with(|| value.into());
            }
        }
        let amounts = fields.get("amount").map(|field| field.fields());
        if let (Some(Value::Object(amount)), Some(fields)) = (given.get_mut("amount"), amounts) {
            // The customer paid what was asked for, unless the test says otherwise.
            for (payer, asked) in [("payer_total", "total"), ("payer_refund", "refund")] {
                let asked = amount.get(asked).cloned();
                if let Some(asked) = asked.filter(|_| fields.get(payer).is_some()) {
                    amount.entry(payer).or_insert(asked);
                }
            }
        }
    }

    fn filled(
        &mut self,
        fields: Fields,
        given: &Map<String, Value>,
        form: Form,
    ) -> Map<String, Value> {
        let values = Values {
            seed: self.rng.next(),
            now: self.now,
            origin: self.origin,
            mchid: &self.merchant.mchid,
            appid: self.merchant.appid(),
            form,
        };
        let seal = |text: &str, sealing| match sealing {
            Sealing::RsaOaep => self.merchant.key.encrypt(text.as_bytes()).ok(),
            _ => None,
        };
        let known = Known {
            given,
            echoed: &[],
            values: &values,
            seal: &seal,
            form,
        };
        fill(fields, &known)
    }

    /// Returns the notification of a payment: direct, of a service provider, or combined.
    fn payment(&mut self, given: &Map<String, Value>) -> Value {
        let (mchid, appid) = (&self.merchant.mchid, self.merchant.appid());
        let openid = format!("oSANDBOX{}", self.rng.token(20));
        let time = format_rfc3339(self.now);
        let mut number = |prefix: &str| format!("{prefix}{}", self.rng.digits(24));
        let paid = json!({
            "out_trade_no": number(""),
            "transaction_id": number("4200"),
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "bank_type": "OTHERS",
            "attach": "",
            "success_time": time,
        });
        if given.keys().any(|name| name.starts_with("combine_")) || given.contains_key("sub_orders")
        {
            let amount = json!({
                "total_amount": 100, "payer_amount": 100, "currency": "CNY", "payer_currency": "CNY",
            });
            let part = merge(json!({ "mchid": mchid, "amount": amount }), paid);
            return json!({
                "combine_appid": appid,
                "combine_mchid": mchid,
                "combine_out_trade_no": number(""),
                "sub_orders": [part],
                "combine_payer_info": { "openid": openid },
            });
        }
        let total = given.get("amount").and_then(|amount| amount.get("total"));
        let total = total.cloned().unwrap_or_else(|| 100.into());
        let (names, payer) = if given.contains_key("sp_mchid") || given.contains_key("sub_mchid") {
            let sub_mchid = self.merchant.partner_of.first();
            let sub_mchid = sub_mchid.map_or("1900000109", String::as_str);
            (
                json!({ "sp_appid": appid, "sp_mchid": mchid, "sub_mchid": sub_mchid }),
                json!({ "sp_openid": openid }),
            )
        } else {
            (
                json!({ "appid": appid, "mchid": mchid }),
                json!({ "openid": openid }),
            )
        };
        let rest = json!({
            "trade_state_desc": "支付成功",
            "payer": payer,
            "amount": {
                "total": total, "payer_total": total, "currency": "CNY", "payer_currency": "CNY",
            },
        });
        merge(merge(names, paid), rest)
    }
}

/// Returns `made` with what is given. Items of a given list are completed like the first made one.
fn merge(made: Value, given: Value) -> Value {
    match (made, given) {
        (Value::Object(mut made), Value::Object(given)) => {
            for (name, value) in given {
                let value = match made.get_mut(&name).map(Value::take) {
                    Some(own) => merge(own, value),
                    None => value,
                };
                made.insert(name, value);
            }
            made.into()
        }
        (Value::Array(made), Value::Array(given)) => {
            let complete = |item| match made.first() {
                Some(first) => merge(first.clone(), item),
                None => item,
            };
            given.into_iter().map(complete).collect()
        }
        (_, given) => given,
    }
}

/// Checks that an event is documented, or `*`, which stands for all.
///
/// # Errors
/// Returns an error that names the nearest event.
pub(crate) fn check_event(name: &str) -> Result<()> {
    match name {
        "*" => Ok(()),
        _ => find(name).map(drop),
    }
}

/// Finds an event by its name or its event type, with or without the version: `v2/TRANSACTION.SUCCESS`.
/// Returns it with the event type to send.
fn find(wanted: &str) -> Result<(Event, &str)> {
    let (version, name) = match wanted.split_once('/') {
        Some((version @ ("v2" | "v3"), name)) => (Some(version), name),
        _ => (None, wanted),
    };
    let of_version = |event: &Event| version.is_none_or(|version| event.version() == version);
    // The latest version first: both have a `TRANSACTION.SUCCESS`.
    let events = || catalog::events().rev().filter(of_version);
    let found = events()
        .find(|event| event.name() == name)
        .or_else(|| events().find(|event| event.event_types().contains(&name)));
    let event = found.ok_or_else(|| {
        let similar = |event: &Event| levenshtein(event.name().as_bytes(), name.as_bytes());
        let nearest = catalog::events().rev().min_by_key(similar);
        let nearest = nearest.map_or("", |event| event.name());
        Cause::request(format!(
            "the event `{name:.64}` is not documented: the nearest is `{nearest}`"
        ))
    })?;
    let types = event.event_types();
    let event_type = match types.contains(&name) || types.is_empty() {
        true => name,
        false => types.first().copied().unwrap_or(name),
    };
    Ok((event, event_type))
}

/// Returns the description for people. The longest name that fits wins.
fn summary(event_type: &str) -> &'static str {
    const SUMMARIES: [(&str, &str); 14] = [
        ("TRANSACTION.SUCCESS", "支付成功"),
        ("TRANSACTION.FAIL", "支付失败"),
        ("REFUND.SUCCESS", "退款成功"),
        ("REFUND.ABNORMAL", "退款异常"),
        ("REFUND.CLOSED", "退款关闭"),
        ("PAYSCORE.USER_CONFIRM", "用户确认订单"),
        ("PAYSCORE.USER_PAID", "用户支付成功"),
        ("PROFITSHARING", "分账通知"),
        ("MCHTRANSFER.BILL", "商家转账单据终态通知"),
        ("MCHTRANSFER.BATCH", "商家转账批次回调通知"),
        ("COMPLAINT.CREATE", "产生新投诉"),
        ("COMPLAINT.STATE_CHANGE", "投诉状态变化"),
        ("COUPON.USE", "代金券核销通知"),
        ("ENTRUST", "签约状态变更"),
    ];
    let fits = SUMMARIES
        .iter()
        .filter(|(name, _)| event_type.starts_with(name));
    let longest = fits.min_by_key(|(name, _)| Reverse(name.len()));
    longest.map_or("通知", |(_, summary)| summary)
}
