//! Bills are asked for by day, named by a URL that lives for minutes, fetched unsigned.

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

use super::{
    super::{
        answer::{Answer, Answered},
        call::Call,
        seal::Unsigned,
        transaction::Paid,
        world::World,
    },
    File, fund_flow_bill, trade_bill, written,
};
use crate::base::crypto::digest::{self, Sha1};

/// How long a URL lives, in seconds.
const LIFE: u64 = 300;

pub(in crate::sandbox) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/v3/bill/tradebill", get(trade))
        .route("/v3/bill/fundflowbill", get(fund_flow))
        .route("/v3/billdownload/file", get(file))
}

async fn trade(call: Call) -> Answered {
    match call.optional_query("bill_type") {
        None | Some("ALL" | "SUCCESS") => {}
        Some(other) => {
            let issue = "must be ALL or SUCCESS: the sandbox has no refunds";
            return Err(Answer::param_error(
                "bill_type",
                &other.into(),
                issue,
                "query",
            ));
        }
    }
    ready(&call, trade_bill)
}

async fn fund_flow(call: Call) -> Answered {
    ready(&call, |paid, _| fund_flow_bill(paid))
}

/// The file itself: signed for, and not signed.
async fn file(call: Call) -> Result<Response, Answer> {
    let token = call.query("token")?;
    let ledger = call.world().ledger();
    let now = call.world().clock.now();
    let found = ledger.files.get(token).filter(|file| now < file.expires);
    let Some(found) = found else {
        return Err(Answer::error(
            StatusCode::FORBIDDEN,
            "NO_AUTH",
            "下载链接已失效: the download_url lives 5 minutes",
        ));
    };
    let mut response = Body::from(found.bytes.clone()).into_response();
    response.extensions_mut().insert(Unsigned);
    Ok(response)
}

/// Makes the file of a day and says where it is.
fn ready(call: &Call, make: impl FnOnce(&[Paid<'_>], &str) -> String) -> Answered {
    let world = call.world();
    let now = world.clock.now();
    let day = call.query("bill_date")?;
    let refuse = |issue: &str| Answer::param_error("bill_date", &day.into(), issue, "query");
    if !is_day(day) {
        return Err(refuse("must be a day such as 2019-06-11"));
    }
    let today: String = written(now).chars().take(10).collect();
    if day >= today.as_str() {
        return Err(refuse("must have passed: a day's bill is made on the next"));
    }
    let packed = match call.optional_query("tar_type") {
        None => false,
        Some("GZIP") => true,
        Some(other) => {
            let value = Value::from(other);
            return Err(Answer::param_error(
                "tar_type",
                &value,
                "must be GZIP",
                "query",
            ));
        }
    };
    let token = world.draw_token(32)?;
    let mut ledger = world.ledger();
    let mut paid = ledger
        .transactions
        .iter()
        .filter_map(|transaction| transaction.paid())
        .filter(|paid| written(paid.time).starts_with(day))
        .collect::<Vec<_>>();
    if paid.is_empty() {
        return Err(Answer::error(
            StatusCode::BAD_REQUEST,
            "NO_STATEMENT_EXIST",
            "账单文件不存在: nothing was paid on that day",
        ));
    }
    paid.sort_by_key(|paid| paid.time);
    let text = make(&paid, world.mchid());
    drop(paid);
    let mut hash = Sha1::new();
    hash.update(text.as_bytes());
    let hash = digest::hex_lower(&hash.finish());
    let bytes = match packed {
        true => gzip(text.as_bytes())?,
        false => text.into(),
    };
    ledger.files.insert(
        token.clone(),
        File {
            bytes,
            expires: now.saturating_add(LIFE),
        },
    );
    let url = format!(
        "http://{}/v3/billdownload/file?token={token}",
        world.address
    );
    Ok(Answer::ok(&json!({
        "hash_type": "SHA1", "hash_value": hash, "download_url": url,
    })))
}

fn gzip(text: &[u8]) -> Result<Bytes, Answer> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed
        .write_all(text)
        .and_then(|()| packed.finish())
        .map(Bytes::from)
        .map_err(|_| {
            Answer::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "SYSTEM_ERROR",
                "系统错误",
            )
        })
}

fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
