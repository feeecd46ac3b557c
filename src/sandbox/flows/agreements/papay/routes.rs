//! The operations of contracts and deductions. A service provider's are those of a direct merchant under
//! another path.

use serde_json::{Value, json};

use super::{
    Contract, contract, deduction, pay_and_sign, pre_notice,
    read::{self, fen},
};
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{acting_on_path, acting_on_path_by_query, check_bound},
    },
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        Route,
        payments::pay::{
            engine::{self, NewOrder, Payer, Product, Version},
            read::new_order,
        },
        v3,
    },
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/papay/sign/contracts/pre-entrust-sign", presign),
    v3(
        "POST v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/app",
        presign,
    ),
    v3(
        "POST v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/h5",
        presign,
    ),
    v3(
        "POST v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/jsapi",
        presign,
    ),
    v3(
        "POST v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/mini-program",
        presign,
    ),
    v3(
        "POST v3/papay/scheduled-deduct-sign/partner/contracts/pre-entrust-sign/app",
        presign,
    ),
    v3(
        "POST v3/papay/scheduled-deduct-sign/partner/contracts/pre-entrust-sign/h5",
        presign,
    ),
    v3(
        "POST v3/papay/scheduled-deduct-sign/partner/contracts/pre-entrust-sign/jsapi",
        presign,
    ),
    v3(
        "POST v3/papay/scheduled-deduct-sign/partner/contracts/pre-entrust-sign/mini-program",
        presign,
    ),
    v3(
        "GET v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}",
        query,
    ),
    v3(
        "GET v3/papay/sign/contracts/harmony-plan-id/{plan_id}/out-contract-code/{out_contract_code}",
        query,
    ),
    v3(
        "GET v3/papay/sign/partner/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}",
        query,
    ),
    v3(
        "POST v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}/terminate",
        terminate,
    ),
    v3(
        "POST v3/papay/sign/partner/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}/terminate",
        terminate,
    ),
    v3("POST v3/papay/contracts/{contract_id}/notify", notify),
    v3(
        "POST v3/partner-papay/contracts/{contract_id}/notify",
        notify,
    ),
    v3(
        "POST v3/papay/contracts/{contract_id}/fail-notify",
        notify_failure,
    ),
    v3(
        "POST v3/partner-papay/contracts/{contract_id}/fail-notify",
        notify_failure,
    ),
    v3(
        "POST v3/papay/pay/schedules/contract-id/{contract_id}/schedule",
        schedule,
    ),
    v3(
        "POST v3/papay/pay/partner/schedules/contract-id/{contract_id}/schedule",
        schedule,
    ),
    v3(
        "GET v3/papay/pay/schedules/contract-id/{contract_id}",
        query_schedule,
    ),
    v3(
        "GET v3/papay/pay/partner/schedules/contract-id/{contract_id}",
        query_schedule,
    ),
    v3("POST v3/papay/pay/transactions/apply", deduct),
    v3("POST v3/papay/pay/harmony/transactions/apply", deduct),
    v3("POST v3/papay/pay/partner/transactions/apply", deduct),
    v3("POST v3/pay/transactions/app-with-contract", prepay),
    v3("POST v3/pay/transactions/jsapi-with-contract", prepay),
    v3("POST v3/pay/partner/transactions/app-with-contract", prepay),
    v3(
        "POST v3/pay/partner/transactions/jsapi-with-contract",
        prepay,
    ),
];

/// The mini program in which users sign.
pub(crate) const MINI_PROGRAM: [&str; 3] = [
    "wxbd687630cd02ce1d",
    "gh_3bb4e87cf5ad@app",
    "pages/index/index",
];

fn presign(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_on_path(ctx, &fields)?;
    let new = read::new_contract(&fields, acting, ctx.merchant, ctx.now)?;
    check_bound(&new.appid, ctx.merchant)?;
    let contract = contract::presign(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&presigned(ctx, &contract)))
}

/// Returns what opens the page on which the user signs, as the scene that the path names gets it.
fn presigned(ctx: &Ctx<'_>, contract: &Contract) -> Value {
    let id = &contract.presign_id;
    let [appid, username, path] = MINI_PROGRAM;
    let path = format!("{path}?pre_entrustweb_id={id}");
    let (_, scene) = ctx.op.template().rsplit_once('/').unwrap_or_default();
    match scene {
        "app" => json!({
            "pre_entrustweb_id": id,
            "miniprogram_username": username,
            "miniprogram_path": path,
        }),
        "mini-program" => json!({
            "pre_entrustweb_id": id, "redirect_appid": appid, "redirect_path": path,
        }),
        "h5" | "jsapi" => json!({ "redirect_url": page(id) }),
        _ if ctx.body.get("sign_scene") == Some(&"SIGN_SCENE_QRCODE".into()) => {
            json!({ "pre_entrustweb_id": id, "redirect_url": page(id) })
        }
        _ => json!({
            "pre_entrustweb_id": id,
            "mini_program_username": username,
            "mini_program_path": path,
        }),
    }
}

/// Returns the URL of the page on which the user signs.
pub(crate) fn page(presign_id: &str) -> String {
    format!("https://payapp.weixin.qq.com/papay/entrust?pre_entrustweb_id={presign_id}")
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_on_path_by_query(ctx)?;
    let (plan_id, code) = (ctx.path("plan_id"), ctx.path("out_contract_code"));
    let world = ctx.world();
    let contract = contract::by_code(&world, &acting, plan_id, code)?;
    Ok(ApiResponse::ok(&contract.body(ctx.now)))
}

