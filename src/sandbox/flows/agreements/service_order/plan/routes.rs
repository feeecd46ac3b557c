//! The operations of plans, of merchants and of service providers for theirs.

use serde_json::json;

use super::{
    Plan,
    signed::{self, End, Signed},
};
use crate::sandbox::{
    checks::{fields::Fields, merchant::check_appid},
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        Route,
        agreements::service_order::{
            order::{ServiceOrder, User},
            routes::{acting, acting_by_query, created},
            user::not_found,
        },
        v3,
    },
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/payscore/plan/payscore-plans", create),
    v3(
        "GET v3/payscore/plan/payscore-plans/merchant-plan-no/{merchant_plan_no}",
        query,
    ),
    v3(
        "POST v3/payscore/plan/payscore-plans/merchant-plan-no/{merchant_plan_no}/stop",
        stop,
    ),
    v3("POST v3/payscore/sign-plan/user-sign-plans", create_signed),
    v3(
        "GET v3/payscore/sign-plan/user-sign-plans/merchant-sign-plan-no/{merchant_sign_plan_no}",
        query_signed,
    ),
    v3(
        "POST v3/payscore/sign-plan/user-sign-plans/merchant-sign-plan-no/{merchant_sign_plan_no}/stop",
        stop_signed,
    ),
    v3("POST v3/payscore/sign-plan/serviceorder", create_order),
    v3("POST v3/payscore/plan/partner/payscore-plans", create),
    v3(
        "GET v3/payscore/plan/partner/payscore-plans/merchant-plan-no/{merchant_plan_no}",
        query,
    ),
    v3(
        "POST v3/payscore/plan/partner/payscore-plans/merchant-plan-no/{merchant_plan_no}/stop",
        stop,
    ),
    v3(
        "POST v3/payscore/sign-plan/partner/user-sign-plans",
        create_signed,
    ),
    v3(
        "GET v3/payscore/sign-plan/partner/user-sign-plans/merchant-sign-plan-no/{merchant_sign_plan_no}",
        query_signed,
    ),
    v3(
        "POST v3/payscore/sign-plan/partner/user-sign-plans/merchant-sign-plan-no/{merchant_sign_plan_no}/stop",
        stop_signed,
    ),
    v3(
        "POST v3/payscore/sign-plan/partner/serviceorder",
        create_order,
    ),
];

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting(ctx, &fields)?;
    let id = ctx.world().number("", 32);
    let new = Plan::read(&fields, acting, id)?;
    check_appid(&fields, ctx.merchant)?;
    let plan = super::create(&mut ctx.world(), new)?;
    Ok(ApiResponse::ok(&plan.body()))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_by_query(ctx)?;
    let mut world = ctx.world();
    let plans = &world.store(&acting.mchid).service_orders.plans;
    let plan = plans.get(ctx.path("merchant_plan_no"));
    let plan = plan.filter(|plan| plan.acting == acting);
    Ok(ApiResponse::ok(&plan.ok_or_else(not_found)?.body()))
}

fn stop(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting(ctx, &ctx.fields())?;
    let mut world = ctx.world();
    let plans = &mut world.store(&acting.mchid).service_orders.plans;
    let plan = plans.get_mut(ctx.path("merchant_plan_no"));
    let plan = plan.filter(|plan| plan.acting == acting);
    let plan = plan.ok_or_else(not_found)?;
    plan.stop(ctx.now);
    Ok(ApiResponse::ok(&plan.body()))
}

fn create_signed(ctx: &Ctx<'_>) -> HandlerResult {
    let new = read_signed(ctx)?;
    let mchid = new.plan.acting.mchid.clone();
    let mut world = ctx.world();
    let signed = signed::create(&mut world, new, ctx.now)?;
    let body = signed.body(&world.store(&mchid).service_orders);
    Ok(ApiResponse::ok(
        &json!({ "sign_plan": body, "package": signed.package }),
    ))
}

