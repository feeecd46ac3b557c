//! Whether a message is a genuine notification, why not, and what to do about it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use wechatpay_chain::{Ack, Error, ErrorKind, Notification, Notifications, Verification};

use super::{facts::Facts, message::Message};
use crate::{
    exit::{self, Exit, Failure},
    output::Style,
    text::t,
};

/// What the library found.
pub(super) struct Verdict {
    pub(super) facts: Facts,
    pub(super) opened: Result<Box<Notification>, Box<Error>>,
}

/// By which time a message is judged.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Now,
    /// When it arrived.
    At(u64),
}

impl Verdict {
    /// Verifies and decrypts a message. Asks WeChat Pay for a key that is not known.
    pub(super) async fn of(message: &Message, by: &Notifications, when: When) -> Self {
        let (headers, body) = (&message.headers, &message.body);
        let opened = match when {
            When::Now => by.receive_async(headers, body).await,
            When::At(seconds) => {
                let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
                by.receive_at_async(time.unwrap_or(UNIX_EPOCH), headers, body)
                    .await
            }
        };
        let facts = match &opened {
            Ok(notification) => Facts::of(notification),
            Err(_) => Facts::claimed(message),
        };
        Self {
            facts,
            opened: opened.map(Box::new).map_err(Box::new),
        }
    }

    pub(super) fn is_verified(&self) -> bool {
        self.opened.is_ok()
    }

    /// Returns the response to the sender if nobody else responds.
    pub(super) fn ack(&self, message: &Message) -> Ack {
        match &self.opened {
            Ok(notification) => notification.ack(),
            Err(err) => of_version(Ack::refusal(err), message),
        }
    }

    /// Returns the response to the sender if the receiver failed: it is sent again later.
    pub(super) fn failed_ack(&self, message: &Message) -> Ack {
        match &self.opened {
            Ok(_) => of_version(Ack::fail("the receiver did not respond"), message),
            Err(_) => self.ack(message),
        }
    }

    /// Returns the verdict as one word for programs.
    pub(super) fn name(&self) -> &'static str {
        match &self.opened {
            Ok(_) => "verified",
            Err(err) => match err.kind() {
                ErrorKind::Verification => "bad_signature",
                ErrorKind::UnknownKey => "unknown_key",
                ErrorKind::Probe => "probe",
                ErrorKind::ClockSkew => "stale",
                ErrorKind::Decrypt => "not_decrypted",
                ErrorKind::WrongMerchant => "other_merchant",
                ErrorKind::Decode => "not_understood",
                ErrorKind::TooLarge => "too_large",
                ErrorKind::Config => "no_key",
                _ => "refused",
            },
        }
    }

    /// Returns the verdict in the user's language, in its colour.
    pub(super) fn painted(&self) -> String {
        match &self.opened {
            Ok(notification) => Style::Good.paint(match notification.verification() {
                Verification::DocumentedUnsigned => t("decrypted", "已解密"),
                _ => t("verified", "已验签"),
            }),
            Err(_) => Style::Error.paint(words(self.name())),
        }
    }

    /// Returns what the library says is wrong.
    pub(super) fn reason(&self) -> Option<String> {
        let err = self.opened.as_ref().err()?;
        Some(exit::chain(&**err))
    }

    /// Returns what to do about it.
    pub(super) fn advice(&self) -> Option<&'static str> {
        let err = self.opened.as_ref().err()?;
        Some(advice(err.kind()))
    }

    /// Returns the failure of a command that was to verify this.
    pub(super) fn into_failure(self) -> Option<Failure> {
        let err = *self.opened.err()?;
        let (kind, config) = (err.kind(), err.is_config());
        let mut failure = Failure::from(err).with_advice(advice(kind));
        failure.exit = match config {
            true => Exit::Configuration,
            // Also if it is another merchant's: a script must not take it for one of its own.
            false => Exit::Unverified,
        };
        Some(failure)
    }

    /// Returns the verdict as JSON, with the content if it is genuine.
    pub(super) fn json(&self) -> Value {
        let mut value = json!({
            "verdict": self.name(),
            "verified": self.is_verified(),
            "event": self.facts.event,
            "id": self.facts.notification_id,
            "mchid": self.facts.mchid,
            "number": self.facts.number,
            "amount": self.facts.amount,
        });
        match &self.opened {
            Ok(notification) => {
                value["version"] = if notification.is_v2() { "v2" } else { "v3" }.into();
                value["serial"] = notification.verification().serial().into();
                value["resource"] = notification.resource_json().clone();
            }
            Err(_) => {
                value["reason"] = self.reason().into();
                value["advice"] = self.advice().into();
            }
        }
        value
    }
}

