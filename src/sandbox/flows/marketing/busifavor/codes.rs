//! Codes that a merchant uploads for the coupons of a stock.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Code, CodeMode, MAX_COUPONS, Tables, key, refusals};
use crate::sandbox::{dispatch::refusal::Refusal, time::format_rfc3339};

/// How many codes an upload can have.
pub(super) const MAX_UPLOAD: usize = 200;
/// How long a code can be.
pub(super) const MAX_CODE: usize = 32;

/// Adds codes, and returns the response.
pub(super) fn upload(
    tables: &mut Tables,
    stock_id: &str,
    codes: &[String],
    now: u64,
) -> Result<Value, Refusal> {
    if tables.stock(stock_id)?.mode != CodeMode::Upload {
        return Err(refusals::wrong_mode());
    }
    let room = MAX_COUPONS.saturating_sub(tables.codes.iter().count());
    let (mut seen, mut added) = (HashSet::new(), Vec::new());
    let (mut exist, mut duplicate, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for code in codes {
        let fail = |code: &str, error: &str, message: &str| json!({ "coupon_code": code, "code": error, "message": message });
        if !seen.insert(code) {
            duplicate.push(code.as_str());
        } else if !is_code(code) {
            failed.push(fail(code, "PARAM_ERROR", "券code不合法"));
        } else if tables.codes.get(&key(stock_id, code)).is_some() {
            exist.push(code.as_str());
        } else if added.len() >= room {
            failed.push(fail(
                code,
                "FREQUENCY_LIMITED",
                "the sandbox keeps 10,000 codes",
            ));
        } else {
            added.push(code.as_str());
        }
    }
    for code in &added {
        let code = Code {
            stock_id: stock_id.to_owned(),
            code: (*code).to_owned(),
            uploaded_at: now,
            dispatched_at: None,
        };
        tables.codes.insert(key(stock_id, &code.code), code);
    }
    Ok(json!({
        "stock_id": stock_id,
        "total_count": codes.len(),
        "success_count": added.len(),
        "success_codes": added,
        "success_time": format_rfc3339(now),
        "fail_count": failed.len(),
        "fail_codes": failed,
        "exist_codes": exist,
        "duplicate_codes": duplicate,
    }))
}

/// Deletes a code that no coupon has, and returns the response.
pub(super) fn delete(
    tables: &mut Tables,
    stock_id: &str,
    code: &str,
    now: u64,
) -> Result<Value, Refusal> {
    tables.stock(stock_id)?;
    let known = tables.codes.get(&key(stock_id, code));
    if known
        .ok_or_else(refusals::no_coupon)?
        .dispatched_at
        .is_some()
    {
        return Err(refusals::invalid("券code已被发放，不能删除"));
    }
    tables.codes.remove(&key(stock_id, code));
    Ok(json!({ "stock_id": stock_id, "delete_time": format_rfc3339(now) }))
}

/// Takes the oldest code that no coupon has.
pub(super) fn take(tables: &mut Tables, stock_id: &str, now: u64) -> Option<String> {
    let is_free = |code: &Code| code.stock_id == stock_id && code.dispatched_at.is_none();
    let code = tables.codes.find(is_free)?.code.clone();
    tables.codes.get_mut(&key(stock_id, &code))?.dispatched_at = Some(now);
    Some(code)
}

/// Returns whether a merchant can choose this code.
pub(super) fn is_code(code: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(is_plain)
}
