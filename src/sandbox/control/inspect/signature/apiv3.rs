//! The check of an APIv3 request.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Steps, Text, difference, put_message, search, text};
use crate::sandbox::{
    RecordedRequest,
    checks::{
        BRAND_SCHEME, SCHEME, USED_NONCE,
        authorization::{Authorization, Defect, SignedMessage, Signer},
        multipart,
    },
    dispatch::pipeline,
    state::{SandboxState, merchant::Merchant, nonces::MAX_SKEW_SECONDS},
};

pub(super) fn of(state: &SandboxState, request: &RecordedRequest) -> Value {
    let mut steps = Steps::default();
    let authorization = match Authorization::parse(request.headers()) {
        Ok(authorization) => authorization,
        Err(defect) => {
            steps.add("authorization", Some(false), &explained(defect));
            return json!({ "scheme": null, "steps": steps.shown, "found": null });
        }
    };
    steps.add(
        "authorization",
        Some(true),
        &text("The header has all five values.", "请求头包含全部五个值。"),
    );
    scheme(&mut steps, request, &authorization);
    timestamp(&mut steps, request, &authorization);
    let merchant = authorization.merchant(state);
    known_signer(&mut steps, &authorization, merchant.as_ref());
    let form = multipart::parse(request.headers(), request.body()).ok();
    let message = SignedMessage {
        method: request.method().as_str(),
        target: request.target(),
        timestamp: authorization.timestamp,
        nonce: authorization.nonce,
        body: form.as_ref().map_or(&request.body()[..], |form| form.meta),
    };
    let built = message.to_bytes();
    let is_signed = merchant.as_ref().map(|merchant| {
        let (_, key) = authorization.key(merchant);
        key.has_signed(&built, authorization.signature)
    });
    signature(&mut steps, authorization.signature, is_signed);
    nonce(&mut steps, state, request, &authorization);

    let mut shown = json!({
        "scheme": match authorization.signer {
            Signer::Merchant(_) => SCHEME,
            Signer::Brand(_) => BRAND_SCHEME,
        },
        "steps": steps.shown,
        "signed_by": match authorization.signer {
            Signer::Merchant(mchid) => json!({ "mchid": mchid, "serial": authorization.serial }),
            Signer::Brand(id) => json!({ "brand_id": id, "serial": authorization.serial }),
        },
        "signature": authorization.signature,
        "found": null,
    });
    put_message(&mut shown, &built);
    if is_signed != Some(true) {
        let mut search = search::Search::new(state, request, &authorization, message);
        if let Some(found) = search.run() {
            shown["found"] = json!({
                "id": found.id,
                "change": found.change.en,
                "change_zh": found.change.zh,
                "difference_at": difference(&built, &found.message),
            });
            put_message(&mut shown["found"], &found.message);
        }
        shown["tried"] = search.tried().into();
    }
    shown
}

/// Says what is wrong with the form of the header.
fn explained(defect: Defect<'_>) -> Text {
    match defect {
        Defect::NoHeader => text(
            "The request has no Authorization header.",
            "请求没有Authorization头。",
        ),
        Defect::SeveralHeaders => text(
            "The request has several Authorization headers: nothing says which of them counts.",
            "请求有多个Authorization头，无法确定以哪个为准。",
        ),
        Defect::NotAscii => text(
            "The header has characters that are not visible ASCII.",
            "请求头含有可见ASCII以外的字符。",
        ),
        Defect::OneWord(scheme) | Defect::Scheme(scheme) => text(
            format!(
                "The header begins with \"{scheme:.64}\": expected \"{SCHEME} \" and then the values."
            ),
            format!("认证类型为\"{scheme:.64}\"，应为\"{SCHEME}\"加一个空格，后接各值。"),
        ),
        Defect::Pair(pair) => text(
            format!(
                "\"{pair:.64}\" is not a pair name=\"value\". Pairs are separated by commas, and values are in quotes."
            ),
            format!(
                "\"{pair:.64}\"不是 name=\"value\" 的形式：各对之间用逗号分隔，值用双引号括起。"
            ),
        ),
        Defect::Unknown(name) => text(
            format!("The header has an unknown value {name:.64}."),
            format!("请求头含有未知的值 {name:.64}。"),
        ),
        Defect::Twice(name) => text(
            format!("The header has {name} twice."),
            format!("请求头中 {name} 出现两次。"),
        ),
        Defect::Missing(name) => text(
            format!("The header has no {name}."),
            format!("请求头缺少 {name}。"),
        ),
        Defect::LongNonce => text(
            "The nonce_str has more than 128 characters.",
            "nonce_str 超过128个字符。",
        ),
    }
}