fn read_signed(ctx: &Ctx<'_>) -> Result<Signed, ApiResponse> {
    let fields = ctx.fields();
    let acting = acting(ctx, &fields)?;
    let named = |name: &str, max| {
        let text = fields.optional_text(name, max)?;
        Ok::<_, ApiResponse>(text.filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let user = User {
        openid: named("openid", 128)?,
        sub_openid: named("sub_openid", 128)?,
    };
    check_appid(&fields, ctx.merchant)?;
    let (plan_id, service_id) = (fields.text("plan_id", 32)?, fields.text("service_id", 32)?);
    let number = fields.merchant_order_number("merchant_sign_plan_no", 1)?;
    let mut world = ctx.world();
    let (id, package) = (world.number("", 32), world.token(96));
    let plans = &world.store(&acting.mchid).service_orders.plans;
    let is_meant = |plan: &Plan| {
        plan.plan_id == plan_id && plan.service_id == service_id && plan.acting == acting
    };
    let plan = plans.find(is_meant).cloned().ok_or_else(not_found)?;
    drop(world);
    if user.openid.is_some() == user.sub_openid.is_some() {
        return Err(fields.error("openid", "exactly one of openid and sub_openid is required"));
    }
    let days = plan.days.saturating_mul(24 * 3600);
    Ok(Signed {
        request: fields.as_map().clone(),
        number: number.to_owned(),
        id,
        package,
        appid: fields.text("appid", 32)?.to_owned(),
        sub_appid: named("sub_appid", 32)?,
        user,
        notify_url: fields.notify_url()?.to_owned(),
        numbers: read_numbers(&fields, plan.details.len())?,
        begun: 0,
        expires_at: ctx.now.saturating_add(days),
        signed_at: None,
        end: None,
        plan,
    })
}

/// Reads the merchant's number of each service, in the order of the plan.
fn read_numbers(fields: &Fields<'_>, count: usize) -> Result<Vec<String>, ApiResponse> {
    let mut numbers = Vec::new();
    for (index, detail) in fields
        .objects("sign_plan_detail", count)?
        .iter()
        .enumerate()
    {
        if detail.integer("plan_detail_no", 1..=count as u64)? != index as u64 + 1 {
            return Err(detail.error("plan_detail_no", "must count from 1 on"));
        }
        let number = detail.merchant_order_number("merchant_plan_detail_no", 1)?;
        numbers.push(number.to_owned());
    }
    match numbers.len() == count {
        true => Ok(numbers),
        false => Err(fields.error(
            "sign_plan_detail",
            &format!("must have each of the plan's {count} details"),
        )),
    }
}

fn query_signed(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_by_query(ctx)?;
    let mut world = ctx.world();
    let tables = &world.store(&acting.mchid).service_orders;
    let signed = tables.signed.get(ctx.path("merchant_sign_plan_no"));
    let signed = signed.filter(|signed| signed.plan.acting == acting);
    let body = signed.ok_or_else(not_found)?.body(tables);
    Ok(ApiResponse::ok(&body))
}

fn stop_signed(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting(ctx, &fields)?;
    let end = End::Cancelled {
        at: ctx.now,
        by: "MERCHANT",
        reason: fields.text("stop_reason", 64)?.to_owned(),
    };
    let number = ctx.path("merchant_sign_plan_no");
    let mut world = ctx.world();
    let known = world.store(&acting.mchid).service_orders.signed.get(number);
    if known.is_none_or(|known| known.plan.acting != acting) {
        return Err(not_found().into());
    }
    signed::finish(&mut world, &acting.mchid, number, ctx.now, end)?;
    let tables = &world.store(&acting.mchid).service_orders;
    let known = tables.signed.get(number).ok_or_else(not_found)?;
    Ok(ApiResponse::ok(&known.body(tables)))
}

/// Makes a service order of a service that the user signed.
fn create_order(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting(ctx, &fields)?;
    let id = fields.text("sign_plan_id", 32)?;
    let service_id = fields.text("service_id", 32)?;
    let detail_no = fields.integer("plan_detail_no", 1..=super::MAX_DETAILS as u64)?;
    let number = fields.merchant_order_number("out_trade_no", 1)?;
    let index = usize::try_from(detail_no - 1).unwrap_or(usize::MAX);
    let (signed_number, body) = {
        let mut world = ctx.world();
        let tables = &world.store(&acting.mchid).service_orders;
        let is_meant = |signed: &Signed| signed.id == id && signed.plan.service_id == service_id;
        let signed = tables.signed.find(is_meant);
        let signed = signed.filter(|signed| signed.plan.acting == acting);
        let signed = signed.ok_or_else(not_found)?;
        if signed.numbers.get(index).is_none_or(|own| own != number) {
            return Err(ApiResponse::invalid_request(
                "商户侧订单号与签约计划详情的订单号不一致",
            ));
        }
        let named = |name: &str| fields.optional_text(name, 128);
        let (openid, sub_openid) = (named("openid")?, named("sub_openid")?);
        let user = &signed.user;
        if user.openid.as_deref() != openid || user.sub_openid.as_deref() != sub_openid {
            return Err(ApiResponse::invalid_request("用户与签约计划的用户不一致"));
        }
        // A request that is repeated finds its order.
        if index >= signed.begun {
            signed.check_next(tables, index)?;
        }
        (
            signed.number.clone(),
            signed.order_request(index, &ctx.body),
        )
    };
    let order = created(ctx, &Fields::of_body(&body), ServiceOrder::create)?;
    let mut world = ctx.world();
    let signed = &mut world.store(&acting.mchid).service_orders.signed;
    if let Some(signed) = signed.get_mut(&signed_number) {
        signed.begun = signed.begun.max(index + 1);
    }
    Ok(ApiResponse::ok(&order.body()))
}
