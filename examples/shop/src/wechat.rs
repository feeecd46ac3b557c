//! Every call to WeChat Pay.

use std::collections::BTreeMap;

use wechatpay_chain::{
    BillRows, Client, Outcome, Value, json,
    model::{Refund, Transaction},
};

use crate::{Error, Order, Result};

/// The shop's side of WeChat Pay. A clone shares the client.
#[derive(Clone, Debug)]
pub struct WeChat {
    client: Client,
    appid: String,
    mchid: String,
    notify_url: String,
}

impl WeChat {
    /// `notify_url` is where this program receives notifications.
    pub fn new(
        client: Client,
        appid: impl Into<String>,
        mchid: impl Into<String>,
        notify_url: impl Into<String>,
    ) -> Self {
        Self {
            client,
            appid: appid.into(),
            mchid: mchid.into(),
            notify_url: notify_url.into(),
        }
    }

    /// Returns the client, which also verifies notifications.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns whether a payment is one of this shop's: its merchant ID is ours.
    pub fn is_ours(&self, transaction: &Transaction) -> bool {
        transaction.mchid.as_deref() == Some(&self.mchid)
    }

    /// Places a Native order and returns what the customer scans.
    ///
    /// The same order can be placed again: it has the same number and the same parameters.
    pub fn place(&self, order: &Order) -> Result<String> {
        let placed: Value = self
            .client
            .chain("v3/pay/transactions/native")
            .post(json!({ "json": {
                "appid": self.appid,
                "mchid": self.mchid,
                "description": order.description,
                "out_trade_no": order.number,
                "notify_url": self.notify_url,
                "amount": { "total": order.total, "currency": "CNY" },
            }}))?
            .json()?;
        let code_url = placed["code_url"].as_str();
        code_url
            .map(str::to_owned)
            .ok_or(Error::Refused("WeChat Pay returned no code."))
    }

    /// Queries an order. `None` if WeChat Pay does not know it.
    pub fn query(&self, number: &str) -> Result<Option<Transaction>> {
        let found = self
            .client
            .chain("v3/pay/transactions/out-trade-no/{out_trade_no}")
            .get(json!({ "out_trade_no": number, "query": { "mchid": self.mchid } }));
        match found {
            Ok(response) => Ok(Some(response.json()?)),
            Err(err) if code(&err) == Some("ORDER_NOT_EXIST") => Ok(None),
            Err(err) => Err(err.into()),
        }
    }

    /// Closes an order that is not paid.
    pub fn close(&self, number: &str) -> Result<()> {
        self.client
            .chain("v3/pay/transactions/out-trade-no/{out_trade_no}/close")
            .post(json!({ "out_trade_no": number, "json": { "mchid": self.mchid } }))?;
        Ok(())
    }

    /// Asks for a refund, and returns its state.
    ///
    /// When the outcome is unknown, the same number finds out: a repeated request is the same refund.
    pub fn refund(&self, order: &Order, refund_number: &str, fen: i64) -> Result<String> {
        let body = json!({
            "out_trade_no": order.number,
            "out_refund_no": refund_number,
            "notify_url": self.notify_url,
            "amount": { "refund": fen, "total": order.total, "currency": "CNY" },
        });
        let ask = || {
            self.client
                .chain("v3/refund/domestic/refunds")
                .post(json!({ "json": &body }))
        };
        let refund: Refund = match ask() {
            Err(err) if err.outcome() == Outcome::Unknown => ask()?.json()?,
            other => other?.json()?,
        };
        Ok(refund.status)
    }

    /// Queries a refund. `None` if WeChat Pay does not know it.
    pub fn query_refund(&self, number: &str) -> Result<Option<Refund>> {
        let found = self
            .client
            .chain("v3/refund/domestic/refunds/{out_refund_no}")
            .get(json!({ "out_refund_no": number }));
        match found {
            Ok(response) => Ok(Some(response.json()?)),
            Err(err) if code(&err) == Some("RESOURCE_NOT_EXISTS") => Ok(None),
            Err(err) => Err(err.into()),
        }
    }

    /// Returns the payments of a day's bill: fen by order number. Empty if there were none.
    pub fn paid_on(&self, day: &str) -> Result<BTreeMap<String, i64>> {
        let bill = self.client.chain("v3/bill/tradebill").download(json!({
            "query": { "bill_date": day, "bill_type": "SUCCESS", "tar_type": "GZIP" },
        }));
        let bill = match bill {
            Err(err) if code(&err) == Some("NO_STATEMENT_EXIST") => return Ok(BTreeMap::new()),
            other => other?,
        };
        let mut paid = BTreeMap::new();
        for row in BillRows::new(&bill.bytes()[..])? {
            let row = row?;
            let number = row.get("商户订单号").unwrap_or_default();
            paid.insert(number.to_owned(), row.fen("订单金额")?);
        }
        Ok(paid)
    }
}

fn code(err: &wechatpay_chain::Error) -> Option<&str> {
    Some(err.api()?.code())
}
