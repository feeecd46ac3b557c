//! What happens to an order, and in which sequence.
//!
//! Everything here blocks: the routes run it on threads that may.

use std::{sync::Arc, time::Duration};

use wechatpay_chain::{
    Outcome,
    model::{self, BeijingTime, Transaction, order_number, refund_status, trade_state},
    sandbox::Sandbox,
};

use crate::{Error, Order, OrderState, Refund, Result, Store, WeChat};

/// How long an order may wait for its payment, in seconds.
const PATIENCE: i64 = 15 * 60;

/// What the shop sells: a name, and a price in fen.
pub(crate) const TEAS: [(&str, i64); 3] = [
    ("Longjing, a cup", 1800),
    ("Pu'er, a pot", 4200),
    ("Jasmine, to go", 990),
];

/// The shop. A clone is the same one.
#[derive(Clone)]
pub struct Shop {
    pub(crate) store: Store,
    pub(crate) wechat: WeChat,
    pub(crate) customer: Customer,
}

/// Who pays.
#[derive(Clone)]
pub enum Customer {
    /// People, with their phones.
    People,
    /// The sandbox, on a click.
    Sandbox(Arc<Sandbox>),
}

impl Shop {
    /// Opens the shop.
    pub fn new(store: Store, wechat: WeChat, customer: Customer) -> Self {
        Self {
            store,
            wechat,
            customer,
        }
    }

    /// Orders a tea: stores the order, then places it. Returns its number.
    pub fn order(&self, tea: usize) -> Result<String> {
        let (description, total) = TEAS
            .get(tea)
            .ok_or(Error::Refused("There is no such tea."))?;
        let order = Order {
            number: order_number("tea")?,
            description: (*description).to_owned(),
            total: *total,
            state: OrderState::New,
            code_url: None,
            transaction_id: None,
            created: now(),
        };
        self.store.add_order(&order)?;
        self.place(&order)?;
        Ok(order.number)
    }

    /// Returns an order, and places it again if that failed before.
    pub fn find(&self, number: &str) -> Result<Order> {
        let order = self.store.order(number)?.ok_or(Error::NotFound)?;
        if order.state != OrderState::New || order.code_url.is_some() {
            return Ok(order);
        }
        self.place(&order)?;
        Ok(self.store.order(number)?.unwrap_or(order))
    }

    fn place(&self, order: &Order) -> Result<()> {
        let code_url = self.wechat.place(order)?;
        self.store.set_code_url(&order.number, &code_url)
    }

    /// Applies what WeChat Pay says of a payment: a notification or a query. Returns whether the order
    /// was paid by it.
    pub fn apply(&self, transaction: &Transaction) -> Result<bool> {
        let state = transaction.trade_state.as_str();
        let is_paid = matches!(state, trade_state::SUCCESS | trade_state::REFUND);
        if !is_paid || !self.wechat.is_ours(transaction) {
            return Ok(false);
        }
        let (Some(total), Some(id)) = (transaction.total(), &transaction.transaction_id) else {
            return Ok(false);
        };
        let time = transaction.success_time.as_deref().unwrap_or_default();
        let day = time.parse().unwrap_or_else(|_| BeijingTime::now()).date();
        self.store
            .mark_paid(&transaction.out_trade_no, total, id, &day)
    }

    /// Applies what WeChat Pay says of a refund.
    pub fn apply_refund(&self, refund: &model::Refund) -> Result<()> {
        self.store
            .set_refund_state(&refund.out_refund_no, &refund.status)
    }

    /// Refunds a part of an order, in fen.
    pub fn refund(&self, number: &str, fen: i64) -> Result<()> {
        let order = self.find(number)?;
        let refund = Refund {
            number: order_number("r")?,
            order_number: order.number.clone(),
            fen,
            state: "NEW".into(),
        };
        if !self.store.add_refund(&refund)? {
            return Err(Error::Refused("So much cannot be refunded."));
        }
        self.ask_for(&order, &refund)
    }

    fn ask_for(&self, order: &Order, refund: &Refund) -> Result<()> {
        let state = match self.wechat.refund(order, &refund.number, refund.fen) {
            Ok(state) => state,
            // Refused for good: no money moves, and the amount can be refunded again.
            Err(Error::WeChat(err)) if err.outcome() == Outcome::Rejected => {
                self.store
                    .set_refund_state(&refund.number, refund_status::CLOSED)?;
                return Err(err.into());
            }
            // It stays open, and `follow_up` finds out.
            Err(err) => return Err(err),
        };
        self.store.set_refund_state(&refund.number, &state)
    }

    /// Asks about everything that is open: orders that wait, and refunds under way. Orders that nobody
    /// will pay are closed.
    pub fn follow_up(&self) -> Result<()> {
        for order in self.store.waiting(now() - 30)? {
            let is_late = order.created + PATIENCE < now();
            match self.wechat.query(&order.number)? {
                Some(transaction) if transaction.trade_state == trade_state::CLOSED => {
                    self.store.mark_closed(&order.number)?;
                }
                Some(transaction) if transaction.trade_state != trade_state::NOTPAY => {
                    self.apply(&transaction)?;
                }
                Some(_) if is_late => {
                    self.wechat.close(&order.number)?;
                    self.store.mark_closed(&order.number)?;
                }
                None if is_late => self.store.mark_closed(&order.number)?,
                _ => {}
            }
        }
        for refund in self.store.open_refunds()? {
            match self.wechat.query_refund(&refund.number)? {
                Some(found) => self.apply_refund(&found)?,
                // It was never accepted: the same number asks again.
                None => {
                    let order = self.find(&refund.order_number)?;
                    self.ask_for(&order, &refund)?;
                }
            }
        }
        Ok(())
    }

    /// Compares a day with WeChat Pay's bill, and returns what differs.
    pub fn reconcile(&self, day: &str) -> Result<Vec<String>> {
        let mut bill = self.wechat.paid_on(day)?;
        let mut found = Vec::new();
        for (number, ours) in self.store.paid_on(day)? {
            match bill.remove(&number) {
                Some(theirs) if theirs == ours => {}
                Some(theirs) => {
                    found.push(format!("{number}: {ours} fen here, {theirs} in the bill"))
                }
                None => found.push(format!("{number}: {ours} fen here, not in the bill")),
            }
        }
        found.extend(
            bill.iter()
                .map(|(number, fen)| format!("{number}: {fen} fen in the bill, not here")),
        );
        Ok(found)
    }

    /// Lets the sandbox's customer pay.
    pub fn customer_pays(&self, number: &str) -> Result<()> {
        Ok(self.sandbox()?.user_pays(number)?)
    }

    /// Lets the sandbox's WeChat Pay finish a refund.
    pub fn refund_arrives(&self, number: &str) -> Result<()> {
        self.sandbox()?.refund_succeeds(number)?;
        self.store.set_refund_state(number, refund_status::SUCCESS)
    }

    /// Moves the sandbox's clock to the next day, so that the bill of this one exists.
    pub fn next_day(&self) -> Result<()> {
        self.sandbox()?.advance(Duration::from_secs(86_400));
        Ok(())
    }

    fn sandbox(&self) -> Result<&Sandbox> {
        match &self.customer {
            Customer::Sandbox(sandbox) => Ok(sandbox),
            Customer::People => Err(Error::Refused("This shop takes real money.")),
        }
    }
}

fn now() -> i64 {
    i64::try_from(BeijingTime::now().seconds()).unwrap_or(i64::MAX)
}
