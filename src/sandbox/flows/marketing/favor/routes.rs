//! The operations of stocks and coupons.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Coupon, Stock, callback, flow_file::flow_file, read, refusals, rules, view};
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
        files::bill::{bill_date, keep, sha1},
        marketing::{callback as callbacks, page::Page},
        v3,
    },
    state::world::World,
    time::{format_rfc3339, parse_rfc3339},
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/marketing/favor/coupon-stocks", create),
    v3("GET v3/marketing/favor/stocks", list),
    v3("GET v3/marketing/favor/stocks/{stock_id}", query),
    v3("GET v3/marketing/favor/stocks/{stock_id}/items", items),
    v3(
        "GET v3/marketing/favor/stocks/{stock_id}/merchants",
        merchants,
    ),
    v3(
        "POST v3/marketing/favor/stocks/{stock_id}/modify-goods-id",
        modify_items,
    ),
    v3("POST v3/marketing/favor/stocks/{stock_id}/start", start),
    v3("POST v3/marketing/favor/stocks/{stock_id}/pause", pause),
    v3("POST v3/marketing/favor/stocks/{stock_id}/restart", restart),
    v3(
        "GET v3/marketing/favor/stocks/{stock_id}/use-flow",
        use_flow,
    ),
    v3(
        "GET v3/marketing/favor/stocks/{stock_id}/use-flow-by-day",
        use_flow_by_day,
    ),
    v3(
        "GET v3/marketing/favor/stocks/{stock_id}/refund-flow",
        refund_flow,
    ),
    v3(
        "GET v3/marketing/favor/stocks/{stock_id}/refund-flow-by-day",
        refund_flow_by_day,
    ),
    v3("POST v3/marketing/favor/users/{openid}/coupons", send),
    v3(
        "GET v3/marketing/favor/users/{openid}/coupons",
        list_coupons,
    ),
    v3(
        "GET v3/marketing/favor/users/{openid}/coupons/{coupon_id}",
        query_coupon,
    ),
    v3("GET v3/marketing/favor/callbacks", |ctx| {
        callbacks::get(ctx, callback)
    }),
    v3("POST v3/marketing/favor/callbacks", |ctx| {
        callbacks::set(ctx, callback)
    }),
];

/// How long the URL of a file works, in seconds.
const DOWNLOAD_URL_LIFETIME: u64 = 30;

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let out_request_no = fields.text("out_request_no", 128)?;
    let new = read::new_stock(&fields, ctx.now)?;
    // Documented as a field that must name the creator.
    if fields.text("belong_merchant", 20)? != ctx.merchant.mchid {
        return Err(ApiResponse::error(
            StatusCode::BAD_REQUEST,
            "INVALID_REQUEST",
            "非法的商户号: belong_merchant must be the merchant that signed the request",
        ));
    }
    let mchid = &ctx.merchant.mchid;
    let (stock_id, created_at) =
        rules::create(&mut ctx.world(), mchid, out_request_no, new, ctx.now)?;
    Ok(ApiResponse::ok(&json!({
        "stock_id": stock_id, "create_time": format_rfc3339(created_at),
    })))
}

fn list(ctx: &Ctx<'_>) -> HandlerResult {
    let creator = ctx.query("stock_creator_mchid")?;
    let page = Page::read(ctx, 10)?;
    let (from, to) = (
        time(ctx, "create_start_time")?,
        time(ctx, "create_end_time")?,
    );
    let status = ctx.optional_query("status");
    const STATES: [&str; 5] = ["unactivated", "audit", "running", "stoped", "paused"];
    if status.is_some_and(|status| !STATES.contains(&status)) {
        return Err(ApiResponse::param_error(
            "status",
            &status.into(),
            "非法的批次状态",
            "query",
        ));
    }
    let world = ctx.world();
    let mchid = &ctx.merchant.mchid;
    if mchid != creator && !world.may_act_for(mchid, creator) {
        return Err(refusals::no_permission().into());
    }
    let store = world.stores.get(creator).ok_or_else(refusals::no_stock)?;
    let is_asked = |stock: &&Stock| {
        from.is_none_or(|from| from <= stock.created_at)
            && to.is_none_or(|to| stock.created_at <= to)
            && status.is_none_or(|status| status == stock.state.as_str())
    };
    let stocks = store.favor.stocks.iter().filter(is_asked);
    let stocks: Vec<_> = stocks.map(Stock::body).collect();
    Ok(ApiResponse::ok(&page.body(stocks)))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let world = ctx.world();
    Ok(ApiResponse::ok(&queried(ctx, &world)?.body()))
}

