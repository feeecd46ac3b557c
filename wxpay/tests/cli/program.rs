//! The program under test, with a home of its own and nothing of this machine's environment.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;
use wechatpay_chain::sandbox::Sandbox;

/// A home folder and an environment for the program. The folder is deleted on drop.
pub(crate) struct Program {
    home: PathBuf,
    variables: Vec<(String, String)>,
}

/// What a run printed, and how it ended.
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Program {
    /// Returns the program in an empty home, in English.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("wxpay-{}-{number}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        Self {
            home,
            variables: Vec::new(),
        }
    }

    /// Returns the program with the keys of a sandbox in its environment.
    pub(crate) fn with(sandbox: &Sandbox) -> Self {
        let mut program = Self::new();
        let keys = program.export(sandbox);
        let config: Value =
            serde_json::from_str(&fs::read_to_string(keys.join("config.json")).unwrap()).unwrap();
        for (variable, name) in [
            ("MCHID", "mchid"),
            ("SERIAL", "serial"),
            ("APPID", "appid"),
            ("BASE_URI", "base_uri"),
            ("APIV3_KEY", "apiv3_key"),
            ("APIV2_KEY", "apiv2_key"),
            ("PUB_KEY_ID", "platform_key_id"),
        ] {
            program = program.env(&format!("WXPAY_{variable}"), config[name].as_str().unwrap());
        }
        for (variable, file) in [
            ("PRIVATE_KEY", "apiclient_key.pem"),
            ("CLIENT_CERTIFICATE", "apiclient_cert.pem"),
            ("PUB_KEY", "pub_key.pem"),
        ] {
            program = program.env(
                &format!("WXPAY_{variable}"),
                keys.join(file).to_str().unwrap(),
            );
        }
        program
    }

    /// Writes the keys of a sandbox, and returns their folder.
    pub(crate) fn export(&self, sandbox: &Sandbox) -> PathBuf {
        let folder = self.home.join("sandbox");
        sandbox.export(&folder).unwrap();
        folder.join(sandbox.mchid())
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes an environment variable that was set before.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self
    }

    /// Returns the program in Chinese.
    pub(crate) fn in_chinese(self) -> Self {
        self.env("WXPAY_LANG", "zh")
    }

    /// Returns the home folder, which is also where the program runs.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Returns the command with these arguments, before it runs.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wxpay"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.variables.iter().cloned())
            .current_dir(&self.home)
            .stdin(Stdio::null());
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs the program with this standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that does not read has closed the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

impl Run {
    /// Returns the standard output of a run that succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Returns the standard error of a run that ended with this exit code.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self.stderr
    }

    /// Returns the JSON value on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|err| panic!("{err}: {}{}", self.stdout, self.stderr))
    }
}
