//! Payments: orders that the customer opens, and codes that the cashier scans.

use serde_json::{Map, Value};

use super::reply::{Reply, asked, merchants_number, version, wrong};
use crate::sandbox::{
    checks::merchant::Acting,
    flows::payments::pay::{
        engine::{self, NewOrder, Number, Order, Payer, Product},
        order::{Payment, Prepaid},
        read::MAX_TOTAL,
    },
    time::{format_compact, parse_compact},
    v2::{V2Ctx, V2Error, V2Reply, V2Result},
};

/// How soon an order can expire, in seconds.
const MIN_LIFETIME: u64 = 60;

/// Creates an order that the customer opens in WeChat.
pub(super) fn unified_order(ctx: &V2Ctx<'_>) -> V2Result {
    let product = product(ctx)?;
    let new = new_order(ctx, product)?;
    let prepaid = engine::prepay(&mut ctx.world(), new, ctx.now)?;
    let mut reply = Reply::default();
    reply.echo(ctx, &["device_info"]);
    put_codes(&mut reply, product, &prepaid);
    Ok(reply.done())
}

/// Returns the product that `trade_type` names.
pub(super) fn product(ctx: &V2Ctx<'_>) -> Result<Product, V2Error> {
    Ok(match ctx.text("trade_type")? {
        "JSAPI" => Product::Jsapi,
        "APP" => Product::App,
        "MWEB" => Product::H5,
        "NATIVE" => Product::Native,
        _ => return Err(wrong("trade_type")),
    })
}

/// Puts what opens a payment.
pub(super) fn put_codes(reply: &mut Reply, product: Product, prepaid: &Prepaid) {
    reply
        .put("trade_type", product.trade_type())
        .put("prepay_id", &prepaid.prepay_id);
    match product {
        Product::Native => reply.put("code_url", &prepaid.code_url),
        Product::H5 => reply.put("mweb_url", &prepaid.h5_url),
        _ => reply,
    };
}

/// Pays with the code that the customer shows.
pub(super) fn micropay(ctx: &V2Ctx<'_>) -> V2Result {
    let new = new_order(ctx, Product::Code)?;
    let auth_code = ctx.text("auth_code")?;
    let order = engine::code_pay(&mut ctx.world(), new, auth_code, ctx.now)?;
    let Some(payment) = order.payment() else {
        // The cashier's side queries until the customer has decided.
        return Err(V2Error::Result {
            code: "USERPAYING",
            message: "需要用户输入支付密码".to_owned(),
        });
    };
    let mut reply = Reply::default();
    put_order(&mut reply, &order);
    put_payment(&mut reply, &order, payment);
    Ok(reply.done())
}

/// Returns where an order stands.
pub(super) fn query(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    let world = ctx.world();
    let order = engine::find(&world, &acting, number(ctx)?)?;
    Ok(queried(order))
}

/// Returns the response about an order.
pub(super) fn queried(order: &Order) -> V2Reply {
    V2Reply::Fields(query_fields(order))
}

/// Returns the fields that a query returns of an order.
pub(crate) fn query_fields(order: &Order) -> Map<String, Value> {
    let mut reply = Reply::default();
    put_order(&mut reply, order);
    reply
        .put("trade_state", order.trade_state())
        .put("trade_state_desc", order.trade_state_desc());
    // Fields of a payment appear only after it.
    if let Some(payment) = order.payment_made() {
        put_payment(&mut reply, order, payment);
    }
    reply.into_fields()
}

/// Closes an order that is not paid.
pub(super) fn close(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    let out_trade_no = ctx.text("out_trade_no")?;
    engine::close(&mut ctx.world(), &acting, out_trade_no)?;
    Ok(Reply::default().put("result_msg", "OK").done())
}

/// Takes a code payment back.
pub(super) fn reverse(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    engine::reverse(&mut ctx.world(), &acting, number(ctx)?, ctx.now)?;
    // `Y` asks for another call.
    Ok(Reply::default().put("recall", "N").done())
}

/// Returns the number of the order that a request is about. WeChat Pay's counts if both are given.
pub(super) fn number<'a>(ctx: &'a V2Ctx<'_>) -> Result<Number<'a>, V2Error> {
    match ctx.optional("transaction_id") {
        Some(id) => Ok(Number::Ours(id)),
        None => ctx.text("out_trade_no").map(Number::Merchants),
    }
}

