//! The operations of refunds, and the same for e-commerce platforms under another path.

use serde_json::Value;

use super::{
    NewRefund, Refund, RefundNumber,
    engine::{find_refund, refund, refund_again},
};
use crate::sandbox::{
    checks::{
        fields::Fields,
        merchant::{acting_for, acting_for_query, check_bound},
    },
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        Route,
        payments::pay::{Version, read::MAX_TOTAL},
        v3,
    },
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/refund/domestic/refunds", create),
    v3("GET v3/refund/domestic/refunds/{out_refund_no}", query),
    v3(
        "POST v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund",
        apply_abnormal,
    ),
    // One of `transaction_id` and `out_trade_no` suffices, and not every form has `funds_account`.
    v3("POST v3/ecommerce/refunds/apply", create).own_rules(),
    v3(
        "GET v3/ecommerce/refunds/out-refund-no/{out_refund_no}",
        query,
    ),
    v3("GET v3/ecommerce/refunds/id/{refund_id}", query_by_id),
    v3(
        "POST v3/ecommerce/refunds/{refund_id}/apply-abnormal-refund",
        apply_abnormal,
    ),
];

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let new = read(ctx, &ctx.fields())?;
    let refund = refund(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&match is_ecommerce(ctx) {
        true => refund.application_body(),
        false => refund.body(),
    }))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    find(ctx, RefundNumber::Merchants(ctx.path("out_refund_no")))
}

fn query_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    find(ctx, RefundNumber::Ours(ctx.path("refund_id")))
}

fn find(ctx: &Ctx<'_>, by: RefundNumber<'_>) -> HandlerResult {
    let acting = acting_for_query(ctx)?;
    let world = ctx.world();
    Ok(ApiResponse::ok(&body(
        ctx,
        find_refund(&world, &acting, by)?,
    )))
}

/// Sends the money of an abnormal refund to a bank account of the customer's or of the merchant's.
fn apply_abnormal(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let acting = acting_for(ctx, &fields)?;
    let out_refund_no = fields.text("out_refund_no", 64)?;
    let account = match fields.text("type", 32)? {
        "USER_BANK_CARD" => {
            fields.text("bank_type", 16)?;
            let required = |name| match ctx.unseal(&fields, name)? {
                Some(text) => Ok(text),
                None => Err(ApiResponse::missing(&format!("/{name}"))),
            };
            required("real_name")?;
            account_shown(&fields, &required("bank_account")?)?
        }
        "MERCHANT_BANK_CARD" => "商户结算银行账户".to_owned(),
        _ => {
            return Err(fields.error("type", "must be USER_BANK_CARD or MERCHANT_BANK_CARD"));
        }
    };
    let id = ctx.path("refund_id");
    let mut world = ctx.world();
    let refund = find_refund(&world, &acting, RefundNumber::Ours(id))?;
    if refund.asked.out_refund_no != out_refund_no {
        return Err(fields.error("out_refund_no", "is not the number of this refund"));
    }
    let refund = refund_again(&mut world, &acting, id, &account, ctx.now)?;
    Ok(ApiResponse::ok(&body(ctx, &refund)))
}

/// Returns a bank account as responses show it: its last four digits.
fn account_shown(fields: &Fields<'_>, account: &str) -> Result<String, ApiResponse> {
    let digits = account.bytes().all(|byte| byte.is_ascii_digit());
    match account
        .len()
        .checked_sub(4)
        .and_then(|at| account.get(at..))
    {
        Some(last) if digits && account.len() >= 8 => Ok(format!("银行卡{last}")),
        _ => Err(fields.error("bank_account", "must be the number of a bank account")),
    }
}

/// Reads a refund from the fields of a request.
fn read(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<NewRefund, ApiResponse> {
    let acting = acting_for(ctx, fields)?;
    if is_ecommerce(ctx) {
        check_bound(fields.text("sp_appid", 32)?, ctx.merchant)?;
    }
    // An empty one is as good as none: many SDKs send both.
    let number = |name, max| -> Result<_, ApiResponse> {
        let text = fields.optional_text(name, max)?;
        Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let transaction_id = number("transaction_id", 32)?;
    let out_trade_no = number("out_trade_no", 32)?;
    if transaction_id.is_none() && out_trade_no.is_none() {
        return Err(ApiResponse::missing("/transaction_id"));
    }
    let out_refund_no = fields.text("out_refund_no", 64)?;
    let reason = fields.optional_text("reason", 80)?;
    let notify_url = match fields.has("notify_url") {
        true => Some(fields.notify_url()?.to_owned()),
        false => None,
    };
    let amount = fields.object("amount")?;
    let fen = amount.integer("refund", 1..=MAX_TOTAL)?;
    let total = amount.integer("total", 1..=MAX_TOTAL)?;
    // E-commerce platforms may leave it out.
    let currency = match is_ecommerce(ctx) {
        true => amount.optional_text("currency", 16)?.unwrap_or("CNY"),
        false => amount.text("currency", 16)?,
    };
    if currency != "CNY" {
        return Err(amount.error("currency", "must be CNY"));
    }
    if is_ecommerce(ctx) {
        // The platform itself sells nothing. After the fields that the table requires.
        fields.text("sub_mchid", 32)?;
    }
    Ok(NewRefund {
        acting,
        transaction_id,
        out_trade_no,
        out_refund_no: out_refund_no.to_owned(),
        reason: reason.map(str::to_owned),
        fen,
        total: Some(total),
        notify_url,
        version: Version::V3,
        request: Value::Object(fields.as_map().clone()),
    })
}

fn body(ctx: &Ctx<'_>, refund: &Refund) -> Value {
    match is_ecommerce(ctx) {
        true => refund.ecommerce_body(),
        false => refund.body(),
    }
}

fn is_ecommerce(ctx: &Ctx<'_>) -> bool {
    ctx.op.template().starts_with("v3/ecommerce/")
}
