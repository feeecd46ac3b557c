//! The operations of combined orders.

use serde_json::Value;

use super::{MAX_PARTS, NewCombined, close as close_all, find, prepay as prepay_all};
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{Acting, check_bound},
    },
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        Route,
        payments::pay::{
            Version,
            engine::{NewOrder, PartOf, Payer, Product},
            read::{MAX_TOTAL, sub_appid, time_expire},
            refusals,
        },
        v3,
    },
};

pub(crate) const ROUTES: &[Route] = &[
    // `sub_mchid` is required of a service provider only, sealed fields only with an identity.
    v3("POST v3/combine-transactions/app", prepay).own_rules(),
    v3("POST v3/combine-transactions/h5", prepay).own_rules(),
    v3("POST v3/combine-transactions/jsapi", prepay).own_rules(),
    v3("POST v3/combine-transactions/miniprogram", prepay).own_rules(),
    v3("POST v3/combine-transactions/native", prepay).own_rules(),
    v3(
        "GET v3/combine-transactions/out-trade-no/{combine_out_trade_no}",
        query,
    ),
    v3(
        "GET v3/combine-transactions/id/{combine_transaction_id}",
        query_by_id,
    ),
    v3(
        "POST v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close",
        close,
    ),
];

fn prepay(ctx: &Ctx<'_>) -> HandlerResult {
    // Everything is checked before an order changes.
    let new = read(ctx, &ctx.fields())?;
    let (mchid, number) = (new.mchid.clone(), new.number.clone());
    let mut world = ctx.world();
    prepay_all(&mut world, new, ctx.now)?;
    let order = find(&world, &mchid, &number)?;
    Ok(ApiResponse::ok(&order.prepay_body()))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let world = ctx.world();
    let number = ctx.path("combine_out_trade_no");
    let order = find(&world, &ctx.merchant.mchid, number)?;
    Ok(ApiResponse::ok(&order.body(&world)))
}

fn query_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    let id = ctx.path("combine_transaction_id");
    let world = ctx.world();
    let store = world.stores.get(&ctx.merchant.mchid);
    let order = store.and_then(|store| {
        let has_id = |order: &super::CombinedOrder| order.transaction_id.as_deref() == Some(id);
        store.combine.orders.find(has_id)
    });
    let order = order.ok_or_else(refusals::not_found)?;
    Ok(ApiResponse::ok(&order.body(&world)))
}

fn close(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    check_bound(fields.text("combine_appid", 32)?, ctx.merchant)?;
    let parts = fields
        .objects("sub_orders", MAX_PARTS)?
        .iter()
        .map(|part| {
            let mchid = part.text("mchid", 32)?;
            let mchid = part.optional_text("sub_mchid", 32)?.unwrap_or(mchid);
            let number = part.text("out_trade_no", 32)?;
            Ok((mchid.to_owned(), number.to_owned()))
        })
        .collect::<Result<Vec<_>, ApiResponse>>()?;
    let number = ctx.path("combine_out_trade_no");
    close_all(&mut ctx.world(), &ctx.merchant.mchid, number, &parts)?;
    Ok(ApiResponse::no_content())
}

fn read(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<NewCombined, ApiResponse> {
    let appid = fields.text("combine_appid", 32)?;
    let mchid = fields.text("combine_mchid", 32)?;
    if mchid != ctx.merchant.mchid {
        return Err(fields.error(
            "combine_mchid",
            "is not the merchant that signed the request",
        ));
    }
    check_bound(appid, ctx.merchant)?;
    let number = fields.merchant_order_number("combine_out_trade_no", 2)?;
    let notify_url = fields.notify_url()?;
    let product = Product::of(ctx.op);
    if product == Product::H5 {
        let scene = fields.object("scene_info")?;
        scene.text("payer_client_ip", 45)?;
        scene.object("h5_info")?.text("type", 32)?;
    }
    let whole = Whole {
        appid,
        number,
        product,
        payer: payer(fields, product)?,
        expires: time_expire(fields, ctx.now)?,
    };
    let parts = fields.objects("sub_orders", MAX_PARTS)?;
    if parts.is_empty() {
        return Err(ApiResponse::missing("/sub_orders"));
    }
    let parts = parts.iter().map(|part| read_part(ctx, part, &whole));
    Ok(NewCombined {
        parts: parts.collect::<Result<_, _>>()?,
        mchid: mchid.to_owned(),
        appid: appid.to_owned(),
        number: number.to_owned(),
        product,
        notify_url: notify_url.to_owned(),
        request: Value::Object(fields.as_map().clone()),
    })
}

/// What all parts share.
struct Whole<'a> {
    appid: &'a str,
    number: &'a str,
    product: Product,
    payer: Payer,
    expires: Option<u64>,
}

