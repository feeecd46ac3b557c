//! What a merchant or its sub-merchant has, now and at the end of a day.
//!
//! A merchant of the sandbox has one account, the basic one; what it has in the others is nothing.

use http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::{
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        Route,
        files::bill::{format_date, past_day},
        v3,
    },
    state::account::Account,
};

pub(super) const ROUTES: &[Route] = &[
    v3("GET v3/merchant/fund/balance/{account_type}", own),
    v3(
        "GET v3/merchant/fund/dayendbalance/{account_type}",
        own_at_end,
    ),
    v3("GET v3/ecommerce/fund/balance/{sub_mchid}", of_sub_merchant),
    v3(
        "GET v3/ecommerce/fund/enddaybalance/{sub_mchid}",
        of_sub_merchant_at_end,
    ),
];

fn own(ctx: &Ctx<'_>) -> HandlerResult {
    let mchid = &ctx.merchant.mchid;
    let account_type = ctx.path("account_type");
    Ok(ApiResponse::ok(&amounts(ctx, mchid, account_type, None)?))
}

fn own_at_end(ctx: &Ctx<'_>) -> HandlerResult {
    let mchid = &ctx.merchant.mchid;
    let (account_type, date) = (ctx.path("account_type"), past_day(ctx, "date")?);
    let body = amounts(ctx, mchid, account_type, Some(date))?;
    Ok(ApiResponse::ok(&body))
}

fn of_sub_merchant(ctx: &Ctx<'_>) -> HandlerResult {
    sub_merchants(ctx, None)
}

fn of_sub_merchant_at_end(ctx: &Ctx<'_>) -> HandlerResult {
    sub_merchants(ctx, Some(past_day(ctx, "date")?))
}

fn sub_merchants(ctx: &Ctx<'_>, date: Option<&str>) -> HandlerResult {
    let account_type = ctx.optional_query("account_type").unwrap_or("BASIC");
    let sub_mchid = sub_merchant(ctx)?;
    let mut body = amounts(ctx, sub_mchid, account_type, date)?;
    body["sub_mchid"] = sub_mchid.into();
    body["account_type"] = account_type.into();
    Ok(ApiResponse::ok(&body))
}

/// Returns what a merchant has now, or had at the end of a day.
fn amounts(
    ctx: &Ctx<'_>,
    mchid: &str,
    account_type: &str,
    date: Option<&str>,
) -> Result<Value, ApiResponse> {
    let is_basic = match account_type {
        "BASIC" => true,
        "OPERATION" | "FEES" | "DEPOSIT" => false,
        other => {
            let issue = "must be BASIC, OPERATION, FEES or DEPOSIT";
            let location = if ctx.path("account_type").is_empty() {
                "query"
            } else {
                "path"
            };
            return Err(ApiResponse::param_error(
                "account_type",
                &other.into(),
                issue,
                location,
            ));
        }
    };
    let world = ctx.world();
    let account = world.stores.get(mchid).map(|store| &store.account);
    let (available, pending) = match (account.filter(|_| is_basic), date) {
        (Some(account), None) => (account.available(), account.frozen()),
        (Some(account), Some(date)) => (at_end_of(account, date), 0),
        (None, _) => (0, 0),
    };
    Ok(json!({ "available_amount": available, "pending_amount": pending }))
}

/// Returns the sub-merchant of the path, for which the signer must act.
fn sub_merchant<'a>(ctx: &'a Ctx<'_>) -> Result<&'a str, ApiResponse> {
    let sub_mchid = ctx.path("sub_mchid");
    match ctx.world().may_act_for(&ctx.merchant.mchid, sub_mchid) {
        true => Ok(sub_mchid),
        false => Err(ApiResponse::error(
            StatusCode::FORBIDDEN,
            "NO_AUTH",
            "特约子商户商户号未授权服务商的产品权限",
        )),
    }
}

/// Returns what an account had at the end of a day, frozen money included: what moved later is taken back.
fn at_end_of(account: &Account, date: &str) -> u64 {
    let later = account.entries().rev();
    let later = later.take_while(|entry| format_date(entry.at).as_str() > date);
    later.fold(account.available() + account.frozen(), |balance, entry| {
        balance.saturating_add_signed(entry.fen.saturating_neg())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::state::account::{Entry, EntryKind};

    #[test]
    fn balance_at_the_end_of_a_day_counts_what_moved_until_then() {
        let mut account = Account::with_balance(1_000);
        // 2018-06-08 10:34:56 in Beijing, and the two days after it.
        for (day, fen) in [(0, 50), (1, -7), (2, 100)] {
            let entry = Entry {
                at: 1_528_425_296 + day * 86_400,
                kind: EntryKind::Payment,
                id: "4200".to_owned(),
                out_no: "tea".to_owned(),
                fen,
            };
            account.post(entry).unwrap();
        }
        account.freeze(5).unwrap();
        for (date, balance) in [
            ("2018-06-07", 1_000),
            ("2018-06-08", 1_050),
            ("2018-06-09", 1_043),
            ("2018-06-10", 1_143),
            ("2018-06-11", 1_143),
        ] {
            assert_eq!(at_end_of(&account, date), balance, "{date}");
        }
    }
}
