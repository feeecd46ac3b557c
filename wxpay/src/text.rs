//! English or Chinese, by locale.

use std::{env, io, sync::LazyLock};

/// Returns the text in the user's language. `WXPAY_LANG` comes first, then the locale as POSIX reads it.
pub(crate) fn t(english: &'static str, chinese: &'static str) -> &'static str {
    if is_chinese() { chinese } else { english }
}

/// Formats a text in the user's language. The arguments are named in both, so that each can order them.
macro_rules! tf {
    ($english:literal, $chinese:literal $(,)?) => {
        if $crate::text::is_chinese() {
            format!($chinese)
        } else {
            format!($english)
        }
    };
}
pub(crate) use tf;

pub(crate) fn is_chinese() -> bool {
    static IS_CHINESE: LazyLock<bool> = LazyLock::new(|| {
        // Tests compare with English, whatever the machine speaks.
        if cfg!(test) {
            return false;
        }
        let set = ["WXPAY_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(|name| env::var(name).ok())
            .find(|value| !value.is_empty());
        set.is_some_and(|locale| names_chinese(&locale))
    });
    *IS_CHINESE
}

/// Returns why the system refused, in the user's language as far as it is a common reason.
pub(crate) fn reason(err: &io::Error) -> String {
    let chinese = match err.kind() {
        io::ErrorKind::NotFound => "文件或目录不存在",
        io::ErrorKind::PermissionDenied => "没有权限",
        io::ErrorKind::IsADirectory => "这是一个目录",
        io::ErrorKind::NotADirectory => "路径中有一部分不是目录",
        io::ErrorKind::AlreadyExists => "已经存在",
        io::ErrorKind::StorageFull => "磁盘已满",
        io::ErrorKind::ReadOnlyFilesystem => "文件系统只读",
        io::ErrorKind::AddrInUse => "端口已被占用",
        io::ErrorKind::ConnectionRefused => "连接被拒绝",
        io::ErrorKind::ConnectionReset => "连接被对方断开",
        io::ErrorKind::TimedOut => "超时",
        _ => "",
    };
    match is_chinese() && !chinese.is_empty() {
        true => chinese.to_owned(),
        false => err.to_string(),
    }
}

fn names_chinese(locale: &str) -> bool {
    let language = locale
        .split(['_', '-', '.', '@'])
        .next()
        .unwrap_or_default();
    language.eq_ignore_ascii_case("zh")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_the_first_part_of_a_locale() {
        for chinese in ["zh", "zh_CN.UTF-8", "zh-Hans", "ZH_TW"] {
            assert!(names_chinese(chinese), "{chinese}");
        }
        for other in ["", "C", "C.UTF-8", "en_US.UTF-8", "zhx_CN"] {
            assert!(!names_chinese(other), "{other}");
        }
    }
}
