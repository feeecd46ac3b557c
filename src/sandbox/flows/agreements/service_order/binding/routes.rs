//! The operations of bindings.

use super::{Binding, State, apply};
use crate::sandbox::{
    checks::merchant::{acting_for, check_appid},
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, agreements::service_order::user::not_found, v3},
};

pub(crate) const ROUTES: &[Route] = &[
    v3(
        "POST v3/payscore/partner/service-account-applications",
        create,
    ),
    v3(
        "GET v3/payscore/partner/service-account-applications/{out_apply_no}",
        query,
    ),
];

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let new = Binding {
        acting: acting_for(ctx, &fields)?,
        service_id: fields.text("service_id", 32)?.to_owned(),
        appid: fields.text("appid", 32)?.to_owned(),
        sub_appid: owned(fields.optional_text("sub_appid", 32)?),
        out_apply_no: fields.merchant_order_number("out_apply_no", 1)?.to_owned(),
        notify_url: match fields.has("result_notify_url") {
            true => Some(fields.url("result_notify_url")?.to_owned()),
            false => None,
        },
        request: fields.as_map().clone(),
        state: State::Processing,
    };
    check_appid(&fields, ctx.merchant)?;
    let binding = apply(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&binding.body()))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let mut world = ctx.world();
    let bindings = &world.store(&ctx.merchant.mchid).service_orders.bindings;
    let binding = bindings
        .get(ctx.path("out_apply_no"))
        .ok_or_else(not_found)?;
    Ok(ApiResponse::ok(&binding.body()))
}