fn items(ctx: &Ctx<'_>) -> HandlerResult {
    let world = ctx.world();
    let stock = queried(ctx, &world)?;
    let page = Page::read(ctx, 100)?;
    Ok(of_stock(ctx, page.body(stock.new.items.clone())))
}

fn merchants(ctx: &Ctx<'_>) -> HandlerResult {
    let world = ctx.world();
    let stock = queried(ctx, &world)?;
    let page = Page::read(ctx, 50)?;
    Ok(of_stock(ctx, page.body(stock.new.merchants.clone())))
}

fn of_stock(ctx: &Ctx<'_>, mut body: Value) -> ApiResponse {
    body["stock_id"] = ctx.path("stock_id").into();
    ApiResponse::ok(&body)
}

fn start(ctx: &Ctx<'_>) -> HandlerResult {
    change(ctx, "start_time", rules::start)
}

fn pause(ctx: &Ctx<'_>) -> HandlerResult {
    change(ctx, "pause_time", rules::pause)
}

fn restart(ctx: &Ctx<'_>) -> HandlerResult {
    change(ctx, "restart_time", rules::restart)
}

type Change = fn(&mut World, &str, &str, u64) -> Result<u64, Refusal>;

/// Changes the state of a stock, and returns when that was.
fn change(ctx: &Ctx<'_>, time: &str, change: Change) -> HandlerResult {
    let fields = ctx.fields();
    let creator = fields.text("stock_creator_mchid", 20)?;
    let stock_id = ctx.path("stock_id");
    let mut world = ctx.world();
    rules::find(&world, &ctx.merchant.mchid, creator, stock_id)?;
    let at = change(&mut world, creator, stock_id, ctx.now)?;
    let mut body = json!({ "stock_id": stock_id });
    body[time] = format_rfc3339(at).into();
    Ok(ApiResponse::ok(&body))
}

/// Adds and deletes goods that a stock is for.
fn modify_items(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let creator = fields.text("stock_creator_mchid", 20)?;
    let stock_id = ctx.path("stock_id");
    let (add, delete) = (
        read::texts(&fields, "add_goods_id_list", 50)?,
        read::texts(&fields, "delete_goods_id_list", 50)?,
    );
    let mut world = ctx.world();
    rules::find(&world, &ctx.merchant.mchid, creator, stock_id)?;
    rules::modify_items(&mut world, creator, stock_id, add, &delete)?;
    // The table calls the time of the change so.
    Ok(ApiResponse::ok(&json!({
        "stock_id": stock_id, "pause_time": format_rfc3339(ctx.now),
    })))
}

fn send(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let creator = fields.text("stock_creator_mchid", 20)?;
    let stock_id = fields.text("stock_id", 20)?;
    rules::find(&ctx.world(), &ctx.merchant.mchid, creator, stock_id)?;
    check_appid(&fields, ctx.merchant)?;
    // Of stocks whose coupons differ, which are not open here.
    for name in ["coupon_value", "coupon_minimum"] {
        if fields.has(name) {
            return Err(fields.error(name, "is only for stocks without a fixed value"));
        }
    }
    let openid = ctx.path("openid");
    let new = rules::NewCoupon {
        creator,
        sender: &ctx.merchant.mchid,
        stock_id,
        appid: fields.text("appid", 128)?,
        openid,
        out_request_no: out_request_no(&fields)?,
        request: json!([openid, fields.as_map()]),
    };
    let coupon_id = rules::send(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&json!({ "coupon_id": coupon_id })))
}

fn out_request_no<'a>(fields: &Fields<'a>) -> Result<&'a str, ApiResponse> {
    fields.text("out_request_no", 128)
}

fn list_coupons(ctx: &Ctx<'_>) -> HandlerResult {
    let appid = ctx.query("appid")?;
    check_bound(appid, ctx.merchant)?;
    let page = Page::read(ctx, 20)?;
    let openid = ctx.path("openid");
    let (stock_id, status) = (ctx.optional_query("stock_id"), ctx.optional_query("status"));
    let [creator, sender, available] =
        ["creator_mchid", "sender_mchid", "available_mchid"].map(|name| ctx.optional_query(name));
    let world = ctx.world();
    let is_asked = |(coupon, stock): &(&Coupon, &Stock)| {
        coupon.appid == appid
            && coupon.openid == openid
            && stock_id.is_none_or(|stock_id| stock_id == coupon.stock_id)
            && status.is_none_or(|status| status == coupon.state(ctx.now))
            && creator.is_none_or(|creator| creator == coupon.creator)
            && sender.is_none_or(|sender| sender == coupon.sender)
            && available.is_none_or(|mchid| stock.new.merchants.iter().any(|known| known == mchid))
    };
    let coupons = seen_by(&world, &ctx.merchant.mchid).filter(is_asked);
    let bodies = coupons.map(|(coupon, stock)| view::coupon_body(coupon, stock, ctx.now));
    Ok(ApiResponse::ok(&page.body(bodies.collect())))
}

