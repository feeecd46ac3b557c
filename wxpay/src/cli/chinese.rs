//! The help in Chinese. clap has no translations: what it says in English itself is said again here.

use clap::{
    Arg, ArgAction, Command,
    builder::{Str, Styles},
};

/// Placeholders of values. Those that are not here are the same in Chinese, such as `URL` and `JSON`.
const VALUES: [(&str, &str); 24] = [
    ("DATE", "日期"),
    ("DIR", "目录"),
    ("EVENT", "事件"),
    ("FILE", "文件"),
    ("FRONT_END", "前端"),
    ("HEX", "十六进制"),
    ("HOST", "主机名"),
    ("KEY", "密钥"),
    ("KEY=VALUE", "字段=值"),
    ("KIND", "类型"),
    ("LANGUAGE", "语言"),
    ("MCHID", "商户号"),
    ("MCHID[:SUB_MCHID,…]", "商户号[:子商户号,…]"),
    ("METHOD", "方法"),
    ("NAME", "名称"),
    ("OPERATION", "接口"),
    ("PATH", "路径"),
    ("PORT", "端口"),
    ("QUERY", "关键词"),
    ("SECONDS", "秒数"),
    ("TEXT", "文本"),
    ("TO", "截止日期"),
    ("TOKEN", "令牌"),
    ("WHEN", "时机"),
];

const OPTIONS: &str = "选项";
/// Where clap has `--help` in English.
const LAST: usize = 999;

/// Translates the help of a command and of those below it.
pub(super) fn localized(command: Command) -> Command {
    let has_version = command.get_version().is_some();
    let style = *Styles::styled().get_usage();
    let mut place = 0;
    let command = command
        .subcommand_help_heading("命令")
        .subcommand_value_name("命令")
        .help_template(format!(
            "{{before-help}}{{about-with-newline}}\n{style}用法:{style:#} {{usage}}\n\n{{all-args}}{{after-help}}"
        ))
        .mut_args(|arg| {
            place += 1;
            argument(arg, place)
        })
        .disable_help_flag(true)
        .arg(flag("help", 'h', ArgAction::Help, "显示帮助"));
    let command = match has_version {
        true => command.disable_version_flag(true).arg(flag(
            "version",
            'V',
            ArgAction::Version,
            "显示版本",
        )),
        false => command,
    };
    command.mut_subcommands(localized)
}

fn flag(name: &'static str, short: char, action: ArgAction, help: &'static str) -> Arg {
    let flag = Arg::new(name).long(name).short(short).action(action);
    flag.help(help).help_heading(OPTIONS).display_order(LAST)
}

fn argument(arg: Arg, place: usize) -> Arg {
    let heading = match arg.is_positional() {
        true => "参数",
        false => OPTIONS,
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help + &notes(&arg);
    let values: Vec<_> = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(value)
        .collect();
    let arg = match arg.get_help_heading() {
        Some(_) => arg,
        None => arg.help_heading(heading),
    };
    // Below a heading, clap sorts by name where no order is set.
    let arg = match arg.is_global_set() {
        true => arg,
        false => arg.display_order(place),
    };
    let has_value = arg.get_action().takes_values();
    let arg = arg
        .help(help)
        .hide_env(has_value)
        .hide_default_value(has_value)
        .hide_possible_values(has_value);
    match values.is_empty() {
        true => arg,
        false => arg.value_names(values),
    }
}

fn value(name: &Str) -> Str {
    let known = VALUES.iter().find(|(english, _)| name == english);
    known.map_or_else(|| name.clone(), |(_, chinese)| Str::from(*chinese))
}

/// Returns the notes that clap adds to the help of an argument.
fn notes(arg: &Arg) -> String {
    let mut notes = String::new();
    let mut add = |label: &str, texts: &[String], separator| {
        if !texts.is_empty() {
            notes.push_str(&format!(" [{label}: {}]", texts.join(separator)));
        }
    };
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    if let Some(variable) = arg.get_env().filter(|_| !arg.is_hide_env_set()) {
        add("环境变量", &[text(variable)], "");
    }
    if !arg.get_action().takes_values() {
        return notes;
    }
    if !arg.is_hide_default_value_set() {
        let defaults: Vec<_> = arg.get_default_values().iter().map(|it| text(it)).collect();
        add("默认", &defaults, " ");
    }
    if !arg.is_hide_possible_values_set() {
        let possible = arg.get_possible_values();
        let possible = possible.iter().filter(|value| !value.is_hide_set());
        let possible: Vec<_> = possible.map(|value| value.get_name().to_owned()).collect();
        add("可选值", &possible, ", ");
    }
    notes
}
