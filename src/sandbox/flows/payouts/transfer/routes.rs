//! The operations of transfers, of merchants and of service providers for theirs.

use super::{
    Bill,
    rules::{self, NewBill},
};
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{Acting, acting_on_path, acting_on_path_by_query, check_appid},
    },
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        Route,
        payouts::{authorization, payout::not_found},
        v3,
    },
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/fund-app/mch-transfer/transfer-bills", create),
    v3(
        "GET v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}",
        query,
    ),
    v3(
        "GET v3/fund-app/mch-transfer/transfer-bills/transfer-bill-no/{transfer_bill_no}",
        query_by_id,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}/cancel",
        cancel,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/partner/transfer-bills",
        create,
    ),
    v3(
        "GET v3/fund-app/mch-transfer/partner/transfer-bills/out-bill-no/{out_bill_no}",
        query,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/partner/transfer-bills/out-bill-no/{out_bill_no}/cancel",
        cancel,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/transfer-bills/transfer",
        create_authorized,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/partner/transfer-bills/transfer",
        create_authorized,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/transfer-bills/pre-transfer-with-authorization",
        create_with_authorization,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/partner/transfer-bills/pre-transfer-with-authorization",
        create_with_authorization,
    ),
];

/// The largest amount of a transfer, in fen.
const MAX_AMOUNT: u64 = 10_000_000_000;

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let new = read(ctx)?;
    let bill = rules::create(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&bill.creation_body()))
}

/// Pays a user who has agreed to it once for all.
fn create_authorized(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let authorization = authorization::named(ctx, &fields)?;
    let new = NewBill {
        authorization: Some(authorization.new.out_authorization_no),
        ..read_for(ctx, authorization.new.openid)?
    };
    let scene = fields.text("transfer_scene_id", 36)?;
    let acting = new.acting.clone();
    let bill = rules::create_authorized(&mut ctx.world(), new, scene, ctx.now)?;
    show(ctx, &acting, Some(bill))
}

/// Creates a transfer whose user is also asked for an authorization.
fn create_with_authorization(ctx: &Ctx<'_>) -> HandlerResult {
    let new = read(ctx)?;
    let Some(asked) = authorization::asked_for(ctx, &ctx.fields())? else {
        return create(ctx);
    };
    let new = NewBill {
        authorization: Some(asked.out_authorization_no.clone()),
        ..new
    };
    let (name, number) = (
        asked.display_name.clone(),
        asked.out_authorization_no.clone(),
    );
    let bill = rules::create_with_authorization(&mut ctx.world(), new, asked, ctx.now)?;
    let mut body = bill.creation_body();
    body["user_display_name"] = name.into();
    body["out_authorization_no"] = number.into();
    Ok(ApiResponse::ok(&body))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_on_path_by_query(ctx)?;
    let number = ctx.path("out_bill_no");
    let world = ctx.world();
    let store = world.stores.get(&acting.mchid);
    let bill = store.and_then(|store| store.transfer.bills.get(number).cloned());
    drop(world);
    show(ctx, &acting, bill)
}

fn query_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_on_path_by_query(ctx)?;
    let id = ctx.path("transfer_bill_no");
    let bill = ctx.world().stores.get(&acting.mchid).and_then(|store| {
        let bills = &store.transfer.bills;
        bills.find(|bill| bill.transfer_bill_no == id).cloned()
    });
    show(ctx, &acting, bill)
}

fn cancel(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_on_path(ctx, &ctx.fields())?;
    let mut world = ctx.world();
    let number = ctx.path("out_bill_no");
    let bills = &world.store(&acting.mchid).transfer.bills;
    if bills
        .get(number)
        .is_none_or(|bill| bill.new.acting != acting)
    {
        return Err(not_found().into());
    }
    let bill = rules::cancel(&mut world, &acting.mchid, number, ctx.now)?;
    Ok(ApiResponse::ok(&bill.cancel_body()))
}

/// Answers a query. The name is sealed here, without the world.
fn show(ctx: &Ctx<'_>, acting: &Acting, bill: Option<Bill>) -> HandlerResult {
    // A service provider does not see what its sub-merchant transferred on its own, and the other way round.
    let bill = bill
        .filter(|bill| bill.new.acting == *acting)
        .ok_or_else(not_found)?;
    let name = bill.new.user_name.as_deref();
    let name = name.map(|name| ctx.seal(name)).transpose()?;
    Ok(ApiResponse::ok(&bill.query_body(name)))
}

/// Reads the body of a new transfer.
fn read(ctx: &Ctx<'_>) -> Result<NewBill, ApiResponse> {
    let openid = ctx.fields().text("openid", 64)?.to_owned();
    read_for(ctx, openid)
}

/// Reads the body of a new transfer to this user.
fn read_for(ctx: &Ctx<'_>, openid: String) -> Result<NewBill, ApiResponse> {
    let fields = ctx.fields();
    let acting = acting_on_path(ctx, &fields)?;
    check_appid(&fields, ctx.merchant)?;
    let out_bill_no = fields.text("out_bill_no", 32)?;
    if !out_bill_no.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(fields.error("out_bill_no", "must be letters and digits"));
    }
    let amount = fields.integer("transfer_amount", 1..=MAX_AMOUNT)?;
    fields.text("transfer_scene_id", 36)?;
    fields.optional_text("user_recv_perception", 128)?;
    read_report(&fields)?;
    let user_name = ctx.unseal(&fields, "user_name")?;
    check_user_name(&fields, user_name.as_deref(), amount)?;
    let notify_url = match fields.has("notify_url") {
        true => Some(fields.notify_url()?.to_owned()),
        false => None,
    };
    let mut request = fields.as_map().clone();
    request.remove("user_name");
    Ok(NewBill {
        acting,
        out_bill_no: out_bill_no.to_owned(),
        appid: fields.text("appid", 32)?.to_owned(),
        openid,
        user_name,
        amount,
        remark: fields.text("transfer_remark", 32)?.to_owned(),
        notify_url,
        authorization: None,
        request,
    })
}

fn read_report(fields: &Fields<'_>) -> Result<(), ApiResponse> {
    let infos = fields.objects("transfer_scene_report_infos", 10)?;
    if infos.is_empty() {
        return Err(fields.error("transfer_scene_report_infos", "must have at least one item"));
    }
    for info in infos {
        info.text("info_type", 15)?;
        info.text("info_content", 32)?;
    }
    Ok(())
}

/// Checks that a name is there for a large amount, and absent for a tiny one.
pub(crate) fn check_user_name(
    fields: &Fields<'_>,
    name: Option<&str>,
    amount: u64,
) -> Result<(), ApiResponse> {
    /// From here on, WeChat Pay checks the user's name, in fen.
    const NAMED: u64 = 200_000;
    /// Below this, WeChat Pay cannot check it, in fen.
    const NAMELESS: u64 = 30;
    match name {
        // Refused as every missing field is.
        None if amount >= NAMED => fields.text("user_name", 4096).map(|_| ()),
        Some(_) if amount < NAMELESS => {
            Err(fields.error("user_name", "is not allowed below 0.3 yuan"))
        }
        Some("") => Err(fields.error("user_name", "must not be empty")),
        _ => Ok(()),
    }
}
