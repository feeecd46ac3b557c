//! The types of all operations and events, compiled. `.ci/long types` runs this: it takes minutes.
//! `WXPAY_TYPES_STEP=30` compiles each 30th only.

use std::{collections::HashSet, env, fmt::Write, fs, path::Path, process::Command};

use serde_json::{Value, json};
use wechatpay_chain::catalog;

use super::samples::{filled, recorded};
use crate::program::Program;

/// One crate of all types needs too much memory.
const CRATES: usize = 8;

/// Reads lines of `{ name, type, value }`, and compares each value with what the type makes of it.
const MAIN: &str = r#"
use std::{collections::HashMap, fs, process::ExitCode};

fn main() -> ExitCode {
    let types: HashMap<_, _> = tables().into_iter().flatten().copied().collect();
    let (mut same, mut in_order, mut failed) = (0, 0, 0);
    for line in fs::read_to_string("values.jsonl").unwrap().lines() {
        let sample: serde_json::Value = serde_json::from_str(line).unwrap();
        let key = sample["type"].as_str().unwrap();
        match types[key](&sample["value"]) {
            Ok(value) if value == sample["value"] => {
                same += 1;
                in_order += usize::from(value.to_string() == sample["value"].to_string());
            }
            Ok(value) => {
                failed += 1;
                println!("{key}: {} became {value}", sample["value"]);
            }
            Err(err) => {
                failed += 1;
                println!("{key}: {err}");
            }
        }
    }
    println!("{same} values unchanged, {in_order} of them in the same order; {failed} differ");
    ExitCode::from(u8::from(failed > 0))
}
"#;

const TRIP: &str = r#"
pub type Trip = fn(&serde_json::Value) -> Result<serde_json::Value, String>;

fn trip<T: serde::de::DeserializeOwned + serde::Serialize>(
    value: &serde_json::Value,
) -> Result<serde_json::Value, String> {
    let value: T = serde_json::from_value(value.clone()).map_err(|err| err.to_string())?;
    serde_json::to_value(value).map_err(|err| err.to_string())
}
"#;

#[test]
#[ignore = "compiles the types of all operations: run `.ci/long types`"]
fn types_of_all_operations_and_events_compile_and_keep_values() {
    let step = env::var("WXPAY_TYPES_STEP").map_or(1, |step| step.parse().unwrap());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("types-{step}"));
    // What was compiled before stays.
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        if entry.file_name() != "target" {
            let path = entry.path();
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
    }
    fs::create_dir_all(&folder).unwrap();
    let sources = sources(step);
    let crates = sources.chunks(sources.len().div_ceil(CRATES)).enumerate();
    let names: Vec<_> = crates
        .map(|(number, sources)| write_crate(&folder, number, sources))
        .collect();
    write_program(&folder, &names);
    write_values(&folder, &sources);

    let cargo = |arguments: &[&str]| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(arguments)
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("RUSTFLAGS", "-D warnings")
            .status();
        assert!(status.unwrap().success(), "cargo {arguments:?}");
    };
    cargo(&["run", "--offline", "--quiet"]);
}

/// A generated source, by what it is of.
struct Source {
    key: String,
    text: String,
    types: Vec<String>,
}

/// Runs the program for each operation and each event.
fn sources(step: usize) -> Vec<Source> {
    let program = Program::new();
    let operations = catalog::all().iter().map(|operation| operation.to_string());
    let events = catalog::events().map(|event| format!("{} {}", event.version(), event.name()));
    operations
        .chain(events)
        .step_by(step)
        .map(|key| {
            let run = program.run(&["types", "--json", &key]);
            assert_eq!(run.code, 0, "{key}: {}", run.stderr);
            let value: Value = serde_json::from_str(&run.stdout).unwrap();
            let types = value["types"].as_array().unwrap().iter();
            Source {
                key,
                text: value["source"].as_str().unwrap().to_owned(),
                types: types
                    .map(|name| name.as_str().unwrap().to_owned())
                    .collect(),
            }
        })
        .collect()
}

