//! Replays the corpus, on stable Rust: see README.md.

use std::{fs, path::Path};

use wechatpay_chain_fuzz as targets;

/// The name of a target, and its function.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 8] = [
    ("bill", targets::bill),
    ("key", targets::key),
    ("notification", targets::notification),
    ("options", targets::options),
    ("query", targets::query),
    ("response", targets::response),
    ("template", targets::template),
    ("xml", |data| drop(targets::xml(data))),
];

#[test]
fn every_input_keeps_every_promise() {
    for (name, target) in TARGETS {
        for (file, data) in corpus(name) {
            // If the target panics, the last line names the input.
            println!("{file}");
            target(&data);
        }
    }
}

/// Quadratic time would take minutes here.
#[test]
fn repeated_inputs_take_linear_time() {
    for (name, target) in TARGETS {
        for (file, data) in corpus(name).into_iter().step_by(7) {
            println!("{file}");
            let long = data.repeat(1 + (1 << 17) / data.len().max(1));
            target(&long);
        }
    }
}

#[test]
fn every_target_has_a_corpus() {
    let folders = fs::read_dir(corpus_folder()).unwrap();
    let mut folders: Vec<_> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, TARGETS.map(|(name, _)| name));
}

/// The inputs of a target, in the order of their names.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(corpus_folder().join(name))
        .unwrap_or_else(|err| panic!("fuzz/corpus/{name}: {err}"))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "fuzz/corpus/{name} is empty");
    files
}

fn corpus_folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"))
}
