//! A coupon pays a part of an order, and gets its money back with a refund.

use serde_json::{Value, json};

use super::{Coupon, FlowRow, Stock, StockState, Used, callback, refusals, rules, view};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::{
        marketing::callback::notify,
        payments::pay::{
            discount::{Discount, DiscountBack},
            engine::{self, Order, Payer, fen},
        },
    },
    state::{
        account::{Entry, EntryKind},
        world::{Store, World},
    },
};

/// Pays an order as the user who has this coupon, less what the coupon takes off.
///
/// # Errors
/// Refuses a coupon that was used, has expired or does not fit the order, and an order that is not payable.
pub(crate) fn pay_with(
    w: &mut World,
    mchid: &str,
    out_trade_no: &str,
    coupon_id: &str,
    now: u64,
) -> Result<(), Refusal> {
    let (coupon, stock) = coupon_and_stock(w, coupon_id)?;
    let order = engine::by_out_trade_no(w, mchid, out_trade_no)?;
    let discount = check(coupon, stock, order, now)?;
    let (creator, total) = (coupon.creator.clone(), order.asked.total);
    // In another app, the same user has another ID.
    let openid = (coupon.appid == order.asked.appid).then(|| coupon.openid.clone());
    let payer = Payer {
        openid,
        ..Payer::default()
    };
    engine::pay_less(w, mchid, out_trade_no, payer, Some(discount.clone()), now)?;

    let order = engine::by_out_trade_no(w, mchid, out_trade_no)?;
    let device = order.asked.request.pointer("/scene_info/device_id");
    let row = FlowRow {
        is_refund: false,
        stock_id: discount.stock_id.clone(),
        coupon_id: coupon_id.to_owned(),
        fen: discount.fen,
        total,
        transaction_id: order.transaction_id().unwrap_or_default().to_owned(),
        at: now,
        mchid: mchid.to_owned(),
        device: device
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        goods: discount.goods.clone(),
    };
    let store = w.store(&creator);
    if discount.is_funded {
        spend_reserve(store, &discount, &row)?;
    }
    let used = Used {
        at: now,
        mchid: mchid.to_owned(),
        transaction_id: row.transaction_id.clone(),
        fen: discount.fen,
        goods: discount.goods,
    };
    store.favor.flow.insert(row.transaction_id.clone(), row);
    if let Some(coupon) = store.favor.coupons.get_mut(coupon_id) {
        coupon.used = Some(used);
    }
    let (coupon, stock) = coupon_and_stock(w, coupon_id)?;
    let resource = view::notice_body(coupon, stock, now);
    notify(
        w,
        &creator,
        callback,
        ("COUPON.USE", "代金券核销通知"),
        resource,
    );
    Ok(())
}

/// Gives back what a refund, or a payment that was taken back, took of a coupon. If the whole order went
/// back at once, the user has the coupon again, until it expires.
// The merchant gave all of it back. Here, the creator gets what it had paid.
pub(crate) fn given_back(
    w: &mut World,
    order: &Order,
    back: &DiscountBack,
    (id, is_whole): (&str, bool),
    now: u64,
) {
    let Discount {
        coupon_id,
        stock_id,
        creator,
        is_funded,
        ..
    } = &back.of;
    let Some(store) = w.stores.get_mut(creator) else {
        return;
    };
    let row = FlowRow {
        is_refund: true,
        stock_id: stock_id.clone(),
        coupon_id: coupon_id.clone(),
        fen: back.fen,
        total: order.asked.total,
        transaction_id: order.transaction_id().unwrap_or_default().to_owned(),
        at: now,
        mchid: order.asked.acting.mchid.clone(),
        device: String::new(),
        goods: back.of.goods.clone(),
    };
    store.favor.flow.insert(id.to_owned(), row);
    if *is_funded && back.fen > 0 {
        let entry = Entry {
            at: now,
            kind: EntryKind::CouponBack,
            id: id.to_owned(),
            out_no: coupon_id.clone(),
            fen: fen(back.fen),
        };
        // Money that comes in is never refused.
        let _ = store.account.post(entry);
    }
    let Store { favor, account, .. } = store;
    let stock = favor.stocks.get_mut(stock_id);
    let Some(stock) = stock.filter(|stock| stock.state != StockState::Stopped) else {
        return;
    };
    let is_valid = |coupon: &&mut Coupon| is_whole && now <= coupon.end;
    let Some(coupon) = favor.coupons.get_mut(coupon_id).filter(is_valid) else {
        return;
    };
    if *is_funded {
        // Without funds, the user would have a coupon that nobody pays.
        if account.freeze(back.of.fen).is_err() {
            return;
        }
        stock.reserved += back.of.fen;
    }
    coupon.used = None;
}

