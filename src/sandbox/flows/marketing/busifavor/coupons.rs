//! What happens to coupons.

use serde_json::{Value, json};

use super::{CodeMode, Coupon, State, Stock, Tables, callback, codes, key, refusals, stocks};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::marketing::{callback::notify, days::same_day},
    state::{timers::Timer, world::World},
    time::format_rfc3339,
};

/// A coupon that a merchant sends.
pub(super) struct NewCoupon<'a> {
    pub(super) sender: &'a str,
    pub(super) stock_id: &'a str,
    pub(super) openid: &'a str,
    pub(super) appid: &'a str,
    pub(super) out_request_no: &'a str,
    pub(super) code: Option<&'a str>,
}

/// Sends a coupon, notifies, and returns the response.
pub(super) fn send(w: &mut World, new: &NewCoupon<'_>, now: u64) -> Result<Value, Refusal> {
    let stock_id = new.stock_id;
    let creator = stocks::creator_of(w, new.sender, stock_id)?;
    // Drawn before the store is borrowed.
    let own = w.number("", 16);
    let tables = &mut w.store(&creator).busifavor;
    let stock = tables.stock(stock_id)?;
    check_sending(tables, stock, new, now)?;
    let ((begin, end), belong) = (stock.times_of_coupon(now), stock.belong.clone());
    let code = match (stock.mode, new.code) {
        (CodeMode::WechatPay, None) => own,
        (CodeMode::Api, Some(code)) if codes::is_code(code) => code.to_owned(),
        (CodeMode::Api, _) => return Err(refusals::invalid("券code不合法或未传入")),
        (CodeMode::Upload, None) => {
            codes::take(tables, stock_id, now).ok_or_else(refusals::budget_used)?
        }
        (CodeMode::WechatPay | CodeMode::Upload, Some(_)) => return Err(refusals::wrong_mode()),
    };
    let coupon = Coupon {
        code: code.clone(),
        stock_id: stock_id.to_owned(),
        openid: new.openid.to_owned(),
        appid: new.appid.to_owned(),
        sender: new.sender.to_owned(),
        send_request_no: new.out_request_no.to_owned(),
        received_at: now,
        begin,
        end,
        state: State::Sended,
        has_expired: false,
        associated: None,
    };
    if tables.coupons.get(&key(stock_id, &code)).is_some() {
        return Err(refusals::invalid("券code已存在"));
    }
    tables.stock_mut(stock_id)?.sent += 1;
    tables.coupons.insert(key(stock_id, &code), coupon);
    let timer = Timer {
        mchid: creator.clone(),
        key: key(stock_id, &code),
        fire: |w, _, timer, _| {
            let coupons = &mut w.store(&timer.mchid).busifavor.coupons;
            if let Some(coupon) = coupons.get_mut(&timer.key) {
                coupon.has_expired = true;
            }
            Ok(())
        },
    };
    w.after(end.saturating_add(1), timer);
    notify_of(w, [&creator, &belong], new, &code, now);
    Ok(json!({
        "stock_id": stock_id, "coupon_code": code, "out_request_no": new.out_request_no,
    }))
}

fn notify_of(w: &mut World, mchids: [&str; 2], new: &NewCoupon<'_>, code: &str, now: u64) {
    let resource = json!({
        "event_type": "EVENT_TYPE_BUSICOUPON_SEND",
        "coupon_code": code,
        "stock_id": new.stock_id,
        "send_time": format_rfc3339(now),
        "openid": new.openid,
        "send_channel": "BUSICOUPON_SEND_CHANNEL_API",
        "send_merchant": new.sender,
        "attach_info": {},
    });
    let [creator, belong] = mchids;
    // A guess: the documents do not say whether the maker of a stock or the one that honours it is notified.
    let other = Some(belong).filter(|belong| *belong != creator);
    for mchid in [creator].into_iter().chain(other) {
        let event = ("COUPON.SEND", "商家券领券通知");
        notify(w, mchid, callback, event, resource.clone());
    }
}

