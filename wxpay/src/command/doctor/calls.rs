//! A signed call: does WeChat Pay accept our signature, and can we verify its?

use serde_json::json;
use wechatpay_chain::{Client, Error, Method, Options, Response, catalog};

use super::report::Report;
use crate::{
    command::call::interruptible,
    exit::{Failure, Result},
    settings::Settings,
    text::{t, tf},
};

/// The documented self-test: it returns what it was sent, in the clear and encrypted.
const ECHO: &str = "v3/security/echo";
const MESSAGE: &str = "wxpay doctor";

pub(super) fn check(settings: &Settings, report: &mut Report) -> Result {
    if report.has_errors() {
        return Ok(());
    }
    let client = match settings.client() {
        Ok(client) => client,
        Err(failure) => {
            report.failure("client", failure, "");
            return Ok(());
        }
    };
    let options = Options::from(json!({ "json": {
        "echo_message": MESSAGE,
        "encrypted_echo_message": MESSAGE,
    }}));
    let call = client.chain(ECHO).post_async(options.encrypt_documented());
    // Interrupting the self-test leaves nothing behind.
    match interruptible(true, call)? {
        Ok(response) => {
            echoed(&client, &response, report);
            Ok(())
        }
        // Not every merchant may call it. The download of certificates is open to all.
        Err(err)
            if err
                .api()
                .is_some_and(|api| matches!(api.status().as_u16(), 403 | 404)) =>
        {
            certificates(&client, report)
        }
        Err(err) => {
            failed(err, report);
            Ok(())
        }
    }
}

fn echoed(client: &Client, response: &Response, report: &mut Report) {
    let serial = response
        .verification()
        .serial()
        .unwrap_or_default()
        .to_owned();
    report.ok(
        "call",
        tf!(
            "POST {ECHO}: the signature is accepted, and the response is verified with {serial}",
            "POST {ECHO}: 签名通过, 应答已用 {serial} 验签"
        ),
    );
    let opened = response.json::<serde_json::Value>().and_then(|mut body| {
        if let Some(operation) = catalog::find(&Method::POST, ECHO) {
            client.decrypt_documented(operation, &mut body)?;
        }
        Ok(body)
    });
    let advice = t(
        "Sensitive fields are encrypted with WeChat Pay's key and decrypted with the merchant's: check both.",
        "敏感信息字段用微信支付公钥加密、用商户私钥解密: 请检查两者。",
    );
    match opened {
        Ok(body) if body["encrypted_echo_message"] == MESSAGE => {
            report.ok(
                "encryption",
                t(
                    "sensitive fields: encrypted there and back",
                    "敏感信息字段: 加密解密正常",
                ),
            );
        }
        Ok(_) => report.warning(
            "encryption",
            t("sensitive fields did not come back", "敏感信息字段没有返回"),
            advice,
        ),
        Err(err) => report.failure("encryption", err.into(), advice),
    }
}

fn certificates(client: &Client, report: &mut Report) -> Result {
    match interruptible(true, client.chain("v3/certificates").get_async(()))? {
        Ok(_) => report.ok(
            "call",
            t(
                "GET v3/certificates: the signature is accepted, and the response is verified",
                "GET v3/certificates: 签名通过, 应答已验签",
            ),
        ),
        Err(err) => failed(err, report),
    }
    Ok(())
}

fn failed(err: Error, report: &mut Report) {
    let code = err.api().map(|api| api.code()).unwrap_or_default();
    let advice = match code {
        "SIGN_ERROR" => t(
            "Check that the private key, the serial and the merchant ID belong together, at pay.weixin.qq.com.",
            "请在商户平台核对私钥、证书序列号和商户号是否对应。",
        ),
        "NO_AUTH" => t(
            "The merchant has no permission for this API.",
            "商户没有该接口的权限。",
        ),
        "PARAM_ERROR" => t(
            "The ID of WeChat Pay's key may be another merchant's.",
            "微信支付公钥ID可能属于其他商户。",
        ),
        _ if err.is_clock_skew() => t("Synchronize the clock, with NTP.", "请用NTP同步时钟。"),
        _ if err.is_verification() => t(
            "The response is signed by another key: check pub_key and pub_key_id, or the platform certificate.",
            "应答由其他密钥签名: 请检查 pub_key 和 pub_key_id, 或平台证书。",
        ),
        _ => "",
    };
    report.failure("call", Failure::from(err), advice);
}