/// Takes the money of a coupon out of what its stock set aside.
fn spend_reserve(store: &mut Store, discount: &Discount, row: &FlowRow) -> Result<(), Refusal> {
    let stock = rules::stock_mut(store, &discount.stock_id)?;
    stock.reserved = stock.reserved.saturating_sub(discount.fen);
    store.account.unfreeze(discount.fen)?;
    store.account.post(Entry {
        at: row.at,
        kind: EntryKind::Coupon,
        id: row.transaction_id.clone(),
        out_no: discount.coupon_id.clone(),
        fen: -fen(discount.fen),
    })
}

/// Checks that a coupon can pay a part of an order, and returns what it takes off.
fn check(coupon: &Coupon, stock: &Stock, order: &Order, now: u64) -> Result<Discount, Refusal> {
    let (rule, asked) = (&stock.new, &order.asked);
    let refuse = |why| Err(refusals::not_usable(why));
    match coupon.state(now) {
        "SENDED" => {}
        "USED" => return refuse("the coupon was used"),
        _ => return refuse("the coupon has expired"),
    }
    if now < coupon.begin || !rule.is_open(now) {
        return refuse("the coupon cannot be used at this time");
    }
    if !rule.merchants.contains(&asked.acting.mchid) {
        return refuse("the coupon cannot be used at this merchant: see available_merchants");
    }
    let tag = asked.request.get("goods_tag").and_then(Value::as_str);
    let has_tag = tag.is_some_and(|tag| rule.goods_tags.iter().any(|known| known == tag));
    if !rule.goods_tags.is_empty() && !has_tag {
        return refuse("the order has no goods_tag of the stock");
    }
    let goods = goods_of(order, &rule.items);
    let counted = match rule.items.is_empty() {
        true => asked.total,
        false => goods.iter().map(|(_, _, fen)| *fen).sum(),
    };
    if counted < rule.minimum {
        return refuse("the order is below transaction_minimum");
    }
    // At least one fen is left to pay.
    if asked.total <= rule.fen || counted < rule.fen {
        return refuse("the order must be larger than the coupon");
    }
    if !rule.no_cash && stock.reserved < rule.fen {
        return refuse("the stock has no funds left");
    }
    Ok(Discount {
        coupon_id: coupon.coupon_id.clone(),
        stock_id: stock.stock_id.clone(),
        name: rule.name.clone(),
        creator: stock.creator.clone(),
        fen: rule.fen,
        is_funded: !rule.no_cash,
        goods: discounted(goods, rule.fen),
    })
}

/// Returns the goods of an order that are on this list: each with its quantity and what it costs, in fen.
fn goods_of<'a>(order: &'a Order, items: &[String]) -> Vec<(&'a str, u64, u64)> {
    let goods = order.asked.request.pointer("/detail/goods_detail");
    let goods = goods.and_then(Value::as_array).into_iter().flatten();
    let read = |item: &'a Value| {
        let id = item.get("merchant_goods_id")?.as_str()?;
        let quantity = item.get("quantity")?.as_u64()?;
        let fen = quantity.checked_mul(item.get("unit_price")?.as_u64()?)?;
        Some((id, quantity, fen)).filter(|_| items.iter().any(|known| known == id))
    };
    goods.filter_map(read).collect()
}

/// Spreads a discount over goods, the first ones first.
fn discounted(goods: Vec<(&str, u64, u64)>, discount: u64) -> Vec<Value> {
    let mut left = discount;
    let goods = goods.into_iter().map(|(id, quantity, fen)| {
        let off = left.min(fen);
        left -= off;
        json!({
            "goods_id": id,
            "quantity": quantity,
            "unit_price": fen.checked_div(quantity).unwrap_or_default(),
            "discount_amount": off,
        })
    });
    goods.collect()
}

fn coupon_and_stock<'a>(w: &'a World, coupon_id: &str) -> Result<(&'a Coupon, &'a Stock), Refusal> {
    let mut stores = w.stores.values();
    let found = stores.find_map(|store| {
        let coupon = store.favor.coupons.get(coupon_id)?;
        Some((coupon, store.favor.stocks.get(&coupon.stock_id)?))
    });
    found.ok_or_else(refusals::no_coupon)
}
