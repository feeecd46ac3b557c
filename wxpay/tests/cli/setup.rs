//! `wxpay init`, `profiles`, `completions` and `man`.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use wechatpay_chain::sandbox::Sandbox;

use crate::program::Program;

/// Returns the arguments of `init` for the exported keys of a sandbox.
fn init<'a>(keys: &'a Path, sandbox: &'a Sandbox, id: &'a str) -> Vec<&'a str> {
    let keys = keys.to_str().unwrap();
    vec!["init", keys, "--mchid", sandbox.mchid(), "--pub-key-id", id]
}

fn key_id(sandbox: &Sandbox) -> String {
    let home = Program::new();
    let config = fs::read_to_string(home.export(sandbox).join("config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config["platform_key_id"].as_str().unwrap().to_owned()
}

#[test]
fn init_writes_a_profile_that_works() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::new()
        .env("WXPAY_APIV3_KEY", sandbox.apiv3_key())
        .env("WXPAY_BASE_URI", &sandbox.base_uri());
    let (keys, id) = (program.export(&sandbox), key_id(&sandbox));
    let config = program.home().join(".config/wxpay/config.toml");
    let run = program.run(&init(&keys, &sandbox, &id));
    assert!(run.stderr.contains("wxpay doctor"), "{}", run.stderr);
    assert!(run.ok().contains("config.toml"));

    let text = fs::read_to_string(&config).unwrap();
    assert!(
        text.contains("apiclient_key.pem") && !text.contains("BEGIN"),
        "{text}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&config), mode(config.parent().unwrap())),
            (0o600, 0o700)
        );
    }

    // The profile alone is enough, from any folder.
    let program = program.without("WXPAY_APIV3_KEY").without("WXPAY_BASE_URI");
    let run = program.run(&["post", "v3/security/echo", "-f", "echo_message=hello"]);
    assert_eq!(run.ok(), r#"{"echo_message":"hello"}"#);
    let profiles = program.run(&["--json", "profiles"]);
    let profiles = profiles.json();
    assert_eq!(profiles["profiles"][0]["in_use"], true);
    assert_eq!(profiles["profiles"][0]["mchid"], sandbox.mchid());
    assert!(!profiles.to_string().contains(sandbox.apiv3_key()));
    assert!(program.run(&["profiles"]).ok().starts_with("* default"));
}

#[test]
fn init_replaces_a_profile_only_by_force_and_keeps_the_rest() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::new()
        .env("WXPAY_CONFIG", "settings.toml")
        .env("WXPAY_BASE_URI", &sandbox.base_uri());
    let (keys, id) = (program.export(&sandbox), key_id(&sandbox));
    let config = program.home().join("settings.toml");
    let old =
        "# mine\n[profiles.default]\nmchid = '1' # old\n\n[profiles.other]\nmchid = '2' # kept\n";
    fs::write(&config, old).unwrap();

    let mut arguments = init(&keys, &sandbox, &id);
    let err = program.run(&arguments).failed(3);
    assert!(err.contains("--force"), "{err}");
    assert_eq!(fs::read_to_string(&config).unwrap(), old);

    arguments.push("--force");
    program.run(&arguments).ok();
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.starts_with("# mine\n[profiles.default]\n"), "{text}");
    assert!(
        text.contains("[profiles.other]\nmchid = '2' # kept\n"),
        "{text}"
    );
    assert!(text.contains(sandbox.mchid()), "{text}");
    let files: Vec<_> = fs::read_dir(program.home())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files.len(), 2, "no temporary file is left: {files:?}");
}

#[test]
fn init_checks_the_keys_before_it_writes() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::new().env("WXPAY_BASE_URI", &sandbox.base_uri());
    let (keys, id) = (program.export(&sandbox), key_id(&sandbox));
    let config = program.home().join(".config");

    let err = program.run(&["init"]).failed(3);
    assert!(err.contains("--mchid"), "{err}");
    // The two files swapped, which is easily done.
    fs::copy(keys.join("apiclient_cert.pem"), keys.join("pub_key.pem")).unwrap();
    let err = program.run(&init(&keys, &sandbox, &id)).failed(3);
    assert!(err.contains("merchant's own"), "{err}");
    fs::write(keys.join("apiclient_key.pem"), "not a key").unwrap();
    let err = program.run(&init(&keys, &sandbox, &id)).failed(3);
    assert!(err.contains("Nothing was written"), "{err}");
    let err = program
        .in_chinese()
        .run(&init(&keys, &sandbox, &id))
        .failed(3);
    assert!(err.contains("没有写入任何内容"), "{err}");
    assert!(!config.exists());
}

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

#[test]
fn bash_completes_with_the_printed_script() {
    let program = Program::new();
    // What bash does on Tab, without a terminal: it calls the function that the script registered.
    let script = r#"
        source <("$WXPAY" completions bash)
        complete -p wxpay >/dev/null || exit 1
        COMP_WORDS=(wxpay get v3/certif); COMP_CWORD=2; COMP_TYPE=9
        _clap_complete_wxpay wxpay v3/certif get 2>/dev/null
        echo "${COMPREPLY[@]}"
    "#;
    let folder = Path::new(env!("CARGO_BIN_EXE_wxpay")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut bash = match Command::new("bash")
        .arg("--norc")
        .env_clear()
        .env("HOME", program.home())
        .env("PATH", path)
        .env("WXPAY", env!("CARGO_BIN_EXE_wxpay"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    {
        Ok(bash) => bash,
        Err(_) if std::env::var_os("WECHATPAY_CHAIN_STRICT").is_none() => {
            return eprintln!("skipped: no bash");
        }
        Err(err) => panic!("{err}"),
    };
    bash.stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = bash.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "v3/certificates\n"
    );
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

/// Returns the headings of a manual page.
fn headings(page: &str) -> Vec<&str> {
    let lines = page.lines();
    lines.filter_map(|line| line.strip_prefix(".SH ")).collect()
}

#[test]
fn manual_has_a_page_for_each_command() {
    let program = Program::new();
    let main = program.run(&["man"]).ok();
    assert!(main.contains(".TH wxpay 1"), "{main}");
    program.run(&["man", "pages"]).ok();
    let page = |name: &str| {
        let name = format!("pages/wxpay{name}.1");
        fs::read_to_string(program.home().join(name)).unwrap()
    };
    assert_eq!(page(""), main);
    let commands = main.lines().filter(|line| line.starts_with("wxpay\\-"));
    let commands: Vec<_> = commands.collect();
    assert!(commands.len() > 20, "{main}");
    for command in commands {
        let name = command.split('(').next().unwrap().replace('\\', "");
        let page = page(name.strip_prefix("wxpay").unwrap());
        assert!(headings(&page).contains(&"OPTIONS"), "{name}");
    }
    assert!(page("-sandbox-config").contains("\\-\\-for"));
}

#[test]
fn manual_has_the_headings_of_its_language() {
    let program = Program::new();
    let english = program.run(&["man"]).ok();
    let chinese = program.in_chinese().run(&["man"]).ok();
    for (page, expected) in [
        (
            english,
            [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "Commands",
                "NOTES",
                "VERSION",
            ],
        ),
        (
            chinese,
            ["名称", "概要", "描述", "选项", "命令", "说明", "版本"],
        ),
    ] {
        let found: Vec<_> = headings(&page);
        assert_eq!(found, expected);
    }
}
