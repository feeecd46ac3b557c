//! The merchant, the keys and the certificates, without the network.

use std::time::{Duration, SystemTime};

use wechatpay_chain::Certificate;

use super::report::Report;
use crate::{
    exit::{Exit, misconfigured},
    settings::Settings,
    text::{t, tf},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn check(settings: &Settings, report: &mut Report) {
    merchant(settings, report);
    private_key(settings, report);
    certificate(settings, report);
    serial(settings, report);
    platform_keys(settings, report);
    apiv3_key(settings, report);
    apiv2_key(settings, report);
    if report.has_errors() {
        return;
    }
    // Whatever else the library requires of a client.
    if let Err(failure) = settings
        .builder()
        .and_then(|builder| builder.build().map_err(misconfigured))
    {
        report.failure("client", failure, "");
    }
}

fn merchant(settings: &Settings, report: &mut Report) {
    match settings.mchid.as_deref() {
        Some(mchid) if !mchid.is_empty() && mchid.bytes().all(|byte| byte.is_ascii_digit()) => {
            report.ok("mchid", tf!("merchant ID {mchid}", "商户号 {mchid}"));
        }
        Some(_) => report.error(
            "mchid",
            Exit::Configuration,
            t(
                "the merchant ID has other characters than digits",
                "商户号含有数字以外的字符",
            ),
            t(
                "Copy it from pay.weixin.qq.com, Account Center.",
                "请从商户平台 pay.weixin.qq.com 的账户中心复制。",
            ),
        ),
        None => missing(
            report,
            "mchid",
            t("the merchant ID is missing", "缺少商户号"),
        ),
    }
}

fn private_key(settings: &Settings, report: &mut Report) {
    match settings.private_key() {
        Ok(Some(_)) => report.ok(
            "private_key",
            t("private key: RSA, readable", "商户API私钥: RSA, 可读取"),
        ),
        Ok(None) => missing(
            report,
            "private_key",
            t("the private key is missing", "缺少商户API私钥"),
        ),
        Err(failure) => report.failure(
            "private_key",
            failure,
            t(
                "It is the file apiclient_key.pem that the certificate tool made, unchanged.",
                "应为证书工具生成的 apiclient_key.pem, 内容不要改动。",
            ),
        ),
    }
}

fn certificate(settings: &Settings, report: &mut Report) {
    let pem = match settings.certificate_pem() {
        Ok(Some(pem)) => pem,
        Ok(None) => return,
        Err(failure) => return report.failure("certificate", failure, ""),
    };
    let certificate = match Certificate::from_pem(&pem) {
        Ok(certificate) => certificate,
        Err(err) => {
            let advice = t(
                "It is the file apiclient_cert.pem.",
                "应为 apiclient_cert.pem。",
            );
            return report.failure("certificate", misconfigured(err), advice);
        }
    };
    validity(
        &certificate,
        "certificate",
        t("merchant's certificate", "商户API证书"),
        report,
    );
    let Ok(Some(key)) = settings.private_key() else {
        return;
    };
    if key.public_key().to_pem() == certificate.public_key().to_pem() {
        report.ok(
            "key_pair",
            t(
                "the private key belongs to the certificate",
                "私钥与商户API证书匹配",
            ),
        );
    } else {
        report.error(
            "key_pair",
            Exit::Configuration,
            t("the private key does not belong to the merchant's certificate", "私钥与商户API证书不匹配"),
            t(
                "Use apiclient_key.pem and apiclient_cert.pem of the same application for a certificate.",
                "请使用同一次申请得到的 apiclient_key.pem 和 apiclient_cert.pem。",
            ),
        );
    }
}

fn serial(settings: &Settings, report: &mut Report) {
    let of_certificate = settings
        .certificate_pem()
        .ok()
        .flatten()
        .and_then(|pem| Certificate::from_pem(&pem).ok())
        .map(|certificate| certificate.serial().to_owned());
    let (Some(serial), check) = (
        settings.serial.as_deref().or(of_certificate.as_deref()),
        "serial",
    ) else {
        return missing(
            report,
            "serial",
            t(
                "the serial of the merchant's certificate is missing",
                "缺少商户API证书序列号",
            ),
        );
    };
    let advice = t(
        "openssl x509 -in apiclient_cert.pem -noout -serial prints it: 40 hexadecimal digits.",
        "用 openssl x509 -in apiclient_cert.pem -noout -serial 查看: 40位十六进制。",
    );
    if !serial.bytes().all(|byte| byte.is_ascii_hexdigit()) || serial.len() != 40 {
        let length = serial.len();
        let is_decimal = length > 40 && serial.bytes().all(|byte| byte.is_ascii_digit());
        let message = match is_decimal {
            true => t(
                "the serial is in decimal, and must be in hexadecimal",
                "证书序列号是十进制, 应为十六进制",
            )
            .to_owned(),
            false => tf!(
                "the serial has {length} characters, not 40 hexadecimal digits",
                "证书序列号有 {length} 个字符, 应为40位十六进制"
            ),
        };
        return report.error(check, Exit::Configuration, message, advice);
    }
    match &of_certificate {
        Some(other) if !other.eq_ignore_ascii_case(serial) => report.error(
            check,
            Exit::Configuration,
            tf!(
                "the serial {serial} is not that of the certificate, {other}",
                "序列号 {serial} 与商户API证书的 {other} 不一致"
            ),
            t(
                "Remove the serial: it is read from the certificate.",
                "删除序列号设置即可: 会从证书中读取。",
            ),
        ),
        Some(_) => report.ok(
            check,
            tf!(
                "serial {serial}, as in the certificate",
                "证书序列号 {serial}, 与证书一致"
            ),
        ),
        None => report.ok(check, tf!("serial {serial}", "证书序列号 {serial}")),
    }
}

fn platform_keys(settings: &Settings, report: &mut Report) {
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
            validity(
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

fn apiv3_key(settings: &Settings, report: &mut Report) {
    match &settings.apiv3_key {
        Some(key) => key_form(key, "apiv3_key", t("APIv3 key", "APIv3密钥"), report),
        None => report.warning(
            "apiv3_key",
            t(
                "no APIv3 key: notifications cannot be decrypted",
                "没有APIv3密钥: 无法解密通知",
            ),
            t(
                "Set WXPAY_APIV3_KEY, or apiv3_key in the profile.",
                "请设置 WXPAY_APIV3_KEY 或配置中的 apiv3_key。",
            ),
        ),
    }
}

fn apiv2_key(settings: &Settings, report: &mut Report) {
    if let Some(key) = &settings.apiv2_key {
        key_form(key, "apiv2_key", t("APIv2 key", "APIv2密钥"), report);
    }
}

/// Checks the form of a key, of which no character is shown.
fn key_form(key: &str, check: &str, name: &str, report: &mut Report) {
    let length = key.chars().count();
    let advice = t(
        "Copy it without spaces or line breaks. If it is lost, set a new one at pay.weixin.qq.com.",
        "复制时不要带空格或换行。如已遗失, 请在商户平台重新设置。",
    );
    if key.trim() != key {
        report.error(
            check,
            Exit::Configuration,
            tf!(
                "the {name} begins or ends with white space",
                "{name}的首尾有空白字符"
            ),
            advice,
        );
    } else if length != 32 || !key.is_ascii() {
        report.error(
            check,
            Exit::Configuration,
            tf!(
                "the {name} has {length} characters, not 32 of ASCII",
                "{name}有 {length} 个字符, 应为32个ASCII字符"
            ),
            advice,
        );
    } else {
        report.ok(check, tf!("{name}: 32 characters", "{name}: 32个字符"));
    }
}

fn validity(certificate: &Certificate, check: &str, name: &str, report: &mut Report) {
    let now = SystemTime::now();
    let end = httpdate::fmt_http_date(certificate.not_after());
    if now < certificate.not_before() {
        let start = httpdate::fmt_http_date(certificate.not_before());
        report.error(
            check,
            Exit::Configuration,
            tf!(
                "{name}: not valid before {start}",
                "{name}: {start} 之前无效"
            ),
            t("Check this machine's clock.", "请检查本机时钟。"),
        );
    } else if certificate.not_after() < now {
        report.error(
            check,
            Exit::Configuration,
            tf!("{name}: expired on {end}", "{name}: 已于 {end} 过期"),
            t(
                "Get a new one at pay.weixin.qq.com, Account Center, API Security.",
                "请在商户平台「账户中心-API安全」更换。",
            ),
        );
    } else if certificate.not_after() < now + DAY * 30 {
        report.warning(
            check,
            tf!("{name}: expires on {end}", "{name}: 将于 {end} 过期"),
            t(
                "Get a new one at pay.weixin.qq.com, Account Center, API Security.",
                "请在商户平台「账户中心-API安全」更换。",
            ),
        );
    } else {
        report.ok(
            check,
            tf!("{name}: valid until {end}", "{name}: 有效期至 {end}"),
        );
    }
}

fn missing(report: &mut Report, name: &str, message: &str) {
    let (flag, variable) = (name.replace('_', "-"), name.to_uppercase());
    let (flag, variable) = match name {
        "platform_key" => ("pub-key".to_owned(), "PUB_KEY".to_owned()),
        _ => (flag, variable),
    };
    report.error(
        name,
        Exit::Configuration,
        message,
        tf!(
            "Write a profile with `wxpay init`, or set WXPAY_{variable} or --{flag}.",
            "用 `wxpay init` 生成配置, 或设置 WXPAY_{variable} 或 --{flag}。"
        ),
    );
}
