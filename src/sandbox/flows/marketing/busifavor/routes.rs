//! The operations of coupons of merchants.

use serde_json::{Value, json};

use super::{
    Coupon, Stock, Tables, callback,
    codes::{self, MAX_UPLOAD},
    coupons::{self, NewCoupon},
    read, refusals,
    stocks::{self, Budget},
    subsidy::{self, NewReceipt},
    view,
};
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{check_appid, check_bound},
    },
    dispatch::{
        refusal::Refusal,
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        Route,
        marketing::{callback as callbacks, favor::texts, page::Page},
        payments::pay::read::MAX_TOTAL,
        v3,
    },
    state::world::World,
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/marketing/busifavor/stocks", create),
    v3("GET v3/marketing/busifavor/stocks/{stock_id}", query),
    v3("PATCH v3/marketing/busifavor/stocks/{stock_id}", modify),
    v3(
        "PATCH v3/marketing/busifavor/stocks/{stock_id}/budget",
        change_budget,
    ),
    v3(
        "POST v3/marketing/busifavor/stocks/{stock_id}/couponcodes",
        upload,
    ),
    v3(
        "GET v3/marketing/busifavor/stocks/{stock_id}/couponcodes",
        list_codes,
    ),
    v3(
        "GET v3/marketing/busifavor/stocks/{stock_id}/couponcodes/{coupon_code}",
        query_code,
    ),
    v3(
        "DELETE v3/marketing/busifavor/stocks/{stock_id}/couponcodes/{coupon_code}",
        delete_code,
    ),
    v3("POST v3/marketing/busifavor/coupons/send", send),
    v3("POST v3/marketing/busifavor/coupons/use", use_coupon),
    v3("POST v3/marketing/busifavor/coupons/return", give_back),
    v3("POST v3/marketing/busifavor/coupons/deactivate", deactivate),
    v3("POST v3/marketing/busifavor/coupons/associate", associate),
    v3(
        "POST v3/marketing/busifavor/coupons/disassociate",
        disassociate,
    ),
    v3("GET v3/marketing/busifavor/users/{openid}/coupons", list),
    v3(
        "GET v3/marketing/busifavor/users/{openid}/coupons/{coupon_code}/appids/{appid}",
        query_coupon,
    ),
    v3(
        "POST v3/marketing/busifavor/subsidy/pay-receipts",
        pay_subsidy,
    ),
    v3(
        "GET v3/marketing/busifavor/subsidy/pay-receipts",
        list_receipts,
    ),
    v3(
        "GET v3/marketing/busifavor/subsidy/pay-receipts/{subsidy_receipt_id}",
        query_receipt,
    ),
    v3(
        "POST v3/marketing/busifavor/subsidy/return-receipts",
        return_subsidy,
    ),
    v3(
        "GET v3/marketing/busifavor/subsidy/return-receipts/{subsidy_return_receipt_id}",
        query_return,
    ),
    v3("GET v3/marketing/busifavor/callbacks", |ctx| {
        callbacks::get(ctx, callback)
    }),
    v3("POST v3/marketing/busifavor/callbacks", |ctx| {
        callbacks::set(ctx, callback)
    }),
];

/// Answers a request under a number of the merchant's: the same one again as before, a new one with what
/// `change` returns.
fn once(
    ctx: &Ctx<'_>,
    number: &str,
    differs: fn() -> Refusal,
    change: impl FnOnce(&mut World) -> Result<Value, Refusal>,
) -> Result<Value, ApiResponse> {
    let asked = json!([ctx.parts.uri.path(), ctx.body]);
    // Each operation has numbers of its own.
    let number = format!("{} {number}", ctx.op);
    let mchid = &ctx.merchant.mchid;
    let mut world = ctx.world();
    let answers = &world.store(mchid).busifavor.answers;
    if let Some(answer) = answers.answered(&number, &asked, differs)? {
        return Ok(answer);
    }
    let answer = change(&mut world)?;
    let answers = &mut world.store(mchid).busifavor.answers;
    answers.keep(&number, asked, answer.clone());
    Ok(answer)
}

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let number = fields.text("out_request_no", 128)?;
    let stock = read::new_stock(&fields, &ctx.merchant.mchid, ctx.now)?;
    let body = once(ctx, number, refusals::other_stock, |w| {
        stocks::create(w, stock)
    })?;
    Ok(ApiResponse::ok(&body))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    read_stock(ctx, ctx.path("stock_id"), |tables, stock| {
        Ok(stock.body(tables, ctx.now))
    })
}

fn modify(ctx: &Ctx<'_>) -> HandlerResult {
    let number = ctx.fields().text("out_request_no", 128)?;
    change_stock(ctx, number, ctx.path("stock_id"), |tables| {
        stocks::modify(tables.stock_mut(ctx.path("stock_id"))?, &ctx.body);
        Ok(Value::Null)
    })?;
    Ok(ApiResponse::no_content())
}

