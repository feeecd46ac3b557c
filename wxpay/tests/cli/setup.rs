//! `wxpay init`, `profiles` and `man`.

use std::{fs, path::Path};

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
