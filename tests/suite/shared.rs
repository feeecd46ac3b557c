//! The reference material beside the project, where it is there.

use std::path::PathBuf;

use serde_json::Value;

/// The lines of a file of vectors, or `None`, said aloud, where the material is not there.
pub fn lines(name: &str) -> Option<Vec<Value>> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors")).join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(
            text.lines()
                .map(|line| serde_json::from_str(line).expect("a line of JSON"))
                .collect(),
        ),
        Err(_) => {
            println!("left out: {name} is not beside the project");
            None
        }
    }
}