const DEPENDENCIES: &str = "serde = { version = \"1\", features = [\"derive\"] }\n\
     serde_json = { version = \"1\", features = [\"preserve_order\"] }\n";

fn write_crate(folder: &Path, number: usize, sources: &[Source]) -> String {
    let name = format!("types{number}");
    let source = folder.join(&name).join("src");
    fs::create_dir_all(&source).unwrap();
    let mut modules = String::new();
    // A static, so that the code is made in this crate, and not all of it in the program's.
    let mut table = String::from("\npub static TYPES: &[(&str, Trip)] = &[\n");
    for (at, Source { key, text, types }) in sources.iter().enumerate() {
        fs::write(source.join(format!("m{at}.rs")), text).unwrap();
        let _ = writeln!(modules, "pub mod m{at};");
        for ty in types {
            let _ = writeln!(
                table,
                "    ({:?}, trip::<m{at}::{ty}>),",
                format!("{key} {ty}")
            );
        }
    }
    // Only the modules are checked by rustfmt.
    fs::write(
        source.join("lib.rs"),
        format!("{modules}\n#[rustfmt::skip]\nmod table {{ use super::*; {TRIP}{table}];\n}}\npub use table::*;\n"),
    )
    .unwrap();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n{DEPENDENCIES}"
    );
    fs::write(folder.join(&name).join("Cargo.toml"), manifest).unwrap();
    name
}

fn write_program(folder: &Path, crates: &[String]) {
    let mut manifest = String::from(
        "[workspace]\nmembers = [\"types*\"]\n\n[package]\nname = \"all-types\"\nedition = \"2024\"\n\n\
         [profile.dev]\ndebug = 0\nincremental = false\n\n[dependencies]\n",
    );
    manifest.push_str(DEPENDENCIES);
    let mut tables =
        String::from("fn tables() -> Vec<&'static [(&'static str, types0::Trip)]> { vec![");
    for name in crates {
        let _ = writeln!(manifest, "{name} = {{ path = \"{name}\" }}");
        let _ = write!(tables, "{name}::TYPES, ");
    }
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    // The versions that are there already, so that nothing is downloaded.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock")).unwrap();
    fs::create_dir_all(folder.join("src")).unwrap();
    let main = format!(
        "#[rustfmt::skip]\nmod all {{{MAIN}{tables}] }}\npub fn run() -> ExitCode {{ main() }}\n}}\n\nfn main() -> std::process::ExitCode {{\n    all::run()\n}}\n"
    );
    fs::write(folder.join("src/main.rs"), main).unwrap();
}

/// Writes the recorded requests, and all documented fields of every response and every event.
fn write_values(folder: &Path, sources: &[Source]) {
    let mut lines = String::new();
    let types: HashSet<String> = sources
        .iter()
        .flat_map(|source| source.types.iter().map(|ty| format!("{} {ty}", source.key)))
        .collect();
    let mut add = |ty: String, value: Value| {
        if types.contains(&ty) {
            let _ = writeln!(lines, "{}", json!({ "type": ty, "value": value }));
        }
    };
    for (operation, options) in recorded() {
        add(format!("{operation} Request"), options);
    }
    for operation in catalog::all() {
        let is_text = operation.version() == "v2";
        if !operation.response().is_empty() {
            add(
                format!("{operation} Response"),
                filled(operation.response(), is_text),
            );
        }
    }
    for event in catalog::events().filter(|event| !event.fields().is_empty()) {
        let is_text = event.version() == "v2";
        let ty = if is_text { "Notification" } else { "Resource" };
        let key = format!("{} {} {ty}", event.version(), event.name());
        add(key, filled(event.fields(), is_text));
    }
    fs::write(folder.join("values.jsonl"), lines).unwrap();
}
