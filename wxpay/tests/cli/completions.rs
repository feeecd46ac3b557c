//! `wxpay completions`: what the program offers, and what the shells make of it.

use std::{fs, path::Path, process::Command};

use crate::{material, program::Program};

/// Asks for completions as bash's script does.
fn completions(program: &Program, words: &[&str]) -> Vec<String> {
    let index = (words.len() - 1).to_string();
    let mut arguments = vec!["--"];
    arguments.extend(words);
    let output = program
        .command(&arguments)
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", index)
        .env("_CLAP_IFS", "\n")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn completions_know_paths_fields_and_profiles() {
    let program = Program::new();
    let of = |words: &[&str]| completions(&program, words);
    assert!(of(&["wxpay", "do"]).contains(&"doctor".to_owned()));
    assert_eq!(of(&["wxpay", "get", "v3/certif"]), ["v3/certificates"]);
    assert_eq!(of(&["wxpay", "get", "v3.certif"]), ["v3.certificates"]);
    // Each method has its own paths.
    assert!(of(&["wxpay", "post", "v3/certif"]).is_empty());
    assert_eq!(
        of(&["wxpay", "post", "v3/pay/transactions/nat"]),
        ["v3/pay/transactions/native"]
    );

    let native = ["wxpay", "post", "v3/pay/transactions/native", "-f"];
    let of_native = |typed| of(&[&native[..], &[typed]].concat());
    assert_eq!(of_native("amount.t"), ["amount.total="]);
    assert!(of_native("").contains(&"out_trade_no=".to_owned()));
    let by_id = [
        "wxpay",
        "get",
        "v3/pay/transactions/id/{transaction_id}",
        "-f",
        "t",
    ];
    assert_eq!(of(&by_id), ["transaction_id="]);

    assert_eq!(
        of(&["wxpay", "trigger", "TRANSACTION.SUC"]),
        ["TRANSACTION.SUCCESS"]
    );
    let event = ["wxpay", "trigger", "TRANSACTION.SUCCESS", "-f", "out_tr"];
    assert_eq!(of(&event), ["out_trade_no="]);

    fs::create_dir_all(program.home().join(".config/wxpay")).unwrap();
    fs::write(
        program.home().join(".config/wxpay/config.toml"),
        "[profiles.shop]\n",
    )
    .unwrap();
    assert_eq!(of(&["wxpay", "get", "--profile", "s"]), ["shop"]);
}

/// Runs lines in a shell that finds the program. Returns `None` if the shell is not installed.
fn in_shell(program: &Program, shell: &[&str], script: &str) -> Option<String> {
    if !material::has_program(shell[0]) {
        return None;
    }
    let folder = Path::new(env!("CARGO_BIN_EXE_wxpay")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg("-c")
        .arg(script)
        .env_clear()
        .env("HOME", program.home())
        .env("PATH", path)
        .current_dir(program.home());
    let printed = material::run(&mut command, b"").unwrap();
    Some(String::from_utf8(printed).unwrap())
}

/// Lines as they are typed, and what the shell then has in their place.
const TYPED: [(&str, &str); 6] = [
    ("wxpay get v3/certif", "v3/certificates"),
    ("wxpay post v3.certif", ""),
    (
        "wxpay post v3/pay/transactions/native -f amount.cur",
        "amount.currency=",
    ),
    (
        "wxpay post v3/pay/transactions/native -f payer.identity.type=ID",
        "payer.identity.type=IDCARD",
    ),
    (
        "wxpay get v3/pay/transactions/id/{transaction_id} -f tr",
        "transaction_id=",
    ),
    ("wxpay post v3/x -o @ord", "@order.json"),
];

#[test]
fn bash_completes_with_the_printed_script() {
    let program = Program::new();
    fs::write(program.home().join("order.json"), "{}").unwrap();
    for (line, expected) in TYPED {
        // What bash does on Tab: it splits at `=` too, calls the function that the script registered, and puts
        // the reply in place of the last part.
        let parts = line.replace(' ', "\u{1}").replace('=', "\u{1}=\u{1}");
        let parts: Vec<_> = parts
            .split('\u{1}')
            .map(|part| format!("'{part}'"))
            .collect();
        let (words, index) = (parts.join(" "), parts.len() - 1);
        let script = format!(
            r#"source <(wxpay completions bash)
            complete -p wxpay >/dev/null || exit 1
            COMP_LINE='{line}' COMP_WORDS=({words}) COMP_CWORD={index}
            COMP_POINT=${{#COMP_LINE}}
            _wxpay wxpay "${{COMP_WORDS[COMP_CWORD]}}" ""
            echo "${{COMPREPLY[*]}}""#
        );
        let Some(reply) = in_shell(&program, &["bash", "--norc"], &script) else {
            return;
        };
        // What comes before the `=` stays as it was typed.
        let stays = expected.find('=').map_or(0, |at| at + 1);
        let stays = match line.contains(&expected[..stays]) {
            true => stays,
            false => 0,
        };
        let expected = &expected[stays..];
        assert_eq!(reply.trim_end(), expected, "{line}");
    }
}

#[test]
fn zsh_completes_with_the_printed_script() {
    let program = Program::new();
    fs::write(program.home().join("order.json"), "{}").unwrap();
    for (line, expected) in TYPED {
        // zsh has written `\{` for `{`. The two functions are those of its completion system.
        let words = line.replace('{', r"\\{").replace('}', r"\\}");
        let script = format!(
            r#"compdef() {{ [[ $* == "_wxpay wxpay" ]] || exit 1 }}
            _describe() {{ local name=$3; print -r -- "${{(P)name}}|${{*[4,-1]}}" }}
            source <(wxpay completions zsh)
            words=({words}) CURRENT=$#words
            _wxpay || echo none"#
        );
        let Some(reply) = in_shell(&program, &["zsh", "-f"], &script) else {
            return;
        };
        if expected.is_empty() {
            assert_eq!(reply, "none\n", "{line}");
            continue;
        }
        let (reply, options) = reply.trim_end_matches('\n').split_once('|').unwrap();
        let value = reply.split(':').next().unwrap();
        assert_eq!(value, expected, "{line}");
        // No space follows where a value does.
        let is_open = value.ends_with('=');
        assert_eq!(options, if is_open { "-S " } else { "" }, "{line}");
    }
}

#[test]
fn fish_completes_with_the_printed_script() {
    let program = Program::new();
    fs::write(program.home().join("order.json"), "{}").unwrap();
    for (line, expected) in TYPED {
        let script = format!("wxpay completions fish | source; complete -C'{line}'");
        let Some(reply) = in_shell(&program, &["fish", "--no-config"], &script) else {
            return;
        };
        let reply = reply.split('\t').next().unwrap().trim_end();
        assert_eq!(reply, expected, "{line}");
    }
}

#[test]
fn every_shell_has_a_script() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = program.run(&["completions", shell]).ok();
        assert!(
            script.contains("COMPLETE") && script.contains("wxpay"),
            "{shell}: {script}"
        );
    }
    program.run(&["completions", "csh"]).failed(2);
}