fn check_sending(
    tables: &Tables,
    stock: &Stock,
    new: &NewCoupon<'_>,
    now: u64,
) -> Result<(), Refusal> {
    if now < stock.begin || now > stock.end {
        return Err(refusals::not_its_time());
    }
    let of_stock = || tables.coupons.iter().filter(|c| c.stock_id == new.stock_id);
    let today = of_stock().filter(|coupon| same_day(coupon.received_at, now));
    let is_full = |limit: u64| today.count() as u64 >= limit;
    if stock.sent >= stock.max_coupons || stock.max_coupons_by_day.is_some_and(is_full) {
        return Err(refusals::budget_used());
    }
    let of_user = of_stock().filter(|c| c.openid == new.openid && c.appid == new.appid);
    if of_user.count() as u64 >= stock.max_coupons_per_user {
        return Err(refusals::user_limit());
    }
    Ok(())
}

/// Marks a coupon as used, and returns the response.
pub(super) fn use_coupon(
    tables: &mut Tables,
    (stock_id, code): (&str, &str),
    openid: Option<&str>,
    request_no: &str,
    now: u64,
) -> Result<Value, Refusal> {
    let is_open = tables.stock(stock_id)?.is_open(now);
    let coupon = coupon(tables, stock_id, code)?;
    if openid.is_some_and(|openid| openid != coupon.openid) {
        return Err(refusals::invalid("openid与券的所有者不一致"));
    }
    if coupon.state(now) != "SENDED" {
        return Err(refusals::wrong_state(coupon.state(now)));
    }
    if now < coupon.begin || !is_open {
        return Err(refusals::invalid("券不在可用时间内"));
    }
    coupon.state = State::Used {
        request_no: request_no.to_owned(),
        at: now,
    };
    Ok(json!({
        "stock_id": stock_id,
        "openid": coupon.openid,
        "wechatpay_use_time": format_rfc3339(now),
    }))
}

/// Takes the use of a coupon back, and returns the response. The user can use it again, if it has not
/// expired.
pub(super) fn give_back(
    tables: &mut Tables,
    (stock_id, code): (&str, &str),
    now: u64,
) -> Result<Value, Refusal> {
    let coupon = coupon(tables, stock_id, code)?;
    if !matches!(coupon.state, State::Used { .. }) {
        return Err(refusals::wrong_state(coupon.state(now)));
    }
    coupon.state = State::Sended;
    coupon.has_expired = now > coupon.end;
    Ok(json!({ "wechatpay_return_time": format_rfc3339(now) }))
}

/// Makes a coupon unusable, and returns the response.
pub(super) fn deactivate(
    tables: &mut Tables,
    (stock_id, code): (&str, &str),
    now: u64,
) -> Result<Value, Refusal> {
    let coupon = coupon(tables, stock_id, code)?;
    if coupon.state(now) != "SENDED" {
        return Err(refusals::wrong_state(coupon.state(now)));
    }
    coupon.state = State::Deactivated;
    Ok(json!({ "wechatpay_deactivate_time": format_rfc3339(now) }))
}

/// Connects a coupon with an order, and returns the response.
// Whether there is such an order is not checked: a merchant may associate before it prepays.
pub(super) fn associate(
    tables: &mut Tables,
    (stock_id, code): (&str, &str),
    out_trade_no: &str,
    now: u64,
) -> Result<Value, Refusal> {
    let coupon = coupon(tables, stock_id, code)?;
    if coupon.state(now) != "SENDED" {
        return Err(refusals::wrong_state(coupon.state(now)));
    }
    if coupon
        .associated
        .as_deref()
        .is_some_and(|known| known != out_trade_no)
    {
        return Err(refusals::invalid("券已关联其他订单"));
    }
    coupon.associated = Some(out_trade_no.to_owned());
    Ok(json!({ "wechatpay_associate_time": format_rfc3339(now) }))
}

/// Takes that connection back, and returns the response.
pub(super) fn disassociate(
    tables: &mut Tables,
    (stock_id, code): (&str, &str),
    out_trade_no: &str,
    now: u64,
) -> Result<Value, Refusal> {
    let coupon = coupon(tables, stock_id, code)?;
    if coupon.associated.as_deref() != Some(out_trade_no) {
        return Err(refusals::invalid("券未关联该订单"));
    }
    coupon.associated = None;
    Ok(json!({ "wechatpay_disassociate_time": format_rfc3339(now) }))
}

fn coupon<'a>(
    tables: &'a mut Tables,
    stock_id: &str,
    code: &str,
) -> Result<&'a mut Coupon, Refusal> {
    let coupon = tables.coupons.get_mut(&key(stock_id, code));
    coupon.ok_or_else(refusals::no_coupon)
}
