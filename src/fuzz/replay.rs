//! The kept inputs, through the functions that the fuzz targets call.
#![cfg(test)]

use std::{fs, path::Path};

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
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    if !corpus.exists() {
        return println!("left out: fuzz/corpus is not here");
    }
    for (name, target) in TARGETS {
        let mut files = fs::read_dir(corpus.join(name))
            .unwrap_or_else(|err| panic!("fuzz/corpus/{name}: {err}"))
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>();
        files.sort();
        assert!(!files.is_empty(), "fuzz/corpus/{name} is empty");
        for file in &files {
            // The last line says which input it was, should it fail.
            println!("{}", file.display());
            target(&fs::read(file).unwrap());
        }
    }
}
