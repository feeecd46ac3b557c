//! `wxpay decrypt --resource`: a notification whose headers are gone, such as one from a log.

use std::convert::Infallible;

use serde_json::{Value, json};
use wechatpay_chain::{Error, Notification, Notifications, Verifier, model::BeijingTime};

use crate::{
    exit::{Failure, Result, misconfigured},
    output::Output,
    settings::Settings,
    text::t,
};

/// Decrypts a notification, or its resource alone. AES-GCM authenticates it: only who has the APIv3 key can
/// have written it.
pub(super) fn decrypt(text: &str, settings: &Settings, output: &Output) -> Result {
    let body = body(text)?;
    if settings.apiv3_key.is_none() && settings.apiv2_key.is_none() {
        Settings::need(&settings.apiv3_key, "apiv3_key")?;
    }
    let opened = open(&body, settings)?;
    let value = match opened {
        Ok(notification) if output.is_json() => json!({
            "event_type": notification.event_type(),
            "verified": false,
            "resource": notification.resource_json(),
        }),
        Ok(notification) => notification.resource_json().clone(),
        // A platform certificate has the same form, and its plaintext is PEM.
        Err(err) => match plaintext(&err) {
            Some(text) if output.is_json() => json!({ "verified": false, "resource": text }),
            Some(text) => {
                output.bytes(text.as_bytes());
                return Ok(());
            }
            None => return Err(Failure::from(err)),
        },
    };
    output.value(&value);
    output.note(t(
        "Decrypted; the signature of the notification was not verified: `wxpay verify` does that.",
        "已解密; 未验证通知的签名: 验签请用 `wxpay verify`。",
    ));
    Ok(())
}

/// Returns the body of a notification: the text itself, or one around a resource.
fn body(text: &str) -> Result<String> {
    // A notification of APIv2 is XML.
    if text.trim_start().starts_with('<') {
        return Ok(text.to_owned());
    }
    let value: Value = serde_json::from_str(text).map_err(|_| {
        Failure::usage(t(
            "this is neither JSON nor XML: expected the body of a notification, or its `resource`",
            "既不是JSON也不是XML: 应为回调通知的报文主体, 或其中的 `resource`",
        ))
    })?;
    // The list of platform certificates has the same object under another name.
    let resource = match &value["encrypt_certificate"] {
        Value::Null => &value,
        certificate => certificate,
    };
    if resource.get("ciphertext").is_none() {
        return Ok(text.to_owned());
    }
    Ok(json!({ "id": "-", "event_type": "-", "resource": resource }).to_string())
}

/// Opens a notification with headers of now, since its own are not known.
fn open(body: &str, settings: &Settings) -> Result<std::result::Result<Notification, Error>> {
    let mut builder = Notifications::builder().any_merchant(true).verifier(Anyone);
    if let Some(key) = &settings.apiv3_key {
        builder = builder.apiv3_key(key);
    }
    if let Some(key) = &settings.apiv2_key {
        builder = builder.apiv2_key(key);
    }
    let receiver = builder.build().map_err(misconfigured)?;
    let timestamp = BeijingTime::now().seconds().to_string();
    let headers: &[(&str, &str)] = &[
        ("Wechatpay-Serial", "0"),
        ("Wechatpay-Timestamp", &timestamp),
        ("Wechatpay-Nonce", "-"),
        ("Wechatpay-Signature", "AAAA"),
    ];
    let headers = match body.trim_start().starts_with('<') {
        true => &headers[..0],
        false => headers,
    };
    Ok(receiver.receive(headers.iter().copied(), body.as_bytes()))
}

fn plaintext(err: &Error) -> Option<String> {
    let opened = err.refused_notification()?.resource()?;
    String::from_utf8(opened.to_vec()).ok()
}

/// Accepts every signature, because a resource alone is not signed.
struct Anyone;

impl Verifier for Anyone {
    type Error = Infallible;

    async fn verify(&self, _: &str, _: &[u8], _: &[u8]) -> std::result::Result<bool, Infallible> {
        Ok(true)
    }
}
