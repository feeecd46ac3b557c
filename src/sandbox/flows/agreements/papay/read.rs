//! Reads a contract from the fields of a request, and refuses a field that breaks its rule.

use serde_json::Value;

use super::{
    NewContract,
    period::{self, Schedule},
};
use crate::sandbox::{
    checks::{fields::Fields, merchant::Acting},
    dispatch::response::ApiResponse,
    flows::payments::pay::{
        engine::{Payer, Version},
        read::MAX_TOTAL,
    },
    state::merchant::Merchant,
};

/// The event whose URL is configured on the merchant platform. Without one, the URL of the signature is used.
const TERMINATED: &str = "ENTRUST.TERMINATE";

/// Reads a contract that a user signs without paying.
pub(super) fn new_contract(
    fields: &Fields<'_>,
    acting: Acting,
    merchant: &Merchant,
    now: u64,
) -> Result<NewContract, ApiResponse> {
    let owned = |name, max| -> Result<Option<String>, ApiResponse> {
        Ok(fields.optional_text(name, max)?.map(str::to_owned))
    };
    let is_direct = acting.sp_mchid.is_none();
    let (appid, openid) = match is_direct {
        true => ("appid", "openid"),
        false => ("sp_appid", "sp_openid"),
    };
    let user = Payer {
        openid: owned(openid, 128)?,
        sub_openid: match is_direct {
            true => None,
            false => owned("sub_openid", 128)?,
        },
    };
    let sub_appid = match is_direct {
        true => None,
        false => owned("sub_appid", 32)?,
    };
    let sign_url = fields.url("contract_notify_url")?.to_owned();
    Ok(NewContract {
        appid: fields.text(appid, 32)?.to_owned(),
        sub_appid,
        plan_id: fields.integer("plan_id", 1..=i64::MAX as u64)?.to_string(),
        code: code(fields, "out_contract_code")?.to_owned(),
        display_account: fields.text("contract_display_account", 64)?.to_owned(),
        user,
        user_code: owned("out_user_code", 64)?,
        serial: None,
        terminate_url: Some(terminate_url(merchant, TERMINATED, &sign_url)),
        sign_url: Some(sign_url),
        schedule: schedule(fields, now)?,
        signed_by: None,
        version: Version::V3,
        request: Value::Object(fields.as_map().clone()),
        acting,
    })
}

/// Reads the contract that is signed with a payment. Returns `None` if the request has another kind of
/// authorization instead.
pub(super) fn paid_contract(
    fields: &Fields<'_>,
    acting: Acting,
    merchant: &Merchant,
) -> Result<Option<NewContract>, ApiResponse> {
    let info = fields.object("contract_info")?;
    let without_password = info.has("password_free_contract_id") || info.has("token");
    if without_password && !info.has("plan_id") {
        return Ok(None);
    }
    let plan_id = info.text("plan_id", 28)?;
    if plan_id.parse::<u64>().is_err() {
        return Err(info.error("plan_id", "must be a number"));
    }
    let signer = info.text("contract_mchid", 32)?;
    if signer != merchant.mchid && signer != acting.mchid {
        return Err(info.error("contract_mchid", "must be the merchant of the order"));
    }
    let sub_appid = fields.optional_text("sub_appid", 32)?;
    let appid = match acting.sp_mchid {
        None => fields.text("appid", 32)?,
        Some(_) => fields.text("sp_appid", 32)?,
    };
    if ![Some(appid), sub_appid].contains(&Some(info.text("contract_appid", 32)?)) {
        return Err(info.error("contract_appid", "must be the app of the order"));
    }
    let sign_url = match info.has("contract_notify_url") {
        true => Some(info.url("contract_notify_url")?.to_owned()),
        false => None,
    };
    let serial = info.text("request_serial", 64)?;
    let display_account = info.text("contract_display_account", 128)?;
    let named = sign_url.as_deref().unwrap_or_default();
    let terminate_url = Some(terminate_url(merchant, TERMINATED, named));
    Ok(Some(NewContract {
        appid: appid.to_owned(),
        sub_appid: sub_appid.map(str::to_owned),
        plan_id: plan_id.to_owned(),
        code: code(&info, "contract_code")?.to_owned(),
        display_account: display_account.to_owned(),
        // Who pays signs.
        user: Payer::default(),
        user_code: None,
        serial: Some(serial.to_owned()),
        terminate_url: terminate_url.filter(|url| !url.is_empty()),
        sign_url,
        schedule: None,
        signed_by: Some(fields.merchant_order_number("out_trade_no", 6)?.to_owned()),
        version: Version::V3,
        request: Value::Object(info.as_map().clone()),
        acting,
    }))
}

/// Returns the URL for the end of a contract.
// It is set on the merchant platform in reality, with the plan.
pub(crate) fn terminate_url(merchant: &Merchant, event: &str, sign_url: &str) -> String {
    merchant.url_of(event).unwrap_or(sign_url).to_owned()
}

/// Reads an amount in fen.
pub(super) fn fen(amount: &Fields<'_>, name: &str) -> Result<u64, ApiResponse> {
    let fen = amount.integer(name, 1..=MAX_TOTAL)?;
    match amount.optional_text("currency", 16)?.unwrap_or("CNY") {
        "CNY" => Ok(fen),
        _ => Err(amount.error("currency", "must be CNY")),
    }
}

fn code<'a>(fields: &Fields<'a>, name: &str) -> Result<&'a str, ApiResponse> {
    fields.merchant_order_number(name, 1)
}

fn schedule(fields: &Fields<'_>, now: u64) -> Result<Option<Schedule>, ApiResponse> {
    let Some(schedule) = fields.optional_object("deduct_schedule")? else {
        return Ok(None);
    };
    const DATE: &str = "estimated_deduct_date";
    let day = period::parse_day(schedule.text(DATE, 10)?);
    let day = day.ok_or_else(|| schedule.error(DATE, "must be a date such as 2019-11-22"))?;
    // It has to be scheduled on the day before.
    if day <= period::day(now) {
        return Err(schedule.error(DATE, "must be after today"));
    }
    schedule.text("description", 64)?;
    let fen = fen(&schedule.object("estimated_deduct_amount")?, "total")?;
    Ok(Some(Schedule::new(day, fen)))
}
