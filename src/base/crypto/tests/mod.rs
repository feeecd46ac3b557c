//! The same tests for either backend, against openssl and node where they are installed.

mod bad_keys;
mod bad_texts;
mod certificates;
mod formats;
mod noise;
mod rsa;
mod symmetric;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    error::{Error, Result},
    material,
};

/// The openssl command, working in a folder of its own that goes away with it.
struct Openssl {
    folder: PathBuf,
}

impl Openssl {
    /// `None`, and a line that says so, where there is no openssl.
    fn find() -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);

        if !material::has_program("openssl") {
            return None;
        }
        let name = format!(
            "wechatpay-crypto-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        Some(Self { folder })
    }

    /// The output of `openssl` with these arguments, of which none has a space in it.
    fn run(&self, args: &str, input: &[u8]) -> Vec<u8> {
        run(
            "openssl",
            &args.split(' ').collect::<Vec<_>>(),
            input,
            &self.folder,
        )
    }

    fn text(&self, args: &str, input: &[u8]) -> String {
        String::from_utf8(self.run(args, input)).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// One PKCS#8 key of 2048 bits, drawn by openssl once for all tests.
fn key_pem(openssl: &Openssl) -> &'static str {
    static KEY: LazyLock<std::sync::OnceLock<String>> = LazyLock::new(Default::default);

    KEY.get_or_init(|| openssl.text("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", b""))
}

/// The output of a node script that gets `input` on its standard input.
fn node(script: &str, input: &[u8]) -> Option<Vec<u8>> {
    if !material::has_program("node") {
        return None;
    }
    Some(run("node", &["-e", script], input, &std::env::temp_dir()))
}

fn run(program: &str, args: &[&str], input: &[u8], folder: &Path) -> Vec<u8> {
    let mut command = Command::new(program);
    material::run(command.args(args).current_dir(folder), input)
        .unwrap_or_else(|err| panic!("{program} {args:?}: {err}"))
}

/// Asserts the whole text of the error.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, text: &str) -> Error {
    let err = result.unwrap_err();
    assert!(err.is_key(), "{err:?}");
    assert_eq!(err.to_string(), text);
    err
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
    digits
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}
