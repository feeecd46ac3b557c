//! Profit sharing of e-commerce platforms, and of brands with chain stores.
//!
//! The orders, the money and the returns are those of ordinary profit sharing; the names of the fields
//! differ. The receivers belong to the platform or to the brand, not to the sub-merchant that shares.

use serde_json::{Value, json};

use super::{
    MAX_RATIO, NewShare, NewSharing, Program, Receiver, Return, SharingOrder,
    give_back::ReturnResult,
    receiver,
    routes::{MAX_AMOUNT, MAX_SHARES, kind, make_return, number, unsplit_amount},
    rules,
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
    time::format_rfc3339,
};

pub(crate) const ROUTES: &[Route] = &[
    v3(
        "POST v3/ecommerce/profitsharing/receivers/add",
        add_receiver,
    ),
    v3(
        "POST v3/ecommerce/profitsharing/receivers/delete",
        delete_receiver,
    ),
    v3("POST v3/ecommerce/profitsharing/orders", share),
    v3("GET v3/ecommerce/profitsharing/orders", query),
    v3("POST v3/ecommerce/profitsharing/finish-order", finish),
    v3("POST v3/ecommerce/profitsharing/returnorders", take_back),
    v3("GET v3/ecommerce/profitsharing/returnorders", query_return),
    v3(
        "GET v3/ecommerce/profitsharing/orders/{transaction_id}/amounts",
        unsplit_amount,
    ),
    v3("POST v3/brand/profitsharing/receivers/add", add_receiver),
    v3(
        "POST v3/brand/profitsharing/receivers/delete",
        delete_receiver,
    ),
    v3("POST v3/brand/profitsharing/orders", share),
    v3("GET v3/brand/profitsharing/orders", query),
    v3("POST v3/brand/profitsharing/finish-order", finish),
    v3("POST v3/brand/profitsharing/returnorders", take_back),
    v3("GET v3/brand/profitsharing/returnorders", query_return),
    v3(
        "GET v3/brand/profitsharing/orders/{transaction_id}/amounts",
        unsplit_amount,
    ),
    v3(
        "GET v3/brand/profitsharing/brand-configs/{brand_mchid}",
        brand_config,
    ),
];

fn add_receiver(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    check_appid(&fields, ctx.merchant)?;
    let program = program(ctx, &fields)?;
    let name = match ctx.unseal(&fields, "encrypted_name")? {
        Some(name) => Some(name),
        None => fields.optional_text("name", 1024)?.map(str::to_owned),
    };
    let receiver = Receiver {
        kind: kind(&fields)?,
        account: fields.text("account", 64)?.to_owned(),
        name,
        relation_type: fields.text("relation_type", 32)?.to_owned(),
        custom_relation: None,
    };
    let body = receiver_body(&program, &receiver);
    let signer = &ctx.merchant.mchid;
    receiver::add_receiver(&mut ctx.world(), signer, &program, receiver)?;
    Ok(ApiResponse::ok(&body))
}

fn delete_receiver(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    check_appid(&fields, ctx.merchant)?;
    let program = program(ctx, &fields)?;
    let receiver = Receiver {
        kind: kind(&fields)?,
        account: fields.text("account", 64)?.to_owned(),
        name: None,
        relation_type: String::new(),
        custom_relation: None,
    };
    let body = receiver_body(&program, &receiver);
    let (kind, account) = (receiver.kind, &receiver.account);
    let signer = &ctx.merchant.mchid;
    receiver::delete_receiver(&mut ctx.world(), signer, &program, kind, account);
    Ok(ApiResponse::ok(&body))
}

fn share(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_for(ctx, &fields)?;
    if let Some(appid) = fields.optional_text("appid", 32)? {
        check_bound(appid, ctx.merchant)?;
    }
    let program = program(ctx, &fields)?;
    let shares = fields.objects("receivers", MAX_SHARES)?;
    let shares = shares.iter().map(|share| read_share(ctx, &program, share));
    let new = NewSharing {
        acting,
        transaction_id: fields.text("transaction_id", 32)?.to_owned(),
        out_order_no: number(&fields, "out_order_no")?.to_owned(),
        shares: shares.collect::<Result<_, _>>()?,
        unfreeze_unsplit: fields.optional_bool("finish")?.unwrap_or(false),
        description: None,
        program,
    };
    if new.shares.is_empty() && !new.unfreeze_unsplit {
        return Err(ApiResponse::missing("/receivers"));
    }
    let order = rules::share(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&order_body(&order)))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_for_query(ctx)?;
    let (number, transaction_id) = (ctx.query("out_order_no")?, ctx.query("transaction_id")?);
    let world = ctx.world();
    let order = rules::find(&world, &acting, number, transaction_id)?;
    Ok(ApiResponse::ok(&order_body(order)))
}

