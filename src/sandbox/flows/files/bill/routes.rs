//! The bill operations: a request for a day's bill, and the download of its file.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    TradeBill, file, format_date, fund_flow::platform_bill, fund_flow_bill, sharing::sharing_bill,
    trade_bill,
};
use crate::{
    base::crypto::{
        aead,
        digest::{self, Sha1},
    },
    sandbox::{
        checks::merchant::acting_for_query,
        dispatch::{
            request::Ctx,
            response::{ApiResponse, HandlerResult},
        },
        flows::{Route, v3},
        state::{
            files::{FileEntry, FileKind},
            world::World,
        },
    },
};

/// How long the download URL of a bill works, in seconds.
const DOWNLOAD_URL_LIFETIME: u64 = 300;
/// Like it, for a profit sharing bill.
const SHARING_URL_LIFETIME: u64 = 30;

pub(crate) const ROUTES: &[Route] = &[
    v3("GET v3/bill/tradebill", request_trade_bill),
    v3("GET v3/bill/fundflowbill", request_fund_flow_bill),
    v3(
        "GET v3/bill/sub-merchant-fundflowbill",
        request_sub_merchant_bill,
    ),
    v3("GET v3/ecommerce/bill/fundflowbill", request_platform_bill),
    v3("GET v3/profitsharing/bills", request_sharing_bill),
    v3("GET v3/billdownload/file", download),
];

fn request_trade_bill(ctx: &Ctx<'_>) -> HandlerResult {
    let bill_type = ctx.optional_query("bill_type");
    let kind = TradeBill::parse(bill_type).ok_or_else(|| {
        let issue = "must be ALL, SUCCESS or REFUND";
        ApiResponse::param_error("bill_type", &bill_type.into(), issue, "query")
    })?;
    let sub_mchid = ctx.optional_query("sub_mchid");
    let mchid = &ctx.merchant.mchid;
    create_bill(ctx, DOWNLOAD_URL_LIFETIME, |world, date| {
        trade_bill(world, mchid, sub_mchid, date, kind)
    })
}

fn request_fund_flow_bill(ctx: &Ctx<'_>) -> HandlerResult {
    let has_rows = is_basic_account(ctx)?;
    // Whatever `sub_mchid` says: the flow of a sub-merchant is encrypted, under another path.
    let mchid = &ctx.merchant.mchid;
    create_bill(ctx, DOWNLOAD_URL_LIFETIME, |world, date| {
        fund_flow_bill(world, mchid, date).filter(|_| has_rows)
    })
}

fn request_sharing_bill(ctx: &Ctx<'_>) -> HandlerResult {
    let sub_mchid = ctx.optional_query("sub_mchid");
    let mchid = &ctx.merchant.mchid;
    if sub_mchid.is_some_and(|sub_mchid| !ctx.world().may_act_for(mchid, sub_mchid)) {
        return Err(ApiResponse::invalid_request("服务商和分账方无受理关系"));
    }
    create_bill(ctx, SHARING_URL_LIFETIME, |world, date| {
        sharing_bill(world, mchid, sub_mchid, date)
    })
}

/// The fund flow of a sub-merchant, encrypted with a key that only the service provider can open.
fn request_sub_merchant_bill(ctx: &Ctx<'_>) -> HandlerResult {
    ctx.query("sub_mchid")?;
    check_algorithm(ctx)?;
    let has_rows = is_basic_account(ctx)?;
    let acting = acting_for_query(ctx)?;
    create_sealed_bill(ctx, |world, date| {
        fund_flow_bill(world, &acting.mchid, date).filter(|_| has_rows)
    })
}

/// The fund flow of all sub-merchants of an e-commerce platform, encrypted likewise.
fn request_platform_bill(ctx: &Ctx<'_>) -> HandlerResult {
    check_algorithm(ctx)?;
    let account_type = ctx.query("account_type")?;
    if account_type != "ALL" {
        let issue = "must be ALL";
        return Err(ApiResponse::param_error(
            "account_type",
            &account_type.into(),
            issue,
            "query",
        ));
    }
    let mchid = &ctx.merchant.mchid;
    create_sealed_bill(ctx, |world, date| platform_bill(world, mchid, date))
}

fn check_algorithm(ctx: &Ctx<'_>) -> Result<(), ApiResponse> {
    match ctx.query("algorithm")? {
        "AEAD_AES_256_GCM" => Ok(()),
        other => Err(ApiResponse::param_error(
            "algorithm",
            &other.into(),
            "must be AEAD_AES_256_GCM: the sandbox has no SM4",
            "query",
        )),
    }
}

