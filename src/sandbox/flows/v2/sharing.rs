//! Profit sharing. Its orders, receivers and returns are those of APIv3.

use serde_json::{Map, Value, json};

use super::reply::{Reply, merchants_number, wrong};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payouts::sharing::{
        MAX_RATIO, NewShare, NewSharing, Program, ShareResult, SharingOrder,
        give_back::{self, NewReturn, Return, ReturnResult},
        receiver::{self, Receiver, ReceiverKind},
        rules,
    },
    state::world::World,
    time::format_compact,
    v2::{V2Ctx, V2Error, V2Reply, V2Result},
};

/// How many receivers an order can have.
const MAX_SHARES: usize = 50;

/// Adds a receiver.
pub(super) fn add_receiver(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    let fields = object(ctx.text("receiver")?).ok_or_else(|| wrong("receiver"))?;
    let kind = kind(&fields)?;
    let account = text(&fields, "account", 64)?;
    let name = optional(&fields, "name");
    if kind == ReceiverKind::MerchantId && name.is_none() {
        return Err(wrong("name"));
    }
    let added = Receiver {
        kind,
        account: account.to_owned(),
        name: name.map(str::to_owned),
        relation_type: optional(&fields, "relation_type")
            .unwrap_or("OTHERS")
            .to_owned(),
        custom_relation: optional(&fields, "custom_relation").map(str::to_owned),
    };
    let shown = json!({ "type": kind.name(), "account": account });
    receiver::add_receiver(&mut ctx.world(), &acting.mchid, &Program::Ordinary, added)?;
    Ok(Reply::default().put("receiver", shown).done())
}

/// Removes a receiver.
pub(super) fn remove_receiver(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    let fields = object(ctx.text("receiver")?).ok_or_else(|| wrong("receiver"))?;
    let (kind, account) = (kind(&fields)?, text(&fields, "account", 64)?);
    receiver::delete_receiver(
        &mut ctx.world(),
        &acting.mchid,
        &Program::Ordinary,
        kind,
        account,
    );
    let shown = json!({ "type": kind.name(), "account": account });
    Ok(Reply::default().put("receiver", shown).done())
}

/// Shares a payment once: the merchant gets the rest.
pub(super) fn share_once(ctx: &V2Ctx<'_>) -> V2Result {
    share(ctx, true)
}

/// Shares a payment, of which more can be shared later.
pub(super) fn share_more(ctx: &V2Ctx<'_>) -> V2Result {
    share(ctx, false)
}

fn share(ctx: &V2Ctx<'_>, unfreeze_unsplit: bool) -> V2Result {
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    let new = NewSharing {
        acting,
        transaction_id: ctx.short_text("transaction_id", 32)?.to_owned(),
        out_order_no: merchants_number(ctx, "out_order_no", 64)?.to_owned(),
        shares: shares(ctx.text("receivers")?)?,
        unfreeze_unsplit,
        description: None,
        program: Program::Ordinary,
    };
    let order = rules::share(&mut ctx.world(), new, ctx.now)?;
    Ok(shown(&order))
}

/// Gives the merchant what is left of a payment.
pub(super) fn finish(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    ctx.short_text("description", 80)?;
    let new = NewSharing {
        acting,
        transaction_id: ctx.short_text("transaction_id", 32)?.to_owned(),
        out_order_no: merchants_number(ctx, "out_order_no", 64)?.to_owned(),
        shares: Vec::new(),
        unfreeze_unsplit: true,
        description: None,
        program: Program::Ordinary,
    };
    let order = rules::unfreeze(&mut ctx.world(), new, ctx.now)?;
    let mut reply = Reply::default();
    put_numbers(&mut reply, &order);
    Ok(reply.done())
}

/// Returns an order.
pub(super) fn query(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    let (number, id) = (ctx.text("out_order_no")?, ctx.text("transaction_id")?);
    let world = ctx.world();
    Ok(shown(rules::find(&world, &acting, number, id)?))
}

