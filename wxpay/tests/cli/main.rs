//! Runs the program as a person or a script does, against a sandbox in this process.

mod bills;
mod calls;
#[cfg(unix)]
mod completions;
mod crypto;
mod doctor;
mod documents;
mod files;
mod help;
#[cfg(unix)]
mod hostile;
mod hosts;
mod interrupts;
#[cfg(unix)]
mod languages;
#[allow(dead_code)]
#[path = "../../../src/material.rs"]
mod material;
mod notify;
#[path = "../../../tests/suite/fixtures/npm.rs"]
mod npm;
mod page;
#[cfg(unix)]
#[path = "../../../tests/suite/fixtures/pip.rs"]
mod pip;
mod program;
mod sandbox;
mod setup;
