//! The kept inputs, through the functions that the fuzz targets call.
#![cfg(test)]

use std::{fs, path::Path};

use crate::material;

/// The name of a target, and its function.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 8] = [
    ("answer", super::answer),
    ("bill", super::bill),
    ("key", super::key),
    ("notification", super::notification),
    ("options", super::options),
    ("query", super::query),
    ("template", super::template),
    ("xml", |data| drop(super::xml(data))),
];

#[test]
fn the_kept_inputs_keep_every_promise() {
    for (name, target) in TARGETS {
        for (file, data) in kept(name) {
            // The last line says which input it was, should it fail.
            println!("{file}");
            target(&data);
        }
    }
}

/// Quadratic time would take minutes here.
#[test]
fn the_kept_inputs_many_times_over_take_time_in_proportion() {
    for (name, target) in TARGETS {
        for (file, data) in kept(name).into_iter().step_by(7) {
            println!("{file}");
            let long = data.repeat(1 + (1 << 17) / data.len().max(1));
            target(&long);
        }
    }
}

/// The files of a target, in the order of their names. None where the corpus is not, as in the
/// published package.
fn kept(name: &str) -> Vec<(String, Vec<u8>)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    if !corpus.exists() {
        material::skipped("fuzz/corpus is not here");
        return Vec::new();
    }
    let mut files = fs::read_dir(corpus.join(name))
        .unwrap_or_else(|err| panic!("fuzz/corpus/{name}: {err}"))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect::<Vec<_>>();
    files.sort();
    assert!(!files.is_empty(), "fuzz/corpus/{name} is empty");
    files
}
