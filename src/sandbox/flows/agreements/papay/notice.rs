//! The notifications of contracts, in the version of the API that made them.

use serde_json::{Map, Value};

use super::{Contract, State};
use crate::sandbox::{
    flows::payments::pay::{engine::Version, notice::signer},
    outbox::{Content, Notice},
    time::format_date_time,
};

/// Returns the notification of a signature, or `None` if nobody asked for one.
pub(super) fn signed(contract: &Contract, now: u64) -> Option<Notice> {
    let url = contract.asked.sign_url.clone()?;
    Some(notice(contract, url, ("ENTRUST.SIGN", "ADD"), now))
}

/// Returns the notification of a termination, or `None` if nobody asked for one.
pub(super) fn terminated(contract: &Contract, now: u64) -> Option<Notice> {
    let url = contract.asked.terminate_url.clone()?;
    Some(notice(contract, url, ("ENTRUST.TERMINATE", "DELETE"), now))
}

fn notice(contract: &Contract, url: String, (event, change): (&str, &str), now: u64) -> Notice {
    let content = match contract.asked.version {
        Version::V3 => Content::V3 {
            event_type: event.to_owned(),
            original_type: "entrust",
            summary: match change {
                "ADD" => "签约成功",
                _ => "解约成功",
            },
            resource: contract.notice_body(now),
        },
        Version::V2 { hmac } => Content::V2 {
            fields: v2_fields(contract, change, hmac, now),
            req_info: None,
        },
    };
    Notice {
        mchid: signer(&contract.asked.acting),
        url,
        content,
    }
}

fn v2_fields(contract: &Contract, change: &str, hmac: bool, now: u64) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    put("return_code", "SUCCESS");
    put("result_code", "SUCCESS");
    let (asked, acting) = (&contract.asked, &contract.asked.acting);
    match &acting.sp_mchid {
        None => put("mch_id", &acting.mchid),
        Some(sp_mchid) => {
            put("mch_id", sp_mchid);
            put("sub_mch_id", &acting.mchid)
        }
    };
    put("appid", &asked.appid);
    if let Some(sub_appid) = &asked.sub_appid {
        put("sub_appid", sub_appid);
    }
    for (name, value) in contract.v2_fields() {
        // The query has the state as a number, the notification as a change.
        if !name.starts_with("contract_state") {
            put(name, &value);
        }
    }
    put("change_type", change);
    let at = match &contract.state {
        State::Terminated(_, termination) => termination.at,
        State::Signed(signature) => signature.at,
        State::Open => now,
    };
    put("operate_time", &format_date_time(at));
    if hmac {
        put("sign_type", "HMAC-SHA256");
    }
    fields
}
