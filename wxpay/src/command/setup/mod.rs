//! What is done once: a profile, completions of the shell, manual pages.

pub(crate) mod complete;
mod completions;
mod init;
mod man;
mod profiles;

pub(crate) use self::{
    completions::{Args as CompletionsArgs, run as completions},
    init::{Args as InitArgs, run as init},
    man::{Args as ManArgs, run as man},
    profiles::run as profiles,
};
