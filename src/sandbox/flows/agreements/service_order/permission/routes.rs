//! The operations of permissions, of merchants and of service providers for theirs.

use serde_json::json;

use super::rules::{self, By, NewPermission};
use super::{Permission, User};
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{Acting, check_appid},
    },
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        Route,
        agreements::service_order::routes::{acting, acting_by_query},
        v3,
    },
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/payscore/permissions", authorize),
    v3(
        "GET v3/payscore/permissions/authorization-code/{authorization_code}",
        query,
    ),
    v3("GET v3/payscore/permissions/openid/{openid}", query_by_user),
    v3(
        "POST v3/payscore/permissions/authorization-code/{authorization_code}/terminate",
        terminate,
    ),
    v3(
        "POST v3/payscore/permissions/openid/{openid}/terminate",
        terminate_by_user,
    ),
    // Its table has the variables of the path in the query.
    v3(
        "POST v3/payscore/users/{openid}/permissions/{service_id}/terminate",
        terminate_by_path,
    )
    .own_rules(),
    v3("GET v3/payscore/user-service-state", service_state),
    v3(
        "POST v3/payscore/permissions/assess-user-risk-level",
        assess,
    ),
    v3("POST v3/payscore/partner/permissions", authorize),
    v3(
        "POST v3/payscore/partner/permissions/apply-for-scene",
        authorize_for_scene,
    ),
    v3(
        "GET v3/payscore/partner/permissions/authorization-code/{authorization_code}",
        query,
    ),
    v3("GET v3/payscore/partner/permissions/search", query_by_user),
    v3(
        "POST v3/payscore/partner/permissions/authorization-code/{authorization_code}/terminate",
        terminate,
    ),
    v3(
        "POST v3/payscore/partner/permissions/terminate",
        terminate_by_user,
    ),
    v3(
        "POST v3/payscore/partner/permissions/assess-user-risk-level",
        assess,
    ),
];

fn authorize(ctx: &Ctx<'_>) -> HandlerResult {
    let token = authorized(ctx)?;
    Ok(ApiResponse::ok(
        &json!({ "apply_permissions_token": token }),
    ))
}

fn authorize_for_scene(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let scene = fields.text("scene", 32)?;
    if scene == "TRANSACTION" {
        let info = fields.object("transaction_scene_info")?;
        info.text("mchid", 32)?;
        info.text("sub_mchid", 32)?;
    }
    let token = authorized(ctx)?;
    Ok(ApiResponse::ok(
        &json!({ "scene": scene, "transaction_permissions_token": token }),
    ))
}

fn authorized(ctx: &Ctx<'_>) -> Result<String, ApiResponse> {
    let fields = ctx.fields();
    let new = NewPermission {
        acting: acting(ctx, &fields)?,
        service_id: fields.text("service_id", 32)?.to_owned(),
        appid: fields.text("appid", 32)?.to_owned(),
        sub_appid: named(&fields, "sub_appid", 32)?,
        code: fields
            .merchant_order_number("authorization_code", 1)?
            .to_owned(),
        notify_url: match fields.has("notify_url") {
            true => Some(fields.notify_url()?.to_owned()),
            false => None,
        },
        request: fields.as_map().clone(),
    };
    check_appid(&fields, ctx.merchant)?;
    Ok(rules::authorize(&mut ctx.world(), new, ctx.now)?)
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let by = By::Code(ctx.path("authorization_code"));
    let acting = acting_by_query(ctx)?;
    show(ctx, &acting, ctx.query("service_id")?, by, Permission::body)
}

fn query_by_user(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_by_query(ctx)?;
    let user = match ctx.path("openid") {
        "" => User {
            openid: ctx.optional_query("openid").map(str::to_owned),
            sub_openid: ctx.optional_query("sub_openid").map(str::to_owned),
        },
        openid => of_openid(openid),
    };
    let by = By::User {
        user: &user,
        appid: ctx.query("appid")?,
    };
    show(ctx, &acting, ctx.query("service_id")?, by, Permission::body)
}

/// Answers whether a user has opened the service.
fn service_state(ctx: &Ctx<'_>) -> HandlerResult {
    let (service_id, appid) = (ctx.query("service_id")?, ctx.query("appid")?);
    let openid = ctx.query("openid")?;
    let acting = acting_by_query(ctx)?;
    let user = of_openid(openid);
    let by = By::User { user: &user, appid };
    let world = ctx.world();
    let known = rules::find(&world, &acting, service_id, by);
    // No record and a closed one are the same here: there are two states.
    let is_open = known.is_ok_and(|known| known.state_text() == "AVAILABLE");
    Ok(ApiResponse::ok(&json!({
        "appid": appid,
        "service_id": service_id,
        "openid": openid,
        "use_service_state": if is_open { "AVAILABLE" } else { "UNAVAILABLE" },
    })))
}

/// Answers with the permission and the user's risk level.
fn assess(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_by_query(ctx)?;
    let user = user_of(&fields)?;
    let code = fields.optional_text("authorization_code", 32)?;
    let by = match code.unwrap_or_default() {
        "" => By::User {
            user: &user,
            appid: fields.text("appid", 32)?,
        },
        code => By::Code(code),
    };
    let service_id = fields.text("service_id", 32)?;
    show(ctx, &acting, service_id, by, Permission::assessed_body)
}

fn terminate(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let by = By::Code(ctx.path("authorization_code"));
    end(ctx, &fields, fields.text("service_id", 32)?, by)
}

fn terminate_by_user(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let user = match ctx.path("openid") {
        "" => user_of(&fields)?,
        openid => of_openid(openid),
    };
    let by = By::User {
        user: &user,
        appid: fields.text("appid", 32)?,
    };
    end(ctx, &fields, fields.text("service_id", 32)?, by)
}

fn terminate_by_path(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    fields.text("reason", 50)?;
    let user = of_openid(ctx.path("openid"));
    let by = By::User {
        user: &user,
        appid: fields.text("appid", 32)?,
    };
    end(ctx, &fields, ctx.path("service_id"), by)
}

fn end(ctx: &Ctx<'_>, fields: &Fields<'_>, service_id: &str, by: By<'_>) -> HandlerResult {
    fields.text("reason", 50)?;
    let acting = acting(ctx, fields)?;
    let request = fields.as_map();
    rules::terminate(&mut ctx.world(), &acting, service_id, by, request, ctx.now)?;
    Ok(ApiResponse::no_content())
}

fn show(
    ctx: &Ctx<'_>,
    acting: &Acting,
    service_id: &str,
    by: By<'_>,
    body: impl FnOnce(&Permission) -> serde_json::Value,
) -> HandlerResult {
    let world = ctx.world();
    let permission = rules::find(&world, acting, service_id, by)?;
    Ok(ApiResponse::ok(&body(permission)))
}

fn of_openid(openid: &str) -> User {
    User {
        openid: Some(openid.to_owned()),
        sub_openid: None,
    }
}

/// Returns the user that a body names. An empty ID counts as absent.
fn user_of(fields: &Fields<'_>) -> Result<User, ApiResponse> {
    Ok(User {
        openid: named(fields, "openid", 128)?,
        sub_openid: named(fields, "sub_openid", 128)?,
    })
}

fn named(fields: &Fields<'_>, name: &str, max: usize) -> Result<Option<String>, ApiResponse> {
    let text = fields.optional_text(name, max)?;
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}
