//! The bill operations: a request for a day's bill, and the download of its file.

use std::{io::Write as _, sync::Arc};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::StatusCode;
use serde_json::{Value, json};

use super::{BillFile, format_date, fund_flow::fund_flow_bill, trade::trade_bill};
use crate::{
    base::crypto::digest::{self, Sha1},
    sandbox::{
        flows::transaction::PaidTransaction,
        request::ApiRequest,
        response::{ApiResponse, HandlerResult},
        server::Unsigned,
        state::SandboxState,
    },
};

/// How long a download URL works, in seconds.
const DOWNLOAD_URL_LIFETIME: u64 = 300;

pub(crate) fn routes() -> Router<Arc<SandboxState>> {
    Router::new()
        .route("/v3/bill/tradebill", get(request_trade_bill))
        .route("/v3/bill/fundflowbill", get(request_fund_flow_bill))
        .route("/v3/billdownload/file", get(download))
}

async fn request_trade_bill(request: ApiRequest) -> HandlerResult {
    match request.optional_query("bill_type") {
        // Without refunds, both list the same rows.
        None | Some("ALL" | "SUCCESS") => {}
        Some(other) => {
            let issue = "must be ALL or SUCCESS: the sandbox has no refunds";
            return Err(ApiResponse::param_error(
                "bill_type",
                &other.into(),
                issue,
                "query",
            ));
        }
    }
    create_bill(&request, trade_bill)
}

async fn request_fund_flow_bill(request: ApiRequest) -> HandlerResult {
    create_bill(&request, |payments, _| fund_flow_bill(payments))
}

/// Returns the file. The request is signed, as on every APIv3 path, but the response is not: WeChat
/// Pay signs no files, and a client verifies the hash instead.
async fn download(request: ApiRequest) -> Result<Response, ApiResponse> {
    let token = request.query("token")?;
    let ledger = request.state().ledger();
    let now = request.state().clock.now();
    let bill = ledger.bills.get(token).filter(|bill| now < bill.expires_at);
    let Some(bill) = bill else {
        return Err(ApiResponse::error(
            StatusCode::FORBIDDEN,
            "NO_AUTH",
            "下载链接已失效: a download_url expires after 5 minutes",
        ));
    };
    let mut response = Body::from(bill.bytes.clone()).into_response();
    response.extensions_mut().insert(Unsigned);
    Ok(response)
}

/// Creates the file of a day and returns its URL and hash.
fn create_bill(
    request: &ApiRequest,
    write: impl FnOnce(&[PaidTransaction<'_>], &str) -> String,
) -> HandlerResult {
    let state = request.state();
    let now = state.clock.now();
    let date = bill_date(request, now)?;
    let is_gzip = is_gzip(request)?;
    let token = state.random_token(32)?;

    let mut ledger = state.ledger();
    let mut payments = ledger
        .transactions
        .iter()
        .filter_map(|transaction| transaction.paid())
        .filter(|payment| format_date(payment.time) == date)
        .collect::<Vec<_>>();
    if payments.is_empty() {
        return Err(ApiResponse::error(
            StatusCode::BAD_REQUEST,
            "NO_STATEMENT_EXIST",
            "账单文件不存在: nothing was paid on that day",
        ));
    }
    // Orders are kept by creation; a bill lists payments by time.
    payments.sort_by_key(|payment| payment.time);
    let text = write(&payments, state.mchid());
    drop(payments);

    // The hash is over the text, also of a compressed file: a client decompresses before it checks.
    let mut hash = Sha1::new();
    hash.update(text.as_bytes());
    let hash = digest::hex_lower(&hash.finish());
    let bytes = match is_gzip {
        true => gzip(text.as_bytes())?,
        false => text.into(),
    };
    ledger.bills.insert(
        token.clone(),
        BillFile {
            bytes,
            expires_at: now.saturating_add(DOWNLOAD_URL_LIFETIME),
        },
    );
    // Absolute, as WeChat Pay's: a client must treat it as opaque and check its host.
    let url = format!(
        "http://{}/v3/billdownload/file?token={token}",
        state.address
    );
    Ok(ApiResponse::ok(&json!({
        "hash_type": "SHA1", "hash_value": hash, "download_url": url,
    })))
}

/// Returns `bill_date`, which must be a day before today.
fn bill_date(request: &ApiRequest, now: u64) -> Result<&str, ApiResponse> {
    let date = request.query("bill_date")?;
    let refuse = |issue: &str| ApiResponse::param_error("bill_date", &date.into(), issue, "query");
    if !is_date(date) {
        return Err(refuse("must be a date such as 2019-06-11"));
    }
    // Dates of this format sort as text.
    if date >= format_date(now).as_str() {
        return Err(refuse(
            "must be a past day: a bill is created on the next day",
        ));
    }
    Ok(date)
}

/// Returns whether `tar_type` asks for a compressed file.
fn is_gzip(request: &ApiRequest) -> Result<bool, ApiResponse> {
    match request.optional_query("tar_type") {
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

fn gzip(text: &[u8]) -> Result<Bytes, ApiResponse> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text)
        .and_then(|()| encoder.finish())
        .map(Bytes::from)
        .map_err(|_| ApiResponse::system_error("cannot compress the bill"))
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