pub(super) fn new_order(ctx: &V2Ctx<'_>, product: Product) -> Result<NewOrder, V2Error> {
    let acting = ctx.acting()?;
    let owned = |name| ctx.optional(name).map(str::to_owned);
    let attach = match ctx.optional("attach") {
        Some(_) => Some(ctx.short_text("attach", 127)?.to_owned()),
        None => None,
    };
    if ctx.optional("fee_type").is_some_and(|kind| kind != "CNY") {
        return Err(wrong("fee_type"));
    }
    let notify_url = match product {
        // The cashier has the answer at once.
        Product::Code => None,
        _ => Some(notify_url(ctx)?.to_owned()),
    };
    Ok(NewOrder {
        product,
        appid: ctx.bound_app("appid")?.to_owned(),
        sub_appid: owned("sub_appid"),
        out_trade_no: merchants_number(ctx, "out_trade_no", 32)?.to_owned(),
        description: ctx.short_text("body", 128)?.to_owned(),
        attach,
        total: total(ctx)?,
        payer: payer(ctx, product, &acting)?,
        notify_url,
        expires: expires(ctx)?,
        profit_sharing: ctx.optional("profit_sharing") == Some("Y"),
        version: version(ctx),
        combined: None,
        request: asked(ctx),
        acting,
    })
}

fn total(ctx: &V2Ctx<'_>) -> Result<u64, V2Error> {
    match ctx.fen("total_fee")? {
        fen @ 1..=MAX_TOTAL => Ok(fen),
        _ => Err(V2Error::Return("invalid total_fee".to_owned())),
    }
}

fn payer(ctx: &V2Ctx<'_>, product: Product, acting: &Acting) -> Result<Payer, V2Error> {
    let owned = |name| ctx.optional(name).map(str::to_owned);
    let payer = Payer {
        openid: owned("openid"),
        sub_openid: owned("sub_openid").filter(|_| acting.sp_mchid.is_some()),
    };
    if product != Product::Jsapi {
        return Ok(Payer::default());
    }
    if payer == Payer::default() {
        return Err(V2Error::Return("JSAPI支付必须传openid".to_owned()));
    }
    if payer.sub_openid.is_some() {
        ctx.text("sub_appid")?;
    }
    Ok(payer)
}

/// Reads `notify_url`: see [`url`].
pub(super) fn notify_url<'a>(ctx: &'a V2Ctx<'_>) -> Result<&'a str, V2Error> {
    url(ctx, "notify_url")
}

/// Reads the URL of a notification, which must be absolute and without a query.
pub(super) fn url<'a>(ctx: &'a V2Ctx<'_>, name: &str) -> Result<&'a str, V2Error> {
    let url = ctx.short_text(name, 256)?;
    let is_http = url.starts_with("https://") || url.starts_with("http://");
    match is_http && !url.contains(['?', '#', ' ']) {
        true => Ok(url),
        false => Err(wrong(name)),
    }
}

/// Reads `time_expire`, such as `20091227091010`.
fn expires(ctx: &V2Ctx<'_>) -> Result<Option<u64>, V2Error> {
    if let Some(start) = ctx.optional("time_start") {
        time(start).ok_or_else(|| wrong("time_start"))?;
    }
    let Some(text) = ctx.optional("time_expire") else {
        return Ok(None);
    };
    let expires = time(text).ok_or_else(|| wrong("time_expire"))?;
    if expires < ctx.now.saturating_add(MIN_LIFETIME) {
        return Err(V2Error::Return(
            "time_expire时间过短，刷卡至少1分钟，其他5分钟".to_owned(),
        ));
    }
    Ok(Some(expires))
}

fn time(text: &str) -> Option<u64> {
    parse_compact(text).filter(|_| text.len() == 14)
}

/// Puts what is known of an order from the start.
fn put_order(reply: &mut Reply, order: &Order) {
    let asked = &order.asked;
    if let Some(device) = asked.request.get("device_info").and_then(|v| v.as_str()) {
        reply.put("device_info", device);
    }
    reply
        .put("out_trade_no", &asked.out_trade_no)
        .put("total_fee", asked.total)
        .put("fee_type", "CNY");
    if let Some(attach) = &asked.attach {
        reply.put("attach", attach);
    }
}

/// Puts a payment.
fn put_payment(reply: &mut Reply, order: &Order, payment: &Payment) {
    reply
        .put("openid", &payment.openid)
        .put("is_subscribe", "N");
    if let Some(sub_openid) = &payment.sub_openid {
        reply
            .put("sub_openid", sub_openid)
            .put("sub_is_subscribe", "N");
    }
    reply
        .put("trade_type", order.asked.product.trade_type())
        .put("bank_type", payment.bank_type)
        .put("cash_fee", order.payer_total())
        .put("cash_fee_type", "CNY")
        .put("transaction_id", &payment.transaction_id)
        .put("time_end", format_compact(payment.time));
    for (name, value) in order.coupon_fields() {
        reply.put(name, value);
    }
}
