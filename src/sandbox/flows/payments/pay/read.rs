//! Reads an order from the fields of a request, and refuses a field that breaks its rule.

use serde_json::Value;

use super::order::{NewOrder, Payer, Product, Version};
use crate::sandbox::{
    checks::{fields::Fields, merchant::Acting},
    dispatch::response::ApiResponse,
    time::parse_rfc3339,
};

/// The largest amount, in fen.
pub(crate) const MAX_TOTAL: u64 = 10_000_000_000;

/// Reads an order of this product. `acting` is whom the request is for, already checked.
pub(crate) fn new_order(
    fields: &Fields<'_>,
    acting: Acting,
    product: Product,
    now: u64,
) -> Result<NewOrder, ApiResponse> {
    let is_direct = acting.sp_mchid.is_none();
    for name in merchant_fields(is_direct) {
        fields.text(name, 32)?;
    }
    let appid = match is_direct {
        true => fields.text("appid", 32)?,
        // The cashier of a service provider's needs no app.
        false if product == Product::Code => {
            fields.optional_text("sp_appid", 32)?.unwrap_or_default()
        }
        false => fields.text("sp_appid", 32)?,
    };
    let description = fields.text("description", 127)?;
    let out_trade_no = fields.merchant_order_number("out_trade_no", 6)?;
    let attach = fields.optional_text("attach", 128)?;
    fields.optional_text("goods_tag", 32)?;
    fields.optional_bool("support_fapiao")?;
    let notify_url = match product {
        // The cashier has the answer at once: nobody is notified.
        Product::Code => None,
        _ => Some(fields.notify_url()?),
    };
    let payer = payer(fields, product, is_direct)?;
    let sub_appid = match is_direct {
        true => None,
        false => sub_appid(fields, &payer)?,
    };
    scene(fields, product)?;
    let settle_info = fields.optional_object("settle_info")?;
    let profit_sharing = match settle_info {
        Some(info) => info.optional_bool("profit_sharing")?.unwrap_or(false),
        None => false,
    };
    Ok(NewOrder {
        total: total(fields)?,
        expires: time_expire(fields, now)?,
        acting,
        product,
        appid: appid.to_owned(),
        sub_appid: sub_appid.map(str::to_owned),
        out_trade_no: out_trade_no.to_owned(),
        description: description.to_owned(),
        attach: attach.map(str::to_owned),
        payer,
        notify_url: notify_url.map(str::to_owned),
        profit_sharing,
        version: Version::V3,
        combined: None,
        request: Value::Object(fields.as_map().clone()),
    })
}

/// The fields that name the merchants of an order.
pub(super) fn merchant_fields(is_direct: bool) -> &'static [&'static str] {
    match is_direct {
        true => &["mchid"],
        false => &["sp_mchid", "sub_mchid"],
    }
}

/// Reads the code of a customer's wallet.
pub(super) fn auth_code<'a>(fields: &Fields<'a>) -> Result<&'a str, ApiResponse> {
    fields.object("payer")?.text("auth_code", 32)
}

fn payer(fields: &Fields<'_>, product: Product, is_direct: bool) -> Result<Payer, ApiResponse> {
    if !matches!(product, Product::Jsapi | Product::MiniProgram) {
        return Ok(Payer::default());
    }
    let payer = fields.object("payer")?;
    if is_direct {
        return Ok(Payer {
            openid: Some(payer.text("openid", 128)?.to_owned()),
            sub_openid: None,
        });
    }
    let sub_openid = payer.optional_text("sub_openid", 128)?.map(str::to_owned);
    // One of the two suffices.
    let openid = match sub_openid {
        None => Some(payer.text("sp_openid", 128)?.to_owned()),
        Some(_) => payer.optional_text("sp_openid", 128)?.map(str::to_owned),
    };
    Ok(Payer { openid, sub_openid })
}

/// Reads the app of a sub-merchant.
// A `sub_openid` says nothing without its app.
pub(crate) fn sub_appid<'a>(
    fields: &Fields<'a>,
    payer: &Payer,
) -> Result<Option<&'a str>, ApiResponse> {
    match payer.sub_openid {
        Some(_) => fields.text("sub_appid", 32).map(Some),
        None => fields.optional_text("sub_appid", 32),
    }
}

fn scene(fields: &Fields<'_>, product: Product) -> Result<(), ApiResponse> {
    match product {
        Product::H5 => {
            let scene = fields.object("scene_info")?;
            scene.text("payer_client_ip", 45)?;
            scene.object("h5_info")?.text("type", 32)?;
        }
        Product::Code => {
            fields.object("scene_info")?.object("store_info")?;
        }
        _ => {
            fields.optional_object("scene_info")?;
        }
    }
    Ok(())
}

/// Reads `amount` and returns its total in fen.
fn total(fields: &Fields<'_>) -> Result<u64, ApiResponse> {
    let amount = fields.object("amount")?;
    let total = amount.integer("total", 1..=MAX_TOTAL)?;
    if amount.optional_text("currency", 16)?.unwrap_or("CNY") != "CNY" {
        return Err(amount.error("currency", "must be CNY"));
    }
    Ok(total)
}

/// Reads `time_expire`, which must be in the future.
pub(crate) fn time_expire(fields: &Fields<'_>, now: u64) -> Result<Option<u64>, ApiResponse> {
    let Some(text) = fields.optional_text("time_expire", 64)? else {
        return Ok(None);
    };
    match parse_rfc3339(text) {
        None => Err(fields.error(
            "time_expire",
            "must be a time such as 2018-06-08T10:34:56+08:00",
        )),
        Some(time) if time <= now => Err(fields.error("time_expire", "must be in the future")),
        Some(time) => Ok(Some(time)),
    }
}