fn read_part(
    ctx: &Ctx<'_>,
    fields: &Fields<'_>,
    whole: &Whole<'_>,
) -> Result<NewOrder, ApiResponse> {
    let acting = acting(ctx, fields, whole.appid)?;
    let sub_appid = match acting.sp_mchid {
        Some(_) => sub_appid(fields, &whole.payer)?,
        // A part of a merchant of its own has no app of a sub-merchant.
        None => fields.optional_text("sub_appid", 32)?,
    };
    let amount = fields.object("amount")?;
    let total = amount.integer("total_amount", 1..=MAX_TOTAL)?;
    if amount.text("currency", 8)? != "CNY" {
        return Err(amount.error("currency", "must be CNY"));
    }
    // Before `settle_info`, the flag was a field of the part.
    let profit_sharing = match fields.optional_object("settle_info")? {
        Some(info) => info.optional_bool("profit_sharing")?,
        None => fields.optional_bool("profit_sharing")?,
    };
    Ok(NewOrder {
        acting,
        product: whole.product,
        appid: whole.appid.to_owned(),
        sub_appid: sub_appid.map(str::to_owned),
        out_trade_no: fields.merchant_order_number("out_trade_no", 6)?.to_owned(),
        description: fields.text("description", 127)?.to_owned(),
        attach: Some(fields.text("attach", 128)?.to_owned()),
        total,
        payer: whole.payer.clone(),
        // The whole has one notification.
        notify_url: None,
        expires: whole.expires,
        profit_sharing: profit_sharing.unwrap_or(false),
        version: Version::V3,
        combined: Some(PartOf {
            mchid: ctx.merchant.mchid.clone(),
            number: whole.number.to_owned(),
        }),
        request: Value::Object(fields.as_map().clone()),
    })
}

/// Returns whose a part is: a merchant that the app is bound to, a sub-merchant of such a one, or one of the
/// signer's.
fn acting(ctx: &Ctx<'_>, fields: &Fields<'_>, appid: &str) -> Result<Acting, ApiResponse> {
    let mchid = fields.text("mchid", 32)?;
    let sub_mchid = fields.optional_text("sub_mchid", 32)?;
    let merchant = ctx.state.merchants.get(mchid);
    let world = ctx.world();
    if !world.may_act_for(&ctx.merchant.mchid, mchid) {
        let merchant = merchant.ok_or_else(|| {
            fields.error(
                "mchid",
                "is not a merchant of this sandbox, nor a sub-merchant of the signer's",
            )
        })?;
        check_bound(appid, &merchant)?;
    }
    match sub_mchid.filter(|sub_mchid| !sub_mchid.is_empty()) {
        None => Ok(Acting {
            mchid: mchid.to_owned(),
            sp_mchid: None,
        }),
        Some(sub_mchid) if world.may_act_for(mchid, sub_mchid) => Ok(Acting {
            mchid: sub_mchid.to_owned(),
            sp_mchid: Some(mchid.to_owned()),
        }),
        Some(_) => Err(refusals::not_a_sub_merchant().into()),
    }
}

fn payer(fields: &Fields<'_>, product: Product) -> Result<Payer, ApiResponse> {
    let info = fields.optional_object("combine_payer_info")?;
    let text = |name: &str| -> Result<_, ApiResponse> {
        let text = match &info {
            Some(info) => info.optional_text(name, 128)?,
            None => None,
        };
        Ok(text.map(str::to_owned))
    };
    let payer = Payer {
        openid: text("openid")?,
        sub_openid: text("sub_openid")?,
    };
    let is_page = matches!(product, Product::Jsapi | Product::MiniProgram);
    if is_page && payer == Payer::default() {
        // The error of the one that is missing: the object, or its field.
        return Err(match fields.object("combine_payer_info") {
            Ok(info) => info
                .text("openid", 128)
                .err()
                .unwrap_or_else(|| ApiResponse::missing("/combine_payer_info/openid")),
            Err(missing) => missing,
        });
    }
    Ok(payer)
}
