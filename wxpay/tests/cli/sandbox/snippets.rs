//! The code of `wxpay sandbox config --for`, run in each language: the folder of the keys has a name that means
//! something in every one of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::Server;
use crate::{material, program::Program};

/// Quotes, escapes, variables, places of a template, an end of a line, and letters of two lengths in UTF-16.
const FOLDER: &str = "it's \"a\" \\u0041\\n $HOME ${x} `id` {mchid} %20 #x 密钥𠮷\nsecond //line*/";
/// As `--keys` has it: a folder in a folder, since the name has slashes.
const PAGE: &str = "page";

struct Reader {
    program: Program,
    merchant: PathBuf,
}

impl Reader {
    /// Starts a sandbox with the keys in that folder, and ends it: the code is not sent anywhere.
    fn new() -> Self {
        let program = Program::new();
        let keys = program.home().join(FOLDER);
        let server = Server::of(&mut program.command(&[
            "--json",
            "sandbox",
            "--port=0",
            "--merchant=1900000109",
            "--keys",
            keys.to_str().unwrap(),
        ]));
        drop(server);
        fs::create_dir(program.home().join(PAGE)).unwrap();
        let merchant = fs::canonicalize(keys.join("1900000109")).unwrap();
        Self { program, merchant }
    }

    fn code(&self, language: &str) -> String {
        let arguments = ["sandbox", "config", "--for", language, "--keys"];
        let keys = self.program.home().join(FOLDER);
        let arguments = [&arguments[..], &[keys.to_str().unwrap()]].concat();
        self.program.run(&arguments).ok()
    }

    fn save(&self, name: &str, text: &str) {
        let path = self.program.home().join(PAGE).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs a command in the folder of the code, which must succeed, and returns what it prints.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.program.home().join(PAGE))
            .env(
                "GOCACHE",
                Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache"),
            )
            .env("GO111MODULE", "off")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program}: {text}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.merchant.to_str().unwrap())
    }

    /// Checks that a program has read both keys by the paths in its code.
    fn has_read(&self, printed: &str) {
        let read = |name: &str| fs::read_to_string(self.file(name)).unwrap();
        let expected = read("apiclient_key.pem") + &read("pub_key.pem");
        let lines = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert!(
            lines(printed) == lines(&expected),
            "not the keys: {printed}"
        );
    }

    /// Returns the argument that a shell reads after `start` in a comment of the code.
    fn argument(&self, code: &str, start: &str) -> String {
        let line = code.lines().find(|line| line.contains(start)).unwrap();
        let (_, argument) = line.split_once(start).unwrap();
        self.run("bash", &["-c", &format!("printf %s\\\\n {argument}")])
    }
}

/// Returns whether a compiler is installed, which CI has not.
fn has_compiler(program: &str, argument: &str) -> bool {
    let output = Command::new(program).arg(argument).output();
    let has_it = output.is_ok_and(|output| output.status.success());
    if !has_it {
        println!("skipped: {program} is not installed");
    }
    has_it
}

#[test]
fn php_reads_the_keys() {
    if !material::has_program("php") {
        return;
    }
    let reader = Reader::new();
    reader.save(
        "stub.php",
        "<?php namespace WeChatPay; class Builder { static function factory($options) {} }
         namespace WeChatPay\\Crypto; class Rsa { const KEY_TYPE_PUBLIC = 0, KEY_TYPE_PRIVATE = 1;
         static function from($uri) { echo file_get_contents(substr($uri, 7)); } }",
    );
    reader.save("config.php", &reader.code("php"));
    reader.run("php", &["-l", "config.php"]);
    let code = "require 'stub.php'; require 'config.php';";
    reader.has_read(&reader.run("php", &["-r", code]));
}

#[test]
fn node_reads_the_keys() {
    if !material::has_program("node") {
        return;
    }
    let reader = Reader::new();
    reader.save(
        "node_modules/wechatpay-axios-plugin/index.js",
        "const fs = require('fs');
         exports.Wechatpay = class {};
         exports.Rsa = { from: (uri) => process.stdout.write(fs.readFileSync(uri.slice(7))) };",
    );
    reader.save("config.js", &reader.code("node"));
    reader.run("node", &["--check", "config.js"]);
    reader.has_read(&reader.run("node", &["config.js"]));
}

#[test]
fn python_reads_the_keys() {
    if !material::has_program("python3") {
        return;
    }
    let reader = Reader::new();
    reader.save(
        "wechatpayv3.py",
        "class WeChatPayType: NATIVE = 0
def WeChatPay(private_key, public_key, **_): print(private_key + public_key, end='')
",
    );
    let code = reader.code("python");
    reader.save("config.py", &code);
    reader.run("python3", &["-m", "py_compile", "config.py"]);
    reader.has_read(&reader.run("python3", &["config.py"]));
    let file = reader.argument(&code, "REQUESTS_CA_BUNDLE=");
    assert_eq!(file, reader.file("ca.pem") + "\n");
}

