//! WeChat Pay's public key and platform certificates.

use super::{missing, validity};
use crate::{
    command::doctor::report::Report,
    exit::Exit,
    settings::Settings,
    text::{t, tf},
};

pub(super) fn keys(settings: &Settings, report: &mut Report) {
    let own = settings
        .private_key()
        .ok()
        .flatten()
        .map(|key| key.public_key().to_pem());
    let is_own = |pem: String| own.as_ref() == Some(&pem);
    let own_key = |report: &mut Report| {
        report.error(
            "platform_key",
            Exit::Configuration,
            t("the key given as WeChat Pay's is the merchant's own", "作为微信支付公钥或平台证书给出的, 其实是商户自己的"),
            t(
                "Give pub_key.pem from pay.weixin.qq.com, Account Center, API Security; not apiclient_cert.pem.",
                "请使用商户平台「账户中心-API安全」中下载的 pub_key.pem, 不是 apiclient_cert.pem。",
            ),
        );
    };
    let pub_key = match settings.pub_key() {
        Ok(pub_key) => pub_key,
        Err(failure) => return report.failure("platform_key", failure, ""),
    };
    let certificates = match settings.platform_certificates() {
        Ok(certificates) => certificates,
        Err(failure) => return report.failure("platform_key", failure, ""),
    };
    if let Some((id, key)) = &pub_key {
        if is_own(key.to_pem()) {
            own_key(report);
        } else if !id.starts_with("PUB_KEY_ID_") {
            report.error(
                "platform_key",
                Exit::Configuration,
                t(
                    "the ID of WeChat Pay's public key does not begin with PUB_KEY_ID_",
                    "微信支付公钥ID应以 PUB_KEY_ID_ 开头",
                ),
                t(
                    "Copy it with its prefix from pay.weixin.qq.com.",
                    "请从商户平台复制, 包括前缀。",
                ),
            );
        } else {
            report.ok(
                "platform_key",
                tf!("WeChat Pay's public key {id}", "微信支付公钥 {id}"),
            );
        }
    }
    for certificate in &certificates {
        if is_own(certificate.public_key().to_pem()) {
            own_key(report);
        } else {
            validity::check(
                certificate,
                "platform_key",
                t("platform certificate", "微信支付平台证书"),
                report,
            );
        }
    }
    if pub_key.is_some() || !certificates.is_empty() {
        return;
    }
    if settings.apiv3_key.is_some() {
        report.warning(
            "platform_key",
            t(
                "no key of WeChat Pay: platform certificates are downloaded at each start",
                "没有微信支付公钥或平台证书: 每次启动都会下载平台证书",
            ),
            t(
                "Merchants that use a public key must set pub_key and pub_key_id.",
                "使用微信支付公钥的商户必须设置 pub_key 和 pub_key_id。",
            ),
        );
    } else {
        missing(
            report,
            "platform_key",
            t("WeChat Pay's public key is missing", "缺少微信支付公钥"),
        );
    }
}