fn finish(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let new = NewSharing {
        acting: acting_for(ctx, &fields)?,
        transaction_id: fields.text("transaction_id", 32)?.to_owned(),
        out_order_no: number(&fields, "out_order_no")?.to_owned(),
        shares: Vec::new(),
        unfreeze_unsplit: true,
        description: Some(fields.text("description", 80)?.to_owned()),
        // Not named here, and without receivers it makes no difference.
        program: Program::Ordinary,
    };
    let order = rules::unfreeze(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&json!({
        "sub_mchid": order.new.acting.mchid,
        "transaction_id": order.new.transaction_id,
        "out_order_no": order.new.out_order_no,
        "order_id": order.order_id,
    })))
}

fn take_back(ctx: &Ctx<'_>) -> HandlerResult {
    Ok(ApiResponse::ok(&return_body(ctx, &make_return(ctx)?)))
}

fn query_return(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_for_query(ctx)?;
    let number = ctx.query("out_return_no")?;
    let (id, out_order_no) = (
        ctx.optional_query("order_id"),
        ctx.optional_query("out_order_no"),
    );
    if id.is_none() && out_order_no.is_none() {
        return Err(ApiResponse::missing_from("query", "/out_order_no"));
    }
    let mut world = ctx.world();
    let known = world.store(&acting.mchid).sharing.returns.get(number);
    let known = known
        .filter(|known| known.new.acting == acting)
        .filter(|known| id.is_none_or(|id| known.order_id == id))
        .filter(|known| out_order_no.is_none_or(|number| known.new.out_order_no == number))
        .ok_or_else(rules::not_found)?;
    Ok(ApiResponse::ok(&return_body(ctx, known)))
}

fn brand_config(ctx: &Ctx<'_>) -> HandlerResult {
    Ok(ApiResponse::ok(&json!({
        "brand_mchid": ctx.path("brand_mchid"), "max_ratio": MAX_RATIO,
    })))
}

/// Returns whose receivers a request is about.
fn program(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<Program, ApiResponse> {
    if !is_brand(ctx) {
        return Ok(Program::Platform);
    }
    let brand_mchid = fields.text("brand_mchid", 32)?.to_owned();
    Ok(Program::Brand { brand_mchid })
}

fn is_brand(ctx: &Ctx<'_>) -> bool {
    ctx.op.template().starts_with("v3/brand/")
}

fn read_share(
    ctx: &Ctx<'_>,
    program: &Program,
    fields: &Fields<'_>,
) -> Result<NewShare, ApiResponse> {
    let [account, name] = program.receiver_names();
    Ok(NewShare {
        kind: kind(fields)?,
        account: fields.text(account, 64)?.to_owned(),
        name: ctx.unseal(fields, name)?,
        amount: fields.integer("amount", 1..=MAX_AMOUNT)?,
        description: fields.text("description", 80)?.to_owned(),
    })
}

fn receiver_body(program: &Program, receiver: &Receiver) -> Value {
    let mut body = json!({ "type": receiver.kind.name(), "account": receiver.account });
    add_brand(&mut body, program);
    body
}

fn order_body(order: &SharingOrder) -> Value {
    let program = &order.new.program;
    let [account, _] = program.receiver_names();
    // It is documented as always there.
    let finished_at = format_rfc3339(order.finished_at.unwrap_or(order.created_at));
    let receivers = order.shares.iter().map(|share| {
        let (result, reason) = share.result.names();
        let mut receiver = json!({
            "type": share.new.kind.name(),
            account: share.new.account,
            "amount": share.new.amount,
            "description": share.new.description,
            "result": result,
            "detail_id": share.detail_id,
            "finish_time": finished_at,
        });
        if let Some(reason) = reason {
            receiver["fail_reason"] = reason.into();
        }
        receiver
    });
    let mut body = json!({
        "sub_mchid": order.new.acting.mchid,
        "transaction_id": order.new.transaction_id,
        "out_order_no": order.new.out_order_no,
        "order_id": order.order_id,
        "status": order.state(),
        "receivers": receivers.collect::<Vec<_>>(),
    });
    add_brand(&mut body, program);
    if let Some(description) = &order.new.description {
        let rest = order.shares.iter().filter(|share| share.is_rest);
        body["finish_amount"] = rest.map(|share| share.new.amount).sum::<u64>().into();
        body["finish_description"] = description.as_str().into();
    }
    body
}

fn return_body(ctx: &Ctx<'_>, made: &Return) -> Value {
    let result = match made.result {
        ReturnResult::Failed(_) if is_brand(ctx) => "FAIL",
        result => result.name(),
    };
    let finished_at = made.finished_at.unwrap_or(made.created_at);
    let mut body = json!({
        "sub_mchid": made.new.acting.mchid,
        "order_id": made.order_id,
        "out_order_no": made.new.out_order_no,
        "out_return_no": made.new.out_return_no,
        "return_mchid": made.new.return_mchid,
        "amount": made.new.amount,
        "return_no": made.return_id,
        "result": result,
        "finish_time": format_rfc3339(finished_at),
    });
    if let ReturnResult::Failed(reason) = made.result {
        body["fail_reason"] = reason.into();
    }
    body
}

fn add_brand(body: &mut Value, program: &Program) {
    if let Program::Brand { brand_mchid } = program {
        body["brand_mchid"] = brand_mchid.as_str().into();
    }
}
