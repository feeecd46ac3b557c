//! The operations of profit sharing.

use http::StatusCode;
use serde_json::json;

use super::{
    MAX_RATIO, NewShare, NewSharing, Program, Receiver, ReceiverKind, Return,
    give_back::{self, NewReturn},
    receiver, rules,
    view::add_sub_mchid,
};
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{acting_for, acting_for_query, check_appid, check_bound},
    },
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, v3},
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/profitsharing/receivers/add", add_receiver),
    v3("POST v3/profitsharing/receivers/delete", delete_receiver),
    v3("POST v3/profitsharing/orders", share),
    v3("GET v3/profitsharing/orders/{out_order_no}", query),
    v3("POST v3/profitsharing/orders/unfreeze", unfreeze),
    v3("POST v3/profitsharing/return-orders", take_back),
    v3(
        "GET v3/profitsharing/return-orders/{out_return_no}",
        query_return,
    ),
    v3(
        "GET v3/profitsharing/transactions/{transaction_id}/amounts",
        unsplit_amount,
    ),
    v3(
        "GET v3/profitsharing/merchant-configs/{sub_mchid}",
        merchant_config,
    ),
];

/// The relations that the documents list.
const RELATIONS: &[&str] = &[
    "SERVICE_PROVIDER",
    "STORE",
    "STAFF",
    "STORE_OWNER",
    "PARTNER",
    "HEADQUARTER",
    "BRAND",
    "DISTRIBUTOR",
    "USER",
    "SUPPLIER",
    "CUSTOM",
];
/// How many receivers an order can have.
pub(super) const MAX_SHARES: usize = 50;
/// The largest amount, in fen.
pub(super) const MAX_AMOUNT: u64 = 10_000_000_000;

fn add_receiver(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_for(ctx, &fields)?;
    check_appid(&fields, ctx.merchant)?;
    let kind = kind(&fields)?;
    let name = ctx.unseal(&fields, "name")?;
    if kind == ReceiverKind::MerchantId && name.is_none() {
        return Err(fields.error("name", "is required for a merchant"));
    }
    let relation_type = fields.text("relation_type", 32)?;
    if !RELATIONS.contains(&relation_type) {
        return Err(fields.error("relation_type", "is not one of the documented relations"));
    }
    let custom_relation = match relation_type {
        "CUSTOM" => Some(fields.text("custom_relation", 10)?.to_owned()),
        _ => fields
            .optional_text("custom_relation", 10)?
            .map(str::to_owned),
    };
    let receiver = Receiver {
        kind,
        account: fields.text("account", 64)?.to_owned(),
        name,
        relation_type: relation_type.to_owned(),
        custom_relation,
    };
    let sealed = receiver
        .name
        .as_deref()
        .map(|name| ctx.seal(name))
        .transpose()?;
    let body = receiver.body(&acting, sealed);
    let program = Program::Ordinary;
    receiver::add_receiver(&mut ctx.world(), &acting.mchid, &program, receiver)?;
    Ok(ApiResponse::ok(&body))
}

fn delete_receiver(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_for(ctx, &fields)?;
    check_appid(&fields, ctx.merchant)?;
    let (kind, account) = (kind(&fields)?, fields.text("account", 64)?);
    let program = Program::Ordinary;
    receiver::delete_receiver(&mut ctx.world(), &acting.mchid, &program, kind, account);
    let mut body = json!({ "type": kind.name(), "account": account });
    add_sub_mchid(&mut body, &acting);
    Ok(ApiResponse::ok(&body))
}

fn share(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_for(ctx, &fields)?;
    let appid = fields.optional_text("appid", 32)?;
    if let Some(appid) = appid {
        check_bound(appid, ctx.merchant)?;
    }
    let shares = fields.objects("receivers", MAX_SHARES)?;
    let shares = shares.iter().map(|share| read_share(ctx, share));
    let shares = shares.collect::<Result<Vec<_>, _>>()?;
    let is_openid = |share: &NewShare| share.kind == ReceiverKind::PersonalOpenid;
    if appid.is_none() && shares.iter().any(is_openid) {
        return Err(ApiResponse::missing("/appid"));
    }
    let unfreeze_unsplit = fields.optional_bool("unfreeze_unsplit")?.unwrap_or(false);
    if shares.is_empty() && !unfreeze_unsplit {
        return Err(ApiResponse::missing("/receivers"));
    }
    let new = NewSharing {
        acting,
        transaction_id: fields.text("transaction_id", 32)?.to_owned(),
        out_order_no: number(&fields, "out_order_no")?.to_owned(),
        shares,
        unfreeze_unsplit,
        description: None,
        program: Program::Ordinary,
    };
    let order = rules::share(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&order.body()))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_for_query(ctx)?;
    let (number, transaction_id) = (ctx.path("out_order_no"), ctx.query("transaction_id")?);
    let world = ctx.world();
    let order = rules::find(&world, &acting, number, transaction_id)?;
    Ok(ApiResponse::ok(&order.body()))
}

