//! Transfers to a user's change, which are done at once.

use super::{
    payout,
    reply::{Reply, asked, format_time, merchants_number, wrong},
};
use crate::sandbox::{
    state::account::EntryKind,
    v2::{V2Ctx, V2Error, V2Result},
};

/// What one transfer can be, in fen.
const AMOUNTS: std::ops::RangeInclusive<u64> = 30..=2_000_000;

/// A transfer that was made.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub(super) payment_no: String,
    appid: String,
    openid: String,
    name: Option<String>,
    /// In fen.
    pub(super) fen: u64,
    desc: String,
    time: u64,
}

/// Transfers money to a user.
pub(super) fn transfer(ctx: &V2Ctx<'_>) -> V2Result {
    let appid = ctx.bound_app("mch_appid")?;
    let number = merchants_number(ctx, "partner_trade_no", 32)?;
    let name = match ctx.text("check_name")? {
        "NO_CHECK" => ctx.optional("re_user_name"),
        "FORCE_CHECK" => Some(ctx.text("re_user_name")?),
        _ => return Err(wrong("check_name")),
    };
    let fen = ctx.fen("amount")?;
    if !AMOUNTS.contains(&fen) {
        return Err(V2Error::Result {
            code: "AMOUNT_LIMIT",
            message: "付款金额超出限制: 0.3 to 20,000 yuan".to_owned(),
        });
    }
    let mchid = &ctx.merchant.mchid;
    let asked = asked(ctx);

    let mut world = ctx.world();
    let earlier = world.store(mchid).v2.transfers.repeated(number, &asked)?;
    let transfer = match earlier.cloned() {
        Some(transfer) => transfer,
        None => {
            // Real ones have 28 digits and begin with 1000018.
            let made = Transfer {
                payment_no: world.number("10000187", 28),
                appid: appid.to_owned(),
                openid: ctx.short_text("openid", 64)?.to_owned(),
                name: name.map(str::to_owned),
                fen,
                desc: ctx.short_text("desc", 100)?.to_owned(),
                time: ctx.now,
            };
            let ids = (made.payment_no.as_str(), number);
            payout::take(&mut world, mchid, EntryKind::Transfer, ids, fen, ctx.now)?;
            let transfers = &mut world.store(mchid).v2.transfers;
            transfers.insert(number, asked, made.clone());
            made
        }
    };
    Ok(Reply::default()
        .echo(ctx, &["mch_appid", "mchid", "device_info", "nonce_str"])
        .put("partner_trade_no", number)
        .put("payment_no", &transfer.payment_no)
        .put("payment_time", format_time(transfer.time))
        .done())
}

/// Returns a transfer.
pub(super) fn query(ctx: &V2Ctx<'_>) -> V2Result {
    let number = ctx.text("partner_trade_no")?;
    ctx.bound_app("appid")?;
    let mut world = ctx.world();
    let transfers = &world.store(&ctx.merchant.mchid).v2.transfers;
    let transfer = transfers.find(number)?;
    let mut reply = Reply::default();
    reply
        .put("partner_trade_no", number)
        .put("appid", &transfer.appid)
        .put("detail_id", &transfer.payment_no)
        .put("status", "SUCCESS")
        .put("openid", &transfer.openid)
        .put("payment_amount", transfer.fen)
        .put("transfer_time", format_time(transfer.time))
        .put("payment_time", format_time(transfer.time))
        .put("desc", &transfer.desc);
    if let Some(name) = &transfer.name {
        reply.put("transfer_name", name);
    }
    Ok(reply.done())
}
