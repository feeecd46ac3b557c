//! The guide's pages for other languages: each is followed as a reader would, from the start of the sandbox to
//! the paid order.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{material, npm, pip, program::Program, sandbox::Server};

#[test]
fn node_page_leads_to_a_paid_order() {
    let Some(page) = Page::read("node") else {
        return;
    };
    let package = page.line("npm install ").replace("npm install ", "");
    let Some(modules) = npm::installed(&package) else {
        return;
    };
    let reader = Reader::new(&page);
    unix::fs::symlink(modules, reader.folder().join("node_modules")).unwrap();
    reader.save("shop.js", page.block("js"));
    reader.follow("node shop.js ");
}

#[test]
fn python_page_leads_to_a_paid_order() {
    let (Some(page), Some(requirements)) = (
        Page::read("python"),
        material::text("../tests/python/requirements.txt"),
    ) else {
        return;
    };
    let package = page.line("venv/bin/pip install ");
    let package = package.replace("venv/bin/pip install ", "");
    assert!(requirements.contains(&format!("\n{package} ")), "{package}");
    let Some(python) = pip::with_packages(&requirements) else {
        return;
    };
    let reader = Reader::new(&page);
    let environment = python.ancestors().nth(2).unwrap();
    unix::fs::symlink(environment, reader.folder().join("venv")).unwrap();
    reader.save("shop.py", page.block("python"));
    // The host is a constant, and nothing but the two variables of this line leads to the sandbox.
    reader.follow("HTTPS_PROXY=");
}

#[test]
fn php_page_leads_to_a_paid_order() {
    let Some(page) = Page::read("php") else {
        return;
    };
    if !material::has_program("php") {
        return;
    }
    for function in ["curl_init", "openssl_sign"] {
        let code = format!("exit(function_exists('{function}') ? 0 : 1);");
        let has = Command::new("php").args(["-r", &code]).status().unwrap();
        if !has.success() {
            material::skipped(format_args!("php has no {function}"));
            return;
        }
    }
    let reader = Reader::new(&page);
    let mut scripts = page.blocks("php");
    reader.save("shop.php", scripts.next().unwrap());
    // The official SDK is not here: its code is checked for its syntax alone.
    reader.save("sdk.php", scripts.next().unwrap());
    for script in ["sdk.php", "wechatpay.php"] {
        let line = format!("php -l {script}");
        let checked = reader.shell(&line).output().unwrap();
        assert!(checked.status.success(), "{script}: {checked:?}");
    }
    reader.follow("php shop.php ");
}

/// A page of the guide.
struct Page {
    name: String,
    text: String,
}

impl Page {
    fn read(name: &str) -> Option<Self> {
        let text = material::text(&format!("../docs/guide/en/languages/{name}.md"))?;
        let name = name.to_owned();
        Some(Self { name, text })
    }

    /// Returns the one block of this kind.
    fn block(&self, kind: &str) -> &str {
        let mut blocks = self.blocks(kind);
        let block = blocks.next().expect("a block");
        assert!(blocks.next().is_none(), "two blocks of {kind}");
        block
    }

    fn blocks(&self, kind: &str) -> impl Iterator<Item = &str> {
        let blocks = self.text.split("```").skip(1).step_by(2);
        blocks.filter_map(move |block| block.strip_prefix(kind)?.strip_prefix('\n'))
    }

    /// Returns the one line of the shell that starts so.
    fn line(&self, start: &str) -> &str {
        let lines = self.blocks("sh").flat_map(str::lines);
        let found: Vec<_> = lines.filter(|line| line.starts_with(start)).collect();
        assert_eq!(found.len(), 1, "{start} in {}: {found:?}", self.name);
        found[0]
    }
}

/// Someone who follows a page, in a folder that is empty at first. The page's ports are fixed ones; here they
/// are those of this sandbox.
struct Reader<'a> {
    page: &'a Page,
    program: Program,
    sandbox: Server,
    http: String,
    proxy: String,
}

impl<'a> Reader<'a> {
    /// Starts the sandbox, and writes the configuration.
    fn new(page: &'a Page) -> Self {
        let program = Program::new();
        let line = page
            .line("wxpay sandbox --")
            .replace("--proxy", "--proxy=0");
        let arguments = line.strip_prefix("wxpay sandbox --keys keys").unwrap();
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        let sandbox = Server::start(&program, &arguments);
        let base = |name: &str| {
            let uri = sandbox.banner[name].as_str().unwrap_or_default();
            uri.trim_end_matches('/').to_owned()
        };
        let (http, proxy) = (base("base_uri"), base("proxy_uri"));
        let reader = Self {
            page,
            program,
            sandbox,
            http,
            proxy,
        };
        let mut config = reader.shell(page.line("wxpay sandbox config "));
        assert!(config.status().unwrap().success());
        reader
    }