fn unfreeze(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_for(ctx, &fields)?;
    fields.text("description", 80)?;
    let new = NewSharing {
        acting,
        transaction_id: fields.text("transaction_id", 32)?.to_owned(),
        out_order_no: number(&fields, "out_order_no")?.to_owned(),
        shares: Vec::new(),
        unfreeze_unsplit: true,
        description: None,
        program: Program::Ordinary,
    };
    let order = rules::unfreeze(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&order.body()))
}

fn take_back(ctx: &Ctx<'_>) -> HandlerResult {
    Ok(ApiResponse::ok(&make_return(ctx)?.body()))
}

/// Asks a receiver for money back, and returns what was asked for.
pub(super) fn make_return(ctx: &Ctx<'_>) -> Result<Return, ApiResponse> {
    let fields = ctx.fields();
    let acting = acting_for(ctx, &fields)?;
    let out_return_no = number(&fields, "out_return_no")?.to_owned();
    let return_mchid = fields.text("return_mchid", 32)?.to_owned();
    let amount = fields.integer("amount", 1..=MAX_AMOUNT)?;
    let description = fields.text("description", 80)?.to_owned();
    // One of the two suffices. An empty one counts as absent, as in the documented sample.
    let order_id = fields.optional_text("order_id", 64)?.unwrap_or("");
    let out_order_no = fields.optional_text("out_order_no", 64)?.unwrap_or("");
    let mut world = ctx.world();
    let orders = &world.store(&acting.mchid).sharing.orders;
    let order = match (order_id, out_order_no) {
        ("", "") => return Err(ApiResponse::missing("/out_order_no")),
        ("", number) => orders.get(number),
        (id, number) => orders
            .find(|order| order.order_id == id)
            .filter(|order| number.is_empty() || order.new.out_order_no == number),
    };
    let out_order_no = order.ok_or_else(rules::not_found)?.new.out_order_no.clone();
    let new = NewReturn {
        acting,
        out_order_no,
        out_return_no,
        return_mchid,
        amount,
        description,
    };
    Ok(give_back::give_back(&mut world, new, ctx.now)?)
}

fn query_return(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_for_query(ctx)?;
    let (number, out_order_no) = (ctx.path("out_return_no"), ctx.query("out_order_no")?);
    let mut world = ctx.world();
    let known = world.store(&acting.mchid).sharing.returns.get(number);
    let known = known
        .filter(|known| known.new.acting == acting && known.new.out_order_no == out_order_no)
        .ok_or_else(rules::not_found)?;
    Ok(ApiResponse::ok(&known.body()))
}

pub(super) fn unsplit_amount(ctx: &Ctx<'_>) -> HandlerResult {
    let id = ctx.path("transaction_id");
    let amount = rules::unsplit_amount(&ctx.world(), &ctx.merchant.mchid, id)?;
    Ok(ApiResponse::ok(&json!({
        "transaction_id": id, "unsplit_amount": amount,
    })))
}

fn merchant_config(ctx: &Ctx<'_>) -> HandlerResult {
    let sub_mchid = ctx.path("sub_mchid");
    if !ctx.world().may_act_for(&ctx.merchant.mchid, sub_mchid) {
        return Err(ApiResponse::error(
            StatusCode::FORBIDDEN,
            "NO_AUTH",
            "特约子商户商户号未授权服务商的产品权限",
        ));
    }
    Ok(ApiResponse::ok(&json!({
        "sub_mchid": sub_mchid, "max_ratio": MAX_RATIO,
    })))
}

fn read_share(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<NewShare, ApiResponse> {
    Ok(NewShare {
        kind: kind(fields)?,
        account: fields.text("account", 64)?.to_owned(),
        name: ctx.unseal(fields, "name")?,
        amount: fields.integer("amount", 1..=MAX_AMOUNT)?,
        description: fields.text("description", 80)?.to_owned(),
    })
}

pub(super) fn kind(fields: &Fields<'_>) -> Result<ReceiverKind, ApiResponse> {
    ReceiverKind::parse(fields.text("type", 32)?).ok_or_else(|| {
        let issue = "must be MERCHANT_ID, PERSONAL_OPENID or PERSONAL_SUB_OPENID";
        fields.error("type", issue)
    })
}

/// Returns a number that the merchant chose: up to 64 letters, digits or `_-|*@`.
pub(super) fn number<'a>(fields: &Fields<'a>, name: &str) -> Result<&'a str, ApiResponse> {
    let text = fields.text(name, 64)?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|*@".contains(&byte);
    if text.bytes().all(is_allowed) {
        Ok(text)
    } else {
        Err(fields.error(name, "must be letters, digits or _-|*@"))
    }
}
