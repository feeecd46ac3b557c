//! The requests about red packets.

use serde_json::{Map, json};

use super::{RedPacket, State, pay};
use crate::sandbox::{
    flows::v2::reply::{Reply, asked, format_time, merchants_number, wrong},
    v2::{V2Ctx, V2Error, V2Result},
};

/// What a person can get of a red packet on average, in fen.
const AMOUNTS: std::ops::RangeInclusive<u64> = 100..=20_000;
/// How many people can share a red packet.
const GROUP: std::ops::RangeInclusive<u64> = 3..=20;

/// Sends a red packet to one user.
pub(in crate::sandbox::flows::v2) fn send(ctx: &V2Ctx<'_>) -> V2Result {
    match ctx.fen("total_num")? {
        1 => send_to(ctx, 1, false),
        _ => Err(wrong("total_num")),
    }
}

/// Sends a red packet that a user shares with others.
pub(in crate::sandbox::flows::v2) fn send_group(ctx: &V2Ctx<'_>) -> V2Result {
    if ctx.text("amt_type")? != "ALL_RAND" {
        return Err(wrong("amt_type"));
    }
    match ctx.fen("total_num")? {
        people if GROUP.contains(&people) => send_to(ctx, people, true),
        _ => Err(wrong("total_num")),
    }
}

fn send_to(ctx: &V2Ctx<'_>, people: u64, is_group: bool) -> V2Result {
    ctx.bound_app("wxappid")?;
    let payer = ctx.acting()?.mchid;
    let mchid = &ctx.merchant.mchid;
    let number = merchants_number(ctx, "mch_billno", 28)?;
    let fen = ctx.fen("total_amount")?;
    if !AMOUNTS.contains(&(fen / people)) {
        return Err(V2Error::Result {
            code: "MONEY_LIMIT",
            message: "红包金额发放限制: 1 to 200 yuan for each user".to_owned(),
        });
    }
    let openid = ctx.short_text("re_openid", 64)?;
    ctx.short_text("send_name", 32)?;
    let mut texts = Map::new();
    for (name, max) in [("wishing", 128), ("remark", 256), ("act_name", 32)] {
        let text = ctx.short_text(name, max)?;
        texts.insert(name.to_owned(), text.into());
    }
    let asked = asked(ctx);

    let mut world = ctx.world();
    let earlier = world.store(mchid).v2.red_packets.repeated(number, &asked)?;
    let packet = match earlier.cloned() {
        Some(packet) => packet,
        None => {
            // Real ones have 28 digits and begin with 1000041.
            let packet = RedPacket {
                id: world.number("10000417", 28),
                fen,
                people,
                is_group,
                sent_at: ctx.now,
                state: State::Sent,
                payer,
                openid: openid.to_owned(),
                texts,
            };
            pay(&mut world, mchid, number, asked, &packet)?;
            packet
        }
    };
    Ok(Reply::default()
        .echo(ctx, &["mch_billno", "wxappid", "re_openid"])
        .put("total_amount", packet.fen)
        .put("send_listid", &packet.id)
        .done())
}

/// Returns a red packet.
pub(in crate::sandbox::flows::v2) fn query(ctx: &V2Ctx<'_>) -> V2Result {
    let number = ctx.text("mch_billno")?;
    if ctx.text("bill_type")? != "MCHT" {
        return Err(wrong("bill_type"));
    }
    ctx.bound_app("appid")?;
    let mut world = ctx.world();
    let packets = &world.store(&ctx.merchant.mchid).v2.red_packets;
    let packet = packets.find(number)?;
    let mut reply = Reply::default();
    reply
        .put("mch_billno", number)
        .put("detail_id", &packet.id)
        .put("status", packet.status())
        .put("send_type", "API")
        .put("hb_type", if packet.is_group { "GROUP" } else { "NORMAL" })
        .put("total_num", packet.people)
        .put("total_amount", packet.fen)
        .put("send_time", format_time(packet.sent_at));
    for (name, text) in &packet.texts {
        reply.put(name, text.as_str().unwrap_or_default());
    }
    match &packet.state {
        State::Sent => {}
        State::Refunded(time) => {
            reply
                .put("refund_time", format_time(*time))
                .put("refund_amount", packet.fen);
        }
        State::Received(time, shares) => {
            let time = format_time(*time);
            let got = |(openid, fen): &(String, u64)| json!({ "openid": openid, "amount": fen.to_string(), "rcv_time": time });
            let shares: Vec<_> = shares.iter().map(got).collect();
            reply.nest("hblist", json!({ "hbinfo": shares }));
        }
    }
    Ok(reply.done())
}
