//! What clap has to say instead of a command line: help, versions and mistakes, in the user's language.

use std::{
    env,
    io::{self, Write},
    num::{IntErrorKind, ParseFloatError, ParseIntError},
    process::ExitCode,
};

use clap::{
    ColorChoice,
    builder::{StyledStr, Styles},
    error::{ContextKind, ContextValue, Error, ErrorFormatter, ErrorKind},
};
use wechatpay_chain::http::method::InvalidMethod;

use crate::{
    exit::{Exit, Failure},
    output::Output,
    text::{is_chinese, t},
};

/// Prints it. Help and versions are successes.
pub(crate) fn report(err: Error) -> ExitCode {
    let (kind, is_mistake) = (err.kind(), err.use_stderr());
    let text = rendered(err);
    if !is_mistake {
        return match write!(anstream::stdout(), "{text}") {
            // A closed pipe has nobody to tell.
            Err(err) if err.kind() != io::ErrorKind::BrokenPipe => Exit::Local.into(),
            _ => ExitCode::SUCCESS,
        };
    }
    // The command line is not read yet.
    if env::args_os().any(|word| word == "--json") {
        let failure = Failure::usage(message(kind, &text));
        Output::new(true, ColorChoice::Never).failure(&failure);
    } else {
        let _ = write!(anstream::stderr(), "{text}");
    }
    Exit::Usage.into()
}

/// Returns the text with its colours.
fn rendered(err: Error) -> String {
    if !is_chinese() {
        return err.render().ansi().to_string();
    }
    let text = err.apply::<Chinese>().render().ansi().to_string();
    let literal = *Styles::styled().get_literal();
    // A second line of the usage begins below the first.
    let (from, to) = (
        format!("\n       {literal}wxpay"),
        format!("\n      {literal}wxpay"),
    );
    text.replace("Usage:", "用法:")
        .replace("[OPTIONS]", "[选项]")
        .replace(&from, &to)
}

/// Returns what is wrong, on one line and without colours.
fn message(kind: ErrorKind, text: &str) -> String {
    // clap lists all commands, or prints the whole help.
    if let ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand = kind
    {
        return t("a command is required", "缺少命令").to_owned();
    }
    let plain = anstream::adapter::strip_str(text).to_string();
    let first = plain.split("\n\n").next().unwrap_or_default();
    let message = first.split_once(": ").map_or(first, |(_, message)| message);
    let lines: Vec<_> = message.lines().map(str::trim).collect();
    lines.join(" ")
}

/// The Chinese words for a mistake, in the form of clap's own.
struct Chinese;

impl ErrorFormatter for Chinese {
    fn format_error(err: &Error<Self>) -> StyledStr {
        let styles = Styles::styled();
        let (label, good) = (styles.get_error(), styles.get_valid());
        let what = what(err).unwrap_or_else(|| "命令行有误".to_owned());
        let mut text = format!("{label}错误:{label:#} {what}");
        let tips = tips(err);
        if !tips.is_empty() {
            text.push('\n');
        }
        for tip in tips {
            text.push_str(&format!("\n  {good}提示:{good:#} {tip}"));
        }
        if let Some(ContextValue::StyledStr(usage)) = err.get(ContextKind::Usage) {
            text.push_str(&format!("\n\n{}", usage.ansi()));
        }
        let literal = styles.get_literal();
        text.push_str(&format!(
            "\n\n更多信息请用 `{literal}--help{literal:#}`。\n"
        ));
        text.into()
    }
}

