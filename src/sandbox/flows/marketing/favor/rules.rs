//! What happens to stocks, and how their coupons get to users.

use serde_json::Value;

use super::{Coupon, MAX_ITEMS, NewStock, Stock, StockState, refusals};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::marketing::days::{midnight_after, same_day, second_of_day, week_day},
    state::{
        timers::Timer,
        world::{Store, World},
    },
};

/// A coupon that a merchant sends.
pub(crate) struct NewCoupon<'a> {
    pub(crate) creator: &'a str,
    pub(crate) sender: &'a str,
    pub(crate) stock_id: &'a str,
    pub(crate) appid: &'a str,
    pub(crate) openid: &'a str,
    pub(crate) out_request_no: &'a str,
    /// Everything that the request said. The same again is the same coupon.
    pub(crate) request: Value,
}

/// Makes a stock, or returns the one that the same request made. Returns its ID and when it was made.
pub(super) fn create(
    w: &mut World,
    creator: &str,
    out_request_no: &str,
    new: NewStock,
    now: u64,
) -> Result<(String, u64), Refusal> {
    let created = &w.store(creator).favor.created;
    if let Some(stock_id) = created.answered(out_request_no, &new.request, refusals::other_stock)? {
        let stock = stock(w.store(creator), &stock_id)?;
        return Ok((stock_id, stock.created_at));
    }
    let stock_id = w.number("1", 12);
    let (request, end) = (new.request.clone(), new.end);
    let stock = Stock {
        stock_id: stock_id.clone(),
        creator: creator.to_owned(),
        new,
        created_at: now,
        state: StockState::Unactivated,
        started_at: None,
        paused_at: None,
        restarted_at: None,
        stopped_at: None,
        sent: 0,
        reserved: 0,
    };
    let favor = &mut w.store(creator).favor;
    let may_drop = |stock: &Stock| stock.reserved == 0;
    if !favor.stocks.try_insert(stock_id.clone(), stock, may_drop) {
        return Err(too_many());
    }
    favor
        .created
        .keep(out_request_no, request, stock_id.clone());
    let timer = Timer {
        mchid: creator.to_owned(),
        key: stock_id.clone(),
        fire: |w, _, timer, at| stop(w, &timer.mchid, &timer.key, at),
    };
    w.after(end.saturating_add(1), timer);
    Ok((stock_id, now))
}

/// Starts a stock, and sets its funds aside. Returns when it was started: starting it again changes nothing.
pub(super) fn start(
    w: &mut World,
    creator: &str,
    stock_id: &str,
    now: u64,
) -> Result<u64, Refusal> {
    let store = w.store(creator);
    let stock = stock_mut(store, stock_id)?;
    match (stock.state, stock.started_at) {
        (StockState::Running, Some(started_at)) => return Ok(started_at),
        (StockState::Unactivated, _) => {}
        _ => return Err(refusals::wrong_state(stock.state.as_str())),
    }
    let funds = if stock.new.no_cash {
        0
    } else {
        stock.new.max_amount
    };
    let frozen = store.account.freeze(funds);
    frozen.map_err(|_| refusals::no_funds())?;
    let stock = stock_mut(store, stock_id)?;
    stock.state = StockState::Running;
    stock.started_at = Some(now);
    stock.reserved = funds;
    Ok(now)
}

/// Pauses a stock: its coupons are no longer sent, and can still be used. Returns when it was paused.
pub(super) fn pause(
    w: &mut World,
    creator: &str,
    stock_id: &str,
    now: u64,
) -> Result<u64, Refusal> {
    let stock = stock_mut(w.store(creator), stock_id)?;
    match (stock.state, stock.paused_at) {
        (StockState::Paused, Some(paused_at)) => return Ok(paused_at),
        (StockState::Running, _) => {}
        _ => return Err(refusals::wrong_state(stock.state.as_str())),
    }
    stock.state = StockState::Paused;
    stock.paused_at = Some(now);
    Ok(now)
}

/// Lets a paused stock run again. Returns when it was restarted.
pub(super) fn restart(
    w: &mut World,
    creator: &str,
    stock_id: &str,
    now: u64,
) -> Result<u64, Refusal> {
    let stock = stock_mut(w.store(creator), stock_id)?;
    match (stock.state, stock.restarted_at) {
        (StockState::Running, Some(restarted_at)) => return Ok(restarted_at),
        (StockState::Paused, _) => {}
        _ => return Err(refusals::wrong_state(stock.state.as_str())),
    }
    stock.state = StockState::Running;
    stock.restarted_at = Some(now);
    Ok(now)
}

/// Adds and deletes goods that the coupons of a stock are for.
///
/// # Errors
/// Refuses a stock that is for whole orders, and one that would be for no goods, or for too many.
pub(super) fn modify_items(
    w: &mut World,
    creator: &str,
    stock_id: &str,
    add: Vec<String>,
    delete: &[String],
) -> Result<(), Refusal> {
    let stock = stock_mut(w.store(creator), stock_id)?;
    if stock.state == StockState::Stopped {
        return Err(refusals::wrong_state(stock.state.as_str()));
    }
    let mut items = stock.new.items.clone();
    if items.is_empty() {
        return Err(refusals::not_for_goods());
    }
    let new = add
        .into_iter()
        .filter(|item| !stock.new.items.contains(item));
    items.extend(new);
    items.retain(|item| !delete.contains(item));
    if items.is_empty() || items.len() > MAX_ITEMS {
        return Err(refusals::not_for_goods());
    }
    stock.new.items = items;
    Ok(())
}