#[test]
fn go_reads_the_keys() {
    if !has_compiler("go", "version") {
        return;
    }
    let reader = Reader::new();
    let code = reader.code("go");
    reader.save("config.go", &code);
    reader.run("gofmt", &["-e", "config.go"]);
    // The SDK is not here: the lines with the paths are.
    let paths: String = code
        .lines()
        .filter_map(|line| line.split_once("Path(")?.1.strip_suffix(')'))
        .map(|path| format!("\tbytes, _ = os.ReadFile({path}); fmt.Print(string(bytes))\n"))
        .collect();
    reader.save(
        "read/main.go",
        &format!("package main\nimport (\"fmt\"; \"os\")\nfunc main() {{\n\tvar bytes []byte\n{paths}}}\n"),
    );
    reader.has_read(&reader.run("go", &["run", "read/main.go"]));
    let file = reader.argument(&code, "SSL_CERT_FILE=");
    assert_eq!(file, reader.file("ca.pem") + "\n");
}

#[test]
fn java_reads_the_keys() {
    if !has_compiler("javac", "-version") {
        return;
    }
    let reader = Reader::new();
    reader.save(
        "com/wechat/pay/java/core/RSAPublicKeyConfig.java",
        "package com.wechat.pay.java.core;
         public class RSAPublicKeyConfig {
             public static class Builder {
                 Builder read(String path) {
                     try { System.out.print(java.nio.file.Files.readString(java.nio.file.Path.of(path))); }
                     catch (java.io.IOException e) { throw new java.io.UncheckedIOException(e); }
                     return this;
                 }
                 public Builder privateKeyFromPath(String path) { return read(path); }
                 public Builder publicKeyFromPath(String path) { return read(path); }
                 public Builder merchantId(String text) { return this; }
                 public Builder merchantSerialNumber(String text) { return this; }
                 public Builder publicKeyId(String text) { return this; }
                 public Builder apiV3Key(String text) { return this; }
                 public RSAPublicKeyConfig build() { return new RSAPublicKeyConfig(); }
             }
         }",
    );
    let code = reader.code("java");
    let main = "public static void main(String[] arguments) {}\n}\n";
    let end = code.rfind('}').unwrap();
    reader.save("WeChatPay.java", &format!("{}{main}", &code[..end]));
    reader.run("javac", &["-encoding", "UTF-8", "WeChatPay.java"]);
    let utf8 = [
        "-Dsun.jnu.encoding=UTF-8",
        "-Dfile.encoding=UTF-8",
        "WeChatPay",
    ];
    reader.has_read(&reader.run("java", &utf8));
    let rest = code
        .lines()
        .find_map(|line| line.split_once(" -file "))
        .unwrap()
        .1;
    let argument = rest.replace(" -keystore sandbox.p12 -storepass sandbox", "");
    let read = reader.run("bash", &["-c", &format!("printf %s\\\\n {argument}")]);
    assert_eq!(read, reader.file("ca.pem") + "\n");
}

#[test]
fn rust_reads_the_keys() {
    if !material::has_program("rustc") {
        return;
    }
    let reader = Reader::new();
    let steps = "base_uri mchid serial apiv3_key apiv2_key".split(' ');
    let steps: String = steps
        .map(|step| format!("pub fn {step}(self, _: &str) -> Self {{ self }}\n"))
        .collect();
    let code = reader.code("rust");
    reader.save(
        "config.rs",
        &format!(
            "mod wechatpay_chain {{
                pub struct Client;
                pub type PrivateKey = Client;
                pub type PublicKey = Client;
                impl Client {{
                    pub fn builder() -> Self {{ Self }}
                    pub fn no_proxy(self) -> Self {{ self }}
                    pub fn private_key(self, _: Client) -> Self {{ self }}
                    pub fn platform_key(self, _: &str, _: Client) -> Self {{ self }}
                    pub fn from_pem_file(path: &str) -> std::io::Result<Self> {{
                        print!(\"{{}}\", std::fs::read_to_string(path)?);
                        Ok(Self)
                    }}
                    pub fn build(self) -> std::io::Result<Self> {{ Ok(self) }}
                    {steps}
                }}
            }}
            fn main() -> std::io::Result<()> {{\n{code}\nlet _ = client;\nOk(())\n}}"
        ),
    );
    reader.run("rustc", &["--edition=2024", "config.rs"]);
    reader.has_read(&reader.run("./config", &[]));
}

// macOS has no such names.
#[cfg(target_os = "linux")]
#[test]
fn folder_that_is_not_utf_8_is_an_error_and_not_another_path() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let program = Program::new();
    drop(Server::start(&program, &[]));
    let folder = program.home().join(OsStr::from_bytes(b"keys-\xff"));
    fs::rename(program.home().join("keys"), &folder).unwrap();
    let mut command = program.command(&["sandbox", "config", "--for", "python", "--keys"]);
    let refused = crate::program::Run::from(command.arg(&folder).output().unwrap()).failed(3);
    assert!(refused.contains("is not UTF-8"), "{refused}");
}
