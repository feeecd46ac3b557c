//! A sandbox that is reached by another name than this machine's.

use crate::{program::Program, sandbox::Server};

const TOKEN: &str = "a-token-that-nobody-guesses";

#[test]
fn sandbox_on_another_host_is_called_with_its_keys() {
    let program = Program::new().env("WXPAY_SANDBOX_TOKEN", TOKEN);
    let server = Server::start(&program, &["--bind", "0.0.0.0", "--host", "sandbox"]);
    // Linux connects to itself at this address, which is not loopback for the client.
    let url = server.base_uri().replace("127.0.0.1", "0.0.0.0");
    assert!(url.starts_with("http://0.0.0.0:"), "{url}");
    let sandbox = format!("--sandbox={url}");
    let echo = ["post", "v3/security/echo", "-f", "echo_message=hello"];
    let answer = program.run(&[&echo[..], &[&sandbox]].concat()).ok();
    assert!(answer.contains("hello"), "{answer}");

    let stranger = Program::new();
    let refused = stranger.run(&[&echo[..], &[&sandbox]].concat());
    let message = refused.failed(5);
    assert!(message.contains("401"), "{message}");
}

#[test]
fn host_is_a_name_without_a_port() {
    let program = Program::new();
    let refused = program.run(&["sandbox", "--port", "0", "--host", "sandbox:8080"]);
    let message = refused.failed(3);
    assert!(message.contains("invalid host `sandbox:8080`"), "{message}");
}