/// Returns what of a payment can still be shared.
pub(super) fn unsplit_amount(ctx: &V2Ctx<'_>) -> V2Result {
    let id = ctx.text("transaction_id")?;
    let amount = rules::unsplit_amount(&ctx.world(), &ctx.merchant.mchid, id)?;
    Ok(Reply::default()
        .put("transaction_id", id)
        .put("unsplit_amount", amount)
        .done())
}

/// Returns how much of a payment a sub-merchant can share.
pub(super) fn ratio(ctx: &V2Ctx<'_>) -> V2Result {
    // Refuses a sub-merchant of somebody else.
    ctx.acting()?;
    Ok(Reply::default().put("max_ratio", MAX_RATIO).done())
}

/// Asks a receiver for money back.
pub(super) fn give_back(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    ctx.bound_app("appid")?;
    if ctx.text("return_account_type")? != "MERCHANT_ID" {
        return Err(wrong("return_account_type"));
    }
    let amount = match ctx.fen("return_amount")? {
        0 => return Err(wrong("return_amount")),
        fen => fen,
    };
    let mut world = ctx.world();
    let new = NewReturn {
        out_order_no: out_order_no(ctx, &mut world, &acting.mchid)?,
        acting,
        out_return_no: merchants_number(ctx, "out_return_no", 64)?.to_owned(),
        return_mchid: ctx.short_text("return_account", 32)?.to_owned(),
        amount,
        description: ctx.short_text("description", 80)?.to_owned(),
    };
    let made = give_back::give_back(&mut world, new, ctx.now)?;
    Ok(returned(&made))
}

/// Returns where money stands that a receiver gives back.
pub(super) fn query_return(ctx: &V2Ctx<'_>) -> V2Result {
    let acting = ctx.acting()?;
    let mut world = ctx.world();
    let number = out_order_no(ctx, &mut world, &acting.mchid)?;
    let returns = &world.store(&acting.mchid).sharing.returns;
    let found = returns
        .get(ctx.text("out_return_no")?)
        .filter(|found| found.new.acting == acting && found.new.out_order_no == number)
        .ok_or_else(not_found)?;
    Ok(returned(found))
}

/// Returns the merchant's number of an order, by either of its numbers.
fn out_order_no(ctx: &V2Ctx<'_>, world: &mut World, mchid: &str) -> Result<String, V2Error> {
    let number = ctx.optional("out_order_no");
    let Some(id) = ctx.optional("order_id") else {
        return number.map_or_else(
            || Err(wrong("out_order_no")),
            |number| Ok(number.to_owned()),
        );
    };
    let orders = &world.store(mchid).sharing.orders;
    let order = orders
        .find(|order| order.order_id == id)
        .filter(|order| number.is_none_or(|number| order.new.out_order_no == number))
        .ok_or_else(not_found)?;
    Ok(order.new.out_order_no.clone())
}

fn shown(order: &SharingOrder) -> V2Reply {
    let status = match order.has_ended() {
        true => "FINISHED",
        false => "PROCESSING",
    };
    let finished_at = format_compact(order.finished_at.unwrap_or(order.created_at));
    let receivers: Vec<_> = order
        .shares
        .iter()
        .map(|share| {
            let (result, reason) = match &share.result {
                ShareResult::Pending => ("PENDING", None),
                ShareResult::Success => ("SUCCESS", None),
                ShareResult::Closed(reason) => ("CLOSED", Some(reason)),
            };
            let mut shown = json!({
                "type": share.new.kind.name(),
                "account": share.new.account,
                "amount": share.new.amount,
                "description": share.new.description,
                "detail_id": share.detail_id,
                "result": result,
                "finish_time": finished_at,
            });
            if let Some(reason) = reason {
                shown["fail_reason"] = reason.as_str().into();
            }
            shown
        })
        .collect();
    let mut reply = Reply::default();
    put_numbers(&mut reply, order);
    reply
        .put("status", status)
        .put("receivers", Value::Array(receivers))
        .done()
}

