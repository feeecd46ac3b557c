//! The operations of applications and of settlement accounts.

use super::{Application, Kind, read, rules, settlement};
use crate::catalog::Kind as FieldKind;
use crate::sandbox::{
    checks::documented::unsigned,
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, v3},
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/applyment4sub/applyment/{empty}", submit_special),
    v3(
        "GET v3/applyment4sub/applyment/business_code/{business_code}",
        special_by_number,
    ),
    v3(
        "GET v3/applyment4sub/applyment/applyment_id/{applyment_id}",
        special_by_id,
    ),
    v3("POST v3/ecommerce/applyments/{empty}", submit_ecommerce),
    v3(
        "GET v3/ecommerce/applyments/out-request-no/{out_request_no}",
        ecommerce_by_number,
    ),
    v3(
        "GET v3/ecommerce/applyments/{applyment_id}",
        ecommerce_by_id,
    ),
    v3(
        "POST v3/ecommerce/applyments/out-request-no/{out_request_no}/revoke",
        revoke_by_number,
    ),
    v3(
        "POST v3/ecommerce/applyments/{applyment_id}/revoke",
        revoke_by_id,
    ),
    v3(
        "GET v3/apply4sub/sub_merchants/{sub_mchid}/settlement",
        settlement::query,
    ),
    v3(
        "POST v3/apply4sub/sub_merchants/{sub_mchid}/modify-settlement",
        settlement::modify,
    ),
    v3(
        "GET v3/apply4sub/sub_merchants/{sub_mchid}/application/{application_no}",
        settlement::query_change,
    ),
];

fn submit_special(ctx: &Ctx<'_>) -> HandlerResult {
    submit(ctx, Kind::Special)
}

fn submit_ecommerce(ctx: &Ctx<'_>) -> HandlerResult {
    submit(ctx, Kind::Ecommerce)
}

fn submit(ctx: &Ctx<'_>, kind: Kind) -> HandlerResult {
    let new = read::application(ctx, kind)?;
    let number = new.number.clone();
    let id = rules::submit(&mut ctx.world(), &ctx.merchant.mchid, new)?;
    let body = Application::submitted_body(kind, id, &number);
    Ok(ApiResponse::ok(&body))
}

fn special_by_number(ctx: &Ctx<'_>) -> HandlerResult {
    let application = by_number(ctx, Kind::Special, "business_code")?;
    Ok(ApiResponse::ok(&application.body()))
}

fn special_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    Ok(ApiResponse::ok(&by_id(ctx, Kind::Special)?.body()))
}

fn ecommerce_by_number(ctx: &Ctx<'_>) -> HandlerResult {
    let application = by_number(ctx, Kind::Ecommerce, "out_request_no")?;
    Ok(ApiResponse::ok(&application.body()))
}

fn ecommerce_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    Ok(ApiResponse::ok(&by_id(ctx, Kind::Ecommerce)?.body()))
}

fn revoke_by_number(ctx: &Ctx<'_>) -> HandlerResult {
    let application = by_number(ctx, Kind::Ecommerce, "out_request_no")?;
    revoke(ctx, &application)
}

fn revoke_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    let application = by_id(ctx, Kind::Ecommerce)?;
    revoke(ctx, &application)
}

fn revoke(ctx: &Ctx<'_>, application: &Application) -> HandlerResult {
    let number = &application.new.number;
    rules::cancel(&mut ctx.world(), &ctx.merchant.mchid, number)?;
    let body = Application::submitted_body(Kind::Ecommerce, application.id, number);
    Ok(ApiResponse::ok(&body))
}

fn by_number(ctx: &Ctx<'_>, kind: Kind, name: &str) -> Result<Application, ApiResponse> {
    let number = ctx.path(name);
    let matches = |known: &Application| known.new.number == number;
    Ok(rules::find(
        &ctx.world(),
        &ctx.merchant.mchid,
        kind,
        matches,
    )?)
}

fn by_id(ctx: &Ctx<'_>, kind: Kind) -> Result<Application, ApiResponse> {
    let text = ctx.path("applyment_id");
    let Some(id) = unsigned(text) else {
        return Err(ApiResponse::wrong_text(
            "uri_template",
            "/applyment_id",
            FieldKind::Integer,
            text,
        ));
    };
    let matches = |known: &Application| known.id == id;
    Ok(rules::find(
        &ctx.world(),
        &ctx.merchant.mchid,
        kind,
        matches,
    )?)
}
