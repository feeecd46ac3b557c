//! How a command ends. The codes are documented and stay as they are.

use std::{fmt, process::ExitCode};

use clap::ValueEnum;
use wechatpay_chain::{Error, Outcome};

use crate::text::{t, tf};

/// Why a command failed, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Exit {
    /// Something on this machine failed, such as a file. Nothing at WeChat Pay changed.
    Local = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A profile, a key or an environment variable is wrong or missing.
    Configuration = 3,
    /// The request did not leave this machine.
    NotSent = 4,
    /// WeChat Pay refused the request. Nothing changed.
    Rejected = 5,
    /// The request was sent, and what it did is not known.
    Unknown = 6,
    /// A response or a notification does not verify.
    Unverified = 7,
    /// The request succeeded, and then something on this machine failed.
    Done = 8,
    /// Interrupted before anything was sent, or while reading.
    Interrupted = 130,
}

impl Exit {
    /// Returns the name in `--json`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Usage => "usage",
            Self::Configuration => "configuration",
            Self::NotSent => "not_sent",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Unverified => "unverified",
            Self::Done => "done",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Exit {
    /// Returns what the code means, in a few words.
    fn meaning(self) -> &'static str {
        match self {
            Self::Local => t("local failure", "本地失败"),
            Self::Usage => t("usage", "用法错误"),
            Self::Configuration => t("configuration", "配置错误"),
            Self::NotSent => t("not sent", "未发送"),
            Self::Rejected => t("rejected", "被拒绝"),
            Self::Unknown => t("unknown outcome", "结果未知"),
            Self::Unverified => t("not verified", "验签失败"),
            Self::Done => t("done, and then failed here", "请求成功但本地处理失败"),
            Self::Interrupted => t("interrupted with nothing sent", "被中断且未发送"),
        }
    }

    /// Returns all codes with their meanings, as the help lists them.
    pub(crate) fn listed() -> String {
        let rows = Self::value_variants()
            .iter()
            .map(|exit| (*exit as u8, exit.meaning()));
        let rows = [(0, t("success", "成功"))].into_iter().chain(rows);
        let rows: Vec<_> = rows
            .map(|(code, meaning)| format!("  {code:<3}  {meaning}"))
            .collect();
        let rows = rows.join("\n");
        tf!("Exit codes:\n{rows}", "退出码:\n{rows}")
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The error of a command: what went wrong, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) advice: Option<String>,
    /// The library's error, for the details in `--json`.
    pub(crate) source: Option<Box<Error>>,
}

pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            advice: None,
            source: None,
        }
    }

    pub(crate) fn local(message: impl fmt::Display) -> Self {
        Self::new(Exit::Local, message)
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn configuration(message: impl fmt::Display) -> Self {
        Self::new(Exit::Configuration, message)
    }

    /// Returns the message of a library's error, with its causes.
    pub(crate) fn message_of(err: &Error) -> String {
        chain(err)
    }

    /// Says that the request had succeeded before this failed.
    pub(crate) fn done(mut self) -> Self {
        self.exit = Exit::Done;
        self.with_advice(done())
    }

    pub(crate) fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// What the library reports before a call: while it reads keys and settings.
pub(crate) fn misconfigured(err: Error) -> Failure {
    let mut failure = Failure::from(err);
    failure.exit = Exit::Configuration;
    failure
}

impl From<Error> for Failure {
    fn from(err: Error) -> Self {
        let exit = match err.outcome() {
            _ if err.is_verification() => Exit::Unverified,
            Outcome::NotSent if err.is_config() || err.is_key() => Exit::Configuration,
            Outcome::NotSent if err.is_request() => Exit::Usage,
            Outcome::NotSent if err.is_file() || err.is_decode() || err.is_decrypt() => Exit::Local,
            Outcome::NotSent => Exit::NotSent,
            Outcome::Rejected => Exit::Rejected,
            Outcome::Done => Exit::Done,
            // A new outcome of the library: the careful reading.
            _ => Exit::Unknown,
        };
        let mut message = chain(&err);
        let is_undocumented = message.ends_with(FOR_PROGRAMS);
        if is_undocumented {
            message.truncate(message.len() - FOR_PROGRAMS.len());
        }
        let advice = match exit {
            _ if is_undocumented => Some(t(
                "--no-check sends it anyway.",
                "加 --no-check 可照样发送。",
            )),
            Exit::Unknown => Some(unknown()),
            Exit::Done => Some(done()),
            _ => None,
        };
        Self {
            exit,
            message,
            advice: advice.map(str::to_owned),
            source: Some(Box::new(err)),
        }
    }
}

/// What to do if a write was done.
fn done() -> &'static str {
    t(
        "The request succeeded. Do not send it again.",
        "请求已经成功, 请勿重复发送。",
    )
}

/// What to do if a write may have been done.
pub(crate) fn unknown() -> &'static str {
    t(
        "What the request did is not known. Query its number before you send it again.",
        "请求的结果未知。再次发送之前, 请先按单号查询。",
    )
}

/// What the library advises a program whose request differs from the documents. A person has a flag for it.
const FOR_PROGRAMS: &str = " (Checks::Warn sends it anyway)";

/// Returns the message of an error and of what caused it, as far as it says more.
pub(crate) fn chain(err: &(dyn std::error::Error + 'static)) -> String {
    let mut message = err.to_string();
    let mut source = err.source();
    while let Some(err) = source {
        let more = err.to_string();
        if !message.contains(&more) {
            message = format!("{message}: {more}");
        }
        source = err.source();
    }
    message
}
