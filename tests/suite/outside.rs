//! Implementations that are not ours: openssl and node.

use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

use super::material;

/// A file for the length of a test.
pub struct File(PathBuf);

impl File {
    pub fn new(content: impl AsRef<[u8]>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "wechatpay-chain-test-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).expect("a file");
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path of text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Whether one of the two is not here, so that the test is skipped.
#[track_caller]
pub fn absent() -> bool {
    !["openssl", "node"].into_iter().all(material::has_program)
}

/// What `openssl` writes; `Err` is what it complains of.
pub fn openssl(args: &[&str], stdin: &[u8]) -> Result<Vec<u8>, String> {
    material::run(Command::new("openssl").args(args), stdin)
}

/// What a script writes as JSON. It finds its input, a JSON value, as `input`.
pub fn node(script: &str, input: &Value) -> Value {
    let script = format!(
        "const crypto = require('crypto');\n\
         const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n\
         const output = (() => {{ {script} }})();\n\
         process.stdout.write(JSON.stringify(output));"
    );
    let out = material::run(
        Command::new("node").args(["-e", &script]),
        input.to_string().as_bytes(),
    );
    serde_json::from_slice(&out.expect("node succeeds")).expect("JSON")
}
