//! The bill operations: a request for a day's bill, and the download of its file.

use http::StatusCode;
use serde_json::{Value, json};

use super::{TradeBill, file, format_date, fund_flow_bill, trade_bill};
use crate::{
    base::crypto::digest::{self, Sha1},
    sandbox::{
        flows::{Route, v3},
        request::Ctx,
        response::{ApiResponse, HandlerResult},
        state::world::{FileEntry, World},
    },
};

/// How long a download URL works, in seconds.
const DOWNLOAD_URL_LIFETIME: u64 = 300;

pub(crate) const ROUTES: &[Route] = &[
    v3("GET v3/bill/tradebill", request_trade_bill),
    v3("GET v3/bill/fundflowbill", request_fund_flow_bill),
    v3("GET v3/billdownload/file", download),
];

fn request_trade_bill(ctx: &Ctx<'_>) -> HandlerResult {
    let bill_type = ctx.optional_query("bill_type");
    let kind = TradeBill::parse(bill_type).ok_or_else(|| {
        let issue = "must be ALL, SUCCESS or REFUND";
        ApiResponse::param_error("bill_type", &bill_type.into(), issue, "query")
    })?;
    let sub_mchid = ctx.optional_query("sub_mchid");
    create_bill(ctx, |world, mchid, date| {
        trade_bill(world, mchid, sub_mchid, date, kind)
    })
}

fn request_fund_flow_bill(ctx: &Ctx<'_>) -> HandlerResult {
    match ctx.optional_query("account_type") {
        None | Some("BASIC") => create_bill(ctx, fund_flow_bill),
        // A merchant of the sandbox has one account.
        Some("OPERATION" | "FEES" | "ALL") => create_bill(ctx, |_, _, _| None),
        Some(other) => {
            let issue = "must be BASIC, OPERATION or FEES";
            Err(ApiResponse::param_error(
                "account_type",
                &other.into(),
                issue,
                "query",
            ))
        }
    }
}

/// Returns the file. The request is signed, as on every APIv3 path, but the response is not: WeChat
/// Pay signs no files, and a client verifies the hash instead.
fn download(ctx: &Ctx<'_>) -> HandlerResult {
    let token = ctx.query("token")?;
    let world = ctx.world();
    let is_theirs = |file: &&FileEntry| file.mchid == ctx.merchant.mchid;
    let file = world.files.get(token).filter(is_theirs);
    let Some(file) = file.filter(|file| ctx.now < file.expires_at) else {
        return Err(ApiResponse::error(
            StatusCode::FORBIDDEN,
            "NO_AUTH",
            "下载链接已失效: a download_url expires after 5 minutes",
        ));
    };
    Ok(ApiResponse::file(file.bytes.clone(), file.content_type))
}

/// Creates the file of a day and returns its URL and hash.
fn create_bill(
    ctx: &Ctx<'_>,
    write: impl FnOnce(&World, &str, &str) -> Option<String>,
) -> HandlerResult {
    let mchid = &ctx.merchant.mchid;
    let date = bill_date(ctx)?;
    let is_gzip = is_gzip(ctx)?;

    let mut world = ctx.world();
    let text = write(&world, mchid, date).ok_or_else(|| {
        ApiResponse::error(
            StatusCode::BAD_REQUEST,
            "NO_STATEMENT_EXIST",
            "账单文件不存在: nothing was paid on that day",
        )
    })?;
    let token = world.token(32);

    // The hash is over the text, also of a compressed file: a client decompresses before it checks.
    let mut hash = Sha1::new();
    hash.update(text.as_bytes());
    let hash = digest::hex_lower(&hash.finish());
    let bytes =
        file(&text, is_gzip).map_err(|_| ApiResponse::system_error("cannot compress the bill"))?;
    world.files.insert(
        token.clone(),
        FileEntry {
            bytes,
            content_type: "application/octet-stream",
            expires_at: ctx.now.saturating_add(DOWNLOAD_URL_LIFETIME),
            mchid: mchid.clone(),
        },
    );
    // Absolute, as WeChat Pay's: a client must treat it as opaque and check its host.
    let origin = ctx.listener.origin();
    let url = format!("{origin}/v3/billdownload/file?token={token}");
    Ok(ApiResponse::ok(&json!({
        "hash_type": "SHA1", "hash_value": hash, "download_url": url,
    })))
}

/// Returns `bill_date`, which must be a day before today.
fn bill_date<'a>(ctx: &'a Ctx<'_>) -> Result<&'a str, ApiResponse> {
    let date = ctx.query("bill_date")?;
    let refuse = |issue: &str| ApiResponse::param_error("bill_date", &date.into(), issue, "query");
    if !is_date(date) {
        return Err(refuse("must be a date such as 2019-06-11"));
    }
    // Dates of this format sort as text.
    if date >= format_date(ctx.now).as_str() {
        return Err(refuse(
            "must be a past day: a bill is created on the next day",
        ));
    }
    Ok(date)
}

/// Returns whether `tar_type` asks for a compressed file.
fn is_gzip(ctx: &Ctx<'_>) -> Result<bool, ApiResponse> {
    match ctx.optional_query("tar_type") {
        None => Ok(false),
        Some("GZIP") => Ok(true),
        Some(other) => Err(ApiResponse::param_error(
            "tar_type",
            &Value::from(other),
            "must be GZIP",
            "query",
        )),
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
