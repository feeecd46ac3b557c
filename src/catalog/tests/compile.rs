//! What the compiler makes of `path!`: the error message, and what remains in a program.
//!
//! The files that `path!` needs are compiled on their own, with `rustc` and without cargo, so that the
//! tests need no lock and no network. `RUSTC` selects another compiler.

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command, Output},
};

use crate::material;

/// A small crate with the same files in the same modules, and the part of `http` that they use.
const CRATE: &str = r#"
    extern crate self as http;
    #[derive(Debug)]
    pub struct Method(&'static str);
    impl Method {
        pub const GET: Self = Self("GET");
        pub const POST: Self = Self("POST");
        pub const PUT: Self = Self("PUT");
        pub const PATCH: Self = Self("PATCH");
        pub const DELETE: Self = Self("DELETE");
    }
    impl std::fmt::Display for Method {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    mod base {
        #[path = "HERE/../base/edit_distance.rs"]
        pub(crate) mod edit_distance;
    }
    pub mod catalog {
        #[path = "HERE/key.rs"]
        mod key;
        #[path = "HERE/nearest.rs"]
        mod nearest;
        #[path = "HERE/operation.rs"]
        mod operation;
        #[path = "HERE/path.rs"]
        mod path;
        #[path = "HERE/table.rs"]
        mod table;
        pub use path::documented;
        pub fn all() -> &'static [operation::Operation] {
            &table::OPERATIONS
        }
    }
"#;

const PROGRAM: [&str; 6] = [
    "--edition=2024",
    "program.rs",
    "-o",
    "program",
    "--extern",
    "wechatpay_chain=libwechatpay_chain.rlib",
];

#[test]
fn error_shows_the_nearest_documented_path() {
    let Some(compiler) = Compiler::new("error") else {
        return;
    };
    for (path, nearest) in [
        ("v3/pay/transactions/natve", "v3/pay/transactions/native"),
        (
            "v3/pay/transactions/outTradeNo/{no}",
            "v3/pay/transactions/out-trade-no/{out_trade_no}",
        ),
        ("v2/pay/unified-order", "v2/pay/unifiedorder"),
        // Similar to none of them. The only error must be ours.
        ("支付 {}{}/{}/%%/😀", ""),
    ] {
        let program = format!("pub const P: &str = wechatpay_chain::path!({path:?});");
        // Like `cargo check`, without code generation.
        let output = compiler.run(&program, &["--crate-type=lib", "--emit=metadata"]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        let expected =
            format!("undocumented path `{path}`: the nearest documented path is `{nearest}");
        assert!(text.contains(&expected), "{text}");
        assert!(text.contains("program.rs:1:"), "{text}");
        assert_eq!(text.matches("error[").count(), 1, "{text}");
        assert!(!text.contains("long_running_const_eval"), "{text}");
    }
}

#[test]
fn program_contains_the_catalogue_only_if_it_uses_it() {
    let Some(compiler) = Compiler::new("size") else {
        return;
    };
    let contains = |program: &str| {
        let output = compiler.run(program, &["--crate-type=bin", "-Copt-level=0"]);
        assert!(output.status.success(), "{output:?}");
        let program = fs::read(compiler.folder.join("program")).unwrap();
        // A documented path that the program does not mention.
        let template = b"v2/applyment/micro/getupgradestate";
        program.windows(template.len()).any(|w| w == template)
    };
    assert!(!contains(
        r#"fn main() { println!("{}", wechatpay_chain::path!("v3/certificates")) }"#
    ));
    assert!(contains(
        "fn main() { for o in wechatpay_chain::catalog::all() { println!(\"{o}\") } }"
    ));
}

/// A temporary folder with the small crate, compiled.
struct Compiler {
    folder: PathBuf,
}

impl Compiler {
    fn new(name: &str) -> Option<Self> {
        let folder = env::temp_dir().join(format!("wechatpay-chain-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let compiler = Self { folder };
        if Command::new(rustc()).arg("--version").output().is_err() {
            material::skipped("rustc is not installed");
            return None;
        }
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/catalog").replace('\\', "/");
        fs::write(compiler.folder.join("lib.rs"), CRATE.replace("HERE", &here)).unwrap();
        let output = compiler
            .command()
            .args(["--edition=2024", "--cap-lints=warn", "--crate-type=rlib"])
            .args(["--crate-name=wechatpay_chain", "lib.rs"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        Some(compiler)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        fs::write(self.folder.join("program.rs"), program).unwrap();
        self.command()
            .args(PROGRAM)
            .args(arguments)
            .output()
            .unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(rustc());
        command.current_dir(&self.folder);
        command
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        // The folder is in the temporary directory: a failure does not matter.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn rustc() -> std::ffi::OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}