fn scheme(steps: &mut Steps, request: &RecordedRequest, authorization: &Authorization<'_>) {
    let path = pipeline::documented_path(request.path());
    let (is_brand, is_brand_path) = (
        matches!(authorization.signer, Signer::Brand(_)),
        pipeline::is_brand(path),
    );
    let detail = match is_brand_path {
        true => text(
            format!("A brand signs the paths below /brand/, with {BRAND_SCHEME}."),
            format!("/brand/ 下的路径由品牌签名，认证类型为 {BRAND_SCHEME}。"),
        ),
        false => text(
            format!("A merchant signs this path, with {SCHEME}."),
            format!("该路径由商户签名，认证类型为 {SCHEME}。"),
        ),
    };
    steps.add("scheme", Some(is_brand == is_brand_path), &detail);
}

fn timestamp(steps: &mut Steps, request: &RecordedRequest, authorization: &Authorization<'_>) {
    let arrived = request.at() / 1_000;
    let Some(seconds) = authorization.seconds() else {
        let detail = text(
            "The timestamp is not a number of seconds.",
            "时间戳不是以秒为单位的数字。",
        );
        return steps.add("timestamp", Some(false), &detail);
    };
    let offset = i128::from(seconds) - i128::from(arrived);
    let is_ok = offset.unsigned_abs() <= u128::from(MAX_SKEW_SECONDS);
    let detail = if !is_ok && authorization.timestamp.len() >= 13 {
        text(
            "The timestamp seems to be in milliseconds: expected seconds since 1970.",
            "时间戳似乎以毫秒为单位，应为1970年以来的秒数。",
        )
    } else {
        distance(offset)
    };
    steps.add("timestamp", Some(is_ok), &detail);
    steps.with("offset_s", i64::try_from(offset).unwrap_or(i64::MAX));
}

/// Says how far a timestamp is from the arrival, in seconds.
fn distance(offset: i128) -> Text {
    let seconds = offset.unsigned_abs();
    let (side, side_zh) = match offset {
        0 => {
            return text(
                "The timestamp is of the second in which the request arrived.",
                "时间戳与请求到达的时间在同一秒。",
            );
        }
        1.. => ("after", "晚"),
        _ => ("before", "早"),
    };
    text(
        format!(
            "The timestamp is {seconds} s {side} the request arrived: at most {MAX_SKEW_SECONDS} s are allowed."
        ),
        format!(
            "时间戳比请求到达的时间{side_zh} {seconds} 秒，最多允许相差 {MAX_SKEW_SECONDS} 秒。"
        ),
    )
}

