//! The help and the mistakes that clap reports, in both languages.

use std::collections::BTreeSet;

use crate::program::Program;

/// Returns the words of every command, such as `sandbox config`, by what the help lists.
fn commands(program: &Program, heading: &str, words: &[String]) -> Vec<Vec<String>> {
    let mut all = vec![words.to_vec()];
    let help = help(program, words);
    let listed = help.split_once(&format!("\n{heading}\n"));
    let listed = listed.map_or("", |(_, rest)| rest.split("\n\n").next().unwrap());
    for line in listed.lines() {
        let name = line.split_whitespace().next().unwrap();
        let words = [words, &[name.to_owned()]].concat();
        all.extend(commands(program, heading, &words));
    }
    all
}

fn help(program: &Program, words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    program.run(&[&words[..], &["--help"]].concat()).ok()
}

/// Returns the options that a help shows.
fn options(help: &str) -> BTreeSet<&str> {
    let words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.starts_with("--")).collect()
}

#[test]
fn every_help_is_chinese_throughout() {
    let (english, chinese) = (Program::new(), Program::new().in_chinese());
    let commands = commands(&chinese, "命令:", &[]);
    assert!(commands.len() > 25, "{commands:?}");
    for words in commands {
        let (english, chinese) = (help(&english, &words), help(&chinese, &words));
        for word in [
            "Usage",
            "OPTIONS",
            "COMMAND",
            "Options:",
            "Arguments:",
            "Commands:",
            "Print help",
            "[default",
            "[env",
            "[possible",
            "[alias",
        ] {
            assert!(!chinese.contains(word), "{words:?}: {word}\n{chinese}");
        }
        let placeholders = chinese
            .split('<')
            .skip(1)
            .filter_map(|rest| rest.split('>').next());
        for placeholder in placeholders.filter(|it| it.chars().all(|c| c.is_ascii_uppercase())) {
            let same = ["ID", "IP", "JSON", "N", "SHELL", "TRAITS", "URL"];
            assert!(same.contains(&placeholder), "{words:?}: <{placeholder}>");
        }
        assert!(options(&english).is_subset(&options(&chinese)), "{words:?}");
        // The headings are once there, so that no argument has strayed below another.
        for heading in ["参数:", "选项:", "商户:"] {
            let found = chinese.lines().filter(|line| *line == heading).count();
            assert!(found < 2, "{words:?}: {heading}\n{chinese}");
        }
    }
}

#[test]
fn help_names_variables_and_not_their_values() {
    let program = Program::new();
    for program in [program, Program::new().in_chinese()] {
        let program = program.env("WXPAY_MCHID", "1900000109");
        let help = program.run(&["get", "--help"]).ok();
        assert!(help.contains("WXPAY_MCHID]"), "{help}");
        assert!(!help.contains("1900000109]"), "{help}");
    }
}

#[test]
fn mistakes_are_named_in_both_languages() {
    let (english, chinese) = (Program::new(), Program::new().in_chinese());
    for (line, in_english, in_chinese) in [
        ("gett", "unrecognized subcommand", "没有命令 `gett`"),
        (
            "gett",
            "a similar subcommand exists: 'get'",
            "提示: 相近的命令: get",
        ),
        ("get", "were not provided", "缺少以下参数:\n  <路径>"),
        ("get a --mchd 1", "similar argument", "没有选项 `--mchd`"),
        ("get a --mchd 1", "Usage: wxpay get", "用法: wxpay get"),
        (
            "get a --bill",
            "as a value",
            "如要将 `--bill` 作为值, 请写 `-- --bill`",
        ),
        ("get a b", "unexpected argument", "多余的参数 `b`"),
        (
            "get a --mchid",
            "a value is required",
            "`--mchid <ID>` 缺少值",
        ),
        (
            "get a --timeout 1 --timeout 2",
            "multiple times",
            "`--timeout <秒数>` 只能给出一次",
        ),
        (
            "get a --timeout x",
            "invalid value",
            "的值 `x` 无效: 应为数字",
        ),
        ("get a --json=1", "no more were expected", "多余的值 `1`"),
        (
            "get a --color x",
            "possible values",
            "[可选值: auto, always, never]",
        ),
        ("completions zs", "similar value", "提示: 相近的值: zsh"),
        ("events --limit x", "invalid digit", "应为整数"),
        (
            "events --limit 99999999999999999999",
            "too large",
            "数值超出范围",
        ),
        ("events --limit 0", "is not in", "应在 1..="),
        ("sandbox --bind x", "invalid IP", "应为IP地址"),
        (
            "sign --url / --method a,b",
            "invalid HTTP method",
            "应为HTTP方法",
        ),
        (
            "trigger --list a",
            "cannot be used with",
            "`--list` 不能与 `[事件]` 同时使用",
        ),
        ("-- get", "remove the '--'", "请去掉前面的 `--`"),
        ("types a b c", "unexpected", "多余的"),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let err = english.run(&words).failed(2);
        assert!(err.contains(in_english), "{line}: {err}");
        let err = chinese.run(&words).failed(2);
        assert!(err.starts_with("错误: "), "{line}: {err}");
        assert!(err.contains(in_chinese), "{line}: {err}");
        assert!(err.ends_with("更多信息请用 `--help`。\n"), "{line}: {err}");
        for word in [
            "error", "tip:", "Usage", "OPTIONS", "value", "exist", "found",
        ] {
            assert!(!err.contains(word), "{line}: {word}: {err}");
        }
    }
}

#[test]
fn mistake_with_json_is_json() {
    for (program, missing, none) in [
        (
            Program::new(),
            "the following required arguments were not provided: <PATH>",
            "a command is required",
        ),
        (
            Program::new().in_chinese(),
            "缺少以下参数: <路径>",
            "缺少命令",
        ),
    ] {
        for (words, message) in [(&["get", "--json"][..], missing), (&["--json"], none)] {
            let err = program.run(words).failed(2);
            let err: serde_json::Value = serde_json::from_str(&err).unwrap();
            let expected =
                serde_json::json!({ "exit_code": 2, "name": "usage", "message": message });
            assert_eq!(err["error"], expected);
        }
    }
}
