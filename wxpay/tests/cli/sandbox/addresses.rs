//! Where a sandbox listens, what it says about it, and `wxpay sandbox status`.

use std::{fs, net::TcpListener};

use serde_json::Value;

use super::Server;
use crate::program::Program;

const TOKEN: &str = "a-token-that-nobody-guesses";

/// Returns the configuration that a sandbox has exported.
fn exported(program: &Program, server: &Server) -> Value {
    let file = program.home().join("keys").join(server.mchid());
    serde_json::from_slice(&fs::read(file.join("config.json")).unwrap()).unwrap()
}

/// Returns what a sandbox said at its start, as `status` says it.
fn addresses(server: &Server) -> Value {
    let mut banner = server.banner.clone();
    for name in ["keys", "page"] {
        banner.as_object_mut().unwrap().remove(name);
    }
    banner
}

#[test]
fn configuration_names_the_proxy_that_runs() {
    let program = Program::new();
    let server = Server::start(&program, &["--proxy=0"]);
    let proxy = server.banner["proxy_uri"].as_str().unwrap();
    assert_eq!(exported(&program, &server)["proxy_uri"], proxy);
    let keys = program.home().join("keys");
    let port = proxy.rsplit(':').next().unwrap();
    for (language, expected) in [
        ("python", format!("HTTPS_PROXY={proxy} ")),
        ("go", format!("HTTPS_PROXY={proxy} ")),
        ("java", format!("-Dhttps.proxyPort={port}")),
    ] {
        let arguments = ["sandbox", "config", "--for", language, "--keys"];
        let arguments = [&arguments[..], &[keys.to_str().unwrap()]].concat();
        let printed = program.run(&arguments).ok();
        assert!(printed.contains(&expected), "{printed}");
    }
}

#[test]
fn sandbox_on_every_address_names_one_to_call() {
    let program = Program::new().env("WXPAY_SANDBOX_TOKEN", TOKEN);
    let server = Server::start(&program, &["--bind", "0.0.0.0", "--proxy=0"]);
    let config = exported(&program, &server);
    for name in ["base_uri", "https_base_uri", "proxy_uri"] {
        let uri = server.banner[name].as_str().unwrap();
        assert!(uri.contains("://127.0.0.1:"), "{uri}");
        assert_eq!(config[name], uri, "{name}");
    }
    let sandbox = format!("--sandbox={}", server.base_uri());
    let status = program.run(&["--json", "sandbox", "status", &sandbox]);
    assert_eq!(status.json(), addresses(&server));
}

#[test]
fn port_in_use_is_an_error_before_anything_is_said() {
    let program = Program::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let proxy = format!("--proxy={port}");
    for ports in [
        ["--port", &port, "--https-port", "0"],
        ["--port", "0", "--https-port", &port],
        ["--port", "0", &proxy, "--https-port=0"],
    ] {
        for (program, advice) in [
            (Program::new(), "Another sandbox or program uses the port"),
            (Program::new().in_chinese(), "端口已被另一个沙箱或程序占用"),
        ] {
            let run = program.run(&[&["sandbox", "--keys", "keys"], &ports[..]].concat());
            assert_eq!(run.stdout, "");
            assert!(!program.home().join("keys").exists());
            let refused = run.failed(3);
            let address = format!("127.0.0.1:{port}");
            assert!(
                refused.contains(&address) && refused.contains(advice),
                "{refused}"
            );
        }
    }
    // Two sandboxes on one port.
    let server = Server::start(&program, &[]);
    let base_uri = server.base_uri().trim_end_matches('/');
    let port = base_uri.rsplit(':').next().unwrap();
    let second = program.run(&["sandbox", "--keys", "others", "--port", port]);
    assert!(second.failed(3).contains("Another sandbox"));
}

// Other machines have no second loopback address. A port that is taken on the first one is not given to
// anybody else there.
#[cfg(target_os = "linux")]
#[test]
fn https_listens_on_the_given_port() {
    let program = Program::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let server = Server::start(&program, &["--bind", "127.0.0.2", "--https-port", &port]);
    assert_eq!(
        server.banner["https_base_uri"],
        format!("https://127.0.0.2:{port}/")
    );
}

#[test]
fn status_says_whether_a_sandbox_runs() {
    let program = Program::new();
    let mut server = Server::start(&program, &["--proxy=0", "--token", TOKEN]);
    let sandbox = format!("--sandbox={}", server.base_uri());
    let status = ["sandbox", "status", &sandbox];
    let config = exported(&program, &server);
    let with_token = || Program::new().env("WXPAY_SANDBOX_TOKEN", TOKEN);

    let run = with_token().run(&["--json", "sandbox", "status", &sandbox]);
    assert_eq!(run.json(), addresses(&server));
    for secret in ["apiv3_key", "apiv2_key"] {
        assert!(!run.stdout.contains(config[secret].as_str().unwrap()));
    }
    let environment = with_token().env("WXPAY_SANDBOX", server.base_uri());
    environment.run(&["sandbox", "status"]).ok();
    for (program, expected) in [
        (with_token(), format!("  merchant {}\n", server.mchid())),
        (
            with_token().in_chinese(),
            format!("  商户 {}\n", server.mchid()),
        ),
    ] {
        let said = program.run(&status).ok();
        for name in ["base_uri", "https_base_uri", "proxy_uri"] {
            let uri = server.banner[name].as_str().unwrap();
            assert!(said.contains(uri), "{said}");
        }
        assert!(said.ends_with(&expected), "{said}");
    }

    let refused = Program::new().run(&status).failed(5);
    assert!(refused.contains("requires its control token"), "{refused}");
    server.kill();
    let absent = with_token().run(&status).failed(4);
    assert!(absent.contains("no sandbox at"), "{absent}");
    let absent = with_token().in_chinese().run(&status).failed(4);
    assert!(absent.contains("没有沙箱"), "{absent}");
}