fn change_budget(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let number = fields.text("modify_budget_request_no", 128)?;
    let budget = |suffix: &str| -> Result<_, ApiResponse> {
        const LIMITS: std::ops::RangeInclusive<u64> = 0..=1_000_000_000;
        let read = |name: &str| fields.optional_integer(&format!("{name}{suffix}"), LIMITS);
        let (target, current) = (read("target_max_coupons")?, read("current_max_coupons")?);
        Ok(target.map(|target| Budget {
            target,
            current: current.unwrap_or(0),
        }))
    };
    let (all, by_day) = (budget("")?, budget("_by_day")?);
    let body = change_stock(ctx, number, ctx.path("stock_id"), |tables| {
        let stock = tables.stock_mut(ctx.path("stock_id"))?;
        if all.is_some() == by_day.is_some() {
            let message = "target_max_coupons和target_max_coupons_by_day二选一";
            return Err(refusals::invalid(message));
        }
        stocks::change_budget(stock, all, by_day)
    })?;
    Ok(ApiResponse::ok(&body))
}

fn upload(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let number = fields.text("upload_request_no", 128)?;
    let list = texts(&fields, "coupon_code_list", MAX_UPLOAD)?;
    let stock_id = ctx.path("stock_id");
    let body = change_stock(ctx, number, stock_id, |tables| {
        codes::upload(tables, stock_id, &list, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

fn list_codes(ctx: &Ctx<'_>) -> HandlerResult {
    let stock_id = ctx.path("stock_id");
    let status = ctx.optional_query("status");
    read_stock(ctx, stock_id, |tables, _| {
        let page = Page::read(ctx, 200)?;
        let codes = tables.codes.iter().filter(|code| code.stock_id == stock_id);
        let bodies = codes.map(|code| view::code_body(tables, code, ctx.now));
        let is_asked = |body: &Value| status.is_none_or(|status| body["code_status"] == status);
        let mut body = page.body(bodies.filter(is_asked).collect());
        body["stock_id"] = stock_id.into();
        Ok(body)
    })
}

fn query_code(ctx: &Ctx<'_>) -> HandlerResult {
    let (stock_id, code) = (ctx.path("stock_id"), ctx.path("coupon_code"));
    read_stock(ctx, stock_id, |tables, stock| {
        let code = tables.codes.get(&super::key(stock_id, code));
        let code = code.ok_or_else(refusals::no_coupon)?;
        Ok(view::code_detail(tables, stock, code, ctx.now))
    })
}

fn delete_code(ctx: &Ctx<'_>) -> HandlerResult {
    let number = ctx.query("delete_request_no")?;
    let (stock_id, code) = (ctx.path("stock_id"), ctx.path("coupon_code"));
    let body = change_stock(ctx, number, stock_id, |tables| {
        codes::delete(tables, stock_id, code, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

fn send(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let new = NewCoupon {
        sender: &ctx.merchant.mchid,
        stock_id: stock_id(ctx, &fields)?,
        openid: fields.text("openid", 128)?,
        appid: fields.text("appid", 32)?,
        out_request_no: fields.text("out_request_no", 128)?,
        code: fields.optional_text("coupon_code", codes::MAX_CODE)?,
    };
    check_appid(&fields, ctx.merchant)?;
    let number = new.out_request_no;
    let body = once(ctx, number, refusals::other_request, |w| {
        coupons::send(w, &new, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

fn use_coupon(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let code = fields.text("coupon_code", codes::MAX_CODE)?;
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
            let is_ours = stock.is_some_and(|stock| stock.mode == super::CodeMode::WechatPay);
            coupon.code == code && is_ours
        };
        let coupon = store.busifavor.coupons.find(is_its)?;
        Some(coupon.stock_id.clone())
    });
    Ok(found.ok_or_else(refusals::no_coupon)?)
}

fn give_back(ctx: &Ctx<'_>) -> HandlerResult {
    change_coupon(ctx, "return_request_no", |tables, coupon, _| {
        coupons::give_back(tables, coupon, ctx.now)
    })
}

fn deactivate(ctx: &Ctx<'_>) -> HandlerResult {
    ctx.fields().optional_text("deactivate_reason", 64)?;
    change_coupon(ctx, "deactivate_request_no", |tables, coupon, _| {
        coupons::deactivate(tables, coupon, ctx.now)
    })
}

fn associate(ctx: &Ctx<'_>) -> HandlerResult {
    change_coupon(ctx, "out_request_no", |tables, coupon, out_trade_no| {
        coupons::associate(tables, coupon, out_trade_no, ctx.now)
    })
}

fn disassociate(ctx: &Ctx<'_>) -> HandlerResult {
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
    let code = fields.text("coupon_code", codes::MAX_CODE)?;
    let out_trade_no = fields
        .optional_text("out_trade_no", 32)?
        .unwrap_or_default();
    let stock_id = stock_id(ctx, &fields)?;
    let body = change_stock(ctx, number, stock_id, |tables| {
        change(tables, (stock_id, code), out_trade_no)
    })?;
    Ok(ApiResponse::ok(&body))
}

fn list(ctx: &Ctx<'_>) -> HandlerResult {
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

fn query_coupon(ctx: &Ctx<'_>) -> HandlerResult {
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

fn pay_subsidy(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let new = receipt(ctx, &fields, "out_subsidy_no")?;
    let body = once(ctx, new.out_no, refusals::other_request, |w| {
        subsidy::pay(w, &ctx.merchant.mchid, &new, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

fn return_subsidy(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let new = receipt(ctx, &fields, "out_subsidy_return_no")?;
    let refund_id = fields.text("refund_id", 32)?;
    let body = once(ctx, new.out_no, refusals::other_request, |w| {
        subsidy::give_back(w, &ctx.merchant.mchid, &new, refund_id, ctx.now)
    })?;
    Ok(ApiResponse::ok(&body))
}

fn receipt<'a>(
    ctx: &Ctx<'_>,
    fields: &Fields<'a>,
    number: &str,
) -> Result<NewReceipt<'a>, ApiResponse> {
    Ok(NewReceipt {
        stock_id: stock_id(ctx, fields)?,
        code: fields.text("coupon_code", 128)?,
        transaction_id: fields.text("transaction_id", 32)?,
        payer: fields.text("payer_merchant", 32)?,
        payee: fields.text("payee_merchant", 32)?,
        fen: fields.integer("amount", 1..=MAX_TOTAL)?,
        description: fields.text("description", 1024)?,
        out_no: fields.text(number, 128)?,
    })
}

fn list_receipts(ctx: &Ctx<'_>) -> HandlerResult {
    let (stock_id, code) = (ctx.query("stock_id")?, ctx.query("coupon_code")?);
    let out_no = ctx.optional_query("out_subsidy_no");
    let mut world = ctx.world();
    let receipts = world.store(&ctx.merchant.mchid).busifavor.receipts.iter();
    let asked = receipts.filter(|receipt| {
        receipt.stock_id == stock_id
            && receipt.code == code
            && out_no.is_none_or(|out_no| out_no == receipt.out_no)
    });
    let list: Vec<_> = asked.map(super::Receipt::body).collect();
    Ok(ApiResponse::ok(&json!({ "pay_receipt_list": list })))
}

fn query_receipt(ctx: &Ctx<'_>) -> HandlerResult {
    let mut world = ctx.world();
    let receipts = &world.store(&ctx.merchant.mchid).busifavor.receipts;
    let receipt = receipts.get(ctx.path("subsidy_receipt_id"));
    Ok(ApiResponse::ok(
        &receipt.ok_or_else(refusals::no_receipt)?.body(),
    ))
}

fn query_return(ctx: &Ctx<'_>) -> HandlerResult {
    let mut world = ctx.world();
    let returns = &world.store(&ctx.merchant.mchid).busifavor.returns;
    let returned = returns.get(ctx.path("subsidy_return_receipt_id"));
    Ok(ApiResponse::ok(
        &returned.ok_or_else(refusals::no_receipt)?.body(),
    ))
}

/// Reads `stock_id`, and checks that there is one that the merchant may act on.
fn stock_id<'a>(ctx: &Ctx<'_>, fields: &Fields<'a>) -> Result<&'a str, ApiResponse> {
    let stock_id = fields.text("stock_id", 20)?;
    stocks::creator_of(&ctx.world(), &ctx.merchant.mchid, stock_id)?;
    Ok(stock_id)
}

/// Changes what belongs to a stock, once for each number.
fn change_stock(
    ctx: &Ctx<'_>,
    number: &str,
    stock_id: &str,
    change: impl FnOnce(&mut Tables) -> Result<Value, Refusal>,
) -> Result<Value, ApiResponse> {
    once(ctx, number, refusals::other_request, |w| {
        let creator = stocks::creator_of(w, &ctx.merchant.mchid, stock_id)?;
        change(&mut w.store(&creator).busifavor)
    })
}

/// Answers with what `read` returns of a stock.
fn read_stock(
    ctx: &Ctx<'_>,
    stock_id: &str,
    read: impl FnOnce(&Tables, &Stock) -> Result<Value, ApiResponse>,
) -> HandlerResult {
    let world = ctx.world();
    let creator = stocks::creator_of(&world, &ctx.merchant.mchid, stock_id)?;
    let store = world.stores.get(&creator).ok_or_else(refusals::no_stock)?;
    let tables = &store.busifavor;
    Ok(ApiResponse::ok(&read(tables, tables.stock(stock_id)?)?))
}