/// Creates the file of a day, and returns its URL, its hash and the key that opens it, sealed for the
/// merchant.
fn create_sealed_bill(
    ctx: &Ctx<'_>,
    write: impl FnOnce(&World, &str) -> Option<String>,
) -> HandlerResult {
    let (date, is_gzip) = (bill_date(ctx)?, is_gzip(ctx)?);
    let (text, key, nonce) = {
        let mut world = ctx.world();
        let text = write(&world, date).ok_or_else(no_statement)?;
        (text, world.token(32), world.token(12))
    };
    let plain = compressed(&text, is_gzip)?;
    let sealed = key
        .as_bytes()
        .try_into()
        .ok()
        .and_then(|key| aead::seal(key, nonce.as_bytes(), b"", &plain).ok())
        .ok_or_else(|| ApiResponse::system_error("cannot encrypt the bill"))?;
    let encrypt_key = ctx.seal(&key)?;
    let url = keep(ctx, sealed.into(), DOWNLOAD_URL_LIFETIME);
    Ok(ApiResponse::ok(&json!({
        "download_bill_count": 1,
        "download_bill_list": [{
            "bill_sequence": 1,
            "download_url": url,
            "encrypt_key": encrypt_key,
            "hash_type": "SHA1",
            "hash_value": sha1(&text),
            "nonce": nonce,
        }],
    })))
}

/// Returns whether `account_type` means the account that a merchant of the sandbox has. It has no other.
fn is_basic_account(ctx: &Ctx<'_>) -> Result<bool, ApiResponse> {
    match ctx.optional_query("account_type") {
        None | Some("BASIC") => Ok(true),
        Some("OPERATION" | "FEES" | "DEPOSIT" | "ALL") => Ok(false),
        Some(other) => Err(ApiResponse::param_error(
            "account_type",
            &other.into(),
            "must be BASIC, OPERATION or FEES",
            "query",
        )),
    }
}

/// Returns the file. The request is signed, as on every APIv3 path, but the response is not: WeChat
/// Pay signs no files, and a client verifies the hash instead.
fn download(ctx: &Ctx<'_>) -> HandlerResult {
    let token = ctx.query("token")?;
    let world = ctx.world();
    let is_theirs = |file: &&FileEntry| file.mchid == ctx.merchant.mchid;
    let file = world.files.get(FileKind::Bill, token).filter(is_theirs);
    let Some(file) = file.filter(|file| ctx.now < file.expires_at) else {
        return Err(ApiResponse::error(
            StatusCode::FORBIDDEN,
            "NO_AUTH",
            "下载链接已失效: a download_url works for 5 minutes, that of a profit sharing bill for 30 seconds",
        ));
    };
    Ok(ApiResponse::file(file.bytes.clone(), file.content_type))
}

/// Creates the file of a day and returns its URL and hash.
fn create_bill(
    ctx: &Ctx<'_>,
    lifetime: u64,
    write: impl FnOnce(&World, &str) -> Option<String>,
) -> HandlerResult {
    let (date, is_gzip) = (bill_date(ctx)?, is_gzip(ctx)?);
    let text = write(&ctx.world(), date).ok_or_else(no_statement)?;
    let url = keep(ctx, compressed(&text, is_gzip)?, lifetime);
    Ok(ApiResponse::ok(&json!({
        "hash_type": "SHA1", "hash_value": sha1(&text), "download_url": url,
    })))
}

/// Keeps a file for the merchant, and returns its URL.
pub(crate) fn keep(ctx: &Ctx<'_>, bytes: Bytes, lifetime: u64) -> String {
    let mut world = ctx.world();
    let token = world.token(32);
    world.files.insert(
        token.clone(),
        FileEntry {
            bytes,
            kind: FileKind::Bill,
            content_type: "application/octet-stream",
            expires_at: ctx.now.saturating_add(lifetime),
            mchid: ctx.merchant.mchid.clone(),
        },
        ctx.now,
    );
    // Absolute, as WeChat Pay's: a client must treat it as opaque and check its host.
    let origin = ctx.listener.origin(ctx.parts);
    format!("{origin}/v3/billdownload/file?token={token}")
}

fn no_statement() -> ApiResponse {
    ApiResponse::error(
        StatusCode::BAD_REQUEST,
        "NO_STATEMENT_EXIST",
        "账单文件不存在: nothing happened on that day",
    )
}

// The hash is over the text, also of a compressed file: a client decompresses before it checks.
pub(crate) fn sha1(text: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(text.as_bytes());
    digest::hex_lower(&hash.finish())
}

fn compressed(text: &str, is_gzip: bool) -> Result<Bytes, ApiResponse> {
    file(text, is_gzip).map_err(|_| ApiResponse::system_error("cannot compress the bill"))
}

/// Returns `bill_date`, which must be a day before today.
pub(crate) fn bill_date<'a>(ctx: &'a Ctx<'_>) -> Result<&'a str, ApiResponse> {
    past_day(ctx, "bill_date")
}

/// Returns a date of the query, which must be a day before today.
pub(crate) fn past_day<'a>(ctx: &'a Ctx<'_>, name: &str) -> Result<&'a str, ApiResponse> {
    let date = ctx.query(name)?;
    let refuse = |issue: &str| ApiResponse::param_error(name, &date.into(), issue, "query");
    if !is_date(date) {
        return Err(refuse("must be a date such as 2019-06-11"));
    }
    // Dates of this format sort as text.
    if date >= format_date(ctx.now).as_str() {
        return Err(refuse(
            "must be a past day: what happened on a day is known on the next one",
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
