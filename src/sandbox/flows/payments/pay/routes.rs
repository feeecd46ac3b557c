//! The operations of payment orders. A service provider's are those of a direct merchant under another
//! path.

use super::{
    engine::{self, Number},
    order::{Product, State},
    read,
};
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{Acting, acting_for, acting_for_query, check_appid, check_bound},
    },
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, v3},
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/pay/transactions/app", prepay),
    v3("POST v3/pay/transactions/h5", prepay),
    v3("POST v3/pay/transactions/jsapi", prepay),
    v3("POST v3/pay/transactions/native", prepay),
    v3("POST v3/pay/transactions/codepay", code_pay),
    v3("GET v3/pay/transactions/id/{transaction_id}", query_by_id),
    v3("GET v3/pay/transactions/out-trade-no/{out_trade_no}", query),
    v3(
        "POST v3/pay/transactions/out-trade-no/{out_trade_no}/close",
        close,
    ),
    v3(
        "POST v3/pay/transactions/out-trade-no/{out_trade_no}/reverse",
        reverse,
    ),
    v3("POST v3/pay/partner/transactions/app", prepay),
    v3("POST v3/pay/partner/transactions/h5", prepay),
    // `sub_openid` takes the place of `sp_openid`, which the table requires.
    v3("POST v3/pay/partner/transactions/jsapi", prepay).own_rules(),
    v3("POST v3/pay/partner/transactions/miniprogram", prepay),
    v3("POST v3/pay/partner/transactions/native", prepay),
    v3("POST v3/pay/partner/transactions/codepay", code_pay),
    v3(
        "GET v3/pay/partner/transactions/id/{transaction_id}",
        query_by_id,
    ),
    v3(
        "GET v3/pay/partner/transactions/out-trade-no/{out_trade_no}",
        query,
    ),
    v3(
        "POST v3/pay/partner/transactions/out-trade-no/{out_trade_no}/close",
        close,
    ),
    v3(
        "POST v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse",
        reverse,
    ),
];

fn prepay(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting(ctx, &fields)?;
    // Everything is checked before an order changes.
    let new = read::new_order(&fields, acting, Product::of(ctx.op), ctx.now)?;
    check_bound(&new.appid, ctx.merchant)?;
    let mut world = ctx.world();
    let (acting, number) = (new.acting.clone(), new.out_trade_no.clone());
    engine::prepay(&mut world, new, ctx.now)?;
    let order = engine::find(&world, &acting, Number::Merchants(&number))?;
    Ok(ApiResponse::ok(&order.prepay_body()))
}

/// Pays at once, or answers 202 while the customer has to enter the password.
fn code_pay(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting(ctx, &fields)?;
    let mut new = read::new_order(&fields, acting, Product::Code, ctx.now)?;
    let auth_code = read::auth_code(&fields)?;
    if new.appid.is_empty() {
        ctx.merchant.appid().clone_into(&mut new.appid);
    }
    check_bound(&new.appid, ctx.merchant)?;
    let order = engine::code_pay(&mut ctx.world(), new, auth_code, ctx.now)?;
    let body = order.query_body();
    Ok(match order.state {
        State::UserPaying => ApiResponse::accepted(&body),
        _ => ApiResponse::ok(&body),
    })
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    find(ctx, Number::Merchants(ctx.path("out_trade_no")))
}

fn query_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    find(ctx, Number::Ours(ctx.path("transaction_id")))
}

fn find(ctx: &Ctx<'_>, by: Number<'_>) -> HandlerResult {
    for name in read::merchant_fields(is_direct(ctx)) {
        ctx.query(name)?;
    }
    let acting = match is_direct(ctx) {
        true => acting_for_query(ctx)?.signer_alone(),
        false => acting_for_query(ctx)?,
    };
    let world = ctx.world();
    let order = engine::find(&world, &acting, by)?;
    Ok(ApiResponse::ok(&order.found_body()))
}

fn close(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting(ctx, &ctx.fields())?;
    engine::close(&mut ctx.world(), &acting, ctx.path("out_trade_no"))?;
    Ok(ApiResponse::no_content())
}

fn reverse(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting(ctx, &fields)?;
    if is_direct(ctx) {
        check_appid(&fields, ctx.merchant)?;
    }
    let by = Number::Merchants(ctx.path("out_trade_no"));
    let mut world = ctx.world();
    engine::reverse(&mut world, &acting, by, ctx.now)?;
    let order = engine::find(&world, &acting, by)?;
    let mut body = order.ids_body();
    body["out_trade_no"] = order.out_trade_no().into();
    Ok(ApiResponse::ok(&body))
}

/// Returns whom the request is for. The operations of direct merchants take no `sub_mchid`.
fn acting(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<Acting, ApiResponse> {
    for name in read::merchant_fields(is_direct(ctx)) {
        fields.text(name, 32)?;
    }
    match is_direct(ctx) {
        true => acting_for(ctx, fields).map(Acting::signer_alone),
        false => acting_for(ctx, fields),
    }
}

fn is_direct(ctx: &Ctx<'_>) -> bool {
    !ctx.op.template().starts_with("v3/pay/partner/")
}
