//! What a coupon takes off an order, and what of it goes back with a refund.

use serde_json::{Value, json};

use super::order::{Order, Payment};

/// What a coupon took off an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Discount {
    pub(crate) coupon_id: String,
    pub(crate) stock_id: String,
    /// The name of the stock.
    pub(crate) name: String,
    /// The merchant that made the stock.
    pub(crate) creator: String,
    /// In fen.
    pub(crate) fen: u64,
    /// Whether the creator pays it. If not, the order's merchant receives less.
    pub(crate) is_funded: bool,
    /// The goods that it is for, as responses list them. Empty if it is for the whole order.
    pub(crate) goods: Vec<Value>,
}

/// What of a discount a refund takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiscountBack {
    pub(crate) of: Discount,
    /// In fen.
    pub(crate) fen: u64,
}

impl Discount {
    fn scope(&self) -> &'static str {
        match self.goods.is_empty() {
            true => "GLOBAL",
            false => "SINGLE",
        }
    }

    /// Returns the item of a transaction's `promotion_detail`.
    fn body(&self) -> Value {
        let mut body = json!({
            "coupon_id": self.coupon_id,
            "name": self.name,
            "scope": self.scope(),
            "type": if self.is_funded { "CASH" } else { "NOCASH" },
            "amount": self.fen,
            "stock_id": self.stock_id,
            "wechatpay_contribute": 0,
            "merchant_contribute": self.fen,
            "other_contribute": 0,
            "currency": "CNY",
        });
        if !self.goods.is_empty() {
            body["goods_detail"] = self.goods.as_slice().into();
        }
        body
    }
}

impl DiscountBack {
    /// Returns the item of a refund's `promotion_detail`.
    pub(crate) fn body(&self) -> Value {
        json!({
            "promotion_id": self.of.coupon_id,
            "scope": self.of.scope(),
            "type": if self.of.is_funded { "COUPON" } else { "DISCOUNT" },
            "amount": self.of.fen,
            "refund_amount": self.fen,
        })
    }
}

impl Payment {
    /// Returns `promotion_detail`, which is empty without a coupon.
    pub(crate) fn promotions(&self) -> Value {
        self.discount.iter().map(Discount::body).collect()
    }
}

impl Order {
    /// Returns what a coupon took off the payment.
    pub(crate) fn discount(&self) -> Option<&Discount> {
        self.payment_made()?.discount.as_ref()
    }

    /// Returns what the customer pays, in fen.
    pub(crate) fn payer_total(&self) -> u64 {
        let discount = self.discount().map_or(0, |discount| discount.fen);
        self.asked.total.saturating_sub(discount)
    }

    /// Returns what the merchant receives, in fen.
    pub(crate) fn settlement_total(&self) -> u64 {
        let unfunded = self.discount().filter(|discount| !discount.is_funded);
        let total = self.asked.total;
        total.saturating_sub(unfunded.map_or(0, |discount| discount.fen))
    }

    /// Returns the fields of APIv2 about the coupon. There are none without one.
    pub(crate) fn coupon_fields(&self) -> Vec<(&'static str, String)> {
        let Some(discount) = self.discount() else {
            return Vec::new();
        };
        let fen = discount.fen.to_string();
        let kind = if discount.is_funded {
            "CASH"
        } else {
            "NO_CASH"
        };
        vec![
            ("settlement_total_fee", self.settlement_total().to_string()),
            ("coupon_fee", fen.clone()),
            ("coupon_count", "1".to_owned()),
            ("coupon_type_0", kind.to_owned()),
            ("coupon_id_0", discount.coupon_id.clone()),
            ("coupon_fee_0", fen),
        ]
    }

    /// Returns what a refund of this amount takes back of the discount.
    pub(crate) fn discount_back(&self, fen: u64) -> Option<DiscountBack> {
        let of = self.discount()?.clone();
        let paid_left = self
            .payer_total()
            .saturating_sub(self.refunded.saturating_sub(self.discount_refunded));
        let back = share(of.fen, fen, self.asked.total)
            .min(of.fen.saturating_sub(self.discount_refunded))
            .max(fen.saturating_sub(paid_left));
        Some(DiscountBack { of, fen: back })
    }
}

/// Returns the part of a discount that goes with a part of its order, in proportion.
// A guess: the documents only say that a refund is split between the customer and the coupon. Fractions of
// a fen are the customer's.
fn share(discount: u64, part: u64, total: u64) -> u64 {
    let product = u128::from(discount) * u128::from(part);
    let share = product.checked_div(u128::from(total)).unwrap_or_default();
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::flows::payments::pay::{
        engine::Product,
        order::{Prepaid, State},
        tests::{NOW, order},
    };

    fn paid(total: u64, discount: u64, is_funded: bool) -> Order {
        let mut paid = Order::new(
            order(Product::Native, "tea-0001", total),
            Prepaid::default(),
            NOW,
        );
        paid.state = State::Paid(Payment {
            transaction_id: "4200".to_owned(),
            time: NOW,
            openid: "o1".to_owned(),
            sub_openid: None,
            bank_type: "OTHERS",
            discount: Some(Discount {
                coupon_id: "1".to_owned(),
                stock_id: "2".to_owned(),
                name: "新会员".to_owned(),
                creator: "1230000109".to_owned(),
                fen: discount,
                is_funded,
                goods: Vec::new(),
            }),
        });
        paid
    }

    #[test]
    fn merchant_receives_a_funded_discount_and_not_another() {
        let funded = paid(100, 30, true);
        assert_eq!((funded.payer_total(), funded.settlement_total()), (70, 100));
        let unfunded = paid(100, 30, false);
        assert_eq!(
            (unfunded.payer_total(), unfunded.settlement_total()),
            (70, 70)
        );
        assert_eq!(unfunded.discount().unwrap().body()["type"], "NOCASH");
    }

    // Whatever the parts: no more goes back to either side than it gave, and all of it in the end.
    #[test]
    fn parts_give_back_exactly_the_discount() {
        for (total, discount, parts) in [
            (100, 30, vec![33, 33, 34]),
            (100, 50, vec![1; 100]),
            (100, 1, vec![99, 1]),
            (3, 2, vec![1, 1, 1]),
            (7, 6, vec![5, 2]),
            (100, 30, vec![100]),
        ] {
            let mut order = paid(total, discount, true);
            for part in parts {
                let back = order.discount_back(part).unwrap().fen;
                assert!(back <= part, "{back} of {part}");
                order.refunded += part;
                order.discount_refunded += back;
                let to_payer = order.refunded - order.discount_refunded;
                assert!(to_payer <= total - discount, "{to_payer} to the customer");
            }
            assert_eq!(order.discount_refunded, discount, "{total} {discount}");
        }
        let half = paid(100, 30, true).discount_back(50).unwrap();
        assert_eq!(half.body()["refund_amount"], 15);
        assert_eq!(half.body()["type"], "COUPON");
    }
}
