//! From when until when a certificate is valid.

use std::time::{Duration, SystemTime};

use wechatpay_chain::Certificate;

use crate::{
    command::doctor::report::Report,
    exit::Exit,
    text::{t, tf},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn check(certificate: &Certificate, topic: &str, name: &str, report: &mut Report) {
    let now = SystemTime::now();
    let end = httpdate::fmt_http_date(certificate.not_after());
    if now < certificate.not_before() {
        let start = httpdate::fmt_http_date(certificate.not_before());
        report.error(
            topic,
            Exit::Configuration,
            tf!(
                "{name}: not valid before {start}",
                "{name}: {start} 之前无效"
            ),
            t("Check this machine's clock.", "请检查本机时钟。"),
        );
    } else if certificate.not_after() < now {
        report.error(
            topic,
            Exit::Configuration,
            tf!("{name}: expired on {end}", "{name}: 已于 {end} 过期"),
            t(
                "Get a new one at pay.weixin.qq.com, Account Center, API Security.",
                "请在商户平台「账户中心-API安全」更换。",
            ),
        );
    } else if certificate.not_after() < now + DAY * 30 {
        report.warning(
            topic,
            tf!("{name}: expires on {end}", "{name}: 将于 {end} 过期"),
            t(
                "Get a new one at pay.weixin.qq.com, Account Center, API Security.",
                "请在商户平台「账户中心-API安全」更换。",
            ),
        );
    } else {
        report.ok(
            topic,
            tf!("{name}: valid until {end}", "{name}: 有效期至 {end}"),
        );
    }
}