    fn folder(&self) -> &Path {
        self.program.home()
    }

    fn save(&self, name: &str, content: &str) {
        fs::write(self.folder().join(name), content).unwrap();
    }

    /// Returns a line of the page as a command of the shell.
    fn shell(&self, line: &str) -> Command {
        let line = line
            .replace("http://127.0.0.1:8080", &self.http)
            .replace("http://127.0.0.1:8081", &self.proxy);
        let own = Path::new(env!("CARGO_BIN_EXE_wxpay")).parent().unwrap();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = [own.to_owned()].into_iter().chain(env::split_paths(&path));
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &line])
            .current_dir(self.folder())
            .env_clear()
            .env("HOME", self.folder())
            .env("PATH", env::join_paths(path).unwrap())
            // The program takes a free one.
            .env("PORT", "0")
            .stdin(Stdio::null());
        shell
    }

    /// Runs the page's program, pays as the page does, and compares what the program prints with the page.
    fn follow(self, start: &str) {
        if !material::has_program("curl") {
            return;
        }
        // In place of the shell, so that it is the program that is killed if the test fails.
        let line = format!("exec env {} 2>&1", self.page.line(start));
        let mut program = Running::start(&mut self.shell(&line));
        let mut printed = Vec::new();
        while let Some(line) = program.line() {
            // It would wait forever.
            assert!(!line.starts_with("refused:"), "{line}");
            let is_placed = line.starts_with("weixin://wxpay/bizpayurl?pr=");
            // Python's server logs what it receives.
            if !line.contains("\"POST /notify HTTP/1.1\" 204") {
                printed.push(line);
            }
            if is_placed {
                let mut pay = self.shell(self.page.line("curl -X POST "));
                let paid = pay.output().unwrap();
                let paid: Value = serde_json::from_slice(&paid.stdout).unwrap();
                assert_eq!(paid["state"], "SUCCESS", "{paid}");
            }
        }
        assert!(program.child.wait().unwrap().success(), "{printed:#?}");
        let shown: Vec<_> = self.page.block("text").lines().collect();
        assert_eq!(printed.len(), shown.len(), "{printed:#?}");
        for (line, shown) in printed.iter().zip(shown) {
            match shown.strip_suffix('…') {
                Some(start) => assert!(line.starts_with(start), "{line}"),
                None => assert_eq!(line, shown),
            }
        }
        self.has_one_acknowledged_notification();
    }

    fn has_one_acknowledged_notification(&self) {
        let url = format!("{}_sandbox/v1/notifications", self.sandbox.base_uri());
        let mut response = ureq::get(url).call().unwrap();
        let notifications: Value = response.body_mut().read_json().unwrap();
        let notifications = notifications["data"].as_array().unwrap();
        assert_eq!(notifications.len(), 1, "{notifications:#?}");
        assert_eq!(notifications[0]["state"], "acknowledged");
    }
}

/// How long a program may print nothing: far longer than any of them needs, also on a machine that is busy. A
/// notification that never arrives is a failure, and not a test that never ends.
const MAX_SILENCE: Duration = Duration::from_secs(180);

/// A process that is killed on drop.
struct Running {
    child: Child,
    lines: Receiver<String>,
    /// All that it has printed.
    printed: Vec<String>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // It ends with the output of the program.
        thread::spawn(move || {
            let mut lines = stdout.lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line.trim_end().to_owned()))
        });
        Self {
            child,
            lines,
            printed: Vec::new(),
        }
    }

    /// Returns the next line of its output, or `None` at the end.
    fn line(&mut self) -> Option<String> {
        self.line_within(MAX_SILENCE)
    }

    fn line_within(&mut self, limit: Duration) -> Option<String> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => {
                self.printed.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!(
                "the program printed nothing for {limit:?}, after {:#?}",
                self.printed
            ),
        }
    }
}

#[test]
#[should_panic(expected = "the program printed nothing for 1ms, after []")]
fn program_that_waits_forever_fails_its_test() {
    // `cat` waits for its input, which does not come.
    let mut program = Running::start(Command::new("cat").stdin(Stdio::piped()));
    program.line_within(Duration::from_millis(1));
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