/// The merchant or brand, and its serial.
fn known_signer(
    steps: &mut Steps,
    authorization: &Authorization<'_>,
    merchant: Option<&Arc<Merchant>>,
) {
    let (kind, kind_zh, id) = match authorization.signer {
        Signer::Merchant(mchid) => ("merchant", "商户", mchid),
        Signer::Brand(id) => ("brand", "品牌", id),
    };
    let Some(merchant) = merchant else {
        let detail = text(
            format!("The sandbox has no {kind} {id:.64}."),
            format!("沙箱没有{kind_zh} {id:.64}。"),
        );
        steps.add("merchant", Some(false), &detail);
        let detail = text("The serial cannot be compared.", "无法比较证书序列号。");
        return steps.add("serial", None, &detail);
    };
    let detail = text(
        format!("{id} is a {kind} of the sandbox."),
        format!("{id} 是沙箱的{kind_zh}。"),
    );
    steps.add("merchant", Some(true), &detail);
    let (expected, _) = authorization.key(merchant);
    let is_ok = authorization.serial == expected;
    let detail = if is_ok {
        text(
            format!("The serial is that of the {kind}'s certificate."),
            format!("序列号与{kind_zh}证书一致。"),
        )
    } else if authorization.serial.eq_ignore_ascii_case(expected) {
        text(
            "The serial has other capitals than the certificate's: expected capitals.",
            "序列号的大小写与证书不同，应为大写。",
        )
    } else {
        text(
            format!(
                "The serial is {:.64}: expected {expected}, the {kind}'s own.",
                authorization.serial
            ),
            format!(
                "序列号为 {:.64}，应为该{kind_zh}的 {expected}。",
                authorization.serial
            ),
        )
    };
    steps.add("serial", Some(is_ok), &detail);
    if !is_ok {
        steps.with("expected", expected);
    }
}

fn signature(steps: &mut Steps, given: &str, is_signed: Option<bool>) {
    let detail = match is_signed {
        None => text(
            "The signature cannot be verified without the signer's key.",
            "没有签名方的公钥，无法验签。",
        ),
        Some(true) => text(
            "The signature fits the message, with the signer's public key.",
            "用签名方的公钥验签通过。",
        ),
        Some(false) => match STANDARD.decode(given) {
            Err(_) => text("The signature is not base64.", "签名值不是合法的Base64。"),
            // Of 2048 bits, as the merchant platform makes them.
            Ok(bytes) if bytes.len() != 256 => text(
                format!("The signature has {} bytes: expected 256.", bytes.len()),
                format!("签名值为 {} 字节，应为256字节。", bytes.len()),
            ),
            Ok(_) => text(
                "The signature does not fit the message: another message was signed, or with another key.",
                "签名与验签串不符：签名时用了不同的串，或不同的私钥。",
            ),
        },
    };
    steps.add("signature", is_signed, &detail);
}

/// Whether the nonce was new. The nonces themselves are forgotten after a while, the response is not.
fn nonce(
    steps: &mut Steps,
    state: &SandboxState,
    request: &RecordedRequest,
    authorization: &Authorization<'_>,
) {
    let is_met_first = matches!(request.fault(), Some("error" | "raw" | "hangup"));
    if steps.has_failed {
        let detail = text(
            "The nonce is looked at last, and a step before it failed.",
            "随机串最后检查，而之前的步骤未通过。",
        );
        return steps.add("nonce", None, &detail);
    }
    if is_met_first || request.status().is_none() {
        let detail = text(
            "Whether the nonce was new cannot be told without the operation's own response.",
            "没有接口本身的应答，无法判断随机串是否用过。",
        );
        return steps.add("nonce", None, &detail);
    }
    let response = request.response_body().map(|body| &body[..]);
    let response: Value = serde_json::from_slice(response.unwrap_or_default()).unwrap_or_default();
    let is_refused = response
        .get("message")
        .is_some_and(|message| message == USED_NONCE);
    if !is_refused {
        let detail = text(
            "The signer used the nonce for the first time.",
            "签名方首次使用该随机串。",
        );
        return steps.add("nonce", Some(true), &detail);
    }
    let detail = text(
        "The signer used the nonce before: make a new one for every request, and sign again when repeating one.",
        "该随机串已使用过：每次请求都应生成新的随机串，重试时应重新签名。",
    );
    steps.add("nonce", Some(false), &detail);
    let is_earlier = |earlier: &&RecordedRequest| {
        let other = Authorization::parse(earlier.headers()).ok();
        earlier.id() < request.id()
            && other.is_some_and(|other| {
                (other.nonce, other.signer) == (authorization.nonce, authorization.signer)
            })
    };
    let requests = state.requests().all();
    if let Some(earlier) = requests.iter().rev().find(is_earlier) {
        steps.with("earlier", earlier.id());
    }
}
