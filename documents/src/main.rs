//! Packs what WeChat Pay documents for the library, and reports what a newer edition changes.
//!
//! - `documents report FOLDER` compares the edition in this folder with the one in `FOLDER`.
//! - `documents pack` writes `src/catalog/documents/packed.bin` from this folder.

mod edition;
mod pack;
mod report;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use edition::Edition;

const USAGE: &str = "\
usage: documents report FOLDER   reports what the edition in FOLDER adds, changes and removes
       documents pack            writes packed.bin from the edition in this repository

An edition is a folder with `fields.jsonl`, `events.jsonl` and `operations.tsv`; README.md in the folder
`documents` describes them.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["report", folder] => report(Path::new(folder)),
        ["pack"] => pack(),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn report(folder: &Path) -> Result<(), String> {
    let known = Edition::in_repository()?;
    let new = Edition::in_folder(folder)?;
    print!("{}", report::compare(&known, &new));
    Ok(())
}

fn pack() -> Result<(), String> {
    let edition = Edition::in_repository()?;
    let path = repository().join("src/catalog/documents/packed.bin");
    let packed = pack::pack(&edition)?;
    std::fs::write(&path, &packed).map_err(|err| format!("{}: {err}", path.display()))?;
    println!("packed.bin: {} bytes", packed.len());
    Ok(())
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