fn put_numbers(reply: &mut Reply, order: &SharingOrder) {
    reply
        .put("transaction_id", &order.new.transaction_id)
        .put("out_order_no", &order.new.out_order_no)
        .put("order_id", &order.order_id);
}

fn returned(made: &Return) -> V2Reply {
    let (result, reason) = match made.result {
        ReturnResult::Processing => ("PROCESSING", None),
        ReturnResult::Success => ("SUCCESS", None),
        ReturnResult::Failed(reason) => ("FAILED", Some(reason)),
    };
    let new = &made.new;
    let mut reply = Reply::default();
    reply
        .put("order_id", &made.order_id)
        .put("out_order_no", &new.out_order_no)
        .put("out_return_no", &new.out_return_no)
        .put("return_no", &made.return_id)
        .put("return_account_type", "MERCHANT_ID")
        .put("return_account", &new.return_mchid)
        .put("return_amount", new.amount)
        .put("description", &new.description)
        .put("result", result);
    if let Some(reason) = reason {
        reply.put("fail_reason", reason);
    }
    if let Some(time) = made.finished_at {
        reply.put("finish_time", format_compact(time));
    }
    reply.done()
}

fn not_found() -> Refusal {
    Refusal::new(404, "RESOURCE_NOT_EXISTS", "ORDERNOTEXIST", "记录不存在")
}

/// Reads the JSON list of receivers.
fn shares(list: &str) -> Result<Vec<NewShare>, V2Error> {
    let list: Vec<Map<String, Value>> =
        serde_json::from_str(list).map_err(|_| wrong("receivers"))?;
    if !(1..=MAX_SHARES).contains(&list.len()) {
        return Err(wrong("receivers"));
    }
    let share = |fields: &Map<String, Value>| {
        let amount = fields.get("amount").and_then(Value::as_u64);
        Ok(NewShare {
            kind: kind(fields)?,
            account: text(fields, "account", 64)?.to_owned(),
            name: optional(fields, "name").map(str::to_owned),
            amount: amount
                .filter(|fen| (1..=MAX_AMOUNT).contains(fen))
                .ok_or_else(|| wrong("amount"))?,
            description: text(fields, "description", 80)?.to_owned(),
        })
    };
    list.iter().map(share).collect()
}

/// The largest amount, in fen. The sum of all shares stays far below what an integer holds.
const MAX_AMOUNT: u64 = 10_000_000_000;

fn kind(fields: &Map<String, Value>) -> Result<ReceiverKind, V2Error> {
    ReceiverKind::parse(text(fields, "type", 32)?).ok_or_else(|| wrong("type"))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str, max: usize) -> Result<&'a str, V2Error> {
    optional(fields, name)
        .filter(|text| text.chars().count() <= max)
        .ok_or_else(|| wrong(name))
}

fn optional<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = fields.get(name)?.as_str()?;
    Some(text).filter(|text| !text.is_empty())
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_a_json_list_of_amounts_in_fen() {
        let one = r#"{"type":"MERCHANT_ID","account":"1900000109","amount":100,"description":"分到商户"}"#;
        let shares_of = |list: &str| shares(list).map(|shares| shares.len());
        assert_eq!(shares_of(&format!("[{one},{one}]")), Ok(2));
        assert_eq!(shares(&format!("[{one}]")).unwrap()[0].amount, 100);
        for (from, to) in [
            ("100", "0"),
            ("100", "1.5"),
            ("100", "\"100\""),
            ("100", "18446744073709551615"),
            ("MERCHANT_ID", "MERCHANT"),
            ("1900000109", ""),
            ("\"description\"", "\"desc\""),
        ] {
            assert!(
                shares_of(&format!("[{}]", one.replace(from, to))).is_err(),
                "{to}"
            );
        }
        for list in ["", "[]", "{}", "[1]", one] {
            assert!(shares_of(list).is_err(), "{list}");
        }
    }
}
