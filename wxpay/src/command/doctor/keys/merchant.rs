//! The merchant's ID, private key, certificate and its serial.

use wechatpay_chain::Certificate;

use super::{missing, validity};
use crate::{
    command::doctor::report::Report,
    exit::{Exit, misconfigured},
    settings::Settings,
    text::{t, tf},
};

pub(super) fn id(settings: &Settings, report: &mut Report) {
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

pub(super) fn private_key(settings: &Settings, report: &mut Report) {
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

pub(super) fn certificate(settings: &Settings, report: &mut Report) {
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
    validity::check(
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

pub(super) fn serial(settings: &Settings, report: &mut Report) {
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
