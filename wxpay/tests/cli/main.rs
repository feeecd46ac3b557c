//! Runs the program as a person or a script does, against a sandbox in this process.

mod bills;
mod calls;
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
mod notify;
mod program;
mod sandbox;
mod setup;
