//! Refunds, and their query with numbered fields.

use super::{
    order::{notify_url, number},
    reply::{Reply, asked, format_time, merchants_number, version},
};
use crate::sandbox::{
    flows::payments::{
        pay::engine,
        refund::{self, NewRefund, Refund, RefundNumber, Status, refusals},
    },
    v2::{V2Ctx, V2Error, V2Result},
};

/// How many refunds one response lists.
const PAGE: usize = 10;

/// Refunds a part of an order, or all of it.
pub(super) fn refund(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    let owned = |name| ctx.optional(name).map(str::to_owned);
    let notify_url = match ctx.optional("notify_url") {
        Some(_) => Some(notify_url(ctx)?.to_owned()),
        None => None,
    };
    let fen = ctx.fen("refund_fee")?;
    if fen == 0 {
        return Err(V2Error::Return("invalid refund_fee".to_owned()));
    }
    let new = NewRefund {
        acting,
        transaction_id: owned("transaction_id"),
        out_trade_no: owned("out_trade_no"),
        out_refund_no: merchants_number(ctx, "out_refund_no", 64)?.to_owned(),
        reason: owned("refund_desc"),
        fen,
        total: Some(ctx.fen("total_fee")?),
        notify_url,
        version: version(ctx),
        request: asked(ctx),
    };
    let refund = refund::refund(&mut ctx.world(), new, ctx.now)?;
    let mut reply = Reply::default();
    reply
        .put("transaction_id", &refund.transaction_id)
        .put("out_trade_no", &refund.out_trade_no)
        .put("out_refund_no", &refund.asked.out_refund_no)
        .put("refund_id", &refund.refund_id)
        .put("refund_fee", refund.asked.fen)
        .put("total_fee", refund.total)
        .put("cash_fee", refund.payer_total)
        .put("cash_refund_fee", refund.payer_refund())
        .put("coupon_refund_fee", refund.discount_refund())
        .put("coupon_refund_count", refund.discount.iter().count());
    if let Some(back) = &refund.discount {
        reply
            .put("settlement_refund_fee", refund.settlement_refund())
            .put("settlement_total_fee", refund.settlement_total)
            .put("coupon_refund_id_0", &back.of.coupon_id)
            .put("coupon_refund_fee_0", back.fen);
    }
    Ok(reply.done())
}

/// Returns one refund, or those of an order: ten at a time, from `offset` on.
pub(super) fn query(ctx: &V2Ctx<'_>) -> V2Result {
    let offset = match ctx.optional("offset") {
        Some(_) => usize::try_from(ctx.fen("offset")?).unwrap_or(usize::MAX),
        None => 0,
    };
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    let world = ctx.world();
    // The most exact number counts.
    let one = match (ctx.optional("refund_id"), ctx.optional("out_refund_no")) {
        (Some(id), _) => Some(RefundNumber::Ours(id)),
        (None, Some(number)) => Some(RefundNumber::Merchants(number)),
        (None, None) => None,
    };
    let (refunds, is_list) = match one {
        Some(by) => (vec![refund::find_refund(&world, &acting, by)?], false),
        None => {
            let order = engine::find(&world, &acting, number(ctx)?)?;
            (refund::refunds_of(&world, order), true)
        }
    };
    let page: Vec<_> = refunds.iter().skip(offset).take(PAGE).collect();
    let first = page.first().ok_or_else(refusals::no_refund)?;
    let mut reply = Reply::default();
    if is_list {
        reply.put("total_refund_count", refunds.len());
    }
    reply
        .put("transaction_id", &first.transaction_id)
        .put("out_trade_no", &first.out_trade_no)
        .put("total_fee", first.total)
        .put("cash_fee", first.payer_total)
        .put("fee_type", "CNY")
        .put("refund_count", page.len());
    for (n, refund) in page.into_iter().enumerate() {
        put_refund(&mut reply, n, refund);
    }
    Ok(reply.done())
}

fn put_refund(reply: &mut Reply, n: usize, refund: &Refund) {
    let mut put = |name: &str, value: &str| {
        reply.put(&format!("{name}_{n}"), value);
    };
    put("out_refund_no", &refund.asked.out_refund_no);
    put("refund_id", &refund.refund_id);
    put("refund_channel", "ORIGINAL");
    put("refund_fee", &refund.asked.fen.to_string());
    if let Some(back) = &refund.discount {
        put(
            "settlement_refund_fee",
            &refund.settlement_refund().to_string(),
        );
        put("coupon_refund_fee", &back.fen.to_string());
        put("coupon_refund_count", "1");
    }
    put("refund_status", status(refund.status));
    put("refund_account", "REFUND_SOURCE_UNSETTLED_FUNDS");
    put("refund_recv_accout", &refund.user_received_account);
    if let Status::Success(time) = refund.status {
        put("refund_success_time", &format_time(time));
    }
    if let Some(back) = &refund.discount {
        // The only coupon of this refund.
        reply
            .put(&format!("coupon_refund_id_{n}_0"), &back.of.coupon_id)
            .put(&format!("coupon_refund_fee_{n}_0"), back.fen);
    }
}

/// Returns a state by its name in APIv2.
fn status(status: Status) -> &'static str {
    match status {
        Status::Processing => "PROCESSING",
        Status::Success(_) => "SUCCESS",
        Status::Abnormal => "CHANGE",
        Status::Closed => "REFUNDCLOSE",
    }
}
