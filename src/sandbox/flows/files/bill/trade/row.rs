//! What a trade bill lists: payments, refunds and reversals, with their amounts.

use crate::sandbox::{
    flows::{
        payments::pay::{
            discount::Discount,
            notice::signer,
            order::{Order, Payment, State},
        },
        payments::refund::{Refund, Status},
    },
    state::world::Store,
};

/// A row: a payment, or money that went back.
pub(super) struct Row<'a> {
    pub(super) time: u64,
    pub(super) order: &'a Order,
    pub(super) payment: &'a Payment,
    pub(super) back: Option<Back<'a>>,
}

/// Money that went back to the customer.
pub(super) enum Back<'a> {
    Refund(&'a Refund),
    /// The cashier took the payment back.
    Reversal,
}

/// Returns the rows of the orders in a store that this merchant signed.
pub(super) fn rows_of<'a>(store: &'a Store, mchid: &str) -> Vec<Row<'a>> {
    let orders = &store.pay.transactions;
    let own = |order: &&Order| signer(&order.asked.acting) == mchid;
    let mut rows = Vec::new();
    for order in orders.iter().filter(own) {
        let (payment, reversed_at) = match &order.state {
            State::Paid(payment) => (payment, None),
            State::Revoked(Some(reversal)) => (&reversal.payment, Some(reversal.time)),
            _ => continue,
        };
        let row = |time, back| Row {
            time,
            order,
            payment,
            back,
        };
        rows.push(row(payment.time, None));
        rows.extend(reversed_at.map(|time| row(time, Some(Back::Reversal))));
    }
    for refund in store.refund.refunds.iter() {
        let order = orders.get(&refund.out_trade_no).filter(own);
        let Some((order, payment)) = order.and_then(|order| Some((order, order.payment()?))) else {
            continue;
        };
        rows.push(Row {
            time: refund.created_at,
            order,
            payment,
            back: Some(Back::Refund(refund)),
        });
    }
    rows
}

/// What a row is about, in fen.
#[derive(Clone, Copy, Default)]
pub(super) struct Amounts {
    /// What the customer bought or gets refunded, coupons included.
    pub(super) total: u64,
    /// What the merchant received or gives back.
    pub(super) settled: u64,
    /// What of it was a coupon's.
    pub(super) coupon: u64,
    /// What of it was a coupon's that its creator pays.
    pub(super) funded: u64,
}

impl Amounts {
    pub(super) fn add(&mut self, other: Self) {
        self.total += other.total;
        self.settled += other.settled;
        self.coupon += other.coupon;
        self.funded += other.funded;
    }

    /// Returns the amounts of a whole payment.
    fn of(order: &Order) -> Self {
        let coupon = |is_counted: fn(&Discount) -> bool| {
            let discount = order.discount().filter(|discount| is_counted(discount));
            discount.map_or(0, |discount| discount.fen)
        };
        Self {
            total: order.asked.total,
            settled: order.settlement_total(),
            coupon: coupon(|_| true),
            funded: coupon(|discount| discount.is_funded),
        }
    }
}

impl Row<'_> {
    /// Returns what the customer bought.
    pub(super) fn paid(&self) -> Amounts {
        match self.back {
            None => Amounts::of(self.order),
            Some(_) => Amounts::default(),
        }
    }

    /// Returns whether it is a refund whose money is with the merchant again.
    pub(super) fn is_closed(&self) -> bool {
        matches!(&self.back, Some(Back::Refund(refund)) if refund.status == Status::Closed)
    }

    /// Returns what went back.
    pub(super) fn returned(&self) -> Amounts {
        match self.back {
            None => Amounts::default(),
            Some(Back::Refund(refund)) => {
                let funded = refund.discount.as_ref().filter(|back| back.of.is_funded);
                Amounts {
                    total: refund.asked.fen,
                    settled: refund.settlement_refund(),
                    coupon: refund.discount_refund(),
                    funded: funded.map_or(0, |back| back.fen),
                }
            }
            Some(Back::Reversal) => Amounts::of(self.order),
        }
    }
}