fn terminate(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_on_path(ctx, &fields)?;
    let remark = fields.text("contract_termination_remark", 256)?;
    let (plan_id, code) = (ctx.path("plan_id"), ctx.path("out_contract_code"));
    let mut world = ctx.world();
    let key = contract::by_code(&world, &acting, plan_id, code)?
        .asked
        .key();
    let ended = contract::terminate_as_merchant(&mut world, &acting.mchid, &key, remark, ctx.now)?;
    Ok(ApiResponse::ok(&ended.body(ctx.now)))
}

fn notify(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let (acting, appid) = (acting_on_path(ctx, &fields)?, appid(ctx, &fields)?);
    let days = match fields.optional_object("deduct_duration")? {
        None => None,
        Some(duration) => {
            if duration.optional_text("unit", 16)?.unwrap_or("DAY") != "DAY" {
                return Err(duration.error("unit", "must be DAY"));
            }
            Some(duration.integer("count", 1..=3)?)
        }
    };
    let fen = fen(&fields.object("estimated_amount")?, "amount")?;
    let id = ctx.path("contract_id");
    pre_notice::notify(&mut ctx.world(), &acting, appid, id, (fen, days), ctx.now)?;
    Ok(ApiResponse::no_content())
}

fn notify_failure(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let (acting, appid) = (acting_on_path(ctx, &fields)?, appid(ctx, &fields)?);
    pre_notice::notify_failure(&mut ctx.world(), &acting, appid, ctx.path("contract_id"))?;
    Ok(ApiResponse::no_content())
}

fn schedule(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let (acting, appid) = (acting_on_path(ctx, &fields)?, appid(ctx, &fields)?);
    let fen = fen(&fields.object("schedule_amount")?, "total")?;
    let mut world = ctx.world();
    let id = ctx.path("contract_id");
    let contract = pre_notice::schedule(&mut world, &acting, appid, id, fen, ctx.now)?;
    Ok(ApiResponse::ok(
        &contract.schedule_body(ctx.now).unwrap_or_default(),
    ))
}

fn query_schedule(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_on_path_by_query(ctx)?;
    let world = ctx.world();
    let contract = contract::by_id(&world, &acting, ctx.path("contract_id"))?;
    let body = contract.schedule_body(ctx.now);
    let body = body.ok_or_else(super::refusals::without_schedule)?;
    Ok(ApiResponse::ok(&body))
}

/// Accepts a deduction. WeChat Pay makes it afterwards, and notifies.
fn deduct(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_on_path(ctx, &fields)?;
    let owned = |name, max| -> Result<Option<String>, ApiResponse> {
        Ok(fields.optional_text(name, max)?.map(str::to_owned))
    };
    fields.optional_text("goods_tag", 32)?;
    let contract_id = fields.text("contract_id", 32)?;
    let new = NewOrder {
        product: Product::Deduction,
        appid: appid(ctx, &fields)?.to_owned(),
        sub_appid: match acting.sp_mchid {
            None => None,
            Some(_) => owned("sub_appid", 32)?,
        },
        out_trade_no: fields.merchant_order_number("out_trade_no", 6)?.to_owned(),
        description: fields.text("description", 127)?.to_owned(),
        attach: owned("attach", 128)?,
        total: fen(&fields.object("amount")?, "total")?,
        payer: Payer::default(),
        notify_url: Some(fields.url("transaction_notify_url")?.to_owned()),
        expires: None,
        profit_sharing: false,
        version: Version::V3,
        combined: None,
        request: Value::Object(ctx.body.clone()),
        acting,
    };
    let body = json!({
        "out_trade_no": new.out_trade_no,
        "amount": { "total": new.total, "currency": "CNY" },
    });
    deduction::deduct(&mut ctx.world(), new, contract_id, ctx.now)?;
    Ok(ApiResponse::ok(&body))
}

/// Creates an order whose payment signs a contract.
fn prepay(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_on_path(ctx, &fields)?;
    let product = match ctx.op.template().ends_with("/app-with-contract") {
        true => Product::App,
        false => Product::Jsapi,
    };
    let order = new_order(&fields, acting.clone(), product, ctx.now)?;
    check_bound(&order.appid, ctx.merchant)?;
    let contract = read::paid_contract(&fields, acting, ctx.merchant)?;
    let mut world = ctx.world();
    let prepaid = match contract {
        Some(contract) => pay_and_sign::pay_and_sign(&mut world, order, contract, ctx.now)?,
        None => engine::prepay(&mut world, order, ctx.now)?,
    };
    Ok(ApiResponse::ok(&json!({ "prepay_id": prepaid.prepay_id })))
}

/// Reads the app, which must be bound to the merchant.
fn appid<'a>(ctx: &Ctx<'_>, fields: &Fields<'a>) -> Result<&'a str, ApiResponse> {
    let appid = match ctx.is_partner() {
        true => fields.text("sp_appid", 32)?,
        false => fields.text("appid", 32)?,
    };
    check_bound(appid, ctx.merchant)?;
    Ok(appid)
}
