//! The two READMEs say what the program does.

use std::collections::BTreeSet;

use clap::{Args, Command, ValueEnum};

use crate::{cli, exit::Exit, settings::Source};

const ENGLISH: &str = include_str!("../README.md");
const CHINESE: &str = include_str!("../README.zh-CN.md");

/// Returns the command lines of this program: those of the blocks, and those between backticks in tables.
fn commands(readme: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut is_block = false;
    for line in readme.replace("\\\n", " ").lines() {
        if line.starts_with("```") {
            is_block = line == "```sh";
        } else if is_block && line.starts_with("wxpay ") {
            commands.push(line.to_owned());
        } else if line.starts_with("| ") {
            let code = line.split('`').skip(1).step_by(2);
            commands.extend(
                code.filter(|code| code.starts_with("wxpay "))
                    .map(str::to_owned),
            );
        }
    }
    commands
}

/// Splits a command line as a shell does, as far as the READMEs need it.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the cells of the table's rows after this heading, without backticks.
fn rows<'a>(readme: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let after = readme.split_once(&format!("\n## {heading}\n")).unwrap().1;
    let section = after.split("\n## ").next().unwrap();
    let rows = section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(2);
    rows.map(|row| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect()
    })
    .collect()
}

#[test]
fn command_lines_are_valid() {
    let lines = commands(ENGLISH);
    assert!(lines.len() > 25, "{lines:#?}");
    for line in &lines {
        if let Err(err) = cli::command().try_get_matches_from(words(line)) {
            panic!("{line}: {err}");
        }
    }
    assert_eq!(lines, commands(CHINESE));
}

#[test]
fn each_command_has_a_row() {
    let all: BTreeSet<String> = cli::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    for (readme, heading) in [(ENGLISH, "Commands"), (CHINESE, "命令")] {
        let rows = rows(readme, heading);
        let names: BTreeSet<String> = rows.iter().map(|row| row[0].to_owned()).collect();
        assert_eq!(names, all, "{heading}");
        for row in rows {
            assert!(row[2].starts_with(&format!("wxpay {}", row[0])), "{row:?}");
        }
    }
}

#[test]
fn exit_codes_are_those_of_the_program() {
    let codes: Vec<(String, &str)> = Exit::value_variants()
        .iter()
        .map(|exit| ((*exit as u8).to_string(), exit.name()))
        .collect();
    for (readme, heading) in [(ENGLISH, "Exit codes"), (CHINESE, "退出码")] {
        let rows = rows(readme, heading);
        assert_eq!(rows[0][..2], ["0", ""]);
        let rows: Vec<_> = rows[1..]
            .iter()
            .map(|row| (row[0].to_owned(), row[1]))
            .collect();
        assert_eq!(rows, codes, "{heading}");
    }
    let help = cli::command().render_help().to_string();
    let listed = help.split_once("Exit codes:\n").unwrap().1.lines();
    let listed: Vec<_> = listed
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let codes = codes.iter().map(|(code, _)| code.as_str());
    assert_eq!(listed, ["0"].into_iter().chain(codes).collect::<Vec<_>>());
}

#[test]
fn settings_are_those_of_the_program() {
    let command = Source::augment_args(Command::new("wxpay"));
    let of_program: BTreeSet<Vec<String>> = command
        .get_arguments()
        .map(|argument| {
            let name = argument.get_id().as_str();
            let is_in_profile = !["profile", "sandbox"].contains(&name);
            vec![
                if is_in_profile { name } else { "–" }.to_owned(),
                format!("--{}", argument.get_long().unwrap()),
                argument.get_env().unwrap().to_str().unwrap().to_owned(),
            ]
        })
        .collect();
    for (readme, heading) in [(ENGLISH, "Settings"), (CHINESE, "设置")] {
        let rows = rows(readme, heading);
        let rows: BTreeSet<Vec<String>> = rows
            .iter()
            .map(|row| row[..3].iter().map(|cell| (*cell).to_owned()).collect())
            .collect();
        assert_eq!(rows, of_program, "{heading}");
    }
}

#[test]
fn profile_in_the_readme_is_valid() {
    for readme in [ENGLISH, CHINESE] {
        let profile = readme
            .split_once("```toml\n")
            .unwrap()
            .1
            .split("```")
            .next()
            .unwrap();
        let file: crate::settings::file::File = toml::from_str(profile).unwrap();
        assert_eq!(
            file.profiles["default"].mchid.as_deref(),
            Some("1900000109")
        );
    }
}
