//! The operations of coupons.

use serde_json::Value;

use super::{change_stock, once, stock_id};
use crate::sandbox::{
    checks::merchant::{check_appid, check_bound},
    dispatch::{
        refusal::Refusal,
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::marketing::{
        busifavor::{
            CodeMode, Coupon, Stock, Tables,
            codes::MAX_CODE,
            coupons::{self, NewCoupon},
            read, refusals,
        },
        page::Page,
    },
    state::world::World,
};

pub(super) fn send(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let new = NewCoupon {
        sender: &ctx.merchant.mchid,
        stock_id: stock_id(ctx, &fields)?,
        openid: fields.text("openid", 128)?,
        appid: fields.text("appid", 32)?,
        out_request_no: fields.text("out_request_no", 128)?,
        code: fields.optional_text("coupon_code", MAX_CODE)?,
    };
    check_appid(&fields, ctx.merchant)?;
    let number = new.out_request_no;
    let body = once(ctx, number, refusals::other_request, |w| {
        coupons::send(w, &new, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

pub(super) fn use_coupon(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let code = fields.text("coupon_code", MAX_CODE)?;
    let number = fields.text("use_request_no", 128)?;
    read::read_time(&fields, "use_time")?;
    let openid = fields.optional_text("openid", 128)?;
    let stock_id = match fields.optional_text("stock_id", 20)? {
        Some(_) => stock_id(ctx, &fields)?.to_owned(),
        None => stock_of(ctx, code)?,
    };
    check_appid(&fields, ctx.merchant)?;
    let body = change_stock(ctx, number, &stock_id, |tables| {
        coupons::use_coupon(tables, (&stock_id, code), openid, number, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

/// Returns the stock of a coupon whose code is WeChat Pay's, and so of one stock only.
fn stock_of(ctx: &Ctx<'_>, code: &str) -> Result<String, ApiResponse> {
    let world = ctx.world();
    let mut stores = world.stores.values();
    let found = stores.find_map(|store| {
        let is_its = |coupon: &Coupon| {
            let stock = store.busifavor.stocks.get(&coupon.stock_id);
            let is_ours = stock.is_some_and(|stock| stock.mode == CodeMode::WechatPay);
            coupon.code == code && is_ours
        };
        let coupon = store.busifavor.coupons.find(is_its)?;
        Some(coupon.stock_id.clone())
    });
    Ok(found.ok_or_else(refusals::no_coupon)?)
}

pub(super) fn give_back(ctx: &Ctx<'_>) -> HandlerResult {
    change_coupon(ctx, "return_request_no", |tables, coupon, _| {
        coupons::give_back(tables, coupon, ctx.now)
    })
}

pub(super) fn deactivate(ctx: &Ctx<'_>) -> HandlerResult {
    ctx.fields().optional_text("deactivate_reason", 64)?;
    change_coupon(ctx, "deactivate_request_no", |tables, coupon, _| {
        coupons::deactivate(tables, coupon, ctx.now)
    })
}

pub(super) fn associate(ctx: &Ctx<'_>) -> HandlerResult {
    change_coupon(ctx, "out_request_no", |tables, coupon, out_trade_no| {
        coupons::associate(tables, coupon, out_trade_no, ctx.now)
    })
}

pub(super) fn disassociate(ctx: &Ctx<'_>) -> HandlerResult {
    change_coupon(ctx, "out_request_no", |tables, coupon, out_trade_no| {
        coupons::disassociate(tables, coupon, out_trade_no, ctx.now)
    })
}

/// Changes the coupon that the body names. `change` gets its stock and code, and the order, if there is one.
fn change_coupon(
    ctx: &Ctx<'_>,
    number: &str,
    change: impl FnOnce(&mut Tables, (&str, &str), &str) -> Result<Value, Refusal>,
) -> HandlerResult {
    let fields = ctx.fields();
    let number = fields.text(number, 128)?;
    let code = fields.text("coupon_code", MAX_CODE)?;
    let out_trade_no = fields
        .optional_text("out_trade_no", 32)?
        .unwrap_or_default();
    let stock_id = stock_id(ctx, &fields)?;
    let body = change_stock(ctx, number, stock_id, |tables| {
        change(tables, (stock_id, code), out_trade_no)
    })?;
    Ok(ApiResponse::ok(&body))
}

pub(super) fn list(ctx: &Ctx<'_>) -> HandlerResult {
    let appid = ctx.query("appid")?;
    check_bound(appid, ctx.merchant)?;
    let page = Page::read(ctx, 50)?;
    let openid = ctx.path("openid");
    let asked = |name: &str| ctx.optional_query(name);
    let [stock_id, state, creator, belong, sender] = [
        "stock_id",
        "coupon_state",
        "creator_merchant",
        "belong_merchant",
        "sender_merchant",
    ]
    .map(asked);
    let world = ctx.world();
    let is_asked = |(coupon, stock): &(&Coupon, &Stock)| {
        coupon.openid == openid
            && coupon.appid == appid
            && stock_id.is_none_or(|id| id == coupon.stock_id)
            && state.is_none_or(|state| state == coupon.state(ctx.now))
            && creator.is_none_or(|mchid| mchid == stock.creator)
            && belong.is_none_or(|mchid| mchid == stock.belong)
            && sender.is_none_or(|mchid| mchid == coupon.sender)
    };
    let coupons = seen_by(&world, &ctx.merchant.mchid).filter(is_asked);
    let bodies = coupons.map(|(coupon, stock)| coupon.body(stock, ctx.now));
    Ok(ApiResponse::ok(&page.body(bodies.collect())))
}

pub(super) fn query_coupon(ctx: &Ctx<'_>) -> HandlerResult {
    let [openid, code, appid] = ["openid", "coupon_code", "appid"].map(|name| ctx.path(name));
    let world = ctx.world();
    let (coupon, stock) = seen_by(&world, &ctx.merchant.mchid)
        .find(|(coupon, _)| coupon.code == code && coupon.openid == openid && coupon.appid == appid)
        .ok_or_else(refusals::no_coupon)?;
    Ok(ApiResponse::ok(&coupon.body(stock, ctx.now)))
}

/// Returns the coupons that a merchant made, honours or sent.
fn seen_by<'a>(w: &'a World, mchid: &'a str) -> impl Iterator<Item = (&'a Coupon, &'a Stock)> {
    w.stores.values().flat_map(move |store| {
        let tables = &store.busifavor;
        let with_stock = |coupon: &'a Coupon| Some((coupon, tables.stocks.get(&coupon.stock_id)?));
        let coupons = tables.coupons.iter().filter_map(with_stock);
        coupons.filter(move |(coupon, stock)| {
            let mut mchids = [&stock.creator, &stock.belong, &coupon.sender].into_iter();
            mchids.any(|known| known == mchid)
        })
    })
}