fn query_coupon(ctx: &Ctx<'_>) -> HandlerResult {
    let appid = ctx.query("appid")?;
    check_bound(appid, ctx.merchant)?;
    let (openid, coupon_id) = (ctx.path("openid"), ctx.path("coupon_id"));
    let world = ctx.world();
    let (coupon, stock) = seen_by(&world, &ctx.merchant.mchid)
        .find(|(coupon, _)| {
            coupon.coupon_id == coupon_id && coupon.appid == appid && coupon.openid == openid
        })
        .ok_or_else(refusals::no_coupon)?;
    let body = view::coupon_body(coupon, stock, ctx.now);
    Ok(ApiResponse::ok(&body))
}

/// Returns the coupons of which a merchant created the stock, or which it sent.
fn seen_by<'a>(w: &'a World, mchid: &'a str) -> impl Iterator<Item = (&'a Coupon, &'a Stock)> {
    w.stores.values().flat_map(move |store| {
        let favor = &store.favor;
        let own = move |coupon: &&Coupon| coupon.creator == mchid || coupon.sender == mchid;
        let with_stock = |coupon: &'a Coupon| Some((coupon, favor.stocks.get(&coupon.stock_id)?));
        favor.coupons.iter().filter(own).filter_map(with_stock)
    })
}

fn use_flow(ctx: &Ctx<'_>) -> HandlerResult {
    whole_flow(ctx, false)
}

fn refund_flow(ctx: &Ctx<'_>) -> HandlerResult {
    whole_flow(ctx, true)
}

fn whole_flow(ctx: &Ctx<'_>, is_refund: bool) -> HandlerResult {
    let (url, hash, _) = flow(ctx, is_refund, None)?;
    Ok(ApiResponse::ok(
        &json!({ "url": url, "hash_value": hash, "hash_type": "SHA1" }),
    ))
}

fn use_flow_by_day(ctx: &Ctx<'_>) -> HandlerResult {
    let (url, hash, count) = flow(ctx, false, Some(bill_date(ctx)?))?;
    Ok(ApiResponse::ok(&json!({
        "url": url, "stock_useflow_hash": hash, "stock_useflow_count": count.to_string(),
    })))
}

fn refund_flow_by_day(ctx: &Ctx<'_>) -> HandlerResult {
    let (url, hash, count) = flow(ctx, true, Some(bill_date(ctx)?))?;
    Ok(ApiResponse::ok(&json!({
        "url": url, "stock_refundflow_hash": hash, "stock_refundflow_count": count.to_string(),
    })))
}

/// Makes a file, and returns its URL, its hash and how many rows it has.
fn flow(
    ctx: &Ctx<'_>,
    is_refund: bool,
    date: Option<&str>,
) -> Result<(String, String, usize), ApiResponse> {
    let (mchid, stock_id) = (&ctx.merchant.mchid, ctx.path("stock_id"));
    let (text, count) = {
        let world = ctx.world();
        rules::find(&world, mchid, mchid, stock_id)?;
        let store = world.stores.get(mchid).ok_or_else(refusals::no_stock)?;
        flow_file(&store.favor, stock_id, is_refund, date)
    };
    let hash = sha1(&text);
    let url = keep(ctx, text.into(), DOWNLOAD_URL_LIFETIME);
    Ok((url, hash, count))
}

/// Returns the stock that the path and the query name.
fn queried<'a>(ctx: &Ctx<'_>, w: &'a World) -> Result<&'a Stock, ApiResponse> {
    let creator = ctx.query("stock_creator_mchid")?;
    let stock = rules::find(w, &ctx.merchant.mchid, creator, ctx.path("stock_id"))?;
    Ok(stock)
}

fn time(ctx: &Ctx<'_>, name: &str) -> Result<Option<u64>, ApiResponse> {
    let Some(text) = ctx.optional_query(name) else {
        return Ok(None);
    };
    match parse_rfc3339(text) {
        Some(time) => Ok(Some(time)),
        None => Err(ApiResponse::param_error(
            name,
            &text.into(),
            "输入时间格式错误",
            "query",
        )),
    }
}
