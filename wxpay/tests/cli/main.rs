//! Runs the program as a person or a script does, against a sandbox in this process.

mod calls;
mod doctor;
mod program;
mod setup;
