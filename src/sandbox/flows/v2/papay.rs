//! Papay: contracts, and deductions under them.

use super::{
    order::{new_order, number, product, put_codes, queried, url},
    reply::{Reply, asked, merchants_number, version, wrong},
};
use crate::sandbox::{
    checks::merchant::Acting,
    flows::{
        agreements::papay::{self, Contract, MINI_PROGRAM, NewContract},
        payments::pay::engine::{self, Payer, Product},
    },
    state::world::World,
    v2::{V2Ctx, V2Error, V2Result},
};

/// The event whose URL is configured on the merchant platform.
const TERMINATED: &str = "pap-contract-state-changed";

/// Lets an app open the page on which the user signs.
pub(super) fn presign(ctx: &V2Ctx<'_>) -> V2Result {
    let contract = create(ctx)?;
    let id = &contract.presign_id;
    let [_, username, path] = MINI_PROGRAM;
    Ok(Reply::default()
        .put("pre_entrustweb_id", id)
        .put("miniprogram_username", username)
        .put("miniprogram_path", format!("{path}?pre_entrustweb_id={id}"))
        .done())
}

/// Lets a browser open the page on which the user signs.
pub(super) fn presign_h5(ctx: &V2Ctx<'_>) -> V2Result {
    let contract = create(ctx)?;
    let url = papay::page(&contract.presign_id);
    Ok(Reply::default().put("redirect_url", url).done())
}

/// Returns where a contract stands.
pub(super) fn query(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = acting(ctx)?;
    ctx.bound_app("appid")?;
    let world = ctx.world();
    let contract = find(ctx, &world, &acting)?;
    let mut reply = Reply::default();
    for (name, value) in contract.v2_fields() {
        reply.put(name, value);
    }
    Ok(reply.done())
}

/// Terminates a contract.
pub(super) fn terminate(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = acting(ctx)?;
    ctx.bound_app("appid")?;
    let remark = ctx.short_text("contract_termination_remark", 512)?;
    let mut world = ctx.world();
    let key = find(ctx, &world, &acting)?.asked.key();
    let ended = papay::terminate_as_merchant(&mut world, &acting.mchid, &key, remark, ctx.now)?;
    Ok(Reply::default()
        .put("contract_id", &ended.contract_id)
        .put("plan_id", &ended.asked.plan_id)
        .put("contract_code", ended.code())
        .done())
}

/// Creates an order whose payment signs a contract.
pub(super) fn contract_order(ctx: &V2Ctx<'_>) -> V2Result {
    let product = product(ctx)?;
    let order = new_order(ctx, product)?;
    for (name, of_order) in [("contract_mchid", "mch_id"), ("contract_appid", "appid")] {
        if ctx.text(name)? != ctx.text(of_order)? {
            return Err(wrong(name));
        }
    }
    let mut contract = new_contract(ctx, "contract_notify_url")?;
    contract.user = Payer::default();
    contract.signed_by = Some(order.out_trade_no.clone());
    let prepaid = papay::pay_and_sign(&mut ctx.world(), order, contract, ctx.now)?;
    let mut reply = Reply::default();
    put_codes(&mut reply, product, &prepaid);
    reply.put("contract_result_code", "SUCCESS").echo(
        ctx,
        &[
            "plan_id",
            "request_serial",
            "contract_code",
            "contract_display_account",
            "out_trade_no",
        ],
    );
    Ok(reply.done())
}

/// Accepts a deduction. WeChat Pay makes it afterwards, and notifies.
pub(super) fn deduct(ctx: &V2Ctx<'_>) -> V2Result {
    if ctx.text("trade_type")? != Product::Deduction.trade_type() {
        return Err(wrong("trade_type"));
    }
    acting(ctx)?;
    let new = new_order(ctx, Product::Deduction)?;
    let contract_id = ctx.text("contract_id")?;
    papay::deduct(&mut ctx.world(), new, contract_id, ctx.now)?;
    Ok(Reply::default().done())
}

/// Returns where a deduction stands.
pub(super) fn query_order(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = acting(ctx)?;
    ctx.bound_app("appid")?;
    let world = ctx.world();
    let order = engine::find(&world, &acting, number(ctx)?)?;
    if order.asked.product != Product::Deduction {
        return Err(V2Error::Result {
            code: "INVALID_REQUEST",
            // As reports of merchants have it.
            message: "订单不是委托代扣场景".to_owned(),
        });
    }
    Ok(queried(order))
}

fn create(ctx: &V2Ctx<'_>) -> Result<Contract, V2Error> {
    let new = new_contract(ctx, "notify_url")?;
    Ok(papay::presign(&mut ctx.world(), new, ctx.now)?)
}

/// Reads a contract. `url_field` is the one with the URL of its notification.
fn new_contract(ctx: &V2Ctx<'_>, url_field: &str) -> Result<NewContract, V2Error> {
    let acting = acting(ctx)?;
    let owned = |name| ctx.optional(name).map(str::to_owned);
    let plan_id = ctx.short_text("plan_id", 28)?;
    if plan_id.parse::<u64>().is_err() {
        return Err(wrong("plan_id"));
    }
    let sign_url = url(ctx, url_field)?;
    let mut request = asked(ctx);
    if let Some(request) = request.as_object_mut() {
        // New in every request, or the user's.
        for name in ["timestamp", "clientip"] {
            request.remove(name);
        }
    }
    Ok(NewContract {
        appid: ctx.bound_app("appid")?.to_owned(),
        sub_appid: owned("sub_appid").filter(|_| acting.sp_mchid.is_some()),
        plan_id: plan_id.to_owned(),
        code: merchants_number(ctx, "contract_code", 128)?.to_owned(),
        display_account: ctx.short_text("contract_display_account", 128)?.to_owned(),
        user: Payer {
            openid: owned("openid"),
            sub_openid: None,
        },
        user_code: owned("outerid"),
        serial: Some(ctx.text("request_serial")?.to_owned()),
        sign_url: Some(sign_url.to_owned()),
        terminate_url: Some(papay::terminate_url(ctx.merchant, TERMINATED, sign_url)),
        schedule: None,
        signed_by: None,
        version: version(ctx),
        request,
        acting,
    })
}

/// Returns whom the request is for. A service provider's operations are about a sub-merchant, although not all
/// of their tables require it.
fn acting(ctx: &V2Ctx<'_>) -> Result<Acting, V2Error> {
    if ctx.op.template().contains("/partner/") && ctx.optional("sub_mch_id").is_none() {
        return Err(wrong("sub_mch_id"));
    }
    ctx.acting()
}

/// Finds a contract by WeChat Pay's ID, or by its plan and the merchant's code.
fn find<'a>(ctx: &V2Ctx<'_>, world: &'a World, acting: &Acting) -> Result<&'a Contract, V2Error> {
    Ok(match ctx.optional("contract_id") {
        Some(id) => papay::by_id(world, acting, id)?,
        // One of the two ways is required.
        None if ctx.optional("plan_id").is_none() => return Err(wrong("contract_id")),
        None => papay::by_code(
            world,
            acting,
            ctx.text("plan_id")?,
            ctx.text("contract_code")?,
        )?,
    })
}