fn what(err: &Error<Chinese>) -> Option<String> {
    let arg = bad(err, ContextKind::InvalidArg);
    let value = bad(err, ContextKind::InvalidValue);
    let number = |kind| match err.get(kind) {
        Some(ContextValue::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    Some(match err.kind() {
        ErrorKind::UnknownArgument if is_flag(err) => format!("没有选项 {}", arg?),
        ErrorKind::UnknownArgument => format!("多余的参数 {}", arg?),
        ErrorKind::InvalidSubcommand => {
            format!("没有命令 {}", bad(err, ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::MissingSubcommand => "缺少命令".to_owned(),
        ErrorKind::MissingRequiredArgument => {
            let missing = good(err, ContextKind::InvalidArg);
            format!("缺少以下参数:\n  {}", missing.join("\n  "))
        }
        ErrorKind::ArgumentConflict => conflict(err, arg?),
        ErrorKind::NoEquals => format!("{} 与值之间应为等号", arg?),
        ErrorKind::InvalidValue => {
            let possible = good(err, ContextKind::ValidValue);
            let possible = match possible.is_empty() {
                true => String::new(),
                false => format!("\n  [可选值: {}]", possible.join(", ")),
            };
            match value {
                Some(value) => format!("{} 的值 {value} 无效{possible}", arg?),
                None => format!("{} 缺少值{possible}", arg?),
            }
        }
        ErrorKind::ValueValidation => format!("{} 的值 {} 无效: {}", arg?, value?, reason(err)),
        ErrorKind::TooManyValues => format!("多余的值 {}: {} 不需要更多的值", value?, arg?),
        ErrorKind::TooFewValues => {
            let least = number(ContextKind::MinValues)?;
            format!("{} 至少需要 {least} 个值", arg?)
        }
        ErrorKind::WrongNumberOfValues => {
            let expected = number(ContextKind::ExpectedNumValues)?;
            format!("{} 需要 {expected} 个值", arg?)
        }
        ErrorKind::InvalidUtf8 => "参数不是UTF-8文本".to_owned(),
        _ => return None,
    })
}

fn conflict(err: &Error<Chinese>, arg: String) -> String {
    let others = match err.get(ContextKind::PriorArg) {
        other if other == err.get(ContextKind::InvalidArg) => return format!("{arg} 只能给出一次"),
        Some(ContextValue::Strings(others)) => others.join(", "),
        Some(ContextValue::String(other)) => other.clone(),
        _ => "其他参数".to_owned(),
    };
    format!("{arg} 不能与 `{others}` 同时使用")
}

/// Returns why a value does not fit.
fn reason(err: &Error<Chinese>) -> String {
    let Some(source) = std::error::Error::source(err) else {
        return "格式有误".to_owned();
    };
    if let Some(err) = source.downcast_ref::<ParseIntError>() {
        let is_too_large = matches!(
            err.kind(),
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow
        );
        return if is_too_large {
            "数值超出范围"
        } else {
            "应为整数"
        }
        .to_owned();
    }
    if source.is::<ParseFloatError>() {
        return "应为数字".to_owned();
    }
    if source.is::<std::net::AddrParseError>() {
        return "应为IP地址".to_owned();
    }
    if source.is::<InvalidMethod>() {
        return "应为HTTP方法".to_owned();
    }
    // Of a range, there is the text alone.
    let text = source.to_string();
    match text.split_once(" is not in ") {
        Some((_, range)) => format!("应在 {range} 范围内"),
        None => text,
    }
}

/// Returns what the user may have meant.
fn tips(err: &Error<Chinese>) -> Vec<String> {
    let mut tips = Vec::new();
    for (kind, what) in [
        (ContextKind::SuggestedSubcommand, "命令"),
        (ContextKind::SuggestedArg, "选项"),
        (ContextKind::SuggestedValue, "值"),
    ] {
        let names = good(err, kind);
        if !names.is_empty() {
            tips.push(format!("相近的{what}: {}", names.join(", ")));
        }
    }
    if let Some(ContextValue::StyledStrs(others)) = err.get(ContextKind::Suggested) {
        tips.extend(others.iter().map(|tip| translated(&tip.to_string())));
    }
    tips
}

/// Translates a tip that clap has as a text alone. Its words are between quotes.
fn translated(tip: &str) -> String {
    let words: Vec<_> = tip.split('\'').skip(1).step_by(2).collect();
    match words[..] {
        [value, line] if tip.contains("as a value") => {
            format!("如要将 `{value}` 作为值, 请写 `{line}`")
        }
        [command, _] if tip.contains("remove the") => {
            format!("如要使用命令 `{command}`, 请去掉前面的 `--`")
        }
        [line] => format!("另有 `{line}`"),
        _ => tip.to_owned(),
    }
}

fn is_flag(err: &Error<Chinese>) -> bool {
    matches!(err.get(ContextKind::InvalidArg), Some(ContextValue::String(arg)) if arg.starts_with('-'))
}

/// Returns a text that is wrong.
fn bad(err: &Error<Chinese>, kind: ContextKind) -> Option<String> {
    match err.get(kind) {
        Some(ContextValue::String(text)) if !text.is_empty() => {
            let style = Styles::styled();
            let style = style.get_invalid();
            Some(format!("`{style}{text}{style:#}`"))
        }
        _ => None,
    }
}

/// Returns texts that would be right.
fn good(err: &Error<Chinese>, kind: ContextKind) -> Vec<String> {
    let texts = match err.get(kind) {
        Some(ContextValue::String(text)) => std::slice::from_ref(text),
        Some(ContextValue::Strings(texts)) => texts,
        _ => &[],
    };
    let styles = Styles::styled();
    let style = styles.get_valid();
    texts
        .iter()
        .map(|text| format!("{style}{text}{style:#}"))
        .collect()
}
