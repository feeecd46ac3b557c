//! The APIv3 key and the APIv2 key.

use crate::{
    command::doctor::report::Report,
    exit::Exit,
    settings::Settings,
    text::{t, tf},
};

pub(super) fn apiv3_key(settings: &Settings, report: &mut Report) {
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

pub(super) fn apiv2_key(settings: &Settings, report: &mut Report) {
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