fn of_version(ack: Ack, message: &Message) -> Ack {
    match message.is_v2() {
        true => ack.v2(),
        false => ack,
    }
}

/// Returns the words of a verdict, as lists show them.
pub(super) fn words(name: &str) -> &'static str {
    match name {
        "verified" => t("verified", "已验签"),
        "bad_signature" => t("bad signature", "验签失败"),
        "unknown_key" => t("unknown key", "未知的公钥或证书"),
        "probe" => t("signature probe", "签名探测"),
        "stale" => t("stale timestamp", "时间戳过期"),
        "not_decrypted" => t("not decrypted", "解密失败"),
        "other_merchant" => t("another merchant's", "其他商户的通知"),
        "not_understood" => t("not understood", "无法解析"),
        "too_large" => t("too large", "报文过大"),
        "no_key" => t("no key", "缺少密钥"),
        _ => t("refused", "已拒绝"),
    }
}

fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Verification => t(
            "Use the body byte for byte as it arrived: parsing and writing JSON again changes it. A sender that is \
             not WeChat Pay fails here, too.",
            "请使用收到的原始报文主体, 一个字节都不能变: 解析后重新生成的JSON会导致验签失败。非微信支付发送的请求也会在此失败。",
        ),
        ErrorKind::UnknownKey => t(
            "Set the public key with the ID that Wechatpay-Serial names, or the platform certificate with that serial.",
            "请设置 Wechatpay-Serial 所指的微信支付公钥及其ID, 或该序列号的平台证书。",
        ),
        ErrorKind::Probe => t(
            "WeChat Pay sends this to test whether you verify signatures. Respond with a 4xx or 5xx status; the true \
             notification follows.",
            "这是微信支付的签名探测流量, 用于检查商户是否验签。请应答4xx或5xx, 真实的通知会随后发送。",
        ),
        ErrorKind::ClockSkew => t(
            "A receiver refuses a timestamp that is more than 5 minutes off. Check this machine's clock; for a \
             notification that was kept, add --any-age.",
            "时间戳与当前时间相差超过5分钟, 应当拒绝。请检查本机时钟; 对于保存下来的通知, 请加 --any-age。",
        ),
        ErrorKind::Decrypt => t(
            "Check the APIv3 key (APIv2: the APIv2 key): it may have been changed on the merchant platform.",
            "请检查APIv3密钥 (APIv2: APIv2密钥): 可能已在商户平台修改。",
        ),
        ErrorKind::WrongMerchant => t(
            "It is genuine, and for another merchant or app. Check --mchid and the notify_url of the order.",
            "通知是真实的, 但属于其他商户或应用。请检查 --mchid 和下单时的 notify_url。",
        ),
        ErrorKind::Decode => t(
            "The body is not that of a documented notification.",
            "报文主体不是文档中的通知。",
        ),
        ErrorKind::Config => t(
            "Set the keys in the profile, in the environment or with flags.",
            "请在配置文件、环境变量或命令行参数中设置密钥。",
        ),
        _ => t("Send the notification again.", "请重新发送该通知。"),
    }
}

/// Returns the current time in seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
