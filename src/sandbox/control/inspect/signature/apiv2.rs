//! The check of an APIv2 request.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Steps, difference, put_message, search_v2::Search, text};
use crate::{
    protocol::v2::sign::{SIGN, SignType, check_digest, signed_text},
    sandbox::{
        RecordedRequest,
        state::{SandboxState, merchant::Merchant},
        v2::{self, V2Error},
    },
};

/// Stands for the APIv2 key.
pub(super) const KEY: &str = "●";

pub(super) fn of(state: &SandboxState, request: &RecordedRequest) -> Value {
    let mut steps = Steps::default();
    let query = request.target().split_once('?').map(|(_, query)| query);
    let read = v2::read(request.method(), query, request.headers(), request.body());
    let fields = match read {
        Ok((fields, _)) => fields,
        Err(refused) => {
            let reason = match refused {
                V2Error::Return(reason) => reason,
                _ => String::new(),
            };
            let detail = text(
                format!("The fields cannot be read: {reason}"),
                format!("无法读取参数：{reason}"),
            );
            steps.add("fields", Some(false), &detail);
            return json!({ "scheme": null, "steps": steps.shown, "found": null });
        }
    };
    let detail = text(
        format!("The request has {} fields.", fields.len()),
        format!("请求有 {} 个参数。", fields.len()),
    );
    steps.add("fields", Some(true), &detail);
    let mchid = v2::merchant_id(&fields);
    let merchant = merchant(&mut steps, state, mchid);
    let asked_for = v2::asked_for(&fields, request.path()).ok();
    sign_type(&mut steps, &fields, asked_for);
    let is_signed = sign(&mut steps, &fields, merchant.as_deref(), asked_for);

    let given = fields.get(SIGN).and_then(Value::as_str);
    let mut shown = json!({
        "scheme": asked_for.map(SignType::name),
        "steps": steps.shown,
        "signed_by": { "mchid": mchid },
        "signature": given,
        "found": null,
    });
    let Ok(signed) = signed_text(&fields) else {
        return shown;
    };
    let built = format!("{signed}&key={KEY}");
    put_message(&mut shown, built.as_bytes());
    if let (Some(false), Some(given), Some(merchant)) = (is_signed, given, &merchant) {
        let mut search = Search::new(state, &fields, given, merchant, asked_for);
        if let Some(found) = search.run() {
            shown["found"] = json!({
                "id": found.id,
                "change": found.change.en,
                "change_zh": found.change.zh,
                "difference_at": difference(built.as_bytes(), found.message.as_bytes()),
            });
            put_message(&mut shown["found"], found.message.as_bytes());
        }
        shown["tried"] = search.tried().into();
    }
    shown
}

fn merchant(steps: &mut Steps, state: &SandboxState, mchid: Option<&str>) -> Option<Arc<Merchant>> {
    let merchant = mchid.and_then(|mchid| state.merchants.get(mchid));
    let detail = match (mchid, &merchant) {
        (None, _) => text(
            "No field names the merchant: expected mch_id.",
            "没有参数指明商户，应有mch_id。",
        ),
        (Some(mchid), None) => text(
            format!("The sandbox has no merchant {mchid:.64}."),
            format!("沙箱没有商户 {mchid:.64}。"),
        ),
        (Some(mchid), Some(_)) => text(
            format!("{mchid} is a merchant of the sandbox."),
            format!("{mchid} 是沙箱的商户。"),
        ),
    };
    steps.add("merchant", Some(merchant.is_some()), &detail);
    merchant
}

fn sign_type(steps: &mut Steps, fields: &Map<String, Value>, asked_for: Option<SignType>) {
    let given = fields.get("sign_type").and_then(Value::as_str);
    let detail = match (asked_for, given) {
        (None, given) => {
            let given = given.unwrap_or_default();
            text(
                format!("The sign_type is {given:.64}: expected MD5 or HMAC-SHA256."),
                format!("sign_type 为 {given:.64}，应为 MD5 或 HMAC-SHA256。"),
            )
        }
        (Some(asked_for), _) => {
            let name = asked_for.name();
            text(
                format!("The sign is made with {name}."),
                format!("签名类型为 {name}。"),
            )
        }
    };
    steps.add("sign_type", Some(asked_for.is_some()), &detail);
}

/// Returns whether the sign is right, if there is a key to tell.
fn sign(
    steps: &mut Steps,
    fields: &Map<String, Value>,
    merchant: Option<&Merchant>,
    asked_for: Option<SignType>,
) -> Option<bool> {
    let has_sign = fields
        .get(SIGN)
        .is_some_and(|sign| sign.as_str() != Some(""));
    let made_with = merchant.map(|merchant| check_digest(fields, &merchant.apiv2).ok());
    let (is_ok, detail) = match made_with {
        _ if !has_sign => (
            Some(false),
            text("The fields have no sign.", "参数中没有sign。"),
        ),
        None => (
            None,
            text(
                "The sign cannot be checked without the merchant's APIv2 key.",
                "没有商户的APIv2密钥，无法验签。",
            ),
        ),
        Some(None) => (
            Some(false),
            text(
                "The sign does not fit the fields: another text was signed, or with another key.",
                "sign与参数不符：签名时用了不同的串，或不同的密钥。",
            ),
        ),
        Some(Some(made_with)) if asked_for.is_some_and(|asked_for| asked_for != made_with) => (
            Some(false),
            text(
                format!(
                    "The sign was made with {}, not as sign_type says.",
                    made_with.name()
                ),
                format!("sign是用 {} 计算的，与签名类型不符。", made_with.name()),
            ),
        ),
        Some(Some(_)) => (
            Some(true),
            text(
                "The sign fits the fields, with the merchant's APIv2 key.",
                "用商户的APIv2密钥验签通过。",
            ),
        ),
    };
    steps.add("signature", is_ok, &detail);
    is_ok
}
