//! Bills, which APIv2 sends at once.

use super::reply::wrong;
use crate::sandbox::{
    flows::files::bill::{self, TradeBill, file, format_date},
    time::parse_compact,
    v2::{V2Ctx, V2Error, V2Reply, V2Result},
};

/// Returns the trade bill of a day.
pub(super) fn trade(ctx: &V2Ctx<'_>) -> V2Result {
    ctx.bound_app("appid")?;
    let (date, is_gzip) = asked(ctx)?;
    let bill_type = ctx.optional("bill_type");
    let kind = TradeBill::parse(bill_type).ok_or(INVALID_BILL_TYPE)?;
    let sub_mchid = ctx.optional("sub_mch_id");
    let text = {
        let world = ctx.world();
        bill::trade_bill(&world, &ctx.merchant.mchid, sub_mchid, &date, kind)
    };
    table(&text.ok_or(NO_BILL)?, is_gzip)
}

/// Returns the fund flow bill of a day.
pub(super) fn fund_flow(ctx: &V2Ctx<'_>) -> V2Result {
    ctx.bound_app("appid")?;
    let (date, is_gzip) = asked(ctx)?;
    let text = match ctx.text("account_type")? {
        "Basic" => bill::fund_flow_bill(&ctx.world(), &ctx.merchant.mchid, &date),
        // A merchant of the sandbox has one account.
        "Operation" | "Fees" => None,
        _ => return Err(wrong("account_type")),
    };
    // Unlike the trade bill, it has the error codes of other operations.
    let text = text.ok_or_else(|| V2Error::Result {
        code: "NO_BILL_EXIST",
        message: "账单不存在".to_owned(),
    })?;
    table(&text, is_gzip)
}

const NO_BILL: V2Error = V2Error::Bill {
    code: 20002,
    message: "No Bill Exist",
};
const INVALID_BILL_TYPE: V2Error = V2Error::Bill {
    code: 20001,
    message: "invalid bill_type",
};

/// Returns the day of a bill, as `2018-06-08`, and whether it is to be compressed.
fn asked(ctx: &V2Ctx<'_>) -> Result<(String, bool), V2Error> {
    let text = ctx.text("bill_date")?;
    let start = parse_compact(text).filter(|_| text.len() == 8);
    let date = format_date(start.ok_or_else(|| wrong("bill_date"))?);
    // A bill is made on the next day. Dates of this format sort as text.
    if date >= format_date(ctx.now) {
        return Err(NO_BILL);
    }
    match ctx.optional("tar_type") {
        None => Ok((date, false)),
        Some("GZIP") => Ok((date, true)),
        Some(_) => Err(wrong("tar_type")),
    }
}

fn table(text: &str, is_gzip: bool) -> V2Result {
    let bytes = file(text, is_gzip).map_err(|_| V2Error::Result {
        code: "SYSTEMERROR",
        message: "cannot compress the bill".to_owned(),
    })?;
    Ok(V2Reply::Table(bytes))
}
