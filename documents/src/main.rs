//! Packs what WeChat Pay documents for the library, and reports what a newer edition changes.
//!
//! - `documents report FOLDER` compares the edition in `FOLDER` with the one in this repository. Like
//!   `diff`, it exits with 0 if nothing differs, with 1 if something does, with 2 after an error.
//! - `documents pack` writes `src/catalog/documents/packed.bin` from the edition in this repository.

mod edition;
mod overlay;
mod pack;
mod report;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use edition::Edition;
use overlay::Overlay;

const USAGE: &str = "\
usage: documents report FOLDER   reports what the edition in FOLDER adds, changes and removes
       documents pack            writes packed.bin from the edition in this repository

An edition is a folder with `operations.tsv`, `fields.jsonl` and `events.jsonl`. README.md in the folder
`documents` describes them.";

const NO_DIFFERENCE: u8 = 0;
const DIFFERENCES: u8 = 1;
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["report", folder] => report(Path::new(folder)),
        ["pack"] => pack(),
        _ => Err(USAGE.to_owned()),
    };
    ExitCode::from(done.unwrap_or_else(|message| {
        eprintln!("{message}");
        FAILED
    }))
}

fn report(folder: &Path) -> Result<u8, String> {
    let known = Edition::in_repository()?;
    let mut new = Edition::in_folder(folder)?;
    // What the library knows has the corrections, so the new edition gets them too.
    let needless = Overlay::in_repository()?.apply(&mut new);
    match report::compare(&known, &new, &needless) {
        None => {
            println!("No difference.");
            Ok(NO_DIFFERENCE)
        }
        Some(report) => {
            print!("{report}\n{}", next_steps(folder));
            Ok(DIFFERENCES)
        }
    }
}

fn next_steps(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "\
To take the new edition over, in this order (CONTRIBUTING.md has the details):

    cp {folder}/operations.tsv src/catalog/operations/list.tsv
    cp {folder}/fields.jsonl {folder}/events.jsonl documents/
    echo YYYY-MM-DD > documents/date           # the date of the pages
    # Correct documents/also.jsonl as reported above.
    CATALOG_UPDATE=1 cargo test catalogue      # twice
    cargo run -p wechatpay-documents -- pack
    cargo test --features documents catalog::
    cargo test -p wechatpay-documents
"
    )
}

fn pack() -> Result<u8, String> {
    let packed = pack::pack(&Edition::in_repository()?)?;
    let packed = pack::compress(&packed)?;
    let path = packed_bin();
    fs::write(&path, &packed).map_err(|err| format!("{}: {err}", path.display()))?;
    println!("{}: {} bytes", path.display(), packed.len());
    Ok(0)
}

fn packed_bin() -> PathBuf {
    repository().join("src/catalog/documents/packed.bin")
}

fn repository() -> &'static Path {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.parent().unwrap_or(folder)
}