/// Ends a stock, and makes available what is left of its funds. All its coupons have expired.
fn stop(w: &mut World, creator: &str, stock_id: &str, now: u64) -> Result<(), Refusal> {
    let store = w.store(creator);
    let left = stock(store, stock_id)?.reserved;
    store.account.unfreeze(left)?;
    let stock = stock_mut(store, stock_id)?;
    stock.state = StockState::Stopped;
    stock.stopped_at = Some(now);
    stock.reserved = 0;
    Ok(())
}

/// Sends a coupon to a user, or returns the one that the same request sent. Returns its ID.
pub(crate) fn send(w: &mut World, new: NewCoupon<'_>, now: u64) -> Result<String, Refusal> {
    let favor = &w.store(new.creator).favor;
    // Each sender has numbers of its own.
    let number = format!("{} {}", new.sender, new.out_request_no);
    let sent = favor
        .sent
        .answered(&number, &new.request, refusals::other_coupon)?;
    if let Some(coupon_id) = sent {
        return Ok(coupon_id);
    }
    check_sending(w.store(new.creator), &new, now)?;
    let coupon_id = w.number("1818", 18);
    let favor = &mut w.store(new.creator).favor;
    let stock = favor
        .stocks
        .get_mut(new.stock_id)
        .ok_or_else(refusals::no_stock)?;
    stock.sent += 1;
    let (begin, end) = stock.new.times_of_coupon(now);
    let coupon = Coupon {
        coupon_id: coupon_id.clone(),
        stock_id: new.stock_id.to_owned(),
        creator: new.creator.to_owned(),
        sender: new.sender.to_owned(),
        appid: new.appid.to_owned(),
        openid: new.openid.to_owned(),
        sent_at: now,
        begin,
        end,
        used: None,
        has_expired: false,
    };
    favor.coupons.insert(coupon_id.clone(), coupon);
    favor.sent.keep(&number, new.request, coupon_id.clone());
    let timer = Timer {
        mchid: new.creator.to_owned(),
        key: coupon_id.clone(),
        fire: |w, _, timer, _| {
            if let Some(coupon) = w.store(&timer.mchid).favor.coupons.get_mut(&timer.key) {
                coupon.has_expired = true;
            }
            Ok(())
        },
    };
    w.after(end.saturating_add(1), timer);
    Ok(coupon_id)
}

fn check_sending(store: &Store, new: &NewCoupon<'_>, now: u64) -> Result<(), Refusal> {
    let stock = stock(store, new.stock_id)?;
    let (rule, favor) = (&stock.new, &store.favor);
    if stock.state != StockState::Running {
        return Err(refusals::not_running());
    }
    if now < rule.begin || now > rule.end {
        return Err(refusals::not_its_time());
    }
    if stock.sent >= rule.max_coupons {
        return Err(refusals::budget_used());
    }
    let of_stock = || favor.coupons.iter().filter(|c| c.stock_id == new.stock_id);
    if let Some(by_day) = rule.max_amount_by_day {
        let today = of_stock().filter(|coupon| same_day(coupon.sent_at, now));
        let sent = rule.fen.saturating_mul(today.count() as u64);
        if sent.saturating_add(rule.fen) > by_day {
            return Err(refusals::budget_used());
        }
    }
    let of_user = of_stock().filter(|c| c.openid == new.openid && c.appid == new.appid);
    if of_user.count() as u64 >= rule.max_coupons_per_user {
        return Err(refusals::user_limit());
    }
    Ok(())
}

impl NewStock {
    /// Returns the first and the last second of a coupon that is sent now.
    fn times_of_coupon(&self, now: u64) -> (u64, u64) {
        let begin = match self.validity.from_next_day {
            true => midnight_after(now),
            false => now,
        };
        let end = match self.validity.seconds {
            Some(seconds) => begin.saturating_add(seconds).min(self.end),
            None => self.end,
        };
        (begin.max(self.begin), end)
    }

    /// Returns whether the day of the week and the time of day allow the use of a coupon.
    pub(super) fn is_open(&self, now: u64) -> bool {
        let Self { validity, .. } = self;
        let days = &validity.week_days;
        let is_day = days.is_empty() || days.contains(&week_day(now));
        let of_day = second_of_day(now);
        let hours = validity.seconds_of_day;
        is_day && hours.is_none_or(|(begin, end)| (begin..=end).contains(&of_day))
    }
}

/// Returns a stock of this creator, if the signer made it or may act for its creator.
///
/// # Errors
/// Refuses a stock that does not exist, and one of a merchant that the signer has nothing to do with.
pub(crate) fn find<'a>(
    w: &'a World,
    signer: &str,
    creator: &str,
    stock_id: &str,
) -> Result<&'a Stock, Refusal> {
    let store = w.stores.get(creator).ok_or_else(refusals::no_stock)?;
    let stock = stock(store, stock_id)?;
    let may_act = signer == creator || w.may_act_for(signer, creator);
    may_act.then_some(stock).ok_or_else(refusals::not_yours)
}

fn stock<'a>(store: &'a Store, stock_id: &str) -> Result<&'a Stock, Refusal> {
    store
        .favor
        .stocks
        .get(stock_id)
        .ok_or_else(refusals::no_stock)
}

pub(super) fn stock_mut<'a>(
    store: &'a mut Store,
    stock_id: &str,
) -> Result<&'a mut Stock, Refusal> {
    let stocks = &mut store.favor.stocks;
    stocks.get_mut(stock_id).ok_or_else(refusals::no_stock)
}

fn too_many() -> Refusal {
    Refusal::new(
        429,
        "FREQUENCY_LIMIT_EXCEED",
        "FREQ_OVER_LIMIT",
        "频率限制: the sandbox keeps 1,000 stocks of a merchant, and all of them hold funds",
    )
}
